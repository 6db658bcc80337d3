"""Run many chains: on all cores, with a progress bar, and interruptible."""

import warnings

import numpy as np
from tqdm.auto import tqdm

from labcore._validate import integer
from labcore.samplers.adaptation import warmup
from labcore.samplers.chains import Chains, Machine, collect
from labcore.samplers.grammar import Sampler
from labcore.samplers.targets import Target

__all__ = ["Chains", "sample"]


def sample(
    sampler: Sampler,
    target: Target,
    n_samples: int,
    *,
    tune: int = 0,
    start=None,
    n_chains: int = 4,
    rng: int | np.random.Generator | None = None,
    n_threads: int | None = None,
    progress: bool = True,
) -> Chains:
    """Run `n_chains` independent chains for `n_samples` steps each.

    Without `tune`, nothing is adapted and nothing is discarded. Chain number c owns stream c of the
    seed, so the result does not depend on the number of threads, and the first chains of a larger
    run, or the first steps of a longer one, are the same (of a larger run without `tune`).

    Parameters
    ----------
    sampler : Sampler
        For example ``Metropolis(step_size=0.5)``, or ``NUTS()`` with `tune`.
    target : Target
        What to sample.
    n_samples : int
        Steps of each chain.
    tune : int, default 0
        Steps of `warmup` before, which learns the step size and a diagonal metric. They are not
        returned.
    start : array_like, shape (d,) or (n_chains, d), optional
        Where the chains begin (default: standard normal points, another for each chain).
    n_chains : int, default 4
        How many chains; with a two-dimensional `start`, its number of rows.
    rng : int, numpy.random.Generator or None
        The seed.
    n_threads : int, optional
        How many threads run the chains (default: as many as there are cores).
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    Chains
        Interrupted (Ctrl-C), it warns and returns the samples that are complete: none, if that was
        in warm-up.

    Raises
    ------
    ValueError
        If the log-density is not finite where a chain begins, or if `warmup` finds no step size.

    Examples
    --------
    >>> from labcore.samplers import MALA, gaussian, sample
    >>> chains = sample(MALA(1.0), gaussian([1.0, 4.0]), 1000, rng=1)
    >>> chains.samples.shape
    (4, 1000, 2)
    """
    n_samples, tune = integer("n_samples", n_samples, least=1), integer("tune", tune)
    machine = Machine(target, start, n_chains, rng, n_threads)
    if tune:
        warm = warmup(
            sampler,
            target,
            tune,
            start=machine.state.position,
            rng=int(machine.seed),
            n_threads=machine.n_threads,
            progress=progress,
        )
        sampler = warm.sampler
        machine = Machine(target, warm.position, n_chains, int(machine.seed), machine.n_threads)
        if warm.chains.samples.shape[1] < tune:
            record, done = machine.run(sampler, 0, 0, lambda _: None)
            return collect(record, done, sampler)
    with tqdm(total=n_samples, unit="steps", delay=2.0, disable=not progress) as bar:
        record, done = machine.run(sampler, 0, n_samples, bar.update)
    if done < n_samples:
        warnings.warn(f"interrupted after {done} of {n_samples} samples", stacklevel=2)
    return collect(record, done, sampler)
