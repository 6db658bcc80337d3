"""Sinkhorn's iteration: which pass comes next, on how many threads, and when it ends."""

import math
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import NamedTuple

import numpy as np
from numba import get_num_threads
from tqdm.auto import tqdm

from labcore.transport._passes import (
    LANES,
    fill_kernel,
    log_columns,
    log_rows,
    plan_rows,
    scale_rows,
    update_columns,
)

_BLOCK = 2**16  # pairs in a block of rows: what is worth a thread's while
_MOST_BLOCKS = 16
_COLLAPSED = 1e-290  # of a smaller sum some terms may have been lost
_COARSE = 1e-2  # the violation at which a larger epsilon has done its service


class Precision(NamedTuple):
    """How far factors may go from 1 before the kernel is made anew, and what counts as 0 in it.

    Terms of a kernel below exp(lowest) are lost: they are negligible, even times two such factors.
    """

    largest_factor: float
    lowest: float


PRECISIONS = {"float64": Precision(1e80, -700.0), "float32": Precision(1e8, -86.0)}


class Cost(NamedTuple):
    """A cost of pairs: a matrix, or where that is empty the squared distances of points.

    The points are x (n, d) and the columns of a (d, m) array.
    """

    matrix: np.ndarray
    x: np.ndarray
    columns: np.ndarray

    @classmethod
    def of_matrix(cls, matrix: np.ndarray) -> "Cost":
        """The cost that a matrix holds."""
        return cls(matrix, np.empty((len(matrix), 0)), np.empty((0, matrix.shape[1])))

    @classmethod
    def of_points(cls, x: np.ndarray, y: np.ndarray) -> "Cost":
        """The squared distances of two sets of points."""
        return cls(np.empty((0, 0)), x, np.ascontiguousarray(y.T))

    @property
    def shape(self) -> tuple[int, int]:
        """(n, m)."""
        return len(self.x), self.columns.shape[1]

    def largest(self) -> float:
        """The largest cost in size, or for points a bound of it."""
        if self.matrix.size:
            return max(self.matrix.max(), -self.matrix.min())
        low = np.minimum(self.x.min(axis=0), self.columns.min(axis=1))
        high = np.maximum(self.x.max(axis=0), self.columns.max(axis=1))
        return ((high - low) ** 2).sum()

    def part(self, rows: np.ndarray, columns: np.ndarray) -> "Cost":
        """The cost of some points only."""
        if rows.all() and columns.all():
            return self
        matrix = self.matrix[rows][:, columns] if self.matrix.size else self.matrix
        return Cost(matrix, self.x[rows], np.ascontiguousarray(self.columns[:, columns]))

    def transposed(self) -> "Cost":
        """The cost with the two sets exchanged."""
        turned = (np.ascontiguousarray(part.T) for part in (self.matrix, self.columns, self.x))
        return Cost(*turned)


