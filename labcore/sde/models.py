r"""A gallery of equations, each with what is known of its solution in closed form."""

import math

import numpy as np

from labcore._compile import compiled
from labcore._math import exp
from labcore._validate import positive, real
from labcore.sde.model import Model


@compiled(inline=True)
def _zero(t, x, parameters):
    return 0.0


# Brownian motion: parameters are (drift, diffusion).


@compiled(inline=True)
def _constant_drift(t, x, parameters):
    return parameters[0]


@compiled(inline=True)
def _constant_diffusion(t, x, parameters):
    return parameters[1]


@compiled(inline=True)
def _brownian_transition(t, x, h, dw, parameters):
    return x + parameters[0] * h + parameters[1] * dw


def brownian_motion(drift: float = 0.0, diffusion: float = 1.0) -> Model:
    r"""Brownian motion with drift, :math:`dX = b\,dt + \sigma\,dW`.

    Solved by :math:`X_t = x_0 + b t + \sigma W_t`, with mean :math:`x_0 + b t` and variance
    :math:`\sigma^2 t`.

    Parameters
    ----------
    drift : float, default 0
        b, in units of x per unit of time.
    diffusion : float, default 1
        sigma, positive.

    Examples
    --------
    >>> brownian_motion(drift=2.0).mean(3.0, 1.0)
    np.float64(7.0)
    """
    b, sigma = real("drift", drift), positive("diffusion", diffusion)
    return Model(
        name="Brownian motion",
        drift=_constant_drift,
        diffusion=_constant_diffusion,
        diffusion_derivative=_zero,
        transition=_brownian_transition,
        parameters=(b, sigma),
        mean=lambda t, x0: x0 + b * np.asarray(t),
        variance=lambda t, x0: sigma**2 * np.asarray(t),
        solution=lambda t, x0, w: x0 + b * t + sigma * w,
        additive=True,
        drift_derivative=_zero,
    )


# The Brownian bridge: parameters are (end, t_end, diffusion).


@compiled(inline=True)
def _bridge_drift(t, x, parameters):
    return (parameters[0] - x) / (parameters[1] - t)


@compiled(inline=True)
def _bridge_slope(t, x, parameters):
    return -1.0 / (parameters[1] - t)


@compiled(inline=True)
def _bridge_diffusion(t, x, parameters):
    return parameters[2]


@compiled(inline=True)
def _bridge_transition(t, x, h, dw, parameters):
    end, t_end, sigma = parameters
    left = max(t_end - t - h, 0.0)  # the last step may end behind t_end by a rounding error
    mean = (left * x + h * end) / (left + h)
    return mean + sigma * math.sqrt(left / (left + h)) * dw


def brownian_bridge(end: float = 0.0, t_end: float = 1.0, diffusion: float = 1.0) -> Model:
    r"""Brownian motion that is sure to be at b at time T, :math:`dX = \frac{b - X}{T - t}\,dt +
    \sigma\,dW`.

    Given :math:`X_0 = x_0`, :math:`X_t` is normal with mean :math:`x_0 + (b - x_0)\,t/T` and
    variance :math:`\sigma^2 t (T - t) / T`; the covariance of :math:`X_s` and :math:`X_t` is
    :math:`\sigma^2 s (T - t)/T` for s < t.

    Parameters
    ----------
    end : float, default 0
        b, where it ends.
    t_end : float, default 1
        T, positive: when. The equation holds up to there.
    diffusion : float, default 1
        sigma, positive.

    Raises
    ------
    ValueError
        If a parameter is out of range or not finite.

    Notes
    -----
    The drift is infinite at T. `labcore.sde.EXACT` arrives at b exactly; Euler-Maruyama's last step
    leaves it by :math:`\sigma \Delta W`, whatever the step; methods that evaluate the drift at the
    end of a step (Heun, the implicit and the Runge-Kutta ones) must stop before T.

    Examples
    --------
    >>> from labcore import sde
    >>> paths = sde.solve(sde.brownian_bridge(end=2.0), sde.EXACT, 0.0, 1.0, 8, 100, rng=1)
    >>> bool((paths.x[:, -1] == 2.0).all())
    True
    """
    b, T, sigma = real("end", end), positive("t_end", t_end), positive("diffusion", diffusion)
    return Model(
        name="Brownian bridge",
        drift=_bridge_drift,
        diffusion=_bridge_diffusion,
        diffusion_derivative=_zero,
        transition=_bridge_transition,
        parameters=(b, T, sigma),
        mean=lambda t, x0: x0 + (b - x0) * np.asarray(t) / T,
        variance=lambda t, x0: sigma**2 * np.asarray(t) * (T - np.asarray(t)) / T,
        additive=True,
        drift_derivative=_bridge_slope,
        horizon=T,
    )


