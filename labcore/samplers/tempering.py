r"""Parallel tempering: a ladder of flattened targets whose chains exchange their places.

S. Syed, A. Bouchard-Côté, G. Deligiannidis, A. Doucet, "Non-reversible parallel tempering: a
scalable highly parallel MCMC scheme", J. R. Stat. Soc. B 84 (2022). doi:10.1111/rssb.12464
"""

import os
import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import uint64
from tqdm.auto import tqdm

from labcore._compile import compiled
from labcore._math import exp
from labcore._validate import array, integer
from labcore.random import normal, seed_from, uniform_at
from labcore.samplers.chains import in_chunks
from labcore.samplers.grammar import Sampler, step_log_uniform, step_normals
from labcore.samplers.metrics import metric_factor
from labcore.samplers.path import mix, reference_value, tempered, unmix
from labcore.samplers.targets import Target, compiled_density, evaluate, target_parameters

_START_STREAM = 2**63  # no rung has a number as large
_SWAP_STREAM = np.uint64(2**63 + 1)  # the first of as many as there are ladders


class Ladders(NamedTuple):
    """What parallel tempering sampled, and how well the ladder passed it on.

    Parameters
    ----------
    samples : ndarray, shape (n_chains, n_samples, d)
        The states of the coldest rung, the target itself, after each sweep.
    ladder : ndarray, shape (n_rungs,)
        The inverse temperatures.
    swap_rates : ndarray, shape (n_rungs - 1,)
        The mean acceptance probability of exchanges between neighbours.
    acceptance : ndarray, shape (n_rungs,)
        The fraction of the sampler's steps that were accepted, rung by rung.
    restarts : ndarray of int, shape (n_chains,)
        How often a state came all the way from the hottest rung to the coldest.
    positions : ndarray, shape (n_chains, n_rungs, d)
        Where all rungs are in the end.
    """

    samples: np.ndarray
    ladder: np.ndarray
    swap_rates: np.ndarray
    acceptance: np.ndarray
    restarts: np.ndarray
    positions: np.ndarray

    @property
    def barrier(self) -> float:
        r"""The communication barrier :math:`\Lambda`: the sum of all rejection rates.

        It hardly depends on the ladder once that is fine. With :math:`n \gg \Lambda` rungs at
        equal rates, a state restarts about every :math:`2 + 2 \Lambda` sweeps (Syed et al.,
        section 3).
        """
        return float((1.0 - self.swap_rates).sum())


