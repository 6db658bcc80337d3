r"""Multilevel Monte Carlo: many coarse paths, and few fine ones to correct them.

M. B. Giles, "Multilevel Monte Carlo path simulation", Oper. Res. 56 (2008).
doi:10.1287/opre.1070.0496
"""

import math
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np
from numba import get_num_threads
from tqdm.auto import tqdm

from labcore._compile import compiled
from labcore._validate import integer, positive, real
from labcore.random import seed_from
from labcore.sde.brownian import WIDTH, fill_brownian
from labcore.sde.model import Model, Solver
from labcore.sde.scalar import scalar_coefficients
from labcore.sde.solve import Exploded, Paths

_STREAMS_OF_A_LEVEL = 48  # level l owns streams l 2^48, ...
_BATCH = 2**22  # values of paths held at once
_FIRST_LEVELS = 3  # what the estimate of the bias looks at


class Levels(NamedTuple):
    """What was found at each level: an entry for each.

    Parameters
    ----------
    steps : numpy.ndarray of int
        Steps of the finer path of a pair.
    samples : numpy.ndarray of int
        How many pairs of paths were drawn (at level 0 single paths).
    mean, variance : numpy.ndarray
        Of the correction, the payoff of the finer less that of the coarser path.
    kurtosis : numpy.ndarray
        Of the correction. Where it is large, few samples carry it, and the variance is not known
        well: a relative error of the root of (kurtosis - 1) / samples.
    cost : numpy.ndarray of int
        Steps of all paths.
    """

    steps: np.ndarray
    samples: np.ndarray
    mean: np.ndarray
    variance: np.ndarray
    kurtosis: np.ndarray
    cost: np.ndarray


class MultilevelEstimate(NamedTuple):
    """An expectation, and how sure it is.

    Parameters
    ----------
    estimate : float
    standard_error : float
        Of the sampling.
    bias : float
        What the finest level still differs from the limit, as far as the levels show it.
    levels : Levels
    """

    estimate: float
    standard_error: float
    bias: float
    levels: Levels


