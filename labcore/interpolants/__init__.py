"""Stochastic interpolants: schedules, exact velocities and scores, and flows that follow them."""

from labcore.interpolants.between_mixtures import Draws, MixtureInterpolant, between
from labcore.interpolants.finite import DataInterpolant, to_data
from labcore.interpolants.flow import (
    EULER,
    EULER_MARUYAMA,
    HEUN,
    HEUN_SDE,
    RK4,
    OdeMethod,
    SdeMethod,
    log_likelihood,
    solve_ode,
    solve_sde,
)
from labcore.interpolants.mixtures import Mixture, mixture
from labcore.interpolants.schedules import (
    Coefficients,
    Schedule,
    checked,
    encoding_decoding,
    linear,
    trigonometric,
)

__all__ = [
    "EULER",
    "EULER_MARUYAMA",
    "HEUN",
    "HEUN_SDE",
    "RK4",
    "Coefficients",
    "DataInterpolant",
    "Draws",
    "Mixture",
    "MixtureInterpolant",
    "OdeMethod",
    "Schedule",
    "SdeMethod",
    "between",
    "checked",
    "encoding_decoding",
    "linear",
    "log_likelihood",
    "mixture",
    "solve_ode",
    "solve_sde",
    "to_data",
    "trigonometric",
]
