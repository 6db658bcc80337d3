r"""Steps as small as a path needs them, on a Brownian path that refinement does not change.

J. G. Gaines, T. J. Lyons, "Variable step size control in the numerical solution of stochastic
differential equations", SIAM J. Appl. Math. 57 (1997). doi:10.1137/S0036139995286515
"""

import math
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import get_num_threads
from tqdm.auto import tqdm

from labcore._compile import compiled
from labcore._validate import integer, non_negative, positive
from labcore.random import normal_at, seed_from
from labcore.sde.brownian import fill_brownian
from labcore.sde.model import Model, Solver
from labcore.sde.scalar import scalar_coefficients, scalar_starts

_HALVINGS = 40  # of the longest step: what lies below is called an underflow
_BLOCK = 16  # paths between two looks at the progress bar
_SAFETY, _GROW, _WORST = 0.8, 4.0, 8.0


class AdaptivePaths(NamedTuple):
    """Solutions with steps of their own: row i of `x` is path i at the times `t`.

    Parameters
    ----------
    t : numpy.ndarray of shape (n_saved,)
    x : numpy.ndarray of shape (n_paths, n_saved)
    steps : numpy.ndarray of int, shape (n_paths, n_saved - 1)
        How many steps each path took between two of the times.
    rejected : numpy.ndarray of int, shape (n_paths,)
        How many attempts were too coarse.
    smallest : numpy.ndarray of shape (n_paths,)
        The shortest step of each path.
    """

    t: np.ndarray
    x: np.ndarray
    steps: np.ndarray
    rejected: np.ndarray
    smallest: np.ndarray


class StepUnderflow(ArithmeticError):
    """No step was short enough for the tolerance."""


@compiled
def _solve_interval(step, c, seed, path, t_end, n, k, left, x, wanted, tolerance, ends):
    """Carry a path over interval k of n, from W = `left` to W = ends[0].

    What is tried are the nodes of a binary tree: interval `index` of `size`, of length
    t_end / size. On the way down, ends[level] is W at the right end of the node at `level`. W in
    the middle of a node is the node's own draw, the same whenever it is asked for: what an attempt
    was told before it was rejected, the next one is told again.

    Returns the state, the step to try next, the numbers of steps and of rejected attempts, the
    shortest step, and the time where no step was short enough (-1 for none).
    """
    atol, rtol = tolerance
    size, index, level = n, k, 0
    steps, rejected, shortest, stuck = 0, 0, t_end, -1.0
    going = True
    while going:
        h = t_end / size
        half, t = 0.5 * h, index * h
        z = normal_at(seed, path, size + index)
        middle = 0.5 * (left + ends[level]) + 0.5 * math.sqrt(h) * z
        accepted = False
        if h <= wanted:
            whole = step(c, t, x, h, ends[level] - left)
            halfway = step(c, t, x, half, middle - left)
            ahead = step(c, t + half, halfway, half, ends[level] - middle)
            allowed = (atol + rtol * max(abs(x), abs(ahead))) * math.sqrt(h / t_end)
            ratio = abs(ahead - whole) / allowed
            accepted = ratio <= 1.0  # which nan is not
            if accepted:
                wanted = h * min(max(_SAFETY / ratio, 1.0), _GROW)
            else:
                wanted = h * (min(_SAFETY / ratio, 0.5) if ratio < _WORST else _SAFETY / _WORST)
                rejected += 1
        if accepted:
            x, left = ahead, ends[level]
            steps += 2
            shortest = min(shortest, half)
            index += 1
            while level > 0 and index % 2 == 0:  # both halves of a node are done, and so is it
                index, size, level = index // 2, size // 2, level - 1
            if level == 0:
                going = False
            else:
                ends[level] = ends[level - 1]
        elif level < _HALVINGS:
            index, size, level = 2 * index, 2 * size, level + 1
            ends[level] = middle
        else:
            stuck, going = t, False
    return x, wanted, steps, rejected, shortest, stuck


