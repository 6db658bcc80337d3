r"""The Gaussian kernel (squared exponential, RBF): draws are analytic functions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore._math import exp_of_negative
from labcore.kernels._pairs import squared_distances, tiles
from labcore.kernels._products import tiles_by_products
from labcore.kernels.stationary import Radial


@dataclass(frozen=True)
class Gaussian(Radial):
    r"""The Gaussian kernel,

    .. math:: k(x, y) = \exp\left(-\frac{|x - y|^2}{2 \ell^2}\right).

    Its spectral density is that of a normal variable with standard deviation :math:`1/\ell`:
    :math:`S(\omega) = (\ell^2 / 2\pi)^{d/2} \exp(-\ell^2 |\omega|^2 / 2)`.

    Parameters
    ----------
    lengthscale : float or sequence of d floats, default 1
        :math:`\ell > 0`, in the unit of the points; a sequence has one for each coordinate, and
        then :math:`|x - y|^2/\ell^2` stands for :math:`\sum_i (x_i - y_i)^2/\ell_i^2`.

    Notes
    -----
    The eigenvalues of a Gram matrix decay faster than exponentially. When many points lie within a
    lengthscale the matrix is singular to rounding: add a noise variance before factorising.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
    equation 4.9.

    Examples
    --------
    >>> Gaussian(2.0)([0.0, 2.0]).round(4)
    array([[1.    , 0.6065],
           [0.6065, 1.    ]])
    """

    lengthscale: float | Sequence[float] = 1.0
    _tunable = ("lengthscale",)

    _steepness = 0.5

    def _value_tile(self, x, y):
        return tiles(_gram, x, y, self._scale)

    def _value_tile_by_products(self, x, y):
        return tiles_by_products(x, y, _profile, self._scale)

    def _slope_tile(self, x, y):
        return tiles(_slope, x, y, self._scale)

    def _unit_spectral_density(self, omega):
        d = omega.shape[1]
        return (2 * math.pi) ** (-d / 2) * np.exp(-0.5 * (omega * omega).sum(axis=1))

    def _frequencies(self, z, choice, mixing):
        return z / self.lengthscale

    def __str__(self):
        return self._name()


@compiled
def _gram(x, columns, first, out, left, count, lengthscale):
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        squared_distances(x, columns, i, first, row)
        _profile(row, lengthscale)


@compiled(inline=True)
def _profile(row, lengthscale):
    """Squared distances become values of the kernel."""
    scale = -0.5 / (lengthscale * lengthscale)
    for j in range(row.size):
        row[j] = exp_of_negative(scale * row[j])


@compiled
def _slope(x, columns, first, out, left, count, lengthscale):
    """Derivative in the logarithm of the lengthscale: u exp(-u / 2) with u = |x - y|^2 / l^2."""
    scale = 1.0 / (lengthscale * lengthscale)
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        squared_distances(x, columns, i, first, row)
        for j in range(count):
            u = scale * row[j]
            row[j] = u * exp_of_negative(-0.5 * u)
