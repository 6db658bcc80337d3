r"""The regression problems whose solutions are velocity, noise and denoiser of an interpolant.

The conditional mean :math:`\E[Y \mid I_t = x]` is the function f of (t, x) with the least
:math:`\int_0^1 \E\,\abs{f(t, I_t) - Y_t}^2\,\dd t`. With :math:`Y = \dot I_t` it is the velocity,
with :math:`Y = z` the noise :math:`-\gamma s`, with an end the denoiser. Nothing but draws is
needed.
"""

from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore._validate import array
from labcore.interpolants.between_mixtures import Draws
from labcore.interpolants.schedules import Schedule

WANTED = ("velocity", "noise", "source", "target")
_VELOCITY, _NOISE, _SOURCE = 0, 1, 2


class Examples(NamedTuple):
    """What a regression learns from: `y` is to be predicted from (`t`, `x`), with squared loss.

    Parameters
    ----------
    t : array of shape (n,)
    x, y : arrays of shape (n, d)
    """

    t: np.ndarray
    x: np.ndarray
    y: np.ndarray


def examples(
    schedule: Schedule,
    draws: Draws,
    t: np.ndarray,
    *,
    of: str = "velocity",
    antithetic: bool = False,
) -> Examples:
    r"""The points :math:`I_t` of draws at given times, and what is to be predicted there.

    Parameters
    ----------
    schedule : Schedule
    draws : Draws
        Three arrays of shape (n, d): the ends, row by row in pairs, and standard normal noise.
    t : array of shape (n,)
        A time for each row: uniform ones for the unweighted objective.
    of : {"velocity", "noise", "source", "target"}, default "velocity"
        What to predict: :math:`\dot I_t`, z, :math:`x_0` or :math:`x_1`.
    antithetic : bool, default False
        Add each row once more with :math:`-z` for z, after all others: 2n rows.

    Returns
    -------
    Examples

    Raises
    ------
    ValueError
        If shapes do not fit, a time is outside [0, 1], or :math:`\dot I_t` is not finite because a
        time is 0 or 1 where the slope of :math:`\gamma` is infinite.

    Notes
    -----
    For :math:`\gamma^2 = a\,t(1-t)` the variance of :math:`\dot I_t` grows like 1/t at the ends,
    so that the objective of the velocity is infinite, and its estimate is dominated by a few early
    and late times. The two rows of an antithetic pair have nearly the same point there and opposite
    noise: their average has a bounded variance. Or predict the noise, which is bounded from the
    start. M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden, arXiv:2303.08797, section 6.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.interpolants import Draws, linear
    >>> draws = Draws(np.array([[0.0]]), np.array([[4.0]]), np.array([[1.0]]))
    >>> examples(linear(noise=1.0), draws, [0.5], antithetic=True)
    Examples(t=array([0.5, 0.5]), x=array([[2.5],
           [1.5]]), y=array([[4.],
           [4.]]))
    """
    wanted = number_of(of)
    x0, x1, z = (array(name, draw, 2) for name, draw in zip(("x0", "x1", "z"), draws, strict=True))
    t = array("t", t, 1)
    for name, other in (("x1", x1), ("z", z)):
        if other.shape != x0.shape:
            raise ValueError(f"{name} must have the shape of x0, {x0.shape}, got {other.shape}")
    if len(t) != len(x0):
        raise ValueError(f"t must hold one time for each of {len(x0)} draws, got {len(t)}")
    c = tuple(np.ascontiguousarray(np.broadcast_to(part, t.shape)) for part in schedule.at(t))
    copies = 2 if antithetic else 1
    x, y = np.empty((copies * len(t), x0.shape[1])), np.empty((copies * len(t), x0.shape[1]))
    fill(c, t, *map(np.ascontiguousarray, (x0, x1, z)), wanted, x, y, 0)
    return Examples(np.tile(t, copies), x, y)


def number_of(of: str) -> int:
    """What `fill` is told for it."""
    if of not in WANTED:
        raise ValueError(f"of must be one of {', '.join(WANTED)}, got {of!r}")
    return WANTED.index(of)


def fill(c, t, x0, x1, z, wanted: int, x: np.ndarray, y: np.ndarray, first: int) -> None:
    """Fill the columns of x from `first` on, and y: twice, the second time with -z, if so long."""
    steep = _fill(c, x0, x1, z, wanted, x, y, first)
    if steep >= 0:
        raise ValueError(f"t must not be {t[steep]:g}, where the slope of gamma is infinite")


@compiled
def _fill(c, x0, x1, z, wanted, x, y, first):
    """The row at which the rate of the interpolant is infinite, or -1."""
    alphas, betas, gammas, alpha_rates, beta_rates, gamma_squared_rates = c
    n, d = x0.shape
    steep = -1
    for row in range(len(y)):
        i = row % n
        sign = 1.0 if row < n else -1.0
        alpha, beta, gamma = alphas[i], betas[i], sign * gammas[i]
        alpha_rate, beta_rate, gamma_rate = alpha_rates[i], beta_rates[i], 0.0
        if gamma != 0.0:
            gamma_rate = 0.5 * gamma_squared_rates[i] / gamma
        elif wanted == _VELOCITY and gamma_squared_rates[i] != 0.0 and steep < 0:
            steep = i
        for k in range(d):
            x[row, first + k] = alpha * x0[i, k] + beta * x1[i, k] + gamma * z[i, k]
            if wanted == _VELOCITY:
                y[row, k] = alpha_rate * x0[i, k] + beta_rate * x1[i, k] + gamma_rate * z[i, k]
            elif wanted == _NOISE:
                y[row, k] = sign * z[i, k]
            elif wanted == _SOURCE:
                y[row, k] = x0[i, k]
            else:
                y[row, k] = x1[i, k]
    return steep
