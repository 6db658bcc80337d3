"""Stochastic differential equations: models, Brownian paths, solvers, and a fit to data."""

from labcore.sde.baoab import BAOAB
from labcore.sde.brownian import BrownianIntegrals, brownian_integrals, brownian_paths
from labcore.sde.euler_maruyama import EULER_MARUYAMA
from labcore.sde.exact import EXACT, EXACT_DRAW
from labcore.sde.fit import OrnsteinUhlenbeckFit, fit_ornstein_uhlenbeck
from labcore.sde.heun import HEUN
from labcore.sde.implicit_euler import IMPLICIT_EULER
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
    "BrownianIntegrals",
    "Exploded",
    "Model",
    "OrnsteinUhlenbeckFit",
    "Paths",
    "Solver",
    "brownian_bridge",
    "brownian_integrals",
    "brownian_motion",
    "brownian_paths",
    "cox_ingersoll_ross",
    "double_well",
    "fit_ornstein_uhlenbeck",
    "fitzhugh_nagumo",
    "geometric_brownian",
    "linear",
    "noisy_lorenz",
    "ornstein_uhlenbeck",
    "solve",
    "underdamped_langevin",
]
