"""What this machine can do at best, and what it is.

A workload's limit is the time that its costliest resource takes at the machine's own rate: what a
program on one thread would need that did nothing else, and did that as fast as it can be done here
(a matrix product by BLAS, a copy by the C library, exp, sine and normal draws by labcore's loops).
"""

import math
import os
import platform
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numba import njit

from benchmarks.workload import Cost
from labcore._math import exp, sin_cos_2pi
from labcore.random import normal_pair

IN_CACHE = 2**14  # doubles: two such arrays lie in a core's second-level cache
IN_MEMORY = 2**24  # doubles: 128 MiB, more than any cache


def rates(rounds: int = 15) -> dict[str, float]:
    """Units of each field of `Cost` per second on one thread, the best of some rounds."""
    generator = np.random.default_rng(1)
    a = generator.standard_normal((1024, 1024))
    product = np.empty_like(a)
    x = -generator.random(IN_CACHE)
    out = np.empty_like(x)
    source = np.ones(IN_MEMORY)
    copy = np.ones(IN_MEMORY)

    def many(loop: Callable, *args: object) -> Callable[[], None]:
        def repeat() -> None:
            for _ in range(100):
                loop(*args)

        return repeat

    tasks = {
        "gemm": (2.0 * 1024**3, lambda: np.dot(a, a, out=product)),
        "exps": (100.0 * IN_CACHE, many(_exps, x, out)),
        "sincos": (100.0 * IN_CACHE, many(_sines_and_cosines, x, out)),
        "normals": (100.0 * IN_CACHE, many(_normals, out)),
        "bytes": (16.0 * IN_MEMORY, lambda: np.copyto(copy, source)),
    }
    assert set(tasks) == set(Cost._fields)
    return {name: units / _best(task, rounds) for name, (units, task) in tasks.items()}


def limit(cost: Cost, rates: dict[str, float]) -> tuple[float, str]:
    """Milliseconds below which `cost` cannot be paid on one thread, and the resource to blame."""
    milliseconds = {name: 1e3 * units / rates[name] for name, units in cost._asdict().items()}
    bound_by = max(milliseconds, key=milliseconds.get)
    return milliseconds[bound_by], bound_by


def description() -> dict[str, str | int | None]:
    """The machine: processor, cores, memory, system."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count() or 1,
        "memory_GiB": _memory(),
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions(packages: list[str]) -> dict[str, str]:
    """Of Python and of those of the `packages` that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except FileNotFoundError:
        pass
    return platform.processor() or platform.machine()


def _memory() -> int | None:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (AttributeError, OSError, ValueError):  # not POSIX, or it does not say
        return None


def _best(task: Callable[[], object], rounds: int) -> float:
    task()  # compiles
    seconds = math.inf
    for _ in range(rounds):
        start = time.process_time()
        task()
        seconds = min(seconds, time.process_time() - start)
    return seconds


@njit(error_model="numpy")
def _exps(x, out):
    for i in range(x.size):
        out[i] = exp(x[i])


@njit(error_model="numpy")
def _sines_and_cosines(x, out):
    half = x.size // 2
    cosines, sines = out[:half], out[half:]
    for i in range(half):
        sines[i], cosines[i] = sin_cos_2pi(x[i])


@njit(error_model="numpy")
def _normals(out):
    half = out.size // 2
    first, second = out[:half], out[half:]
    for i in range(half):
        first[i], second[i] = normal_pair(1, 0, i)
