"""Point processes in time."""

from labcore.processes.delays import Delay, Kumaraswamy, RaisedCosine, TruncatedGaussian
from labcore.processes.discretised import (
    DiscretisedFit,
    fit_discretised_hawkes,
    simulate_clusters,
)
from labcore.processes.events import Events, merged_events
from labcore.processes.hawkes import Hawkes, TimeChangeTest, fit_hawkes

__all__ = [
    "Delay",
    "DiscretisedFit",
    "Events",
    "Hawkes",
    "Kumaraswamy",
    "RaisedCosine",
    "TimeChangeTest",
    "TruncatedGaussian",
    "fit_discretised_hawkes",
    "fit_hawkes",
    "merged_events",
    "simulate_clusters",
]
