r"""The periodic kernel: draws repeat themselves exactly."""

import math
from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import exp_of_negative, sin_cos_2pi
from labcore.kernels import _blocks
from labcore.kernels._pairs import tiles
from labcore.kernels.kernel import Kernel


@dataclass(frozen=True)
class Periodic(Kernel):
    r"""The periodic kernel: the Gaussian kernel of points on a circle,

    .. math::

        k(x, y) = \exp\left(-\frac{2}{\ell^2} \sum_{i=1}^d \sin^2 \frac{\pi (x_i - y_i)}{p}\right).

    Parameters
    ----------
    lengthscale : float, default 1
        :math:`\ell > 0`: how much a draw wiggles within a period, without unit.
    period : float, default 1
        :math:`p > 0`, in the unit of the points.

    Notes
    -----
    The spectrum is discrete, at the multiples of :math:`2\pi/p`: there is no spectral density. In
    more than one dimension the sum is over coordinates; the same formula with :math:`|x - y|` in
    the sine is not positive definite there.

    References
    ----------
    D. J. C. MacKay, "Introduction to Gaussian processes", in *Neural Networks and Machine
    Learning*, Springer 1998, equation 47.

    Examples
    --------
    >>> Periodic(1.0, period=12.0)([0.0, 6.0, 12.0]).round(4)[0]
    array([1.    , 0.1353, 1.    ])
    """

    lengthscale: float = 1.0
    period: float = 1.0
    _tunable = ("lengthscale", "period")

    def __post_init__(self):
        for name in self._tunable:
            object.__setattr__(self, name, validate.positive(name, getattr(self, name)))

    def _tile(self, x, y):
        return tiles(_gram, x, y, self.lengthscale, self.period)

    def _diagonal(self, x):
        return np.ones(len(x))

    def _gradients(self, x):
        in_period = np.empty((len(x), len(x)))
        gram = self(x)
        in_lengthscale = -2.0 * gram * np.log(np.maximum(gram, np.finfo(float).tiny))
        tile = tiles(_slope_in_period, x, x, self.lengthscale, self.period)
        _blocks.fill(tile, in_period, x.shape[1], symmetric=True)
        in_period *= gram
        return gram, [in_lengthscale, in_period]

    def _slope(self, x, y):
        turns = (x[:, None] - y) / self.period
        scale = -2 * math.pi / (self.period * self.lengthscale**2)
        return scale * np.sin(2 * math.pi * turns) * self(x, y)[..., None]

    def __str__(self):
        return f"Periodic({self.lengthscale:.3g}, {self.period:.3g})"


@compiled
def _gram(x, columns, first, out, left, count, lengthscale, period):
    scale = -2.0 / (lengthscale * lengthscale)
    half_turns = 0.5 / period
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        for j in range(count):
            row[j] = 0.0
        for k in range(x.shape[1]):
            y = columns[k, first : first + count]
            for j in range(count):
                sine, _ = sin_cos_2pi(half_turns * (x[i, k] - y[j]))
                row[j] += sine * sine
        for j in range(count):
            row[j] = exp_of_negative(scale * row[j])


@compiled
def _slope_in_period(x, columns, first, out, left, count, lengthscale, period):
    """Derivative of log k in log p: (2 pi / (p l^2)) sum of (x - y) sin(2 pi (x - y) / p)."""
    scale = 2.0 * math.pi / (period * lengthscale * lengthscale)
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        for j in range(count):
            row[j] = 0.0
        for k in range(x.shape[1]):
            y = columns[k, first : first + count]
            for j in range(count):
                difference = x[i, k] - y[j]
                sine, _ = sin_cos_2pi(difference / period)
                row[j] += scale * difference * sine
