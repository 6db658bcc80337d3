"""Regression with kernels: features, ridge, Gaussian processes and large systems."""

import math

import numpy as np
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as sklearn_kernels
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge

from benchmarks.workload import Cost, Ways, workload
from labcore import kernels, random


def _data(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    x = random.normal((n, d), rng=1)
    return x, np.sin(x[:, :5].sum(axis=1)) + 0.1 * random.normal(n, rng=2)


def _same_kernel(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Inner products of the first rows estimate the same kernel: errors are 0.022 and 0.032."""
    ours, theirs = ours[:200], theirs[:200]
    np.testing.assert_allclose(theirs @ theirs.T, ours @ ours.T, rtol=0, atol=0.25)


def _close(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(theirs, ours, rtol=1e-3, atol=1e-3)


@workload(
    small={"n": 40},
    agree=_same_kernel,
    aim=5.0,
    cost=lambda n, d, count: Cost(gemm=n * d * count, sincos=n * count, bytes=8 * n * count),
)
def random_fourier_features(n: int = 20_000, d: int = 10, count: int = 1000) -> Ways:
    """Random Fourier features of the Gaussian kernel: labcore's are pairs of sine and cosine."""
    x = random.normal((n, d), rng=1)
    ours = kernels.fourier_features(kernels.Gaussian(math.sqrt(d)), d, count // 2, rng=1)
    theirs = RBFSampler(gamma=0.5 / d, n_components=count, random_state=0).fit(x)
    return {"labcore": lambda: ours(x), "scikit-learn": lambda: theirs.transform(x)}


@workload(
    small={"n": 80, "m": 20},
    aim=1.8,
    cost=lambda n, m, d: Cost(gemm=n**3 / 3 + n * (n + 2 * m) * d, exps=n * (n / 2 + m)),
    rounds=5,
)
def kernel_ridge(n: int = 4000, m: int = 1000, d: int = 10) -> Ways:
    """Kernel ridge regression: fit n points, predict m others."""
    (x, y), new = _data(n, d), random.normal((m, d), rng=3)
    kernel = kernels.Gaussian(math.sqrt(d))

    def peers():
        return KernelRidge(alpha=0.1, kernel="rbf", gamma=0.5 / d).fit(x, y).predict(new)

    return {
        "labcore": lambda: kernels.kernel_ridge(kernel, x, y, penalty=0.1)(new),
        "scikit-learn": peers,
    }


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


@workload(
    small={"n": 200, "d": 2},
    agree=_close,
    aim=5.0,
    cost=lambda n, d: Cost(gemm=8 * n**3, exps=8 * n * n),
    rounds=5,
)
def maximise_likelihood(n: int = 1000, d: int = 5) -> Ways:
    """Hyperparameters of a Gaussian process: lengthscale, noise variance and the likelihood."""
    x, y = _data(n, d)

    def ours():
        best = kernels.maximise_likelihood(kernels.Gaussian(1.0), x, y, noise_variance=0.1)
        return np.array(
            [*best.kernel.parameters, best.noise_variance, best.log_marginal_likelihood()]
        )

    def peers():
        start = sklearn_kernels.RBF(1.0) + sklearn_kernels.WhiteKernel(0.1)
        best = GaussianProcessRegressor(start, n_restarts_optimizer=0).fit(x, y)
        return np.append(np.exp(best.kernel_.theta), best.log_marginal_likelihood_value_)

    return {"labcore": ours, "scikit-learn": peers}


@workload(
    small={"n": 200, "m": 30},
    agree=_close,
    cost=lambda n, m, d: Cost(gemm=2 * n * m * (d + 2 * m), exps=2 * n * m),
    rounds=5,
)
def nystrom_ridge(n: int = 20_000, m: int = 500, d: int = 10) -> Ways:
    """Ridge regression on Nystrom features: fit n points with m landmarks, predict them."""
    x, y = _data(n, d)
    landmarks = x[np.random.RandomState(0).permutation(n)[:m]]  # the ones that the peer draws

    def ours():
        features = kernels.nystrom_features(kernels.Gaussian(math.sqrt(d)), landmarks)
        return kernels.feature_ridge(features, x, y, penalty=0.1)(x)

    def peers():
        model = Nystroem(gamma=0.5 / d, n_components=m, random_state=0).fit(x)
        features = model.transform(x)
        ridge = Ridge(alpha=0.1, fit_intercept=False, solver="cholesky").fit(features, y)
        return ridge.predict(model.transform(x))

    return {"labcore": ours, "scikit-learn": peers}


@workload(
    small={"n": 300},
    agree=_close,
    cost=lambda n, d: Cost(gemm=5 * n * n * d, exps=5 * n * n),
    rounds=3,
)
def iterative_kernel_ridge(n: int = 6000, d: int = 3) -> Ways:
    """Kernel ridge regression by conjugate gradients (peer: by Cholesky), predicting the data."""
    x, y = _data(n, d)
    kernel = kernels.Gaussian(math.sqrt(d))

    def ours():
        fit = kernels.iterative_kernel_ridge(kernel, x, y, penalty=0.1, rng=1, progress=False)
        return fit.function(x)

    def peers():
        return KernelRidge(alpha=0.1, kernel="rbf", gamma=0.5 / d).fit(x, y).predict(x)

    return {"labcore": ours, "scikit-learn": peers}


WORKLOADS = (
    random_fourier_features,
    kernel_ridge,
    gaussian_process,
    maximise_likelihood,
    nystrom_ridge,
    iterative_kernel_ridge,
)
