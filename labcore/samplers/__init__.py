"""Sampling by Markov chains and by populations of particles, and judging the result."""

from labcore.samplers.adaptation import Warmup, warmup
from labcore.samplers.chains import Chains
from labcore.samplers.control_variates import (
    Controlled,
    KernelMean,
    control_functional,
    polynomial_control,
)
from labcore.samplers.diagnostics import (
    autocorrelation,
    bfmi,
    bulk_effective_sample_size,
    deviation_error,
    effective_sample_size,
    monte_carlo_error,
    quantile_error,
    rank_normalised_rhat,
    split_rhat,
    tail_effective_sample_size,
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
from labcore.samplers.hmc import HMC
from labcore.samplers.integrators import leapfrog
from labcore.samplers.langevin import Langevin
from labcore.samplers.mala import MALA
from labcore.samplers.metropolis import Metropolis
from labcore.samplers.nuts import NUTS
from labcore.samplers.path import tempered
from labcore.samplers.run import sample
from labcore.samplers.slice import Slice
from labcore.samplers.smc import Population, sequential_monte_carlo, systematic_resampling
from labcore.samplers.stein import Descent, stein_direction, svgd
from labcore.samplers.targets import (
    Target,
    banana,
    evaluate,
    funnel,
    gaussian,
    gradient_error,
    logistic_regression,
    ridge,
    two_modes,
)
from labcore.samplers.tempering import Ladders, equalised_ladder, parallel_tempering
from labcore.samplers.ula import ULA

__all__ = [
    "HMC",
    "MALA",
    "NUTS",
    "ULA",
    "Chains",
    "Controlled",
    "Descent",
    "KernelMean",
    "Ladders",
    "Langevin",
    "Metropolis",
    "NonBacktracking",
    "Population",
    "Slice",
    "Spectrum",
    "Target",
    "Warmup",
    "autocorrelation",
    "banana",
    "bfmi",
    "bulk_effective_sample_size",
    "control_functional",
    "deviation_error",
    "effective_sample_size",
    "equalised_ladder",
    "evaluate",
    "funnel",
    "gaussian",
    "gradient_error",
    "leapfrog",
    "logistic_regression",
    "metropolis_matrix",
    "mixing_time",
    "monte_carlo_error",
    "non_backtracking_walk",
    "parallel_tempering",
    "polynomial_control",
    "quantile_error",
    "random_walk",
    "rank_normalised_rhat",
    "ridge",
    "sample",
    "sequential_monte_carlo",
    "spectrum",
    "split_rhat",
    "stationary_distribution",
    "stein_direction",
    "svgd",
    "systematic_resampling",
    "tail_effective_sample_size",
    "tempered",
    "two_modes",
    "walk",
    "warmup",
]
