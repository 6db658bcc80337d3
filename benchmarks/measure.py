"""Time several ways of doing the same, in turn, so that a noisy machine is noisy for all of them.

What is measured is processor time, which a loaded machine disturbs less than wall time: of the
whole process for one thread, of the busiest thread for several. Ratios are taken pair by pair, and
their median is quoted.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

THREADS_OF_THIS_PROCESS = Path("/proc/self/task")
PATIENCE = 90.0  # seconds after which no further round of a workload is begun


class Timing(NamedTuple):
    """What was measured of a workload.

    Parameters
    ----------
    milliseconds : dict
        Of each way that worked, the median of its rounds.
    ratios : dict
        How many times better labcore is than each: median, smallest and largest of the rounds.
    failures : dict
        Of each way that did not work, the reason.
    rounds : int
        How many rounds there were.
    """

    milliseconds: dict[str, float]
    ratios: dict[str, tuple[float, float, float]]
    failures: dict[str, str]
    rounds: int


class Clock:
    """Processor time since it was made; with several threads, of the one that took longest.

    That thread's time is the wall time on a machine with nothing else to do. Where the system does
    not tell the threads apart (it is Linux that does), wall time is taken.
    """

    def __init__(self, threads: int = 1):
        self.threads = threads
        self.by_thread = _seconds_by_thread() if threads > 1 else {}
        self.wall, self.process = time.perf_counter(), time.process_time()

    def seconds(self) -> float:
        """Seconds since the clock was made."""
        process = time.process_time() - self.process
        if self.threads == 1:
            return process
        by_thread = _seconds_by_thread()
        if not by_thread:
            return time.perf_counter() - self.wall
        longest = max(now - self.by_thread.get(name, 0.0) for name, now in by_thread.items())
        # Threads that have ended, or that are more than the cores they may use, share the cores.
        return max(longest, process / self.threads)


def _seconds_by_thread() -> dict[str, float]:
    """Processor time of each living thread of this process; empty where that is not known."""
    seconds = {}
    try:
        for thread in THREADS_OF_THIS_PROCESS.iterdir():
            try:
                nanoseconds = (thread / "schedstat").read_text().split()[0]
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
            seconds[thread.name] = int(nanoseconds) / 1e9
    except FileNotFoundError:
        return {}
    return seconds


def compare(
    ways: dict[str, Callable[[], np.ndarray]],
    *,
    rounds: int = 7,
    threads: int = 1,
    agree: Callable[[np.ndarray, np.ndarray], None] | None = None,
    worth: Callable[[np.ndarray], float] | None = None,
) -> Timing:
    """Time the `ways` in turn, `rounds` times after a warm-up. The first is labcore's.

    A peer that raises, or whose result is another than labcore's by `agree`, is among the
    failures; labcore's own error is raised. With `worth`, ratios compare what the results are
    worth per second.
    """
    ours, *peers = ways
    results = {ours: ways[ours]()}  # also the warm-up
    failures = {}
    for name in peers:
        try:
            results[name] = ways[name]()
            _compare_results(results[ours], results[name], agree)
        except Exception as error:  # a peer may raise anything
            failures[name] = _reason(error)
    working = [name for name in ways if name not in failures]
    value = {name: worth(results[name]) if worth else 1.0 for name in working}
    better = {name: value[ours] / value[name] for name in working}
    del results  # they may be large

    seconds: dict[str, list[float]] = {name: [] for name in working}
    started = time.process_time()
    while len(seconds[ours]) < rounds:
        for name in working:
            clock = Clock(threads)
            ways[name]()
            seconds[name].append(clock.seconds())
        if time.process_time() - started > PATIENCE:
            break
    return Timing(
        {name: 1e3 * statistics.median(seconds[name]) for name in working},
        {name: _ratios(seconds[name], seconds[ours], better[name]) for name in working},
        failures,
        len(seconds[ours]),
    )


def _compare_results(ours: np.ndarray, theirs: np.ndarray, agree: Callable | None) -> None:
    assert np.shape(ours) == np.shape(theirs), (
        f"its result has the shape {np.shape(theirs)}, labcore's {np.shape(ours)}"
    )
    if agree:
        agree(ours, theirs)


def _reason(error: Exception) -> str:
    """The first line that says something."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _ratios(theirs: list[float], ours: list[float], worth: float) -> tuple[float, float, float]:
    ratios = [worth * peer / own for peer, own in zip(theirs, ours, strict=True)]
    return statistics.median(ratios), min(ratios), max(ratios)
