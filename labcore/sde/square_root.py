r"""The square-root diffusion of Feller (1951) and of Cox, Ingersoll and Ross (1985)."""

import math

import numpy as np
from numba import uint64

from labcore._compile import compiled
from labcore._math import exp
from labcore._validate import positive
from labcore.random import gamma_at, poisson_at
from labcore.sde.model import Model

_SECOND_VARIABLE = 1 << 63  # added to the stream for the second variable of a draw

# Parameters are (rate, mean, volatility).


@compiled(inline=True)
def _drift(t, x, parameters):
    return parameters[0] * (parameters[1] - max(x, 0.0))


@compiled(inline=True)
def _drift_derivative(t, x, parameters):
    return -parameters[0] if x > 0.0 else 0.0


@compiled(inline=True)
def _diffusion(t, x, parameters):
    return parameters[2] * math.sqrt(max(x, 0.0))


@compiled(inline=True)
def _diffusion_derivative(t, x, parameters):
    return 0.5 * parameters[2] / math.sqrt(x) if x > 0.0 else 0.0


@compiled(inline=True)
def _transition_draw(t, x, h, seed, stream, index, parameters):
    rate, mean, volatility = parameters
    decay = exp(-rate * h)
    scale = volatility * volatility * (1.0 - decay) / (2.0 * rate)
    shape = 2.0 * rate * mean / (volatility * volatility)
    n = poisson_at(seed, uint64(stream) ^ uint64(_SECOND_VARIABLE), index, x * decay / scale)
    return scale * gamma_at(seed, stream, index, shape + n)


def cox_ingersoll_ross(rate: float = 1.0, mean: float = 1.0, volatility: float = 1.0) -> Model:
    r"""The square-root diffusion, :math:`dX = \kappa (m - X)\,dt + \sigma \sqrt{X}\,dW`.

    Its states are not negative. Given :math:`X_0 = x_0`, with

    .. math:: c = \frac{\sigma^2 (1 - e^{-\kappa t})}{4 \kappa}, \qquad
              \delta = \frac{4 \kappa m}{\sigma^2},

    :math:`X_t / c` has the noncentral chi-square law of :math:`\delta` degrees of freedom and
    noncentrality :math:`x_0 e^{-\kappa t} / c`. The stationary law is the gamma law of shape
    :math:`\delta / 2` and scale :math:`\sigma^2 / 2 \kappa`. `labcore.sde.EXACT_DRAW` draws from
    the transition as :math:`2 c\,G` with G of the gamma law of shape :math:`\delta / 2 + N`, N of
    the Poisson law with half the noncentrality as its mean.

    Parameters
    ----------
    rate : float, default 1
        kappa, positive: one over the time in which a deviation of the mean falls to 1/e.
    mean : float, default 1
        m, positive: the level that the process returns to.
    volatility : float, default 1
        sigma, positive.

    Raises
    ------
    ValueError
        If a parameter is not positive and finite.

    Notes
    -----
    The process reaches 0 if and only if Feller's condition :math:`2 \kappa m \ge \sigma^2` fails.
    Near 0 a method on a grid steps below it. Both coefficients are therefore taken at
    :math:`\max(X, 0)`, which makes of Euler-Maruyama the full-truncation scheme: a state below 0
    rises by :math:`\kappa m h` a step, without noise. The derivative of sigma is infinite at 0, so
    the orders that solvers state hold only where the process keeps away from 0; where Feller's
    condition fails, errors fall more slowly. The exact draws have no such trouble.

    References
    ----------
    J. C. Cox, J. E. Ingersoll, S. A. Ross, "A theory of the term structure of interest rates",
    Econometrica 53, 1985, equations 17-20. doi:10.2307/1911242

    R. Lord, R. Koekkoek, D. van Dijk, "A comparison of biased simulation schemes for stochastic
    volatility models", Quantitative Finance 10, 2010. doi:10.1080/14697680802392496

    Examples
    --------
    >>> from labcore import sde
    >>> model = sde.cox_ingersoll_ross(rate=2.0, mean=0.5, volatility=1.0)
    >>> x = sde.solve(model, sde.EXACT_DRAW, 0.5, 3.0, 3, 20_000, rng=1).x[:, -1]
    >>> float(x.var().round(3)), float(model.variance(3.0, 0.5).round(3))
    (0.124, 0.125)
    """
    kappa, m = positive("rate", rate), positive("mean", mean)
    sigma = positive("volatility", volatility)
    shape, scale = 2.0 * kappa * m / sigma**2, sigma**2 / (2.0 * kappa)

    def variance(t, x0):
        decay = np.exp(-kappa * np.asarray(t))
        return 2.0 * scale * (1.0 - decay) * (x0 * decay + 0.5 * m * (1.0 - decay))

    def stationary_density(x):
        x = np.asarray(x, dtype=float)
        positive_x = np.where(x > 0.0, x, 1.0)
        log_density = (shape - 1.0) * np.log(positive_x / scale) - positive_x / scale
        density = np.exp(log_density - math.lgamma(shape)) / scale
        return np.where(x > 0.0, density, 0.0)

    return Model(
        name="Cox-Ingersoll-Ross process",
        drift=_drift,
        diffusion=_diffusion,
        diffusion_derivative=_diffusion_derivative,
        parameters=(kappa, m, sigma),
        mean=lambda t, x0: m + (x0 - m) * np.exp(-kappa * np.asarray(t)),
        variance=variance,
        stationary_density=stationary_density,
        drift_derivative=_drift_derivative,
        transition_draw=_transition_draw,
    )
