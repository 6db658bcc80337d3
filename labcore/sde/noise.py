"""The noises that drive the loop of `labcore.sde.solve`, block by block of paths.

``fill`` draws a block, ``prepare`` writes what step i needs into the rows of `lanes` after the
state's, and ``at`` hands it to the step of one path.
"""

from collections.abc import Callable
from typing import NamedTuple

from numba import uint64

from labcore._compile import compiled
from labcore.sde.brownian import COMPONENT, fill_brownian, fill_brownian_and_areas
from labcore.sde.components import LANES, borrow_row, load


class Noise(NamedTuple):
    """A kind of noise, as the loop sees it."""

    fill: Callable
    prepare: Callable
    at: Callable


@compiled(inline=True)
def _from_lanes(seed, stream, i, lanes, like, like_noise, j):
    return load(lanes, like, like_noise, j)


@compiled
def _fill_increments(seed, first, t_end, w, z):
    for k in range(w.shape[0]):
        fill_brownian(seed, first + k * COMPONENT, t_end, w[k], z)


@compiled(inline=True)
def _difference(w, i, out):
    before, after = borrow_row(w, i), borrow_row(w, i + 1)
    for j in range(LANES):
        out[j] = after[j] - before[j]


@compiled
def _prepare_increments(w, i, h, rows):
    for k in range(w.shape[0]):
        _difference(w[k], i, rows[k])


@compiled
def _fill_integrals(seed, first, t_end, w, z):
    m = w.shape[0] // 2
    for k in range(m):
        fill_brownian_and_areas(seed, first + k * COMPONENT, t_end, w[k], w[m + k], z)


@compiled
def _prepare_integrals(w, i, h, rows):
    m = w.shape[0] // 2
    for k in range(m):
        _difference(w[k], i, rows[k])
        area, dw, integral = w[m + k, i], rows[k], rows[m + k]
        for j in range(LANES):
            integral[j] = area[j] + 0.5 * h * dw[j]


@compiled
def _nothing_to_fill(seed, first, t_end, w, z):
    pass


@compiled
def _nothing_to_prepare(w, i, h, rows):
    pass


@compiled(inline=True)
def _address(seed, stream, i, lanes, like, like_noise, j):
    return seed, uint64(stream), uint64(i)


NOISES = {
    "increments": Noise(_fill_increments, _prepare_increments, _from_lanes),
    "integrals": Noise(_fill_integrals, _prepare_integrals, _from_lanes),
    "addresses": Noise(_nothing_to_fill, _nothing_to_prepare, _address),
}
