r"""Sequential Monte Carlo: a population carried from a reference to the target, with its constant.

P. Del Moral, A. Doucet, A. Jasra, "Sequential Monte Carlo samplers", J. R. Stat. Soc. B 68 (2006).
doi:10.1111/j.1467-9868.2006.00553.x
"""

import dataclasses
import os
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from labcore._compile import compiled
from labcore._validate import array, integer, real
from labcore.random import normal, seed_from, uniform
from labcore.samplers.grammar import Record, Sampler, State, advance, noise_buffer
from labcore.samplers.metrics import metric_factor
from labcore.samplers.path import tempered
from labcore.samplers.targets import Target, compiled_density, evaluate, target_parameters

_DRAW_STREAM = 2**63  # no particle has a number as large
_MOMENTUM_STREAM = 2**63 + 1  # the first of as many as there are moves
_BISECTIONS = 60


class Population(NamedTuple):
    """What sequential Monte Carlo found.

    Parameters
    ----------
    particles : ndarray, shape (n, d)
        Draws from the target, equally weighted. They are not independent: some share ancestors.
    log_normaliser : float
        The logarithm of the estimate of the target's normalising constant: its exponential is
        unbiased when the ladder and the step size are fixed.
    ladder : ndarray, shape (n_stages + 1,)
        The inverse temperatures, from 0 to the last that was reached: 1 unless interrupted.
    effective_sizes : ndarray, shape (n_stages,)
        The effective size of the weighted population before each resampling.
    acceptance : ndarray, shape (n_stages,)
        The fraction of accepted steps at each stage.
    step_sizes : ndarray, shape (n_stages,)
        The sampler's step size at the end of each stage.
    """

    particles: np.ndarray
    log_normaliser: float
    ladder: np.ndarray
    effective_sizes: np.ndarray
    acceptance: np.ndarray
    step_sizes: np.ndarray


