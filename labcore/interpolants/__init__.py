"""Stochastic interpolants: schedules, exact velocities and scores, and flows that follow them."""

from labcore.interpolants.adaptive import DORMAND_PRINCE, AdaptivePaths, solve_ode_adaptive
from labcore.interpolants.between_coupled import CoupledInterpolant, between_coupled
from labcore.interpolants.between_mixtures import Draws, MixtureInterpolant, between
from labcore.interpolants.bridges import Bridges, Transition, bridges_between
from labcore.interpolants.couplings import (
    Pairs,
    given_pairs,
    independent_pairs,
    minibatch_pairs,
    optimal_pairs,
    schrodinger_pairs,
)
from labcore.interpolants.fields import Fields
from labcore.interpolants.finite import DataInterpolant, PairInterpolant, along_pairs, to_data
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
from labcore.interpolants.kinetic import (
    denoising_error,
    kinetic_energy,
    kinetic_optimal,
    schedule_energy,
    straightness,
)
from labcore.interpolants.likelihood import (
    divergence_by_differences,
    hutchinson_divergence,
    log_likelihood,
)
from labcore.interpolants.mixtures import Mixture, mixture
from labcore.interpolants.network import NetworkField, Untrained, field_batches, time_features
from labcore.interpolants.objectives import Examples, examples
from labcore.interpolants.regression import FittedField, fit_fields
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
    variance_exploding,
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
    "Bridges",
    "Coefficients",
    "CoupledInterpolant",
    "DataInterpolant",
    "Draws",
    "Examples",
    "Fields",
    "FittedField",
    "Mixture",
    "MixtureInterpolant",
    "NetworkField",
    "OdeMethod",
    "PairInterpolant",
    "Pairs",
    "Schedule",
    "SdeMethod",
    "Transition",
    "Untrained",
    "along_pairs",
    "between",
    "between_coupled",
    "bridges_between",
    "checked",
    "denoising_error",
    "divergence_by_differences",
    "encoding_decoding",
    "examples",
    "field_batches",
    "fit_fields",
    "given_pairs",
    "hutchinson_divergence",
    "independent_pairs",
    "kinetic_energy",
    "kinetic_optimal",
    "linear",
    "log_likelihood",
    "minibatch_pairs",
    "mirror",
    "mixture",
    "one_sided",
    "optimal_pairs",
    "ornstein_uhlenbeck",
    "schedule_energy",
    "schrodinger_pairs",
    "solve_ode",
    "solve_ode_adaptive",
    "solve_sde",
    "straightness",
    "time_features",
    "to_data",
    "trigonometric",
    "variance_exploding",
    "variance_preserving",
]
