"""Stochastic differential equations: models, Brownian paths, solvers, and a fit to data."""

from labcore.sde.brownian import brownian_paths
from labcore.sde.euler_maruyama import EULER_MARUYAMA
from labcore.sde.exact import EXACT
from labcore.sde.fit import OrnsteinUhlenbeckFit, fit_ornstein_uhlenbeck
from labcore.sde.heun import HEUN
from labcore.sde.milstein import MILSTEIN
from labcore.sde.model import Model, Solver
from labcore.sde.models import (
    brownian_motion,
    double_well,
    geometric_brownian,
    ornstein_uhlenbeck,
)
from labcore.sde.solve import Exploded, Paths, solve

__all__ = [
    "EULER_MARUYAMA",
    "EXACT",
    "HEUN",
    "MILSTEIN",
    "Exploded",
    "Model",
    "OrnsteinUhlenbeckFit",
    "Paths",
    "Solver",
    "brownian_motion",
    "brownian_paths",
    "double_well",
    "fit_ornstein_uhlenbeck",
    "geometric_brownian",
    "ornstein_uhlenbeck",
    "solve",
]
