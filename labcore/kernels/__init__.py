"""Positive-definite kernels, and regression with them."""

from labcore.kernels.algebra import Constant, Power, Product, Scaled, Sum, Warped
from labcore.kernels.arc_cosine import ArcCosine
from labcore.kernels.brownian import Brownian
from labcore.kernels.draws import sample_normal, sample_prior
from labcore.kernels.eigenpro import EigenProFit, eigenpro
from labcore.kernels.features import (
    FourierFeatures,
    PositiveFeatures,
    fourier_features,
    positive_features,
)
from labcore.kernels.gaussian import Gaussian
from labcore.kernels.iterative import (
    IterativeFit,
    LowRankPreconditioner,
    Solution,
    conjugate_gradients,
    iterative_kernel_ridge,
)
from labcore.kernels.kernel import Kernel
from labcore.kernels.landmarks import (
    PartialCholesky,
    leverage_scores,
    pivoted_cholesky,
    recursive_leverage_scores,
    sample_landmarks,
)
from labcore.kernels.laplacian import Laplacian
from labcore.kernels.likelihood import maximise_likelihood
from labcore.kernels.matern import Matern
from labcore.kernels.nystrom import (
    FeatureRidge,
    NystromFeatures,
    feature_ridge,
    nystrom_features,
)
from labcore.kernels.periodic import Periodic
from labcore.kernels.polynomial import Polynomial
from labcore.kernels.rational_quadratic import RationalQuadratic
from labcore.kernels.regression import (
    GaussianProcess,
    KernelRidge,
    LeaveOneOut,
    condition,
    kernel_ridge,
)
from labcore.kernels.softmax import Softmax
from labcore.kernels.spectral_algorithms import (
    CutOff,
    GradientDescent,
    GramSpectrum,
    IteratedRidge,
    NuMethod,
    Ridge,
    SpectralFilter,
    gram_spectrum,
)
from labcore.kernels.spectral_mixture import SpectralMixture

__all__ = [
    "ArcCosine",
    "Brownian",
    "Constant",
    "CutOff",
    "EigenProFit",
    "FeatureRidge",
    "FourierFeatures",
    "Gaussian",
    "GaussianProcess",
    "GradientDescent",
    "GramSpectrum",
    "IteratedRidge",
    "IterativeFit",
    "Kernel",
    "KernelRidge",
    "Laplacian",
    "LeaveOneOut",
    "LowRankPreconditioner",
    "Matern",
    "NuMethod",
    "NystromFeatures",
    "PartialCholesky",
    "Periodic",
    "Polynomial",
    "PositiveFeatures",
    "Power",
    "Product",
    "RationalQuadratic",
    "Ridge",
    "Scaled",
    "Softmax",
    "Solution",
    "SpectralFilter",
    "SpectralMixture",
    "Sum",
    "Warped",
    "condition",
    "conjugate_gradients",
    "eigenpro",
    "feature_ridge",
    "fourier_features",
    "gram_spectrum",
    "iterative_kernel_ridge",
    "kernel_ridge",
    "leverage_scores",
    "maximise_likelihood",
    "nystrom_features",
    "pivoted_cholesky",
    "positive_features",
    "recursive_leverage_scores",
    "sample_landmarks",
    "sample_normal",
    "sample_prior",
]
