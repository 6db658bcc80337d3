r"""Carrying particles by a velocity: the ODE, and the SDEs with the same marginals.

.. math::
    \dd X_t &= v(t, X_t)\,\dd t, \\
    \dd X_t &= [v + \epsilon s](t, X_t)\,\dd t + \sqrt{2\epsilon(t)}\,\dd W_t.

Both have the law :math:`\rho_t` at every time if they start from it and :math:`v, s` are its
velocity and score. A field is any function of (t, x) with x of shape (n, d): closed form, fitted,
or wrong on purpose.
"""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import uint64
from tqdm.auto import tqdm

from labcore._compile import compiled
from labcore._validate import array, integer, non_negative, points
from labcore.interpolants.fields import Field
from labcore.random import normal_pair, seed_from

# The noise of a seed never meets the streams that the starting points of that seed are drawn from.
_NOISE_STREAM = np.uint64(1 << 63)


class OdeMethod(NamedTuple):
    """A one-step method for an ODE: its global error falls like the step to the power `order`.

    ``step(velocity, start, stop, x)`` gives the positions at time `stop`.

    Examples
    --------
    >>> from labcore.interpolants import EULER, RK4
    >>> EULER.order, RK4.order
    (1, 4)
    """

    name: str
    order: int
    step: Callable[[Field, float, float, np.ndarray], np.ndarray]


class SdeMethod(NamedTuple):
    """A one-step method for an SDE with additive noise, with the orders that it then has.

    ``step(drift, start, stop, x, noise)`` is given the increment of the noise.
    """

    name: str
    strong_order: float
    weak_order: float
    step: Callable[[Field, float, float, np.ndarray, np.ndarray], np.ndarray]


def _euler_step(velocity, start, stop, x):
    return x + (stop - start) * velocity(start, x)


def _heun_step(velocity, start, stop, x):
    h = stop - start
    first = velocity(start, x)
    return x + 0.5 * h * (first + velocity(stop, x + h * first))


def _rk4_step(velocity, start, stop, x):
    h, middle = stop - start, 0.5 * (start + stop)
    k1 = velocity(start, x)
    k2 = velocity(middle, x + 0.5 * h * k1)
    k3 = velocity(middle, x + 0.5 * h * k2)
    k4 = velocity(stop, x + h * k3)
    return x + h / 6.0 * (k1 + 2.0 * k2 + 2.0 * k3 + k4)


def _euler_maruyama_step(drift, start, stop, x, noise):
    return x + (stop - start) * drift(start, x) + noise


def _heun_sde_step(drift, start, stop, x, noise):
    h = stop - start
    first = drift(start, x)
    return x + 0.5 * h * (first + drift(stop, x + h * first + noise)) + noise


EULER = OdeMethod("Euler", 1, _euler_step)
HEUN = OdeMethod("Heun", 2, _heun_step)
RK4 = OdeMethod("Runge-Kutta 4", 4, _rk4_step)
EULER_MARUYAMA = SdeMethod("Euler-Maruyama", 1.0, 1.0, _euler_maruyama_step)
HEUN_SDE = SdeMethod("stochastic Heun", 1.0, 2.0, _heun_sde_step)


def solve_ode(
    velocity: Field,
    x: np.ndarray,
    times: np.ndarray = (0.0, 1.0),
    *,
    steps: int = 50,
    method: OdeMethod = RK4,
    progress: bool = True,
) -> np.ndarray:
    r"""Particles carried by :math:`\dd X_t = v(t, X_t)\,\dd t`.

    Parameters
    ----------
    velocity : callable
        ``velocity(t, x)`` of shape (n, d).
    x : array of shape (n, d), or (n,) on the line
        Where the particles are at ``times[0]``.
    times : array of shape (m,), default (0, 1)
        When positions are wanted, going up or (backward in time) down.
    steps : int, default 50
        Steps from each time to the next.
    method : OdeMethod, default RK4
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    array of shape (n, m, d): the path of every particle, from `x` on.

    Raises
    ------
    ValueError
        If the times do not go one way, or the solution stops being finite.

    Notes
    -----
    Heun and RK4 evaluate the velocity at both ends of a step. Where it is not defined at t = 1,
    stop before.

    Examples
    --------
    >>> path = solve_ode(lambda t, x: -x, [1.0], [0.0, 1.0, 2.0])
    >>> path[0, :, 0].round(6)
    array([1.      , 0.367879, 0.135335])
    """
    x, times, steps = points("x", x), one_way(times), integer("steps", steps, 1)
    velocity = shaped(velocity, x.shape)
    paths = np.empty((len(x), len(times), x.shape[1]))
    paths[:, 0] = x
    with _bar(len(times) - 1, steps, progress) as bar:
        for row in range(len(times) - 1):
            grid = _grid(times[row], times[row + 1], steps)
            for start, stop in pairwise(grid):
                x = _finite(method.step(velocity, start, stop, x), stop)
                bar.update()
            paths[:, row + 1] = x
    return paths


