r"""Conditioned diffusions: by Doob's transform, or as bridges with weights.

Conditioning :math:`dX = b\,dt + \sigma\,dW` on what happens at time T gives an equation again, with
the drift :math:`b + \sigma^2\,\partial_x \log h`, where :math:`h(t, x)` is the probability, or the
density, of what happens given :math:`X_t = x`.

J. L. Doob, "Conditional Brownian motion and the boundary limits of harmonic functions", Bull. Soc.
Math. France 85 (1957). doi:10.24033/bsmf.1494
"""

import math
from typing import NamedTuple

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher

from labcore._compile import compiled
from labcore._math import exp, log
from labcore._validate import array, integer, positive, real
from labcore.random import seed_from
from labcore.sde.brownian import WIDTH, fill_brownian
from labcore.sde.euler_maruyama import EULER_MARUYAMA
from labcore.sde.kolmogorov import GridFunction, equally_spaced
from labcore.sde.model import Model, drift_at
from labcore.sde.models import brownian_bridge, brownian_motion, ornstein_uhlenbeck
from labcore.sde.scalar import scalar_coefficients, scalar_starts
from labcore.sde.solve import Exploded

_BROWNIAN_DRIFT, _RESTORING_DRIFT = brownian_motion().drift, ornstein_uhlenbeck().drift
_FAR = 5.0  # from here on the ratio of Mills is a continued fraction
_FRACTION_TERMS = 24
_SQRT_2_PI = math.sqrt(2.0 * math.pi)


# Linear equations dX = (c - theta X) dt + sigma dW: the first parameters are (theta, c, sigma).


@compiled(inline=True)
def _flow(s, parameters):
    """(decay, shift, variance): after a time s, X is normal about decay x + shift."""
    rate, constant, sigma = parameters[0], parameters[1], parameters[2]
    if rate == 0.0:
        return 1.0, constant * s, sigma * sigma * s
    decay = exp(-rate * s)
    return (
        decay,
        constant * (1.0 - decay) / rate,
        sigma * sigma * (1.0 - decay * decay) / (2.0 * rate),
    )


@compiled(inline=True)
def _linear_diffusion(t, x, parameters):
    return parameters[2]


@compiled(inline=True)
def _no_slope(t, x, parameters):
    return 0.0


@compiled(inline=True)
def _bridge_drift(t, x, parameters):
    rate, constant, sigma, end, t_end = parameters
    decay, shift, variance = _flow(t_end - t, parameters)
    return constant - rate * x + sigma * sigma * decay * (end - decay * x - shift) / variance


@compiled(inline=True)
def _bridge_transition(t, x, h, dw, parameters):
    end, t_end = parameters[3], parameters[4]
    decay, shift, variance = _flow(h, parameters)
    decay_left, shift_left, variance_left = _flow(max(t_end - t - h, 0.0), parameters)
    ahead = decay * x + shift
    variance_all = decay_left * decay_left * variance + variance_left
    gain = variance * decay_left / variance_all
    scale = math.sqrt(variance * variance_left / (variance_all * h))
    return ahead + gain * (end - decay_left * ahead - shift_left) + scale * dw


def condition_on_point(model: Model, end: float, t_end: float) -> Model:
    r"""A linear equation on the condition that :math:`X_T = y`: its bridge.

    With :math:`X_T \mid X_t = x` normal of mean :math:`m(x)` and variance v,

    .. math:: h(t, x) = N(y;\, m(x), v), \qquad
              \partial_x \log h = \frac{m'(x)\,(y - m(x))}{v}.

    For Brownian motion, whatever its drift, this is `brownian_bridge`.

    Parameters
    ----------
    model : Model
        ``brownian_motion(...)`` or ``ornstein_uhlenbeck(...)``.
    end : float
        y.
    t_end : float
        T, positive.

    Returns
    -------
    Model
        For times up to T, with its exact transition: solve it by ``EXACT``.

    Raises
    ------
    ValueError
        If the model is another, or an argument is out of range.

    Notes
    -----
    The drift is infinite at T. Euler-Maruyama solves up to there, but its last step adds the noise
    of a whole step and ends off y by that much; Heun's method divides by zero. For other models see
    `bridges` and `doob_transform`.

    Examples
    --------
    >>> from labcore import sde
    >>> bridge = sde.condition_on_point(sde.ornstein_uhlenbeck(rate=2.0), 1.5, 3.0)
    >>> paths = sde.solve(bridge, sde.EXACT, 0.0, 3.0, 6, 2, rng=1)
    >>> paths.x[:, -1]
    array([1.5, 1.5])
    """
    end, t_end, linear = real("end", end), positive("t_end", t_end), _linear(model)
    if model.drift is _BROWNIAN_DRIFT:
        return brownian_bridge(end, t_end, linear[-1])
    return Model(
        f"{model.name} to a point",
        _bridge_drift,
        _linear_diffusion,
        _no_slope,
        _bridge_transition,
        (*linear, end, t_end),
        additive=True,
        horizon=t_end,
    )


