r"""What all samplers share: a state, one step of a Markov kernel, and what the step tells.

A sampler is a settings object (`Metropolis`, `MALA`, `HMC`, ...) with two methods, ``init(position,
target)`` and ``step(state, target, ...) -> (state, info)``, and a compiled loop that does the same
in place. Its parts are a step size, a metric (`labcore.samplers.metrics`) and, where there are
trajectories, an integrator (`labcore.samplers.integrators`); step size and metric can be learnt
(`labcore.samplers.adaptation`).

Step number `index` of the chain that owns `stream` uses its own block of random numbers: as many
normals as there are dimensions and one uniform. All samplers use them alike, so equal seeds give
equal noise side by side. What needs more (slices, trees) takes it from a stream of its own, by
`further_uniforms`.
"""

import math
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

import numpy as np
from numba import uint64
from numba.core.cgutils import get_null_value
from numba.core.dispatcher import Dispatcher
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from labcore._compile import compiled
from labcore._math import exp, log, sin_cos_2pi
from labcore._validate import array, integer, positive
from labcore.random import normal_pair, seed_from, uniform_pair
from labcore.samplers.metrics import checked_metric, metric_factor
from labcore.samplers.targets import Target, compiled_density, evaluate, target_parameters

DIVERGED = 1000.0  # an energy error above this is a trajectory gone astray, not a bad proposal
_NOISE_BLOCKS = 512  # of random numbers, computed together: fits the nearest cache
_FURTHER_STREAM = 2**61  # no chain has a number as large


class State(NamedTuple):
    """Where a chain is.

    Parameters
    ----------
    position : ndarray, shape (d,)
        The point.
    log_density : float
        The target's log-density there.
    gradient : ndarray, shape (d,)
        Its gradient.
    momentum : ndarray, shape (d,)
        In units in which it is standard normal. `Langevin` keeps it from step to step; HMC and
        NUTS draw it anew, and leave here what was drawn; others leave it alone.
    """

    position: np.ndarray
    log_density: float
    gradient: np.ndarray
    momentum: np.ndarray


class Info(NamedTuple):
    """What happened in a step.

    Parameters
    ----------
    log_ratio : float
        The logarithm of the Metropolis-Hastings ratio; for HMC it is minus the error in the energy,
        for NUTS the logarithm of the mean over the trajectory of what would be the acceptance
        probabilities of its points, and zero for samplers that accept everything. It is nan or -inf
        where the proposal left the region of finite density.
    accepted : bool
        Whether the chain moved to where it was proposed.
    divergent : bool
        Whether the step went far astray: a log ratio below -1000, or not a number.
    energy : float
        For HMC and NUTS: minus log-density plus kinetic energy as the step begins; otherwise nan.
    evaluations : int
        Evaluations of the log-density (and gradient).
    """

    log_ratio: float
    accepted: bool
    divergent: bool
    energy: float
    evaluations: int


class Record(NamedTuple):
    """What `advance` writes down: arrays of shape (n_chains, n_samples), and (..., d) for samples.

    `energy` and `evaluations` may have no columns, for samplers that have none, or always as many.
    """

    samples: np.ndarray
    log_density: np.ndarray
    log_ratio: np.ndarray
    accepted: np.ndarray
    divergent: np.ndarray
    energy: np.ndarray
    evaluations: np.ndarray

    @classmethod
    def empty(cls, sampler: "Sampler", n_chains: int, n_samples: int, dimension: int) -> "Record":
        """Room for `n_samples` steps."""
        shape, extra = (n_chains, n_samples), (n_chains, n_samples if sampler.has_energy else 0)
        return cls(
            np.empty((*shape, dimension)),
            np.empty(shape),
            np.empty(shape),
            np.empty(shape, np.bool_),
            np.empty(shape, np.bool_),
            np.empty(extra),
            np.empty((n_chains, n_samples if sampler.evaluations is None else 0), np.int64),
        )


