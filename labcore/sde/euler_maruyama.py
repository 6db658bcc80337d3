r"""The Euler-Maruyama method: freeze both coefficients at the left end of the step."""

from labcore._compile import compiled
from labcore.sde.components import add, multiply, noise_term
from labcore.sde.model import Solver, drift_at


@compiled(inline=True)
def _step(c, t, x, h, dw):
    r""":math:`x + b(t, x)\,h + \sigma(t, x)\,\Delta W` (Maruyama 1955)."""
    b = multiply(drift_at(c, t, x), h)
    return add(add(x, b), noise_term(c.diffusion(t, x, c.parameters), dw))


# Of strong order 1 where sigma does not depend on x: there it is Milstein's method.
EULER_MARUYAMA = Solver(
    name="Euler-Maruyama", interpretation="ito", strong_order=0.5, weak_order=1.0, step=_step
)
