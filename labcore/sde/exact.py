"""The exact methods: draw from the transition law, for the models that know it."""

import math

from labcore._compile import compiled
from labcore.sde.model import Solver


@compiled(inline=True)
def _step(c, t, x, h, dw):
    """The model's transition, with ``dw`` as its normal variable of variance h."""
    return c.special(t, x, h, dw, c.parameters)


# The law is exact at any step. The path is exact for models that are functions of W_t; the
# Ornstein-Uhlenbeck process depends on the path of W within a step too: strong order 1.
EXACT = Solver(
    name="exact transition",
    interpretation="ito",
    strong_order=1.0,
    weak_order=math.inf,
    step=_step,
    needs=("transition",),
)


@compiled(inline=True)
def _draw(c, t, x, h, address):
    """A draw from the model's transition law at the random address (seed, stream, index)."""
    seed, stream, index = address
    return c.special(t, x, h, seed, stream, index, c.parameters)


# For laws that no normal variable gives by a formula: the path of W plays no part, so there is no
# strong order, and paths are not refined.
EXACT_DRAW = Solver(
    name="exact draw",
    interpretation="ito",
    strong_order=0.0,
    weak_order=math.inf,
    step=_draw,
    needs=("transition_draw",),
    noise="addresses",
)
