r"""Integrators of Hamilton's equations: the leapfrog.

.. math:: \dot x = L p, \qquad \dot p = L^\top \nabla \log \pi(x)

with the factor L of a metric and momenta in units in which they are standard normal; the energy
:math:`-\log \pi(x) + \tfrac12 |p|^2` is preserved.
"""

from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore._validate import array, integer, positive
from labcore.samplers.metrics import (
    checked_metric,
    metric_factor,
    stretch,
    stretch_transposed,
)
from labcore.samplers.targets import Target, compiled_density, evaluate, target_parameters


@compiled(inline=True)
def leapfrog_steps(
    log_density, parameters, step_size, n_steps, factor, position, momentum, gradient, force, value
):
    """Move position, momentum and gradient in place; return the log-density at the end.

    `force` is L^T times the gradient, at the beginning and at the end.
    """
    d = position.size
    for _ in range(n_steps):
        for i in range(d):
            momentum[i] += 0.5 * step_size * force[i]
        stretch(factor, momentum, force)  # for a moment it holds the velocity
        for i in range(d):
            position[i] += step_size * force[i]
        value = log_density(position, parameters, gradient)
        stretch_transposed(factor, gradient, force)
        for i in range(d):
            momentum[i] += 0.5 * step_size * force[i]
    return value


@compiled
def _trajectory(
    log_density, parameters, step_size, factor, gradient, force, positions, momenta, values
):
    stretch_transposed(factor, gradient, force)
    for i in range(1, len(positions)):
        for k in range(positions.shape[1]):  # copying whole rows takes a second to compile
            positions[i, k] = positions[i - 1, k]
            momenta[i, k] = momenta[i - 1, k]
        values[i] = leapfrog_steps(
            log_density,
            parameters,
            step_size,
            1,
            factor,
            positions[i],
            momenta[i],
            gradient,
            force,
            values[i - 1],
        )


class Trajectory(NamedTuple):
    """A leapfrog trajectory, its start included: the row is the number of the step."""

    positions: np.ndarray
    momenta: np.ndarray
    energies: np.ndarray


def leapfrog(
    target: Target, position, momentum, *, step_size: float, n_steps: int, metric=None
) -> Trajectory:
    r"""Follow Hamilton's equations :math:`\dot x = p,\ \dot p = \nabla \log \pi(x)` by leapfrog.

    One step is half a kick, a drift, half a kick:

    .. math:: p \mathrel{+}= \tfrac{\varepsilon}{2} \nabla \log \pi(x), \quad
       x \mathrel{+}= \varepsilon p, \quad
       p \mathrel{+}= \tfrac{\varepsilon}{2} \nabla \log \pi(x).

    It is reversible, preserves volume, and its energy error over a fixed time is of order
    :math:`\varepsilon^2`. On a normal law of variance :math:`\sigma^2` it is stable for
    :math:`\varepsilon < 2 \sigma`.

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
    metric : array_like, shape (d,) or (d, d), optional
        :math:`\Sigma = L L^\top`: the drift is then :math:`\varepsilon L p` and the kick
        :math:`\tfrac{\varepsilon}{2} L^\top \nabla \log \pi` (default: the identity).

    Returns
    -------
    Trajectory
        `positions` and `momenta` of shape (n_steps + 1, d), `energies` of shape (n_steps + 1,).

    Examples
    --------
    >>> from labcore.samplers import gaussian, leapfrog
    >>> path = leapfrog(gaussian([1.0]), [1.0], [0.0], step_size=0.1, n_steps=31)
    >>> round(float(path.positions[-1, 0]), 3)  # half a period is pi
    -0.999
    """
    step_size = positive("step_size", step_size)
    n_steps = integer("n_steps", n_steps)
    position, momentum = array("position", position, 1), array("momentum", momentum, 1)
    (value,), (gradient,) = evaluate(target, position[None])
    if momentum.shape != gradient.shape:
        raise ValueError(f"momentum must have shape {gradient.shape}, got {momentum.shape}")
    factor = metric_factor(None if metric is None else checked_metric(metric), target.dimension)
    positions = np.empty((n_steps + 1, target.dimension))
    momenta = np.empty_like(positions)
    values = np.empty(n_steps + 1)
    positions[0], momenta[0], values[0] = position, momentum, value
    density = compiled_density(target.log_density)
    parameters, force = target_parameters(target), np.empty(target.dimension)
    _trajectory(density, parameters, step_size, factor, gradient, force, positions, momenta, values)
    return Trajectory(positions, momenta, 0.5 * (momenta**2).sum(axis=1) - values)
