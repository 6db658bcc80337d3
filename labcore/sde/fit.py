"""Fit an Ornstein-Uhlenbeck process to a series, by maximum likelihood of its exact transitions."""

import math
from typing import NamedTuple

import numpy as np

from labcore._validate import array, positive


class OrnsteinUhlenbeckFit(NamedTuple):
    """Estimates, their standard errors, and the residuals that the model leaves.

    Parameters
    ----------
    rate, mean, diffusion : float
        The estimates of theta, m and sigma.
    rate_error, mean_error, diffusion_error : float
        Their standard errors.
    log_likelihood : float
        Of the series after its first value, at the estimates.
    residuals : numpy.ndarray of shape (n - 1,)
        Each value less its prediction from the one before, over the standard deviation of that:
        independent standard normal variables if the model holds.
    """

    rate: float
    mean: float
    diffusion: float
    rate_error: float
    mean_error: float
    diffusion_error: float
    log_likelihood: float
    residuals: np.ndarray


def fit_ornstein_uhlenbeck(x: np.ndarray, time_step: float) -> OrnsteinUhlenbeckFit:
    r"""The Ornstein-Uhlenbeck process under which an equally spaced series is most likely.

    With :math:`\varphi = e^{-\theta \Delta}` the transition is a regression on the value before,

    .. math:: X_{i+1} = m + \varphi\,(X_i - m) + s Z_{i+1}, \qquad
              s^2 = \frac{\sigma^2 (1 - \varphi^2)}{2 \theta},

    so least squares gives the maximum-likelihood :math:`\varphi, m, s^2` given the first value, and
    solving for :math:`\theta, \sigma` keeps it the maximum.

    Parameters
    ----------
    x : array of shape (n,)
        The series, at least 10 values.
    time_step : float
        Delta, the time between two values, positive.

    Returns
    -------
    OrnsteinUhlenbeckFit

    Raises
    ------
    ValueError
        If the series is too short or constant, or if no Ornstein-Uhlenbeck process fits it: the
        regression coefficient of a value on the one before must lie between 0 and 1.

    Notes
    -----
    The standard errors are those of large samples: from the Fisher information
    :math:`n (1/(1 - \varphi^2),\; (1 - \varphi)^2/s^2,\; 1/2)` of
    :math:`(\varphi, m, \log s^2)`, which is diagonal, by the delta method. They presume a series
    that spans many times :math:`1/\theta`. On a span T the estimated rate is too large by about 4/T
    on average.

    Examples
    --------
    >>> from labcore import sde
    >>> model = sde.ornstein_uhlenbeck(rate=2.0)
    >>> series = sde.solve(model, sde.EXACT, 0.0, 500.0, 5000, rng=0).x[0]
    >>> fit = sde.fit_ornstein_uhlenbeck(series, 0.1)
    >>> abs(fit.rate - 2.0) < 3 * fit.rate_error
    True
    """
    x = array("x", x, 1)
    time_step = positive("time_step", time_step)
    if x.size < 10:
        raise ValueError(f"x must have at least 10 values, got {x.size}")
    before, after = x[:-1], x[1:]
    n = before.size
    spread = np.sum((before - before.mean()) ** 2)
    if spread <= 1e-24 * np.sum(before**2):
        raise ValueError("x must vary, got a constant series")
    phi = float(np.sum((before - before.mean()) * (after - after.mean())) / spread)
    if not 0.0 < phi < 1.0:
        raise ValueError(
            f"x is not like an Ornstein-Uhlenbeck process: a value's regression on the one before "
            f"has slope {phi:.4g}, which must lie between 0 and 1"
        )
    mean = float((after.mean() - phi * before.mean()) / (1.0 - phi))
    error = after - mean - phi * (before - mean)
    s2 = float(np.mean(error**2))
    rate = -math.log(phi) / time_step
    diffusion = math.sqrt(2.0 * rate * s2 / (1.0 - phi**2))
    phi_variance = (1.0 - phi**2) / n
    # d log(sigma) / d phi, from log(sigma^2) = log(-log phi) - log(1 - phi^2) + log s^2 + constant
    slope = 0.5 * (1.0 / (phi * math.log(phi)) + 2.0 * phi / (1.0 - phi**2))
    return OrnsteinUhlenbeckFit(
        rate=rate,
        mean=mean,
        diffusion=diffusion,
        rate_error=math.sqrt(phi_variance) / (phi * time_step),
        mean_error=math.sqrt(s2 / n) / (1.0 - phi),
        diffusion_error=diffusion * math.sqrt(slope**2 * phi_variance + 0.5 / n),
        log_likelihood=-0.5 * n * (math.log(2.0 * math.pi * s2) + 1.0),
        residuals=error / math.sqrt(s2),
    )
