r"""The drift-implicit Euler method: the drift at the end of the step, found by Newton's method."""

import math

from labcore._compile import compiled
from labcore.sde.components import add, dot, multiply, newton_correction, noise_term, subtract
from labcore.sde.model import Solver, drift_at

_ITERATIONS = 60
_TOLERANCE = 1e-12  # of a correction, relative to 1 + |y|


@compiled(inline=True)
def _step(c, t, x, h, dw):
    r"""The solution y of :math:`y = x + b(t + h, y)\,h + \sigma(t, x)\,\Delta W`; nan where it is
    not found.
    """
    known = add(x, noise_term(c.diffusion(t, x, c.parameters), dw))
    y = known
    iterations = 0
    found = False
    while not found and iterations < _ITERATIONS:
        residual = subtract(add(known, multiply(drift_at(c, t + h, y), h)), y)
        correction = newton_correction(c.special(t + h, y, c.parameters), h, residual)
        y = add(y, correction)
        size = math.sqrt(dot(y, y))
        found = math.sqrt(dot(correction, correction)) <= _TOLERANCE * (1.0 + size)
        iterations += 1
    return y if found else multiply(y, math.nan)


# Stable for drifts that pull back, however hard. With additive noise the strong order is 1.
IMPLICIT_EULER = Solver(
    name="implicit Euler",
    interpretation="ito",
    strong_order=0.5,
    weak_order=1.0,
    step=_step,
    needs=("drift_derivative",),
)