def parallel_tempering(
    sampler: Sampler | Sequence[Sampler],
    target: Target,
    ladder,
    n_samples: int,
    *,
    reference: Target | None = None,
    n_moves: int = 1,
    start=None,
    n_chains: int = 4,
    rng: int | np.random.Generator | None = None,
    n_threads: int | None = None,
    progress: bool = True,
) -> Ladders:
    r"""Sample by parallel tempering.

    Each rung of the ladder has its own chain, for the target of `tempered` at its
    :math:`\beta`. A sweep moves every chain by `n_moves` steps of the sampler, then offers
    neighbours to exchange their states, with probability

    .. math:: \min\Bigl(1, e^{(\beta_{i+1} - \beta_i)(u(x_i) - u(x_{i+1}))}\Bigr), \qquad
       u = \log \pi - \log \pi_0,

    in turn the pairs (0, 1), (2, 3), ... and (1, 2), (3, 4), ...: in this order a state that climbs
    keeps climbing until it is rejected. The product of all rungs' laws is left invariant.

    Parameters
    ----------
    sampler : Sampler or sequence of Sampler
        Moves the chains. A sequence, of one class, has one for each rung: hot rungs like
        larger steps.
    target : Target
        What to sample.
    ladder : array_like, shape (n_rungs,)
        Inverse temperatures, positive and increasing to 1.
    n_samples : int
        How many sweeps.
    reference : Target, optional
        Where the path begins (see `tempered`); without it rungs are powers of the density.
    n_moves : int, default 1
        Steps of the sampler in a sweep.
    start : array_like, shape (d,) or (n_chains, n_rungs, d), optional
        Where the chains begin (default: standard normal points).
    n_chains : int, default 4
        How many independent ladders, each with all rungs.
    rng : int, numpy.random.Generator or None
        The seed.
    n_threads : int, optional
        How many threads run the ladders (default: as many as there are cores). The result does
        not depend on it.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    Ladders
        Interrupted (Ctrl-C), it warns and returns the sweeps that are complete.

    Raises
    ------
    ValueError
        If the ladder is not increasing to 1, or a chain begins where the density is not finite.

    Notes
    -----
    An exchange evaluates nothing. Tempering fails when the modes differ in width: flattening moves
    mass to the wide one, and the narrow one is found only from nearby (a first-order phase
    transition); no ladder of powers mends it. It also fails quietly when swap rates are near 0
    between two neighbours: look at `swap_rates` and `restarts`.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import Metropolis, parallel_tempering, two_modes
    >>> target = two_modes(distance=12.0, weight=0.8)
    >>> ladder = np.geomspace(0.05, 1.0, 6)
    >>> steps = [Metropolis(1.0 / np.sqrt(beta)) for beta in ladder]
    >>> run = parallel_tempering(steps, target, ladder, 4000, start=[-6.0, 0.0], rng=1)
    >>> bool(abs((run.samples[..., 0] > 0).mean() - 0.8) < 0.05)
    True
    """
    ladder = _increasing_ladder(ladder)
    n_samples = integer("n_samples", n_samples, least=1)
    n_moves = integer("n_moves", n_moves, least=1)
    n_threads = integer("n_threads", n_threads or os.cpu_count() or 1, least=1)
    n_chains = integer("n_chains", n_chains, least=1)
    seed = seed_from(rng)
    samplers = _one_for_each_rung(sampler, len(ladder))
    rungs = [tempered(target, beta, reference) for beta in ladder]
    position = _starts(start, n_chains, len(ladder), target.dimension, seed)
    n_chains, n_rungs, d = position.shape
    value, gradient = np.empty((n_chains, n_rungs)), np.empty(position.shape)
    for k, rung in enumerate(rungs):
        value[:, k], gradient[:, k] = evaluate(rung, position[:, k])
    if not np.isfinite(value).all():
        chain, k = np.argwhere(~np.isfinite(value))[0]
        raise ValueError(
            f"start must have finite log-density, got {value[chain, k]} at "
            f"{position[chain, k].tolist()}"
        )
    samples = np.empty((n_chains, n_samples, d))
    moves, accepted = np.zeros((n_chains, n_rungs)), np.zeros((n_chains, n_rungs))
    offers, exchanged = np.zeros((n_chains, n_rungs - 1)), np.zeros((n_chains, n_rungs - 1))
    from_hottest = np.zeros((n_chains, n_rungs), dtype=np.bool_)
    restarts = np.zeros((n_chains, n_samples), dtype=np.bool_)
    density = compiled_density(rungs[0].log_density)
    parameters = np.array([target_parameters(rung) for rung in rungs])
    settings = np.array([one.settings() for one in samplers])
    factors = _factors(samplers, d)
    # After the draws of the starting points, of which there may be as many.
    momentum = normal(position.shape, rng=int(seed), stream=_START_STREAM, start=position.size)

    def run_block(done: int, length: int, chains: slice) -> None:
        _sweeps(
            samplers[0].loop,
            density,
            parameters,
            settings,
            factors,
            seed,
            chains.start,
            done,
            length,
            n_moves,
            position[chains],
            value[chains],
            gradient[chains],
            momentum[chains],
            samplers[0].workspace(d),
            samples[chains],
            moves[chains],
            accepted[chains],
            offers[chains],
            exchanged[chains],
            from_hottest[chains],
            restarts[chains],
        )

    run_block(0, 0, slice(0, 0))  # compiles before the clock of the progress bar starts
    with tqdm(total=n_samples, unit="sweeps", delay=2.0, disable=not progress) as bar:
        done, _ = in_chunks(run_block, n_chains, n_samples, n_threads, bar.update)
    if done < n_samples:
        warnings.warn(f"interrupted after {done} of {n_samples} samples", stacklevel=2)
    return Ladders(
        samples[:, :done],
        ladder,
        exchanged.sum(axis=0) / np.maximum(offers.sum(axis=0), 1.0),
        accepted.sum(axis=0) / np.maximum(moves.sum(axis=0), 1.0),
        restarts[:, :done].sum(axis=1),
        position,
    )


