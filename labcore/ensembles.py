"""Many replicates, on the threads of a machine or on the machines of a cluster.

A task takes a range of numbers and returns a row for each of them. Where row i is a function of i
alone, because it draws from the streams that i owns, the result is the same to the last bit however
the work is split and in whatever order it is done; and what a dying worker takes along is done
again.
"""

import math
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor, ThreadPoolExecutor, as_completed
from contextlib import nullcontext

import numpy as np
from numba import get_num_threads
from tqdm.auto import tqdm

from labcore._validate import integer

_BATCHES = 64  # by default: enough to keep some dozens of workers busy

Task = Callable[[int, int], np.ndarray]


class ReplicateError(RuntimeError):
    """A task failed. The message names its replicates, and the error it raised is the cause."""


def ensemble(
    task: Task,
    n: int,
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    batch_size: int | None = None,
    retries: int = 2,
    progress: bool = True,
) -> np.ndarray:
    """Run n numbered replicates in batches, and return their results in order.

    Parameters
    ----------
    task : callable
        ``task(first, count)`` returns an array with a row for each of the replicates `first` to
        `first` + `count` - 1. Row i must depend on i only: let replicate i draw from the stream i,
        as ``sde.solve(..., n_paths=count, first_stream=first)`` does, or take the i-th parameter
        of a sweep.
    n : int
        How many replicates, at least 1.
    executor : concurrent.futures.Executor or callable, optional
        Where tasks run: a pool of threads or processes, ``Client.get_executor()`` of
        ``dask.distributed``, or any other with that interface. It is not shut down. A callable
        that makes one, such as ``lambda: ProcessPoolExecutor(8)``, is called again when the pool
        breaks because a worker has died. By default a thread for each core.
    batch_size : int, optional
        How many replicates a task does (default: n / 64, rounded up). The result does not depend
        on it. A second's work is a good size: less is lost in sending, more when a worker dies.
    retries : int, default 2
        How many broken pools are replaced. The tasks that have not ended are then done again.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    numpy.ndarray, with n rows
        The results of all tasks, one after the other.

    Raises
    ------
    ReplicateError
        If a task raises; those that have not begun are cancelled.
    concurrent.futures.BrokenExecutor
        If a pool breaks and cannot be replaced.
    ValueError, TypeError
        If an argument is out of range, or a task returns another number of rows.

    Notes
    -----
    Ctrl-C cancels what has not begun. A pool of processes needs a task that can be pickled: a
    function of a module, or a ``functools.partial`` of one, and on systems that start processes
    afresh a script that is protected by ``if __name__ == "__main__"``. Dask's scheduler itself
    gives the tasks of a lost worker to others, and gives up on a task that has killed several. All
    results are held in memory here at the end: let a task return what is wanted of a path, not
    the path.

    Examples
    --------
    >>> from labcore import sde
    >>> from labcore.ensembles import ensemble
    >>> def ends(first, count):
    ...     model = sde.ornstein_uhlenbeck()
    ...     paths = sde.solve(model, sde.EXACT, 1.0, 2.0, 8, count, rng=0, first_stream=first)
    ...     return paths.x[:, -1]
    >>> whole, split = ensemble(ends, 1000, batch_size=1000), ensemble(ends, 1000, batch_size=7)
    >>> bool((whole == split).all())
    True
    """
    n = integer("n", n, least=1)
    size = integer("batch_size", math.ceil(n / _BATCHES) if batch_size is None else batch_size, 1)
    retries = integer("retries", retries)
    if executor is None:
        executor = _threads
    if not isinstance(executor, Executor) and not callable(executor):
        raise TypeError(f"executor must be an Executor or make one, got {executor!r}")
    missing = {first: min(size, n - first) for first in range(0, n, size)}
    results: dict[int, np.ndarray] = {}
    replaceable = not isinstance(executor, Executor)
    with tqdm(total=n, unit="replicates", delay=2.0, disable=not progress) as bar:
        while missing:
            with executor() if replaceable else nullcontext(executor) as pool:
                try:
                    _collect(pool, task, missing, results, bar)
                except BrokenExecutor:
                    if not replaceable or retries == 0:
                        raise
                    retries -= 1
    return np.concatenate([results[first] for first in sorted(results)])


def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(get_num_threads())


def _collect(pool: Executor, task: Task, missing: dict, results: dict, bar: tqdm) -> None:
    """Move what is missing to the results, until nothing is or the pool breaks."""
    futures = {}
    try:
        for first, count in missing.items():
            futures[pool.submit(task, first, count)] = first
        for future in as_completed(futures):
            first = futures[future]
            count = missing[first]
            results[first] = _rows(future, first, count)
            del missing[first]
            bar.update(count)
    finally:  # what has not begun, after Ctrl-C or an error
        for future in futures:
            future.cancel()


def _rows(future, first: int, count: int) -> np.ndarray:
    try:
        rows = np.asarray(future.result())
    except BrokenExecutor:
        raise
    except Exception as error:
        raise ReplicateError(
            f"replicates {first} to {first + count - 1} failed: {type(error).__name__}: {error}"
        ) from error
    if rows.ndim == 0 or len(rows) != count:
        raise ValueError(
            f"task({first}, {count}) must return {count} rows, got an array of shape {rows.shape}"
        )
    return rows
