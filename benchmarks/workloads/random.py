"""Random numbers."""

import numpy as np

from benchmarks.workload import Cost, Ways, same_law, workload
from labcore import random


@workload(
    small={"n": 20_000},
    agree=same_law(),
    aim=2.0,
    cost=lambda n: Cost(normals=n),
)
def normals(n: int = 2**20) -> Ways:
    """n standard normal draws."""
    generator = np.random.default_rng(1)
    return {
        "labcore": lambda: random.normal(n, rng=1),
        "numpy PCG64": lambda: generator.standard_normal(n),
    }


@workload(
    small={"n": 20_000},
    agree=same_law(),
    aim=1.0,
    cost=lambda n: Cost(bytes=8 * n),
)
def uniforms(n: int = 2**20) -> Ways:
    """n uniform draws."""
    generator = np.random.default_rng(1)
    return {
        "labcore": lambda: random.uniform(n, rng=1),
        "numpy PCG64": lambda: generator.random(n),
    }


@workload(
    small={"n": 20_000},
    agree=same_law(),
    aim=1.0,
    cost=lambda n, a: Cost(normals=n),
)
def gammas(n: int = 2**20, a: float = 2.5) -> Ways:
    """n gamma draws of shape a."""
    generator = np.random.default_rng(1)
    return {
        "labcore": lambda: random.gamma(a, n, rng=1),
        "numpy PCG64": lambda: generator.standard_gamma(a, n),
    }


@workload(small={"n": 20_000}, agree=same_law(), aim=1.0)
def poissons(n: int = 2**20, mean: float = 100.0) -> Ways:
    """n Poisson draws of a large mean, in standard units."""
    generator = np.random.default_rng(1)
    return {
        "labcore": lambda: (random.poisson(mean, n, rng=1) - mean) / np.sqrt(mean),
        "numpy PCG64": lambda: (generator.poisson(mean, n) - mean) / np.sqrt(mean),
    }


@workload(small={"n": 20_000}, agree=same_law(mean=1e-9, variance=1e-9), aim=1.0)
def permutation(n: int = 2**20) -> Ways:
    """One permutation of n elements (of whatever order: mean and variance are the same)."""
    generator = np.random.default_rng(1)
    return {
        "labcore": lambda: random.permutations(n, rng=1)[0],
        "numpy PCG64": lambda: generator.permutation(n),
    }


WORKLOADS = (normals, uniforms, gammas, poissons, permutation)