@compiled(inline=True)
def _mills(a):
    """(1 - Phi(a)) / phi(a) for a >= 0: the normal tail over its density."""
    if a < _FAR:
        return (
            math.sqrt(0.5 * math.pi)
            * math.erfc(a * 0.7071067811865476)
            / exp(-0.5 * a * a)  # at least e^-12.5
        )
    fraction = a
    for k in range(_FRACTION_TERMS, 0, -1):
        fraction = a + k / fraction
    return 1.0 / fraction


@compiled(inline=True)
def _mean_between(a, b):
    """The mean of a standard normal variable that is known to lie between a and b."""
    sign = 1.0
    if a + b < 0.0:
        a, b, sign = -b, -a, -1.0
    inner = exp(-0.5 * (b - a) * (b + a))  # phi(b) / phi(a)
    if a > 0.0:
        return sign * (1.0 - inner) / (_mills(a) - inner * _mills(b))
    probability = 1.0 - exp(-0.5 * a * a) * _mills(-a) / _SQRT_2_PI
    probability -= exp(-0.5 * b * b) * _mills(b) / _SQRT_2_PI
    return sign * exp(-0.5 * a * a) * (1.0 - inner) / (_SQRT_2_PI * probability)


@compiled(inline=True)
def _interval_drift(t, x, parameters):
    rate, constant, sigma, low, high, t_end = parameters
    decay, shift, variance = _flow(t_end - t, parameters)
    scale = math.sqrt(variance)
    mean = decay * x + shift
    pull = _mean_between((low - mean) / scale, (high - mean) / scale) / scale
    return constant - rate * x + sigma * sigma * decay * pull


def condition_on_interval(model: Model, low: float, high: float, t_end: float) -> Model:
    r"""A linear equation on the condition that :math:`X_T` lies in an interval.

    With :math:`X_T \mid X_t = x` normal of mean :math:`m(x)` and variance v,

    .. math:: h(t, x) = \Phi(\beta) - \Phi(\alpha), \qquad
              \partial_x \log h = \frac{m'(x)}{\sqrt v}\,
              \frac{\varphi(\alpha) - \varphi(\beta)}{\Phi(\beta) - \Phi(\alpha)}, \qquad
              \alpha, \beta = \frac{l - m(x)}{\sqrt v}, \frac{u - m(x)}{\sqrt v}.

    Parameters
    ----------
    model : Model
        ``brownian_motion(...)`` or ``ornstein_uhlenbeck(...)``.
    low, high : float
        l and u, with l < u; one of them may be infinite.
    t_end : float
        T, positive.

    Returns
    -------
    Model
        For times up to T, to be solved by Euler-Maruyama.

    Raises
    ------
    ValueError
        If the model is another, or the interval is empty or the whole line.

    Notes
    -----
    The ratio is computed by the tail's continued fraction, so that it is right where the interval
    is hundreds of standard deviations away. Near T a path outside is pulled in like
    :math:`1/(T - t)`: with equal steps of length h some paths end outside by about
    :math:`\sigma\sqrt h`. Paths without that error: draw the ends from the normal law on the
    interval, and take the bridges to them.

    Examples
    --------
    >>> from labcore import sde
    >>> rare = sde.condition_on_interval(sde.brownian_motion(), 4.0, float("inf"), 1.0)
    >>> paths = sde.solve(rare, sde.EULER_MARUYAMA, 0.0, 1.0, 1000, 1000, rng=1)
    >>> float(paths.x[:, -1].mean().round(1))  # of the normal law beyond 4: 4.2257
    4.2
    """
    low, high, t_end = float(low), float(high), positive("t_end", t_end)
    if not low < high or (math.isinf(low) and math.isinf(high)):
        raise ValueError(
            f"low must be less than high, and one of them finite, got {low:g} and {high:g}"
        )
    return Model(
        f"{model.name} to an interval",
        _interval_drift,
        _linear_diffusion,
        _no_slope,
        parameters=(*_linear(model), low, high, t_end),
        additive=True,
        horizon=t_end,
    )


