"""Sampling by Markov chains: targets, transition kernels, running them, and judging the result."""

from labcore.samplers.diagnostics import (
    autocorrelation,
    effective_sample_size,
    monte_carlo_error,
    split_rhat,
)
from labcore.samplers.discrete import metropolis_matrix, spectrum, stationary_distribution
from labcore.samplers.hmc import HMC, leapfrog
from labcore.samplers.mala import MALA
from labcore.samplers.metropolis import Metropolis
from labcore.samplers.run import Chains, sample
from labcore.samplers.targets import (
    Target,
    banana,
    evaluate,
    funnel,
    gaussian,
    gradient_error,
    two_modes,
)

__all__ = [
    "HMC",
    "MALA",
    "Chains",
    "Metropolis",
    "Target",
    "autocorrelation",
    "banana",
    "effective_sample_size",
    "evaluate",
    "funnel",
    "gaussian",
    "gradient_error",
    "leapfrog",
    "metropolis_matrix",
    "monte_carlo_error",
    "sample",
    "spectrum",
    "split_rhat",
    "stationary_distribution",
    "two_modes",
]