@dataclass(frozen=True, eq=False)
class Sampler:
    """A Markov kernel, with its step size (a length, in units of the metric)."""

    step_size: float

    loop: ClassVar[Dispatcher]  # one step: see `advance`
    work_rows: ClassVar[int]  # how many vectors of workspace the loop needs
    target_acceptance: ClassVar[float | None] = None  # what warm-up aims at, where it can
    has_energy: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("step_size", self.step_size)
        if self.metric is not None:
            object.__setattr__(self, "metric", checked_metric(self.metric))

    @property
    def evaluations(self) -> int | None:
        """Evaluations of the log-density (and gradient) in a step; None if that varies."""
        return 1

    def settings(self) -> np.ndarray:
        """What the loop is told: the step size, and more where a sampler has more."""
        return np.array([self.step_size])

    def workspace(self, dimension: int) -> np.ndarray:
        """Vectors for the loop to work in."""
        return np.empty((self.work_rows, dimension))

    def probe(self) -> "Sampler":
        """The kernel, of the same step size, that the first guess of a step size is tried with."""
        return self

    def init(self, position, target: Target, *, momentum=None) -> State:
        """The state of a chain that is at `position`.

        Parameters
        ----------
        position : array_like, shape (d,)
            Where the chain is.
        target : Target
            What it will sample.
        momentum : array_like, shape (d,), optional
            Its momentum, for a sampler that keeps one (default: zero).

        Raises
        ------
        ValueError
            If the target's log-density is not finite there.
        """
        position = array("position", position, 1).copy()
        (value,), (gradient,) = evaluate(target, position[None])
        if not np.isfinite(value):
            raise ValueError(
                f"position must have a finite log-density, got {value} at {position.tolist()}"
            )
        momentum = np.zeros(len(position)) if momentum is None else array("momentum", momentum, 1)
        if momentum.shape != position.shape:
            raise ValueError(f"momentum must have shape {position.shape}, got {momentum.shape}")
        return State(position, float(value), gradient, momentum.copy())

    def step(
        self,
        state: State,
        target: Target,
        *,
        rng: int | np.random.Generator | None = None,
        stream: int = 0,
        index: int = 0,
    ) -> tuple[State, Info]:
        """One draw from the kernel: the next state, and what happened.

        Parameters
        ----------
        state : State
            Where the chain is. It is not changed.
        target : Target
            What to sample.
        rng : int, numpy.random.Generator or None
            The seed.
        stream, index : int
            The chain's number and the step's: they determine the random numbers.
        """
        d = target.dimension
        chain = State(
            state.position.copy()[None],
            np.array([state.log_density]),
            state.gradient.copy()[None],
            state.momentum.copy()[None],
        )
        record = Record.empty(self, 1, 1, d)
        advance(
            self.loop,
            compiled_density(target.log_density),
            target_parameters(target),
            self.settings()[None],
            metric_factor(self.metric, d),
            seed_from(rng),
            integer("stream", stream),
            integer("index", index),
            1,
            chain,
            self.workspace(d),
            noise_buffer(d),
            np.empty((0, 5)),
            record,
            0,
        )
        info = Info(
            float(record.log_ratio[0, 0]),
            bool(record.accepted[0, 0]),
            bool(record.divergent[0, 0]),
            float(record.energy[0, 0]) if self.has_energy else math.nan,
            int(record.evaluations[0, 0]) if self.evaluations is None else self.evaluations,
        )
        position, log_density, gradient, momentum = chain
        return State(position[0], float(log_density[0]), gradient[0], momentum[0]), info


@intrinsic
def _borrowed(typing_context, x):
    """The array `x`, without counting references to it: its owner outlives the loop.

    A count is an atomic operation. A step slices some ten arrays; with counts, that is most of the
    time of a Metropolis step, and threads wait for each other at the arrays that they share.
    """

    def code(context, builder, signature, arguments):
        array = make_array(signature.args[0])(context, builder, arguments[0])
        array.meminfo = get_null_value(array.meminfo.type)
        array.parent = get_null_value(array.parent.type)
        return array._getvalue()

    return x(x), code


