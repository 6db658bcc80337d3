"""Solve a stochastic differential equation along many Brownian paths at once."""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import get_num_threads

from labcore._compile import compiled
from labcore._validate import array, integer, positive
from labcore.random import seed_from
from labcore.sde.components import LANES, is_finite, load, number_of, store
from labcore.sde.model import Model, Solver, coefficients_of, correction_of
from labcore.sde.noise import NOISES


class Paths(NamedTuple):
    """Solutions: row i of `x` is path i at the times `t`.

    Parameters
    ----------
    t : numpy.ndarray of shape (n_saved,)
    x : numpy.ndarray of shape (n_paths, n_saved), or (n_paths, n_saved, d) for vectors
    """

    t: np.ndarray
    x: np.ndarray


_KINDS = (np.float64, np.float32)
_IN_DOUBLE = {"transition", "drift_derivative"}  # exact ends, and Newton's iteration
_MOST_SINGLE_STEPS = 1 << 20


class Exploded(ArithmeticError):
    """A path left the range of floating-point numbers, or an implicit step has no solution."""


@compiled
def _save(lanes, first, row, out):
    for j in range(min(LANES, out.shape[0] - first)):
        for k in range(out.shape[2]):
            out[first + j, row, k] = lanes[k, j]


@compiled
def _solve_some(
    step,
    noise,
    c,
    like,
    seed,
    first_stream,
    t_end,
    n_steps,
    x0,
    first_block,
    block_step,
    w,
    z,
    lanes,
    left,
    out,
):
    """Solve every `block_step`-th block of paths from `first_block` on.

    A block has LANES paths; the last may go over the end of `out`, and repeats its last path there.
    `like` is a state and a noise, whose types say how they are built. `w` holds a block's noise.
    `lanes` has a row for each component of the state, each of the noise, and the number of steps
    that ended in a finite state. `left` gets the step at which a path became infinite, or -1.
    """
    n_paths, n_saved, d = out.shape
    state, increment = like
    rows = lanes[d : lanes.shape[0] - 1]
    every = n_steps // (n_saved - 1)
    h = t_end / n_steps
    length = number_of(lanes, h)
    for first in range(first_block * LANES, n_paths, block_step * LANES):
        noise.fill(seed, first_stream + first, t_end, w, z)
        for j in range(LANES):
            for k in range(d):
                lanes[k, j] = x0[min(first + j, n_paths - 1), k]
            lanes[lanes.shape[0] - 1, j] = 0.0
        _save(lanes, first, 0, out)
        for i in range(n_steps):
            t = number_of(lanes, i * h)
            noise.prepare(w, i, h, rows)
            for j in range(LANES):
                dw = noise.at(seed, first_stream + first + j, i, lanes, state, increment, j)
                x = step(c, t, load(lanes, (), state, j), length, dw)
                count = load(lanes, like, 0.0, j)
                store(lanes, like, j, count + number_of(lanes, 1.0 if is_finite(x) else 0.0))
                store(lanes, (), j, x)
            if (i + 1) % every == 0:
                _save(lanes, first, (i + 1) // every, out)
        for j in range(min(LANES, n_paths - first)):
            count = int(lanes[lanes.shape[0] - 1, j])
            left[first + j] = -1 if count == n_steps else count + 1


def solve(
    model: Model,
    solver: Solver,
    x0: float | np.ndarray,
    t_end: float,
    n_steps: int,
    n_paths: int = 1,
    *,
    save_every: int = 1,
    first_stream: int = 0,
    dtype: type = np.float64,
    rng: int | np.random.Generator | None = None,
) -> Paths:
    r"""Solve an equation from time 0 to `t_end` in equal steps, along independent noises.

    Path i is driven by row i of ``brownian_paths(t_end, n_steps, n_paths, rng=rng)``, with
    `dimension` the number of noises of a vector model, or of `brownian_integrals` if the solver's
    `noise` is "integrals": the same seed and twice as many steps give the same paths of the noise,
    seen more finely. Where the solver is made for the other integral than the model's (Heun's
    method is for Stratonovich's), it is given the drift that means the same:
    :math:`b_{\mathrm{Ito}} = b_{\mathrm{Stratonovich}} + \tfrac12 \sigma \partial_x \sigma`.

    Parameters
    ----------
    model : Model
        The equation: one of the gallery, or made of your own ``numba.njit`` functions.
    solver : Solver
        ``EULER_MARUYAMA``, ``TAMED_EULER``, ``IMPLICIT_EULER``, ``MILSTEIN``, ``HEUN``, ``SRA1``,
        ``SRIW1``, ``BAOAB``, ``EXACT`` or ``EXACT_DRAW``.
    x0 : float or array of shape (n_paths,); for d components of shape (d,) or (n_paths, d)
        Where the paths start.
    t_end : float
        Last time, positive.
    n_steps : int
        Number of steps, at least 1.
    n_paths : int, default 1
        Path i owns a stream, so it does not depend on how many others there are, nor on the number
        of threads.
    save_every : int, default 1
        Return every `save_every`-th step, which must divide `n_steps`; `n_steps` itself returns the
        start and the end.
    first_stream : int, default 0
        Path i owns stream ``first_stream + i``: with the same seed these are the paths from number
        `first_stream` on of a larger ensemble, bit for bit.
    dtype : type, default numpy.float64
        With ``numpy.float32`` state, noise, steps and parameters are of single precision, for the
        explicit solvers that take increments of the noise. It is twice as fast, and
        draws other paths of the noise than double precision does with the same seed, which refine
        one another too (see Notes).
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.

    Returns
    -------
    Paths

    Raises
    ------
    Exploded
        If a path becomes infinite. The message names the first such path and its step. An
        explicit method explodes where the drift pulls back so hard that a step overshoots. Also if
        an implicit method does not find the end of a step.
    ValueError, TypeError
        If an argument is out of range, the model lacks what the solver needs, or its coefficients
        have the wrong shape (they are called once, at the first start).

    Notes
    -----
    The cost is one normal draw and one call of each coefficient a step: some 4 ns together on one
    core, where the coefficients are polynomials, and half of that with ``dtype=numpy.float32``. In
    that the normal draws have 24 bits and end at 5.77; coefficients see times, states and
    parameters of single precision, but what they compute with literal numbers is of double
    precision until it is multiplied by the step. A path is rounded by some
    :math:`10^{-7} \sqrt n` of itself in n steps, and an increment of the noise by
    :math:`10^{-7} / \sqrt{h}` of its size for a step of length h and times of about 1: with more
    than :math:`10^5` steps compute in double precision.

    Each thread needs 512 bytes a step and noise of memory beside the result (twice that with
    integrals, half in single precision). A model from the gallery is compiled once and kept on
    disk; one of your own is compiled in each session, for about a second.

    Examples
    --------
    >>> from labcore import sde
    >>> paths = sde.solve(sde.ornstein_uhlenbeck(), sde.EXACT, 1.0, 2.0, 8, 1000, rng=0)
    >>> paths.x.shape
    (1000, 9)

    A rotation with noise in both components, written out:

    >>> from numba import njit
    >>> @njit
    ... def drift(t, x, parameters):
    ...     return -x[1], x[0]
    >>> @njit
    ... def diffusion(t, x, parameters):
    ...     return parameters[0], parameters[0]
    >>> model = sde.Model("rotation", drift, diffusion, parameters=(0.1,), dimension=2)
    >>> sde.solve(model, sde.EULER_MARUYAMA, [1.0, 0.0], 1.0, 100, 5, rng=0).x.shape
    (5, 101, 2)
    """
    t_end = positive("t_end", t_end)
    n_steps = integer("n_steps", n_steps, least=1)
    n_paths = integer("n_paths", n_paths, least=1)
    first_stream = integer("first_stream", first_stream)
    save_every = integer("save_every", save_every, least=1)
    if n_steps % save_every:
        raise ValueError(f"save_every must divide n_steps = {n_steps}, got {save_every}")
    if t_end > model.horizon:
        raise ValueError(f"t_end must be at most {model.horizon:g}, where {model.name} ends")
    start = starts_of(x0, n_paths, model.dimension)
    coefficients = coefficients_of(model, solver)
    like = _like(model, solver, start[0])
    dtype = _precision(dtype, solver, n_steps)
    if dtype == np.float32:
        coefficients = coefficients._replace(parameters=_single(coefficients.parameters))
        like = _single(like)
    seed = seed_from(rng)
    d = start.shape[1]
    n_noises = np.size(like[1])
    out = np.empty((n_paths, n_steps // save_every + 1, d), dtype)
    left = np.empty(n_paths, np.int64)
    shares = min(get_num_threads(), -(-n_paths // LANES))

    def solve_share(share: int) -> None:
        w = np.empty((n_noises, n_steps + 1, LANES), dtype)
        z = np.empty((16 // dtype.itemsize, LANES), dtype)  # as many draws as a block of bits gives
        lanes = np.empty((d + n_noises + 1, LANES), dtype)
        _solve_some(
            solver.step,
            NOISES[solver.noise],
            coefficients,
            like,
            seed,
            first_stream,
            t_end,
            n_steps,
            start,
            share,
            shares,
            w,
            z,
            lanes,
            left,
            out,
        )

    if shares == 1:
        solve_share(0)
    else:  # threads of Python, since the loop runs without its lock; prange takes no such tuple
        with ThreadPoolExecutor(shares) as pool:
            list(pool.map(solve_share, range(shares)))
    _refuse_explosion(left, model, solver, t_end, n_steps)
    x = out if model.dimension is not None else out[:, :, 0]
    return Paths(np.linspace(0.0, t_end, out.shape[1]), x)


def starts_of(x0, n_paths: int, dimension: int | None) -> np.ndarray:
    """The starts as an array of shape (n_paths, d)."""
    if dimension is None:
        x0 = array("x0", x0, (0, 1))
        if x0.ndim == 1 and x0.size != n_paths:
            expected = f"be a number or have shape ({n_paths},)"
            raise ValueError(f"x0 must {expected}, got shape {x0.shape}")
        return np.broadcast_to(x0, n_paths).reshape(n_paths, 1)
    d = integer("model.dimension", dimension, least=1)
    x0 = array("x0", x0, (1, 2))
    if x0.shape not in ((d,), (n_paths, d)):
        raise ValueError(f"x0 must have shape ({d},) or ({n_paths}, {d}), got shape {x0.shape}")
    return np.broadcast_to(x0, (n_paths, d)).copy()


def _precision(dtype, solver: Solver, n_steps: int) -> np.dtype:
    """The kind of number to compute in, if the solver does."""
    try:
        kind = np.dtype(dtype)
    except TypeError:
        kind = None
    if kind not in _KINDS:
        raise ValueError(f"dtype must be numpy.float64 or numpy.float32, got {dtype!r}")
    if kind == np.float32:
        if solver.noise != "increments" or set(solver.needs) & _IN_DOUBLE:
            raise ValueError(f"dtype must be numpy.float64 for {solver.name}, got float32")
        if n_steps > _MOST_SINGLE_STEPS:
            most = f"n_steps must be at most {_MOST_SINGLE_STEPS}"
            raise ValueError(f"{most} where dtype is numpy.float32, got {n_steps}")
    return kind


def _single(value):
    """A number in single precision, or a tuple of such."""
    return tuple(map(_single, value)) if isinstance(value, tuple) else np.float32(value)


def _like(model: Model, solver: Solver, start: np.ndarray) -> tuple:
    """A state and a noise, built as the model's are: found by one call of its coefficients."""
    d = model.dimension
    state = float(start[0]) if d is None else tuple(start.tolist())
    parameters = tuple(float(value) for value in model.parameters)
    sigma = model.diffusion(0.0, state, parameters)
    expected = () if d is None else (d,)
    _check_shape("drift", model.drift(0.0, state, parameters), [expected])
    allowed = [expected]
    if d is not None and isinstance(sigma, tuple) and isinstance(sigma[0], tuple):
        allowed.append((d, len(sigma[0])))
    shape = _check_shape("diffusion", sigma, allowed)
    if len(shape) == 2:
        if solver.form == "diagonal":
            raise ValueError(
                f"{solver.name} is for diagonal noise: model.diffusion must return a tuple of {d} "
                f"numbers, got a matrix of shape {shape}"
            )
        if correction_of(model, solver):
            raise ValueError(
                f"{solver.name} solves equations of {solver.interpretation}'s kind: for a matrix "
                f"of noises, state the {model.name} as one, with model.interpretation and the "
                "drift of that kind"
            )
    noise = 0.0 if d is None else (0.0,) * shape[-1]
    if solver.noise == "addresses":
        noise = ()
    elif solver.noise == "integrals":
        noise = (noise, noise)
    return state, noise


def _check_shape(field: str, value, allowed: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of what a coefficient returns, if it is one that the state goes with."""
    try:
        shape = np.shape(value)
    except ValueError:  # rows of different lengths
        shape = None
    if shape not in allowed:
        expected = "a number" if allowed[0] == () else f"a tuple of {allowed[0][0]} numbers"
        rows = " or of as many rows" if field == "diffusion" and allowed[0] else ""
        raise ValueError(f"model.{field} must return {expected}{rows}, got {value!r}")
    if not np.isfinite(value).all():
        raise ValueError(f"model.{field} is not finite where the first path starts, got {value!r}")
    return shape


def _refuse_explosion(left: np.ndarray, model, solver, t_end: float, n_steps: int) -> None:
    gone = np.flatnonzero(left >= 0)
    if gone.size:
        path, step = gone[0], left[gone[0]]
        event = "found no end of a step" if "drift_derivative" in solver.needs else "exploded"
        raise Exploded(
            f"{solver.name} {event} on the {model.name}: {gone.size} of {left.size} paths are "
            f"not finite at t = {t_end:g}; path {path} left at step {step} of {n_steps} "
            f"(t = {step * t_end / n_steps:.3g}). Take more steps."
        )
