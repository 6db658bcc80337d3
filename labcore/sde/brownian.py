r"""Brownian paths that can be refined: halving the steps keeps every value already drawn.

Levy's construction. On a grid of :math:`m\,2^L` steps, m odd, the m coarse increments are drawn
first. Then L times each interval of length h gets its midpoint,

.. math:: W_{t + h/2} = \tfrac12 (W_t + W_{t + h}) + \tfrac12 \sqrt{h}\, Z,

which is the law of the midpoint given both ends. Coarse increment k uses draw k of the path's
stream, and the midpoint of interval k of n uses draw n + k: each draw once, the same whatever n.
"""

import math

import numpy as np

from labcore._compile import compiled
from labcore._validate import integer, positive
from labcore.random import normal_pair, seed_from

WIDTH = 32  # paths that a loop works on at once: enough for vector instructions, few for the cache


@compiled
def _draw(seed, first_stream, block, z):
    for j in range(z.shape[1]):
        z[0, j], z[1, j] = normal_pair(seed, first_stream + j, block)


@compiled
def fill_brownian(seed, first_stream, t_end, w, z):
    """Fill w, of shape (n_steps + 1, width), with the paths of streams first_stream, ...

    The buffer z has the shape (2, width).
    """
    n_steps = w.shape[0] - 1
    stride = 1
    while n_steps % (2 * stride) == 0:
        stride *= 2
    n = n_steps // stride  # intervals so far, each of `stride` steps
    for j in range(w.shape[1]):
        w[0, j] = 0.0
    scale = math.sqrt(t_end / n)
    for k in range(n):
        if k % 2 == 0:
            _draw(seed, first_stream, k // 2, z)
        left, right, draw = w[k * stride], w[(k + 1) * stride], z[k % 2]
        for j in range(draw.size):
            right[j] = left[j] + scale * draw[j]
    while stride > 1:
        scale = 0.5 * math.sqrt(t_end / n)
        for k in range(n):
            if k == 0 or (n + k) % 2 == 0:
                _draw(seed, first_stream, (n + k) // 2, z)
            left, right, draw = w[k * stride], w[(k + 1) * stride], z[(n + k) % 2]
            middle = w[k * stride + stride // 2]
            for j in range(draw.size):
                middle[j] = 0.5 * (left[j] + right[j]) + scale * draw[j]
        stride //= 2
        n *= 2


@compiled
def _fill_paths(seed, t_end, w, z, out):
    for first in range(0, out.shape[0], w.shape[1]):
        fill_brownian(seed, first, t_end, w, z)
        for j in range(min(w.shape[1], out.shape[0] - first)):
            for i in range(w.shape[0]):
                out[first + j, i] = w[i, j]


def brownian_paths(
    t_end: float,
    n_steps: int,
    n_paths: int = 1,
    *,
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
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.

    Returns
    -------
    numpy.ndarray of shape (n_paths, n_steps + 1)

    Examples
    --------
    >>> from labcore.sde import brownian_paths
    >>> coarse = brownian_paths(1.0, 8, rng=1)
    >>> bool((brownian_paths(1.0, 64, rng=1)[:, ::8] == coarse).all())
    True
    """
    t_end = positive("t_end", t_end)
    n_steps = integer("n_steps", n_steps, least=1)
    n_paths = integer("n_paths", n_paths, least=1)
    out = np.empty((n_paths, n_steps + 1))
    w, z = np.empty((n_steps + 1, WIDTH)), np.empty((2, WIDTH))
    _fill_paths(seed_from(rng), t_end, w, z, out)
    return out