def equalised_ladder(ladder, swap_rates, n_rungs: int | None = None) -> np.ndarray:
    r"""The ladder, between the same ends, whose neighbours would all swap equally often.

    The cumulative rejection :math:`\Lambda(\beta)` of a pilot run is interpolated, linearly in
    :math:`\log \beta`, and cut into equal parts. Two or three pilot runs settle it.

    Parameters
    ----------
    ladder : array_like, shape (n,)
        The pilot's inverse temperatures, positive and increasing to 1.
    swap_rates : array_like, shape (n - 1,)
        Its acceptance rates between neighbours (`Ladders.swap_rates`), in [0, 1].
    n_rungs : int, optional
        How many rungs (default: as many as before). Twice the `Ladders.barrier` is about right.

    Returns
    -------
    ndarray, shape (n_rungs,)

    References
    ----------
    Syed et al. (2022), algorithm 2. doi:10.1111/rssb.12464

    Examples
    --------
    >>> from labcore.samplers import equalised_ladder
    >>> equalised_ladder([0.01, 0.1, 1.0], [0.6, 0.6]).round(3)  # as it should be
    array([0.01, 0.1 , 1.  ])
    >>> equalised_ladder([0.01, 0.1, 1.0], [0.9, 0.5]).round(3)
    array([0.01 , 0.251, 1.   ])
    """
    ladder = _increasing_ladder(ladder)
    rates = array("swap_rates", swap_rates, 1)
    if len(rates) != len(ladder) - 1 or rates.min() < 0.0 or rates.max() > 1.0:
        raise ValueError(f"swap_rates must be {len(ladder) - 1} numbers in [0, 1], got {rates}")
    n_rungs = integer("n_rungs", len(ladder) if n_rungs is None else n_rungs, least=2)
    # A rejection rate that was measured as zero is not: the floor keeps the barrier increasing.
    barrier = np.concatenate([[0.0], np.cumsum(np.maximum(1.0 - rates, 1e-6))])
    cuts = np.linspace(0.0, barrier[-1], n_rungs)
    equal = np.exp(np.interp(cuts, barrier, np.log(ladder)))
    equal[0], equal[-1] = ladder[0], 1.0
    return equal


@compiled
def _sweeps(
    step,
    log_density,
    parameters,
    settings,
    factors,
    seed,
    first_chain,
    first_sweep,
    n_sweeps,
    n_moves,
    position,
    value,
    gradient,
    momentum,
    work,
    samples,
    moves,
    accepted,
    offers,
    exchanged,
    from_hottest,
    restarts,
):
    """Move the ladders (rows) by `n_sweeps` sweeps, counted from the run's beginning."""
    n_rungs = position.shape[1]
    d = position.shape[2]
    normals, work = work[0], work[1:]
    for chain in range(position.shape[0]):
        for sweep in range(first_sweep, first_sweep + n_sweeps):
            for k in range(n_rungs):
                for move in range(n_moves):
                    stream = uint64((first_chain + chain) * n_rungs + k)
                    index = uint64(sweep * n_moves + move)
                    step_normals(uint64(seed), stream, index, normals)
                    value[chain, k], _, moved, _, _, _ = step(
                        log_density,
                        parameters[k],
                        settings[k],
                        factors[k],
                        (uint64(seed), stream, index),
                        normals,
                        step_log_uniform(uint64(seed), stream, index, d),
                        position[chain, k],
                        value[chain, k],
                        gradient[chain, k],
                        momentum[chain, k],
                        work,
                    )
                    moves[chain, k] += 1.0
                    accepted[chain, k] += moved
            for k in range(sweep % 2, n_rungs - 1, 2):
                u = uniform_at(
                    seed, _SWAP_STREAM + uint64(first_chain + chain), uint64(sweep * n_rungs + k)
                )
                probability = _exchange(
                    parameters, k, position[chain], value[chain], gradient[chain], u
                )
                offers[chain, k] += 1.0
                exchanged[chain, k] += probability
                if u < probability:
                    hot = from_hottest[chain, k]
                    from_hottest[chain, k] = from_hottest[chain, k + 1]
                    from_hottest[chain, k + 1] = hot
            from_hottest[chain, 0] = True
            restarts[chain, sweep] = from_hottest[chain, n_rungs - 1]
            from_hottest[chain, n_rungs - 1] = False
            for j in range(d):
                samples[chain, sweep, j] = position[chain, n_rungs - 1, j]


