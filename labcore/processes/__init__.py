"""Processes in time: Gaussian and Markov processes, filters, smoothers, point processes."""

from labcore.processes.circulant import stationary_paths
from labcore.processes.delays import Delay, Kumaraswamy, RaisedCosine, TruncatedGaussian
from labcore.processes.discretised import DiscretisedFit, fit_discretised_hawkes, simulate_clusters
from labcore.processes.events import Events, merged_events
from labcore.processes.excursions import (
    PersistenceFit,
    bridge_survival,
    brownian_first_passage_density,
    brownian_survival,
    crossing_times,
    first_passage_times,
    independent_interval_exponent,
    occupation_fractions,
    persistence_exponent,
    rice_rate,
)
from labcore.processes.fractional import (
    HurstFit,
    fit_hurst,
    fractional_brownian,
    fractional_covariance,
    fractional_noise,
    fractional_noise_covariance,
)
from labcore.processes.hawkes import Hawkes, TimeChangeTest, fit_hawkes
from labcore.processes.kalman import Filtered, kalman_filter, kalman_log_likelihood
from labcore.processes.linear_gaussian import LinearGaussian, Trajectories, simulate
from labcore.processes.linear_processes import (
    integrated_brownian_motion,
    matern_process,
    oscillation,
    state_space,
)
from labcore.processes.markov_approximation import MarkovApproximation, markov_approximation
from labcore.processes.particle_filter import HiddenMarkov, ParticleFilter, particle_filter
from labcore.processes.regression import MarkovPosterior, condition
from labcore.processes.smoother import Smoothed, kalman_smoother, sample_states
from labcore.processes.state_space import StateSpace, Transition

__all__ = [
    "Delay",
    "DiscretisedFit",
    "Events",
    "Filtered",
    "Hawkes",
    "HiddenMarkov",
    "HurstFit",
    "Kumaraswamy",
    "LinearGaussian",
    "MarkovApproximation",
    "MarkovPosterior",
    "ParticleFilter",
    "PersistenceFit",
    "RaisedCosine",
    "Smoothed",
    "StateSpace",
    "TimeChangeTest",
    "Trajectories",
    "Transition",
    "TruncatedGaussian",
    "bridge_survival",
    "brownian_first_passage_density",
    "brownian_survival",
    "condition",
    "crossing_times",
    "first_passage_times",
    "fit_discretised_hawkes",
    "fit_hawkes",
    "fit_hurst",
    "fractional_brownian",
    "fractional_covariance",
    "fractional_noise",
    "fractional_noise_covariance",
    "independent_interval_exponent",
    "integrated_brownian_motion",
    "kalman_filter",
    "kalman_log_likelihood",
    "kalman_smoother",
    "markov_approximation",
    "matern_process",
    "merged_events",
    "occupation_fractions",
    "oscillation",
    "particle_filter",
    "persistence_exponent",
    "rice_rate",
    "sample_states",
    "simulate",
    "simulate_clusters",
    "state_space",
    "stationary_paths",
]
