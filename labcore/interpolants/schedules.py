r"""Schedules (alpha, beta, gamma) of the stochastic interpolant between two densities.

The interpolant is :math:`I_t = \alpha(t)\,x_0 + \beta(t)\,x_1 + \gamma(t)\,z` with a standard
normal :math:`z` independent of the pair :math:`(x_0, x_1)`. A schedule is six functions of time.
The compiled loops never call them: they are given the coefficients at one time, so a schedule of
your own costs no compilation.

Three kinds of ends occur. *Two-sided*: from the source to the target, :math:`(\alpha, \beta,
\gamma) = (1, 0, 0)` to :math:`(0, 1, 0)`. *One-sided*: the source is the noise itself, from
:math:`(0, 0, 1)` to :math:`(0, 1, 0)`, and :math:`x_0` plays no part. *Mirror*: from the target to
the target, :math:`(0, 1, 0)` at both ends.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from labcore._validate import array, non_negative, positive, real

TimeFunction = Callable[[np.ndarray], np.ndarray]
_BOUNDARY_TOLERANCE = 1e-9
_RATE_TOLERANCE = 1e-4
_ENDS = {
    "two-sided": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
    "one-sided": ((0.0, 0.0, 1.0), (0.0, 1.0, 0.0)),
    "mirror": ((0.0, 1.0, 0.0), (0.0, 1.0, 0.0)),
}
_INNER_TIMES = (np.arange(16) + 0.37) / 16  # where `checked` compares rates with differences


class Coefficients(NamedTuple):
    """The values of a schedule and of its rates at one time (or at an array of times)."""

    alpha: float
    beta: float
    gamma: float
    alpha_rate: float
    beta_rate: float
    gamma_squared_rate: float


class Schedule(NamedTuple):
    r"""Six functions of time: alpha, beta, gamma, and the rates of alpha, beta and gamma squared.

    Every function takes an array of times in [0, 1] and returns an array of that shape. The rate of
    :math:`\gamma^2` is asked for, and not :math:`\dot\gamma`, because it stays finite where
    :math:`\gamma(t) = \sqrt{a\,t(1-t)}` has an infinite slope; it is all that a velocity needs.

    To make your own, fill in the fields and pass the result through `checked`.

    Examples
    --------
    >>> from labcore.interpolants import linear
    >>> linear(noise=1.0).interpolate(0.5, [0.0], [4.0], [1.0])
    array([2.5])
    """

    name: str
    alpha: TimeFunction
    beta: TimeFunction
    gamma: TimeFunction
    alpha_rate: TimeFunction
    beta_rate: TimeFunction
    gamma_squared_rate: TimeFunction

    def at(self, t: float | np.ndarray) -> Coefficients:
        """All six at time(s) `t`.

        Raises
        ------
        ValueError
            If a time lies outside [0, 1].
        """
        t = array("t", t, tuple(range(4)))
        if t.size and not (t.min() >= 0.0 and t.max() <= 1.0):
            raise ValueError(f"t must lie in [0, 1], got {t.min():g} to {t.max():g}")
        return Coefficients(*(np.asarray(function(t), float)[()] for function in self[1:]))

    def interpolate(
        self, t: float, x0: np.ndarray, x1: np.ndarray, z: np.ndarray | None = None
    ) -> np.ndarray:
        r"""The interpolant :math:`I_t = \alpha x_0 + \beta x_1 + \gamma z` of draws.

        Parameters
        ----------
        t : float
            Time in [0, 1].
        x0, x1 : arrays of shape (n, d)
            Draws of the source and of the target.
        z : array of shape (n, d), optional
            Standard normal draws; 0 if left out.
        """
        t, x0, x1, z = self._draws(t, x0, x1, z)
        c = self.at(t)
        return c.alpha * x0 + c.beta * x1 + c.gamma * z

    def interpolate_rate(
        self, t: float, x0: np.ndarray, x1: np.ndarray, z: np.ndarray | None = None
    ) -> np.ndarray:
        r"""Its time derivative :math:`\dot\alpha x_0 + \dot\beta x_1 + \dot\gamma z`.

        Parameters as in `interpolate`. Where gamma vanishes with an infinite slope the result is
        infinite, unless `z` is left out.
        """
        t, x0, x1, z = self._draws(t, x0, x1, z)
        c = self.at(t)
        rate = c.alpha_rate * x0 + c.beta_rate * x1
        if not z.any() or (c.gamma == 0.0 and c.gamma_squared_rate == 0.0):
            return rate
        with np.errstate(divide="ignore"):
            return rate + np.divide(0.5 * c.gamma_squared_rate, c.gamma) * z

    @staticmethod
    def _draws(t, x0, x1, z):
        t, x0, x1 = real("t", t), array("x0", x0, (1, 2)), array("x1", x1, (1, 2))
        z = np.zeros_like(x0) if z is None else array("z", z, (1, 2))
        for name, other in (("x1", x1), ("z", z)):
            if other.shape != x0.shape:
                raise ValueError(f"{name} must have the shape of x0, {x0.shape}, got {other.shape}")
        return t, x0, x1, z


def linear(noise: float = 0.0) -> Schedule:
    r"""The straight line: :math:`\alpha = 1 - t`, :math:`\beta = t`, :math:`\gamma^2 = a\,t(1-t)`.

    Parameters
    ----------
    noise : float, default 0
        The number :math:`a \ge 0`. With 0 this is flow matching (conditional optimal transport).

    Notes
    -----
    Given the end points, :math:`I_t` has the law of a Brownian bridge of variance rate :math:`a` at
    each time. :math:`\dot\gamma` is infinite at both ends. M. S. Albergo, N. M. Boffi,
    E. Vanden-Eijnden, arXiv:2303.08797.

    Examples
    --------
    >>> at = linear().at(0.25)
    >>> float(at.alpha), float(at.beta), float(at.gamma)
    (0.75, 0.25, 0.0)
    """
    noise = non_negative("noise", noise)
    return Schedule(
        name=f"linear, noise {noise:g}",
        alpha=lambda t: 1.0 - t,
        beta=lambda t: 1.0 * t,
        alpha_rate=lambda t: -np.ones_like(t),
        beta_rate=np.ones_like,
        **_bridge(noise),
    )


def trigonometric(noise: float = 0.0) -> Schedule:
    r"""The quarter circle: :math:`\alpha = \cos(\pi t/2)`, :math:`\beta = \sin(\pi t/2)`.

    Parameters and :math:`\gamma^2 = a\,t(1-t)` as in `linear`.

    Notes
    -----
    :math:`\alpha^2 + \beta^2 = 1`: with no noise, the covariance stays what it is when both ends
    have the same.

    Examples
    --------
    >>> at = trigonometric().at(0.5)
    >>> round(float(at.alpha**2 + at.beta**2), 12)
    1.0
    """
    noise = non_negative("noise", noise)
    quarter = 0.5 * np.pi
    return Schedule(
        name=f"trigonometric, noise {noise:g}",
        alpha=lambda t: np.where(t < 1.0, np.cos(quarter * t), 0.0),
        beta=lambda t: np.sin(quarter * t),
        alpha_rate=lambda t: -quarter * np.sin(quarter * t),
        beta_rate=lambda t: np.where(t < 1.0, quarter * np.cos(quarter * t), 0.0),
        **_bridge(noise),
    )


def encoding_decoding() -> Schedule:
    r"""Source to pure noise at t = 1/2, and noise to target: :math:`\gamma = \sin^2 \pi t`.

    :math:`\alpha = \cos^2 \pi t` up to one half and 0 after it, :math:`\beta` the mirror image. All
    three have continuous rates, so that nothing is singular at the ends.

    Examples
    --------
    >>> at = encoding_decoding().at(0.5)
    >>> float(at.alpha), float(at.beta), float(at.gamma)
    (0.0, 0.0, 1.0)
    """
    return Schedule(
        name="encoding-decoding",
        alpha=lambda t: np.where(t < 0.5, np.cos(np.pi * t) ** 2, 0.0),
        beta=lambda t: np.where(t > 0.5, np.cos(np.pi * t) ** 2, 0.0),
        gamma=lambda t: np.where(t < 1.0, np.sin(np.pi * t) ** 2, 0.0),
        alpha_rate=lambda t: np.where(t < 0.5, -np.pi * np.sin(2 * np.pi * t), 0.0),
        beta_rate=lambda t: np.where(t > 0.5, -np.pi * np.sin(2 * np.pi * t), 0.0),
        gamma_squared_rate=lambda t: 2 * np.pi * np.sin(np.pi * t) ** 2 * np.sin(2 * np.pi * t),
    )


def one_sided(schedule: Schedule) -> Schedule:
    r"""The schedule of the same laws from a standard normal source, which is then the noise.

    .. math:: \alpha \to 0, \qquad \beta \to \beta, \qquad
        \gamma^2 \to \alpha^2 + \gamma^2.

    Parameters
    ----------
    schedule : Schedule
        A two-sided one.

    Notes
    -----
    For :math:`x_0 \sim \N(0, I)` the sum :math:`\alpha x_0 + \gamma z` is one Gaussian variable:
    velocity and score are what they were. The noise no longer vanishes inside, so that
    :math:`\E[z \mid I_t]` gives both for all times before 1. Of any other source nothing is left:
    the law at t = 0 is :math:`\N(0, I)`. M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden,
    arXiv:2303.08797, section 3.2.

    Examples
    --------
    >>> at = one_sided(linear()).at(0.25)
    >>> float(at.alpha), float(at.beta), float(at.gamma)
    (0.0, 0.25, 0.75)
    """

    def gamma_squared_rate(t):
        alpha, rate = schedule.alpha(t), schedule.alpha_rate(t)
        return 2.0 * alpha * rate + schedule.gamma_squared_rate(t)

    return schedule._replace(
        name=f"one-sided {schedule.name}",
        alpha=np.zeros_like,
        alpha_rate=np.zeros_like,
        gamma=lambda t: np.hypot(schedule.alpha(t), schedule.gamma(t)),
        gamma_squared_rate=gamma_squared_rate,
    )


def ornstein_uhlenbeck() -> Schedule:
    r"""The Ornstein-Uhlenbeck process backward from t = 1: :math:`\beta = t`,
    :math:`\gamma^2 = 1 - t^2`.

    One-sided. :math:`\dd Y_s = -Y_s\,\dd s + \sqrt2\,\dd W_s` started from the target has at time
    :math:`s = -\log t` the law of :math:`I_t`.

    Notes
    -----
    It preserves variance, :math:`\beta^2 + \gamma^2 = 1`, and it joins its ends exactly, because
    all of the infinite time of the process is used; `variance_preserving` stops early. The noise is
    removed late: half of its variance is left at t = 0.71, and the slope of :math:`\gamma` is
    infinite at t = 1. M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden, arXiv:2303.08797.

    Examples
    --------
    >>> at = ornstein_uhlenbeck().at(0.6)
    >>> float(at.beta), float(at.gamma)
    (0.6, 0.8)
    """
    return Schedule(
        name="Ornstein-Uhlenbeck",
        alpha=np.zeros_like,
        beta=lambda t: 1.0 * t,
        gamma=lambda t: np.sqrt((1.0 - t) * (1.0 + t)),
        alpha_rate=np.zeros_like,
        beta_rate=np.ones_like,
        gamma_squared_rate=lambda t: -2.0 * t,
    )


def variance_preserving(lowest: float = 0.1, highest: float = 20.0) -> Schedule:
    r"""The diffusion model with a noise rate linear in time, backward from t = 1.

    One-sided, but for what is said below. With the rate :math:`b(s) = b_0 + (b_1 - b_0) s` the
    process :math:`\dd Y_s = -\tfrac12 b(s) Y_s\,\dd s + \sqrt{b(s)}\,\dd W_s`, started from the
    target, has at time :math:`s = 1 - t` the law of :math:`I_t` for

    .. math:: \log\beta(t) = -\tfrac12 \int_0^{1-t} b(s)\,\dd s
        = -\tfrac12 b_0 (1-t) - \tfrac14 (b_1 - b_0)(1-t)^2,
        \qquad \gamma^2 = 1 - \beta^2.

    Parameters
    ----------
    lowest, highest : float, default 0.1 and 20
        :math:`b_0` and :math:`b_1`, not negative and not both zero.

    Notes
    -----
    **It does not start from pure noise**: a rest :math:`\beta(0) = e^{-(b_0 + b_1)/4}` of the
    target, 0.0066 for the default, is in :math:`I_0`, and `checked` refuses it. The exact velocity
    carries particles from :math:`\N(0, I)` to a law of which the target has a relative entropy of
    at most :math:`\tfrac12 [\beta(0)^2 (\E\abs{x_1}^2 - d) - d \log(1 - \beta(0)^2)]`, about
    :math:`\tfrac12 \beta(0)^2\,\E\abs{x_1}^2`. Y. Song et al.,
    "Score-based generative modeling through stochastic differential equations", ICLR 2021,
    equation 33. arXiv:2011.13456.

    Examples
    --------
    >>> at = variance_preserving().at(0.0)
    >>> round(float(at.beta), 4), round(float(at.gamma), 5)
    (0.0066, 0.99998)
    """
    lowest = non_negative("lowest", lowest)
    highest = non_negative("highest", highest)
    positive("lowest + highest", lowest + highest)

    def log_beta(t):
        s = 1.0 - t
        return -0.5 * lowest * s - 0.25 * (highest - lowest) * s * s

    def log_beta_rate(t):
        return 0.5 * lowest + 0.5 * (highest - lowest) * (1.0 - t)

    return Schedule(
        name=f"variance preserving, rates {lowest:g} to {highest:g}",
        alpha=np.zeros_like,
        beta=lambda t: np.exp(log_beta(t)),
        gamma=lambda t: np.sqrt(-np.expm1(2.0 * log_beta(t))),
        alpha_rate=np.zeros_like,
        beta_rate=lambda t: log_beta_rate(t) * np.exp(log_beta(t)),
        gamma_squared_rate=lambda t: -2.0 * log_beta_rate(t) * np.exp(2.0 * log_beta(t)),
    )


def variance_exploding(highest: float = 80.0, power: float = 7.0) -> Schedule:
    r"""The diffusion model that adds noise and shrinks nothing: :math:`I_t = x_1 + \sigma(t)\,z`.

    :math:`\beta = 1` and :math:`\gamma = \sigma(t) = \sigma_{\max} (1 - t)^p`. The process
    :math:`\dd Y = \sqrt{\dd \sigma^2/\dd s}\,\dd W_s`, started from the target, has at time
    :math:`s = 1 - t` the law of :math:`I_t`.

    Parameters
    ----------
    highest : float, default 80
        :math:`\sigma_{\max} > 0`, in units of the data: far beyond their spread.
    power : float, default 7
        :math:`p \ge 1`. With 1 the noise falls evenly; a high power spends the time where there is
        little of it, in steps of :math:`\sigma^{1/p}`.

    Notes
    -----
    **It does not start from the standard normal law**, and `checked` refuses it: start particles
    from :math:`\N(0, \sigma_{\max}^2 I)`, of which the law of :math:`I_0` has a relative entropy
    of at most :math:`\E\abs{x_1}^2/2\sigma_{\max}^2`, because the whole of the target is in it.
    The end is joined exactly; the geometric schedule that the name first stood for, the limit of
    high powers between two positive :math:`\sigma`, joins neither end. :math:`\sigma` alone
    matters: the flow of :math:`x/\sqrt{1 + \sigma^2}` is that of the other one-sided schedules.
    T. Karras, M. Aittala, T. Aila, S. Laine, "Elucidating the design space of diffusion-based
    generative models", NeurIPS 2022, equation 5 with :math:`\sigma_{\min} = 0`. arXiv:2206.00364.

    Examples
    --------
    >>> at = variance_exploding().at([0.0, 0.5, 1.0])
    >>> at.beta, at.gamma
    (array([1., 1., 1.]), array([80.   ,  0.625,  0.   ]))
    """
    highest, power = positive("highest", highest), real("power", power)
    if power < 1.0:
        raise ValueError(f"power must be at least 1, got {power:g}")
    exponent = 2.0 * power
    return Schedule(
        name=f"variance exploding from {highest:g}, power {power:g}",
        alpha=np.zeros_like,
        beta=np.ones_like,
        gamma=lambda t: highest * (1.0 - t) ** power,
        alpha_rate=np.zeros_like,
        beta_rate=np.zeros_like,
        gamma_squared_rate=lambda t: -exponent * highest**2 * (1.0 - t) ** (exponent - 1.0),
    )


def mirror(noise: float = 1.0) -> Schedule:
    r"""From the target to itself, with noise on the way: :math:`I_t = x_1 + \gamma(t)\,z`.

    :math:`\beta = 1` and :math:`\gamma^2 = a\,t(1-t)`.

    Parameters
    ----------
    noise : float, default 1
        The positive number a.

    Notes
    -----
    Its velocity is :math:`v = -\tfrac12 \dot{(\gamma^2)}\,s`: in the first half the ODE carries
    the target down its own score, and in the second half back, so that each particle returns to
    where it was. With the SDE it comes back elsewhere: a way to draw more samples from one's data.
    M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden, arXiv:2303.08797, section 3.3.

    Examples
    --------
    >>> at = mirror().at(0.5)
    >>> float(at.beta), float(at.gamma)
    (1.0, 0.5)
    """
    noise = positive("noise", noise)
    return Schedule(
        name=f"mirror, noise {noise:g}",
        alpha=np.zeros_like,
        beta=np.ones_like,
        alpha_rate=np.zeros_like,
        beta_rate=np.zeros_like,
        **_bridge(noise),
    )


def checked(schedule: Schedule, *, ends: str = "two-sided") -> Schedule:
    """The same schedule, if it joins its two ends and its rates are those of its functions.

    Parameters
    ----------
    schedule : Schedule
        Your own. The rates are compared with central differences at sixteen times, to 1e-4.
    ends : {"two-sided", "one-sided", "mirror"}, default "two-sided"
        Which values (alpha, beta, gamma) has to have at 0 and at 1: (1, 0, 0) and (0, 1, 0), or
        (0, 0, 1) and (0, 1, 0), or (0, 1, 0) twice.

    Raises
    ------
    ValueError
        If alpha, beta, gamma are not what `ends` asks for, to 1e-9, if gamma is negative, or if a
        rate is not the derivative.

    Examples
    --------
    >>> wrong = linear()._replace(alpha=lambda t: 1.0 - t**2)
    >>> checked(wrong)
    Traceback (most recent call last):
        ...
    ValueError: alpha_rate must be the derivative, got -1 and not -0.04625 at t = 0.023125
    """
    if ends not in _ENDS:
        raise ValueError(f"ends must be one of {', '.join(_ENDS)}, got {ends!r}")
    for t, expected in zip((0.0, 1.0), _ENDS[ends], strict=True):
        for name, wanted in zip(("alpha", "beta", "gamma"), expected, strict=True):
            value = getattr(schedule.at(t), name)
            if not abs(value - wanted) <= _BOUNDARY_TOLERANCE:
                raise ValueError(f"{name} must be {wanted:g} at t = {t:g}, got {value:g}")
    inner, step = schedule.at(_INNER_TIMES), 1e-6
    if inner.gamma.min() < 0.0:
        raise ValueError(f"gamma must not be negative, got {inner.gamma.min():g}")
    after, before = schedule.at(_INNER_TIMES + step), schedule.at(_INNER_TIMES - step)
    differences = {
        "alpha_rate": after.alpha - before.alpha,
        "beta_rate": after.beta - before.beta,
        "gamma_squared_rate": after.gamma**2 - before.gamma**2,
    }
    for name, difference in differences.items():
        error = np.abs(getattr(inner, name) - difference / (2 * step))
        if not error.max() <= _RATE_TOLERANCE:
            at = _INNER_TIMES[error.argmax()]
            raise ValueError(
                f"{name} must be the derivative, got {getattr(inner, name)[error.argmax()]:g} and "
                f"not {difference[error.argmax()] / (2 * step):g} at t = {at:g}"
            )
    return schedule


def _bridge(noise: float) -> dict[str, TimeFunction]:
    return {
        "gamma": lambda t: np.sqrt(noise * t * (1.0 - t)),
        "gamma_squared_rate": lambda t: noise * (1.0 - 2.0 * t),
    }