@compiled
def _advance(step, c, t_end, x0, stride, w, lanes, first, every, out):
    """Solve a block along every `stride`-th value of w; keep every `every`-th state."""
    n_steps = (w.shape[0] - 1) // stride
    h = t_end / n_steps
    x, brownian = lanes[0], lanes[1]
    n = min(x.size, out.shape[0] - first)
    for j in range(x.size):
        x[j] = x0
        brownian[j] = 0.0
    for j in range(n):
        out[first + j, 0] = x0
    for i in range(n_steps):
        t = i * h
        row = w[(i + 1) * stride]
        for j in range(x.size):
            x[j] = step(c, t, x[j], h, row[j] - brownian[j])
            brownian[j] = row[j]
        if (i + 1) % every == 0:
            for j in range(n):
                out[first + j, (i + 1) // every] = x[j]


@compiled
def _solve_pairs(
    step, c, seed, stream, t_end, x0, level, every, first_block, block_step, w, lanes, fine, coarse
):
    """Solve every `block_step`-th block of pairs from `first_block` on; pair i has stream + i."""
    width = w.shape[1]
    for first in range(first_block * width, fine.shape[0], block_step * width):
        fill_brownian(seed, stream + first, t_end, w, lanes)
        _advance(step, c, t_end, x0, 1, w, lanes, first, every, fine)
        if level > 0:
            _advance(step, c, t_end, x0, 2, w, lanes, first, max(every // 2, 1), coarse)


def multilevel(
    model: Model,
    solver: Solver,
    x0: float,
    t_end: float,
    payoff: Callable[[Paths], np.ndarray],
    tolerance: float,
    *,
    n_steps: int = 1,
    whole_path: bool = False,
    weak_order: float | None = None,
    n_first: int = 1000,
    max_levels: int = 16,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> MultilevelEstimate:
    r"""The expectation of a payoff to a given accuracy, from paths of many step sizes.

    With :math:`P_\ell` the payoff of a path of :math:`n\,2^\ell` steps,

    .. math:: \E P_L = \E P_0 + \sum_{\ell=1}^L \E[P_\ell - P_{\ell-1}],

    each term estimated by itself, from :math:`N_\ell` pairs of paths, coarse and fine along the
    same Brownian path. With :math:`V_\ell` the variance of a correction and :math:`C_\ell` the
    steps of a pair, the least work for a variance of :math:`\varepsilon^2 / 2` takes

    .. math:: N_\ell = \frac{2}{\varepsilon^2} \sqrt{V_\ell / C_\ell}\,
              \sum_k \sqrt{V_k C_k},

    and levels are added until the bias, of which the last corrections give an estimate by
    Richardson's rule for weak order :math:`\alpha`,
    :math:`\max_{j \le 2} 2^{-\alpha j} \abs{\E[P_{L-j} - P_{L-j-1}]} / (2^\alpha - 1)`, is below
    :math:`\varepsilon / \sqrt2`.

    Parameters
    ----------
    model : Model
        The equation.
    solver : Solver
        ``EULER_MARUYAMA``, ``MILSTEIN``, ``HEUN`` or ``EXACT``.
    x0 : float
        Where all paths start.
    t_end : float
        Last time, positive.
    payoff : callable
        ``payoff(paths)`` of `Paths`: a number for each row of ``paths.x``. For a function of the
        end take ``paths.x[:, -1]``.
    tolerance : float
        :math:`\varepsilon`, the root of the mean squared error to be reached; positive.
    n_steps : int, default 1
        n, the steps of a path of level 0. Take as many as keep the solver stable.
    whole_path : bool, default False
        Whether the payoff is given the path at all steps, or at its start and its end only.
    weak_order : float, optional
        :math:`\alpha`: the solver's weak order, and not more than 1, unless you know better. The
        payoff can lower it: for the maximum of the values at the steps it is 1/2.
    n_first : int, default 1000
        Pairs that each level begins with.
    max_levels : int, default 16
        When to give up.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    MultilevelEstimate
        Interrupted (Ctrl-C), or when `max_levels` are not enough, it warns and returns what it has,
        with its standard error and its bias. Interrupted before any level is complete, it raises.

    Raises
    ------
    Exploded
        If a payoff is not finite.
    ValueError, TypeError
        If an argument is out of range, the model lacks what the solver needs, or the payoff does
        not return a number for each path.

    Notes
    -----
    Where :math:`V_\ell = O(2^{-\beta\ell})` the cost is of order :math:`\varepsilon^{-2}` for
    :math:`\beta > 1` (Milstein's method and a Lipschitz payoff: 2), with a factor
    :math:`\log^2 \varepsilon` for :math:`\beta = 1` (Euler-Maruyama's), against
    :math:`\varepsilon^{-3}` for paths of one step size. Costs are counted in steps, not in seconds,
    so that the result depends on the seed alone: not on the machine nor on its threads.

    It fails where the corrections are seen by few samples: a jump in the payoff, a rare event. The
    estimates of variance and bias are then too small, with a large `kurtosis` as the only sign;
    take a larger `n_first`, or smooth the payoff. The bias is also missed where the first
    corrections happen to vanish, and where a coarse level is unstable and its variance infinite.

    Examples
    --------
    The mean of a call option, :math:`\E \max(X_1 - 1, 0)`, which is 0.2683:

    >>> import numpy as np
    >>> from labcore import sde
    >>> call = lambda paths: np.maximum(paths.x[:, -1] - 1.0, 0.0)
    >>> model = sde.geometric_brownian(0.05, 0.6)
    >>> result = sde.multilevel(model, sde.MILSTEIN, 1.0, 1.0, call, 0.002, rng=1)
    >>> abs(result.estimate - 0.2683) < 2 * 0.002
    True
    """
    t_end, x0 = positive("t_end", t_end), real("x0", x0)
    tolerance = positive("tolerance", tolerance)
    n_first = integer("n_first", n_first, least=2)
    max_levels = integer("max_levels", max_levels, least=_FIRST_LEVELS)
    n_steps = integer("n_steps", n_steps, least=1)
    order = (
        min(solver.weak_order, 1.0) if weak_order is None else positive("weak_order", weak_order)
    )
    coefficients, seed = scalar_coefficients(model, solver, t_end), seed_from(rng)

    def corrections(level: int, done: int, n: int) -> np.ndarray:
        """Payoffs of pairs `done`, ..., `done` + n - 1 of a level."""
        return _payoffs(
            solver, coefficients, seed, x0, t_end, payoff, n_steps, whole_path, level, done, n
        )

    levels = [_Level(level, n_steps) for level in range(_FIRST_LEVELS)]
    wanted = [n_first] * _FIRST_LEVELS
    with tqdm(unit="step", unit_scale=True, delay=2.0, disable=not progress) as bar:
        try:
            while wanted:
                for level, n in zip(levels, wanted, strict=True):
                    while level.samples < n:
                        batch = min(n - level.samples, level.batch(whole_path))
                        level.add(corrections(level.level, level.samples, batch))
                        bar.update(batch * level.cost)
                wanted = _allocation(levels, tolerance)
                short = any(n > 1.01 * k.samples for k, n in zip(levels, wanted, strict=True))
                if not short and _bias(levels, order) <= tolerance / math.sqrt(2.0):
                    break
                if not short:
                    if len(levels) == max_levels:
                        warnings.warn(
                            f"{max_levels} levels do not reach the tolerance {tolerance:g}: the "
                            f"bias is about {_bias(levels, order):.2g}",
                            stacklevel=2,
                        )
                        break
                    levels.append(_Level(len(levels), n_steps))
                    wanted.append(n_first)
                bar.total = sum(
                    max(n, k.samples) * k.cost for k, n in zip(levels, wanted, strict=True)
                )
                bar.refresh()
        except KeyboardInterrupt:
            levels = [level for level in levels if level.samples]
            if len(levels) < _FIRST_LEVELS:
                raise
            warnings.warn(
                f"interrupted after {sum(k.samples for k in levels)} samples: the standard error "
                f"is {_standard_error(levels):.2g}",
                stacklevel=2,
            )
    return MultilevelEstimate(
        float(sum(level.mean for level in levels)),
        _standard_error(levels),
        _bias(levels, order),
        Levels(
            np.array([level.steps for level in levels]),
            np.array([level.samples for level in levels]),
            np.array([level.mean for level in levels]),
            np.array([level.variance for level in levels]),
            np.array([level.kurtosis for level in levels]),
            np.array([level.samples * level.cost for level in levels]),
        ),
    )


class _Level:
    """The corrections of a level: how many, and their moments so far."""

    def __init__(self, level: int, n_steps: int):
        self.level = level
        self.steps = n_steps * 2**level
        self.cost = self.steps + (self.steps // 2 if level else 0)
        self.samples = 0
        self.centre = 0.0  # near the mean, so that powers do not cancel
        self.powers = np.zeros(4)

    def batch(self, whole_path: bool) -> int:
        """How many pairs to hold at once."""
        return max(_BATCH // (2 * (self.steps if whole_path else 1)), WIDTH)

    def add(self, corrections: np.ndarray) -> None:
        if self.samples == 0:
            self.centre = float(corrections.mean())
        self.samples += corrections.size
        y = corrections - self.centre
        square = y * y
        self.powers += y.sum(), square.sum(), (square * y).sum(), (square * square).sum()

    @property
    def mean(self) -> float:
        return self.centre + self.powers[0] / self.samples

    @property
    def variance(self) -> float:
        first, second = self.powers[:2] / self.samples
        return max(second - first**2, 0.0) * self.samples / (self.samples - 1)

    @property
    def kurtosis(self) -> float:
        m1, m2, m3, m4 = self.powers / self.samples
        variance = m2 - m1**2
        fourth = m4 - 4.0 * m1 * m3 + 6.0 * m1**2 * m2 - 3.0 * m1**4
        return fourth / variance**2 if variance > 0.0 else math.nan


def _allocation(levels: list[_Level], tolerance: float) -> list[int]:
    """How many samples each level should have."""
    total = sum(math.sqrt(k.variance * k.cost) for k in levels)
    return [math.ceil(2.0 / tolerance**2 * math.sqrt(k.variance / k.cost) * total) for k in levels]


def _bias(levels: list[_Level], order: float) -> float:
    """What is left beyond the last level, from the corrections of the last three."""
    last = max(abs(k.mean) * 2.0 ** (-order * j) for j, k in enumerate(levels[:-_FIRST_LEVELS:-1]))
    return last / (2.0**order - 1.0)


def _standard_error(levels: list[_Level]) -> float:
    return math.sqrt(sum(level.variance / level.samples for level in levels))


def _payoffs(
    solver, coefficients, seed, x0, t_end, payoff, n_steps, whole_path, level, done, n
) -> np.ndarray:
    """Payoffs of n pairs of a level, the finer less the coarser."""
    steps = n_steps * 2**level
    every = 1 if whole_path else steps
    fine = np.empty((n, steps // every + 1))
    coarse = np.empty((n, steps // 2 + 1 if whole_path else 2))
    shares = min(get_num_threads(), -(-n // WIDTH))
    stream = (level << _STREAMS_OF_A_LEVEL) + done

    def solve_share(share: int) -> None:
        w, lanes = np.empty((steps + 1, WIDTH)), np.empty((2, WIDTH))
        _solve_pairs(
            solver.step,
            coefficients,
            seed,
            stream,
            t_end,
            x0,
            level,
            every,
            share,
            shares,
            w,
            lanes,
            fine,
            coarse,
        )

    if shares == 1:
        solve_share(0)
    else:
        with ThreadPoolExecutor(shares) as pool:
            list(pool.map(solve_share, range(shares)))
    values = _evaluate(payoff, t_end, fine)
    if level:
        values = values - _evaluate(payoff, t_end, coarse)
    return values


def _evaluate(payoff: Callable, t_end: float, x: np.ndarray) -> np.ndarray:
    n, n_saved = x.shape
    values = np.asarray(payoff(Paths(np.linspace(0.0, t_end, n_saved), x)), dtype=np.float64)
    if values.shape != (n,):
        raise ValueError(
            f"payoff must return an array of shape ({n},), a number for each path, got shape "
            f"{values.shape}"
        )
    if not np.isfinite(values).all():
        i = np.flatnonzero(~np.isfinite(values))[0]
        raise Exploded(
            f"payoff must be finite, got {values[i]} for a path that ends at {x[i, -1]:g}; if the "
            f"path exploded, start with more steps (n_steps)"
        )
    return values
