"""Stochastic interpolants."""

import numpy as np

from benchmarks.workload import Ways, workload
from labcore import random
from labcore.interpolants import between, linear, mixture


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


WORKLOADS = (mixture_velocity,)
