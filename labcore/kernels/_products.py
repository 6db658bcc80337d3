"""Squared distances by scalar products, for many dimensions: |x - y|^2 = |x|^2 + |y|^2 - 2 x.y.

Twice as fast as adding up squared differences, and less accurate: the distance of near points is a
difference of large numbers. `squared_distance_error` bounds what is lost; the caller decides.
"""

from collections.abc import Callable

import numpy as np

from labcore._compile import compiled
from labcore.kernels._pairs import Tile

_WIDTH = 64  # of a panel of points: four rows of sums and of coordinates in the first-level cache
_EPS = np.finfo(float).eps


def squared_distance_error(x: np.ndarray, y: np.ndarray) -> float:
    """A bound of the rounding errors of `tiles_by_products`; inf or nan where squares overflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        centre = _centre(x, y)
        largest = max(np.square(points - centre).sum(axis=1).max() for points in (x, y))
    return 4 * (x.shape[1] / 4 + 6) * _EPS * float(largest)


def tiles_by_products(x: np.ndarray, y: np.ndarray, profile: Callable, *parameters) -> Tile:
    """The tiles of a function of |x_i - y_j|^2; their `first` must be a multiple of 64.

    ``profile(row, *parameters)`` replaces squared distances by values.
    """
    centre = _centre(x, y)
    d = -(-x.shape[1] // 4) * 4
    rows = np.zeros((len(x), d))
    rows[:, : x.shape[1]] = x - centre
    panels = np.zeros((-(-len(y) // _WIDTH) * _WIDTH, d))
    panels[: len(y), : y.shape[1]] = y - centre
    of_x, of_y = np.empty(len(rows)), np.empty(len(panels))
    _squares(rows, of_x)
    _squares(panels, of_y)
    panels = np.ascontiguousarray(panels.reshape(-1, _WIDTH, d).transpose(0, 2, 1))
    panels = panels.reshape(len(panels), d * _WIDTH)

    def tile(chosen, first, out, left, count):
        sums = np.empty(4 * _WIDTH)
        _fill(rows[chosen], of_x[chosen], panels, of_y, first, out, left, count, sums)
        _apply(profile, parameters, out[: len(of_x[chosen])], left, count)

    return tile


def _centre(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The middle of the box that holds the points: x and y in either order give the same."""
    low = np.minimum(x.min(axis=0), y.min(axis=0))
    return low + 0.5 * (np.maximum(x.max(axis=0), y.max(axis=0)) - low)


@compiled
def _apply(profile, parameters, out, left, count):
    for i in range(out.shape[0]):
        profile(out[i, left : left + count], *parameters)


@compiled
def _squares(points, out):
    """|x_i|^2, added up in the order of `_fill`, so that equal points have the distance 0."""
    for i in range(points.shape[0]):
        p = points[i]
        total = 0.0
        for k in range(0, p.size, 4):
            total += (p[k] * p[k] + p[k + 1] * p[k + 1]) + (
                p[k + 2] * p[k + 2] + p[k + 3] * p[k + 3]
            )
        out[i] = total


@compiled
def _fill(x, of_x, panels, of_y, first, out, left, count, sums):
    """Four rows and four coordinates at a time: sixteen products for eight loads."""
    n, d = x.shape
    for panel in range(first // _WIDTH, (first + count + _WIDTH - 1) // _WIDTH):
        points, squares = panels[panel], of_y[panel * _WIDTH : (panel + 1) * _WIDTH]
        to = left + panel * _WIDTH - first
        width = min(_WIDTH, left + count - to)
        for i in range(0, n, 4):
            a, b, c, e = x[i], x[min(i + 1, n - 1)], x[min(i + 2, n - 1)], x[min(i + 3, n - 1)]
            for j in range(4 * _WIDTH):
                sums[j] = 0.0
            for k in range(0, d, 4):
                a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
                b0, b1, b2, b3 = b[k], b[k + 1], b[k + 2], b[k + 3]
                c0, c1, c2, c3 = c[k], c[k + 1], c[k + 2], c[k + 3]
                e0, e1, e2, e3 = e[k], e[k + 1], e[k + 2], e[k + 3]
                y = points[k * _WIDTH : (k + 4) * _WIDTH]
                for j in range(_WIDTH):
                    y0, y1 = y[j], y[_WIDTH + j]
                    y2, y3 = y[2 * _WIDTH + j], y[3 * _WIDTH + j]
                    sums[j] += (a0 * y0 + a1 * y1) + (a2 * y2 + a3 * y3)
                    sums[_WIDTH + j] += (b0 * y0 + b1 * y1) + (b2 * y2 + b3 * y3)
                    sums[2 * _WIDTH + j] += (c0 * y0 + c1 * y1) + (c2 * y2 + c3 * y3)
                    sums[3 * _WIDTH + j] += (e0 * y0 + e1 * y1) + (e2 * y2 + e3 * y3)
            for r in range(min(4, n - i)):
                row, products = out[i + r, to : to + width], sums[r * _WIDTH : (r + 1) * _WIDTH]
                for j in range(width):
                    row[j] = max((of_x[i + r] + squares[j]) - 2.0 * products[j], 0.0)
