r"""The softmax kernel exp(x . y): the unnormalised weights of attention."""

from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import exp
from labcore.kernels._pairs import tiles
from labcore.kernels.kernel import Kernel


@dataclass(frozen=True)
class Softmax(Kernel):
    r"""The softmax kernel (exponential of the inner product),

    .. math:: k(x, y) = \exp\left(\frac{x \cdot y}{\ell^2}\right).

    Attention gives the key y of a query x a weight in proportion to it, with
    :math:`\ell^2 = \sqrt d`. It is the Gaussian kernel between two factors of one point each:
    :math:`k(x, y) = e^{|x|^2 / 2\ell^2}\, e^{-|x - y|^2 / 2\ell^2}\, e^{|y|^2 / 2\ell^2}`.

    Parameters
    ----------
    lengthscale : float, default 1
        :math:`\ell > 0`, in the unit of the points.

    Notes
    -----
    Overflows to infinity where :math:`x \cdot y > 709\,\ell^2`.

    References
    ----------
    K. Choromanski et al., "Rethinking attention with Performers", ICLR 2021, section 2.2.
    arXiv:2009.14794

    Examples
    --------
    >>> Softmax()([0.0, 1.0]).round(4)
    array([[1.    , 1.    ],
           [1.    , 2.7183]])
    """

    lengthscale: float = 1.0
    _tunable = ("lengthscale",)

    def __post_init__(self):
        object.__setattr__(self, "lengthscale", validate.positive("lengthscale", self.lengthscale))

    def _tile(self, x, y):
        return tiles(_gram, x, y, self.lengthscale)

    def _diagonal(self, x):
        return np.exp((x * x).sum(axis=1) / self.lengthscale**2)

    def _gradients(self, x):
        gram = self(x)
        return gram, [-2.0 * gram * np.log(gram)]

    def _slope(self, x, y):
        return self(x, y)[..., None] * (y / self.lengthscale**2)

    def __str__(self):
        return f"Softmax({self.lengthscale:.3g})"


@compiled
def _gram(x, columns, first, out, left, count, lengthscale):
    scale = 1.0 / (lengthscale * lengthscale)
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        for j in range(count):
            row[j] = 0.0
        for k in range(x.shape[1]):
            y = columns[k, first : first + count]
            for j in range(count):
                row[j] += x[i, k] * y[j]
        for j in range(count):
            row[j] = exp(scale * row[j])
