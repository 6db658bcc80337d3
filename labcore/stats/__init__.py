"""Statistics with kernels: tests, density estimation, and thinning of samples."""

from labcore.stats.hsic import hsic, hsic_test
from labcore.stats.mmd import (
    AggregatedTest,
    median_lengthscale,
    mmd_aggregated_test,
    mmd_squared,
    mmd_test,
    witness,
)
from labcore.stats.resampling import KernelTest
from labcore.stats.stein import InverseMultiquadric, ksd_squared, ksd_test, stein_gram
from labcore.stats.thinning import compress_plus_plus, kernel_thinning

__all__ = [
    "AggregatedTest",
    "InverseMultiquadric",
    "KernelTest",
    "compress_plus_plus",
    "hsic",
    "hsic_test",
    "kernel_thinning",
    "ksd_squared",
    "ksd_test",
    "median_lengthscale",
    "mmd_aggregated_test",
    "mmd_squared",
    "mmd_test",
    "stein_gram",
    "witness",
]
