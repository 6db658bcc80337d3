r"""Underdamped Langevin dynamics by the splitting BAOAB.

B. Leimkuhler, C. Matthews, "Rational construction of stochastic numerical methods for molecular
sampling", Applied Mathematics Research eXpress 2013. doi:10.1093/amrx/abs010
"""

import math
from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore._math import exp
from labcore._validate import positive
from labcore.samplers.grammar import Info, Sampler, State
from labcore.samplers.metrics import stretch, stretch_transposed

__all__ = ["Info", "Langevin", "State"]


@compiled(inline=True)
def _step(
    log_density,
    parameters,
    settings,
    factor,
    key,
    normals,
    log_uniform,
    position,
    value,
    gradient,
    momentum,
    work,
):
    half, keeps = 0.5 * settings[0], exp(-settings[1] * settings[0])
    noise = math.sqrt(1.0 - keeps * keeps)
    d = position.size
    x, x_gradient, p, force = work[0], work[1], work[2], work[3]
    stretch_transposed(factor, gradient, force)
    for i in range(d):
        p[i] = momentum[i] + half * force[i]
    stretch(factor, p, force)  # until the gradient is known it holds the velocity
    for i in range(d):
        x[i] = position[i] + half * force[i]
        p[i] = keeps * p[i] + noise * normals[i]
    stretch(factor, p, force)
    for i in range(d):
        x[i] += half * force[i]
    end_value = log_density(x, parameters, x_gradient)
    accepted = abs(end_value) < np.inf
    if accepted:
        stretch_transposed(factor, x_gradient, force)
        for i in range(d):
            position[i] = x[i]
            gradient[i] = x_gradient[i]
            momentum[i] = p[i] + half * force[i]
        value = end_value
    else:
        for i in range(d):
            momentum[i] = -momentum[i]
    return value, 0.0, accepted, not accepted, math.nan, 1


@dataclass(frozen=True, eq=False)
class Langevin(Sampler):
    r"""Underdamped Langevin dynamics: a particle with momentum, friction and noise.

    .. math:: dx = L p\,dt, \qquad
       dp = L^\top \nabla \log \pi(x)\,dt - \gamma p\,dt + \sqrt{2 \gamma}\,dW

    by the splitting BAOAB: half a kick (B), half a drift (A), the exact step of an
    Ornstein-Uhlenbeck process for the momentum (O), half a drift, half a kick.

    **Biased**: nothing is rejected. Expectations of functions of x are off by a term of order
    :math:`\varepsilon^2`; on normal laws, however, its law of x is exact (the momenta's is not,
    their variance being :math:`1 - \varepsilon^2 / 4 \sigma^2`), as long as :math:`\varepsilon < 2
    \sigma`. It runs away where a leapfrog trajectory would. A step to where the density is not
    finite is not taken, turns the momentum round, and counts as divergent.

    One gradient a step. A small friction makes long flights, with :math:`\gamma \to 0` Hamilton's
    equations; a large one a random walk. On a normal law :math:`\gamma = 2 / \sigma` forgets
    fastest.

    Parameters
    ----------
    step_size : float
        :math:`\varepsilon`, the time of one step.
    friction : float, default 1.0
        :math:`\gamma`: the momentum is forgotten in a time of about :math:`1 / \gamma`.
    metric : array_like, shape (d,) or (d, d), optional
        :math:`\Sigma = L L^\top`, the inverse of the mass matrix (default: the identity).

    Examples
    --------
    >>> from labcore.samplers import Langevin, gaussian, sample
    >>> chains = sample(Langevin(1.0), gaussian([1.0]), 20_000, rng=1)
    >>> round(float(chains.samples.var()), 1)
    1.0
    """

    friction: float = 1.0
    metric: np.ndarray | None = None

    loop = staticmethod(_step)
    work_rows = 5

    def __post_init__(self) -> None:
        super().__post_init__()
        positive("friction", self.friction)

    def settings(self) -> np.ndarray:
        """What the loop is told: step size and friction."""
        return np.array([self.step_size, self.friction])