def _linear(model: Model) -> tuple[float, float, float]:
    """(theta, c, sigma) of dX = (c - theta X) dt + sigma dW."""
    if model.drift is _BROWNIAN_DRIFT:
        drift, sigma = model.parameters
        return 0.0, drift, sigma
    if model.drift is _RESTORING_DRIFT:
        rate, mean, sigma = model.parameters
        return rate, rate * mean, sigma
    raise ValueError(
        f"model must be brownian_motion(...) or ornstein_uhlenbeck(...), got the {model.name}"
    )


def doob_transform(model: Model, h: GridFunction) -> Model:
    r"""The equation conditioned through a function h that was computed on a grid.

    The drift gains :math:`\sigma^2\,\partial_x \log h`, h being a positive solution of the backward
    equation: from `backward_kolmogorov` with ``theta=1``. With a terminal indicator of a set the
    path is conditioned to end there; with an absorbing end, not to have gone there before T.

    The derivative at a grid point is taken as

    .. math:: \partial_x \log h\,(x_j) \approx \frac{2}{\Delta}\,
              \frac{h_{j+1} - h_{j-1}}{h_{j-1} + 2 h_j + h_{j+1}},

    which is exact for linear h, and between grid points and times by linear interpolation.

    Parameters
    ----------
    model : Model
        The equation that h belongs to.
    h : GridFunction
        Positive at all times but the last.

    Returns
    -------
    Model
        To be solved by Euler-Maruyama, up to the last time of h. Its drift is compiled in each
        session, some 2 s with the solver.

    Raises
    ------
    ValueError
        If h is not positive before its last time, or is not on an equally spaced grid.

    Notes
    -----
    The error is of second order in the grid, where h changes by a factor of less than about 2 from
    one grid point to the next. Near an absorbing end the derivative goes as 1 / distance, which
    linear interpolation misses by up to :math:`1 / 4k^2` of itself at a distance of k cells: 11 %
    between the first two points, and at a given place second order only shows once k is some 6. The
    drift that is added is never larger than :math:`2 \sigma^2 / \Delta`. So a path can slip through
    an absorbing end or miss the set, by about a cell or the length of a step of noise. Beyond the
    grid the derivative at its end is used. During the last time step of h it is held at its value
    at the step's beginning.

    Examples
    --------
    Brownian motion that does not hit zero before time 1 (the meander, with mean
    :math:`\sqrt{\pi/2} = 1.25` at the end if it starts at zero):

    >>> import numpy as np
    >>> from labcore import sde
    >>> x = np.arange(1, 401) / 50
    >>> brownian = sde.brownian_motion()
    >>> h = sde.backward_kolmogorov(
    ...     brownian, np.ones(400), x, 1.0, 400, theta=1, boundary=("absorbing", "reflecting")
    ... )
    >>> meander = sde.doob_transform(brownian, h)
    >>> paths = sde.solve(meander, sde.EULER_MARUYAMA, 0.02, 1.0, 4000, 4000, rng=1)
    >>> float(paths.x[:, -1].mean().round(1))
    1.3
    """
    t, x = equally_spaced("h.t", np.append(h.t, h.t[-1] + h.t[1])), equally_spaced("h.x", h.x)
    values = array("h.values", h.values, 2)
    if values.shape != (h.t.size, x.size):
        raise ValueError(f"h.values must have shape {(h.t.size, x.size)}, got {values.shape}")
    if values[:-1].min() <= 0.0:
        i, j = np.unravel_index(values[:-1].argmin(), values[:-1].shape)
        raise ValueError(
            f"h.values must be positive before the last time, got {values[i, j]:g} at "
            f"t = {t[i]:g}, x = {x[j]:g}; compute h with theta=1"
        )
    width = x[1] - x[0]
    pull = _log_derivative(values[:-1], width)
    return Model(
        f"{model.name} conditioned by h",
        _pulled_drift(model.drift, model.diffusion, pull, float(t[1]), float(x[0]), float(width)),
        model.diffusion,
        model.diffusion_derivative,
        parameters=model.parameters,
        interpretation=model.interpretation,
        additive=model.additive,
        horizon=float(h.t[-1]),
    )


