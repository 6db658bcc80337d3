"""Solve a stochastic differential equation along many Brownian paths at once."""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import get_num_threads
from numba.core.dispatcher import Dispatcher

from labcore._compile import compiled
from labcore._validate import array, integer, positive
from labcore.random import seed_from
from labcore.sde.brownian import WIDTH, fill_brownian
from labcore.sde.model import (
    INTERPRETATIONS,
    Coefficients,
    Model,
    Solver,
    no_derivative,
    no_transition,
)


class Paths(NamedTuple):
    """Solutions: row i of `x` is path i at the times `t`.

    Parameters
    ----------
    t : numpy.ndarray of shape (n_saved,)
    x : numpy.ndarray of shape (n_paths, n_saved)
    """

    t: np.ndarray
    x: np.ndarray


class Exploded(ArithmeticError):
    """A path left the range of floating-point numbers."""


@compiled
def _start(x0, first, w, lanes):
    """Set the states of a block, and W = 0. Lanes beyond the last path repeat it."""
    for j in range(lanes.shape[1]):
        lanes[0, j] = x0[min(first + j, x0.size - 1)]
        lanes[1, j] = 0.0
        w[0, j] = lanes[0, j]


@compiled
def _save(w, first, exploded, out):
    """Copy what is to be kept of a block, and note the step at which a path became infinite."""
    n_paths, n_saved = out.shape
    last = w.shape[0] - 1
    every = last // (n_saved - 1)
    for j in range(min(w.shape[1], n_paths - first)):
        for k in range(n_saved):
            out[first + j, k] = w[k * every, j]
        exploded[first + j] = -1
        if not math.isfinite(w[last, j]):  # what is not finite once, stays so
            i = 0
            while math.isfinite(w[i, j]):
                i += 1
            exploded[first + j] = i


@compiled
def _solve_some(
    step, c, seed, first_stream, t_end, x0, first_block, block_step, w, lanes, exploded, out
):
    """Solve every `block_step`-th block of paths from `first_block` on.

    The buffer w, of shape (n_steps + 1, width), first holds the block's Brownian paths. Then, row
    after row, the solution takes their place. The buffer lanes has the shape (2, width).
    """
    n_steps = w.shape[0] - 1
    h = t_end / n_steps
    x, brownian = lanes[0], lanes[1]
    for first in range(first_block * x.size, out.shape[0], block_step * x.size):
        fill_brownian(seed, first_stream + first, t_end, w, lanes)
        _start(x0, first, w, lanes)
        for i in range(n_steps):
            t = i * h
            row = w[i + 1]
            for j in range(x.size):
                ahead = row[j]
                x[j] = step(c, t, x[j], h, ahead - brownian[j])
                brownian[j] = ahead
                row[j] = x[j]
        _save(w, first, exploded, out)


