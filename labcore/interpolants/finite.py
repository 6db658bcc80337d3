r"""The interpolant from a standard normal source to a finite data set, exactly.

The target is :math:`\frac1m \sum_j \N(y_j, h^2 I)`: the data points themselves for bandwidth h = 0,
a kernel density estimate for h > 0. Everything follows from one weighted mean of the data,
:math:`\E[y \mid I_t = x]`, which is kernel regression with a Gaussian kernel.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import prange

from labcore._compile import compiled
from labcore._math import exp, log
from labcore._validate import non_negative, points, real
from labcore.interpolants.schedules import Coefficients, Schedule

_BUFFER = 1 << 20  # numbers in the buffer of weights: rows of it are filled in turn


class DataInterpolant(NamedTuple):
    r"""Velocity, score and denoiser from noise to a data set; see `to_data`.

    With :math:`c(t) = \alpha^2 + \beta^2 h^2 + \gamma^2` and the mean
    :math:`\bar y(x) = \sum_j w_j(x)\,y_j`, :math:`w_j \propto e^{-\norm{x - \beta y_j}^2/2c}`:

    .. math::
        s(t, x) &= -(x - \beta \bar y)/c, \\
        v(t, x) &= \dot\beta\,\bar y + \tfrac12 \dot c\,(x - \beta \bar y)/c.
    """

    data: np.ndarray
    schedule: Schedule
    bandwidth: float

    def mean_data_point(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The weighted mean :math:`\E[y \mid I_t = x]` of the data points, of shape (n, d)."""
        return self._posterior(t, x)[1]

    def log_density(self, t: float, x: np.ndarray) -> np.ndarray:
        r""":math:`\log \rho_t(x)`, of shape (n,)."""
        return self._posterior(t, x)[2]

    def score(self, t: float, x: np.ndarray) -> np.ndarray:
        r""":math:`s(t, x) = \nabla \log \rho_t(x)`, of shape (n, d)."""
        x, mean, _, c = self._posterior(t, x)
        return -(x - c.beta * mean) / self._variance(c)

    def velocity(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The velocity :math:`v(t, x) = \E[\dot I_t \mid I_t = x]`, of shape (n, d)."""
        x, mean, _, c = self._posterior(t, x)
        half_rate = (
            c.alpha * c.alpha_rate
            + c.beta * c.beta_rate * self.bandwidth**2
            + 0.5 * c.gamma_squared_rate
        )
        return c.beta_rate * mean + half_rate / self._variance(c) * (x - c.beta * mean)

    def _variance(self, c: Coefficients) -> float:
        return float(c.alpha**2 + (c.beta * self.bandwidth) ** 2 + c.gamma**2)

    def _posterior(self, t: float, x: np.ndarray):
        """The points as an array, their mean data points and log densities, the coefficients."""
        c = self.schedule.at(real("t", t))
        variance = self._variance(c)
        if variance <= 1e-300:
            raise ValueError(
                f"the law at t = {float(t):g} sits on the data points and has no density there: "
                "stop earlier, or give a bandwidth"
            )
        x = points("x", x)
        m, d = self.data.shape
        if x.shape[1] != d:
            raise ValueError(f"x must have {d} columns, got shape {x.shape}")
        mean, log_density = np.empty_like(x), np.empty(len(x))
        rows = max(1, min(len(x), _BUFFER // m))
        weights = np.empty((rows, m))
        for start in range(0, len(x), rows):
            part = slice(start, start + rows)
            _data_mean(
                x[part],
                self.data,
                self.data.T.copy(),
                float(c.beta),
                variance,
                weights,
                mean[part],
                log_density[part],
            )
        log_density -= math.log(m) + 0.5 * d * math.log(2 * math.pi * variance)
        return x, mean, log_density, c


def to_data(data: np.ndarray, schedule: Schedule, *, bandwidth: float = 0.0) -> DataInterpolant:
    """The interpolant from a standard normal variable to a data set.

    Parameters
    ----------
    data : array of shape (m, d), or (m,) on the line
    schedule : Schedule
    bandwidth : float, default 0
        Standard deviation of the Gaussian put on every data point. With 0 the target is the data
        set itself, and its velocity is not defined at t = 1.

    Raises
    ------
    ValueError
        If the data are empty or not finite, or the bandwidth is negative.

    Notes
    -----
    A field at n points costs O(n m d), on all cores. The weights are computed relative to the
    largest, so that a point far from all data, or a time close to 1, gives no division by zero.

    Examples
    --------
    >>> from labcore.interpolants import linear, to_data
    >>> path = to_data([[-1.0], [1.0]], linear())
    >>> path.velocity(0.5, [[0.0], [0.5]]).round(3)
    array([[0.   ],
           [0.523]])
    """
    data = points("data", data)
    if data.size == 0:
        raise ValueError(f"data must hold at least one point, got shape {data.shape}")
    return DataInterpolant(data, schedule, non_negative("bandwidth", bandwidth))


@compiled(parallel=True)
def _data_mean(x, data, data_transposed, beta, variance, weights, mean, log_density):
    """Weights exp(-|x - beta y|^2 / 2 variance): mean of the data, log of the sum.

    The transposed data let the squared distances to all data points grow side by side, which a
    strict sum over coordinates would not: this is what the compiler can vectorise.
    """
    m, d = data.shape
    for i in prange(x.shape[0]):
        w = weights[i]
        for j in range(m):
            w[j] = 0.0
        for a in range(d):
            for j in range(m):
                difference = x[i, a] - beta * data_transposed[a, j]
                w[j] += difference * difference
        nearest = math.inf
        for j in range(m):
            nearest = min(nearest, w[j])
        for j in range(m):
            w[j] = exp((nearest - w[j]) / (2.0 * variance))
        total = 0.0
        for j in range(m):
            total += w[j]
        for a in range(d):
            mean[i, a] = 0.0
        for j in range(m):
            if w[j] > 0.0:
                share = w[j] / total
                for a in range(d):
                    mean[i, a] += share * data[j, a]
        log_density[i] = log(total) - nearest / (2.0 * variance)
