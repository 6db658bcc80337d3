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


WORKLOADS = (normals,)
