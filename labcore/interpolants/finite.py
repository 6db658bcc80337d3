r"""Interpolants of finite data, exactly: from a normal source to points, or along given pairs.

The target is :math:`\frac1m \sum_j \N(y_j, h^2 I)`: the data points themselves for bandwidth h = 0,
a kernel density estimate for h > 0. Everything follows from one weighted mean of the data,
:math:`\E[y \mid I_t = x]`, which is kernel regression with a Gaussian kernel. With m pairs of ends
it is regression of both ends on the points between them.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import prange

from labcore._compile import compiled
from labcore._math import exp, log
from labcore._validate import non_negative, points, real
from labcore.interpolants.between_mixtures import Draws
from labcore.interpolants.couplings import given_pairs
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

    def data_variance(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The mean squared distance :math:`\E[\norm{y - \bar y}^2 \mid I_t = x]` of the data point
        from that mean, of shape (n,)."""
        x, mean, _, c = self._posterior(t, x)
        centre = self.data.mean(axis=0)  # about it, so that little cancels below
        squares = ((self.data - centre) ** 2).sum(axis=1, keepdims=True)
        square, _ = _weighted_means(x, self.data, float(c.beta), self._variance(c), squares)
        return np.maximum(square[:, 0] - ((mean - centre) ** 2).sum(axis=1), 0.0)

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
        x = _points_of(x, self.data.shape[1])
        mean, log_density = _weighted_means(x, self.data, float(c.beta), variance, self.data)
        return x, mean, log_density, c


class PairInterpolant(NamedTuple):
    r"""Velocity, score and denoiser along pairs of ends; see `along_pairs`.

    With the weights :math:`w_j \propto e^{-\norm{x - \alpha x_{0,j} - \beta x_{1,j}}^2/2\gamma^2}`
    and the means :math:`\bar x_0, \bar x_1` of the ends that they give:

    .. math::
        s(t, x) &= -(x - \alpha \bar x_0 - \beta \bar x_1)/\gamma^2, \\
        v(t, x) &= \dot\alpha\,\bar x_0 + \dot\beta\,\bar x_1
            + \tfrac12 \dot{(\gamma^2)}\,(x - \alpha \bar x_0 - \beta \bar x_1)/\gamma^2.
    """

    x0: np.ndarray
    x1: np.ndarray
    schedule: Schedule

    def log_density(self, t: float, x: np.ndarray) -> np.ndarray:
        r""":math:`\log \rho_t(x)`, of shape (n,)."""
        return self._posterior(t, x)[2]

    def score(self, t: float, x: np.ndarray) -> np.ndarray:
        r""":math:`s(t, x) = \nabla \log \rho_t(x)`, of shape (n, d)."""
        rest, _, _, c = self._posterior(t, x)
        return -rest / c.gamma**2

    def velocity(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The velocity :math:`v(t, x) = \E[\dot I_t \mid I_t = x]`, of shape (n, d)."""
        rest, (x0, x1), _, c = self._posterior(t, x)
        noise_rate = 0.5 * c.gamma_squared_rate / c.gamma**2
        return c.alpha_rate * x0 + c.beta_rate * x1 + noise_rate * rest

    def denoise(self, t: float, x: np.ndarray) -> Draws:
        r"""The means given :math:`I_t = x` of the two ends and of the noise, (n, d) each."""
        rest, (x0, x1), _, c = self._posterior(t, x)
        return Draws(x0, x1, rest / c.gamma)

    def _posterior(self, t: float, x: np.ndarray):
        """What of x the mean ends leave, these, the log density and the coefficients."""
        c = self.schedule.at(real("t", t))
        if c.gamma**2 <= 1e-300:
            raise ValueError(
                f"gamma is {c.gamma:g} at t = {float(t):g}: without noise pairs have no density"
            )
        d = self.x0.shape[1]
        x = _points_of(x, d)
        centres = c.alpha * self.x0 + c.beta * self.x1
        ends = np.concatenate([self.x0, self.x1], axis=1)
        mean, log_density = _weighted_means(x, centres, 1.0, float(c.gamma**2), ends)
        x0, x1 = mean[:, :d], mean[:, d:]
        return x - c.alpha * x0 - c.beta * x1, (x0, x1), log_density, c


def along_pairs(x0: np.ndarray, x1: np.ndarray, schedule: Schedule) -> PairInterpolant:
    r"""The interpolant of m pairs of ends, all equally probable.

    Parameters
    ----------
    x0, x1 : arrays of shape (m, d), or (m,) on the line
        Row by row in pairs: as a coupling returns them, or as they belong together.
    schedule : Schedule
        One with noise: where :math:`\gamma = 0`, as at the ends, there is no density.

    Raises
    ------
    ValueError
        If the shapes differ or values are not finite; and of the fields, where
        :math:`\gamma = 0`.

    Notes
    -----
    A field at n points costs O(n m d), on all cores. The ODE carries a start within a few
    :math:`\gamma` of a source point to the target point that it is paired with, and nothing new is
    made: it remembers its pairs. With fewer noise than the distance between lines it is as stiff as
    :math:`1/\gamma^2`.

    Examples
    --------
    >>> from labcore.interpolants import along_pairs, linear
    >>> path = along_pairs([-1.0, 1.0], [1.0, -1.0], linear(noise=0.1))
    >>> path.velocity(0.5, [[0.0]])  # where the two lines cross
    array([[0.]])
    >>> path.velocity(0.1, [[-0.8]]).round(3)
    array([[2.]])
    """
    return PairInterpolant(*given_pairs(x0, x1), schedule)


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


def _points_of(x, d: int) -> np.ndarray:
    x = points("x", x)
    if x.shape[1] != d:
        raise ValueError(f"x must have {d} columns, got shape {x.shape}")
    return x


def _weighted_means(
    x: np.ndarray, centres: np.ndarray, beta: float, variance: float, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means of `values` with the weights N(x; beta centre, variance), and the log density at x."""
    m, d = centres.shape
    mean, log_density = np.empty((len(x), values.shape[1])), np.empty(len(x))
    rows = max(1, min(len(x), _BUFFER // m))
    weights, transposed = np.empty((rows, m)), centres.T.copy()
    for start in range(0, len(x), rows):
        part = slice(start, start + rows)
        _fill_means(
            x[part], transposed, beta, variance, values, weights, mean[part], log_density[part]
        )
    log_density -= math.log(m) + 0.5 * d * math.log(2 * math.pi * variance)
    return mean, log_density


@compiled(parallel=True)
def _fill_means(x, transposed, beta, variance, values, weights, mean, log_density):
    """Weights exp(-|x - beta y|^2 / 2 variance): mean of the values, log of the sum.

    The transposed centres let the squared distances to all data points grow side by side, which a
    strict sum over coordinates would not: this is what the compiler can vectorise.
    """
    d, m = transposed.shape
    for i in prange(x.shape[0]):
        w = weights[i]
        for j in range(m):
            w[j] = 0.0
        for a in range(d):
            for j in range(m):
                difference = x[i, a] - beta * transposed[a, j]
                w[j] += difference * difference
        nearest = math.inf
        for j in range(m):
            nearest = min(nearest, w[j])
        for j in range(m):
            w[j] = exp((nearest - w[j]) / (2.0 * variance))
        total = 0.0
        for j in range(m):
            total += w[j]
        for a in range(values.shape[1]):
            mean[i, a] = 0.0
        for j in range(m):
            if w[j] > 0.0:
                share = w[j] / total
                for a in range(values.shape[1]):
                    mean[i, a] += share * values[j, a]
        log_density[i] = log(total) - nearest / (2.0 * variance)