def solve(
    model: Model,
    solver: Solver,
    x0: float | np.ndarray,
    t_end: float,
    n_steps: int,
    n_paths: int = 1,
    *,
    save_every: int = 1,
    rng: int | np.random.Generator | None = None,
    first_stream: int = 0,
) -> Paths:
    r"""Solve an equation from time 0 to `t_end` in equal steps, along independent noises.

    Path i is driven by row i of ``brownian_paths(t_end, n_steps, n_paths, rng=rng)``: the same seed
    and twice as many steps give the same paths of the noise, seen more finely. Where the solver is
    made for the other integral than the model's (Heun's method is for Stratonovich's), it is given
    the drift that means the same: :math:`b_{\mathrm{Ito}} = b_{\mathrm{Stratonovich}} +
    \tfrac12 \sigma \partial_x \sigma`.

    Parameters
    ----------
    model : Model
        The equation: one of the gallery, or made of your own ``numba.njit`` functions.
    solver : Solver
        ``EULER_MARUYAMA``, ``MILSTEIN``, ``HEUN`` or ``EXACT``.
    x0 : float or array of shape (n_paths,)
        Where the paths start.
    t_end : float
        Last time, positive.
    n_steps : int
        Number of steps, at least 1.
    n_paths : int, default 1
        Path i owns stream i, so it does not depend on how many others there are, nor on the number
        of threads.
    save_every : int, default 1
        Return every `save_every`-th step, which must divide `n_steps`; `n_steps` itself returns the
        start and the end.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.
    first_stream : int, default 0
        Path i owns stream ``first_stream + i``: with the same seed these are the paths from number
        `first_stream` on of a larger ensemble, bit for bit.

    Returns
    -------
    Paths

    Raises
    ------
    Exploded
        If a path becomes infinite. The message names the first such path and its step. An
        explicit method explodes where the drift pulls back so hard that a step overshoots.
    ValueError, TypeError
        If an argument is out of range, or the model lacks what the solver needs.

    Notes
    -----
    The cost is one normal draw and one call of each coefficient a step: some 5 ns together on one
    core, where the coefficients are polynomials. Each thread needs 256 bytes a step of memory
    beside the result. A model from the gallery is compiled once and kept on disk; one of your own
    is compiled in each session.

    Examples
    --------
    >>> from labcore import sde
    >>> paths = sde.solve(sde.ornstein_uhlenbeck(), sde.EXACT, 1.0, 2.0, 8, 1000, rng=0)
    >>> paths.x.shape
    (1000, 9)
    """
    t_end = positive("t_end", t_end)
    n_steps = integer("n_steps", n_steps, least=1)
    n_paths = integer("n_paths", n_paths, least=1)
    first_stream = integer("first_stream", first_stream)
    save_every = integer("save_every", save_every, least=1)
    if n_steps % save_every:
        raise ValueError(f"save_every must divide n_steps = {n_steps}, got {save_every}")
    start = _starts(x0, n_paths)
    coefficients = _coefficients(model, solver)
    seed = seed_from(rng)
    n_saved = n_steps // save_every + 1
    out = np.empty((n_paths, n_saved))
    exploded = np.empty(n_paths, np.int64)
    shares = min(get_num_threads(), -(-n_paths // WIDTH))

    def solve_share(share: int) -> None:
        w, lanes = np.empty((n_steps + 1, WIDTH)), np.empty((2, WIDTH))
        _solve_some(
            *(solver.step, coefficients, seed, first_stream, t_end, start, share, shares),
            *(w, lanes, exploded, out),
        )

    if shares == 1:
        solve_share(0)
    else:  # threads of Python, since the loop runs without its lock; prange takes no such tuple
        with ThreadPoolExecutor(shares) as pool:
            list(pool.map(solve_share, range(shares)))
    _refuse_explosion(exploded, model, solver, t_end, n_steps)
    return Paths(np.linspace(0.0, t_end, n_saved), out)


def _starts(x0, n_paths: int) -> np.ndarray:
    x0 = array("x0", x0, (0, 1))
    if x0.ndim == 1 and x0.size != n_paths:
        raise ValueError(f"x0 must be a number or have shape ({n_paths},), got shape {x0.shape}")
    return np.broadcast_to(x0, n_paths).copy()


def _coefficients(model: Model, solver: Solver) -> Coefficients:
    """What the loop needs of a model, in the interpretation of the solver."""
    if model.interpretation not in INTERPRETATIONS:
        raise ValueError(
            f"model.interpretation must be one of {INTERPRETATIONS}, got {model.interpretation!r}"
        )
    for field in ("drift", "diffusion", "diffusion_derivative", "transition"):
        function = getattr(model, field)
        if function is None and field in solver.needs:
            raise ValueError(f"{solver.name} needs model.{field}, which the {model.name} lacks")
        if function is not None and not isinstance(function, Dispatcher):
            raise TypeError(f"model.{field} must be compiled by numba.njit, got {function!r}")
    correction = 0.0
    if model.interpretation != solver.interpretation and "transition" not in solver.needs:
        if model.diffusion_derivative is None:
            raise ValueError(
                f"{solver.name} solves equations of {solver.interpretation}'s kind: for the "
                f"{model.name} it needs model.diffusion_derivative to change the drift"
            )
        correction = 0.5 if solver.interpretation == "ito" else -0.5
    return Coefficients(
        model.drift,
        model.diffusion,
        model.diffusion_derivative or no_derivative,
        model.transition or no_transition,
        tuple(float(value) for value in model.parameters),
        correction,
    )


def _refuse_explosion(exploded: np.ndarray, model, solver, t_end: float, n_steps: int) -> None:
    gone = np.flatnonzero(exploded >= 0)
    if gone.size:
        path, step = gone[0], exploded[gone[0]]
        raise Exploded(
            f"{solver.name} exploded on the {model.name}: {gone.size} of {exploded.size} paths are "
            f"not finite at t = {t_end:g}; path {path} left at step {step} of {n_steps} "
            f"(t = {step * t_end / n_steps:.3g}). Take more steps."
        )
