"""Quasi-Monte Carlo."""

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.stats import qmc

from benchmarks.workload import Cost, Ways, peer, same_law, same_numbers, workload
from labcore import quasi

# SciPy, QMCPy and labcore permute the digits and move the lattice each in its own way: the columns
# of all of them have the mean and variance of a uniform variable.
same_uniforms = same_law(mean=0.01, variance=0.05)


@workload(
    small={"n": 2**12},
    agree=same_uniforms,
    aim=60.0,
    cost=lambda n, d: Cost(bytes=8 * n * d),
    rounds=3,
)
def halton(n: int = 2**20, d: int = 10) -> Ways:
    """Scrambled Halton points, into memory that is there."""
    out = np.empty((n, d))
    # QMCPy takes forty times as long as SciPy (21 s): it is left out to keep the run short.
    return {
        "labcore": lambda: quasi.halton(n, d, rng=1, out=out),
        "scipy": lambda: qmc.Halton(d, rng=1).random(n),
    }


@workload(
    small={"n": 2**12},
    agree=same_uniforms,
    aim=20.0,
    cost=lambda n, d: Cost(bytes=8 * n * d),
)
def lattice(n: int = 2**20, d: int = 10) -> Ways:
    """A rank-1 lattice with a random shift, into memory that is there."""
    vector = quasi.generating_vector(n, d)
    out = np.empty((n, d))

    def by_numpy():
        shift = np.random.default_rng(1).random(d)
        return (np.arange(n)[:, None] * vector % n / n + shift) % 1.0

    ways = {
        "labcore": lambda: quasi.lattice(n, d, vector=vector, rng=1, out=out),
        "numpy": by_numpy,
    }
    if qmcpy := peer("qmcpy"):
        ways["qmcpy"] = lambda: qmcpy.Lattice(d, seed=1).gen_samples(n)
    return ways


@workload(small={"n": 2**8}, agree=same_numbers)
def lattice_regression(n: int = 2**11, d: int = 3) -> Ways:
    """The coefficients of Gaussian-process regression on a lattice."""
    x = quasi.lattice(n, d, rng=1)
    y = np.exp(np.sin(2 * np.pi * x)).prod(axis=1)
    kernel = quasi.ShiftInvariant(weights=0.5)

    def by_cholesky():
        return cho_solve(cho_factor(kernel(x) + 1e-3 * np.eye(n)), y)

    return {
        "labcore": lambda: quasi.condition(kernel, x, y, noise_variance=1e-3).coefficients,
        "scipy Cholesky": by_cholesky,
    }


WORKLOADS = (halton, lattice, lattice_regression)
