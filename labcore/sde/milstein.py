r"""Milstein's method: Euler-Maruyama, and the first term that it leaves out of the noise."""

from labcore._compile import compiled
from labcore.sde.components import add, multiply, noise_term, subtract
from labcore.sde.model import Solver, drift_at


@compiled(inline=True)
def _step(c, t, x, h, dw):
    r""":math:`x + b h + \sigma \Delta W + \tfrac12 \sigma \sigma' (\Delta W^2 - h)`
    (Milstein 1975), all coefficients at (t, x) and the prime a derivative in x; for diagonal noise
    component by component.
    """
    sigma = c.diffusion(t, x, c.parameters)
    slope = c.diffusion_derivative(t, x, c.parameters)
    euler = add(add(x, multiply(drift_at(c, t, x), h)), noise_term(sigma, dw))
    second = multiply(multiply(0.5, sigma), slope)
    return add(euler, multiply(second, subtract(multiply(dw, dw), h)))


MILSTEIN = Solver(
    name="Milstein",
    interpretation="ito",
    strong_order=1.0,
    weak_order=1.0,
    step=_step,
    needs=("diffusion_derivative",),
    form="diagonal",
)