def solve_sde(
    velocity: Field,
    score: Field,
    diffusion: float | Callable[[float], float],
    x: np.ndarray,
    times: np.ndarray = (0.0, 1.0),
    *,
    steps: int = 200,
    method: SdeMethod = EULER_MARUYAMA,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> np.ndarray:
    r"""Particles of the SDE that has the marginals of the ODE, with a diffusion of your choice.

    .. math:: \dd X_t = [v + \epsilon s](t, X_t)\,\dd t + \sqrt{2\epsilon}\,\dd W_t

    Parameters
    ----------
    velocity, score : callable
        ``velocity(t, x)`` and ``score(t, x)``, of shape (n, d).
    diffusion : float or callable
        :math:`\epsilon \ge 0`, or a function of time with such values.
    x, times
        As in `solve_ode`. Downward times solve the backward equation, whose drift in the direction
        of travel is :math:`-v + \epsilon s`.
    steps : int, default 200
        Steps from each time to the next.
    method : SdeMethod, default EULER_MARUYAMA
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`). Particle i has a stream of its own, which is none
        of those that samples of the same seed are drawn from.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    array of shape (n, m, d): the path of every particle, from `x` on.

    Raises
    ------
    ValueError
        As in `solve_ode`, and if the diffusion is negative.

    Notes
    -----
    The noise of a step h has variance :math:`2\epsilon h`, with the diffusion at its middle.
    Where the density is as narrow as :math:`w` the drift is stiff: steps of more than
    :math:`2 w^2/\epsilon` explode. M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden,
    arXiv:2303.08797.

    Examples
    --------
    >>> from labcore.interpolants import between, linear, mixture
    >>> path = between(mixture([0.0]), mixture([4.0]), linear())
    >>> start = path.source.sample(4000, rng=1)
    >>> end = solve_sde(path.velocity, path.score, 0.5, start, rng=2)[:, -1]
    >>> end.mean().round(1), end.std().round(1)
    (np.float64(4.0), np.float64(1.0))
    """
    x, times, steps = points("x", x), one_way(times), integer("steps", steps, 1)
    direction = 1.0 if times[-1] > times[0] else -1.0
    epsilon = diffusion_function(diffusion)
    seed = seed_from(rng)
    velocity, score = shaped(velocity, x.shape), shaped(score, x.shape, "score")

    def drift(t, position):
        return velocity(t, position) + direction * epsilon(t) * score(t, position)

    noise = np.empty_like(x)
    paths = np.empty((len(x), len(times), x.shape[1]))
    paths[:, 0] = x
    with _bar(len(times) - 1, steps, progress) as bar:
        for row in range(len(times) - 1):
            grid = _grid(times[row], times[row + 1], steps)
            for number, (start, stop) in enumerate(pairwise(grid)):
                fill_noise(seed, _NOISE_STREAM, row * steps + number, noise)
                noise *= math.sqrt(2.0 * epsilon(0.5 * (start + stop)) * abs(stop - start))
                x = _finite(method.step(drift, start, stop, x, noise), stop)
                bar.update()
            paths[:, row + 1] = x
    return paths


def one_way(times: np.ndarray) -> np.ndarray:
    times = array("times", times, 1)
    changes = np.diff(times)
    if len(times) < 2 or not ((changes > 0.0).all() or (changes < 0.0).all()):
        raise ValueError(f"times must go up or go down, got {times.tolist()}")
    return times


def _grid(start: float, stop: float, steps: int) -> list[float]:
    """`steps` steps of one length; the last ends at `stop` to the bit, and not beyond it."""
    return np.linspace(start, stop, steps + 1).tolist()


def shaped(field: Field, shape: tuple[int, int], name: str = "velocity") -> Field:
    """The field, with an error where its result has the wrong shape (which would broadcast)."""

    def value(t, x):
        result = np.asarray(field(t, x), float)
        if result.shape != shape:
            raise ValueError(f"{name}(t, x) must have shape {shape}, got {result.shape}")
        return result

    return value


def _bar(intervals: int, steps: int, progress: bool) -> tqdm:
    return tqdm(total=intervals * steps, unit="steps", delay=2.0, disable=not progress)


def _finite(x: np.ndarray, t: float) -> np.ndarray:
    if not np.isfinite(x).all():
        raise ValueError(f"the solution is not finite at t = {t:g}: take smaller steps")
    return x


def diffusion_function(diffusion) -> Callable[[float], float]:
    if not callable(diffusion):
        constant = non_negative("diffusion", diffusion)
        return lambda t: constant
    return lambda t: non_negative(f"diffusion({t:g})", diffusion(t))


@compiled
def fill_noise(seed, first_stream, step, out):
    """Standard normal numbers for one step: particle i draws from stream `first_stream` + i."""
    n, d = out.shape
    blocks = (d + 1) // 2
    for i in range(n):
        for b in range(blocks):
            pair = normal_pair(seed, first_stream + uint64(i), step * blocks + b)
            out[i, 2 * b] = pair[0]
            if 2 * b + 1 < d:
                out[i, 2 * b + 1] = pair[1]
