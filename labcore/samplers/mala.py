r"""MALA: a Langevin step as proposal, corrected by Metropolis-Hastings.

G. O. Roberts, R. L. Tweedie, "Exponential convergence of Langevin distributions and their discrete
approximations", Bernoulli 2 (1996). doi:10.2307/3318418
"""

from dataclasses import dataclass

from labcore._compile import compiled
from labcore.samplers.grammar import Info, Sampler, State, accepts, step_normals

__all__ = ["MALA", "Info", "State"]


@compiled(inline=True)
def _step(log_density, parameters, settings, seed, stream, index, position, value, gradient, work):
    step_size = settings[0]
    d = position.size
    noise, proposal, proposal_gradient = work[0], work[1], work[2]
    step_normals(seed, stream, index, noise)
    for i in range(d):
        proposal[i] = position[i] + step_size * (0.5 * step_size * gradient[i] + noise[i])
    proposal_value = log_density(proposal, parameters, proposal_gradient)
    log_ratio = proposal_value - value
    for i in range(d):  # the noise that would bring it back, against the noise that took it there
        back = noise[i] + 0.5 * step_size * (gradient[i] + proposal_gradient[i])
        log_ratio += 0.5 * (noise[i] * noise[i] - back * back)
    accepted = accepts(seed, stream, index, d, log_ratio, proposal_value)
    if accepted:
        for i in range(d):
            position[i] = proposal[i]
            gradient[i] = proposal_gradient[i]
        value = proposal_value
    return value, log_ratio, accepted


@dataclass(frozen=True)
class MALA(Sampler):
    r"""The Metropolis-adjusted Langevin algorithm.

    From x it proposes :math:`y = x + \tfrac{\varepsilon^2}{2} \nabla \log \pi(x) + \varepsilon z`,
    :math:`z \sim N(0, I)`: an Euler step of length :math:`h = \varepsilon^2 / 2` of the Langevin
    equation :math:`dX = \nabla \log \pi(X)\,dt + \sqrt2\,dW`. The Metropolis-Hastings ratio is

    .. math:: \frac{\pi(y)}{\pi(x)} \exp\bigl(\tfrac12 |z|^2 - \tfrac12 |z'|^2\bigr), \qquad
       z' = z + \tfrac{\varepsilon}{2} \bigl(\nabla \log \pi(x) + \nabla \log \pi(y)\bigr).

    One gradient a step; :math:`\varepsilon \propto d^{-1/6}` in d dimensions. It gets stuck where
    the gradient grows faster than linearly in the tails: there, every proposal overshoots.

    Parameters
    ----------
    step_size : float
        :math:`\varepsilon`, the standard deviation of the proposal's noise in each coordinate.
    """

    loop = staticmethod(_step)
    work_rows = 3
