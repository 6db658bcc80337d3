"""Statistics with kernels: discrepancies, density estimation, thinning."""

import math

import numpy as np
from scipy.stats import gaussian_kde
from sklearn.metrics.pairwise import rbf_kernel

from benchmarks.workload import Cost, Ways, peer, workload
from labcore import random, stats
from labcore.kernels import Gaussian, RationalQuadratic


@workload(
    small={"n": 60},
    aim=6.0,
    cost=lambda n, d: Cost(gemm=4 * n * n * d, exps=2 * n * n),
    rounds=5,
)
def mmd(n: int = 5000, d: int = 10) -> Ways:
    """Squared maximum mean discrepancy of two samples of n points, Gaussian kernel."""
    x, y = random.normal((n, d), rng=1), random.normal((n, d), rng=2) + 0.1
    gamma = 0.5 / d

    def numpy_sum(a, b):
        squared = (a * a).sum(axis=1)[:, None] + (b * b).sum(axis=1) - 2 * a @ b.T
        return np.exp(-gamma * squared).mean()

    return {
        "labcore": lambda: stats.mmd_squared(Gaussian(math.sqrt(d)), x, y, biased=True),
        "scikit-learn": lambda: (
            rbf_kernel(x, gamma=gamma).mean()
            + rbf_kernel(y, gamma=gamma).mean()
            - 2 * rbf_kernel(x, y, gamma=gamma).mean()
        ),
        "numpy": lambda: numpy_sum(x, x) + numpy_sum(y, y) - 2 * numpy_sum(x, y),
    }


@workload(
    small={"n": 60},
    aim=20.0,
    cost=lambda n, d: Cost(gemm=4 * n * n * d),
    rounds=5,
)
def stein_discrepancy(n: int = 5000, d: int = 10) -> Ways:
    """Squared kernel Stein discrepancy of n points, inverse multiquadric kernel."""
    kernel = RationalQuadratic(1.0, alpha=0.5)
    x = random.normal((n, d), rng=1)
    score = -x

    def by_products():
        norms = (x * x).sum(axis=1)
        squared = np.maximum(norms[:, None] + norms - 2 * x @ x.T, 0)
        u = 1 / (1 + squared)
        k = np.sqrt(u)
        cross, own = score @ x.T, (score * x).sum(axis=1)
        mixed = own[:, None] + own - cross - cross.T
        return (k * (score @ score.T) + k * u * (mixed + d) - 3 * k * u * u * squared).mean()

    return {
        "labcore": lambda: stats.ksd_squared(kernel, x, score, biased=True),
        "numpy": by_products,
    }


@workload(small={"n": 200, "m": 20}, cost=lambda n, m: Cost(exps=n * m), rounds=5)
def density(n: int = 100_000, m: int = 1000) -> Ways:
    """Gaussian kernel density estimate from n points on the line, at m points."""
    x, t = random.normal(n, rng=1), np.linspace(-4, 4, m)
    return {
        "labcore": lambda: stats.kernel_density(x, bandwidth="scott")(t),
        "scipy": lambda: gaussian_kde(x)(t),
    }


@workload(
    small={"n": 200, "m": 20},
    agree=lambda ours, theirs: np.testing.assert_allclose(ours, theirs, atol=1e-4 * theirs.max()),
    rounds=5,
)
def density_on_grid(n: int = 100_000, m: int = 1000) -> Ways:
    """The same density on a grid of m points, to 1e-4 of its largest value."""
    x = random.normal(n, rng=1)
    t = np.linspace(-4, 4, m)
    return {
        "labcore": lambda: stats.kernel_density(x, bandwidth="scott").on_grid(-4, 4, m),
        "scipy": lambda: gaussian_kde(x)(t),
    }


_LENGTHSCALE = math.sqrt(2.0)


def _discrepancy_to_the_law(points: np.ndarray) -> float:
    """Of points in the plane to the standard normal law, in closed form."""
    square = _LENGTHSCALE**2
    mean = (square / (square + 1)) * np.exp(-0.5 * (points**2).sum(axis=1) / (square + 1))
    gram = Gaussian(_LENGTHSCALE)(points)
    return math.sqrt(square / (square + 2) - 2 * mean.mean() + gram.mean())


def _thins_as_well(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Ours has at most a quarter more discrepancy to the law than theirs."""
    assert _discrepancy_to_the_law(ours) < 1.25 * _discrepancy_to_the_law(theirs)


@workload(small={"n": 2**8, "halvings": 4}, agree=_thins_as_well, aim=40.0, rounds=3)
def kernel_thinning(n: int = 2**11, halvings: int = 4) -> Ways:
    """Kernel thinning, split and swap, of n points in the plane to n / 2^halvings."""
    x = random.normal((n, 2), rng=1)
    ways = {"labcore": lambda: x[stats.kernel_thinning(Gaussian(_LENGTHSCALE), x, halvings, rng=1)]}
    if goodpoints := peer("goodpoints.kt"):

        def kernel(a, b):
            return np.exp(-0.5 / _LENGTHSCALE**2 * ((a - b) ** 2).sum(axis=-1))

        ways["goodpoints"] = lambda: x[goodpoints.thin(x, halvings, kernel, kernel, seed=1)]
    return ways


@workload(small={"n": 4**4}, agree=_thins_as_well, aim=5.0, rounds=3)
def compress_plus_plus(n: int = 4**7, oversampling: int = 2) -> Ways:
    """Compress++ of n points in the plane to their root, with equal oversampling."""
    x = random.normal((n, 2), rng=1)
    ways = {
        "labcore": lambda: x[
            stats.compress_plus_plus(Gaussian(_LENGTHSCALE), x, oversampling=oversampling, rng=1)
        ]
    }
    if goodpoints := peer("goodpoints.compress"):
        width = np.array([2 * _LENGTHSCALE**2])
        ways["goodpoints"] = lambda: x[
            goodpoints.compresspp_kt(x, b"gaussian", k_params=width, g=oversampling, seed=1)
        ]
    return ways


WORKLOADS = (
    mmd,
    stein_discrepancy,
    density,
    density_on_grid,
    kernel_thinning,
    compress_plus_plus,
)
