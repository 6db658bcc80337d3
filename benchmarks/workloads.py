"""What is measured: each workload is the same task done by labcore and by its peers.

A workload returns the ways of doing it, labcore's first. Where results are not random the tests
compare them (tests/test_benchmarks.py): a faster answer to another question is no answer.
"""

from collections.abc import Callable

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as sklearn_kernels
from sklearn.metrics.pairwise import rbf_kernel

from labcore import kernels, random, samplers, sde
from labcore.interpolants import between, linear, mixture

Ways = dict[str, Callable[[], np.ndarray]]


def normals(n: int = 2**20) -> Ways:
    """n standard normal draws."""
    generator = np.random.default_rng(1)
    return {
        "labcore": lambda: random.normal(n, rng=1),
        "numpy PCG64": lambda: generator.standard_normal(n),
    }


def gaussian_gram(n: int = 2000, d: int = 3) -> Ways:
    """Gram matrix of the Gaussian kernel, n points in d dimensions."""
    x = random.normal((n, d), rng=1)
    return {
        "labcore": lambda: kernels.Gaussian(0.7)(x),
        "scikit-learn": lambda: rbf_kernel(x, gamma=0.5 / 0.7**2),
        "scipy cdist": lambda: np.exp(-0.5 / 0.7**2 * cdist(x, x, "sqeuclidean")),
    }


def matern_gram(n: int = 2000, d: int = 3) -> Ways:
    """Gram matrix of the Matern kernel of smoothness 5/2."""
    x = random.normal((n, d), rng=1)
    peer = sklearn_kernels.Matern(0.7, nu=2.5)
    return {"labcore": lambda: kernels.Matern(2.5, 0.7)(x), "scikit-learn": lambda: peer(x)}


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


def metropolis(n_chains: int = 64, n_samples: int = 2000) -> Ways:
    """Random-walk Metropolis on a standard normal in 10 dimensions, many chains."""
    d = 10
    target = samplers.gaussian(np.eye(d))
    sampler = samplers.Metropolis(step_size=0.7)

    def ours():
        return samplers.sample(
            sampler, target, n_samples, n_chains=n_chains, rng=1, progress=False
        ).samples

    def all_chains_at_once():
        generator = np.random.default_rng(1)
        x = generator.standard_normal((n_chains, d))
        value = -0.5 * (x * x).sum(axis=1)
        out = np.empty((n_chains, n_samples, d))
        for i in range(n_samples):
            proposal = x + 0.7 * generator.standard_normal((n_chains, d))
            proposed = -0.5 * (proposal * proposal).sum(axis=1)
            accepted = np.log(generator.random(n_chains)) < proposed - value
            x = np.where(accepted[:, None], proposal, x)
            value = np.where(accepted, proposed, value)
            out[:, i] = x
        return out

    return {"labcore": ours, "numpy, chains in step": all_chains_at_once}


def euler_maruyama(n_paths: int = 10_000, n_steps: int = 500) -> Ways:
    """Euler-Maruyama on the double well, end points only."""
    model = sde.double_well()

    def ours():
        return sde.solve(
            model, sde.EULER_MARUYAMA, 0.0, 5.0, n_steps, n_paths, save_every=n_steps, rng=1
        ).x[:, -1]

    def all_paths_at_once():
        generator = np.random.default_rng(1)
        h, x = 5.0 / n_steps, np.zeros(n_paths)
        for _ in range(n_steps):
            noise = generator.standard_normal(n_paths)
            x = x + h * (x - x * x * x) + np.sqrt(h) * 0.7 * noise
        return x

    return {"labcore": ours, "numpy, paths in step": all_paths_at_once}


def mixture_velocity(n: int = 20_000, components: int = 8) -> Ways:
    """Velocity of an interpolant from a normal law to a mixture, in the plane."""
    angles = 2 * np.pi * np.arange(components) / components
    means = 4 * np.column_stack([np.cos(angles), np.sin(angles)])
    covariances = 0.09 * np.broadcast_to(np.eye(2), (components, 2, 2))
    path = between(mixture(np.zeros((1, 2))), mixture(means, covariances), linear())
    x = 2 * random.normal((n, 2), rng=1)
    t = 0.6

    def by_einsum():
        variance = (1 - t) ** 2 + t**2 * 0.09
        away = x[:, None] - t * means
        exponent = -0.5 * (away**2).sum(axis=2) / variance
        weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        weight /= weight.sum(axis=1, keepdims=True)
        half_rate = (-(1 - t) + t * 0.09) / variance
        return np.einsum("nk,nkd->nd", weight, means + half_rate * away)

    return {"labcore": lambda: path.velocity(t, x), "numpy": by_einsum}


WORKLOADS = (
    normals,
    gaussian_gram,
    matern_gram,
    gaussian_process,
    metropolis,
    euler_maruyama,
    mixture_velocity,
)
