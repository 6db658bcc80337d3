"""Populations of particles and determinantal processes."""

import numpy as np

from benchmarks.workload import Cost, Ways, peer, workload
from labcore import determinantal, random, samplers


def _repelling(n: int) -> np.ndarray:
    """Gaussian kernel of n points in the square, lengthscale 0.05."""
    x = random.uniform((n, 2), rng=1)
    norms = (x * x).sum(axis=1)
    return np.exp(-(norms[:, None] + norms - 2.0 * x @ x.T) / (2 * 0.05**2))


def _different_items(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Both are sets: of as many items, none twice. That the laws agree, tests/ say set by set."""
    assert len(np.unique(ours)) == len(np.unique(theirs)) == len(ours) == len(theirs)


@workload(small={"n": 60, "k": 5}, agree=_different_items, aim=1.2, rounds=5)
def k_dpp_first(n: int = 1000, k: int = 50) -> Ways:
    """One sample of a k-DPP, eigendecomposition included."""
    L = _repelling(n)
    generator = np.random.RandomState(1)

    def ours():
        return determinantal.k_dpp(L, k).sample(1, rng=1, progress=False)[0]

    ways = {"labcore": ours}
    if dppy := peer("dppy.finite_dpps"):

        def theirs():
            process = dppy.FiniteDPP("likelihood", L=L)
            return np.array(process.sample_exact_k_dpp(size=k, random_state=generator))

        ways["dppy"] = theirs
    return ways


@workload(small={"n": 60, "k": 5}, agree=_different_items, aim=10.0)
def k_dpp_repeat(n: int = 1000, k: int = 50) -> Ways:
    """Another sample of a k-DPP whose eigendecomposition is known."""
    L = _repelling(n)
    process = determinantal.k_dpp(L, k)
    seeds = np.random.default_rng(1)
    ways = {"labcore": lambda: process.sample(1, rng=seeds, progress=False)[0]}
    if dppy := peer("dppy.finite_dpps"):
        other = dppy.FiniteDPP("likelihood", L=L)
        generator = np.random.RandomState(1)
        other.sample_exact_k_dpp(size=k, random_state=generator)

        def theirs():
            return np.array(other.sample_exact_k_dpp(size=k, random_state=generator))

        ways["dppy"] = theirs
    return ways


def _stein_cost(n: int, d: int) -> Cost:
    return Cost(gemm=3 * n * n * d, exps=n * n / 2)


def _stein_by_matrices(xp, x, scores, h):
    """The direction from the kernel matrix exp(-|x - y|^2 / h), in numpy or jax.numpy."""
    norms = (x * x).sum(axis=1)
    K = xp.exp(-xp.maximum(norms[:, None] + norms - 2.0 * x @ x.T, 0.0) / h)
    return (K @ scores + 2.0 / h * (x * K.sum(axis=1)[:, None] - K @ x)) / len(x)


@workload(small={"n": 70, "d": 3}, aim=2.0, cost=_stein_cost, rounds=15)
def stein_fixed(n: int = 1000, d: int = 10) -> Ways:
    """Direction of Stein variational gradient descent, fixed lengthscale."""
    x = random.normal((n, d), rng=1)
    h = 3.0
    ways = {
        "labcore": lambda: samplers.stein_direction(x, -x, lengthscale=np.sqrt(h / 2)),
        "numpy": lambda: _stein_by_matrices(np, x, -x, h),
    }
    if jax := peer("jax"):
        jax.config.update("jax_enable_x64", True)
        points = jax.numpy.asarray(x)
        compiled = jax.jit(lambda x: _stein_by_matrices(jax.numpy, x, -x, h))
        ways["jax"] = lambda: np.asarray(compiled(points))
    return ways


def _close_median(ours: np.ndarray, theirs: np.ndarray) -> None:
    """NumPy's median counts each point's distance to itself: of n^2, n zeros."""
    np.testing.assert_allclose(theirs, ours, atol=0.1 * np.abs(ours).max())


@workload(small={"n": 70, "d": 3}, agree=_close_median, aim=4.0, cost=_stein_cost, rounds=15)
def stein_median(n: int = 1000, d: int = 10) -> Ways:
    """Direction of Stein variational gradient descent, median heuristic."""
    x = random.normal((n, d), rng=1)

    def by_matrices():
        norms = (x * x).sum(axis=1)
        squares = np.maximum(norms[:, None] + norms - 2.0 * x @ x.T, 0.0)
        return _stein_by_matrices(np, x, -x, np.median(squares) / np.log(n))

    return {"labcore": lambda: samplers.stein_direction(x, -x), "numpy": by_matrices}


WORKLOADS = (
    k_dpp_first,
    k_dpp_repeat,
    stein_fixed,
    stein_median,
)
