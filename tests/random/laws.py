"""Every law with its array function, its loop function and SciPy's law: what the tests share."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import stats

from labcore import random


class Law(NamedTuple):
    """One law with fixed parameters. `scipy` is None where SciPy has none that is quick."""

    name: str
    draw: Callable[..., np.ndarray]  # of shape, rng, stream, start
    at: Callable[[np.uint64, np.uint64, np.uint64], float]
    scipy: object


def law(name, parameters, scipy, draw, at) -> Law:
    def one(seed, stream, index):
        return at(seed, stream, index, *parameters)

    label = f"{name}({', '.join(f'{p:g}' for p in parameters)})"
    return Law(label, partial(draw, *parameters), one, scipy)


CONTINUOUS = [
    law("exponential", (), stats.expon(), random.exponential, random.exponential_at),
    *(
        law("gamma", (a,), stats.gamma(a), random.gamma, random.gamma_at)
        for a in (0.05, 0.5, 1.0, 2.5, 1e6)
    ),
    *(
        law("beta", ab, stats.beta(*ab), random.beta, random.beta_at)
        for ab in ((0.5, 0.5), (0.2, 3.0), (2.0, 3.5), (400.0, 1.0))
    ),
    *(
        law("t", (df,), stats.t(df), random.student_t, random.student_t_at)
        for df in (0.5, 3.0, 12.0, 1e9)
    ),
    law("stable", (2.0, 0.3), stats.norm(0, np.sqrt(2)), random.stable, random.stable_at),
    law("stable", (1.0, 0.0), stats.cauchy(), random.stable, random.stable_at),
    law("stable", (0.5, 1.0), stats.levy(), random.stable, random.stable_at),
    *(
        law("von Mises", (kappa,), scipy, random.von_mises, random.von_mises_at)
        for kappa, scipy in (
            (0.0, stats.uniform(-np.pi, 2 * np.pi)),
            (1e-9, stats.uniform(-np.pi, 2 * np.pi)),
            (0.7, stats.vonmises(0.7)),
            (30.0, stats.vonmises(30.0)),
            (1e12, stats.norm(0, 1e-6)),
        )
    ),
]
WEIGHTS = (0.0, 3.0, 1.0, 0.0, 2.0, 0.5)
CATEGORICAL = Law(
    "categorical",
    partial(random.categorical, WEIGHTS),
    lambda *address: random.categorical_at(*address, *random.alias_table(WEIGHTS)),
    stats.rv_discrete(values=(range(6), np.array(WEIGHTS) / 6.5))(),
)
DISCRETE = [
    *(
        law("integers", (n,), stats.randint(0, n), random.integers, random.integer_at)
        for n in (1, 6, 1000)
    ),
    *(
        law("Poisson", (m,), stats.poisson(m), random.poisson, random.poisson_at)
        for m in (0.0, 0.1, 3.0, 9.99, 10.0, 40.0, 3000.0)
    ),
    CATEGORICAL,
]
# No law of SciPy's to compare with at this size, but draws like the others.
ADDRESSED = [
    law("stable", (1.3, -0.7), None, random.stable, random.stable_at),
    law("stable", (1.0, 0.5), None, random.stable, random.stable_at),
    law("Poisson", (1e12,), None, random.poisson, random.poisson_at),
    law("integers", (3 * 2**61,), None, random.integers, random.integer_at),
]
EVERY = [*CONTINUOUS, *DISCRETE, *ADDRESSED]
