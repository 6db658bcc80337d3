r"""The underdamped Langevin equation: a particle with momentum, friction and thermal noise."""

import math

import numpy as np

from labcore._compile import compiled
from labcore._validate import positive
from labcore.sde.model import Model
from labcore.sde.systems import gaussian_density, linear_moments

# Parameters are (friction, temperature, frequency).


@compiled(inline=True)
def _harmonic_force(t, q, parameters):
    return (-parameters[2] * parameters[2] * q[0],)


@compiled(inline=True)
def _harmonic_drift(t, x, parameters):
    return x[1], -parameters[2] * parameters[2] * x[0] - parameters[0] * x[1]


@compiled(inline=True)
def _harmonic_jacobian(t, x, parameters):
    return (0.0, 1.0), (-parameters[2] * parameters[2], -parameters[0])


@compiled(inline=True)
def _thermal_diffusion(t, x, parameters):
    return (0.0,), (math.sqrt(2.0 * parameters[0] * parameters[1]),)


def underdamped_langevin(
    friction: float = 1.0, temperature: float = 1.0, frequency: float = 1.0
) -> Model:
    r"""A particle of mass 1 in a harmonic well, with friction and the noise that belongs to it,

    .. math:: dQ &= P\,dt, \\
              dP &= (-\omega^2 Q - \gamma P)\,dt + \sqrt{2 \gamma T}\,dW.

    The state is (Q, P). It is a linear system, so :math:`(Q_t, P_t)` is normal with mean and
    covariance as in `labcore.sde.linear`; the stationary law is Gibbs's, in proportion to
    :math:`\exp(-(P^2 + \omega^2 Q^2) / 2T)`.

    Parameters
    ----------
    friction : float, default 1
        gamma, positive. Below :math:`2 \omega` the particle swings, above it creeps.
    temperature : float, default 1
        T, positive, in units of energy.
    frequency : float, default 1
        omega, positive.

    Raises
    ------
    ValueError
        If a parameter is not positive and finite.

    Notes
    -----
    For another force F write a `labcore.sde.Model` with `force`, the drift
    :math:`(p, F(q) - \gamma p)` and the diffusion ``((0.0,), (sqrt(2 gamma T),))``, whose first two
    parameters are gamma and T: `labcore.sde.BAOAB` takes it.

    Examples
    --------
    >>> model = underdamped_langevin(friction=0.5, temperature=2.0, frequency=2.0)
    >>> model.variance(40.0, [0.0, 0.0]).round(3)  # T / omega^2 and T
    array([[ 0.5, -0. ],
           [-0. ,  2. ]])
    """
    gamma, heat = positive("friction", friction), positive("temperature", temperature)
    omega = positive("frequency", frequency)
    drift = np.array([[0.0, 1.0], [-(omega**2), -gamma]])
    mean, variance = linear_moments(drift, np.diag([0.0, 2.0 * gamma * heat]))
    return Model(
        name="underdamped Langevin equation",
        drift=_harmonic_drift,
        diffusion=_thermal_diffusion,
        parameters=(gamma, heat, omega),
        mean=mean,
        variance=variance,
        dimension=2,
        additive=True,
        stationary_density=gaussian_density(np.diag([heat / omega**2, heat])),
        drift_derivative=_harmonic_jacobian,
        force=_harmonic_force,
    )
