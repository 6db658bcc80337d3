"""What the loops over pairs of points share: a row of squared distances, and the mirror image."""

from collections.abc import Callable

import numpy as np

from labcore._compile import compiled

_TILE = 64  # of the mirror image: a tile of doubles and its transpose lie in the first-level cache


@compiled(inline=True)
def squared_distances(x, columns, i, count, row):
    """row[j] = |x_i - y_j|^2 for j < `count`. `columns` holds the points y_j as a (d, m) array."""
    for j in range(count):
        difference = x[i, 0] - columns[0, j]
        row[j] = difference * difference
    for k in range(1, x.shape[1]):
        for j in range(count):
            difference = x[i, k] - columns[k, j]
            row[j] += difference * difference


@compiled
def _mirror(out):
    """Copy the lower triangle to the upper one, tile by tile."""
    n = out.shape[0]
    for top in range(0, n, _TILE):
        for left in range(0, top + 1, _TILE):
            for i in range(top, min(top + _TILE, n)):
                for j in range(left, min(left + _TILE, i)):
                    out[j, i] = out[i, j]


@compiled
def trace_of_product(a, b):
    """The trace of a @ b, for square matrices, without the product."""
    n = a.shape[0]
    total = 0.0
    for top in range(0, n, _TILE):
        for left in range(0, n, _TILE):
            for i in range(top, min(top + _TILE, n)):
                for j in range(left, min(left + _TILE, n)):
                    total += a[i, j] * b[j, i]
    return total


def fill(
    loop: Callable, x: np.ndarray, y: np.ndarray | None, out: np.ndarray, *parameters: float
) -> None:
    """Run `loop` over all pairs of x and y; without y over half of those of x, and mirror.

    The loop is called as ``loop(x, columns, lower, out, *parameters)``. The second set of points
    comes as a (d, m) array, so that neighbours in a row of `out` are neighbours in memory and the
    loop is vectorised; with ``lower`` it computes the entries j <= i alone.
    """
    columns = np.ascontiguousarray((x if y is None else y).T)
    loop(x, columns, y is None, out, *parameters)
    if y is None:
        _mirror(out)
