r"""Heun's method: an Euler step to look ahead, then the mean of both ends. For Stratonovich."""

from labcore._compile import compiled
from labcore.sde.components import add, multiply, noise_term
from labcore.sde.model import Solver, drift_at


@compiled(inline=True)
def _step(c, t, x, h, dw):
    r""":math:`x + \tfrac12 (b(t, x) + b(t + h, y))\,h
    + \tfrac12 (\sigma(t, x) + \sigma(t + h, y))\,\Delta W` with the Euler step
    :math:`y = x + b(t, x)\,h + \sigma(t, x)\,\Delta W`.
    """
    b = drift_at(c, t, x)
    sigma = c.diffusion(t, x, c.parameters)
    y = add(add(x, multiply(b, h)), noise_term(sigma, dw))
    mean_drift = multiply(0.5, add(b, drift_at(c, t + h, y)))
    mean_diffusion = multiply(0.5, add(sigma, c.diffusion(t + h, y, c.parameters)))
    return add(add(x, multiply(mean_drift, h)), noise_term(mean_diffusion, dw))


# Noises that do not commute (see `labcore.sde.Solver`) lower the strong order to 1/2.
HEUN = Solver(
    name="Heun", interpretation="stratonovich", strong_order=1.0, weak_order=1.0, step=_step
)
