r"""Continuous laws on the line: exponential, gamma, beta, Student's t and stable.

As in `labcore.random.streams` each draw is a function of (seed, stream, index). The functions
``..._at`` are for compiled loops and trust their arguments; those without the suffix check them and
return arrays. Draws of two laws at one address come from the same random bits: give each variable
of a model its own stream.

References
----------
G. Marsaglia, W. W. Tsang, "A simple method for generating gamma variables", ACM Transactions on
Mathematical Software 26, 2000. doi:10.1145/358407.358414

R. W. Bailey, "Polar generation of random variates with the t-distribution", Mathematics of
Computation 62, 1994. doi:10.1090/S0025-5718-1994-1219702-8

J. M. Chambers, C. L. Mallows, B. W. Stuck, "A method for simulating stable random variables",
Journal of the American Statistical Association 71, 1976. doi:10.1080/01621459.1976.10480344
"""

import math

import numpy as np
from numba import uint64

from labcore._compile import compiled
from labcore._math import exp, expm1, float_from_bits, log, sin_cos_2pi
from labcore._validate import positive, real
from labcore.random.streams import (
    _ONE_BITS,
    ATTEMPTS,
    attempt_bits,
    fill_uniform,
    filled,
    open_unit,
    uniform_at,
    uniform_pair,
)

_SMALLEST_SHAPE = 1e-300  # of the beta law: log(u) / shape is a finite number
_CHUNK = 512  # draws of a second variable that a loop holds at once


@compiled(inline=True)
def exponential_at(seed, stream, index):
    """Draw number `index` of a stream, exponential with mean 1: -log of the uniform draw."""
    return -log(uniform_at(seed, stream, index))


@compiled
def _fill_exponential(seed, stream, start, out):
    fill_uniform(seed, stream, start, out)
    for i in range(out.size):
        out[i] = -log(out[i])


