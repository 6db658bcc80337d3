"""Sampling by Markov chains and by populations of particles, and judging the result."""

from labcore.samplers.control_variates import (
    Controlled,
    KernelMean,
    control_functional,
    polynomial_control,
)
from labcore.samplers.diagnostics import (
    autocorrelation,
    effective_sample_size,
    monte_carlo_error,
    split_rhat,
)
from labcore.samplers.discrete import (
    NonBacktracking,
    Spectrum,
    metropolis_matrix,
    mixing_time,
    non_backtracking_walk,
    random_walk,
    spectrum,
    stationary_distribution,
    walk,
)
from labcore.samplers.hmc import HMC, leapfrog
from labcore.samplers.mala import MALA
from labcore.samplers.metropolis import Metropolis
from labcore.samplers.path import tempered
from labcore.samplers.run import Chains, sample
from labcore.samplers.smc import Population, sequential_monte_carlo, systematic_resampling
from labcore.samplers.stein import Descent, stein_direction, svgd
from labcore.samplers.targets import (
    Target,
    banana,
    evaluate,
    funnel,
    gaussian,
    gradient_error,
    two_modes,
)
from labcore.samplers.tempering import Ladders, equalised_ladder, parallel_tempering

__all__ = [
    "HMC",
    "MALA",
    "Chains",
    "Controlled",
    "Descent",
    "KernelMean",
    "Ladders",
    "Metropolis",
    "NonBacktracking",
    "Population",
    "Spectrum",
    "Target",
    "autocorrelation",
    "banana",
    "control_functional",
    "effective_sample_size",
    "equalised_ladder",
    "evaluate",
    "funnel",
    "gaussian",
    "gradient_error",
    "leapfrog",
    "metropolis_matrix",
    "mixing_time",
    "monte_carlo_error",
    "non_backtracking_walk",
    "parallel_tempering",
    "polynomial_control",
    "random_walk",
    "sample",
    "sequential_monte_carlo",
    "spectrum",
    "split_rhat",
    "stationary_distribution",
    "stein_direction",
    "svgd",
    "systematic_resampling",
    "tempered",
    "two_modes",
    "walk",
]
