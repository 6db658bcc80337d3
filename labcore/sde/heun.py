r"""Heun's method: an Euler step to look ahead, then the mean of both ends. For Stratonovich."""

from labcore._compile import compiled
from labcore.sde.model import Solver, drift_at


@compiled(inline=True)
def _step(c, t, x, h, dw):
    r""":math:`x + \tfrac12 (b(t, x) + b(t + h, y))\,h
    + \tfrac12 (\sigma(t, x) + \sigma(t + h, y))\,\Delta W` with the Euler step
    :math:`y = x + b(t, x)\,h + \sigma(t, x)\,\Delta W`.
    """
    b = drift_at(c, t, x)
    sigma = c.diffusion(t, x, c.parameters)
    y = x + b * h + sigma * dw
    b_ahead = drift_at(c, t + h, y)
    sigma_ahead = c.diffusion(t + h, y, c.parameters)
    return x + 0.5 * (b + b_ahead) * h + 0.5 * (sigma + sigma_ahead) * dw


# The strong order is 1 because the noise is of one dimension; noises that do not commute lower it.
HEUN = Solver(
    name="Heun", interpretation="stratonovich", strong_order=1.0, weak_order=1.0, step=_step
)
