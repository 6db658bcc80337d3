"""Markov chain Monte Carlo."""

import numpy as np

from benchmarks.workload import Ways, same_law, workload
from labcore import samplers


@workload(small={"n_samples": 500}, agree=same_law())
def metropolis(n_chains: int = 64, n_samples: int = 2000) -> Ways:
    """Random-walk Metropolis on a standard normal in 10 dimensions, many chains."""
    d = 10
    target = samplers.gaussian(np.eye(d))
    sampler = samplers.Metropolis(step_size=0.7)

    def ours():
        return samplers.sample(
            sampler, target, n_samples, n_chains=n_chains, rng=1, progress=False
        ).samples

    def all_chains_at_once():
        generator = np.random.default_rng(1)
        x = generator.standard_normal((n_chains, d))
        value = -0.5 * (x * x).sum(axis=1)
        out = np.empty((n_chains, n_samples, d))
        for i in range(n_samples):
            proposal = x + 0.7 * generator.standard_normal((n_chains, d))
            proposed = -0.5 * (proposal * proposal).sum(axis=1)
            accepted = np.log(generator.random(n_chains)) < proposed - value
            x = np.where(accepted[:, None], proposal, x)
            value = np.where(accepted, proposed, value)
            out[:, i] = x
        return out

    return {"labcore": ours, "numpy, chains in step": all_chains_at_once}


WORKLOADS = (metropolis,)
