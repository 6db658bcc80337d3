r"""Bridges: the interpolant's SDE between two given ends, exactly, in both directions of time.

Between fixed ends the law of :math:`I_t` is normal, about :math:`\mu_t = \alpha x_0 + \beta x_1`
with the covariance :math:`\gamma^2 I`, and the SDE with these laws is linear. On the clock
:math:`\tau(t) = \int \epsilon/\gamma^2\,\dd t` the scaled deviation :math:`(X_t - \mu_t)/\gamma(t)`
is a stationary Ornstein-Uhlenbeck process. That is reversible: one formula serves both directions.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from labcore._validate import points, real
from labcore.interpolants.couplings import given_pairs
from labcore.interpolants.flow import diffusion_function, fill_noise, one_way
from labcore.interpolants.schedules import Schedule
from labcore.random import seed_from

# Not the noise of `solve_sde`, which may be run with the same seed for comparison.
_BRIDGE_STREAM = np.uint64(3 << 62)


class Transition(NamedTuple):
    """A normal law for each particle: its mean, (n, d), and the variance of each coordinate."""

    mean: np.ndarray
    variance: float


class Bridges(NamedTuple):
    """One bridge for each pair of ends; see `bridges_between`."""

    x0: np.ndarray
    x1: np.ndarray
    schedule: Schedule
    diffusion: Callable[[float], float]

    def drift(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The drift forward in time at row i of `x` of the bridge i, (n, d).

        .. math:: \dot\mu_t + \frac{\frac12 \dot{(\gamma^2)} - \epsilon}{\gamma^2}\,(x - \mu_t)

        Raises
        ------
        ValueError
            Where :math:`\gamma = 0`: only there, with fixed ends, has the SDE no drift.
        """
        t, x, c = real("t", t), self._points(x), self.schedule.at(real("t", t))
        if c.gamma == 0.0:
            raise ValueError(f"gamma is 0 at t = {t:g}: the bridge has no drift there")
        pull = (0.5 * c.gamma_squared_rate - self.diffusion(t)) / c.gamma**2
        rate = c.alpha_rate * self.x0 + c.beta_rate * self.x1
        return rate + pull * (x - self._middle(c))

    def transition(self, start: float, stop: float, x: np.ndarray) -> Transition:
        r"""The law at the time `stop` of the bridges that are at `x` at the time `start`.

        .. math::
            X_t \mid X_s = x \;\sim\; \N\big(\mu_t + \delta\,(x - \mu_s),\;
                (\gamma_t^2 - \delta^2 \gamma_s^2) I\big), \qquad
            \delta = \frac{\gamma_t}{\gamma_s}\,e^{-\abs{\tau(t) - \tau(s)}}

        Parameters
        ----------
        start, stop : float
            Times s and t in [0, 1], in either order.
        x : array of shape (n, d), or (n,) on the line
            Row i is where bridge i is. Where :math:`\gamma_s = 0` it can only be at
            :math:`\mu_s`, and what is given is ignored.

        Returns
        -------
        Transition

        Raises
        ------
        ValueError
            If a time is not in [0, 1], or the shape of x is not that of the ends.

        Notes
        -----
        The clock is found by quadrature, to a relative error of 1e-12, in the variable
        :math:`\log(t/(1 - t))`. Costs about a millisecond, whatever n.
        """
        x = self._points(x)
        before, after = self.schedule.at(real("start", start)), self.schedule.at(real("stop", stop))
        if start == stop:
            return Transition(x.copy(), 0.0)
        if before.gamma == 0.0 or after.gamma == 0.0:
            return Transition(self._middle(after), float(after.gamma**2))
        time = self._clock(start, stop)
        mean = self._middle(after) + after.gamma / before.gamma * math.exp(-time) * (
            x - self._middle(before)
        )
        return Transition(mean, float(after.gamma**2 * -math.expm1(-2.0 * time)))

    def paths(
        self, times: np.ndarray, *, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        r"""One path of each bridge at the times asked for, with no error of discretisation.

        Parameters
        ----------
        times : array of shape (m,)
            In [0, 1], going up or down. Both ways the paths have one law.
        rng : int, numpy.random.Generator or None
            The seed (see `labcore.random.seed_from`). Bridge i has a stream of its own.

        Returns
        -------
        array of shape (n, m, d)

        Raises
        ------
        ValueError
            If the times do not go one way or leave [0, 1].
        """
        times, seed = one_way(times), seed_from(rng)
        out = np.empty((len(self.x0), len(times), self.x0.shape[1]))
        noise = np.empty_like(self.x0)
        c = self.schedule.at(times[0])
        law = Transition(self._middle(c), float(c.gamma**2))
        for j in range(len(times)):
            if j > 0:
                law = self.transition(float(times[j - 1]), float(times[j]), out[:, j - 1])
            fill_noise(seed, _BRIDGE_STREAM, j, noise)
            out[:, j] = law.mean + math.sqrt(law.variance) * noise
        return out

    def _points(self, x) -> np.ndarray:
        x = points("x", x)
        if x.shape != self.x0.shape:
            raise ValueError(f"x must have the shape of the ends, {self.x0.shape}, got {x.shape}")
        return x

    def _middle(self, c) -> np.ndarray:
        return c.alpha * self.x0 + c.beta * self.x1

    def _clock(self, start: float, stop: float) -> float:
        """The length of the integral of epsilon / gamma^2 between two times."""
        from scipy.integrate import quad

        def rate(u):  # u = log(t / (1 - t)): a bridge that starts and ends as Brownian is flat
            t = 1.0 / (1.0 + math.exp(-u)) if u > 0.0 else math.exp(u) / (1.0 + math.exp(u))
            return self.diffusion(t) * t * (1.0 - t) / float(self.schedule.at(t).gamma) ** 2

        ends = sorted(math.log(t / (1.0 - t)) if t > 0.0 else -math.inf for t in (start, stop))
        return quad(rate, *ends, epsabs=0.0, epsrel=1e-12, limit=200)[0]


def bridges_between(
    x0: np.ndarray,
    x1: np.ndarray,
    schedule: Schedule,
    diffusion: float | Callable[[float], float],
) -> Bridges:
    r"""The interpolant's SDE on the condition of its ends, one bridge for each pair.

    .. math::
        \dd X_t = \Big[\dot\mu_t + \frac{\frac12 \dot{(\gamma^2)} - \epsilon}{\gamma^2}
            (X_t - \mu_t)\Big] \dd t + \sqrt{2\epsilon}\,\dd W_t, \qquad
        \mu_t = \alpha x_0 + \beta x_1,

    which has the law of :math:`I_t` given :math:`(x_0, x_1)` at each time t. With
    ``linear(noise=a)`` and :math:`\epsilon = a/2` it is the Brownian bridge of variance rate a,
    whose drift is :math:`(x_1 - X_t)/(1 - t)`.

    Parameters
    ----------
    x0, x1 : arrays of shape (n, d), or (n,) on the line
        Ends in pairs, such as a coupling returns.
    schedule : Schedule
    diffusion : float or callable
        :math:`\epsilon \ge 0`, or a function of time with such values.

    Raises
    ------
    ValueError
        If the shapes differ, values are not finite, or the diffusion is negative.

    Notes
    -----
    Over random pairs the bridges have the marginals of the interpolant, and so has the SDE of
    `solve_sde`, but as processes the two are not the same: a mixture of bridges knows its end, and
    is not Markov. They are the same process if the pairs are Schrodinger's, those of
    `schrodinger_pairs`, with ``linear(noise=a)`` and :math:`\epsilon = a/2`. Y. Shi, V. De Bortoli,
    A. Campbell, A. Doucet, "Diffusion Schrodinger bridge matching", NeurIPS 2023, section 3.
    arXiv:2303.16852.

    Examples
    --------
    >>> from labcore.interpolants import bridges_between, linear
    >>> bridge = bridges_between([0.0], [4.0], linear(noise=1.0), 0.5)
    >>> forward = bridge.transition(0.5, 0.75, [3.0])
    >>> forward.mean.round(6), round(forward.variance, 6)
    (array([[3.5]]), 0.125)
    >>> bridge.paths([0.0, 0.5, 1.0], rng=1)[0, :, 0].round(3)
    array([0.  , 1.39, 4.  ])
    """
    x0, x1 = given_pairs(x0, x1)
    return Bridges(x0, x1, schedule, diffusion_function(diffusion))
