"""Sampling by Markov chains: targets, transition kernels, running them, and judging the result."""

from labcore.samplers.adaptation import Warmup, warmup
from labcore.samplers.chains import Chains
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
from labcore.samplers.discrete import metropolis_matrix, spectrum, stationary_distribution
from labcore.samplers.hmc import HMC
from labcore.samplers.integrators import leapfrog
from labcore.samplers.langevin import Langevin
from labcore.samplers.mala import MALA
from labcore.samplers.metropolis import Metropolis
from labcore.samplers.nuts import NUTS
from labcore.samplers.run import sample
from labcore.samplers.slice import Slice
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
from labcore.samplers.ula import ULA

__all__ = [
    "HMC",
    "MALA",
    "NUTS",
    "ULA",
    "Chains",
    "Langevin",
    "Metropolis",
    "Slice",
    "Target",
    "Warmup",
    "autocorrelation",
    "banana",
    "bfmi",
    "bulk_effective_sample_size",
    "deviation_error",
    "effective_sample_size",
    "evaluate",
    "funnel",
    "gaussian",
    "gradient_error",
    "leapfrog",
    "logistic_regression",
    "metropolis_matrix",
    "monte_carlo_error",
    "quantile_error",
    "rank_normalised_rhat",
    "ridge",
    "sample",
    "spectrum",
    "split_rhat",
    "stationary_distribution",
    "tail_effective_sample_size",
    "two_modes",
    "warmup",
]
