r"""Hamiltonian Monte Carlo: a random momentum, a leapfrog trajectory, an accept-reject at its end.

S. Duane, A. D. Kennedy, B. J. Pendleton, D. Roweth, "Hybrid Monte Carlo", Physics Letters B 195
(1987). doi:10.1016/0370-2693(87)91197-X
"""

from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore._validate import integer
from labcore.samplers.grammar import Info, Sampler, State, accepts, diverges
from labcore.samplers.integrators import leapfrog_steps
from labcore.samplers.metrics import stretch_transposed

__all__ = ["HMC", "Info", "State"]


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
    d = position.size
    end, end_momentum, end_gradient, force = work[0], work[1], work[2], work[3]
    kinetic = 0.0
    for i in range(d):
        end[i] = position[i]
        momentum[i] = end_momentum[i] = normals[i]
        kinetic += 0.5 * normals[i] * normals[i]
    stretch_transposed(factor, gradient, force)
    n_steps = int(settings[1])
    end_value = leapfrog_steps(
        log_density,
        parameters,
        settings[0],
        n_steps,
        factor,
        end,
        end_momentum,
        end_gradient,
        force,
        value,
    )
    end_kinetic = 0.0
    for i in range(d):
        end_kinetic += 0.5 * end_momentum[i] * end_momentum[i]
    log_ratio = (end_value - end_kinetic) - (value - kinetic)
    accepted = accepts(log_uniform, log_ratio, end_value)
    energy = kinetic - value
    if accepted:
        for i in range(d):
            position[i] = end[i]
            gradient[i] = end_gradient[i]
        value = end_value
    return value, log_ratio, accepted, diverges(log_ratio), energy, n_steps


@dataclass(frozen=True, eq=False)
class HMC(Sampler):
    r"""Hamiltonian Monte Carlo.

    It draws a momentum :math:`p \sim N(0, I)`, follows the `leapfrog` trajectory for `n_steps`
    steps of `step_size`, and accepts its end with probability
    :math:`\min(1, e^{H(x, p) - H(x', p')})`, where
    :math:`H(x, p) = -\log \pi(x) + \tfrac12 |p|^2`. With one leapfrog step it is MALA.

    `n_steps` gradients a step; :math:`\varepsilon \propto d^{-1/4}` in d dimensions. Where the
    curvature of :math:`-\log \pi` exceeds :math:`4 / \varepsilon^2` the trajectory is unstable:
    such steps are rejected, and a region full of them is hardly ever entered. A trajectory whose
    length is near a multiple of a coordinate's period comes back to where it began. Warm-up aims
    at accepting 0.8.

    Parameters
    ----------
    step_size : float
        :math:`\varepsilon`, the time of one leapfrog step.
    n_steps : int
        Leapfrog steps in a trajectory.
    metric : array_like, shape (d,) or (d, d), optional
        The inverse of the mass matrix, an estimate of the target's variances or covariance
        (default: the identity). Momenta are kept in units in which they are standard normal.

    Examples
    --------
    >>> from labcore.samplers import HMC, gaussian, sample
    >>> chains = sample(HMC(0.3, n_steps=5), gaussian([1.0, 1.0]), 2000, rng=1)
    >>> chains.samples.std().round(1)
    np.float64(1.0)
    """

    n_steps: int
    metric: np.ndarray | None = None

    loop = staticmethod(_step)
    work_rows = 5
    target_acceptance = 0.8
    has_energy = True

    def __post_init__(self) -> None:
        super().__post_init__()
        integer("n_steps", self.n_steps, least=1)

    @property
    def evaluations(self) -> int:
        """Evaluations of the log-density and its gradient in a step."""
        return self.n_steps

    def settings(self) -> np.ndarray:
        """What the loop is told: step size and number of leapfrog steps."""
        return np.array([self.step_size, self.n_steps])

    def probe(self) -> "HMC":
        """A single leapfrog step: what the first guess of the step size is tried with."""
        return HMC(self.step_size, 1, self.metric)
