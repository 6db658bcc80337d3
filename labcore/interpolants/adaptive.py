r"""Dormand and Prince's method of order 5 with steps chosen by its own error, for the ODE.

One step size serves all particles, so that the velocity is called with all of them; it is chosen
for the worst.
"""

import math
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from labcore._validate import integer, points, positive
from labcore.interpolants.fields import Field
from labcore.interpolants.flow import OdeMethod, one_way, shaped

# Row i: stage i + 1 is at x + h (row . stages before). The last row is the step of order 5 itself,
# so that the last stage is the first of the next step.
_STAGES = [
    np.array(row)
    for row in (
        [1 / 5],
        [3 / 40, 9 / 40],
        [44 / 45, -56 / 15, 32 / 9],
        [19372 / 6561, -25360 / 2187, 64448 / 6561, -212 / 729],
        [9017 / 3168, -355 / 33, 46732 / 5247, 49 / 176, -5103 / 18656],
        [35 / 384, 0, 500 / 1113, 125 / 192, -2187 / 6784, 11 / 84],
    )
]
_NODES = np.array([1 / 5, 3 / 10, 4 / 5, 8 / 9, 1, 1])
# The step of order 5 less that of order 4.
_ERROR = np.array([71 / 57600, 0, -71 / 16695, 71 / 1920, -17253 / 339200, 22 / 525, -1 / 40])
# The fifth coefficient of the interpolation between steps (Hairer, Norsett, Wanner, II.6).
_DENSE = np.array(
    [
        -12715105075 / 11282082432,
        0,
        87487479700 / 32700410799,
        -10690763975 / 1880347072,
        701980252875 / 199316789632,
        -1453857185 / 822651844,
        69997945 / 29380423,
    ]
)
_SAFETY, _SMALLEST_FACTOR, _LARGEST_FACTOR = 0.9, 0.2, 5.0
# Exponents of the error of this step and of the last: a controller with memory, which does not let
# the step swing where stability limits it (Hairer, Wanner, "Solving ODEs II", section IV.2).
_PROPORTIONAL, _INTEGRAL = 0.2 - 0.75 * 0.04, 0.04


class AdaptivePaths(NamedTuple):
    """Paths, and what they cost.

    Parameters
    ----------
    x : array of shape (n, m, d)
        Row i is particle i at the m times asked for.
    steps : int
        Steps that were taken.
    rejected : int
        Steps that were tried and found too long.
    evaluations : int
        Calls of the velocity, each with all n particles.
    """

    x: np.ndarray
    steps: int
    rejected: int
    evaluations: int


