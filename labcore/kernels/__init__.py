"""Positive-definite kernels, and regression with them."""

from labcore.kernels.algebra import Constant, Power, Product, Scaled, Sum, Warped
from labcore.kernels.arc_cosine import ArcCosine
from labcore.kernels.brownian import Brownian
from labcore.kernels.draws import sample_normal, sample_prior
from labcore.kernels.gaussian import Gaussian
from labcore.kernels.kernel import Kernel
from labcore.kernels.laplacian import Laplacian
from labcore.kernels.matern import Matern
from labcore.kernels.periodic import Periodic
from labcore.kernels.polynomial import Polynomial
from labcore.kernels.rational_quadratic import RationalQuadratic
from labcore.kernels.regression import (
    GaussianProcess,
    KernelRidge,
    LeaveOneOut,
    condition,
    kernel_ridge,
    maximise_likelihood,
)
from labcore.kernels.spectral_mixture import SpectralMixture

__all__ = [
    "ArcCosine",
    "Brownian",
    "Constant",
    "Gaussian",
    "GaussianProcess",
    "Kernel",
    "KernelRidge",
    "Laplacian",
    "LeaveOneOut",
    "Matern",
    "Periodic",
    "Polynomial",
    "Power",
    "Product",
    "RationalQuadratic",
    "Scaled",
    "SpectralMixture",
    "Sum",
    "Warped",
    "condition",
    "kernel_ridge",
    "maximise_likelihood",
    "sample_normal",
    "sample_prior",
]
