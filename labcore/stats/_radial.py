r"""Kernels that are a function of the distance, as compiled loops take them.

A profile is a compiled function ``phi(squared, parameters)`` of :math:`|x - y|^2`. It reaches a
loop as an argument and is inlined there, so that a loop is compiled once for a family of kernels.
"""

import math

import numpy as np

from labcore._compile import compiled
from labcore._math import exp
from labcore.kernels import Gaussian, Kernel, Matern
from labcore.kernels.matern import _POLYNOMIAL


def profile(kernel: Kernel) -> tuple | None:
    """The profile of a kernel and its parameters, or None if it has no compiled one."""
    if isinstance(kernel, Gaussian) and np.ndim(kernel.lengthscale) == 0:
        return _gaussian, (-0.5 / kernel.lengthscale**2,)
    if isinstance(kernel, Matern) and kernel.nu in _POLYNOMIAL and np.ndim(kernel.lengthscale) == 0:
        return _matern, (math.sqrt(2 * kernel.nu) / kernel.lengthscale, *_POLYNOMIAL[kernel.nu])
    return None


@compiled(inline=True)
def _gaussian(squared, parameters):
    return exp(parameters[0] * squared)


@compiled(inline=True)
def _matern(squared, parameters):
    rate, a, b = parameters
    z = rate * math.sqrt(squared)
    return (1.0 + z * (a + b * z)) * exp(-z)


@compiled
def kernel_values(phi, parameters, x, i, columns, start, width, out):
    """out[j] = phi(|x_i - y_j|^2) for the `width` points y_j from `start` on.

    Both sets come as (d, n) arrays. Four coordinates at a time make fewer passes over `out`.
    """
    d = columns.shape[0]
    rest = d % 4
    if rest:
        a, c = x[0, i], columns[0, start : start + width]
        for j in range(width):
            out[j] = (a - c[j]) * (a - c[j])
    else:
        for j in range(width):
            out[j] = 0.0
    for k in range(1, rest):
        a, c = x[k, i], columns[k, start : start + width]
        for j in range(width):
            u = a - c[j]
            out[j] += u * u
    for k in range(rest, d, 4):
        a0, a1, a2, a3 = x[k, i], x[k + 1, i], x[k + 2, i], x[k + 3, i]
        c0, c1 = columns[k, start : start + width], columns[k + 1, start : start + width]
        c2, c3 = columns[k + 2, start : start + width], columns[k + 3, start : start + width]
        for j in range(width):
            u0, u1, u2, u3 = a0 - c0[j], a1 - c1[j], a2 - c2[j], a3 - c3[j]
            out[j] += (u0 * u0 + u1 * u1) + (u2 * u2 + u3 * u3)
    for j in range(width):
        out[j] = phi(out[j], parameters)


@compiled(inline=True)
def lane_sum(lanes):
    """The sum of `lanes`, whose length is a power of two, by halves. Overwrites them."""
    width = lanes.size // 2
    while width:
        low, high = lanes[:width], lanes[width : 2 * width]
        for j in range(width):
            low[j] += high[j]
        width //= 2
    return lanes[0]