def _log_derivative(h: np.ndarray, width: float) -> np.ndarray:
    """The derivative of log h in x, of h continued by a straight line, but not below zero."""
    below = np.maximum(2.0 * h[:, :1] - h[:, 1:2], 0.0)
    above = np.maximum(2.0 * h[:, -1:] - h[:, -2:-1], 0.0)
    h = np.hstack([below, h, above]) / h.max(axis=1, keepdims=True)
    difference = h[:, 2:] - h[:, :-2]
    return 2.0 / width * difference / (h[:, 2:] + 2.0 * h[:, 1:-1] + h[:, :-2])


def _pulled_drift(drift, diffusion, pull, time_step, first, width) -> Dispatcher:
    """The drift b + sigma^2 pull(t, x), the table being interpolated in both."""
    last_row, last_column = pull.shape[0] - 1, pull.shape[1] - 1

    @njit(error_model="numpy", nogil=True)
    def pulled(t, x, parameters):
        row = min(max(t / time_step, 0.0), float(last_row))
        column = min(max((x - first) / width, 0.0), float(last_column))
        i, j = min(int(row), max(last_row - 1, 0)), min(int(column), last_column - 1)
        u, v = row - i, column - j
        k = min(i + 1, last_row)
        now = (1.0 - v) * pull[i, j] + v * pull[i, j + 1]
        ahead = (1.0 - v) * pull[k, j] + v * pull[k, j + 1]
        sigma = diffusion(t, x, parameters)
        return drift(t, x, parameters) + sigma * sigma * ((1.0 - u) * now + u * ahead)

    return pulled


class WeightedPaths(NamedTuple):
    r"""Paths that stand for another law: row i counts with weight ``exp(log_weights[i])``.

    Parameters
    ----------
    t : numpy.ndarray of shape (n_steps + 1,)
    x : numpy.ndarray of shape (n_paths, n_steps + 1)
    log_weights : numpy.ndarray of shape (n_paths,)
    """

    t: np.ndarray
    x: np.ndarray
    log_weights: np.ndarray


@compiled
def _guide(c, seed, x0, end, t_end, w, z, lanes, out, log_weights):
    """Bridges in blocks: states, Brownian values and weights are the rows of `lanes`."""
    n_steps = w.shape[0] - 1
    h = t_end / n_steps
    x, brownian, weight = lanes[0], lanes[1], lanes[2]
    for first in range(0, out.shape[0], x.size):
        fill_brownian(seed, first, t_end, w, z)
        n = min(x.size, out.shape[0] - first)
        for j in range(x.size):
            x[j] = x0[min(first + j, x0.size - 1)]
            brownian[j], weight[j] = 0.0, 0.0
        for i in range(n_steps):
            for j in range(n):
                out[first + j, i] = x[j]
            t = i * h
            left = float(n_steps - i)  # steps
            narrowing = math.sqrt((left - 1.0) / left)
            row = w[i + 1]
            for j in range(x.size):
                b, sigma = drift_at(c, t, x[j]), c.diffusion(t, x[j], c.parameters)
                dw = row[j] - brownian[j]
                brownian[j] = row[j]
                if i < n_steps - 1:
                    ahead = x[j] + (end - x[j]) / left + sigma * narrowing * dw
                    weight[j] += 0.5 * dw * dw / h
                else:
                    ahead = end
                    weight[j] -= log(sigma)
                error = (ahead - x[j] - b * h) / sigma
                weight[j] -= 0.5 * error * error / h
                x[j] = ahead
        for j in range(n):
            out[first + j, n_steps] = x[j]
            # The roots of (left - 1) / left, of all steps but the last, multiply to that of h / T.
            log_weights[first + j] = weight[j] - 0.5 * math.log(2.0 * math.pi * t_end)


