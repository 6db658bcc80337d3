r"""Random-walk Metropolis: propose a normal step, accept by the ratio of the densities.

N. Metropolis, A. W. Rosenbluth, M. N. Rosenbluth, A. H. Teller, E. Teller, "Equation of state
calculations by fast computing machines", J. Chem. Phys. 21 (1953). doi:10.1063/1.1699114
"""

import math
from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore.samplers.grammar import Info, Sampler, State, accepts, diverges
from labcore.samplers.metrics import stretch

__all__ = ["Info", "Metropolis", "State"]


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
    proposal, proposal_gradient = work[0], work[1]
    stretch(factor, normals, proposal)
    for i in range(d):
        proposal[i] = position[i] + step_size * proposal[i]
    proposal_value = log_density(proposal, parameters, proposal_gradient)
    log_ratio = proposal_value - value
    accepted = accepts(log_uniform, log_ratio, proposal_value)
    if accepted:
        for i in range(d):
            position[i] = proposal[i]
            gradient[i] = proposal_gradient[i]
        value = proposal_value
    return value, log_ratio, accepted, diverges(log_ratio), math.nan, 1


@dataclass(frozen=True, eq=False)
class Metropolis(Sampler):
    r"""Random-walk Metropolis with normal proposals.

    From x it proposes :math:`y = x + \varepsilon L z`, :math:`z \sim N(0, I)`, and accepts with
    probability :math:`\min(1, \pi(y) / \pi(x))`. It never uses the gradient. One evaluation of the
    log-density a step; about d of them to forget in d dimensions, with
    :math:`\varepsilon \propto d^{-1/2}`. Warm-up aims at accepting 0.234 (Roberts, Gelman and
    Gilks, Annals of Applied Probability 7, 1997, doi:10.1214/aoap/1034625254).

    Parameters
    ----------
    step_size : float
        :math:`\varepsilon`, the standard deviation of the proposal in each coordinate.
    metric : array_like, shape (d,) or (d, d), optional
        Variances or covariance :math:`\Sigma = L L^\top` of the proposal (default: the identity).

    Examples
    --------
    >>> from labcore.samplers import Metropolis, gaussian, sample
    >>> chains = sample(Metropolis(2.4), gaussian([1.0]), 2000, rng=1)
    >>> chains.acceptance.mean().round(2)
    np.float64(0.44)
    """

    metric: np.ndarray | None = None

    loop = staticmethod(_step)
    work_rows = 3
    target_acceptance = 0.234
