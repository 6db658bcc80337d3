"""Chains side by side: what they sampled, and the machine that moves them on all cores."""

import math
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from labcore._validate import array, integer
from labcore.random import normal, seed_from
from labcore.samplers.grammar import Record, Sampler, State, advance, noise_buffer
from labcore.samplers.metrics import metric_factor
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
        The logarithm of each step's acceptance ratio (see `Info`).
    accepted, divergent : ndarray of bool, shape (n_chains, n_samples)
        Whether the step was accepted, and whether it went far astray.
    energy : ndarray, shape (n_chains, n_samples)
        The energy as each step began, for HMC and NUTS; nan for others.
    evaluations : ndarray of int, shape (n_chains, n_samples)
        Evaluations of the log-density and its gradient in each step.
    sampler : Sampler
        The kernel that made the steps, with the step size and the metric it had.
    """

    samples: np.ndarray
    log_density: np.ndarray
    log_ratio: np.ndarray
    accepted: np.ndarray
    divergent: np.ndarray
    energy: np.ndarray
    evaluations: np.ndarray
    sampler: Sampler

    @property
    def acceptance(self) -> np.ndarray:
        """Each chain's mean acceptance probability, shape (n_chains,)."""
        probability = np.exp(np.minimum(self.log_ratio, 0.0))
        return np.nan_to_num(probability, nan=0.0).mean(axis=1)


def collect(record: Record, n_samples: int, sampler: Sampler) -> Chains:
    """The first `n_samples` steps of a record."""
    shape = record.log_density[:, :n_samples].shape
    energy, evaluations = record.energy, record.evaluations
    if not sampler.has_energy:
        energy = np.broadcast_to(math.nan, shape)
    if sampler.evaluations is not None:
        evaluations = np.broadcast_to(sampler.evaluations, shape)
    arrays = (*record[:5], energy, evaluations)
    return Chains(*(x[:, :n_samples] for x in arrays), sampler)


class Machine:
    """Chains of one target, where they are, and the threads that move them."""

    def __init__(self, target: Target, start, n_chains, rng, n_threads):
        d = target.dimension
        self.target = target
        self.seed = seed_from(rng)
        self.n_threads = integer("n_threads", n_threads or os.cpu_count() or 1, least=1)
        position = _starts(start, d, integer("n_chains", n_chains, least=1), self.seed)
        self.n_chains = len(position)
        value, gradient = evaluate(target, position)
        if not np.isfinite(value).all():
            bad = int(np.flatnonzero(~np.isfinite(value))[0])
            raise ValueError(
                f"start must have finite log-density, got {value[bad]} at {position[bad].tolist()}"
            )
        momentum = normal((self.n_chains, d), rng=int(self.seed), stream=_START_STREAM + 1)
        self.state = State(position, value, gradient, momentum)
        self.chunk = 1  # steps between two looks at the clock

    def run(
        self,
        sampler: Sampler,
        first_index: int,
        n_samples: int,
        advanced: Callable[[int], None],
        averaging: np.ndarray | None = None,
        first_stream: int = 0,
    ) -> tuple[Record, int]:
        """Move all chains by `n_samples` steps; what they wrote, and how many were complete.

        Less than all are complete if it was interrupted (Ctrl-C): where the chains then are is not
        defined. `advanced` is told how many steps were made.
        """
        d = self.target.dimension
        factor = metric_factor(sampler.metric, d)
        settings = np.tile(sampler.settings(), (self.n_chains, 1))
        averaging = np.empty((0, 5)) if averaging is None else averaging
        density = compiled_density(self.target.log_density)
        parameters = target_parameters(self.target)
        record = Record.empty(sampler, self.n_chains, n_samples, d)

        def run_block(done: int, length: int, chains: slice) -> None:
            advance(
                sampler.loop,
                density,
                parameters,
                settings[chains],
                factor,
                self.seed,
                first_stream + chains.start,
                first_index + done,
                length,
                State(*(x[chains] for x in self.state)),
                sampler.workspace(d),
                noise_buffer(d),
                averaging[chains],
                Record(*(x[chains] for x in record)),
                done,
            )

        done, self.chunk = in_chunks(
            run_block, self.n_chains, n_samples, self.n_threads, advanced, self.chunk
        )
        return record, done


def in_chunks(
    run_block: Callable[[int, int, slice], None],
    n_chains: int,
    n_steps: int,
    n_threads: int,
    advanced: Callable[[int], None],
    chunk: int = 1,
) -> tuple[int, int]:
    """Call ``run_block(done, length, chains)`` until all chains have made their steps.

    Returns how many steps are complete (less than all after Ctrl-C), and how many of them take
    about a tenth of a second: the `chunk` to go on with.
    """
    edges = np.linspace(0, n_chains, min(n_chains, n_threads) + 1).astype(int)
    blocks = [slice(a, b) for a, b in pairwise(edges.tolist())]
    done = 0
    alone = len(blocks) == 1 or n_steps == 1  # a thread takes longer to start than a step
    with nullcontext() if alone else ThreadPoolExecutor(len(blocks)) as threads:
        each = threads.map if threads else map
        try:
            while done < n_steps:
                length = min(chunk, n_steps - done)
                began = time.perf_counter()
                list(each(partial(run_block, done, length), blocks))
                seconds = time.perf_counter() - began
                done += length
                advanced(length)
                if seconds < _CHUNK_SECONDS / 2:
                    chunk = max(chunk, 2 * length)
                elif seconds > _CHUNK_SECONDS:
                    chunk = max(length // 2, 1)
        except KeyboardInterrupt:
            pass  # the caller sees it by the number
    return done, chunk


def _starts(start, d: int, n_chains: int, seed: np.uint64) -> np.ndarray:
    """Where the chains begin, one row each, in memory of its own."""
    if start is None:
        return normal((n_chains, d), rng=int(seed), stream=_START_STREAM)
    start = array("start", start, (1, 2))
    if start.shape[-1] != d or start.size == 0:
        raise ValueError(f"start must have shape ({d},) or (n_chains, {d}), got {start.shape}")
    return np.tile(start, (n_chains, 1)) if start.ndim == 1 else start.copy()
