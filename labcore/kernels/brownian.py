r"""The Brownian kernel min(s, t): the covariance of Brownian motion."""

from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore.kernels._pairs import tiles
from labcore.kernels.kernel import Kernel


@dataclass(frozen=True)
class Brownian(Kernel):
    r"""The Brownian kernel on :math:`[0, \infty)`,

    .. math:: k(s, t) = \min(s, t).

    It is the covariance of Brownian motion. Its Hilbert space holds the functions with f(0) = 0 and
    :math:`\|f\|^2 = \int f'(t)^2\,dt` finite. On [0, 1] its eigenvalues are
    :math:`\left((j - \tfrac12)\pi\right)^{-2}`, with eigenfunctions
    :math:`\sqrt2 \sin\left((j - \tfrac12)\pi t\right)`.

    Raises
    ------
    ValueError
        When called with points that are negative or not one-dimensional.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
    appendix B.2.1.

    Examples
    --------
    >>> Brownian()([1.0, 3.0])
    array([[1., 1.],
           [1., 3.]])
    """

    def _check(self, name, points):
        if points.shape[1] != 1:
            raise ValueError(
                f"{name} must be times, of dimension 1, got dimension {points.shape[1]}"
            )
        if points.size and points.min() < 0:
            raise ValueError(f"{name} must be times that are not negative, got {points.min():g}")

    def _tile(self, x, y):
        return tiles(_gram, x, y)

    def _diagonal(self, x):
        return x[:, 0].copy()

    def _slope(self, x, y):
        return np.heaviside(y - x[:, None], 0.5)

    def __str__(self):
        return "Brownian()"


@compiled
def _gram(x, columns, first, out, left, count):
    times = columns[0, first : first + count]
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        for j in range(count):
            row[j] = min(x[i, 0], times[j])
