"""Stochastic differential equations: models, Brownian paths, solvers, and a fit to data."""

from labcore.sde.adaptive import AdaptivePaths, StepUnderflow, solve_adaptive
from labcore.sde.baoab import BAOAB
from labcore.sde.bridges import (
    WeightedPaths,
    condition_on_interval,
    condition_on_point,
    doob_transform,
    guided_bridges,
)
from labcore.sde.brownian import BrownianIntegrals, brownian_integrals, brownian_paths
from labcore.sde.euler_maruyama import EULER_MARUYAMA
from labcore.sde.exact import EXACT, EXACT_DRAW
from labcore.sde.fit import OrnsteinUhlenbeckFit, fit_ornstein_uhlenbeck
from labcore.sde.girsanov import WeightedMean, girsanov_log_weights, weighted_mean
from labcore.sde.heun import HEUN
from labcore.sde.implicit_euler import IMPLICIT_EULER
from labcore.sde.kolmogorov import GridFunction, backward_kolmogorov, fokker_planck
from labcore.sde.langevin import underdamped_langevin
from labcore.sde.milstein import MILSTEIN
from labcore.sde.model import Model, Solver
from labcore.sde.models import (
    brownian_bridge,
    brownian_motion,
    double_well,
    geometric_brownian,
    ornstein_uhlenbeck,
)
from labcore.sde.multilevel import Levels, MultilevelEstimate, multilevel
from labcore.sde.solve import Exploded, Paths, solve
from labcore.sde.square_root import cox_ingersoll_ross
from labcore.sde.sra import SRA1
from labcore.sde.sri import SRIW1
from labcore.sde.systems import fitzhugh_nagumo, linear, noisy_lorenz
from labcore.sde.tamed_euler import TAMED_EULER

__all__ = [
    "BAOAB",
    "EULER_MARUYAMA",
    "EXACT",
    "EXACT_DRAW",
    "HEUN",
    "IMPLICIT_EULER",
    "MILSTEIN",
    "SRA1",
    "SRIW1",
    "TAMED_EULER",
    "AdaptivePaths",
    "BrownianIntegrals",
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
    "brownian_bridge",
    "brownian_integrals",
    "brownian_motion",
    "brownian_paths",
    "condition_on_interval",
    "condition_on_point",
    "cox_ingersoll_ross",
    "doob_transform",
    "double_well",
    "fit_ornstein_uhlenbeck",
    "fitzhugh_nagumo",
    "fokker_planck",
    "geometric_brownian",
    "girsanov_log_weights",
    "guided_bridges",
    "linear",
    "multilevel",
    "noisy_lorenz",
    "ornstein_uhlenbeck",
    "solve",
    "solve_adaptive",
    "underdamped_langevin",
    "weighted_mean",
]
