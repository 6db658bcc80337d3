r"""Hamiltonian Monte Carlo: a random momentum, a leapfrog trajectory, an accept-reject at its end.

S. Duane, A. D. Kennedy, B. J. Pendleton, D. Roweth, "Hybrid Monte Carlo", Physics Letters B 195
(1987). doi:10.1016/0370-2693(87)91197-X
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore._validate import array, integer, positive
from labcore.samplers.grammar import Info, Sampler, State, accepts, step_normals
from labcore.samplers.targets import Target, compiled_density, evaluate, target_parameters

__all__ = ["HMC", "Info", "State", "Trajectory", "leapfrog"]


@compiled(inline=True)
def _leapfrog(log_density, parameters, step_size, n_steps, position, momentum, gradient, value):
    """Move position, momentum and gradient in place; return the log-density at the end."""
    d = position.size
    for _ in range(n_steps):
        for i in range(d):
            momentum[i] += 0.5 * step_size * gradient[i]
            position[i] += step_size * momentum[i]
        value = log_density(position, parameters, gradient)
        for i in range(d):
            momentum[i] += 0.5 * step_size * gradient[i]
    return value


@compiled(inline=True)
def _step(log_density, parameters, settings, seed, stream, index, position, value, gradient, work):
    d = position.size
    end, momentum, end_gradient = work[0], work[1], work[2]
    step_normals(seed, stream, index, momentum)
    kinetic = 0.0
    for i in range(d):
        end[i] = position[i]
        end_gradient[i] = gradient[i]
        kinetic += 0.5 * momentum[i] * momentum[i]
    end_value = _leapfrog(
        log_density, parameters, settings[0], int(settings[1]), end, momentum, end_gradient, value
    )
    end_kinetic = 0.0
    for i in range(d):
        end_kinetic += 0.5 * momentum[i] * momentum[i]
    log_ratio = (end_value - end_kinetic) - (value - kinetic)
    accepted = accepts(seed, stream, index, d, log_ratio, end_value)
    if accepted:
        for i in range(d):
            position[i] = end[i]
            gradient[i] = end_gradient[i]
        value = end_value
    return value, log_ratio, accepted


@compiled
def _trajectory(log_density, parameters, step_size, gradient, positions, momenta, values):
    for i in range(1, len(positions)):
        for k in range(positions.shape[1]):  # copying whole rows takes a second to compile
            positions[i, k] = positions[i - 1, k]
            momenta[i, k] = momenta[i - 1, k]
        values[i] = _leapfrog(
            log_density, parameters, step_size, 1, positions[i], momenta[i], gradient, values[i - 1]
        )


@dataclass(frozen=True)
class HMC(Sampler):
    r"""Hamiltonian Monte Carlo with unit masses.

    It draws a momentum :math:`p \sim N(0, I)`, follows the `leapfrog` trajectory for `n_steps`
    steps of `step_size`, and accepts its end with probability
    :math:`\min(1, e^{H(x, p) - H(x', p')})`, where
    :math:`H(x, p) = -\log \pi(x) + \tfrac12 |p|^2`. With one leapfrog step it is MALA.

    `n_steps` gradients a step; :math:`\varepsilon \propto d^{-1/4}` in d dimensions. Where the
    curvature of :math:`-\log \pi` exceeds :math:`4 / \varepsilon^2` the trajectory is unstable:
    such steps are rejected, and a region full of them is hardly ever entered. A trajectory whose
    length is near a multiple of a coordinate's period comes back to where it began.

    Parameters
    ----------
    step_size : float
        :math:`\varepsilon`, the time of one leapfrog step.
    n_steps : int
        Leapfrog steps in a trajectory.
    """

    n_steps: int

    loop = staticmethod(_step)
    work_rows = 3

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


class Trajectory(NamedTuple):
    """A leapfrog trajectory, its start included: the row is the number of the step."""

    positions: np.ndarray
    momenta: np.ndarray
    energies: np.ndarray


def leapfrog(target: Target, position, momentum, *, step_size: float, n_steps: int) -> Trajectory:
    r"""Follow Hamilton's equations :math:`\dot x = p,\ \dot p = \nabla \log \pi(x)` by leapfrog.

    One step is half a kick, a drift, half a kick:

    .. math:: p \mathrel{+}= \tfrac{\varepsilon}{2} \nabla \log \pi(x), \quad
       x \mathrel{+}= \varepsilon p, \quad
       p \mathrel{+}= \tfrac{\varepsilon}{2} \nabla \log \pi(x).

    It is reversible, preserves volume, and its energy error over a fixed time is of order
    :math:`\varepsilon^2`.

    Parameters
    ----------
    target : Target
        Gives the potential :math:`-\log \pi`.
    position, momentum : array_like, shape (d,)
        Where to begin.
    step_size : float
        :math:`\varepsilon`.
    n_steps : int
        How many steps.

    Returns
    -------
    Trajectory
        `positions` and `momenta` of shape (n_steps + 1, d), `energies` of shape (n_steps + 1,).
    """
    step_size = positive("step_size", step_size)
    n_steps = integer("n_steps", n_steps)
    position, momentum = array("position", position, 1), array("momentum", momentum, 1)
    (value,), (gradient,) = evaluate(target, position[None])
    if momentum.shape != gradient.shape:
        raise ValueError(f"momentum must have shape {gradient.shape}, got {momentum.shape}")
    positions = np.empty((n_steps + 1, target.dimension))
    momenta = np.empty_like(positions)
    values = np.empty(n_steps + 1)
    positions[0], momenta[0], values[0] = position, momentum, value
    density = compiled_density(target.log_density)
    _trajectory(density, target_parameters(target), step_size, gradient, positions, momenta, values)
    return Trajectory(positions, momenta, 0.5 * (momenta**2).sum(axis=1) - values)