def guided_bridges(
    model: Model,
    x0: float | np.ndarray,
    end: float,
    t_end: float,
    n_steps: int,
    n_paths: int = 1,
    *,
    rng: int | np.random.Generator | None = None,
) -> WeightedPaths:
    r"""Paths of any model from x0 to y, each with a weight: the modified bridge.

    Proposals are pulled to the end as a Brownian bridge is (Durham and Gallant 2002),

    .. math:: X_{i+1} = X_i + \frac{y - X_i}{n - i} +
              \sigma(t_i, X_i) \sqrt{\frac{n - i - 1}{n - i}}\,\Delta W_i, \qquad i < n - 1,

    and weighted by the density of the path under the Euler-Maruyama method over that of the
    proposal,

    .. math:: w = \frac{\prod_{i < n} p(X_{i+1} \mid X_i)}{\prod_{i < n - 1} q(X_{i+1} \mid X_i)}.

    The weighted paths follow the law of the Euler-Maruyama method conditioned to end at y, and
    :math:`\E w` is its transition density from x0 to y, both without error.

    Parameters
    ----------
    model : Model
        The equation, with a diffusion that is nowhere zero.
    x0 : float or array of shape (n_paths,)
        Where the paths start.
    end : float
        y, where all paths end.
    t_end : float
        T, positive.
    n_steps : int
        Number of equal steps, at least 1.
    n_paths : int, default 1
        Path i owns stream i.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.

    Returns
    -------
    WeightedPaths

    Raises
    ------
    Exploded
        If a path or weight is not finite: the diffusion vanished or the drift is not finite.
    ValueError, TypeError
        If an argument is out of range.

    Notes
    -----
    The proposal does not know the drift. Where drift decides how paths get to y (a long time, two
    wells), few proposals carry all of the weight; `weighted_mean` tells the effective size. Shorten
    the time, condition through `doob_transform`, or put the weights into a particle filter. As the
    step tends to zero with a constant diffusion, w tends to the weight of Delyon and Hu (2006).
    The cost is that of `solve`.

    References
    ----------
    G. B. Durham, A. R. Gallant, "Numerical techniques for maximum likelihood estimation of
    continuous-time diffusion processes", J. Bus. Econ. Stat. 20 (2002).
    doi:10.1198/073500102288618397

    B. Delyon, Y. Hu, "Simulation of conditioned diffusion and application to parameter estimation",
    Stoch. Process. Appl. 116 (2006). doi:10.1016/j.spa.2006.04.004

    Examples
    --------
    From well to well in time 2; and how likely that is:

    >>> import numpy as np
    >>> from labcore import sde
    >>> paths = sde.guided_bridges(sde.double_well(), -1.0, 1.0, 2.0, 200, 4000, rng=1)
    >>> half_way = sde.weighted_mean(paths.x[:, 100], paths.log_weights, normalise=True)
    >>> abs(half_way.mean) < 3 * half_way.standard_error
    True
    >>> float(np.exp(paths.log_weights).mean().round(2))  # the transition density
    0.07
    """
    end, t_end = real("end", end), positive("t_end", t_end)
    n_steps = integer("n_steps", n_steps, least=1)
    n_paths = integer("n_paths", n_paths, least=1)
    start = scalar_starts(x0, n_paths)
    coefficients = scalar_coefficients(model, EULER_MARUYAMA, t_end)
    out, log_weights = np.empty((n_paths, n_steps + 1)), np.empty(n_paths)
    w, z, lanes = np.empty((n_steps + 1, WIDTH)), np.empty((2, WIDTH)), np.empty((3, WIDTH))
    _guide(coefficients, seed_from(rng), start, end, t_end, w, z, lanes, out, log_weights)
    lost = np.flatnonzero(~np.isfinite(log_weights))
    if lost.size:
        raise Exploded(
            f"{lost.size} of {n_paths} bridges of the {model.name} have no finite weight; the "
            f"first is path {lost[0]}. The diffusion must not vanish, nor the coefficients explode."
        )
    return WeightedPaths(np.linspace(0.0, t_end, n_steps + 1), out, log_weights)