def sequential_monte_carlo(
    sampler: Sampler,
    target: Target,
    reference: Target,
    n_particles: int,
    *,
    ladder=None,
    effective: float = 0.5,
    n_moves: int = 5,
    target_acceptance: float | None = None,
    rng: int | np.random.Generator | None = None,
    n_threads: int | None = None,
    progress: bool = True,
) -> Population:
    r"""Sample by tempering a population of particles, and estimate the normalising constant.

    The particles begin as exact draws from the reference :math:`\pi_0`. Each stage raises the
    inverse temperature of `tempered` from :math:`\beta` to :math:`\beta'`, gives each particle the
    weight

    .. math:: w_i = (\pi(x_i) / \pi_0(x_i))^{\beta' - \beta},

    resamples by `systematic_resampling`, and moves every particle by `n_moves` steps of the
    sampler. The product over the stages of the mean weights estimates
    :math:`Z = \int \pi(x)\,dx`, for a reference that is normalised.

    Parameters
    ----------
    sampler : Sampler
        Moves the particles.
    target : Target
        What to sample; its density need not be normalised.
    reference : Target
        ``gaussian(variances, mean)``: as wide as the target, or wider.
    n_particles : int
        How many particles.
    ladder : array_like, shape (n_stages + 1,), optional
        Inverse temperatures, increasing from 0 to 1. Without it each is found by bisection.
    effective : float, default 0.5
        A temperature is chosen so that the effective size
        :math:`(\sum_i w_i)^2 / \sum_i w_i^2` is this part of `n_particles`.
    n_moves : int, default 5
        Steps of the sampler at each stage.
    target_acceptance : float, optional
        After each step the logarithm of the step size changes by the acceptance rate minus this
        one (0.25 suits `Metropolis`, 0.6 `MALA` and `HMC`). Without it the step size is fixed.
    rng : int, numpy.random.Generator or None
        The seed.
    n_threads : int, optional
        How many threads move the particles (default: as many as there are cores). The result
        does not depend on it.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    Population
        Interrupted (Ctrl-C), it warns and returns the population of the last complete stage: it
        follows the law at the last inverse temperature of its `ladder`.

    Raises
    ------
    ValueError
        If `ladder` does not increase from 0 to 1, a fraction is not between 0 and 1, the reference
        is no such normal distribution, or no particle has a finite log-density.

    Notes
    -----
    The estimate of Z is unbiased with fixed `ladder` and step size, for any number of particles;
    choosing either from the particles adds a bias of order 1 / n. Its logarithm has variance of
    order 1 / n, growing with the number of stages. The cost is
    :math:`n (1 + \text{moves} \times \text{evaluations})` densities a stage. It fails, with
    a log-normaliser that is too small and no other sign, when the reference has no particle near a
    mode, and when the moves are too short to undo the resampling.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import Metropolis, gaussian, sequential_monte_carlo, two_modes
    >>> target, wide = two_modes(distance=12.0, weight=0.8), gaussian([40.0, 40.0])
    >>> run = sequential_monte_carlo(
    ...     Metropolis(2.0), target, wide, 4000, target_acceptance=0.25, rng=1
    ... )
    >>> bool(abs((run.particles[:, 0] > 0).mean() - 0.8) < 0.05)
    True
    >>> abs(run.log_normaliser) < 0.1  # the density is normalised
    True
    """
    n = integer("n_particles", n_particles, least=1)
    n_moves = integer("n_moves", n_moves)
    n_threads = integer("n_threads", n_threads or os.cpu_count() or 1, least=1)
    effective = _fraction("effective", effective)
    if target_acceptance is not None:
        target_acceptance = _fraction("target_acceptance", target_acceptance)
    fixed = None if ladder is None else _full_ladder(ladder)
    tempered(target, 0.0, reference)  # checks the reference
    seed = seed_from(rng)
    particles = reference.draw(n, int(seed))
    stages = [_Stage(0.0, 0.0, np.nan, np.nan, sampler.step_size)]
    state = particles, sampler, stages
    with tqdm(total=1.0, unit="beta", delay=2.0, disable=not progress) as bar:
        try:
            while stages[-1].beta < 1.0:
                particles, sampler, stages = state
                beta = stages[-1].beta
                ratio = evaluate(target, particles)[0] - evaluate(reference, particles)[0]
                ratio = _checked_ratio(ratio, particles)
                following = (
                    fixed[len(stages)] if fixed is not None else _next(ratio, beta, effective)
                )
                log_weights = (following - beta) * ratio
                largest = log_weights.max()
                weights = np.exp(log_weights - largest)
                u = uniform(1, rng=int(seed), stream=_DRAW_STREAM, start=len(stages))[0]
                particles, rates, sampler = _move(
                    sampler,
                    tempered(target, following, reference),
                    particles[systematic_indices(weights, n, u)],
                    n_moves,
                    n_moves * (len(stages) - 1),
                    target_acceptance,
                    seed,
                    n_threads,
                )
                stage = _Stage(
                    float(following),
                    largest + np.log(weights.mean()),
                    weights.sum() ** 2 / (weights @ weights),
                    np.mean(rates) if rates else np.nan,
                    sampler.step_size,
                )
                state = particles, sampler, [*stages, stage]
                stages = state[2]
                bar.update(following - beta)
        except KeyboardInterrupt:
            reached = state[2][-1].beta
            warnings.warn(f"interrupted at inverse temperature {reached:.3g}", stacklevel=2)
    particles, _, stages = state
    done = stages[1:]
    return Population(
        particles,
        float(sum(stage.log_mean_weight for stage in done)),
        np.array([stage.beta for stage in stages]),
        np.array([stage.effective_size for stage in done]),
        np.array([stage.acceptance for stage in done]),
        np.array([stage.step_size for stage in done]),
    )


class _Stage(NamedTuple):
    beta: float
    log_mean_weight: float
    effective_size: float
    acceptance: float
    step_size: float


