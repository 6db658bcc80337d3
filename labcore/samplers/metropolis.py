r"""Random-walk Metropolis: propose a normal step, accept by the ratio of the densities.

N. Metropolis, A. W. Rosenbluth, M. N. Rosenbluth, A. H. Teller, E. Teller, "Equation of state
calculations by fast computing machines", J. Chem. Phys. 21 (1953). doi:10.1063/1.1699114
"""

from dataclasses import dataclass

from labcore._compile import compiled
from labcore.samplers.grammar import Info, Sampler, State, accepts, step_normals

__all__ = ["Info", "Metropolis", "State"]


@compiled(inline=True)
def _step(log_density, parameters, settings, seed, stream, index, position, value, gradient, work):
    step_size = settings[0]
    d = position.size
    proposal, proposal_gradient = work[0], work[1]
    step_normals(seed, stream, index, proposal)
    for i in range(d):
        proposal[i] = position[i] + step_size * proposal[i]
    proposal_value = log_density(proposal, parameters, proposal_gradient)
    log_ratio = proposal_value - value
    accepted = accepts(seed, stream, index, d, log_ratio, proposal_value)
    if accepted:
        for i in range(d):
            position[i] = proposal[i]
            gradient[i] = proposal_gradient[i]
        value = proposal_value
    return value, log_ratio, accepted


@dataclass(frozen=True)
class Metropolis(Sampler):
    r"""Random-walk Metropolis with normal proposals.

    From x it proposes :math:`y = x + \varepsilon z`, :math:`z \sim N(0, I)`, and accepts with
    probability :math:`\min(1, \pi(y) / \pi(x))`. It never uses the gradient. One evaluation of the
    log-density a step; about d of them to forget in d dimensions, with
    :math:`\varepsilon \propto d^{-1/2}`.

    Parameters
    ----------
    step_size : float
        :math:`\varepsilon`, the standard deviation of the proposal in each coordinate.
    """

    loop = staticmethod(_step)
    work_rows = 2
