"""Stochastic differential equations: models, Brownian paths, solvers, and a fit to data."""

from labcore.sde.adaptive import AdaptivePaths, StepUnderflow, solve_adaptive
from labcore.sde.bridges import (
    WeightedPaths,
    condition_on_interval,
    condition_on_point,
    doob_transform,
    guided_bridges,
)
from labcore.sde.brownian import brownian_paths
from labcore.sde.euler_maruyama import EULER_MARUYAMA
from labcore.sde.exact import EXACT
from labcore.sde.fit import OrnsteinUhlenbeckFit, fit_ornstein_uhlenbeck
from labcore.sde.girsanov import WeightedMean, girsanov_log_weights, weighted_mean
from labcore.sde.heun import HEUN
from labcore.sde.kolmogorov import GridFunction, backward_kolmogorov, fokker_planck
from labcore.sde.milstein import MILSTEIN
from labcore.sde.model import Model, Solver
from labcore.sde.models import (
    brownian_motion,
    double_well,
    geometric_brownian,
    ornstein_uhlenbeck,
)
from labcore.sde.multilevel import Levels, MultilevelEstimate, multilevel
from labcore.sde.solve import Exploded, Paths, solve

__all__ = [
    "EULER_MARUYAMA",
    "EXACT",
    "HEUN",
    "MILSTEIN",
    "AdaptivePaths",
    "Exploded",
    "GridFunction",
    "Levels",
    "Model",
    "MultilevelEstimate",
    "OrnsteinUhlenbeckFit",
    "Paths",
    "Solver",
    "StepUnderflow",
    "WeightedMean",
    "WeightedPaths",
    "backward_kolmogorov",
    "brownian_motion",
    "brownian_paths",
    "condition_on_interval",
    "condition_on_point",
    "doob_transform",
    "double_well",
    "fit_ornstein_uhlenbeck",
    "fokker_planck",
    "geometric_brownian",
    "girsanov_log_weights",
    "guided_bridges",
    "multilevel",
    "ornstein_uhlenbeck",
    "solve",
    "solve_adaptive",
    "weighted_mean",
]
