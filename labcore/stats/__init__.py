"""Statistics with kernels: tests, density estimation, and thinning of samples."""

from labcore.stats.density import (
    KernelDensity,
    improved_sheather_jones_bandwidth,
    kernel_density,
    least_squares_bandwidth,
    scott_bandwidth,
    silverman_bandwidth,
)
from labcore.stats.independence import hsic, hsic_test
from labcore.stats.mmd import (
    AggregatedTest,
    median_lengthscale,
    mmd_aggregated_test,
    mmd_squared,
    mmd_test,
    witness,
)
from labcore.stats.resampling import KernelTest
from labcore.stats.stein import ksd_squared, ksd_test, stein_gram
from labcore.stats.thinning import compress_plus_plus, kernel_thinning

__all__ = [
    "AggregatedTest",
    "KernelDensity",
    "KernelTest",
    "compress_plus_plus",
    "hsic",
    "hsic_test",
    "improved_sheather_jones_bandwidth",
    "kernel_density",
    "kernel_thinning",
    "ksd_squared",
    "ksd_test",
    "least_squares_bandwidth",
    "median_lengthscale",
    "mmd_aggregated_test",
    "mmd_squared",
    "mmd_test",
    "scott_bandwidth",
    "silverman_bandwidth",
    "stein_gram",
    "witness",
]
