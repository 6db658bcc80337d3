"""Positive-definite kernels, and regression with them."""

from labcore.kernels.algebra import Constant, Kernel, Power, Product, Scaled, Sum
from labcore.kernels.brownian import Brownian
from labcore.kernels.draws import sample_normal, sample_prior
from labcore.kernels.gaussian import Gaussian
from labcore.kernels.likelihood import maximise_likelihood
from labcore.kernels.matern import Matern
from labcore.kernels.periodic import Periodic
from labcore.kernels.polynomial import Polynomial
from labcore.kernels.regression import (
    GaussianProcess,
    KernelRidge,
    LeaveOneOut,
    condition,
    kernel_ridge,
)

__all__ = [
    "Brownian",
    "Constant",
    "Gaussian",
    "GaussianProcess",
    "Kernel",
    "KernelRidge",
    "LeaveOneOut",
    "Matern",
    "Periodic",
    "Polynomial",
    "Power",
    "Product",
    "Scaled",
    "Sum",
    "condition",
    "kernel_ridge",
    "maximise_likelihood",
    "sample_normal",
    "sample_prior",
]
