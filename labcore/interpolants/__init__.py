"""Stochastic interpolants: schedules, exact velocities and scores, and flows that follow them."""

from labcore.interpolants.adaptive import DORMAND_PRINCE, AdaptivePaths, solve_ode_adaptive
from labcore.interpolants.between_mixtures import Draws, MixtureInterpolant, between
from labcore.interpolants.fields import Fields
from labcore.interpolants.finite import DataInterpolant, to_data
from labcore.interpolants.flow import (
    EULER,
    EULER_MARUYAMA,
    HEUN,
    HEUN_SDE,
    RK4,
    OdeMethod,
    SdeMethod,
    solve_ode,
    solve_sde,
)
from labcore.interpolants.likelihood import (
    divergence_by_differences,
    hutchinson_divergence,
    log_likelihood,
)
from labcore.interpolants.mixtures import Mixture, mixture
from labcore.interpolants.network import NetworkField, Untrained, field_batches, time_features
from labcore.interpolants.objectives import Examples, examples
from labcore.interpolants.schedules import (
    Coefficients,
    Schedule,
    checked,
    encoding_decoding,
    linear,
    mirror,
    one_sided,
    ornstein_uhlenbeck,
    trigonometric,
    variance_preserving,
)

__all__ = [
    "DORMAND_PRINCE",
    "EULER",
    "EULER_MARUYAMA",
    "HEUN",
    "HEUN_SDE",
    "RK4",
    "AdaptivePaths",
    "Coefficients",
    "DataInterpolant",
    "Draws",
    "Examples",
    "Fields",
    "Mixture",
    "MixtureInterpolant",
    "NetworkField",
    "OdeMethod",
    "Schedule",
    "SdeMethod",
    "Untrained",
    "between",
    "checked",
    "divergence_by_differences",
    "encoding_decoding",
    "examples",
    "field_batches",
    "hutchinson_divergence",
    "linear",
    "log_likelihood",
    "mirror",
    "mixture",
    "one_sided",
    "ornstein_uhlenbeck",
    "solve_ode",
    "solve_ode_adaptive",
    "solve_sde",
    "time_features",
    "to_data",
    "trigonometric",
    "variance_preserving",
]
