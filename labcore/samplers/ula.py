r"""ULA: the Langevin equation by Euler's method, uncorrected.

G. Parisi, "Correlation functions and computer simulations", Nuclear Physics B 180 (1981).
doi:10.1016/0550-3213(81)90056-0
"""

import math
from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore.samplers.grammar import Info, Sampler, State
from labcore.samplers.metrics import stretch, stretch_transposed

__all__ = ["ULA", "Info", "State"]


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
    proposal, proposal_gradient, force = work[0], work[1], work[2]
    stretch_transposed(factor, gradient, force)
    for i in range(d):
        force[i] = 0.5 * step_size * force[i] + normals[i]
    stretch(factor, force, proposal)
    for i in range(d):
        proposal[i] = position[i] + step_size * proposal[i]
    proposal_value = log_density(proposal, parameters, proposal_gradient)
    accepted = abs(proposal_value) < np.inf
    if accepted:
        for i in range(d):
            position[i] = proposal[i]
            gradient[i] = proposal_gradient[i]
        value = proposal_value
    return value, 0.0, accepted, not accepted, math.nan, 1


@dataclass(frozen=True, eq=False)
class ULA(Sampler):
    r"""The unadjusted Langevin algorithm: MALA that accepts everything.

    .. math:: x' = x + \tfrac{\varepsilon^2}{2} \Sigma \nabla \log \pi(x) + \varepsilon L z,
       \qquad z \sim N(0, I).

    **Biased**: it does not leave the target invariant, but another law, whose expectations are off
    by a term of order :math:`h = \varepsilon^2 / 2`. For the normal law of variance
    :math:`\sigma^2` and unit metric it samples the variance :math:`\sigma^2 / (1 - \varepsilon^2 /
    4 \sigma^2)`; for :math:`\varepsilon \ge 2 \sigma` it runs away, as it does at any step size
    where the gradient grows faster than linearly. A proposal where the density is not finite is not
    taken, and counts as divergent.

    One gradient a step. There is no acceptance to tune by: learn the step size with `MALA`, and
    take a smaller one.

    Parameters
    ----------
    step_size : float
        :math:`\varepsilon`, the standard deviation of the noise in each coordinate.
    metric : array_like, shape (d,) or (d, d), optional
        :math:`\Sigma = L L^\top` (default: the identity).

    Examples
    --------
    >>> from labcore.samplers import ULA, gaussian, sample
    >>> chains = sample(ULA(1.0), gaussian([1.0]), 20_000, rng=1)
    >>> round(float(chains.samples.var()), 1)  # 4 / 3, not 1
    1.3
    """

    metric: np.ndarray | None = None

    loop = staticmethod(_step)
    work_rows = 4