# Ornstein-Uhlenbeck: parameters are (rate, mean, diffusion).


@compiled(inline=True)
def _restoring_drift(t, x, parameters):
    return -parameters[0] * (x - parameters[1])


@compiled(inline=True)
def _restoring_slope(t, x, parameters):
    return -parameters[0]


@compiled(inline=True)
def _restoring_diffusion(t, x, parameters):
    return parameters[2]


@compiled(inline=True)
def _restoring_transition(t, x, h, dw, parameters):
    rate, mean, sigma = parameters
    decay = exp(-rate * h)
    scale = sigma * math.sqrt((1.0 - decay * decay) / (2.0 * rate * h))
    return mean + (x - mean) * decay + scale * dw


def ornstein_uhlenbeck(rate: float = 1.0, mean: float = 0.0, diffusion: float = 1.0) -> Model:
    r"""The Ornstein-Uhlenbeck process, :math:`dX = -\theta (X - m)\,dt + \sigma\,dW`.

    Given :math:`X_0 = x_0`, :math:`X_t` is normal with mean :math:`m + (x_0 - m) e^{-\theta t}` and
    variance :math:`\sigma^2 (1 - e^{-2 \theta t}) / 2\theta`; at the limit :math:`t \to \infty` the
    process is stationary, with covariance :math:`\sigma^2 e^{-\theta |t - s|} / 2 \theta`.

    Parameters
    ----------
    rate : float, default 1
        theta, positive: one over the time in which a deviation falls to 1/e.
    mean : float, default 0
        m, the level that the process returns to.
    diffusion : float, default 1
        sigma, positive.

    Examples
    --------
    >>> float(ornstein_uhlenbeck(rate=2.0).variance(100.0, 0.0))  # the stationary one
    0.25
    """
    theta, m = positive("rate", rate), real("mean", mean)
    sigma = positive("diffusion", diffusion)
    return Model(
        name="Ornstein-Uhlenbeck",
        drift=_restoring_drift,
        diffusion=_restoring_diffusion,
        diffusion_derivative=_zero,
        transition=_restoring_transition,
        parameters=(theta, m, sigma),
        mean=lambda t, x0: m + (x0 - m) * np.exp(-theta * np.asarray(t)),
        variance=lambda t, x0: -(sigma**2) * np.expm1(-2 * theta * np.asarray(t)) / (2 * theta),
        additive=True,
        stationary_density=lambda x: (
            np.sqrt(theta / np.pi) / sigma * np.exp(-theta * ((np.asarray(x) - m) / sigma) ** 2)
        ),
        drift_derivative=_restoring_slope,
    )


# Geometric Brownian motion: parameters are (growth, volatility).


@compiled(inline=True)
def _growing_drift(t, x, parameters):
    return parameters[0] * x


@compiled(inline=True)
def _growing_slope(t, x, parameters):
    return parameters[0]


@compiled(inline=True)
def _growing_diffusion(t, x, parameters):
    return parameters[1] * x


