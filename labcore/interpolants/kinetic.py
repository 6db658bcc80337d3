r"""Kinetic energy: how far particles travel, how straight, and the schedule that moves them least.

From a standard normal source the interpolant is :math:`I_t = \beta x_1 + \sqrt q\,z` with
:math:`q = \alpha^2 + \gamma^2`, and of the target only one curve enters the energy of its flow: how
well a point can be guessed when a multiple of it is seen in noise.
"""

import math
from collections.abc import Callable

import numpy as np

from labcore._validate import array, integer, points, positive
from labcore.interpolants.finite import to_data
from labcore.interpolants.schedules import Schedule, linear, one_sided
from labcore.random import integers, normal, seed_from

_ANGLES = 200  # at whose middles the curve of errors is evaluated
_NOISE = 0.03  # of the metric: what a curve by Monte Carlo may be wrong by
_LEAST = 1e-8
_DRAW_STREAM = 1 << 60


def kinetic_energy(paths: np.ndarray, times: np.ndarray) -> float:
    r"""The kinetic energy of paths, :math:`\int \E\,\norm{\dot X_t}^2\,\dd t`.

    .. math:: \frac1n \sum_{i=1}^n \sum_j \frac{\norm{X^i_{t_{j+1}} - X^i_{t_j}}^2}{t_{j+1} - t_j}

    which is the energy of the paths made straight between the times given.

    Parameters
    ----------
    paths : array of shape (n, m, d)
        As `solve_ode` returns them.
    times : array of shape (m,)
        Going up.

    Raises
    ------
    ValueError
        If there are no paths, the shapes do not fit or the times do not go up.

    Notes
    -----
    It is at least the squared Wasserstein distance of the laws at the ends, over the time taken,
    and equal to it for the flow of optimal transport. With more times it rises to the energy of the
    curved paths, with an error of the square of the time step. Paths of an SDE have no kinetic
    energy: the sum grows like the number of times. J.-D. Benamou, Y. Brenier, "A computational
    fluid mechanics solution to the Monge-Kantorovich mass transfer problem", Numerische Mathematik
    84 (2000). doi:10.1007/s002110050002.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0, 1, 101)
    >>> half_turn = np.column_stack([np.cos(np.pi * t), np.sin(np.pi * t)])
    >>> round(kinetic_energy(half_turn[None], t), 2), round(float(np.pi**2), 2)
    (9.87, 9.87)
    """
    paths, times = array("paths", paths, 3), array("times", times, 1)
    if paths.shape[1] != len(times) or len(times) < 2:
        raise ValueError(
            f"paths must hold a position for each of at least two times, got shape {paths.shape} "
            f"and {len(times)} times"
        )
    if len(paths) == 0:
        raise ValueError(f"paths must hold at least one path, got shape {paths.shape}")
    lengths = np.diff(times)
    if not (lengths > 0.0).all():
        raise ValueError(f"times must go up, got {times.tolist()}")
    squares = (np.diff(paths, axis=1) ** 2).sum(axis=2)
    return float((squares / lengths).sum() / len(paths))


def straightness(paths: np.ndarray, times: np.ndarray) -> float:
    r"""The energy of the straight ways from start to end, as a part of the energy of the paths.

    .. math:: \frac{\E\,\norm{X_1 - X_0}^2}{\int_0^1 \E\,\norm{\dot X_t}^2\,\dd t} \in (0, 1]

    1 where every particle goes straight and at constant speed: one step of Euler's method is then
    exact.

    Parameters and errors as in `kinetic_energy`; and an error where nothing moves.

    Notes
    -----
    :math:`1 - {}` this is the measure of X. Liu, C. Gong, Q. Liu, "Flow straight and fast", ICLR
    2023, arXiv:2209.03003, divided by the energy. With few times it is overestimated, and with two
    it is 1.

    Examples
    --------
    >>> import numpy as np
    >>> t = np.linspace(0, 1, 101)
    >>> half_turn = np.column_stack([np.cos(np.pi * t), np.sin(np.pi * t)])
    >>> round(straightness(half_turn[None], t), 2), round(4 / float(np.pi**2), 2)
    (0.41, 0.41)
    """
    energy = kinetic_energy(paths, times)
    if energy == 0.0:
        raise ValueError("paths must move, got paths that stay where they are")
    paths, times = np.asarray(paths, float), np.asarray(times, float)
    return kinetic_energy(paths[:, [0, -1]], times[[0, -1]]) / energy


