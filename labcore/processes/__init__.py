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
from labcore.processes.kalman import Filtered, kalman_filter, kalman_log_likelihood
from labcore.processes.linear_gaussian import LinearGaussian, Trajectories, simulate
from labcore.processes.linear_processes import (
    integrated_brownian_motion,
    matern_process,
    oscillation,
    state_space,
)
from labcore.processes.markov_approximation import MarkovApproximation, markov_approximation
from labcore.processes.regression import MarkovPosterior, condition
from labcore.processes.smoother import Smoothed, kalman_smoother, sample_states
from labcore.processes.state_space import StateSpace, Transition

__all__ = [
    "Filtered",
    "HurstFit",
    "LinearGaussian",
    "MarkovApproximation",
    "MarkovPosterior",
    "Smoothed",
    "StateSpace",
    "Trajectories",
    "Transition",
    "condition",
    "fit_hurst",
    "fractional_brownian",
    "fractional_covariance",
    "fractional_noise",
    "fractional_noise_covariance",
    "integrated_brownian_motion",
    "kalman_filter",
    "kalman_log_likelihood",
    "kalman_smoother",
    "markov_approximation",
    "matern_process",
    "oscillation",
    "sample_states",
    "simulate",
    "state_space",
    "stationary_paths",
]
