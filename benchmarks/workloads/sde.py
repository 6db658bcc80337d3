"""Stochastic differential equations."""

import numpy as np

from benchmarks.workload import Cost, Ways, same_law, workload
from labcore import sde


@workload(
    small={"n_paths": 4000, "n_steps": 100},
    agree=same_law(),
    aim=8.0,
    cost=lambda n_paths, n_steps: Cost(normals=n_paths * n_steps),
)
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


WORKLOADS = (euler_maruyama,)
