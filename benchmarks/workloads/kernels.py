"""Positive-definite kernels: Gram matrices and products with vectors."""

import math

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import kernels as sklearn_kernels
from sklearn.metrics.pairwise import laplacian_kernel, rbf_kernel

from benchmarks.workload import Cost, Ways, peer, workload
from labcore import kernels, random


def _gram(n: int, d: int) -> Cost:
    return Cost(gemm=n * n * d, exps=n * n / 2, bytes=8 * n * n)


def _product(n: int, d: int) -> Cost:
    return Cost(gemm=n * n * d, exps=n * n / 2)


def _gaussian_gram(n: int, d: int, out: np.ndarray | None = None) -> Ways:
    x, kernel, torch = random.normal((n, d), rng=1), kernels.Gaussian(math.sqrt(d)), peer("torch")
    ways = {
        "labcore": lambda: kernel(x, out=out),
        "scikit-learn": lambda: rbf_kernel(x, gamma=0.5 / d),
        "scipy cdist": lambda: np.exp(-0.5 / d * cdist(x, x, "sqeuclidean")),
        "numpy": lambda: np.exp(-0.5 / d * _squared_distances(x, x)),
    }
    if torch:
        z = torch.from_numpy(x)
        ways["torch cdist"] = lambda: torch.cdist(z, z).square_().mul_(-0.5 / d).exp_().numpy()
    return ways


def _squared_distances(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    squares = (x * x).sum(axis=1)[:, None] + (y * y).sum(axis=1)
    return np.maximum(squares - 2 * x @ y.T, 0)


@workload(small={"n": 50}, aim=2.0, cost=_gram, threads=(1, 2))
def gaussian_gram_3(n: int = 4000, d: int = 3) -> Ways:
    """Gram matrix of the Gaussian kernel in 3 dimensions."""
    return _gaussian_gram(n, d)


@workload(small={"n": 50}, aim=3.0, cost=_gram, threads=(1, 2))
def gaussian_gram_3_out(n: int = 4000, d: int = 3) -> Ways:
    """The same into memory that is there (the peers allocate)."""
    return _gaussian_gram(n, d, np.empty((n, n)))


@workload(small={"n": 50}, aim=2.0, cost=_gram, threads=(1, 2))
def gaussian_gram_10(n: int = 4000, d: int = 10) -> Ways:
    """Gram matrix of the Gaussian kernel in 10 dimensions."""
    return _gaussian_gram(n, d)


@workload(small={"n": 50}, aim=3.0, cost=_gram, threads=(1, 2))
def gaussian_gram_10_out(n: int = 4000, d: int = 10) -> Ways:
    """The same into memory that is there (the peers allocate)."""
    return _gaussian_gram(n, d, np.empty((n, n)))


@workload(small={"n": 50}, aim=2.0, cost=_gram, threads=(1, 2))
def gaussian_gram_100(n: int = 4000, d: int = 100) -> Ways:
    """Gram matrix of the Gaussian kernel in 100 dimensions."""
    return _gaussian_gram(n, d)


@workload(small={"n": 50}, aim=3.0, cost=_gram, threads=(1, 2))
def gaussian_gram_100_out(n: int = 4000, d: int = 100) -> Ways:
    """The same into memory that is there (the peers allocate)."""
    return _gaussian_gram(n, d, np.empty((n, n)))


def _matern_gram(n: int, d: int) -> Ways:
    x, scale = random.normal((n, d), rng=1), math.sqrt(d)
    kernel, theirs = kernels.Matern(2.5, scale), sklearn_kernels.Matern(scale, nu=2.5)
    return {"labcore": lambda: kernel(x), "scikit-learn": lambda: theirs(x)}


@workload(small={"n": 50}, aim=4.0, cost=_gram, threads=(1, 2), rounds=5)
def matern_gram_3(n: int = 4000, d: int = 3) -> Ways:
    """Gram matrix of the Matern kernel of smoothness 5/2 in 3 dimensions."""
    return _matern_gram(n, d)


@workload(small={"n": 50}, aim=4.0, cost=_gram, threads=(1, 2), rounds=5)
def matern_gram_10(n: int = 4000, d: int = 10) -> Ways:
    """Gram matrix of the Matern kernel of smoothness 5/2 in 10 dimensions."""
    return _matern_gram(n, d)


@workload(small={"n": 50}, aim=4.0, cost=_gram, threads=(1, 2), rounds=5)
def matern_gram_100(n: int = 4000, d: int = 100) -> Ways:
    """Gram matrix of the Matern kernel of smoothness 5/2 in 100 dimensions."""
    return _matern_gram(n, d)


def _laplacian_gram(n: int, d: int) -> Ways:
    x = random.normal((n, d), rng=1)
    kernel = kernels.Laplacian(2.0 * d)
    return {
        "labcore": lambda: kernel(x),
        "scikit-learn": lambda: laplacian_kernel(x, gamma=0.5 / d),
        "scipy cdist": lambda: np.exp(-0.5 / d * cdist(x, x, "cityblock")),
    }


@workload(small={"n": 50}, aim=1.5, cost=_gram, threads=(1, 2), rounds=5)
def laplacian_gram_3(n: int = 4000, d: int = 3) -> Ways:
    """Gram matrix of the Laplacian kernel in 3 dimensions."""
    return _laplacian_gram(n, d)


@workload(small={"n": 50}, aim=1.5, cost=_gram, threads=(1, 2), rounds=5)
def laplacian_gram_10(n: int = 4000, d: int = 10) -> Ways:
    """Gram matrix of the Laplacian kernel in 10 dimensions."""
    return _laplacian_gram(n, d)


@workload(small={"n": 50}, aim=4.0, cost=_gram, threads=(1, 2), rounds=3)
def laplacian_gram_100(n: int = 4000, d: int = 100) -> Ways:
    """Gram matrix of the Laplacian kernel in 100 dimensions."""
    return _laplacian_gram(n, d)


def _gaussian_product(n: int, d: int) -> Ways:
    x, v = random.normal((n, d), rng=1), random.normal(n, rng=2)
    kernel = kernels.Gaussian(math.sqrt(d))

    def in_chunks():
        out = np.empty(n)
        for start in range(0, n, 1000):
            rows = slice(start, start + 1000)
            out[rows] = np.exp(-0.5 / d * _squared_distances(x[rows], x)) @ v
        return out

    return {"labcore": lambda: kernel.matvec(x, v), "numpy in chunks": in_chunks}


@workload(small={"n": 1200}, aim=8.0, cost=_product, threads=(1, 2), rounds=3)
def gaussian_product_3(n: int = 20_000, d: int = 3) -> Ways:
    """Gaussian kernel times vector without the matrix, in 3 dimensions."""
    return _gaussian_product(n, d)


@workload(small={"n": 1200}, aim=6.0, cost=_product, threads=(1, 2), rounds=3)
def gaussian_product_10(n: int = 20_000, d: int = 10) -> Ways:
    """Gaussian kernel times vector without the matrix, in 10 dimensions."""
    return _gaussian_product(n, d)


WORKLOADS = (
    gaussian_gram_3,
    gaussian_gram_3_out,
    gaussian_gram_10,
    gaussian_gram_10_out,
    gaussian_gram_100,
    gaussian_gram_100_out,
    matern_gram_3,
    matern_gram_10,
    matern_gram_100,
    laplacian_gram_3,
    laplacian_gram_10,
    laplacian_gram_100,
    gaussian_product_3,
    gaussian_product_10,
)