class Blocks:
    """Runs a loop over blocks of rows, on all threads."""

    def __init__(self, shape: tuple[int, int]):
        n, m = shape
        count = min(n, _MOST_BLOCKS, n * m // _BLOCK + 1)
        edges = np.linspace(0, n, count + 1).astype(int).tolist()
        self._blocks = list(zip(range(count), edges[:-1], edges[1:], strict=True))
        self.count = count
        threads = min(count, get_num_threads())
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def __enter__(self) -> "Blocks":
        return self

    def __exit__(self, *_) -> None:
        if self._pool:
            self._pool.shutdown()

    def run(self, loop: Callable[[int, int, int], None]) -> None:
        """Call loop(block, first row, last row) for each block."""
        if self._pool:
            futures = [self._pool.submit(loop, *block) for block in self._blocks]
            try:
                for future in futures:
                    future.result()
            finally:  # after Ctrl-C no thread may still write what the next pass writes
                for future in futures:
                    future.cancel()
                wait(futures)
        else:
            for block in self._blocks:
                loop(*block)


class Iteration:
    """The potentials of a problem, and how they are improved.

    Weights are positive. `dtype` is that of the stored kernel; without it none is stored.
    """

    def __init__(
        self,
        cost: Cost,
        a: np.ndarray,
        b: np.ndarray,
        penalty: float | None,
        dtype: np.dtype | None,
        blocks: Blocks,
    ):
        self.cost, self.a, self.b = cost, a, b
        self.penalty, self.dtype, self.blocks = penalty, dtype, blocks
        n, m = cost.shape
        self.phi, self.gamma = np.zeros(n), np.zeros(m)
        self.rate, self.iterations, self.violation = 1.0, 0, math.inf
        self._sums, self._v = np.empty((blocks.count, m)), np.ones(m)
        self._scaled = False  # whether the kernel is that of the present potentials
        if dtype is not None:
            self._precision = PRECISIONS[dtype.name]
            self._kernel, self._u = np.empty((n, m), dtype), np.ones(n, dtype)
            self._single_a = a.astype(dtype)
            self._single_sums = np.empty((blocks.count, m), dtype)

    def use(self, epsilon: float) -> None:
        """Go on with this epsilon."""
        self.absorb()
        self.gamma = self.gamma / (self.rate * epsilon)
        self.rate = 1.0 / epsilon
        self.tau = 1.0 if self.penalty is None else self.penalty / (self.penalty + epsilon)

    def advance(self, tolerance: float) -> None:
        """Update phi, measure the violation, and update gamma unless that is within `tolerance`."""
        if not self._advance_by_kernel(tolerance):
            factor = self._advance_in_logarithms(tolerance)
            small = self.dtype is not None and factor < self._precision.largest_factor**0.25
            if small and self.violation > tolerance:
                self._make_kernel()
        if self.penalty is not None and self.violation > tolerance:
            self._shift()

    def _shift(self) -> None:
        """Add a constant to f and subtract it from g, the best for the dual with penalties."""
        share = 1.0 / (self.rate * self.penalty)
        phi, gamma = self.phi, self.gamma + np.log(self._v)
        if self._scaled:
            phi = phi + np.log(self._u.astype(np.float64))
        first, second = _log_sum(self.a, -share * phi), _log_sum(self.b, -share * gamma)
        constant = 0.5 / share * (first - second)
        if self._scaled:
            self._v *= np.exp(-constant)
        else:
            self.gamma = self.gamma - constant

    def absorb(self) -> None:
        """Put into the potentials what the factors u and v of a stored kernel have gathered."""
        if self._scaled:
            self.phi = self.phi + np.log(self._u.astype(np.float64))
            self._forget_kernel()

    def _forget_kernel(self) -> None:
        self.gamma, self._v, self._scaled = (
            self.gamma + np.log(self._v),
            np.ones_like(self.b),
            False,
        )

    def _advance_by_kernel(self, tolerance: float) -> bool:
        """One iteration on the stored kernel, unless there is none or it would lose digits."""
        if not self._scaled:
            return False
        weighted = (self.b * self._v).astype(self.dtype)
        self._single_sums[:] = 0.0

        def rows(k, first, last):
            sums = self._single_sums[k]
            scale_rows(
                *(self._kernel, self._single_a, weighted, self.tau, self.phi, first, last),
                *(self._u, sums),
            )

        self.blocks.run(rows)
        self._sums[:] = self._single_sums
        v = self._v.copy()
        violation = update_columns(self._sums, self.b, self.gamma, self.tau, tolerance, v)
        bound = self._precision.largest_factor
        extremes = (self._u.min(), self._u.max(), v.min(), v.max())
        if not all(1.0 / bound < extreme < bound for extreme in extremes):
            self._forget_kernel()
            return False
        self._v, self.violation = v, violation
        return True

    def _advance_in_logarithms(self, tolerance: float) -> float:
        """One iteration that no cost can break; the largest factor by which exp(gamma) changed."""
        self.update_rows()
        v = np.ones_like(self.b)
        violation = update_columns(self._sums, self.b, self.gamma, self.tau, tolerance, v)
        self.violation = violation
        if violation > tolerance and self._sums[0].min() < _COLLAPSED:
            largest, sums = np.empty_like(self.b), np.empty_like(self.b)
            row = np.empty_like(self.b)
            log_columns(*self.cost, self.rate, self.a, self.phi, largest, sums, row)
            self.gamma = -self.tau * (largest + np.log(sums))
            return math.inf
        self.gamma = self.gamma + np.log(v)
        return max(v.max(), 1.0 / v.min())

    def measure(self) -> None:
        """Make phi the best for gamma, and measure the violation of the columns."""
        self.update_rows()
        v = np.ones_like(self.b)
        self.violation = update_columns(self._sums, self.b, self.gamma, self.tau, math.inf, v)

    def update_rows(self) -> None:
        """Make phi the best for gamma."""
        self._sums[:] = 0.0

        def rows(k, first, last):
            work, lanes = np.empty((1, len(self.b))), np.empty(LANES)
            log_rows(
                *(*self.cost, self.rate, self.a, self.b, self.gamma, self.tau, first, last),
                *(self.phi, self._sums[k], work, lanes),
            )

        self.blocks.run(rows)

    def _make_kernel(self) -> None:
        potentials = self.phi, self.gamma
        lowest = self._precision.lowest
        fill(self.blocks, self.cost, self.rate, *potentials, lowest, self._kernel)
        self._u[:] = 1.0
        self._scaled = True


def _log_sum(weights: np.ndarray, exponents: np.ndarray) -> float:
    """The logarithm of the sum of weights times exponentials."""
    top = exponents.max()
    return top + np.log((weights * np.exp(exponents - top)).sum())


def fill(
    blocks: Blocks,
    cost: Cost,
    rate: float,
    phi: np.ndarray,
    gamma: np.ndarray,
    lowest: float,
    out: np.ndarray,
) -> None:
    """out[i, j] = exp(phi_i + gamma_j - rate C_ij)."""

    def rows(_, first, last):
        row = np.empty(out.shape[1])
        fill_kernel(*cost, rate, phi, gamma, lowest, first, last, out, row)

    blocks.run(rows)


def row_sums(cost: Cost, rate: float, phi, gamma, a, b, targets: np.ndarray) -> np.ndarray:
    """For each row of the plan P: the sums of P, of P times each row of `targets`, and of P C."""
    out = np.empty((len(a), 2 + len(targets)))

    def rows(_, first, last):
        work = np.empty((2, len(b)))
        plan_rows(*cost, rate, phi, gamma, b, targets, first, last, out, work)

    with Blocks(cost.shape) as blocks:
        blocks.run(rows)
    return a[:, None] * out


def run(
    iteration: Iteration,
    epsilons: list[float],
    tolerance: float,
    max_iterations: int,
    progress: bool,
) -> str:
    """Iterate with each epsilon in turn, and say why it ended. `tolerance` is a part of the mass.

    At the end phi is the best for gamma, the rows of the plan are as they have to be, and the
    violation is that of its columns.
    """
    mass = iteration.b.sum()
    reason = "iterations"
    with tqdm(total=max_iterations, unit="steps", delay=2.0, disable=not progress) as bar:
        try:
            for epsilon in epsilons:
                iteration.use(epsilon)
                goal = tolerance if epsilon == epsilons[-1] else max(tolerance, _COARSE)
                while iteration.iterations < max_iterations:
                    iteration.advance(goal * mass)
                    iteration.iterations += 1
                    bar.set_postfix_str(f"violation {iteration.violation / mass:.1e}", False)
                    bar.update()
                    if iteration.violation <= goal * mass:
                        reason = "converged" if epsilon == epsilons[-1] else reason
                        break
        except KeyboardInterrupt:
            reason = "interrupted"
        if reason != "converged":
            if epsilon != epsilons[-1]:
                iteration.use(epsilons[-1])
            iteration.advance(math.inf)
    iteration.absorb()
    iteration.violation /= mass
    if reason != "converged" and tolerance > 0.0:
        warnings.warn(
            f"Sinkhorn's iteration stopped ({reason}) after {iteration.iterations} steps at "
            f"violation {iteration.violation:.1e}, not {tolerance:.1e}",
            stacklevel=3,
        )
    return reason


def run_symmetric(
    iteration: Iteration, epsilon: float, tolerance: float, max_iterations: int
) -> bool:
    """Iterate on a problem between a measure and itself, and say whether it converged.

    Its two potentials are one. The mean of a potential and its update converges much faster than
    updates in turn.
    """
    iteration.use(epsilon)
    mass = iteration.b.sum()
    while True:
        iteration.measure()
        iteration.iterations += 1
        if iteration.violation <= tolerance * mass or iteration.iterations > max_iterations:
            break
        iteration.gamma = 0.5 * (iteration.gamma + iteration.phi)
    return bool(iteration.violation <= tolerance * mass)