@compiled(inline=True)
def _exchange(parameters, k, position, value, gradient, u):
    """Exchange the states of rungs k and k + 1 if `u` is below the probability; return that."""
    d = position.shape[1]
    hot, cold = parameters[k, 0], parameters[k + 1, 0]
    reference = parameters[k, 1 : 2 + 2 * d]
    u_hot = (value[k] - reference_value(position[k], reference)) / hot
    u_cold = (value[k + 1] - reference_value(position[k + 1], reference)) / cold
    probability = exp(min((cold - hot) * (u_hot - u_cold), 0.0))
    if u < probability:
        log_x = unmix(hot, value[k], position[k], reference, gradient[k])
        log_y = unmix(cold, value[k + 1], position[k + 1], reference, gradient[k + 1])
        for j in range(d):
            position[k, j], position[k + 1, j] = position[k + 1, j], position[k, j]
            gradient[k, j], gradient[k + 1, j] = gradient[k + 1, j], gradient[k, j]
        value[k] = mix(hot, log_y, position[k], reference, gradient[k])
        value[k + 1] = mix(cold, log_x, position[k + 1], reference, gradient[k + 1])
    return probability


def _increasing_ladder(ladder) -> np.ndarray:
    ladder = array("ladder", ladder, 1)
    if len(ladder) < 2 or ladder[0] <= 0.0 or (np.diff(ladder) <= 0.0).any() or ladder[-1] != 1.0:
        raise ValueError(
            f"ladder must be two or more inverse temperatures, positive and increasing to 1, "
            f"got {ladder.tolist()}"
        )
    return ladder


def _one_for_each_rung(sampler: Sampler | Sequence[Sampler], n_rungs: int) -> list[Sampler]:
    if isinstance(sampler, Sampler):
        return [sampler] * n_rungs
    samplers = list(sampler)
    if len(samplers) != n_rungs or len({type(one) for one in samplers}) != 1:
        raise ValueError(
            f"sampler must be one sampler, or one for each of {n_rungs} rungs and of one class, "
            f"got {samplers}"
        )
    return samplers


def _factors(samplers: list[Sampler], d: int) -> np.ndarray:
    """The factors of the rungs' metrics, all diagonal, shape (n_rungs, 1, d), or all full."""
    factors = [metric_factor(one.metric, d) for one in samplers]
    if len({factor.shape for factor in factors}) > 1:
        factors = [np.diag(f[0]) if len(f) == 1 else f for f in factors]
    return np.array(factors)


def _starts(start, n_chains: int, n_rungs: int, d: int, seed: np.uint64) -> np.ndarray:
    """Where the chains begin, shape (n_chains, n_rungs, d), in memory of its own."""
    if start is None:
        return normal((n_chains, n_rungs, d), rng=int(seed), stream=_START_STREAM)
    start = array("start", start, (1, 3))
    if (start.shape != (d,) and start.shape[1:] != (n_rungs, d)) or start.size == 0:
        raise ValueError(
            f"start must have shape ({d},) or (n_chains, {n_rungs}, {d}), got {start.shape}"
        )
    return np.tile(start, (n_chains, n_rungs, 1)) if start.ndim == 1 else start.copy()
