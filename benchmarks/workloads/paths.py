"""Expectations along paths: multilevel against plain Monte Carlo at equal accuracy."""

import numpy as np

from benchmarks.workload import Ways, workload
from labcore import sde


def same_expectation(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Both are within four tolerances, the second entry, of each other."""
    assert abs(ours[0] - theirs[0]) < 4.0 * ours[1]


@workload(small={"tolerance": 0.02}, agree=same_expectation, aim=20.0, rounds=3)
def multilevel(tolerance: float = 0.0005) -> Ways:
    """A call option on geometric Brownian motion to a root mean squared error."""
    growth, volatility = 0.05, 0.6
    model = sde.geometric_brownian(growth, volatility)

    def payoff(end):
        return np.maximum(end - 1.0, 0.0)

    def ours():
        result = sde.multilevel(
            model,
            sde.MILSTEIN,
            1.0,
            1.0,
            lambda paths: payoff(paths.x[:, -1]),
            tolerance,
            rng=1,
            progress=False,
        )
        return np.array([result.estimate, tolerance])

    def one_step_size():
        # The variance of the payoff is 0.25, the bias of n steps 0.04 / n.
        n_paths, n_steps = int(0.5 / tolerance**2), max(int(0.06 / tolerance), 1)
        generator, h = np.random.default_rng(1), 1.0 / n_steps
        x = np.ones(n_paths)
        for _ in range(n_steps):
            dw = np.sqrt(h) * generator.standard_normal(n_paths)
            correction = 0.5 * volatility**2 * (dw * dw - h)
            x = x * (1.0 + growth * h + volatility * dw + correction)
        return np.array([payoff(x).mean(), tolerance])

    return {"labcore": ours, "numpy, one step size": one_step_size}


WORKLOADS = (multilevel,)
