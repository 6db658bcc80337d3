r"""Sums over a Gram matrix that is never stored: row sums, and quadratic forms."""

from collections.abc import Callable, Iterator

import numpy as np
from tqdm.auto import tqdm

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.kernels import Kernel
from labcore.stats._radial import kernel_values, lane_sum, profile

_TILE = 512  # pairs that a loop works on at once: they lie in the first-level cache
BLOCK = 128  # rows of a Gram matrix that are held at once
_AT_ONCE = 2**26  # evaluations between two looks at the keyboard, a tenth of a second


def samples(name: str, value, least: int) -> np.ndarray:
    """At least `least` points as an (n, d) array."""
    value = validate.points(name, value)
    if len(value) < least:
        raise ValueError(f"{name} must hold at least {least} points, got {len(value)}")
    if not value.shape[1]:
        raise ValueError(f"{name} must have at least one coordinate, got shape {value.shape}")
    return value


def same_dimension(**named: np.ndarray) -> None:
    """Raise ValueError unless the two sets of points have one dimension."""
    (a, x), (b, y) = named.items()
    if x.shape[1] != y.shape[1]:
        raise ValueError(
            f"{a} and {b} must have the same dimension, got {x.shape[1]} and {y.shape[1]}"
        )


def blocks(n: int, size: int, progress: bool, unit: str = "rows") -> Iterator[tuple[int, int]]:
    """Starts and stops of blocks of `size` out of n, with a bar if it takes two seconds."""
    with tqdm(total=n, unit=unit, delay=2.0, disable=not progress) as bar:
        for start in range(0, n, size):
            stop = min(start + size, n)
            yield start, stop
            bar.update(stop - start)


def row_sums(kernel: Kernel, x: np.ndarray, y: np.ndarray, progress: bool = False) -> np.ndarray:
    r"""The n sums :math:`\sum_j k(x_i, y_j)`."""
    if found := profile(kernel):
        return _radial_row_sums(found, x, y, False, progress)
    out = np.empty(len(x))
    for start, stop in blocks(len(x), BLOCK, progress):
        out[start:stop] = kernel(x[start:stop], y).sum(axis=1)
    return out


def symmetric_row_sums(kernel: Kernel, x: np.ndarray, progress: bool = False) -> np.ndarray:
    r"""The n sums :math:`\sum_{j \ne i} k(x_i, x_j)`, from half of the evaluations."""
    if found := profile(kernel):
        return _radial_row_sums(found, x, x, True, progress)
    return quadratic_forms(rows_of(kernel, x), len(x), np.empty((len(x), 0)), progress)[1]


def off_diagonal_sum(kernel: Kernel, x: np.ndarray, progress: bool = False) -> float:
    r"""The sum of :math:`k(x_i, x_j)` over all pairs i != j."""
    return float(symmetric_row_sums(kernel, x, progress).sum())


def _radial_row_sums(
    found: tuple, x: np.ndarray, y: np.ndarray, symmetric: bool, progress: bool
) -> np.ndarray:
    rows, columns = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
    out = np.zeros(len(x))
    tile = np.empty((2, _TILE))
    for start, stop in blocks(len(x), _AT_ONCE // len(y) + 1, progress):
        _sum_rows(*found, rows, columns, symmetric, start, stop, tile, out)
    return out


@compiled
def _sum_rows(phi, parameters, x, columns, symmetric, first, last, tile, out):
    """Add to out[i] the sum of phi(|x_i - y_j|^2) over all j, or over all j != i of one set.

    The rows are those from `first` to `last`; of one set each pair is computed once, so that the
    sums are complete when all rows are.
    """
    values, lanes = tile[0], tile[1]
    for i in range(first, last):
        count = i if symmetric else columns.shape[1]
        for j in range(lanes.size):
            lanes[j] = 0.0
        for start in range(0, count, values.size):
            width = min(values.size, count - start)
            kernel_values(phi, parameters, x, i, columns, start, width, values)
            for j in range(width):
                lanes[j] += values[j]
            if symmetric:
                mirror = out[start : start + width]
                for j in range(width):
                    mirror[j] += values[j]
        out[i] += lane_sum(lanes)


def rows_of(kernel: Kernel, x: np.ndarray) -> Callable[[int, int], np.ndarray]:
    """The rows of the Gram matrix of x, as `quadratic_forms` asks for them."""
    return lambda start, stop: kernel(x[start:stop], x[:stop])


def quadratic_forms(
    rows: Callable[[int, int], np.ndarray], n: int, vectors: np.ndarray, progress: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    r"""The q numbers :math:`v^\top M v` and the n row sums of a symmetric matrix M.

    The diagonal of M counts as zero. ``rows(start, stop)`` computes its rows from `start` to `stop`
    up to column `stop`: the half of M that is needed, a block at a time. Columns of `vectors`
    (n, q) are the v.
    """
    forms, sums = np.zeros(vectors.shape[1]), np.zeros(n)
    for start, stop in blocks(n, BLOCK, progress):
        block = rows(start, stop)
        square = block[:, start:]
        np.fill_diagonal(square, 0.0)
        sums[:start] += block[:, :start].sum(axis=0)
        sums[start:stop] += block.sum(axis=1)
        square *= 0.5  # its entries come twice below, those left of it once
        forms += 2.0 * (vectors[start:stop] * (block @ vectors[:stop])).sum(axis=0)
    return forms, sums