def exponential(
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Exponential draws with mean 1: density :math:`e^{-x}` for x > 0.

    Each is :math:`-\log u` of `uniform`'s draw u; divide by a rate for other means. No draw is
    larger than 36.8, where an exponential variable lies beyond once in :math:`10^{16}` draws.

    Parameters and result as in `uniform`.

    Examples
    --------
    >>> from labcore import random
    >>> random.exponential(4, rng=1).round(3)
    array([0.111, 0.341, 0.135, 0.421])
    """
    return filled(_fill_exponential, np.float64, shape, rng, stream, start)


@compiled(inline=True)
def _gamma_attempt(seed, stream, index, attempt, d, c):
    """One attempt of Marsaglia and Tsang: a gamma draw of shape d + 1/3, or -1 if it is rejected.

    One block of 128 random bits serves for all: 52 for the normal variable's radius, 38 for its
    angle and 38 for the decision. No branches, so that a loop over draws is vectorised.
    """
    first, second = attempt_bits(seed, stream, index, attempt)
    radius = math.sqrt(-2.0 * log(open_unit(first)))
    turns = float_from_bits(((second >> uint64(26)) << uint64(14)) | _ONE_BITS) - 1.0
    rest = (second << uint64(38)) | ((first & uint64(0xFFF)) << uint64(26))
    _, cosine = sin_cos_2pi(turns)
    x = radius * cosine
    t = c * x
    root = 1.0 + t
    v = root * root * root
    bound = 0.5 * x * x + d * (1.0 - v + log(v))
    # Its terms cancel where t is small, that is, for large shapes: this is what is left of them.
    series = -d * t * t * t * t * (0.75 - t * (0.6 - t * (0.5 - t * (3.0 / 7.0))))
    bound = series if abs(t) < 1e-3 else bound
    accepted = (root > 0.0) & (log(open_unit(rest)) < bound)
    return d * v if accepted else -1.0


@compiled(inline=True)
def _gamma_above_one_at(seed, stream, index, part, a):
    """A gamma draw of shape a >= 1, or of shape a + 1 if a < 1; attempts part, part + 4, ..."""
    d = (a if a >= 1.0 else a + 1.0) - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    value = -1.0
    attempt = 0
    while value < 0.0 and attempt < ATTEMPTS:
        value = _gamma_attempt(seed, stream, index, 4 * attempt + part, d, c)
        attempt += 1
    return value if value >= 0.0 else math.nan


@compiled(inline=True)
def _log_of_power(seed, stream, index, part, a):
    """log(u) / a: its exp makes a gamma draw of shape a of one of shape a + 1."""
    first, _ = attempt_bits(seed, stream, index, part + 1)
    return log(open_unit(first)) / a


@compiled
def gamma_at(seed, stream, index, a):
    """Draw number `index` of a stream, gamma of shape `a` > 0 and scale 1."""
    value = _gamma_above_one_at(seed, stream, index, 0, a)
    return value if a >= 1.0 else value * exp(_log_of_power(seed, stream, index, 0, a))


@compiled
def _fill_gamma_above_one(seed, stream, start, part, a, out):
    """As `_gamma_above_one_at`: first attempts by vector instructions, then the few that remain."""
    d = (a if a >= 1.0 else a + 1.0) - 1.0 / 3.0
    c = 1.0 / math.sqrt(9.0 * d)
    for i in range(out.size):
        out[i] = _gamma_attempt(seed, stream, uint64(start) + uint64(i), part, d, c)
    for i in range(out.size):
        if out[i] < 0.0:
            out[i] = _gamma_above_one_at(seed, stream, uint64(start) + uint64(i), part, a)


@compiled
def _fill_gamma(seed, stream, start, a, out):
    _fill_gamma_above_one(seed, stream, start, 0, a, out)
    if a < 1.0:
        for i in range(out.size):
            out[i] *= exp(_log_of_power(seed, stream, uint64(start) + uint64(i), 0, a))


def gamma(
    a: float,
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Gamma draws of shape a and scale 1: density :math:`x^{a-1} e^{-x} / \Gamma(a)` for x > 0.

    Marsaglia and Tsang's method: with :math:`d = a - 1/3`, z standard normal and u uniform,
    :math:`d v` with :math:`v = (1 + z / \sqrt{9d})^3` is accepted if
    :math:`\log u < z^2/2 + d - dv + d \log v`. For a < 1 a draw of shape a + 1 is multiplied by
    :math:`u^{1/a}`.

    Parameters
    ----------
    a : float
        The shape of the law, positive. Multiply by a scale for other means than a.
    shape, rng, stream, start
        As in `uniform`; draws end before :math:`2^{48}`.

    Returns
    -------
    numpy.ndarray of float64, of shape `shape`

    Raises
    ------
    ValueError
        If `a` is not positive and finite.

    Notes
    -----
    The decision and the angle of z have a resolution of :math:`2^{-38}`, which no sample that can
    be drawn would show. For a below about 0.05 many draws are smaller than any double and come out
    as 0; the logarithm of the density is then not finite there.

    Examples
    --------
    >>> from labcore import random
    >>> random.gamma(2.5, 4, rng=1).round(3)
    array([5.289, 2.049, 2.181, 4.962])
    """
    a = positive("a", a)
    return filled(_fill_gamma, np.float64, shape, rng, stream, start, a, rejects=True)


@compiled(inline=True)
def _log_ratio(x, y):
    return log(x) - log(y)


@compiled
def beta_at(seed, stream, index, a, b):
    """Draw number `index` of a stream, beta with parameters `a`, `b` > 0."""
    x = _gamma_above_one_at(seed, stream, index, 0, a)
    y = _gamma_above_one_at(seed, stream, index, 2, b)
    log_odds = _log_ratio(x, y)
    if a < 1.0:
        log_odds += _log_of_power(seed, stream, index, 0, a)
    if b < 1.0:
        log_odds -= _log_of_power(seed, stream, index, 2, b)
    return 1.0 / (1.0 + exp(-log_odds))


@compiled
def _fill_beta(seed, stream, start, a, b, other, out):
    for first in range(0, out.size, other.size):
        part = out[first : first + other.size]
        begin = uint64(start) + uint64(first)
        _fill_gamma_above_one(seed, stream, begin, 0, a, part)
        _fill_gamma_above_one(seed, stream, begin, 2, b, other[: part.size])
        for i in range(part.size):
            part[i] = _log_ratio(part[i], other[i])
        if a < 1.0:
            for i in range(part.size):
                part[i] += _log_of_power(seed, stream, begin + uint64(i), 0, a)
        if b < 1.0:
            for i in range(part.size):
                part[i] -= _log_of_power(seed, stream, begin + uint64(i), 2, b)
        for i in range(part.size):
            part[i] = 1.0 / (1.0 + exp(-part[i]))


def beta(
    a: float,
    b: float,
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Beta draws: density proportional to :math:`x^{a-1} (1-x)^{b-1}` on (0, 1).

    Each is :math:`X / (X + Y)` of two gamma draws of shapes a and b, computed from
    :math:`\log X - \log Y` so that small shapes, whose X and Y are both below the smallest double,
    give numbers and not 0/0.

    Parameters
    ----------
    a, b : float
        At least :math:`10^{-300}`.
    shape, rng, stream, start
        As in `uniform`; draws end before :math:`2^{48}`.

    Returns
    -------
    numpy.ndarray of float64, of shape `shape`

    Raises
    ------
    ValueError
        If `a` or `b` is out of range or not finite.

    Notes
    -----
    A draw nearer to 1 than :math:`10^{-16}` comes out as 1; for small b that happens often.

    Examples
    --------
    >>> from labcore import random
    >>> random.beta(0.5, 2.0, 4, rng=1).round(3)
    array([0.256, 0.069, 0.107, 0.433])
    """
    a, b = positive("a", a), positive("b", b)
    for name, value in (("a", a), ("b", b)):
        if value < _SMALLEST_SHAPE:
            raise ValueError(f"{name} must be at least {_SMALLEST_SHAPE:g}, got {value:g}")
    other = np.empty(_CHUNK)
    return filled(_fill_beta, np.float64, shape, rng, stream, start, a, b, other, rejects=True)


@compiled(inline=True)
def student_t_at(seed, stream, index, df):
    """Draw number `index` of a stream, Student's t with `df` > 0 degrees of freedom."""
    u, v = uniform_pair(seed, stream, index)
    _, cosine = sin_cos_2pi(v)
    return math.sqrt(df * expm1(-2.0 * log(u) / df)) * cosine


@compiled
def _fill_student_t(seed, stream, start, df, out):
    for i in range(out.size):
        out[i] = student_t_at(seed, stream, uint64(start) + uint64(i), df)


def student_t(
    df: float,
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Student's t with `df` degrees of freedom, :math:`\nu`: density proportional to
    :math:`(1 + x^2/\nu)^{-(\nu+1)/2}`.

    Bailey's polar method, without rejection: :math:`\sqrt{\nu\,(u^{-2/\nu} - 1)}\,\cos 2\pi v`
    with u and v uniform. As :math:`\nu \to \infty` it becomes the method of Box and Muller.

    Parameters
    ----------
    df : float
        Degrees of freedom, positive.
    shape, rng, stream, start
        As in `uniform`.

    Returns
    -------
    numpy.ndarray of float64, of shape `shape`

    Raises
    ------
    ValueError
        If `df` is not positive and finite.

    Notes
    -----
    The radius has one of :math:`2^{52}` values. For `df` below 0.1 draws that are larger than the
    largest double come out as infinite.

    Examples
    --------
    >>> from labcore import random
    >>> random.student_t(3.0, 4, rng=1).round(3)
    array([-0.116, -0.295,  1.055,  4.644])
    """
    df = positive("df", df)
    return filled(_fill_student_t, np.float64, shape, rng, stream, start, df)


@compiled(inline=True)
def _skewness(alpha, beta):
    """beta tan(pi alpha / 2), which is 0 for alpha = 2."""
    sine, cosine = sin_cos_2pi(0.25 * alpha)
    return beta * sine / cosine if alpha < 2.0 else 0.0


@compiled(inline=True)
def _stable(u, v, alpha, skewness):
    """Chambers, Mallows and Stuck for alpha != 1, with the arc tangent multiplied out."""
    sine_v, cosine_v = sin_cos_2pi(0.5 * u)
    sine_v, cosine_v = -cosine_v, sine_v  # of the angle pi (u - 1/2)
    turns = 0.5 * (u - 0.5)
    sine_1, cosine_1 = sin_cos_2pi(alpha * turns)
    sine_2, cosine_2 = sin_cos_2pi((1.0 - alpha) * turns)
    # Rounding may take it below zero at the end of the angle's range if |beta| = 1.
    rest = max(cosine_2 + skewness * sine_2, 1e-17)
    power = ((1.0 - alpha) * log(rest / -log(v)) - log(cosine_v)) / alpha
    return (sine_1 + skewness * cosine_1) * exp(power)


@compiled(inline=True)
def _stable_at_one(u, v, beta):
    """Chambers, Mallows and Stuck for alpha = 1."""
    sine, cosine = sin_cos_2pi(0.5 * u)
    sine, cosine = -cosine, sine
    angle = math.pi * (u - 0.5)
    slope = 0.5 * math.pi + beta * angle
    entropy = log(0.5 * math.pi * -log(v) * cosine / slope)
    return 2.0 / math.pi * (slope * sine / cosine - beta * entropy)


@compiled
def stable_at(seed, stream, index, alpha, beta):
    """Draw number `index` of a stream, stable with index `alpha` and skewness `beta` (S1)."""
    u, v = uniform_pair(seed, stream, index)
    if alpha == 1.0:
        return _stable_at_one(u, v, beta)
    return _stable(u, v, alpha, _skewness(alpha, beta))


@compiled
def _fill_stable(seed, stream, start, alpha, beta, out):
    skewness = _skewness(alpha, beta)
    if alpha == 1.0:
        for i in range(out.size):
            u, v = uniform_pair(seed, stream, uint64(start) + uint64(i))
            out[i] = _stable_at_one(u, v, beta)
    else:
        for i in range(out.size):
            u, v = uniform_pair(seed, stream, uint64(start) + uint64(i))
            out[i] = _stable(u, v, alpha, skewness)


def stable(
    alpha: float,
    beta: float,
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Stable draws, of scale 1 and location 0 in the parametrisation S1, SciPy's default:

    .. math::
        \mathbb E\, e^{i\omega X}
        = \exp\!\bigl(-|\omega|^\alpha (1 - i\beta\,\mathrm{sign}(\omega)\,\Phi)\bigr),
        \qquad
        \Phi = \begin{cases} \tan(\pi\alpha/2) & \alpha \ne 1 \\
        -\tfrac2\pi \log|\omega| & \alpha = 1. \end{cases}

    The method of Chambers, Mallows and Stuck. With :math:`\theta` uniform on
    :math:`(-\pi/2, \pi/2)`, W exponential and :math:`\tau = \beta\tan(\pi\alpha/2)`,

    .. math::
        X = \frac{\sin\alpha\theta + \tau\cos\alpha\theta}{(\cos\theta)^{1/\alpha}}
        \left(\frac{\cos(1-\alpha)\theta + \tau\sin(1-\alpha)\theta}{W}\right)^{(1-\alpha)/\alpha}
        \qquad (\alpha \ne 1),

    .. math::
        X = \frac2\pi \left[\bigl(\tfrac\pi2 + \beta\theta\bigr)\tan\theta - \beta\log
        \frac{\tfrac\pi2 W\cos\theta}{\tfrac\pi2 + \beta\theta}\right] \qquad (\alpha = 1).

    Parameters
    ----------
    alpha : float
        Index of stability, in (0, 2]: tails fall like :math:`|x|^{-\alpha}`. 2 is the normal law
        of variance 2, 1 (with beta = 0) is Cauchy's.
    beta : float
        Skewness, in [-1, 1].
    shape, rng, stream, start
        As in `uniform`.

    Returns
    -------
    numpy.ndarray of float64, of shape `shape`

    Raises
    ------
    ValueError
        If `alpha` or `beta` is out of range.

    Notes
    -----
    The law S1 itself is not continuous at alpha = 1: with beta not 0 its mass moves to infinity
    like :math:`\tau` as alpha tends to 1, and the draws lose as many digits. For small alpha draws
    beyond the largest double come out as infinite, and below the smallest as 0.

    Examples
    --------
    >>> from labcore import random
    >>> random.stable(1.5, 0.5, 4, rng=1).round(3)
    array([ 1.574,  1.473, -0.095, -4.311])
    """
    alpha, beta = positive("alpha", alpha), real("beta", beta)
    if alpha > 2.0:
        raise ValueError(f"alpha must be at most 2, got {alpha:g}")
    if abs(beta) > 1.0:
        raise ValueError(f"beta must be from -1 to 1, got {beta:g}")
    return filled(_fill_stable, np.float64, shape, rng, stream, start, alpha, beta)