def systematic_resampling(
    weights, n: int | None = None, *, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    r"""Indices of n draws from weighted points, as evenly as one uniform number allows.

    Index i is drawn as often as the points :math:`(U + j)/n,\ j = 0, \dots, n - 1` fall on its
    piece of the unit interval: :math:`\lfloor n w_i \rfloor` or :math:`\lceil n w_i \rceil` times
    with normalised weights, :math:`n w_i` times on average.

    Parameters
    ----------
    weights : array_like, shape (m,)
        Not negative, not all zero; normalised or not.
    n : int, optional
        How many draws (default: m).
    rng : int, numpy.random.Generator or None
        The seed.

    Returns
    -------
    ndarray of int, shape (n,)
        In ascending order.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or all are zero.

    Notes
    -----
    Unbiased, and mostly of smaller variance than independent draws; but the draws depend on the
    order of the points, and for some orders the variance does not decrease with n (Douc, Cappé,
    Moulines, "Comparison of resampling schemes for particle filtering", 2005,
    doi:10.1109/ISPA.2005.195385).

    Examples
    --------
    >>> from labcore.samplers import systematic_resampling
    >>> systematic_resampling([1.0, 2.0, 1.0], rng=1)
    array([1, 1, 2])
    """
    weights = array("weights", weights, 1)
    n = integer("n", len(weights) if n is None else n)
    if weights.size == 0 or weights.min() < 0.0 or not weights.max() > 0.0:
        raise ValueError(f"weights must not be negative, nor all zero, got {weights}")
    return systematic_indices(weights / weights.max(), n, uniform(1, rng=rng)[0])


def systematic_indices(weights: np.ndarray, n: int, u: float) -> np.ndarray:
    """As `systematic_resampling`, with the one uniform number, and weights known to be good."""
    chosen = np.empty(n, np.int64)
    _choose(np.ascontiguousarray(weights, float), u, np.cumsum(weights), chosen)
    return chosen


@compiled
def _choose(weights, u, cumulative, chosen):
    """chosen[i], the first k whose cumulative weight exceeds (i + u) / n of them all."""
    last = weights.size - 1  # the last product may round up: none beyond is chosen
    while last > 0 and weights[last] == 0.0:
        last -= 1
    step = cumulative[-1] / chosen.size
    k = 0
    for i in range(chosen.size):
        level = (i + u) * step
        while k < last and cumulative[k] <= level:
            k += 1
        chosen[i] = k


def _checked_ratio(ratio: np.ndarray, particles: np.ndarray) -> np.ndarray:
    """log(pi / pi_0), which may be -inf where the target has no density, but not everywhere."""
    bad = np.flatnonzero(np.isnan(ratio) | (ratio == np.inf))
    if bad.size:
        raise ValueError(
            f"target must have a log-density that is finite or -inf, got {ratio[bad[0]]} at "
            f"{particles[bad[0]].tolist()}"
        )
    if not np.isfinite(ratio).any():
        raise ValueError("target must have positive density at some draw of the reference")
    return ratio


def _next(ratio: np.ndarray, beta: float, effective: float) -> float:
    """The inverse temperature at which the effective size is a given part of the population."""
    finite = ratio[np.isfinite(ratio)]
    finite = finite - finite.max()

    def size(increment: float) -> float:
        weights = np.exp(increment * finite)
        return weights.sum() ** 2 / (weights @ weights)

    # A particle without density has no weight at any temperature: the others have to do.
    aim = effective * len(finite)
    if size(1.0 - beta) >= aim:
        return 1.0
    low, high = 0.0, 1.0 - beta
    for _ in range(_BISECTIONS):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if size(middle) >= aim else (low, middle)
    return beta + high


def _move(sampler, target, particles, n_moves, first_move, target_acceptance, seed, n_threads):
    """The particles after `n_moves` steps, the acceptance rate of each, and the sampler at last."""
    n, d = particles.shape
    value, gradient = evaluate(target, particles)
    momentum = normal((n, d), rng=int(seed), stream=_MOMENTUM_STREAM + first_move)
    state = State(particles, value, gradient, momentum)
    density, parameters = compiled_density(target.log_density), target_parameters(target)
    factor, record = metric_factor(sampler.metric, d), Record.empty(sampler, n, 1, d)
    edges = np.linspace(0, n, min(n, n_threads) + 1).astype(int).tolist()
    blocks = [slice(a, b) for a, b in pairwise(edges)]
    rates = []

    def run_block(block: slice) -> None:
        advance(
            sampler.loop,
            density,
            parameters,
            np.tile(sampler.settings(), (block.stop - block.start, 1)),
            factor,
            seed,
            block.start,
            first_move + len(rates),
            1,
            State(*(x[block] for x in state)),
            sampler.workspace(d),
            noise_buffer(d),
            np.empty((0, 5)),
            Record(*(x[block] for x in record)),
            0,
        )

    with ThreadPoolExecutor(len(blocks)) as threads:
        for _ in range(n_moves):
            list(threads.map(run_block, blocks))
            rates.append(record.accepted.mean())
            if target_acceptance is not None:
                factor_of_step = np.exp(rates[-1] - target_acceptance)
                sampler = dataclasses.replace(sampler, step_size=sampler.step_size * factor_of_step)
    return particles, rates, sampler


def _fraction(name: str, value: float) -> float:
    value = real(name, value)
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name} must be between 0 and 1, got {value:g}")
    return value


def _full_ladder(ladder) -> np.ndarray:
    ladder = array("ladder", ladder, 1)
    if len(ladder) < 2 or ladder[0] != 0.0 or (np.diff(ladder) <= 0.0).any() or ladder[-1] != 1.0:
        raise ValueError(f"ladder must increase from 0 to 1, got {ladder.tolist()}")
    return ladder
