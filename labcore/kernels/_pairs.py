"""What the loops over pairs of points share: rows of distances and products, and tiles of a matrix.

A *tile* is a function that computes a block of a Gram matrix. ``tile(rows, first, out, left,
count)`` sets ``out[i, left + j]`` to k(x_i, y_(first + j)) for the `rows` (a slice) of x, numbered
from 0 in `out`, and j < `count`. Whoever drives it chooses blocks that fit the cache.
"""

from collections.abc import Callable

import numpy as np

from labcore._compile import compiled

Tile = Callable[[slice, int, np.ndarray, int, int], None]


def tiles(loop: Callable, x: np.ndarray, y: np.ndarray, *parameters) -> Tile:
    """The tiles of a loop ``loop(x, columns, first, out, left, count, *parameters)`` over pairs.

    The second set of points comes as a (d, m) array, so that neighbours in a row of `out` are
    neighbours in memory and the loop is vectorised.
    """
    columns = np.ascontiguousarray(y.T)

    def tile(rows, first, out, left, count):
        loop(x[rows], columns, first, out, left, count, *parameters)

    return tile


@compiled(inline=True)
def squared_distances(x, columns, i, first, row):
    """row[j] = |x_i - y_(first + j)|^2, with the points y as the columns of a (d, m) array."""
    last = first + row.size
    rest = x.shape[1] % 4
    for j in range(row.size):
        row[j] = 0.0
    for k in range(rest):
        y = columns[k, first:last]
        for j in range(row.size):
            difference = x[i, k] - y[j]
            row[j] += difference * difference
    for k in range(rest, x.shape[1], 4):  # four coordinates for each load and store of the sum
        y0, y1 = columns[k, first:last], columns[k + 1, first:last]
        y2, y3 = columns[k + 2, first:last], columns[k + 3, first:last]
        for j in range(row.size):
            d0, d1 = x[i, k] - y0[j], x[i, k + 1] - y1[j]
            d2, d3 = x[i, k + 2] - y2[j], x[i, k + 3] - y3[j]
            row[j] = (((row[j] + d0 * d0) + d1 * d1) + d2 * d2) + d3 * d3


@compiled(inline=True)
def absolute_distances(x, columns, i, first, row):
    """row[j] = |x_i - y_(first + j)|_1, the sum of the absolute differences."""
    last = first + row.size
    rest = x.shape[1] % 4
    for j in range(row.size):
        row[j] = 0.0
    for k in range(rest):
        y = columns[k, first:last]
        for j in range(row.size):
            row[j] += abs(x[i, k] - y[j])
    for k in range(rest, x.shape[1], 4):
        y0, y1 = columns[k, first:last], columns[k + 1, first:last]
        y2, y3 = columns[k + 2, first:last], columns[k + 3, first:last]
        for j in range(row.size):
            d0, d1 = abs(x[i, k] - y0[j]), abs(x[i, k + 1] - y1[j])
            d2, d3 = abs(x[i, k + 2] - y2[j]), abs(x[i, k + 3] - y3[j])
            row[j] = (((row[j] + d0) + d1) + d2) + d3
