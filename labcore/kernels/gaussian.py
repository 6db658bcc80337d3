r"""The Gaussian kernel (squared exponential, RBF): draws are analytic functions."""

import math
from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import exp
from labcore.kernels._pairs import fill, squared_distances
from labcore.kernels.algebra import Kernel


@dataclass(frozen=True)
class Gaussian(Kernel):
    r"""The Gaussian kernel,

    .. math:: k(x, y) = \exp\left(-\frac{|x - y|^2}{2 \ell^2}\right).

    Its spectral density is that of a normal variable with standard deviation :math:`1/\ell`:
    :math:`S(\omega) = (\ell^2 / 2\pi)^{d/2} \exp(-\ell^2 |\omega|^2 / 2)`.

    Parameters
    ----------
    lengthscale : float, default 1
        :math:`\ell > 0`, in the unit of the points.

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

    lengthscale: float = 1.0
    _tunable = ("lengthscale",)

    def __post_init__(self):
        object.__setattr__(self, "lengthscale", validate.positive("lengthscale", self.lengthscale))

    def _fill(self, x, y, out):
        fill(_gram, x, y, out, self.lengthscale)

    def _diagonal(self, x):
        return np.ones(len(x))

    def _gradients(self, x):
        slope = np.empty((len(x), len(x)))
        fill(_slope, x, None, slope, self.lengthscale)
        return self(x), [slope]

    def _spectral_density(self, omega):
        d = omega.shape[1]
        z = self.lengthscale * omega
        return (self.lengthscale / math.sqrt(2 * math.pi)) ** d * np.exp(-0.5 * (z * z).sum(axis=1))

    def _frequencies(self, z, choice, mixing):
        return z / self.lengthscale

    def __str__(self):
        return f"Gaussian({self.lengthscale:.3g})"


@compiled
def _gram(x, columns, lower, out, lengthscale):
    scale = -0.5 / (lengthscale * lengthscale)
    for i in range(x.shape[0]):
        count = i + 1 if lower else columns.shape[1]
        row = out[i]
        squared_distances(x, columns, i, count, row)
        for j in range(count):
            row[j] = exp(scale * row[j])


@compiled
def _slope(x, columns, lower, out, lengthscale):
    """Derivative in the logarithm of the lengthscale: u exp(-u / 2) with u = |x - y|^2 / l^2."""
    scale = 1.0 / (lengthscale * lengthscale)
    for i in range(x.shape[0]):
        count = i + 1 if lower else columns.shape[1]
        row = out[i]
        squared_distances(x, columns, i, count, row)
        for j in range(count):
            u = scale * row[j]
            row[j] = u * exp(-0.5 * u)