def solve_ode_adaptive(
    velocity: Field,
    x: np.ndarray,
    times: np.ndarray = (0.0, 1.0),
    *,
    rtol: float = 1e-6,
    atol: float = 1e-8,
    max_steps: int = 10_000,
    progress: bool = True,
) -> AdaptivePaths:
    r"""Particles carried by :math:`\dd X_t = v(t, X_t)\,\dd t`, to an error that is asked for.

    Parameters
    ----------
    velocity : callable
        ``velocity(t, x)`` of shape (n, d).
    x : array of shape (n, d), or (n,) on the line
        Where the particles are at ``times[0]``.
    times : array of shape (m,), default (0, 1)
        When positions are wanted, going up or (backward in time) down. Times between steps are
        interpolated, to order 4, and cost nothing.
    rtol, atol : float, default 1e-6 and 1e-8
        A step is taken if for each particle the root mean square, over the coordinates, of
        :math:`e_a/(\mathrm{atol} + \mathrm{rtol}\,\abs{x_a})` is at most 1, with e the difference
        of the solutions of order 5 and 4.
    max_steps : int, default 10,000
        After so many, tried or taken, it gives up.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    AdaptivePaths

    Raises
    ------
    ValueError
        If the times do not go one way, a tolerance is not positive, or the solution cannot be
        carried on: the velocity is not finite, or so steep that the step vanishes or `max_steps`
        are not enough.

    Notes
    -----
    Six evaluations a step. The error of a step is controlled, not that of the end: that grows with
    the flow's own expansion. The first and the last time are evaluated: where the velocity is not
    defined at t = 1, stop before. The step is that of the worst particle: particles far from the
    others in a steep region make all of them pay, and a particle's path depends, within the
    tolerance, on its company. `solve_ode` has no such dependence.

    References
    ----------
    J. R. Dormand, P. J. Prince, "A family of embedded Runge-Kutta formulae", Journal of
    Computational and Applied Mathematics 6 (1980), table 2. doi:10.1016/0771-050X(80)90013-3

    Examples
    --------
    >>> paths = solve_ode_adaptive(lambda t, x: -x, [1.0], [0.0, 1.0, 2.0])
    >>> paths.x[0, :, 0].round(6), paths.steps
    (array([1.      , 0.367879, 0.135335]), 12)
    """
    x, times = points("x", x), one_way(times)
    rtol, atol = positive("rtol", rtol), positive("atol", atol)
    max_steps = integer("max_steps", max_steps, 1)
    field = shaped(velocity, x.shape)
    start, stop = float(times[0]), float(times[-1])
    direction, length = math.copysign(1.0, stop - start), abs(stop - start)
    out = np.empty((len(x), len(times), x.shape[1]))
    out[:, 0] = x
    stages = np.empty((7, *x.shape))
    stages[0] = field(start, x)
    if not np.isfinite(stages[0]).all():
        raise ValueError(f"the velocity is not finite at t = {start:g}")
    h, evaluations = _first_step(field, start, x, stages[0], direction, length, rtol, atol), 2
    t, filled, steps, rejected, last_error, grow = start, 1, 0, 0, 1e-4, _LARGEST_FACTOR
    with tqdm(total=length, unit="t", delay=2.0, disable=not progress) as bar:
        while filled < len(times):
            if steps + rejected == max_steps:
                raise ValueError(f"max_steps = {max_steps} are not enough: at t = {t:g}")
            if not h > 16 * math.ulp(max(abs(t), length)):
                raise ValueError(
                    f"the velocity is not finite, or too steep, near t = {t:g}: the step vanished"
                )
            after = t + direction * h
            if direction * (stop - after) <= 0.01 * h:  # not one more step of nearly no length
                after = stop
            signed = after - t
            new = _try(field, t, signed, x, stages)
            evaluations += 6
            error = _error(signed, x, new, stages, rtol, atol)
            factor = _LARGEST_FACTOR
            if error > 0.0:
                factor = _SAFETY * error**-_PROPORTIONAL * last_error**_INTEGRAL
            if error > 1.0:
                rejected += 1
                h = abs(signed) * max(_SMALLEST_FACTOR, _SAFETY * error**-0.2)
                grow = 1.0
                continue
            while filled < len(times) and direction * (times[filled] - after) <= 0.0:
                share = (times[filled] - t) / signed
                out[:, filled] = _between(share, signed, x, new, stages)
                filled += 1
            h = abs(signed) * min(grow, max(_SMALLEST_FACTOR, factor))
            bar.update(abs(signed))
            steps, last_error, grow = steps + 1, max(error, 1e-4), _LARGEST_FACTOR
            t, x = after, new
            stages[0] = stages[6]
    return AdaptivePaths(out, steps, rejected, evaluations)


def _dormand_prince_step(velocity, start, stop, x):
    stages = np.empty((7, *x.shape))
    stages[0] = velocity(start, x)
    return _try(velocity, start, stop - start, x, stages)


DORMAND_PRINCE = OdeMethod("Dormand-Prince", 5, _dormand_prince_step)


def _try(field, t, h, x, stages):
    """The positions a step later; all `stages` but the first are filled."""
    new = x
    for i, (row, node) in enumerate(zip(_STAGES, _NODES, strict=True)):
        new = x + h * np.tensordot(row, stages[: i + 1], 1)
        stages[i + 1] = field(t + node * h, new)
    return new


def _error(h, x, new, stages, rtol, atol) -> float:
    """The error of the worst particle, in units of what is allowed; inf where it is not finite."""
    scale = atol + rtol * np.maximum(np.abs(x), np.abs(new))
    ratio = h * np.tensordot(_ERROR, stages, 1) / scale
    error = math.sqrt(np.einsum("na,na->n", ratio, ratio).max(initial=0.0) / max(1, x.shape[1]))
    return error if math.isfinite(error) else math.inf


def _between(share, h, x, new, stages):
    """The positions when a part `share` of the step is over."""
    if share == 1.0:
        return new
    change = new - x
    first = h * stages[0] - change
    second = change - h * stages[6] - first
    third = h * np.tensordot(_DENSE, stages, 1)
    rest = 1.0 - share
    return x + share * (change + rest * (first + share * (second + rest * third)))


def _first_step(field, t, x, velocity, direction, length, rtol, atol) -> float:
    """A step that Euler's method would take with a hundredth of the change (Hairer, Norsett,
    Wanner, "Solving ODEs I", section II.4)."""

    def size(value):
        ratio = value / (atol + rtol * np.abs(x))
        return math.sqrt(np.einsum("na,na->n", ratio, ratio).max(initial=0.0) / max(1, x.shape[1]))

    position, speed = size(x), size(velocity)
    h = 1e-6 if min(position, speed) < 1e-5 else 0.01 * position / speed
    h = min(h, length)
    ahead = field(t + direction * h, x + direction * h * velocity)
    acceleration = size(ahead - velocity) / h
    steepest = max(speed, acceleration)
    if not steepest > 1e-15:
        return min(length, max(1e-6, 1e-3 * h))
    return min(100.0 * h, (0.01 / steepest) ** 0.2, length)