@compiled(inline=True)
def _growing_derivative(t, x, parameters):
    return parameters[1]


@compiled(inline=True)
def _growing_transition(t, x, h, dw, parameters):
    growth, volatility = parameters
    return x * exp((growth - 0.5 * volatility * volatility) * h + volatility * dw)


def geometric_brownian(growth: float = 0.0, volatility: float = 1.0) -> Model:
    r"""Geometric Brownian motion, the Ito equation :math:`dX = r X\,dt + \sigma X\,dW`.

    Solved by :math:`X_t = x_0 \exp((r - \sigma^2/2) t + \sigma W_t)`, with mean
    :math:`x_0 e^{r t}` and variance :math:`x_0^2 e^{2 r t} (e^{\sigma^2 t} - 1)`.

    Parameters
    ----------
    growth : float, default 0
        r, the rate at which the mean grows.
    volatility : float, default 1
        sigma, positive.

    Examples
    --------
    >>> float(geometric_brownian(growth=0.0).mean(1.0, 5.0))
    5.0
    """
    r, sigma = real("growth", growth), positive("volatility", volatility)
    return Model(
        name="geometric Brownian motion",
        drift=_growing_drift,
        diffusion=_growing_diffusion,
        diffusion_derivative=_growing_derivative,
        transition=_growing_transition,
        parameters=(r, sigma),
        mean=lambda t, x0: x0 * np.exp(r * np.asarray(t)),
        variance=lambda t, x0: (
            x0**2 * np.exp(2 * r * np.asarray(t)) * np.expm1(sigma**2 * np.asarray(t))
        ),
        solution=lambda t, x0, w: x0 * np.exp((r - sigma**2 / 2) * t + sigma * w),
        drift_derivative=_growing_slope,
    )


# The double well: the parameter is (diffusion,).


@compiled(inline=True)
def _double_well_drift(t, x, parameters):
    return x - x * x * x


@compiled(inline=True)
def _double_well_slope(t, x, parameters):
    return 1.0 - 3.0 * x * x


@compiled(inline=True)
def _double_well_diffusion(t, x, parameters):
    return parameters[0]


def double_well(diffusion: float = 0.7) -> Model:
    r"""A particle in two wells, :math:`dX = (X - X^3)\,dt + \sigma\,dW`.

    The drift is :math:`-V'` with :math:`V(x) = x^4/4 - x^2/2`, whose wells lie at -1 and 1. The
    stationary density is proportional to :math:`\exp(-2 V(x) / \sigma^2)`; there is no closed form
    of the law at a finite time.

    Parameters
    ----------
    diffusion : float, default 0.7
        sigma, positive. The smaller it is, the rarer are the passages from well to well.

    Examples
    --------
    >>> from labcore import sde
    >>> paths = sde.solve(sde.double_well(), sde.EULER_MARUYAMA, 0.0, 20.0, 2000, 1000, rng=1)
    >>> float((paths.x[:, -1] > 0).mean().round(1))  # both wells are as likely
    0.5
    """
    sigma = positive("diffusion", diffusion)

    def weight(x):
        return np.exp(-((x**2 - 1.0) ** 2) / (2.0 * sigma**2))  # 1 at the bottoms of the wells

    # Where the weight is below e^-40 it adds nothing; the rule converges faster than any power.
    edge = math.sqrt(1.0 + math.sqrt(80.0) * sigma)
    nodes = np.linspace(-edge, edge, 2 + int(40.0 * (edge**2 / sigma + 10.0)))
    total = float(np.sum(weight(nodes)) * (nodes[1] - nodes[0]))
    return Model(
        name="double well",
        drift=_double_well_drift,
        diffusion=_double_well_diffusion,
        diffusion_derivative=_zero,
        parameters=(sigma,),
        additive=True,
        stationary_density=lambda x: weight(np.asarray(x, dtype=float)) / total,
        drift_derivative=_double_well_slope,
    )
