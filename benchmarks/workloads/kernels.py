"""Positive-definite kernels and regression."""

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as sklearn_kernels
from sklearn.metrics.pairwise import rbf_kernel

from benchmarks.workload import Cost, Ways, workload
from labcore import kernels, random


@workload(
    small={"n": 50},
    aim=2.0,
    cost=lambda n, d: Cost(gemm=n * n * d, exps=n * n / 2, bytes=8 * n * n),
    threads=(1, 2),
)
def gaussian_gram(n: int = 2000, d: int = 3) -> Ways:
    """Gram matrix of the Gaussian kernel, n points in d dimensions."""
    x = random.normal((n, d), rng=1)
    return {
        "labcore": lambda: kernels.Gaussian(0.7)(x),
        "scikit-learn": lambda: rbf_kernel(x, gamma=0.5 / 0.7**2),
        "scipy cdist": lambda: np.exp(-0.5 / 0.7**2 * cdist(x, x, "sqeuclidean")),
    }


@workload(
    small={"n": 50},
    aim=4.0,
    cost=lambda n, d: Cost(gemm=n * n * d, exps=n * n / 2, bytes=8 * n * n),
)
def matern_gram(n: int = 2000, d: int = 3) -> Ways:
    """Gram matrix of the Matern kernel of smoothness 5/2."""
    x = random.normal((n, d), rng=1)
    peer = sklearn_kernels.Matern(0.7, nu=2.5)
    return {"labcore": lambda: kernels.Matern(2.5, 0.7)(x), "scikit-learn": lambda: peer(x)}


@workload(small={"n": 60, "m": 20})
def gaussian_process(n: int = 1000, m: int = 200, d: int = 3) -> Ways:
    """Gaussian-process regression: condition on n points, mean and sd at m others."""
    x, new = random.normal((n, d), rng=1), random.normal((m, d), rng=2)
    y = np.sin(x.sum(axis=1))

    def ours():
        posterior = kernels.condition(kernels.Gaussian(0.7), x, y, noise_variance=0.01)
        return np.array([posterior.mean(new), posterior.sd(new)])

    def peers():
        model = GaussianProcessRegressor(sklearn_kernels.RBF(0.7), alpha=0.01, optimizer=None)
        return np.array(model.fit(x, y).predict(new, return_std=True))

    return {"labcore": ours, "scikit-learn": peers}


WORKLOADS = (
    gaussian_gram,
    matern_gram,
    gaussian_process,
)
