r"""MALA: a Langevin step as proposal, corrected by Metropolis-Hastings.

G. O. Roberts, R. L. Tweedie, "Exponential convergence of Langevin distributions and their discrete
approximations", Bernoulli 2 (1996). doi:10.2307/3318418
"""

import math
from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore.samplers.grammar import Info, Sampler, State, accepts, diverges
from labcore.samplers.metrics import stretch, stretch_transposed

__all__ = ["MALA", "Info", "State"]


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
    step_size = settings[0]
    d = position.size
    proposal, proposal_gradient, force, spare = work[0], work[1], work[2], work[3]
    stretch_transposed(factor, gradient, force)
    for i in range(d):
        spare[i] = 0.5 * step_size * force[i] + normals[i]
    stretch(factor, spare, proposal)
    for i in range(d):
        proposal[i] = position[i] + step_size * proposal[i]
    proposal_value = log_density(proposal, parameters, proposal_gradient)
    stretch_transposed(factor, proposal_gradient, spare)
    log_ratio = proposal_value - value
    for i in range(d):  # the noise that would bring it back, against the noise that took it there
        back = normals[i] + 0.5 * step_size * (force[i] + spare[i])
        log_ratio += 0.5 * (normals[i] * normals[i] - back * back)
    accepted = accepts(log_uniform, log_ratio, proposal_value)
    if accepted:
        for i in range(d):
            position[i] = proposal[i]
            gradient[i] = proposal_gradient[i]
        value = proposal_value
    return value, log_ratio, accepted, diverges(log_ratio), math.nan, 1


@dataclass(frozen=True, eq=False)
class MALA(Sampler):
    r"""The Metropolis-adjusted Langevin algorithm.

    From x it proposes :math:`y = x + \tfrac{\varepsilon^2}{2} \nabla \log \pi(x) + \varepsilon z`,
    :math:`z \sim N(0, I)`: an Euler step of length :math:`h = \varepsilon^2 / 2` of the Langevin
    equation :math:`dX = \nabla \log \pi(X)\,dt + \sqrt2\,dW`. The Metropolis-Hastings ratio is

    .. math:: \frac{\pi(y)}{\pi(x)} \exp\bigl(\tfrac12 |z|^2 - \tfrac12 |z'|^2\bigr), \qquad
       z' = z + \tfrac{\varepsilon}{2} \bigl(\nabla \log \pi(x) + \nabla \log \pi(y)\bigr).

    With a metric :math:`\Sigma = L L^\top` the proposal is :math:`y = x + \tfrac{\varepsilon^2}{2}
    \Sigma \nabla \log \pi(x) + \varepsilon L z`, and :math:`z'` has :math:`L^\top \nabla \log \pi`.

    One gradient a step; :math:`\varepsilon \propto d^{-1/6}` in d dimensions. It gets stuck where
    the gradient grows faster than linearly in the tails: there, every proposal overshoots. Warm-up
    aims at accepting 0.574 (Roberts and Rosenthal, J. R. Stat. Soc. B 60, 1998,
    doi:10.1111/1467-9868.00123).

    Parameters
    ----------
    step_size : float
        :math:`\varepsilon`, the standard deviation of the proposal's noise in each coordinate.
    metric : array_like, shape (d,) or (d, d), optional
        Variances or covariance :math:`\Sigma` of the noise (default: the identity).

    Examples
    --------
    >>> from labcore.samplers import MALA, gaussian, sample
    >>> chains = sample(MALA(1.0), gaussian([1.0, 1.0]), 2000, rng=1)
    >>> chains.acceptance.mean().round(2)
    np.float64(0.88)
    """

    metric: np.ndarray | None = None

    loop = staticmethod(_step)
    work_rows = 5
    target_acceptance = 0.574
