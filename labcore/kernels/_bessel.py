r"""The function :math:`z^\nu K_\nu(z)` of Matern kernels and of rational quadratic spectra."""

import math

import numpy as np

LARGEST_ORDER = 200.0
_TERMS = 30  # of the series at small z
_FAR = 1e4  # where the function is zero to all digits, for all orders


def bessel_form(nu: float, z: np.ndarray) -> np.ndarray:
    r""":math:`M_\nu(z) = \frac{2^{1-\nu}}{\Gamma(\nu)} z^\nu K_\nu(z)`, which is 1 at z = 0.

    For 0 < nu <= 200 and z >= 0. Where K overflows (large orders, small z) the power series

    .. math:: \sum_j \frac{(z^2/4)^j}{j!\,(1-\nu)(2-\nu)\cdots(j-\nu)}

    stands for it; what it leaves out is of order :math:`z^{2\nu}`.
    """
    from scipy.special import kve

    z = np.asarray(z, dtype=float)
    positive = np.where(z > 0, np.minimum(z, _FAR), 1.0)
    bessel = kve(nu, positive)
    finite = np.isfinite(bessel)
    constant = (1 - nu) * math.log(2) - math.lgamma(nu)
    logarithm = constant + nu * np.log(positive) - positive
    result = np.exp(logarithm + np.log(np.where(finite, bessel, 1.0)))
    if not finite.all():
        quarter, term = np.square(z[~finite]) / 4, 1.0
        series = np.ones_like(quarter)
        for j in range(1, min(_TERMS, math.ceil(nu))):
            term = term * quarter / (j * (j - nu))
            series += term
        result[~finite] = series
    return np.where(z > 0, result, 1.0)
