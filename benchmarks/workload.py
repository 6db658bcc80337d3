"""What a workload is: one task, the ways of doing it, its aim, and what it costs the machine."""

import importlib
from collections.abc import Callable
from types import ModuleType
from typing import NamedTuple

import numpy as np

Ways = dict[str, Callable[[], np.ndarray]]
Agreement = Callable[[np.ndarray, np.ndarray], None]


class Cost(NamedTuple):
    """Operations that a task cannot avoid; with the machine's rates they give its limit.

    Parameters
    ----------
    gemm : float
        Floating-point operations at the speed of a matrix product (a multiply-add is two).
    exps, sincos, normals : float
        Evaluations of exp, of sine or cosine, and standard normal draws.
    bytes : float
        Bytes read or written that do not fit the cache.
    """

    gemm: float = 0.0
    exps: float = 0.0
    sincos: float = 0.0
    normals: float = 0.0
    bytes: float = 0.0


class Workload(NamedTuple):
    """A task that labcore and its peers do, measured side by side.

    Parameters
    ----------
    name, what : str
        The function's name, and the first line of its docstring.
    ways : callable
        Called with sizes by keyword it returns the ways of doing the task, labcore's first.
    small : dict
        Sizes at which the tests run it.
    agree : callable
        ``agree(ours, theirs)`` raises AssertionError where a peer's result is another answer.
    aim : float or None
        The ratio to the best peer that was set as the goal for one thread.
    cost : callable or None
        Called with the default sizes by keyword: what the task costs at least.
    threads : tuple of int
        With how many threads it is measured.
    rounds : int
        How many times each way is timed.
    worth : callable or None
        What a result is worth, where results are not worth the same: ratios are of time per worth.
    """

    name: str
    what: str
    ways: Callable[..., Ways]
    small: dict
    agree: Agreement
    aim: float | None
    cost: Callable[..., Cost] | None
    threads: tuple[int, ...]
    rounds: int
    worth: Callable[[np.ndarray], float] | None


def same_numbers(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Both ways compute the same, up to rounding."""
    np.testing.assert_allclose(theirs, ours, rtol=1e-6, atol=1e-8)


def same_law(mean: float = 0.06, variance: float = 0.08) -> Agreement:
    """Both ways draw from one law: means agree within `mean`, variances up to a part `variance`."""

    def agree(ours: np.ndarray, theirs: np.ndarray) -> None:
        np.testing.assert_allclose(np.mean(theirs), np.mean(ours), rtol=0, atol=mean)
        np.testing.assert_allclose(np.var(theirs), np.var(ours), rtol=variance)

    return agree


def workload(
    *,
    small: dict,
    agree: Agreement = same_numbers,
    aim: float | None = None,
    cost: Callable[..., Cost] | None = None,
    threads: tuple[int, ...] = (1,),
    rounds: int = 7,
    worth: Callable[[np.ndarray], float] | None = None,
) -> Callable[[Callable[..., Ways]], Workload]:
    """Make a workload of a function that returns the ways of doing a task."""

    def declare(ways: Callable[..., Ways]) -> Workload:
        what = ways.__doc__.splitlines()[0]
        return Workload(ways.__name__, what, ways, small, agree, aim, cost, threads, rounds, worth)

    return declare


def peer(module: str) -> ModuleType | None:
    """A peer's module, or None where it is not installed (benchmarks/requirements.txt has them)."""
    try:
        return importlib.import_module(module)
    except ImportError:
        return None
