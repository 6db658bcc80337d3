r"""Brownian paths that can be refined: halving the steps keeps every value already drawn.

Levy's construction. On a grid of :math:`m\,2^L` steps, m odd, the m coarse increments are drawn
first. Then L times each interval of length h gets its midpoint,

.. math:: W_{t + h/2} = \tfrac12 (W_t + W_{t + h}) + \tfrac12 \sqrt{h}\, Z,

which is the law of the midpoint given both ends. Coarse increment k uses draw k of the path's
stream, and the midpoint of interval k of n uses draw n + k: each draw once, the same whatever n.

Methods of strong order above 1 also need the integral of W over each step. Beside the increment,
each interval then has the area between the path and its chord,

.. math:: A = \int_t^{t+h} W_s\,ds - \tfrac12 h\,(W_t + W_{t+h}) \sim N(0, h^3/12),

independent of the increment. Halving an interval draws, given both, first the midpoint's distance M
from the chord and then the difference of the areas of the halves, whose sum is known:

.. math:: M = \frac{3A}{2h} + \frac{\sqrt h}{4} Z, \qquad
          A_1 + A_2 = A - \tfrac12 h M, \qquad
          A_1 - A_2 = \tfrac12 h \sqrt{h/12}\, Z'.

There each interval has a pair of draws of its own.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import types
from numba.extending import overload

from labcore._compile import compiled
from labcore._validate import integer, positive
from labcore.random import normal_pair, seed_from
from labcore.sde.components import borrow_row, number_of
from labcore.sde.single import single_normals

WIDTH = 32  # paths that a loop works on at once: enough for vector instructions, few for the cache
COMPONENT = 1 << 48  # component k of path i is drawn from stream i + k COMPONENT


@compiled
def _draw(seed, first_stream, block, z):
    for j in range(z.shape[1]):
        z[0, j], z[1, j] = normal_pair(seed, first_stream + j, block)


@compiled
def _draw_single(seed, first_stream, block, z):
    for j in range(z.shape[1]):
        z[0, j], z[1, j], z[2, j], z[3, j] = single_normals(seed, first_stream + j, block)


def _draw_rows(seed, first_stream, block, z):
    """Fill the rows of z with the draws of a block: two, or four of single precision."""


@overload(_draw_rows)
def _draw_rows_of(seed, first_stream, block, z):
    draw = _draw_single if z.dtype == types.float32 else _draw
    return lambda seed, first_stream, block, z: draw(seed, first_stream, block, z)


@compiled
def fill_brownian(seed, first_stream, t_end, w, z):
    """Fill w, of shape (n_steps + 1, width), with the paths of streams first_stream, ...

    The buffer z has the shape (2, width); or both are of float32, and z of shape (4, width).
    """
    n_steps = w.shape[0] - 1
    stride = 1
    while n_steps % (2 * stride) == 0:
        stride *= 2
    n = n_steps // stride  # intervals so far, each of `stride` steps
    draws, half = z.shape[0], number_of(w, 0.5)
    for j in range(w.shape[1]):
        w[0, j] = 0.0
    scale = number_of(w, math.sqrt(t_end / n))
    for block in range((n - 1) // draws + 1):
        _draw_rows(seed, first_stream, block, z)
        for k in range(block * draws, min((block + 1) * draws, n)):
            left, right = borrow_row(w, k * stride), borrow_row(w, (k + 1) * stride)
            draw = borrow_row(z, k - block * draws)
            for j in range(draw.size):
                right[j] = left[j] + scale * draw[j]
    while stride > 1:
        scale = number_of(w, 0.5 * math.sqrt(t_end / n))
        for block in range(n // draws, (2 * n - 1) // draws + 1):
            _draw_rows(seed, first_stream, block, z)
            for number in range(max(block * draws, n), min((block + 1) * draws, 2 * n)):
                before = (number - n) * stride
                left, right = borrow_row(w, before), borrow_row(w, before + stride)
                middle = borrow_row(w, before + stride // 2)
                draw = borrow_row(z, number - block * draws)
                for j in range(draw.size):
                    middle[j] = half * (left[j] + right[j]) + scale * draw[j]
        stride //= 2
        n *= 2


@compiled
def fill_brownian_and_areas(seed, first_stream, t_end, w, area, z):
    """Fill w as `fill_brownian` does, with other paths, and row i of area with those of step i."""
    n_steps = w.shape[0] - 1
    stride = 1
    while n_steps % (2 * stride) == 0:
        stride *= 2
    n = n_steps // stride
    for j in range(w.shape[1]):
        w[0, j] = 0.0
    h = t_end / n
    deviation, area_deviation = math.sqrt(h), h * math.sqrt(h / 12.0)
    for k in range(n):
        _draw(seed, first_stream, k, z)
        left, right, between = w[k * stride], w[(k + 1) * stride], area[k * stride]
        for j in range(left.size):
            right[j] = left[j] + deviation * z[0, j]
            between[j] = area_deviation * z[1, j]
    while stride > 1:
        tilt, deviation = 1.5 / h, 0.25 * math.sqrt(h)
        area_deviation = 0.25 * h * math.sqrt(h / 12.0)
        for k in range(n):
            _draw(seed, first_stream, n + k, z)
            middle = k * stride + stride // 2
            left, right, center = w[k * stride], w[(k + 1) * stride], w[middle]
            before, after = area[k * stride], area[middle]
            for j in range(left.size):
                sag = tilt * before[j] + deviation * z[0, j]
                center[j] = 0.5 * (left[j] + right[j]) + sag
                mean = 0.5 * (before[j] - 0.5 * h * sag)
                before[j] = mean + area_deviation * z[1, j]
                after[j] = mean - area_deviation * z[1, j]
        stride //= 2
        n *= 2
        h = t_end / n


@compiled
def _fill_paths(seed, t_end, w, z, out):
    n_steps = w.shape[0] - 1
    for component in range(out.shape[2]):
        for first in range(0, out.shape[0], w.shape[1]):
            fill_brownian(seed, first + component * COMPONENT, t_end, w, z)
            for j in range(min(w.shape[1], out.shape[0] - first)):
                for i in range(n_steps + 1):
                    out[first + j, i, component] = w[i, j]


@compiled
def _fill_paths_and_integrals(seed, t_end, w, area, z, out, integral):
    n_steps = w.shape[0] - 1
    h = t_end / n_steps
    for component in range(out.shape[2]):
        for first in range(0, out.shape[0], w.shape[1]):
            fill_brownian_and_areas(seed, first + component * COMPONENT, t_end, w, area, z)
            for j in range(min(w.shape[1], out.shape[0] - first)):
                out[first + j, 0, component] = 0.0
                for i in range(n_steps):
                    out[first + j, i + 1, component] = w[i + 1, j]
                    chord = 0.5 * h * (w[i + 1, j] - w[i, j])
                    integral[first + j, i, component] = area[i, j] + chord


class BrownianIntegrals(NamedTuple):
    r"""Brownian paths, and the integral of each over each step, less where the step began.

    Parameters
    ----------
    w : numpy.ndarray of shape (n_paths, n_steps + 1) or (n_paths, n_steps + 1, dimension)
        The paths.
    integral : numpy.ndarray of shape (n_paths, n_steps) or (n_paths, n_steps, dimension)
        :math:`\int_{t_i}^{t_{i+1}} (W_s - W_{t_i})\,ds`.
    """

    w: np.ndarray
    integral: np.ndarray


def brownian_paths(
    t_end: float,
    n_steps: int,
    n_paths: int = 1,
    *,
    dimension: int | None = None,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    r"""Standard Brownian motion at the times 0, t_end / n_steps, ..., t_end.

    .. math:: W_0 = 0, \qquad W_t - W_s \sim N(0, t - s) \quad\text{independent of the past of } s.

    Doubling `n_steps` refines the paths: with the same seed, every second value is, bit for bit,
    what it was. (So do all numbers of steps with the same odd part: 3, 6, 12, ... refine one
    another, but 4 does not refine 3.)

    Parameters
    ----------
    t_end : float
        Last time, positive.
    n_steps : int
        Number of equal steps, at least 1.
    n_paths : int, default 1
        Path i is drawn from stream i, however many are asked for.
    dimension : int, optional
        For paths of so many independent components, of which the first is the path without
        `dimension`; component k of path i is drawn from stream :math:`i + 2^{48} k`.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.

    Returns
    -------
    numpy.ndarray of shape (n_paths, n_steps + 1), or (n_paths, n_steps + 1, dimension)

    Raises
    ------
    ValueError, TypeError
        If an argument is not of its kind or out of range.

    Examples
    --------
    >>> from labcore.sde import brownian_paths
    >>> coarse = brownian_paths(1.0, 8, rng=1)
    >>> bool((brownian_paths(1.0, 64, rng=1)[:, ::8] == coarse).all())
    True
    """
    t_end, shape, components = _sizes(t_end, n_steps, n_paths, dimension)
    out = np.empty((*shape, components))
    w, z = np.empty((shape[1], WIDTH)), np.empty((2, WIDTH))
    _fill_paths(seed_from(rng), t_end, w, z, out)
    return out if dimension is not None else out[:, :, 0]


def brownian_integrals(
    t_end: float,
    n_steps: int,
    n_paths: int = 1,
    *,
    dimension: int | None = None,
    rng: int | np.random.Generator | None = None,
) -> BrownianIntegrals:
    r"""Brownian paths together with their integrals over each step.

    .. math:: \left(\Delta W,\; \int_t^{t+h} (W_s - W_t)\,ds\right) \sim
              N\left(0, \begin{pmatrix} h & h^2/2 \\ h^2/2 & h^3/3 \end{pmatrix}\right)

    for a step of length h, independently for all steps. These drive the methods of strong order
    3/2, and as for `brownian_paths` twice as many steps see the same path, more finely: the path's
    values are the same bit for bit, and the integrals add up, to rounding.

    The paths are not those of `brownian_paths` with the same seed: a path that is to be refined
    with its integrals is drawn in another order. Do not combine both of one seed, for they are not
    independent either.

    Parameters
    ----------
    t_end, n_steps, n_paths, dimension, rng
        As in `brownian_paths`.

    Returns
    -------
    BrownianIntegrals

    Raises
    ------
    ValueError, TypeError
        If an argument is not of its kind or out of range.

    Examples
    --------
    >>> from labcore.sde import brownian_integrals
    >>> w, integral = brownian_integrals(1.0, 4, rng=1)
    >>> whole = brownian_integrals(1.0, 1, rng=1)
    >>> float(whole.integral[0, 0] - sum(integral[0] + 0.25 * w[0, :4])) < 1e-15
    True
    """
    t_end, shape, components = _sizes(t_end, n_steps, n_paths, dimension)
    out, integral = np.empty((*shape, components)), np.empty((shape[0], shape[1] - 1, components))
    w, area, z = np.empty((shape[1], WIDTH)), np.empty((shape[1], WIDTH)), np.empty((2, WIDTH))
    _fill_paths_and_integrals(seed_from(rng), t_end, w, area, z, out, integral)
    if dimension is None:
        out, integral = out[:, :, 0], integral[:, :, 0]
    return BrownianIntegrals(out, integral)


def _sizes(t_end, n_steps, n_paths, dimension) -> tuple[float, tuple[int, int], int]:
    n_steps, n_paths = integer("n_steps", n_steps, least=1), integer("n_paths", n_paths, least=1)
    components = 1 if dimension is None else integer("dimension", dimension, least=1)
    return positive("t_end", t_end), (n_paths, n_steps + 1), components
