r"""The Matern kernels: draws with a chosen number of derivatives."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import exp_of_negative
from labcore.kernels._bessel import LARGEST_ORDER, bessel_form
from labcore.kernels._pairs import Tile, squared_distances, tiles
from labcore.kernels._products import tiles_by_products
from labcore.kernels.stationary import Radial

# The polynomial 1 + a z + b z^2 before exp(-z), by smoothness.
_POLYNOMIAL = {0.5: (0.0, 0.0), 1.5: (1.0, 0.0), 2.5: (1.0, 1.0 / 3.0)}
_FAR = 800.0  # where exp(-z) is zero to all digits, and z * exp(-z) must not become inf * 0


@dataclass(frozen=True)
class Matern(Radial):
    r"""The Matern kernel of smoothness :math:`\nu`. With :math:`z = \sqrt{2\nu}\,|x - y| / \ell`,

    .. math:: k(x, y) = \frac{2^{1-\nu}}{\Gamma(\nu)}\,z^\nu K_\nu(z),

    where K is the modified Bessel function of the second kind. In particular

    .. math::

        k(x, y) = e^{-z}\ (\nu = \tfrac12), \qquad
        (1 + z)\,e^{-z}\ (\nu = \tfrac32), \qquad
        (1 + z + \tfrac13 z^2)\,e^{-z}\ (\nu = \tfrac52),

    and :math:`\nu \to \infty` is the `Gaussian` kernel: the difference falls like
    :math:`1/\nu`.

    Its spectral density is that of Student's t with :math:`2\nu` degrees of freedom, scaled by
    :math:`1/\ell`:

    .. math::

        S(\omega) = \frac{\Gamma(\nu + d/2)}{\Gamma(\nu)}
        \left(\frac{\ell^2}{2 \nu \pi}\right)^{d/2}
        \left(1 + \frac{\ell^2 |\omega|^2}{2\nu}\right)^{-\nu - d/2}.

    Parameters
    ----------
    nu : float, default 1.5
        The smoothness, :math:`0 < \nu \le 200`: draws have :math:`\lceil\nu\rceil - 1` derivatives
        in mean square. Not tunable.
    lengthscale : float or sequence of d floats, default 1
        :math:`\ell > 0`, in the unit of the points; a sequence has one for each coordinate, and
        then :math:`|x - y|^2/\ell^2` stands for :math:`\sum_i (x_i - y_i)^2/\ell_i^2`.

    Raises
    ------
    ValueError
        If `nu` is out of range, or a lengthscale is not positive.

    Notes
    -----
    :math:`\nu` = 1/2, 3/2 and 5/2 are compiled; others call SciPy's Bessel function: for 1000
    points :math:`\nu` = 3.5 took 50 times as long as 2.5, and 2.2 took 120 times as long.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
    equations 4.14 to 4.17.

    Examples
    --------
    >>> Matern(0.5, 2.0)([0.0, 2.0]).round(4)
    array([[1.    , 0.3679],
           [0.3679, 1.    ]])
    """

    nu: float = 1.5
    lengthscale: float | Sequence[float] = 1.0
    _tunable = ("lengthscale",)

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "nu", validate.positive("nu", self.nu))
        if self.nu > LARGEST_ORDER:
            raise ValueError(
                f"nu must be at most {LARGEST_ORDER:g}, got {self.nu:g}: beyond, the Gaussian "
                "kernel is the same to three digits"
            )

    @property
    def _rate(self) -> float:
        return math.sqrt(2 * self.nu) / self._scale

    def _value_tile(self, x, y):
        if self.nu in _POLYNOMIAL:
            return tiles(_gram, x, y, self._rate, *_POLYNOMIAL[self.nu])
        return _of_distance(lambda z: bessel_form(self.nu, z), x, y, self._rate)

    @property
    def _steepness(self):
        return self.nu / (2 * (self.nu - 1)) if self.nu in (1.5, 2.5) else math.inf

    def _value_tile_by_products(self, x, y):
        return tiles_by_products(x, y, _profile, self._rate, *_POLYNOMIAL[self.nu])

    def _slope_tile(self, x, y):
        if self.nu in _POLYNOMIAL:
            return tiles(_slope, x, y, self._rate, *_POLYNOMIAL[self.nu])
        return _of_distance(self._general_slope, x, y, self._rate)

    def _general_slope(self, z: np.ndarray) -> np.ndarray:
        r"""-z d/dz of the general form: :math:`2^{1-\nu} z^{\nu+1} K_{\nu-1}(z) / \Gamma(\nu)`."""
        if self.nu > 1:
            return z * z * bessel_form(self.nu - 1, z) / (2 * (self.nu - 1))
        from scipy.special import kv

        positive = np.where(z > 0, np.minimum(z, _FAR), 1.0)
        constant = 2 ** (1 - self.nu) / math.gamma(self.nu)
        slope = constant * positive ** (self.nu + 1) * kv(1 - self.nu, positive)
        return np.where(z > 0, slope, 0.0)

    def _unit_spectral_density(self, omega):
        nu, d = self.nu, omega.shape[1]
        constant = math.exp(math.lgamma(nu + d / 2) - math.lgamma(nu)) / (2 * nu * math.pi) ** (
            d / 2
        )
        return constant * (1 + (omega * omega).sum(axis=1) / (2 * nu)) ** (-nu - d / 2)

    def _frequencies(self, z, choice, mixing):
        """Student's t: a normal vector over an independent chi variable."""
        from scipy.special import chdtri

        chi_square = chdtri(2 * self.nu, mixing)
        return z * np.sqrt(2 * self.nu / chi_square)[:, None] / self.lengthscale

    def __str__(self):
        return self._name(f"{self.nu:g}")


def _of_distance(function, x: np.ndarray, y: np.ndarray, rate: float) -> Tile:
    """The tiles of a NumPy function of rate |x - y|."""
    distance = tiles(_scaled_distances, x, y, rate)

    def tile(rows, first, out, left, count):
        distance(rows, first, out, left, count)
        values = out[: len(x[rows]), left : left + count]
        values[...] = function(values)

    return tile


@compiled
def _gram(x, columns, first, out, left, count, rate, a, b):
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        squared_distances(x, columns, i, first, row)
        _profile(row, rate, a, b)


@compiled(inline=True)
def _profile(row, rate, a, b):
    """Squared distances become values of the kernel."""
    for j in range(row.size):
        z = min(rate * math.sqrt(row[j]), _FAR)
        row[j] = (1.0 + z * (a + b * z)) * exp_of_negative(-z)


@compiled
def _slope(x, columns, first, out, left, count, rate, a, b):
    """Derivative in the logarithm of the lengthscale: -z d/dz of (1 + a z + b z^2) exp(-z)."""
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        squared_distances(x, columns, i, first, row)
        for j in range(count):
            z = min(rate * math.sqrt(row[j]), _FAR)
            row[j] = z * (1.0 - a + z * (a - 2.0 * b + b * z)) * exp_of_negative(-z)


@compiled
def _scaled_distances(x, columns, first, out, left, count, rate):
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        squared_distances(x, columns, i, first, row)
        for j in range(count):
            row[j] = rate * math.sqrt(row[j])