def denoising_error(
    data: np.ndarray,
    ratio: float | np.ndarray,
    *,
    n: int = 2000,
    rng: int | np.random.Generator | None = 0,
) -> np.ndarray:
    r"""How well data points are guessed from noisy multiples of them, on average.

    .. math:: e(r) = \tfrac1d\,\E\,\norm{x_1 - \E[x_1 \mid r x_1 + z]}^2

    with :math:`x_1` uniform on the data and z standard normal.

    Parameters
    ----------
    data : array of shape (m, d), or (m,) on the line
    ratio : float or array
        r, not negative: the signal-to-noise ratio :math:`\beta/\sqrt q` of a schedule.
    n : int, default 2000
        Draws of noisy points, the same for all ratios, so that the curve is smooth. At each the
        error is the exact spread of the data given that point.
    rng : int, numpy.random.Generator or None, default 0
        The seed (see `labcore.random.seed_from`).

    Returns
    -------
    array of the shape of `ratio`

    Notes
    -----
    Costs O(n m d) a ratio. The paper of `kinetic_optimal` calls what it tells the *data separation
    function*.

    Examples
    --------
    >>> denoising_error([-1.0, 1.0], [0.0, 1.0, 3.0]).round(2)
    array([1.  , 0.44, 0.  ])
    """
    data = points("data", data)
    ratio = array("ratio", ratio, tuple(range(4)))
    if (ratio < 0.0).any():
        raise ValueError(f"ratio must not be negative, got {ratio.min():g}")
    n, seed = integer("n", n, 1), int(seed_from(rng))
    path = to_data(data, one_sided(linear()))
    clean = data[integers(len(data), n, rng=seed, stream=_DRAW_STREAM)]
    noise = normal(clean.shape, rng=seed, stream=_DRAW_STREAM + 1)
    out = np.empty(ratio.shape)
    for index, r in np.ndenumerate(ratio):
        t = r / (1.0 + r)  # where beta/gamma = t/(1 - t) is this ratio
        x = t * clean + (1.0 - t) * noise
        out[index] = path.data_variance(t, x).mean() / data.shape[1]
    return out


def schedule_energy(
    schedule: Schedule,
    error: Callable[[np.ndarray], np.ndarray],
    second_moment: float = 1.0,
) -> float:
    r"""The kinetic energy of the exact flow from a standard normal source, for each dimension.

    .. math:: \int_0^1 \tfrac1d \E\,\norm{v(t, I_t)}^2\,\dd t = \int_0^1 \Big[\dot\beta^2 (V - e)
        + \frac{\dot q^2}{4 q^2} (q - \beta^2 e) + \frac{\dot q}{q} \beta \dot\beta\,e\Big]\,\dd t

    with :math:`e = e(\beta/\sqrt q)`.

    Parameters
    ----------
    schedule : Schedule
        Two-sided or one-sided.
    error : callable
        e as a function of an array of signal-to-noise ratios: `denoising_error`, or a closed form.
    second_moment : float, default 1
        :math:`V = \E\,\norm{x_1}^2/d`, positive.

    Notes
    -----
    By quadrature with 64 nodes: to 1e-6 for smooth curves.

    Examples
    --------
    One data point far away, which every noise level tells: the straight lines of a unit cloud to a
    point at distance :math:`\sqrt V` have the energy 1 + V.

    >>> round(schedule_energy(linear(), lambda ratio: 0.0 * ratio, 3.0), 6)
    4.0
    """
    second_moment = positive("second_moment", second_moment)
    nodes, weights = np.polynomial.legendre.leggauss(64)
    c = schedule.at(0.5 * (nodes + 1.0))
    q = c.alpha**2 + c.gamma**2
    half_rate = c.alpha * c.alpha_rate + 0.5 * c.gamma_squared_rate
    e = _errors(error, c.beta / np.sqrt(q))
    density = c.beta_rate**2 * (second_moment - e)
    density += (half_rate / q) ** 2 * (q - c.beta**2 * e)
    density += 2.0 * half_rate / q * c.beta * c.beta_rate * e
    return float(0.5 * weights @ density)