@compiled
def _solve_some(step, c, seed, t_end, x0, first, tolerance, w, z, ends, out, steps, found):
    """Solve paths `first`, ..., one for each row of `out`. Returns the path that was stuck, or -1.

    The buffer w has the shape (n_steps + 1, 1), z (2, 1), and ends as many places as a path has
    halvings, and one more. In `found` go rejected attempts, shortest step and the time where stuck.
    """
    n_steps = w.shape[0] - 1
    n_paths, n_intervals = steps.shape
    every = n_steps // n_intervals
    p, stuck = 0, -1.0
    while p < n_paths and stuck < 0.0:
        fill_brownian(seed, first + p, t_end, w, z)
        x, wanted = x0[first + p], t_end / n_steps
        found[p, 0], found[p, 1] = 0.0, t_end
        out[p, 0] = x
        k = 0
        while k < n_steps and stuck < 0.0:
            ends[0] = w[k + 1, 0]
            x, wanted, n, rejected, shortest, stuck = _solve_interval(
                step, c, seed, first + p, t_end, n_steps, k, w[k, 0], x, wanted, tolerance, ends
            )
            if k % every == 0:
                steps[p, k // every] = 0
            steps[p, k // every] += n
            found[p, 0] += rejected
            found[p, 1] = min(found[p, 1], shortest)
            k += 1
            if k % every == 0:
                out[p, k // every] = x
        found[p, 2] = stuck
        p += 1
    return -1 if stuck < 0.0 else first + p - 1


def solve_adaptive(
    model: Model,
    solver: Solver,
    x0: float | np.ndarray,
    t_end: float,
    n_steps: int,
    n_paths: int = 1,
    *,
    atol: float = 1e-3,
    rtol: float = 1e-3,
    save_every: int = 1,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> AdaptivePaths:
    r"""Solve an equation in steps that each path chooses by its own error.

    A step of length h is done twice, whole and in two halves, along the same Brownian path. Their
    difference must not exceed

    .. math:: (\mathrm{atol} + \mathrm{rtol} \max(\abs{X_t}, \abs{X_{t + h}}))\,\sqrt{h / T},

    or the step is halved. The square root is there because the errors that noise makes have mean
    zero and add up in squares: those of all steps together are then of the size of the tolerance,
    and the error at the end is nearly proportional to it (its power 0.82 to 0.93 was measured).

    Steps are nodes of a binary tree over each of the `n_steps` equal intervals, and the Brownian
    path has its values at the nodes of the tree, each drawn by Levy's midpoint rule from an address
    of its own. Path i is driven by the very path that
    ``brownian_paths(t_end, n, n_paths, rng=rng)[i]`` shows for ``n = n_steps * 2**k``, and that
    drives `labcore.sde.solve`.

    Parameters
    ----------
    model : Model
        The equation.
    solver : Solver
        ``MILSTEIN`` or ``HEUN``; it must be of strong order 1 at least.
    x0 : float or array of shape (n_paths,)
        Where the paths start.
    t_end : float
        Last time, positive.
    n_steps : int
        Number of equal intervals: at the end of each the path has a value, and no step is longer.
    n_paths : int, default 1
        Path i owns stream i.
    atol, rtol : float, default 1e-3
        The tolerance: absolute, positive, and relative, not negative.
    save_every : int, default 1
        Return the value at every `save_every`-th interval's end, which must divide `n_steps`.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    AdaptivePaths

    Raises
    ------
    StepUnderflow
        If a step is too coarse after it has been halved 40 times: the solution explodes, the
        coefficients are not finite, or the tolerance is below rounding. The message says where.
    ValueError, TypeError
        If an argument is out of range, the model lacks what the solver needs, or the solver is of
        strong order below 1.

    Notes
    -----
    Why not draw anew after a rejection? Because what is rejected are the large increments. On
    :math:`dX = X\,dW` a scheme that does so drives its paths by a noise whose variance at time 1 is
    about 0.7, and not 1, however small the tolerance.

    Why not Euler-Maruyama? Steps that depend on the path ahead of them are not those of the theory.
    The terms :math:`\tfrac12 \sigma \sigma' (\Delta W^2 - h)` that Euler's method leaves out have
    mean zero over steps fixed in advance, and not over steps chosen by their error: the method
    converges, to something else. On :math:`dX = X\,dW,\ X_0 = 1` it finds :math:`\E X_1 = 1.2`
    where 1 is true. Milstein's and Heun's methods have these terms (Gaines and Lyons, theorem 4.3).
    For additive noise Milstein's method is Euler's.

    The difference of whole and halves estimates the error of the whole step; what is kept are the
    halves. Where drift dominates the noise, errors add up and do not cancel, and the error at the
    end falls like the power 2/3 of the tolerance. The coefficients are only seen at the steps: a
    narrow feature can be stepped over, which a larger `n_steps` prevents. A step costs two
    evaluations of each coefficient and one normal draw, some 60 ns together, ten times a step of
    `labcore.sde.solve`: for equations whose paths need different steps at different times.

    Examples
    --------
    A cubic spring that starts far out needs short steps in the beginning only. The first of 400,000
    equal steps is too long, and the path explodes.

    >>> from numba import njit
    >>> from labcore import sde
    >>> drift, unit = njit(lambda t, x, p: -(x**3)), njit(lambda t, x, p: 1.0)
    >>> spring = sde.Model("cubic spring", drift, unit, njit(lambda t, x, p: 0.0))
    >>> paths = sde.solve_adaptive(
    ...     spring, sde.MILSTEIN, 1000.0, 1.0, 10, atol=0.01, rtol=0.01, rng=1
    ... )
    >>> paths.steps[0]
    array([7590,   60,   34,   20,   10,   14,    2,    4,    2,    8])
    >>> sde.solve(spring, sde.MILSTEIN, 1000.0, 1.0, 400_000)  # doctest: +IGNORE_EXCEPTION_DETAIL
    Traceback (most recent call last):
      ...
    Exploded: Milstein exploded on the cubic spring: 1 of 1 paths are not finite at t = 1
    """
    t_end = positive("t_end", t_end)
    n_steps = integer("n_steps", n_steps, least=1)
    n_paths = integer("n_paths", n_paths, least=1)
    save_every = integer("save_every", save_every, least=1)
    if n_steps % save_every:
        raise ValueError(f"save_every must divide n_steps = {n_steps}, got {save_every}")
    tolerance = positive("atol", atol), non_negative("rtol", rtol)
    if solver.strong_order < 1.0:
        raise ValueError(
            f"solver must be of strong order 1 at least, for steps that are chosen by their error; "
            f"{solver.name} is of order {solver.strong_order:g}"
        )
    start = scalar_starts(x0, n_paths)
    coefficients = scalar_coefficients(model, solver, t_end)
    seed = seed_from(rng)
    n_saved = n_steps // save_every + 1
    out, steps = np.empty((n_paths, n_saved)), np.empty((n_paths, n_saved - 1), np.int64)
    found = np.empty((n_paths, 3))

    def solve_block(first: int) -> int:
        block = slice(first, first + _BLOCK)
        w, z, ends = np.empty((n_steps + 1, 1)), np.empty((2, 1)), np.empty(_HALVINGS + 1)
        return _solve_some(
            solver.step,
            coefficients,
            seed,
            t_end,
            start,
            first,
            tolerance,
            w,
            z,
            ends,
            out[block],
            steps[block],
            found[block],
        )

    with (
        ThreadPoolExecutor(get_num_threads()) as pool,
        tqdm(total=n_paths, unit="path", delay=2.0, disable=not progress) as bar,
    ):
        try:
            for stuck in pool.map(solve_block, range(0, n_paths, _BLOCK)):
                if stuck >= 0:
                    raise StepUnderflow(
                        f"{solver.name} found no step short enough for the {model.name}: path "
                        f"{stuck} is stuck at t = {found[stuck, 2]:.6g}, at steps of "
                        f"{math.ldexp(t_end / n_steps, -_HALVINGS):.1e}. The solution explodes "
                        f"there, or atol and rtol are below what rounding allows."
                    )
                bar.update(min(_BLOCK, n_paths - int(bar.n)))
        finally:
            pool.shutdown(cancel_futures=True)
    t = np.linspace(0.0, t_end, n_saved)
    return AdaptivePaths(t, out, steps, found[:, 0].astype(np.int64), found[:, 1])
