r"""Sums over a Gram matrix that is never stored: row sums, and quadratic forms."""

from collections.abc import Callable

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.kernels import Kernel
from labcore.stats._radial import kernel_values, lane_sum, profile

_TILE = 512  # pairs that a loop works on at once: they lie in the first-level cache
_BLOCK = 128  # rows of a Gram matrix that are held at once


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


def row_sums(kernel: Kernel, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    r"""The n sums :math:`\sum_j k(x_i, y_j)`."""
    if found := profile(kernel):
        return _radial_row_sums(found, x, y, symmetric=False)
    starts = range(0, len(x), _BLOCK)
    return np.concatenate([kernel(x[s : s + _BLOCK], y).sum(axis=1) for s in starts])


def symmetric_row_sums(kernel: Kernel, x: np.ndarray) -> np.ndarray:
    r"""The n sums :math:`\sum_{j \ne i} k(x_i, x_j)`, from half of the evaluations."""
    if found := profile(kernel):
        return _radial_row_sums(found, x, x, symmetric=True)
    return quadratic_forms(rows_of(kernel, x), len(x), np.empty((len(x), 0)))[1]


def off_diagonal_sum(kernel: Kernel, x: np.ndarray) -> float:
    r"""The sum of :math:`k(x_i, x_j)` over all pairs i != j."""
    return float(symmetric_row_sums(kernel, x).sum())


def _radial_row_sums(found: tuple, x: np.ndarray, y: np.ndarray, *, symmetric: bool) -> np.ndarray:
    rows, columns = np.ascontiguousarray(x.T), np.ascontiguousarray(y.T)
    out = np.zeros(len(x))
    _sum_rows(*found, rows, columns, symmetric, np.empty((2, _TILE)), out)
    return out


@compiled
def _sum_rows(phi, parameters, x, columns, symmetric, tile, out):
    """Add to out[i] the sum of phi(|x_i - y_j|^2) over all j, or over all j != i of one set."""
    values, lanes = tile[0], tile[1]
    for i in range(out.size):
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
    rows: Callable[[int, int], np.ndarray], n: int, vectors: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    r"""The q numbers :math:`v^\top M v` and the n row sums of a symmetric matrix M.

    The diagonal of M counts as zero. ``rows(start, stop)`` computes its rows from `start` to `stop`
    up to column `stop`: the half of M that is needed, a block at a time. Columns of `vectors`
    (n, q) are the v.
    """
    forms, sums = np.zeros(vectors.shape[1]), np.zeros(n)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        block = rows(start, stop)
        square = block[:, start:]
        np.fill_diagonal(square, 0.0)
        sums[:start] += block[:, :start].sum(axis=0)
        sums[start:stop] += block.sum(axis=1)
        square *= 0.5  # its entries come twice below, those left of it once
        forms += 2.0 * (vectors[start:stop] * (block @ vectors[:stop])).sum(axis=0)
    return forms, sums
