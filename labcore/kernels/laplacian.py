r"""The Laplacian kernel: the exponential of the sum of absolute differences."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore._math import exp_of_negative
from labcore.kernels._pairs import absolute_distances, tiles
from labcore.kernels.stationary import Stationary


@dataclass(frozen=True)
class Laplacian(Stationary):
    r"""The Laplacian kernel, with the 1-norm,

    .. math:: k(x, y) = \exp\left(-\frac1\ell \sum_{i=1}^d |x_i - y_i|\right).

    It is a product over coordinates, each with the covariance of an Ornstein-Uhlenbeck process; in
    one dimension it is ``Matern(0.5)``, which has the Euclidean norm in the exponent. Its spectral
    density is a product of Cauchy densities,
    :math:`S(\omega) = \prod_i \frac{\ell}{\pi (1 + \ell^2\omega_i^2)}`.

    Parameters
    ----------
    lengthscale : float or sequence of d floats, default 1
        :math:`\ell > 0`, in the unit of the points; a sequence has one for each coordinate.

    Notes
    -----
    Draws are continuous and nowhere differentiable, along the axes and otherwise. The Gram matrices
    of points on a grid are Kronecker products.

    References
    ----------
    A. Rahimi, B. Recht, "Random features for large-scale kernel machines", NIPS 2007, figure 1.

    Examples
    --------
    >>> Laplacian(2.0)([[0.0, 0.0]], [[1.0, -1.0], [0.0, 4.0]]).round(4)
    array([[0.3679, 0.1353]])
    """

    lengthscale: float | Sequence[float] = 1.0
    _tunable = ("lengthscale",)

    def _tile(self, x, y):
        return tiles(_gram, self._stretched(x), self._stretched(y), self._scale)

    def _gradients(self, x):
        gram = self(x)
        scaled = (x / self.lengthscale).T
        slopes = [gram * abs(t[:, None] - t) for t in scaled]
        return gram, [sum(slopes)] if isinstance(self.lengthscale, float) else slopes

    def _slope(self, x, y):
        return -np.sign(x[:, None] - y) / self.lengthscale * self(x, y)[..., None]

    def _unit_spectral_density(self, omega):
        return np.prod(1 / (math.pi * (1 + omega * omega)), axis=1)

    def _frequencies(self, z, choice, mixing):
        """Cauchy in each coordinate: the normal variable's rank among Cauchy ones."""
        from scipy.special import ndtr

        return np.tan(math.pi * (ndtr(z) - 0.5)) / self.lengthscale

    def __str__(self):
        return self._name()


@compiled
def _gram(x, columns, first, out, left, count, lengthscale):
    scale = -1.0 / lengthscale
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        absolute_distances(x, columns, i, first, row)
        for j in range(count):
            row[j] = exp_of_negative(scale * row[j])
