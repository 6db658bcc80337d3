r"""The regression problems whose solutions are velocity, noise and denoiser of an interpolant.

The conditional mean :math:`\E[Y \mid I_t = x]` is the function f of (t, x) with the least
:math:`\int_0^1 \E\,\abs{f(t, I_t) - Y_t}^2\,\dd t`. With :math:`Y = \dot I_t` it is the velocity,
with :math:`Y = z` the noise :math:`-\gamma s`, with an end the denoiser. Nothing but draws is
needed.
"""

from typing import NamedTuple

import numpy as np

from labcore._validate import array
from labcore.interpolants.between_mixtures import Draws
from labcore.interpolants.schedules import Schedule

_WANTED = ("velocity", "noise", "source", "target")


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
    if of not in _WANTED:
        raise ValueError(f"of must be one of {', '.join(_WANTED)}, got {of!r}")
    x0, x1, z = (array(name, draw, 2) for name, draw in zip(("x0", "x1", "z"), draws, strict=True))
    t = array("t", t, 1)
    for name, other in (("x1", x1), ("z", z)):
        if other.shape != x0.shape:
            raise ValueError(f"{name} must have the shape of x0, {x0.shape}, got {other.shape}")
    if len(t) != len(x0):
        raise ValueError(f"t must hold one time for each of {len(x0)} draws, got {len(t)}")
    if antithetic:
        t, x0, x1 = np.tile(t, 2), np.tile(x0, (2, 1)), np.tile(x1, (2, 1))
        z = np.concatenate([z, -z])
    c = schedule.at(t)
    column = {name: value[:, None] for name, value in c._asdict().items()}
    x = column["alpha"] * x0 + column["beta"] * x1 + column["gamma"] * z
    if of != "velocity":
        return Examples(t, x, {"noise": z, "source": x0, "target": x1}[of])
    steep = (c.gamma == 0.0) & (c.gamma_squared_rate != 0.0)
    if steep.any():
        raise ValueError(
            f"t must not be {t[steep.argmax()]:g}, where the slope of gamma is infinite"
        )
    noisy = np.where(c.gamma > 0.0, c.gamma, 1.0)
    gamma_rate = (0.5 * c.gamma_squared_rate / noisy)[:, None]
    return Examples(t, x, column["alpha_rate"] * x0 + column["beta_rate"] * x1 + gamma_rate * z)
