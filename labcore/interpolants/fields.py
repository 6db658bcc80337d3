r"""Velocity, score and denoiser from fitted fields: what regression and networks return.

Two conditional means determine all others. The velocity is :math:`v = \E[\dot I_t \mid I_t]`, the
noise :math:`\eta = \E[z \mid I_t]`, and since :math:`I_t` and :math:`\dot I_t` are linear in the
draws,

.. math::
    \alpha\,\hat x_0 + \beta\,\hat x_1 &= x - \gamma\,\eta(t, x), \\
    \dot\alpha\,\hat x_0 + \dot\beta\,\hat x_1 &= v(t, x) - \dot\gamma\,\eta(t, x).
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from labcore._validate import points, real
from labcore.interpolants.between_mixtures import Draws
from labcore.interpolants.schedules import Schedule

Field = Callable[[float, np.ndarray], np.ndarray]


class Fields(NamedTuple):
    r"""A velocity and, where the schedule has noise, the mean noise, with what follows from them.

    Parameters
    ----------
    schedule : Schedule
    velocity : callable
        ``velocity(t, x)`` of shape (n, d).
    noise : callable, optional
        ``noise(t, x)`` of shape (n, d): :math:`\eta = \E[z \mid I_t = x]`. It may be left out where
        :math:`\gamma = 0`.

    Examples
    --------
    >>> from labcore.interpolants import Fields, between, linear, mixture
    >>> path = between(mixture([0.0]), mixture([4.0]), linear(noise=1.0))
    >>> fields = Fields(path.schedule, path.velocity, lambda t, x: path.denoise(t, x).z)
    >>> fields.score(0.5, [3.0]).round(6), path.score(0.5, [3.0]).round(6)
    (array([[-1.333333]]), array([[-1.333333]]))
    """

    schedule: Schedule
    velocity: Field
    noise: Field | None = None

    def score(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The score of the law at time t, :math:`s(t, x) = -\eta(t, x)/\gamma(t)`, (n, d).

        Without a field of noise and with :math:`\gamma = 0` the source has to be a standard normal
        law: then :math:`s = -\hat x_0/\alpha`, with :math:`\hat x_0` from `denoise`.

        Raises
        ------
        ValueError
            Where it would divide by zero, as at t = 1.

        Notes
        -----
        An error of the noise is divided by :math:`\gamma`, and large near the ends. Where an SDE is
        to run there, let its diffusion vanish like :math:`\gamma`.
        """
        c = self.schedule.at(real("t", t))
        if self.noise is None and c.gamma == 0.0:
            name, noise, amplitude = "alpha", "x0", c.alpha
        else:
            name, noise, amplitude = "gamma", "z", c.gamma
        if amplitude == 0.0:
            raise ValueError(f"{name} is 0 at t = {t:g}: there is no score there")
        if self.noise is not None:
            return -self.noise(t, points("x", x)) / amplitude
        return -getattr(self.denoise(t, x), noise) / amplitude

    def denoise(self, t: float, x: np.ndarray) -> Draws:
        r"""What the draws were on average, given :math:`I_t = x`: of x0, x1 and z.

        Where an end plays no part, as :math:`x_0` in a one-sided schedule, it is nan.

        Raises
        ------
        ValueError
            Where the equations do not determine the means: without a field of noise if both
            :math:`\alpha` and :math:`\gamma` count, at a time where the slope of :math:`\gamma` is
            infinite, or where :math:`\alpha\dot\beta = \dot\alpha\beta`.
        """
        x = points("x", x)
        c = self.schedule.at(real("t", t))
        velocity = self.velocity(t, x)
        unknown = np.full_like(x, np.nan)
        no_source = c.alpha == c.alpha_rate == 0.0
        no_target = c.beta == c.beta_rate == 0.0
        no_noise = c.gamma == c.gamma_squared_rate == 0.0
        beta = c.beta, c.beta_rate
        if no_noise:
            x0, x1 = _two_means(t, (c.alpha, c.alpha_rate), beta, x, velocity)
            return Draws(x0, x1, np.zeros_like(x))
        if c.gamma == 0.0:
            raise ValueError(f"the slope of gamma is infinite at t = {t:g}")
        gamma = c.gamma, 0.5 * c.gamma_squared_rate / c.gamma
        if self.noise is None:
            if not no_source:
                raise ValueError(f"gamma is {c.gamma:g} at t = {t:g}: a field of noise is needed")
            z, x1 = _two_means(t, gamma, beta, x, velocity)
            return Draws(unknown, x1, z)
        z = self.noise(t, x)
        rest = x - gamma[0] * z
        if no_source or no_target:
            return Draws(
                unknown if no_source else rest / c.alpha, unknown if no_target else rest / c.beta, z
            )
        x0, x1 = _two_means(t, (c.alpha, c.alpha_rate), beta, rest, velocity - gamma[1] * z)
        return Draws(x0, x1, z)


def _two_means(t, first, second, x, velocity):
    """u and w of a u + b w = x and a' u + b' w = velocity, for (a, a') = `first` and so on."""
    determinant = first[0] * second[1] - first[1] * second[0]
    if determinant == 0.0:
        raise ValueError(f"the velocity at t = {t:g} does not tell the draws apart")
    return (
        (second[1] * x - second[0] * velocity) / determinant,
        (first[0] * velocity - first[1] * x) / determinant,
    )
