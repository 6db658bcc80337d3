"""Positive-definite kernels, and regression with them."""

from labcore.kernels.algebra import Constant, Kernel, Power, Product, Scaled, Sum
from labcore.kernels.brownian import Brownian
from labcore.kernels.draws import sample_normal, sample_prior
from labcore.kernels.features import (
    FourierFeatures,
    PositiveFeatures,
    fourier_features,
    positive_features,
)
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
from labcore.kernels.softmax import Softmax

__all__ = [
    "Brownian",
    "Constant",
    "FourierFeatures",
    "Gaussian",
    "GaussianProcess",
    "Kernel",
    "KernelRidge",
    "LeaveOneOut",
    "Matern",
    "Periodic",
    "Polynomial",
    "PositiveFeatures",
    "Power",
    "Product",
    "Scaled",
    "Softmax",
    "Sum",
    "condition",
    "fourier_features",
    "kernel_ridge",
    "maximise_likelihood",
    "positive_features",
    "sample_normal",
    "sample_prior",
]
