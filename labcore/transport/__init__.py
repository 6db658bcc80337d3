"""Optimal transport: entropic, exact, on the line, along random lines, and of normal laws."""

from labcore.transport.assignment import ExactPlan, assignment, optimal_plan
from labcore.transport.divergence import Divergence, sinkhorn_divergence
from labcore.transport.gaussian import (
    AffineMap,
    Barycentre,
    Normal,
    bures_wasserstein,
    gaussian_barycentre,
    gaussian_geodesic,
    gaussian_map,
)
from labcore.transport.one_dimensional import (
    Sliced,
    quantile_map,
    sliced_wasserstein,
    wasserstein_1d,
)
from labcore.transport.scaling import Scaling, doubly_stochastic, symmetric_scaling
from labcore.transport.sinkhorn import EntropicPlan, sinkhorn, sinkhorn_of_points

__all__ = [
    "AffineMap",
    "Barycentre",
    "Divergence",
    "EntropicPlan",
    "ExactPlan",
    "Normal",
    "Scaling",
    "Sliced",
    "assignment",
    "bures_wasserstein",
    "doubly_stochastic",
    "gaussian_barycentre",
    "gaussian_geodesic",
    "gaussian_map",
    "optimal_plan",
    "quantile_map",
    "sinkhorn",
    "sinkhorn_divergence",
    "sinkhorn_of_points",
    "sliced_wasserstein",
    "symmetric_scaling",
    "wasserstein_1d",
]
