r"""SRIW1: a stochastic Runge-Kutta method of strong order 3/2 for one noise or diagonal noise."""

import math

from labcore._compile import compiled
from labcore.sde.components import add, multiply, subtract
from labcore.sde.model import Solver, drift_at


@compiled(inline=True)
def _combined(a, x, b, y):
    """a x + b y."""
    return add(multiply(a, x), multiply(b, y))


@compiled(inline=True)
def _step(c, t, x, h, dw):
    r"""Four stages for sigma, two for b (Roessler 2010, SRIW1), without derivatives. The integrals

    .. math:: I_{11} = \tfrac12 (\Delta W^2 - h), \qquad
              I_{111} = \tfrac16 (\Delta W^3 - 3 h \Delta W), \qquad
              I_{10} = \int (W_s - W_t)\,ds

    over the step weigh the values of sigma at the stages.
    """
    dw, integral = dw
    root = math.sqrt(h)
    i11 = multiply(0.5 / root, subtract(multiply(dw, dw), h))
    i10 = multiply(integral, 1.0 / h)
    i111 = multiply(multiply(dw, subtract(multiply(dw, dw), 3.0 * h)), 1.0 / (6.0 * h))
    b = drift_at(c, t, x)
    g1 = c.diffusion(t, x, c.parameters)
    ahead = add(x, _combined(0.75 * h, b, 1.5, multiply(g1, i10)))
    b_ahead = drift_at(c, t + 0.75 * h, ahead)
    g2 = c.diffusion(t + 0.25 * h, add(x, _combined(0.25 * h, b, 0.5 * root, g1)), c.parameters)
    g3 = c.diffusion(t + h, add(x, _combined(h, b, -root, g1)), c.parameters)
    stages = add(_combined(-5.0 * root, g1, 3.0 * root, g2), multiply(0.5 * root, g3))
    g4 = c.diffusion(t + 0.25 * h, add(add(x, multiply(0.25 * h, b)), stages), c.parameters)
    outer = add(dw, i11)
    first = subtract(multiply(2.0, subtract(i10, i111)), outer)
    second = add(multiply(4.0 / 3.0, subtract(outer, i10)), multiply(5.0 / 3.0, i111))
    third = subtract(
        multiply(2.0 / 3.0, subtract(subtract(dw, i10), i111)), multiply(1.0 / 3.0, i11)
    )
    noise = add(
        add(multiply(g1, first), multiply(g2, second)),
        add(multiply(g3, third), multiply(g4, i111)),
    )
    return add(add(x, _combined(h / 3.0, b, 2.0 * h / 3.0, b_ahead)), noise)


# On noise of one dimension, and on diagonal noise where sigma_k depends on x_k alone.
SRIW1 = Solver(
    name="SRIW1",
    interpretation="ito",
    strong_order=1.5,
    weak_order=2.0,
    step=_step,
    form="diagonal",
    noise="integrals",
)
