"""Gaussian and Markov processes in time: paths, filters, smoothers, excursions."""

from labcore.processes.circulant import stationary_paths
from labcore.processes.fractional import (
    HurstFit,
    fit_hurst,
    fractional_brownian,
    fractional_covariance,
    fractional_noise,
    fractional_noise_covariance,
)

__all__ = [
    "HurstFit",
    "fit_hurst",
    "fractional_brownian",
    "fractional_covariance",
    "fractional_noise",
    "fractional_noise_covariance",
    "stationary_paths",
]
