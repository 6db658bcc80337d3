"""Optimal transport."""

import math

import numpy as np
from scipy.stats import wasserstein_distance

from benchmarks.workload import Cost, Ways, peer, workload
from labcore import random, transport


def _problem(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Squared distances of two clouds in the plane, and equal weights."""
    x, y = random.normal((n, 2), rng=1), random.normal((n, 2), rng=2) + 1.0
    return ((x[:, None] - y) ** 2).sum(axis=2), np.full(n, 1.0 / n)


def _by_numpy(cost: np.ndarray, weights: np.ndarray, epsilon: float, iterations: int) -> np.ndarray:
    kernel = np.exp(-cost / cost.dtype.type(epsilon))
    u = weights.copy()
    for _ in range(iterations):
        v = weights / (kernel.T @ u)
        u = weights / (kernel @ v)
    return u[:, None] * kernel * v


def _same_plan(ours: np.ndarray, theirs: np.ndarray) -> None:
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-5 * ours.max())


@workload(
    small={"n": 60},
    agree=_same_plan,
    cost=lambda n, iterations: Cost(exps=n * n, bytes=8 * n * n * iterations),
    rounds=5,
)
def sinkhorn(n: int = 2000, iterations: int = 100) -> Ways:
    """Sinkhorn's iteration with a fixed number of steps, and its plan."""
    cost, a = _problem(n)
    epsilon = 0.1 * cost.mean()
    options = {"tolerance": 0.0, "max_iterations": iterations, "progress": False}
    ways = {
        "labcore": lambda: transport.sinkhorn(cost, epsilon, a, a, **options).plan(),
        "numpy": lambda: _by_numpy(cost, a, epsilon, iterations),
    }
    if ot := peer("ot"):
        pot = {"numItermax": iterations, "stopThr": 0, "warn": False}
        ways["POT"] = lambda: ot.sinkhorn(a, a, cost, epsilon, **pot)
    return ways


@workload(
    small={"n": 60},
    agree=_same_plan,
    aim=2.0,
    cost=lambda n, iterations: Cost(exps=n * n, bytes=4 * n * n * iterations),
    rounds=5,
)
def sinkhorn_single_precision(n: int = 2000, iterations: int = 100) -> Ways:
    """The same with labcore's kernel in single precision."""
    cost, a = _problem(n)
    epsilon = 0.1 * cost.mean()
    options = {"tolerance": 0.0, "max_iterations": iterations, "progress": False}
    single = cost.astype(np.float32), a.astype(np.float32)
    ways = sinkhorn.ways(n, iterations)
    ours = {
        "labcore": lambda: transport.sinkhorn(
            cost, epsilon, a, a, dtype=np.float32, **options
        ).plan()
    }
    ways = ours | {name: way for name, way in ways.items() if name != "labcore"}
    return ways | {"numpy, single": lambda: _by_numpy(*single, epsilon, iterations)}


@workload(
    small={"n": 60},
    agree=_same_plan,
    aim=15.0,
    cost=lambda n, iterations: Cost(exps=n * n, bytes=8 * n * n * iterations),
    rounds=3,
)
def sinkhorn_log_domain(n: int = 2000, iterations: int = 100) -> Ways:
    """Sinkhorn's iteration that no cost breaks: labcore's only one, the peers' in logarithms."""
    cost, a = _problem(n)
    epsilon = 0.1 * cost.mean()
    options = {"tolerance": 0.0, "max_iterations": iterations, "progress": False}
    ways = {"labcore": lambda: transport.sinkhorn(cost, epsilon, a, a, **options).plan()}
    if ot := peer("ot"):
        pot = {"numItermax": iterations, "stopThr": 0, "warn": False}
        ways["POT, sinkhorn_log"] = lambda: ot.sinkhorn(
            a, a, cost, epsilon, method="sinkhorn_log", **pot
        )
    return ways


@workload(
    small={"n": 60},
    agree=_same_plan,
    aim=15.0,
    cost=lambda n, iterations: Cost(exps=n * n * iterations),
    threads=(1, 2),
    rounds=3,
)
def sinkhorn_of_points(n: int = 2000, iterations: int = 20) -> Ways:
    """Sinkhorn's iteration without a stored matrix, in logarithms, and its plan."""
    x, y = random.normal((n, 2), rng=1), random.normal((n, 2), rng=2) + 1.0
    a = np.full(n, 1.0 / n)
    options = {"tolerance": 0.0, "max_iterations": iterations, "progress": False}
    ways = {"labcore": lambda: transport.sinkhorn_of_points(x, y, 0.5, a, a, **options).plan()}
    if ot := peer("ot"):
        pot = {"numItermax": iterations, "stopThr": 0, "warn": False}
        ways["POT, sinkhorn_log"] = lambda: ot.sinkhorn(
            a, a, ot.dist(x, y), 0.5, method="sinkhorn_log", **pot
        )
    return ways


@workload(small={"n": 100}, aim=7.0, rounds=9)
def wasserstein_on_the_line(n: int = 100_000) -> Ways:
    """The distance W_1 of two samples of n points on the line."""
    x, y = random.normal(n, rng=1), random.normal(n, rng=2)
    ways = {
        "labcore": lambda: transport.wasserstein_1d(x, y),
        "scipy": lambda: wasserstein_distance(x, y),
    }
    if ot := peer("ot"):
        ways["POT, wasserstein_1d"] = lambda: ot.wasserstein_1d(x, y, p=1)
        ways["POT, emd2_1d"] = lambda: ot.emd2_1d(x, y, metric="euclidean")
    return ways


@workload(
    small={"n": 100},
    aim=28.0,
    cost=lambda n, d, projections: Cost(gemm=4 * n * d * projections),
    rounds=3,
)
def sliced_wasserstein(n: int = 100_000, d: int = 10, projections: int = 50) -> Ways:
    """The sliced distance of two samples, along directions that are given."""
    x, y = random.normal((n, d), rng=1), random.normal((n, d), rng=2) + 0.1
    theta = random.unit_vectors(d, projections, rng=3)

    def by_numpy():
        p, q = theta @ x.T, theta @ y.T
        p.sort(axis=1)
        q.sort(axis=1)
        return math.sqrt(((p - q) ** 2).mean())

    ways = {
        "labcore": lambda: transport.sliced_wasserstein(x, y, directions=theta).distance,
        "numpy": by_numpy,
    }
    if ot := peer("ot"):
        columns = theta.T.copy()
        ways["POT"] = lambda: ot.sliced_wasserstein_distance(x, y, projections=columns)
    return ways


WORKLOADS = (
    sinkhorn,
    sinkhorn_single_precision,
    sinkhorn_log_domain,
    sinkhorn_of_points,
    wasserstein_on_the_line,
    sliced_wasserstein,
)
