r"""Level crossings, first passages and persistence: how long a random path stays on one side.

A. J. Bray, S. N. Majumdar, G. Schehr, "Persistence and first-passage properties in nonequilibrium
systems", Adv. Phys. 62 (2013) 225-361. doi:10.1080/00018732.2013.803819
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore._validate import array, positive, real

_NEGLIGIBLE = 1e-24  # of a mean sign: beyond, what it is multiplied by does not matter


def crossing_times(t: np.ndarray, x: np.ndarray, level: float = 0.0) -> np.ndarray:
    """The times at which a path crosses a level, by linear interpolation between its values.

    Parameters
    ----------
    t : array_like, shape (n,)
        Increasing times.
    x : array_like, shape (n,)
        One path. A value on the level counts as above it.
    level : float, default 0

    Returns
    -------
    numpy.ndarray, shape (number of crossings,)

    Raises
    ------
    ValueError, TypeError
        If times and values do not fit, or an argument is not finite.

    Notes
    -----
    Two crossings within one step are not seen: of a smooth process a part of order h^2 is lost. A
    diffusion crosses infinitely often at once, and what is counted grows like :math:`h^{-1/2}`.

    Examples
    --------
    >>> crossing_times([0.0, 1.0, 2.0, 3.0], [1.0, -1.0, -2.0, 2.0])
    array([0.5, 2.5])
    """
    t, x, level = _path(t, x, level)
    if len(x) != 1:
        raise ValueError(f"x must be one path, got {len(x)}")
    y = x[0] - level
    k = np.flatnonzero((y[:-1] >= 0.0) != (y[1:] >= 0.0))
    return t[k] + (t[k + 1] - t[k]) * y[k] / (y[k] - y[k + 1])


def first_passage_times(t: np.ndarray, x: np.ndarray, level: float = 0.0) -> np.ndarray:
    """When each path first crosses a level, by linear interpolation; inf if it does not.

    Parameters
    ----------
    t : array_like, shape (n,)
        Increasing times.
    x : array_like, shape (n_paths, n) or (n,)
        The paths. One that starts on the level is taken to start on the side of its next value.
    level : float, default 0

    Returns
    -------
    numpy.ndarray, shape (n_paths,)

    Raises
    ------
    ValueError, TypeError
        If times and values do not fit, or an argument is not finite.

    Notes
    -----
    Of a diffusion seen on a grid of step h the first passage is too late: a path may cross and come
    back within a step. The level seems to be farther away by :math:`0.583\\,\\sigma\\sqrt h`;
    `bridge_survival` has no such error.

    Examples
    --------
    >>> first_passage_times([0.0, 1.0, 2.0], [[1.0, -1.0, 3.0], [1.0, 2.0, 1.0]])
    array([0.5, inf])
    """
    t, x, level = _path(t, x, level)
    out = np.empty(len(x))
    _first_passages(t, x, level, out)
    return out


@compiled
def _first_passages(t, x, level, out):
    for j in range(x.shape[0]):
        path = x[j]
        above = path[0] > level or (path[0] == level and path[1] >= level)
        i = 1
        while i < path.size and (path[i] >= level) == above:
            i += 1
        if i == path.size:
            out[j] = math.inf
        else:
            before, after = path[i - 1] - level, path[i] - level
            out[j] = t[i - 1] + (t[i] - t[i - 1]) * before / (before - after)


def bridge_survival(
    t: np.ndarray, x: np.ndarray, level: float = 0.0, *, diffusion: float = 1.0
) -> np.ndarray:
    r"""The probability that a diffusion stays on one side of a level, given its values on a grid.

    Between its values a diffusion with constant :math:`\sigma` is nearly a Brownian bridge, which
    does not reach the level a from values on the same side with probability

    .. math:: 1 - \exp\left(-\frac{2 (x_i - a)(x_{i+1} - a)}{\sigma^2 (t_{i+1} - t_i)}\right).

    Averaged over paths, the products over the steps estimate the survival probability without the
    error of order :math:`\sqrt h` of counting the paths that do not change sides on the grid.

    Parameters
    ----------
    t : array_like, shape (n,)
        Increasing times.
    x : array_like, shape (n_paths, n) or (n,)
        The paths.
    level : float, default 0
        a.
    diffusion : float, default 1
        :math:`\sigma`, positive.

    Returns
    -------
    numpy.ndarray, shape (n_paths, n)
        For each path the probability that it has survived up to each time: 1 at the first.

    Raises
    ------
    ValueError, TypeError
        If times and values do not fit, or an argument is not finite.

    Notes
    -----
    Exact for Brownian motion with any constant drift; with another drift the error is of order h.
    It fails for processes that are no diffusions: a smooth path has no bridge.

    Examples
    --------
    >>> bridge_survival([0.0, 1.0, 2.0], [1.0, 0.5, -0.5]).round(3)
    array([[1.   , 0.632, 0.   ]])
    """
    t, x, level = _path(t, x, level)
    diffusion = positive("diffusion", diffusion)
    y = x - level
    product = np.maximum(y[:, :-1] * y[:, 1:], 0.0)
    steps = -np.expm1(-2.0 * product / (diffusion**2 * np.diff(t)))
    return np.concatenate([np.ones((len(y), 1)), np.cumprod(steps, axis=1)], axis=1)


def occupation_fractions(t: np.ndarray, x: np.ndarray, level: float = 0.0) -> np.ndarray:
    r"""The part of the time that each path spends above a level, interpolated linearly.

    For Brownian motion from 0 and the level 0 it follows the arcsine law, :math:`P(\text{part} \le
    u) = \tfrac2\pi \arcsin \sqrt u`: near 0 or 1 is more likely than one half.

    Parameters and errors as in `first_passage_times`.

    Returns
    -------
    numpy.ndarray, shape (n_paths,)

    References
    ----------
    P. Lévy, "Sur certains processus stochastiques homogènes", Compositio Math. 7 (1940) 283-339.

    Examples
    --------
    >>> occupation_fractions([0.0, 1.0, 2.0], [[1.0, -1.0, -3.0], [1.0, 2.0, 1.0]])
    array([0.25, 1.  ])
    """
    t, x, level = _path(t, x, level)
    before, after = x[:, :-1] - level, x[:, 1:] - level
    above, below = np.maximum(before, 0) + np.maximum(after, 0), np.abs(before) + np.abs(after)
    part = np.divide(above, below, out=np.ones_like(above), where=below > 0)
    return part @ np.diff(t) / (t[-1] - t[0])


def rice_rate(variance: float, slope_variance: float, level: float = 0.0) -> float:
    r"""How often a smooth stationary Gaussian process crosses a level, per unit of time.

    Rice's formula, with :math:`r(0)` the variance and :math:`-r''(0)` that of the derivative:

    .. math:: \nu(u) = \frac1\pi \sqrt{\frac{-r''(0)}{r(0)}}\; e^{-u^2 / 2 r(0)},

    up- and downcrossings together.

    Parameters
    ----------
    variance : float
        r(0), positive.
    slope_variance : float
        -r''(0), positive. It is infinite for a process without a derivative, such as
        Ornstein-Uhlenbeck's, which the formula is not about.
    level : float, default 0
        u, from the mean.

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.

    References
    ----------
    S. O. Rice, "Mathematical analysis of random noise", Bell Syst. Tech. J. 24 (1945) 46-156.
    doi:10.1002/j.1538-7305.1945.tb00453.x

    Examples
    --------
    >>> rice_rate(1.0, np.pi**2)  # the frequency of a sine wave of period 2
    1.0
    """
    variance = positive("variance", variance)
    slope_variance = positive("slope_variance", slope_variance)
    level = real("level", level)
    return math.sqrt(slope_variance / variance) / math.pi * math.exp(-(level**2) / (2 * variance))


def brownian_first_passage_density(
    t: np.ndarray, distance: float, *, drift: float = 0.0, diffusion: float = 1.0
) -> np.ndarray:
    r"""The density of the time at which Brownian motion with drift first comes so far,

    .. math:: p(t) = \frac{a}{\sigma \sqrt{2 \pi t^3}}
              \exp\left(-\frac{(a - b t)^2}{2 \sigma^2 t}\right),

    the inverse Gaussian law. Against the drift it is defective: its integral is
    :math:`e^{2 a b / \sigma^2} < 1`.

    Parameters
    ----------
    t : array_like
        Times, positive.
    distance : float
        a, positive: from the start to the level.
    drift : float, default 0
        b, towards the level.
    diffusion : float, default 1
        :math:`\sigma`, positive.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.

    Examples
    --------
    >>> brownian_first_passage_density([0.5, 1.0], 1.0).round(4)
    array([0.4151, 0.242 ])
    """
    t, a, b, sigma = _passage(t, distance, drift, diffusion)
    scale = a / (sigma * np.sqrt(2.0 * math.pi * t**3))
    return scale * np.exp(-((a - b * t) ** 2) / (2.0 * sigma**2 * t))


def brownian_survival(
    t: np.ndarray, distance: float, *, drift: float = 0.0, diffusion: float = 1.0
) -> np.ndarray:
    r"""The probability that Brownian motion with drift has not yet come so far,

    .. math:: \Phi\left(\frac{a - b t}{\sigma \sqrt t}\right) - e^{2 a b / \sigma^2}
              \Phi\left(\frac{-a - b t}{\sigma \sqrt t}\right);

    without drift :math:`\operatorname{erf}(a / \sigma \sqrt{2 t}) \sim t^{-1/2}`.

    Parameters and errors as in `brownian_first_passage_density`, of which it is the integral beyond
    t.

    Examples
    --------
    >>> brownian_survival([1.0, 100.0], 1.0).round(4)
    array([0.6827, 0.0797])
    """
    from scipy.special import log_ndtr, ndtr

    t, a, b, sigma = _passage(t, distance, drift, diffusion)
    root = sigma * np.sqrt(t)
    reflected = np.exp(2.0 * a * b / sigma**2 + log_ndtr((-a - b * t) / root))
    return ndtr((a - b * t) / root) - reflected


class PersistenceFit(NamedTuple):
    """An exponent and its standard error.

    Parameters
    ----------
    exponent : float
        Theta.
    error : float
        Theta over the root of the number of passages that it was estimated from.
    """

    exponent: float
    error: float


def persistence_exponent(
    times: np.ndarray, start: float, end: float, *, decay: str = "power"
) -> PersistenceFit:
    r"""The exponent at which survival decays, from first-passage times.

    The maximum-likelihood estimate for :math:`P(\tau > t) \propto t^{-\theta}` or, of a stationary
    process, :math:`e^{-\theta t}`, between times s and e: with m passages between, and all
    :math:`\tau` cut off at e,

    .. math:: \hat\theta = m \Big/ \sum_{\tau_i > s} \log \frac{\tau_i}{s}
              \qquad\text{or}\qquad m \Big/ \sum_{\tau_i > s} (\tau_i - s).

    Parameters
    ----------
    times : array_like, shape (n,)
        First-passage times, inf where a path did not pass (`first_passage_times`).
    start, end : float
        s and e: when the decay has set in, and not after the last time that was simulated.
    decay : {"power", "exponential"}

    Returns
    -------
    PersistenceFit

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, or nothing passes between `start` and `end`.

    Notes
    -----
    The exponents of zero are 1/2 for Brownian motion, 1 - H for fractional Brownian motion, 1/4 for
    integrated Brownian motion, and the rate of return for the Ornstein-Uhlenbeck process, which is
    exponential. It is biased where the decay has not yet set in at `start`, or the steps of the
    paths are not short beside it.

    Examples
    --------
    >>> from labcore.random import uniform
    >>> passages = uniform(10_000, rng=1) ** -2  # P(time > t) = t^(-1/2)
    >>> fit = persistence_exponent(passages, 1.0, 1000.0)
    >>> abs(fit.exponent - 0.5) < 3 * fit.error < 0.02
    True
    """
    times = np.asarray(times, float)
    if times.ndim != 1 or np.isnan(times).any():
        raise ValueError("times must be an array (n,) without nan")
    start, end = positive("start", start), positive("end", end)
    if decay not in ("power", "exponential"):
        raise ValueError(f"decay must be 'power' or 'exponential', got {decay!r}")
    if end <= start:
        raise ValueError(f"end must be later than start = {start:g}, got {end:g}")
    survivors = times[times > start]
    passages = int(np.count_nonzero(survivors <= end))
    if passages == 0:
        raise ValueError(f"times must have a passage between {start:g} and {end:g}, got none")
    cut = np.minimum(survivors, end)
    exposure = np.log(cut / start).sum() if decay == "power" else (cut - start).sum()
    exponent = float(passages / exposure)
    return PersistenceFit(exponent, exponent / math.sqrt(passages))


def independent_interval_exponent(
    correlation: Callable[[float], float], slope: Callable[[float], float], curvature: float
) -> float:
    r"""The rate at which a smooth stationary process keeps its sign, if intervals were independent.

    Seen from an upcrossing of zero (Slepian's model), the mean of the sign a time t later is

    .. math:: E(t) = \frac{-r'(t)}{\sqrt{-r''(0)}\,\sqrt{1 - r(t)^2}},

    and that of a process which switches after independent intervals has a tail
    :math:`e^{-\theta t}` with

    .. math:: \theta \int_0^\infty e^{\theta t} E(t)\,dt = 1.

    Parameters
    ----------
    correlation, slope : callables
        :math:`r(t)` and :math:`r'(t)`, for numbers t > 0, with r(0) = 1.
    curvature : float
        :math:`-r''(0)`, positive.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If E is not positive and decreasing, where the construction breaks down, or does not fall
        below 1e-24 by t = 1e6.

    Notes
    -----
    An approximation: for two-dimensional diffusion, :math:`r = 1 / \cosh(t / 2)`, it gives 0.1862,
    where 3/16 is exact. Costs some hundred quadratures of a smooth function.

    References
    ----------
    H. Bengtsson, K. Podgórski, "The Slepian model based independent interval approximation of
    persistency and zero-level exceedance distributions", 2024. arXiv:2401.01805

    Examples
    --------
    >>> theta = independent_interval_exponent(
    ...     lambda t: 1 / np.cosh(t / 2),
    ...     lambda t: -np.tanh(t / 2) / np.cosh(t / 2) / 2,
    ...     0.25,
    ... )
    >>> round(theta, 4)
    0.1862
    """
    from scipy.integrate import quad
    from scipy.optimize import brentq

    curvature = positive("curvature", curvature)

    def mean_sign(t: float) -> float:
        r = correlation(t)
        return -slope(t) / math.sqrt(curvature * (1.0 - r) * (1.0 + r))

    last = 1.0
    while mean_sign(last) > _NEGLIGIBLE and last < 1e6:
        last *= 1.5
    first = 1e-6 * last  # nearer to zero 1 - r would be rounding; E is 1 there
    seen = np.array([mean_sign(t) for t in np.geomspace(first, last, 200)])
    if (seen < 0.0).any() or (np.diff(seen) > 1e-6).any() or seen[-1] > _NEGLIGIBLE:
        raise ValueError("the mean sign E must be positive and decrease to zero exponentially")

    def excess(theta: float) -> float:
        weighted = quad(lambda t: math.exp(theta * t) * mean_sign(t), first, last, limit=500)[0]
        return theta * (first + weighted) - 1.0

    above = 1.0 / last
    while excess(above) < 0.0:
        above *= 2.0
    return float(brentq(excess, 0.0, above, xtol=1e-10))


def _path(t, x, level) -> tuple[np.ndarray, np.ndarray, float]:
    """Times (n,), paths (n_paths, n) and the level."""
    t, x = array("t", t, 1), np.atleast_2d(array("x", x, (1, 2)))
    if t.size < 2 or not (np.diff(t) > 0.0).all():
        raise ValueError("t must hold at least two times and increase")
    if x.shape[1] != t.size:
        raise ValueError(f"x must have a value for each of the {t.size} times, got {x.shape}")
    return t, x, real("level", level)


def _passage(t, distance, drift, diffusion) -> tuple[np.ndarray, float, float, float]:
    t = np.asarray(t, float)
    t = array("t", t, t.ndim)
    if t.size and t.min() <= 0.0:
        raise ValueError(f"t must be positive, got {t.min():g}")
    parameters = positive("distance", distance), real("drift", drift)
    return t, *parameters, positive("diffusion", diffusion)
