r"""BAOAB: the underdamped Langevin equation split into kicks, drifts and an exact friction."""

import math

from labcore._compile import compiled
from labcore._math import exp
from labcore.sde.components import add, momenta, multiply, positions
from labcore.sde.model import Solver


@compiled(inline=True)
def _step(c, t, x, h, dw):
    r"""Half a kick, half a drift, friction and noise, half a drift, half a kick
    (Leimkuhler, Matthews 2013):

    .. math:: p &\leftarrow p + \tfrac h2 F(q), \quad q \leftarrow q + \tfrac h2 p, \\
              p &\leftarrow e^{-\gamma h} p + \sqrt{T (1 - e^{-2 \gamma h})}\,\Delta W / \sqrt h, \\
              q &\leftarrow q + \tfrac h2 p, \quad p \leftarrow p + \tfrac h2 F(q).
    """
    half = 0.5 * h
    decay = exp(-c.parameters[0] * h)
    kick = math.sqrt(c.parameters[1] * (1.0 - decay * decay) / h)
    q, p = positions(x), momenta(x)
    p = add(p, multiply(half, c.special(t, q, c.parameters)))
    q = add(q, multiply(half, p))
    p = add(multiply(decay, p), multiply(kick, dw))
    q = add(q, multiply(half, p))
    p = add(p, multiply(half, c.special(t + h, q, c.parameters)))
    return q + p


# The stationary law of the positions is off by O(h^2) only, by O(h^4) for large friction, and not
# at all where the force is linear; stable for h < 2 / omega of the stiffest direction.
BAOAB = Solver(
    name="BAOAB",
    interpretation="ito",
    strong_order=1.0,
    weak_order=2.0,
    step=_step,
    needs=("force",),
)
