r"""The Brownian kernel min(s, t): the covariance of Brownian motion."""

from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore.kernels._pairs import fill
from labcore.kernels.algebra import Kernel


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

    def _fill(self, x, y, out):
        _check_times("x", x)
        if y is not None:
            _check_times("y", y)
        fill(_gram, x, y, out)

    def _diagonal(self, x):
        _check_times("x", x)
        return x[:, 0].copy()

    def __str__(self):
        return "Brownian()"


def _check_times(name: str, times: np.ndarray) -> None:
    if times.shape[1] != 1:
        raise ValueError(f"{name} must be times, of dimension 1, got dimension {times.shape[1]}")
    if times.size and times.min() < 0:
        raise ValueError(f"{name} must be times that are not negative, got {times.min():g}")


@compiled
def _gram(x, columns, lower, out):
    for i in range(x.shape[0]):
        count = i + 1 if lower else columns.shape[1]
        row = out[i]
        for j in range(count):
            row[j] = min(x[i, 0], columns[0, j])
