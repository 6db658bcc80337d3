r"""The Matern kernels of smoothness 1/2, 3/2 and 5/2: draws with no, one and two derivatives."""

import math
from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import exp
from labcore.kernels._pairs import fill, squared_distances
from labcore.kernels.algebra import Kernel

# The polynomial 1 + a z + b z^2 before exp(-z), by smoothness.
_POLYNOMIAL = {0.5: (0.0, 0.0), 1.5: (1.0, 0.0), 2.5: (1.0, 1.0 / 3.0)}


@dataclass(frozen=True)
class Matern(Kernel):
    r"""The Matern kernel of smoothness :math:`\nu`. With :math:`z = \sqrt{2\nu}\,|x - y| / \ell`,

    .. math::

        k(x, y) = e^{-z}\ (\nu = \tfrac12), \qquad
        (1 + z)\,e^{-z}\ (\nu = \tfrac32), \qquad
        (1 + z + \tfrac13 z^2)\,e^{-z}\ (\nu = \tfrac52).

    Its spectral density is that of Student's t with :math:`2\nu` degrees of freedom, scaled by
    :math:`1/\ell`:

    .. math::

        S(\omega) = \frac{\Gamma(\nu + d/2)}{\Gamma(\nu)}
        \left(\frac{\ell^2}{2 \nu \pi}\right)^{d/2}
        \left(1 + \frac{\ell^2 |\omega|^2}{2\nu}\right)^{-\nu - d/2}.

    Parameters
    ----------
    nu : {0.5, 1.5, 2.5}, default 1.5
        The smoothness: draws have :math:`\lceil\nu\rceil - 1` derivatives in mean square.
    lengthscale : float, default 1
        :math:`\ell > 0`, in the unit of the points.

    Raises
    ------
    ValueError
        If `nu` is another number, or `lengthscale` is not positive.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
    equations 4.14, 4.15 and 4.17.

    Examples
    --------
    >>> Matern(0.5, 2.0)([0.0, 2.0]).round(4)
    array([[1.    , 0.3679],
           [0.3679, 1.    ]])
    """

    nu: float = 1.5
    lengthscale: float = 1.0
    _tunable = ("lengthscale",)

    def __post_init__(self):
        if self.nu not in _POLYNOMIAL:
            raise ValueError(f"nu must be 0.5, 1.5 or 2.5, got {self.nu!r}")
        object.__setattr__(self, "nu", float(self.nu))
        object.__setattr__(self, "lengthscale", validate.positive("lengthscale", self.lengthscale))

    @property
    def _rate(self) -> float:
        return math.sqrt(2 * self.nu) / self.lengthscale

    def _fill(self, x, y, out):
        fill(_gram, x, y, out, self._rate, *_POLYNOMIAL[self.nu])

    def _diagonal(self, x):
        return np.ones(len(x))

    def _gradients(self, x):
        slope = np.empty((len(x), len(x)))
        fill(_slope, x, None, slope, self._rate, *_POLYNOMIAL[self.nu])
        return self(x), [slope]

    def _spectral_density(self, omega):
        d = omega.shape[1]
        nu, precision = self.nu, self.lengthscale**2 / (2 * self.nu)
        constant = math.gamma(nu + d / 2) / math.gamma(nu) * (precision / math.pi) ** (d / 2)
        return constant * (1 + precision * (omega * omega).sum(axis=1)) ** (-nu - d / 2)

    def _frequencies(self, z, choice, mixing):
        """Student's t: a normal vector over an independent chi variable."""
        from scipy.special import chdtri

        chi_square = chdtri(2 * self.nu, mixing)
        return z * (np.sqrt(2 * self.nu / chi_square) / self.lengthscale)[:, None]

    def __str__(self):
        return f"Matern({self.nu:g}, {self.lengthscale:.3g})"


@compiled
def _gram(x, columns, lower, out, rate, a, b):
    for i in range(x.shape[0]):
        count = i + 1 if lower else columns.shape[1]
        row = out[i]
        squared_distances(x, columns, i, count, row)
        for j in range(count):
            z = rate * math.sqrt(row[j])
            row[j] = (1.0 + z * (a + b * z)) * exp(-z)


@compiled
def _slope(x, columns, lower, out, rate, a, b):
    """Derivative in the logarithm of the lengthscale: -z d/dz of (1 + a z + b z^2) exp(-z)."""
    for i in range(x.shape[0]):
        count = i + 1 if lower else columns.shape[1]
        row = out[i]
        squared_distances(x, columns, i, count, row)
        for j in range(count):
            z = rate * math.sqrt(row[j])
            row[j] = z * (1.0 - a + z * (a - 2.0 * b + b * z)) * exp(-z)