@compiled
def advance(
    step,
    log_density,
    parameters,
    settings,
    factor,
    seed,
    first_stream,
    first_index,
    n_steps,
    state,
    work,
    noise,
    averaging,
    record,
    column,
):
    """Move each chain (a row of `state`) by `n_steps` steps and write them down from `column` on.

    ``step(log_density, parameters, settings, factor, key, normals, log_uniform, position, value,
    gradient, momentum, work)`` moves position, gradient and momentum in place and returns (value,
    log_ratio, accepted, divergent, energy, evaluations). It is compiled into this loop; the
    log-density is a function pointer, so that another one compiles nothing here.

    `averaging` has a row for each chain whose step size is being learnt, or none.
    """
    parameters, factor, noise = _borrowed(parameters), _borrowed(factor), _borrowed(noise)
    settings, averaging, work = _borrowed(settings), _borrowed(averaging), _borrowed(work)
    positions, gradients = _borrowed(state.position), _borrowed(state.gradient)
    momenta, log_densities = _borrowed(state.momentum), _borrowed(state.log_density)
    samples, log_ratios = _borrowed(record.samples), _borrowed(record.log_ratio)
    d = positions.shape[1]
    blocks = _blocks(d)
    together = max(1, min(noise.shape[1] // blocks, n_steps))
    normals, work = work[0], work[1:]
    for chain in range(positions.shape[0]):
        stream = uint64(first_stream + chain)
        position, gradient = positions[chain], gradients[chain]
        momentum, setting = momenta[chain], settings[chain]
        value = log_densities[chain]
        at = (together - 1) * blocks
        for i in range(n_steps):
            index = uint64(first_index + i)
            at += blocks
            if at == together * blocks:
                at = 0
                _fill_noise(
                    uint64(seed), stream, index, min(together, n_steps - i) * blocks, blocks, noise
                )
            for k in range(d // 2):
                normals[2 * k] = noise[0, at + k]
                normals[2 * k + 1] = noise[1, at + k]
            if d % 2:
                normals[d - 1] = noise[0, at + blocks - 2]
            value, log_ratio, accepted, divergent, energy, evaluations = step(
                log_density,
                parameters,
                setting,
                factor,
                (uint64(seed), stream, index),
                normals,
                noise[2, at + blocks - 1],
                position,
                value,
                gradient,
                momentum,
                work,
            )
            for j in range(d):
                samples[chain, column + i, j] = position[j]
            record.log_density[chain, column + i] = value
            log_ratios[chain, column + i] = log_ratio
            record.accepted[chain, column + i] = accepted
            record.divergent[chain, column + i] = divergent
            if record.energy.shape[1]:
                record.energy[chain, column + i] = energy
            if record.evaluations.shape[1]:
                record.evaluations[chain, column + i] = evaluations
            if averaging.shape[0]:
                average_step_size(averaging[chain], log_ratio, setting)
        log_densities[chain] = value


@compiled(inline=True)
def average_step_size(averaging, log_ratio, settings):
    """One step of dual averaging (Hoffman and Gelman, 2014, equation 6), on `settings`[0].

    `averaging`: steps so far, mean error of the acceptance, averaged log step size, the log step
    size that it shrinks to, and the acceptance that is wanted.
    """
    acceptance = exp(min(log_ratio, 0.0)) if log_ratio == log_ratio else 0.0
    averaging[0] += 1.0
    t = averaging[0]
    averaging[1] += (averaging[4] - acceptance - averaging[1]) / (t + 10.0)
    log_step = averaging[3] - math.sqrt(t) / 0.05 * averaging[1]
    averaging[2] += exp(-0.75 * log(t)) * (log_step - averaging[2])
    settings[0] = exp(log_step)


@compiled(inline=True)
def _blocks(d):
    """A step owns this many blocks of two draws: its normals, then one block for its uniform."""
    return (d + 1) // 2 + 1


def noise_buffer(dimension: int) -> np.ndarray:
    """Room for the random numbers of some steps."""
    return np.empty((3, max(_NOISE_BLOCKS, (dimension + 1) // 2 + 1)))


@compiled
def _fill_noise(seed, stream, index, n, blocks, noise):
    """The noise of steps from `index` on: both normals and the log uniform of `n` draws' blocks.

    No step uses both of one block. To compute them all the same, in one loop over consecutive
    blocks, lets it be vectorised.
    """
    first = index * uint64(blocks)
    cosines, sines, logs = noise[0], noise[1], noise[2]
    for i in range(n):
        u, v = uniform_pair(seed, stream, first + uint64(i))
        log_u = log(u)
        radius = math.sqrt(-2.0 * log_u)
        s, c = sin_cos_2pi(v)
        cosines[i], sines[i], logs[i] = radius * c, radius * s, log_u


@compiled(inline=True)
def step_normals(seed, stream, index, out):
    """Fill `out` with the standard normals of step `index`."""
    d = out.size
    block = index * uint64(_blocks(d))
    for i in range(d // 2):
        out[2 * i], out[2 * i + 1] = normal_pair(seed, stream, block + uint64(i))
    if d % 2:
        out[d - 1] = normal_pair(seed, stream, block + uint64(d // 2))[0]


@compiled(inline=True)
def step_log_uniform(seed, stream, index, d):
    """The logarithm of the uniform of step `index` in `d` dimensions."""
    return log(uniform_pair(seed, stream, index * uint64(_blocks(d)) + uint64((d + 1) // 2))[0])


@compiled(inline=True)
def further_uniforms(key, k):
    """Pair number `k` < 2^32 of the uniforms that a step may draw beyond its own block."""
    seed, stream, index = key
    block = (index << uint64(32)) + uint64(k)
    return uniform_pair(seed, stream + uint64(_FURTHER_STREAM), block)


@compiled(inline=True)
def accepts(log_uniform, log_ratio, value):
    """Whether log U < log ratio. Never to where the density is not finite."""
    return log_uniform < log_ratio and abs(value) < np.inf


@compiled(inline=True)
def diverges(log_ratio):
    """Whether a proposal is far astray."""
    return not log_ratio > -DIVERGED
