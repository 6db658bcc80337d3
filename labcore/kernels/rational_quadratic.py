r"""The rational quadratic kernel: a mixture of Gaussian kernels of many lengthscales."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import exp_of_negative, log
from labcore.kernels._bessel import bessel_form
from labcore.kernels._pairs import squared_distances, tiles
from labcore.kernels._products import tiles_by_products
from labcore.kernels.stationary import Radial


@dataclass(frozen=True)
class RationalQuadratic(Radial):
    r"""The rational quadratic kernel,

    .. math:: k(x, y) = \left(1 + \frac{|x - y|^2}{2 \alpha \ell^2}\right)^{-\alpha}.

    It is the mean of Gaussian kernels whose :math:`1/\ell^2` is drawn from a gamma law with shape
    :math:`\alpha` and mean :math:`1/\ell^2`. As :math:`\alpha \to \infty` it tends to the
    `Gaussian` kernel like :math:`1/\alpha`; with :math:`\alpha = 1` it is the Cauchy kernel. With
    :math:`q = \alpha - d/2` and :math:`z = \sqrt{2\alpha}\,\ell|\omega|` its spectral density is

    .. math:: S(\omega) = \left(\frac{\alpha \ell^2}{2\pi}\right)^{d/2}
        \frac{2^{1 - q}}{\Gamma(\alpha)}\,z^q K_q(z).

    Parameters
    ----------
    lengthscale : float or sequence of d floats, default 1
        :math:`\ell > 0`, in the unit of the points; a sequence has one for each coordinate, and
        then :math:`|x - y|^2/\ell^2` stands for :math:`\sum_i (x_i - y_i)^2/\ell_i^2`.
    alpha : float, default 1
        :math:`\alpha > 0`: the smaller, the wider the range of lengthscales.

    Notes
    -----
    Draws are analytic. For :math:`\alpha \le d/2` the correlation falls so slowly that the spectral
    density is infinite at zero.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
    equations 4.19 and 4.20.

    Examples
    --------
    >>> RationalQuadratic(1.0, alpha=1.0)([0.0], [1.0, 2.0]).round(4)
    array([[0.6667, 0.3333]])
    """

    lengthscale: float | Sequence[float] = 1.0
    alpha: float = 1.0
    _tunable = ("lengthscale", "alpha")

    def __post_init__(self):
        super().__post_init__()
        object.__setattr__(self, "alpha", validate.positive("alpha", self.alpha))

    _steepness = 0.5

    def _value_tile(self, x, y):
        return tiles(_gram, x, y, self._scale, self.alpha)

    def _value_tile_by_products(self, x, y):
        return tiles_by_products(x, y, _profile, self._scale, self.alpha)

    def _slope_tile(self, x, y):
        return tiles(_slope, x, y, self._scale, self.alpha)

    def _gradients(self, x):
        gram, slopes = super()._gradients(x)
        t = np.expm1(np.log(gram) / -self.alpha)  # |x - y|^2 / (2 alpha l^2)
        return gram, [*slopes, gram * self.alpha * (t / (1 + t) - np.log1p(t))]

    def _unit_spectral_density(self, omega):
        alpha, d = self.alpha, omega.shape[1]
        q = alpha - d / 2
        z = np.sqrt(2 * alpha * (omega * omega).sum(axis=1))
        constant = (alpha / (2 * math.pi)) ** (d / 2)
        if q > 0:
            return constant * math.exp(math.lgamma(q) - math.lgamma(alpha)) * bessel_form(q, z)
        from scipy.special import kv

        with np.errstate(divide="ignore", invalid="ignore"):
            form = 2 ** (1 - q) / math.gamma(alpha) * z**q * kv(q, z)
        return constant * np.where(z > 0, form, np.inf)

    def _frequencies(self, z, choice, mixing):
        """Those of Gaussian kernels whose 1 / l^2 has the gamma law."""
        from scipy.special import gammaincinv

        return z * np.sqrt(gammaincinv(self.alpha, mixing) / self.alpha)[:, None] / self.lengthscale

    def __str__(self):
        return self._name(after=(f"{self.alpha:.3g}",))


@compiled(inline=True)
def _log1p(t):
    """log(1 + t) for t >= 0, corrected for what the sum rounds away."""
    w = 1.0 + t
    return log(w) + (t - (w - 1.0)) / w


@compiled
def _gram(x, columns, first, out, left, count, lengthscale, alpha):
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        squared_distances(x, columns, i, first, row)
        _profile(row, lengthscale, alpha)


@compiled(inline=True)
def _profile(row, lengthscale, alpha):
    """Squared distances become values of the kernel."""
    scale = 0.5 / (alpha * lengthscale * lengthscale)
    for j in range(row.size):
        row[j] = exp_of_negative(-alpha * _log1p(scale * row[j]))


@compiled
def _slope(x, columns, first, out, left, count, lengthscale, alpha):
    """Derivative in the logarithm of the lengthscale: 2 alpha t k / (1 + t)."""
    scale = 0.5 / (alpha * lengthscale * lengthscale)
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        squared_distances(x, columns, i, first, row)
        for j in range(count):
            t = scale * row[j]
            row[j] = 2.0 * alpha * t / (1.0 + t) * exp_of_negative(-alpha * _log1p(t))
