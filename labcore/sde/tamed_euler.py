r"""The tamed Euler method: Euler-Maruyama whose drift never moves a state by more than 1 a step."""

import math

from labcore._compile import compiled
from labcore.sde.components import add, dot, multiply, noise_term
from labcore.sde.model import Solver, drift_at


@compiled(inline=True)
def _step(c, t, x, h, dw):
    r""":math:`x + \frac{b h}{1 + h\,\lvert b \rvert} + \sigma \Delta W`
    (Hutzenthaler, Jentzen, Kloeden 2012), all coefficients at (t, x).
    """
    b = drift_at(c, t, x)
    tamed = multiply(b, h / (1.0 + h * math.sqrt(dot(b, b))))
    return add(add(x, tamed), noise_term(c.diffusion(t, x, c.parameters), dw))


# The order holds for one-sided Lipschitz drifts of polynomial growth and Lipschitz sigma, where
# Euler-Maruyama's moments grow beyond all bounds as h falls. With additive noise it is 1.
TAMED_EULER = Solver(
    name="tamed Euler", interpretation="ito", strong_order=0.5, weak_order=1.0, step=_step
)
