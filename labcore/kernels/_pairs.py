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
    _add_up(_square, x, columns, i, first, row)


@compiled(inline=True)
def absolute_distances(x, columns, i, first, row):
    """row[j] = |x_i - y_(first + j)|_1, the sum of the absolute differences."""
    _add_up(_absolute, x, columns, i, first, row)


@compiled(inline=True)
def _square(difference):
    return difference * difference


@compiled(inline=True)
def _absolute(difference):
    return abs(difference)


@compiled(inline=True)
def _add_up(size, x, columns, i, first, row):
    """row[j] = the sum over k of size(x_ik - y_jk), four coordinates in one pass over the row."""
    d, last = x.shape[1], first + row.size
    rest = (d - 1) % 4 + 1
    y0 = columns[0, first:last]
    if rest == 1:
        for j in range(row.size):
            row[j] = size(x[i, 0] - y0[j])
    elif rest == 2:
        y1 = columns[1, first:last]
        for j in range(row.size):
            row[j] = size(x[i, 0] - y0[j]) + size(x[i, 1] - y1[j])
    else:
        y1, y2 = columns[1, first:last], columns[2, first:last]
        for j in range(row.size):
            row[j] = size(x[i, 0] - y0[j]) + size(x[i, 1] - y1[j]) + size(x[i, 2] - y2[j])
        if rest == 4:
            y3 = columns[3, first:last]
            for j in range(row.size):
                row[j] += size(x[i, 3] - y3[j])
    for k in range(rest, d, 4):
        y0, y1 = columns[k, first:last], columns[k + 1, first:last]
        y2, y3 = columns[k + 2, first:last], columns[k + 3, first:last]
        for j in range(row.size):
            total = row[j] + size(x[i, k] - y0[j]) + size(x[i, k + 1] - y1[j])
            row[j] = total + size(x[i, k + 2] - y2[j]) + size(x[i, k + 3] - y3[j])