def kinetic_optimal(
    error: Callable[[np.ndarray], np.ndarray], second_moment: float = 1.0
) -> Schedule:
    r"""The one-sided schedule whose exact flow has the least kinetic energy.

    In the coordinates :math:`\sqrt V \beta = r \sin\theta`, :math:`\sqrt q = r \cos\theta` the
    energy of `schedule_energy` is :math:`\int \dot r^2 + r^2 \dot\theta^2 g(\theta)^2\,\dd t` with

    .. math:: g(\theta)^2 = 1 - \frac{e(\tan\theta/\sqrt V)}{V \cos^2\theta}:

    the length in a flat plane with the angle :math:`\varphi = \int g\,\dd\theta`. The best schedule
    is a straight line in it, and its energy :math:`1 + V - 2 \sqrt V \cos\varphi(\pi/2)`.

    Parameters
    ----------
    error : callable
        e as a function of an array of signal-to-noise ratios: `denoising_error`, or a closed form.
    second_moment : float, default 1
        :math:`V = \E\,\norm{x_1}^2/d`, positive.

    Returns
    -------
    Schedule
        Tabulated at 200 angles; its rates are those of the table's smooth interpolation.

    Raises
    ------
    ValueError
        If an error is negative, or larger than :math:`V/(1 + V r^2)`, what a multiple of the noisy
        point achieves; or if it is equal to that everywhere: the target is then Gaussian, and
        ``linear(noise=2 * sqrt(V))`` is optimal.

    Notes
    -----
    Where data are few for their dimension, e vanishes, the plane is the plane of
    :math:`(\sqrt V \beta, \sqrt q)`, and the best schedule is `linear`. For a Gaussian target with
    standard deviation s and any mean it is ``one_sided(linear(noise=2 * s))``, and the flow that of
    optimal transport. In general it is the best of these schedules only: the energy stays above the
    squared Wasserstein distance. N. Shaul, R. T. Q. Chen, M. Nickel, M. Le, Y. Lipman, "On kinetic
    optimal probability paths for generative models", ICML 2023. arXiv:2306.06626.

    Examples
    --------
    >>> at = kinetic_optimal(lambda ratio: 0.0 * ratio).at(0.25)
    >>> round(float(at.beta), 4), round(float(at.gamma), 4)
    (0.25, 0.75)
    """
    from scipy.interpolate import Akima1DInterpolator

    second_moment = positive("second_moment", second_moment)
    root = math.sqrt(second_moment)
    theta = np.linspace(0.0, 0.5 * np.pi, _ANGLES + 1)
    middle = 0.5 * (theta[1:] + theta[:-1])
    ratio = np.tan(middle) / root
    metric = 1.0 - _errors(error, ratio) / (second_moment * np.cos(middle) ** 2)
    if metric.min() < -_NOISE:
        worst = metric.argmin()
        raise ValueError(
            f"error must be at most V/(1 + V r^2) = {second_moment * np.cos(middle[worst]) ** 2:g} "
            f"at r = {ratio[worst]:g}, got {_errors(error, ratio)[worst]:g}"
        )
    if metric.max() < _NOISE:
        raise ValueError(
            "error is that of a Gaussian target everywhere: take "
            f"linear(noise={2.0 * root:g}), which is optimal"
        )
    # Where there is nothing to gain from the angle, it may not stand still: it is inverted below.
    angle = np.concatenate([[0.0], np.cumsum(np.sqrt(np.maximum(metric, _LEAST)))])
    angle *= theta[1]
    sine = Akima1DInterpolator(angle, np.sin(theta))
    sine_rate = sine.derivative()
    last = angle[-1]

    def radius_squared(t):
        return (1.0 - t) ** 2 + 2.0 * t * (1.0 - t) * root * math.cos(last) + t * t * second_moment

    def radius_squared_rate(t):
        return 2.0 * (t * second_moment - (1.0 - t) + (1.0 - 2.0 * t) * root * math.cos(last))

    def phi(t):
        return np.minimum(
            np.arctan2(t * root * math.sin(last), 1.0 - t + t * root * math.cos(last)), last
        )

    def s_and_rate(t):
        value = np.where(t < 1.0, sine(phi(t)), 1.0)
        return value, sine_rate(phi(t)) * root * math.sin(last) / radius_squared(t)

    def beta_rate(t):
        s, rate = s_and_rate(t)
        radius = np.sqrt(radius_squared(t))
        return (radius * rate + 0.5 * radius_squared_rate(t) / radius * s) / root

    def gamma_squared_rate(t):
        s, rate = s_and_rate(t)
        return radius_squared_rate(t) * (1.0 - s * s) - 2.0 * radius_squared(t) * s * rate

    return Schedule(
        name="kinetic-optimal",
        alpha=np.zeros_like,
        beta=lambda t: np.sqrt(radius_squared(t)) * s_and_rate(t)[0] / root,
        gamma=lambda t: np.sqrt(radius_squared(t) * (1.0 - s_and_rate(t)[0] ** 2)),
        alpha_rate=np.zeros_like,
        beta_rate=beta_rate,
        gamma_squared_rate=gamma_squared_rate,
    )


def _errors(error, ratio: np.ndarray) -> np.ndarray:
    values = array("error(ratio)", error(ratio), 1)
    if values.shape != ratio.shape:
        raise ValueError(f"error(ratio) must have shape {ratio.shape}, got {values.shape}")
    if (values < 0.0).any():
        raise ValueError(f"error must not be negative, got {values.min():g}")
    return values
