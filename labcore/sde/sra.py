r"""SRA1: a stochastic Runge-Kutta method of strong order 3/2 for additive noise."""

from labcore._compile import compiled
from labcore.sde.components import add, multiply, noise_term, subtract
from labcore.sde.model import Solver, drift_at


@compiled(inline=True)
def _step(c, t, x, h, dw):
    r"""Two stages (Roessler 2010, SRA1), with :math:`Z = \int (W_s - W_t)\,ds` over the step:

    .. math:: y &= x + \tfrac34 b(t, x)\,h + \tfrac32 \sigma(t + h)\,Z / h, \\
              x' &= x + \left(\tfrac13 b(t, x) + \tfrac23 b(t + \tfrac34 h, y)\right) h
              + \sigma(t + h)\,\Delta W + (\sigma(t) - \sigma(t + h))\,Z / h.
    """
    dw, integral = dw
    mean = multiply(integral, 1.0 / h)
    b = drift_at(c, t, x)
    sigma, sigma_ahead = c.diffusion(t, x, c.parameters), c.diffusion(t + h, x, c.parameters)
    y = add(add(x, multiply(0.75 * h, b)), multiply(1.5, noise_term(sigma_ahead, mean)))
    b_ahead = drift_at(c, t + 0.75 * h, y)
    moved = add(x, add(multiply(h / 3.0, b), multiply(2.0 * h / 3.0, b_ahead)))
    change = subtract(noise_term(sigma, mean), noise_term(sigma_ahead, mean))
    return add(add(moved, noise_term(sigma_ahead, dw)), change)


SRA1 = Solver(
    name="SRA1",
    interpretation="ito",
    strong_order=1.5,
    weak_order=2.0,
    step=_step,
    form="additive",
    noise="integrals",
)
