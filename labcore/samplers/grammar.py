r"""What all samplers share: a state, one step of a Markov kernel, and what the step tells.

A sampler is a settings object (`Metropolis`, `MALA`, `HMC`) with two methods, ``init(position,
target)`` and ``step(state, target, ...) -> (state, info)``, and a compiled loop that does the same
in place. Every one of these proposes a move and accepts it with probability
:math:`\min(1, e^{\text{log ratio}})`.

Step number `index` of the chain that owns `stream` uses its own block of random numbers: as many
normals as there are dimensions and one uniform. All samplers use them alike, so equal seeds give
equal noise side by side.
"""

from dataclasses import dataclass
from functools import cache
from typing import ClassVar, NamedTuple

import numpy as np
from numba import types, uint64
from numba.core.dispatcher import Dispatcher

from labcore._compile import compiled
from labcore._math import log
from labcore._validate import array, integer, positive
from labcore.random import normal_pair, seed_from, uniform_pair
from labcore.samplers.targets import (
    LOG_DENSITY,
    Target,
    compiled_density,
    evaluate,
    first_class,
    target_parameters,
)

_ARRAY = types.float64[::1]
# step(log_density, parameters, settings, seed, stream, index, position, value, gradient, work)
#   -> (value, log_ratio, accepted), moving `position` and `gradient` in place.
STEP = types.FunctionType(
    types.Tuple((types.float64, types.float64, types.boolean))(
        LOG_DENSITY,
        _ARRAY,
        _ARRAY,
        types.uint64,
        types.uint64,
        types.uint64,
        _ARRAY,
        types.float64,
        _ARRAY,
        types.float64[:, ::1],
    )
)


class State(NamedTuple):
    """Where a chain is."""

    position: np.ndarray
    log_density: float
    gradient: np.ndarray


class Info(NamedTuple):
    """What happened in a step.

    `log_ratio` is the logarithm of the Metropolis-Hastings ratio; for HMC it is minus the error in
    the energy. It is nan or -inf where the proposal left the region of finite density.
    """

    log_ratio: float
    accepted: bool


@dataclass(frozen=True)
class Sampler:
    """A Markov kernel that leaves a target invariant, with its step size (a length)."""

    step_size: float

    loop: ClassVar[Dispatcher]  # one step, of type STEP
    work_rows: ClassVar[int]  # how many vectors of workspace the loop needs

    def __post_init__(self) -> None:
        positive("step_size", self.step_size)

    @property
    def evaluations(self) -> int:
        """Evaluations of the log-density (and gradient) in a step."""
        return 1

    def settings(self) -> np.ndarray:
        """What the loop is told: the step size, and more where a sampler has more."""
        return np.array([self.step_size])

    def init(self, position, target: Target) -> State:
        """The state of a chain that is at `position`.

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
        return State(position, float(value), gradient)

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
        position = state.position.copy()[None]
        gradient = state.gradient.copy()[None]
        value = np.array([state.log_density])
        log_ratio, accepted = np.empty((1, 1)), np.empty((1, 1), dtype=np.bool_)
        advance(
            compiled_step(self.loop),
            compiled_density(target.log_density),
            target_parameters(target),
            self.settings(),
            seed_from(rng),
            integer("stream", stream),
            integer("index", index),
            1,
            position,
            value,
            gradient,
            np.empty((self.work_rows, target.dimension)),
            np.empty((1, 1, target.dimension)),
            np.empty((1, 1)),
            log_ratio,
            accepted,
            0,
        )
        state = State(position[0], float(value[0]), gradient[0])
        return state, Info(float(log_ratio[0, 0]), bool(accepted[0, 0]))


@cache
def compiled_step(loop: Dispatcher):
    """A sampler's loop as `advance` takes it."""
    return first_class("loop", loop, STEP)


@compiled
def advance(
    step,
    log_density,
    parameters,
    settings,
    seed,
    first_stream,
    first_index,
    n_steps,
    position,
    value,
    gradient,
    work,
    samples,
    log_densities,
    log_ratios,
    accepted,
    column,
):
    """Move each chain (a row) by `n_steps` steps and write them down from `column` on."""
    for chain in range(position.shape[0]):
        stream = uint64(first_stream + chain)
        for i in range(n_steps):
            value[chain], log_ratios[chain, column + i], accepted[chain, column + i] = step(
                log_density,
                parameters,
                settings,
                uint64(seed),
                stream,
                uint64(first_index + i),
                position[chain],
                value[chain],
                gradient[chain],
                work,
            )
            log_densities[chain, column + i] = value[chain]
            for j in range(position.shape[1]):
                samples[chain, column + i, j] = position[chain, j]


@compiled(inline=True)
def _first_block(index, d):
    """A step owns this many blocks of two draws: its normals, then one block for its uniform."""
    return index * uint64((d + 1) // 2 + 1)


@compiled(inline=True)
def step_normals(seed, stream, index, out):
    """Fill `out` with the standard normals of step `index`."""
    d = out.size
    block = _first_block(index, d)
    for i in range(d // 2):
        out[2 * i], out[2 * i + 1] = normal_pair(seed, stream, block + uint64(i))
    if d % 2:
        out[d - 1] = normal_pair(seed, stream, block + uint64(d // 2))[0]


@compiled(inline=True)
def accepts(seed, stream, index, d, log_ratio, value):
    """Whether step `index` accepts: log U < log ratio. Never to where the density is not finite."""
    u = uniform_pair(seed, stream, _first_block(index, d) + uint64((d + 1) // 2))[0]
    return log(u) < log_ratio and abs(value) < np.inf
