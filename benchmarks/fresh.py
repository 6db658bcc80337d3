"""What is measured in a process of its own: one workload, its first call, an import, the machine.

A process has its number of threads set before NumPy loads, a peer cannot disturb the next workload
with what it leaves behind, and only a fresh process shows what a first call costs.
"""

import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
TIMEOUT = 900.0
THREAD_COUNTS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMBA_NUM_THREADS",
    "RAYON_NUM_THREADS",
)


class Failed(Exception):
    """A fresh process did not come to an end, or ended with an error."""


def ask(task: str, *arguments: object, threads: int = 1, cache: str | None = None) -> Any:
    """Run one of this module's tasks in a fresh process, and return its result.

    `cache` is the folder for labcore's machine code, the user's own by default.
    """
    with tempfile.TemporaryDirectory() as folder:
        answer = Path(folder) / "answer.json"
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.fresh"]
        try:
            run = subprocess.run(
                [*command, str(answer), task, *map(str, arguments)],
                cwd=ROOT,
                env=environment(threads, cache),
                capture_output=True,
                text=True,
                timeout=TIMEOUT,
            )
        except subprocess.TimeoutExpired:
            raise Failed(f"took more than {TIMEOUT:.0f} s") from None
        if run.returncode or not answer.exists():
            lines = run.stderr.strip().splitlines() or [f"exit status {run.returncode}"]
            raise Failed(lines[-1])
        return json.loads(answer.read_text())


def environment(threads: int, cache: str | None = None) -> dict[str, str]:
    """The environment of a process in which everything, peers too, has `threads` threads."""
    return {
        **os.environ,
        **dict.fromkeys(THREAD_COUNTS, str(threads)),
        **({"LABCORE_CACHE_DIR": cache} if cache else {}),
        # Threads that wait must sleep: their turning would count as work.
        "OMP_WAIT_POLICY": "PASSIVE",
        "XLA_FLAGS": f"--xla_cpu_multi_thread_eigen={str(threads > 1).lower()}",
    }


def timing(name: str, threads: str, rounds: str) -> dict[str, Any]:
    """The workload `name`, with a number of threads that this process was started with."""
    from benchmarks.measure import compare
    from benchmarks.workload import MISSING
    from benchmarks.workloads import WORKLOADS

    (workload,) = [w for w in WORKLOADS if w.name == name]
    result = compare(
        workload.ways(),
        rounds=int(rounds) or workload.rounds,
        threads=int(threads),
        agree=workload.agree,
        worth=workload.worth,
    )
    return {**result._asdict(), "missing": sorted(MISSING)}


def first_call(name: str) -> float:
    """Seconds that the first use of labcore's way takes beyond a later one, imports apart.

    Making the inputs is part of it, since they come from labcore too; the peers are left out.
    """
    import benchmarks.workload

    benchmarks.workload.peer = lambda module: None
    from benchmarks.workloads import WORKLOADS

    (workload,) = [w for w in WORKLOADS if w.name == name]

    def use() -> float:
        start = time.process_time()
        next(iter(workload.ways().values()))()
        return time.process_time() - start

    return use() - min(use(), use())


def import_seconds(module: str) -> float:
    """Seconds to import `module`: of NumPy in a process without, of others in one with NumPy."""
    if module != "numpy":
        importlib.import_module("numpy")
    start = time.process_time()
    importlib.import_module(module)
    return time.process_time() - start


def machine() -> dict[str, float]:
    """The machine's rates on one thread."""
    from benchmarks.machine import rates

    return rates()


TASKS: dict[str, Callable] = {
    function.__name__: function for function in (timing, first_call, import_seconds, machine)
}


if __name__ == "__main__":
    answer_file, task_name, *task_arguments = sys.argv[1:]
    result = TASKS[task_name](*task_arguments)
    Path(answer_file).write_text(json.dumps(result))
