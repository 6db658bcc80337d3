"""Stochastic interpolants."""

import numpy as np

from benchmarks.workload import Ways, peer, workload
from labcore import random
from labcore.interpolants import between, linear, mixture, solve_ode_adaptive, to_data


@workload(small={"n": 100})
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


@workload(small={"n": 60, "m": 100})
def data_velocity(n: int = 2000, m: int = 5000, d: int = 16) -> Ways:
    """Exact velocity from noise to a data set: kernel regression on all of it."""
    data, x = random.normal((m, d), rng=1), random.normal((n, d), rng=2)
    t = 0.7
    path = to_data(data, linear())

    def by_products():
        squares = (x**2).sum(axis=1)[:, None] + t**2 * (data**2).sum(axis=1)
        exponent = -0.5 * (squares - 2 * t * x @ data.T) / (1 - t) ** 2
        weight = np.exp(exponent - exponent.max(axis=1, keepdims=True))
        mean = weight @ data / weight.sum(axis=1, keepdims=True)
        return (mean - x) / (1 - t)

    ways = {"labcore": lambda: path.velocity(t, x), "numpy": by_products}
    if torch := peer("torch"):
        points, others = torch.from_numpy(x), torch.from_numpy(data)

        def by_torch():
            exponent = -0.5 * torch.cdist(points, t * others) ** 2 / (1 - t) ** 2
            return ((torch.softmax(exponent, 1) @ others - points) / (1 - t)).numpy()

        ways["torch"] = by_torch
    return ways


def _equally_good(ours, theirs):
    """The results are errors: the worst of the peer's is no larger, and not a third of it."""
    assert 1 / 3 <= np.abs(theirs).max() / np.abs(ours).max() <= 1.0


@workload(small={"n": 20}, agree=_equally_good)
def dormand_prince(n: int = 2000, components: int = 8) -> Ways:
    """The flow from a normal law to a mixture in the plane, to equal errors at worst.

    labcore controls the error of the worst particle, SciPy the mean over all of them: at one
    tolerance they do not do one task. SciPy gets the largest that makes its worst as good.
    """
    from scipy.integrate import solve_ivp

    angles = 2 * np.pi * np.arange(components) / components
    means = 4 * np.column_stack([np.cos(angles), np.sin(angles)])
    path = between(mixture(np.zeros((1, 2))), mixture(means, 0.09), linear())
    x = path.source.sample(n, rng=1)
    exact = solve_ode_adaptive(path.velocity, x, rtol=1e-11, atol=1e-11, progress=False).x[:, -1]

    def flat(t, y):
        return path.velocity(t, y.reshape(-1, 2)).ravel()

    def errors():
        return solve_ode_adaptive(path.velocity, x, rtol=1e-6, atol=1e-6).x[:, -1] - exact

    def errors_of_scipy(tolerance):
        run = solve_ivp(flat, (0.0, 1.0), x.ravel(), rtol=tolerance, atol=tolerance)
        return run.y[:, -1].reshape(-1, 2) - exact

    worst, tolerance = np.abs(errors()).max(), 1e-6
    while np.abs(errors_of_scipy(tolerance)).max() > worst:
        tolerance *= 0.8
    return {"labcore": errors, "scipy": lambda: errors_of_scipy(tolerance)}


WORKLOADS = (mixture_velocity, data_velocity, dormand_prince)
