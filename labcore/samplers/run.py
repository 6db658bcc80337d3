"""Run many chains: on all cores, with a progress bar, and interruptible."""

import os
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from labcore._validate import array, integer
from labcore.random import normal, seed_from
from labcore.samplers.grammar import Sampler, advance, compiled_step
from labcore.samplers.targets import Target, compiled_density, evaluate, target_parameters

_CHUNK_SECONDS = 0.1  # how long an interruption waits, about
_START_STREAM = 2**63  # no chain has a number as large


class Chains(NamedTuple):
    """What was sampled.

    Parameters
    ----------
    samples : ndarray, shape (n_chains, n_samples, d)
        The states after each step.
    log_density : ndarray, shape (n_chains, n_samples)
        Their log-densities.
    log_ratio : ndarray, shape (n_chains, n_samples)
        The logarithm of each step's Metropolis-Hastings ratio (see `Info`).
    accepted : ndarray of bool, shape (n_chains, n_samples)
        Whether the step was accepted.
    evaluations : int
        Evaluations of the log-density and its gradient in each chain.
    """

    samples: np.ndarray
    log_density: np.ndarray
    log_ratio: np.ndarray
    accepted: np.ndarray
    evaluations: int

    @property
    def acceptance(self) -> np.ndarray:
        """Each chain's mean acceptance probability, shape (n_chains,)."""
        probability = np.exp(np.minimum(self.log_ratio, 0.0))
        return np.nan_to_num(probability, nan=0.0).mean(axis=1)

    @property
    def divergent(self) -> np.ndarray:
        """Which steps went far astray: log ratio below -1000, or not a number."""
        return ~(self.log_ratio > -1000.0)


def sample(
    sampler: Sampler,
    target: Target,
    n_samples: int,
    *,
    start=None,
    n_chains: int = 4,
    rng: int | np.random.Generator | None = None,
    n_threads: int | None = None,
    progress: bool = True,
) -> Chains:
    """Run `n_chains` independent chains for `n_samples` steps each.

    Nothing is adapted and nothing is discarded. Chain number c owns stream c of the seed, so the
    result does not depend on the number of threads, and the first chains of a larger run, or the
    first steps of a longer one, are the same.

    Parameters
    ----------
    sampler : Sampler
        For example ``Metropolis(step_size=0.5)``.
    target : Target
        What to sample.
    n_samples : int
        Steps of each chain.
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
        Interrupted (Ctrl-C), it warns and returns the samples that are complete.

    Raises
    ------
    ValueError
        If the log-density is not finite where a chain begins.

    Examples
    --------
    >>> from labcore.samplers import MALA, gaussian, sample
    >>> chains = sample(MALA(1.0), gaussian([1.0, 4.0]), 1000, rng=1)
    >>> chains.samples.shape
    (4, 1000, 2)
    """
    n_samples = integer("n_samples", n_samples, least=1)
    n_threads = integer("n_threads", n_threads or os.cpu_count() or 1, least=1)
    seed = seed_from(rng)
    position = _starts(start, target.dimension, integer("n_chains", n_chains, least=1), seed)
    n_chains, d = position.shape
    value, gradient = evaluate(target, position)
    if not np.isfinite(value).all():
        bad = int(np.flatnonzero(~np.isfinite(value))[0])
        raise ValueError(
            f"start must have finite log-density, got {value[bad]} at {position[bad].tolist()}"
        )
    samples = np.empty((n_chains, n_samples, d))
    log_density, log_ratio = np.empty((n_chains, n_samples)), np.empty((n_chains, n_samples))
    accepted = np.empty((n_chains, n_samples), dtype=np.bool_)
    step, density = compiled_step(sampler.loop), compiled_density(target.log_density)
    parameters, settings = target_parameters(target), sampler.settings()

    def run_block(chains: slice, done: int, length: int) -> None:
        advance(
            step,
            density,
            parameters,
            settings,
            seed,
            chains.start,
            done,
            length,
            position[chains],
            value[chains],
            gradient[chains],
            np.empty((sampler.work_rows, d)),
            samples[chains],
            log_density[chains],
            log_ratio[chains],
            accepted[chains],
            done,
        )

    run_block(slice(0, 0), 0, 0)  # compiles before the clock of the progress bar starts
    done = _run_chunks(run_block, n_chains, n_samples, n_threads, progress)
    return Chains(
        samples[:, :done],
        log_density[:, :done],
        log_ratio[:, :done],
        accepted[:, :done],
        done * sampler.evaluations,
    )


def _run_chunks(run_block, n_chains: int, n_samples: int, n_threads: int, progress: bool) -> int:
    """Call `run_block` until all chains have their samples; how many they have."""
    edges = np.linspace(0, n_chains, min(n_chains, n_threads) + 1).astype(int).tolist()
    blocks = [slice(a, b) for a, b in pairwise(edges)]
    done, length = 0, 1
    bar = tqdm(total=n_samples, unit="steps", delay=2.0, disable=not progress)
    with ThreadPoolExecutor(len(blocks)) as threads, bar:
        try:
            while done < n_samples:
                length = min(length, n_samples - done)
                began = time.perf_counter()
                for job in [threads.submit(run_block, block, done, length) for block in blocks]:
                    job.result()
                done += length
                bar.update(length)
                if time.perf_counter() - began < _CHUNK_SECONDS / 2:
                    length *= 2
        except KeyboardInterrupt:
            warnings.warn(f"interrupted after {done} of {n_samples} samples", stacklevel=3)
    return done


def _starts(start, d: int, n_chains: int, seed: np.uint64) -> np.ndarray:
    """Where the chains begin, one row each, in memory of its own."""
    if start is None:
        return normal((n_chains, d), rng=int(seed), stream=_START_STREAM)
    start = array("start", start, (1, 2))
    if start.shape[-1] != d or start.size == 0:
        raise ValueError(f"start must have shape ({d},) or (n_chains, {d}), got {start.shape}")
    return np.tile(start, (n_chains, 1)) if start.ndim == 1 else start.copy()
