r"""Which points stand for all of them: uniform, by ridge leverage, or pivots of Cholesky.

A low-rank approximation of a Gram matrix is built on m columns. Leverage scores say how much each
point matters at a given penalty; the pivots of an incomplete Cholesky factorisation are chosen one
after the other, each by what those before it leave.
"""

import math
from typing import NamedTuple

import numpy as np

from labcore import _validate as validate
from labcore import random
from labcore.kernels._cholesky import inverse_factor, positive_cholesky
from labcore.kernels.kernel import Kernel

_BASE = 128  # points of which the recursion takes all
_OVERSAMPLING = 2.0
_EXHAUSTED = 1e-14  # of the largest diagonal entry: a pivot that is rounding


class PartialCholesky(NamedTuple):
    r"""An approximation of low rank, :math:`K \approx L L^\top`.

    Parameters
    ----------
    factor : ndarray, shape (n, m)
        L. Its rows at the pivots, in their order, form a lower triangular matrix.
    pivots : ndarray of int, shape (m,)
        Indices of the landmarks, in the order in which they were chosen.
    residual : ndarray, shape (n,)
        Diagonal of :math:`K - L L^\top`, which is positive semidefinite: its sum bounds every norm
        of the error.
    """

    factor: np.ndarray
    pivots: np.ndarray
    residual: np.ndarray


def pivoted_cholesky(
    kernel: Kernel,
    x: np.ndarray,
    rank: int,
    *,
    random_pivots: bool = False,
    tolerance: float = 0.0,
    rng: int | np.random.Generator | None = None,
) -> PartialCholesky:
    r"""Incomplete Cholesky factorisation of a Gram matrix, of which it computes m columns.

    With d the diagonal of the residual, step j chooses a pivot p and sets

    .. math:: L_{\cdot j} = \frac{k(x, x_p) - L L_p^\top}{\sqrt{d_p}}, \qquad
        d \leftarrow d - L_{\cdot j}^2 .

    Parameters
    ----------
    kernel : Kernel
    x : array_like, shape (n, d) or (n,)
    rank : int
        m, at most n. Fewer columns come back if the `tolerance` is met, or the residual is zero to
        rounding, before.
    random_pivots : bool, default False
        False: the pivot is the point with the largest :math:`d_p`. True: it is drawn with
        probability proportional to :math:`d_p`.
    tolerance : float, default 0
        Stop when the sum of the residual is at most this part of the trace of K.
    rng : int, numpy.random.Generator or None
        The seed, for random pivots (see `labcore.random.seed_from`).

    Returns
    -------
    PartialCholesky

    Raises
    ------
    ValueError
        If `rank` is more than n or less than one, or `tolerance` is not in [0, 1).

    Notes
    -----
    Costs :math:`n m^2` operations, m n evaluations of the kernel and m n numbers.

    The largest pivots chase outliers: where most points lie in a bulk and many lie alone, they take
    those alone first. Random pivots weigh both: with about :math:`r/\epsilon + r
    \log(1/\epsilon\eta)` of them, the expected trace error is at most :math:`1 + \epsilon` times
    that of the best approximation of rank r, whose trace error is the part :math:`\eta` of the
    trace.

    References
    ----------
    S. Fine, K. Scheinberg, "Efficient SVM training using low-rank kernel representations", *JMLR* 2
    (2001) 243-264. Y. Chen, E. N. Epperly, J. A. Tropp, R. J. Webber, "Randomly pivoted Cholesky",
    *Comm. Pure Appl. Math.* 78 (2025) 995-1041, algorithm 2.1 and theorem 2.3.
    doi:10.1002/cpa.22234

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> x = [0.0, 0.1, 2.0]
    >>> factor, pivots, residual = pivoted_cholesky(Gaussian(), x, 2)
    >>> pivots, residual.round(3)
    (array([0, 2]), array([0.   , 0.009, 0.   ]))
    """
    x = validate.points("x", x)
    n = len(x)
    rank = _at_most(n, "rank", rank)
    tolerance = validate.non_negative("tolerance", tolerance)
    if tolerance >= 1:
        raise ValueError(f"tolerance must be less than 1, got {tolerance:g}")
    residual = kernel.diagonal(x)
    trace, largest = residual.sum(), residual.max()
    draws = random.uniform(rank, rng=rng) if random_pivots else None
    rows, pivots = np.empty((rank, n)), np.empty(rank, dtype=np.int64)
    found = 0
    while found < rank and residual.sum() > tolerance * trace:
        if random_pivots:
            cumulative = np.cumsum(residual)
            below = np.searchsorted(cumulative, draws[found] * cumulative[-1], side="right")
            pivot = min(int(below), n - 1)
        else:
            pivot = int(residual.argmax())
        if residual[pivot] <= _EXHAUSTED * largest:
            break
        row = rows[found]
        kernel(x[pivot : pivot + 1], x, out=rows[found : found + 1])
        row -= rows[:found, pivot] @ rows[:found]
        row /= math.sqrt(row[pivot])
        row[pivots[:found]] = 0.0  # to rounding they are
        residual -= row * row
        np.maximum(residual, 0.0, out=residual)
        residual[pivot] = 0.0
        pivots[found] = pivot
        found += 1
    return PartialCholesky(np.ascontiguousarray(rows[:found].T), pivots[:found], residual)


def leverage_scores(kernel: Kernel, x: np.ndarray, *, penalty: float) -> np.ndarray:
    r"""The ridge leverage scores :math:`\ell_i = \left(K (K + \lambda I)^{-1}\right)_{ii}`.

    The score of a point is the slope of its own fitted value in its measurement, in kernel ridge
    regression with this penalty. Their sum is the effective dimension, the degrees of freedom of
    that fit.

    Parameters
    ----------
    kernel : Kernel
    x : array_like, shape (n, d) or (n,)
    penalty : float
        :math:`\lambda > 0`, not divided by n.

    Returns
    -------
    numpy.ndarray, shape (n,)
        Between 0 and 1.

    Raises
    ------
    ValueError
        If the penalty is not positive.

    Notes
    -----
    Exact, at :math:`2n^3/3` operations and 2 n^2 numbers: for more than a few thousand points use
    `recursive_leverage_scores`.

    References
    ----------
    A. Alaoui, M. W. Mahoney, "Fast randomized kernel ridge regression with statistical guarantees",
    NeurIPS 2015, definition 1. arXiv:1411.0306

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> leverage_scores(Gaussian(), [0.0, 0.1, 2.0], penalty=0.1).round(2)
    array([0.5 , 0.5 , 0.91])
    """
    x = validate.points("x", x)
    penalty = validate.positive("penalty", penalty)
    factor = positive_cholesky(kernel(x), penalty, advice="Use a larger penalty.", overwrite=True)
    return np.clip(1.0 - penalty * (inverse_factor(factor) ** 2).sum(axis=0), 0.0, 1.0)


def recursive_leverage_scores(
    kernel: Kernel,
    x: np.ndarray,
    *,
    penalty: float,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    r"""Approximate ridge leverage scores, in time linear in the number of points.

    The scores of half of the points, found in the same way, say which of them to keep; those,
    weighted by :math:`1/p_i` for their probability :math:`p_i` of being kept, stand for all points
    in

    .. math:: \tilde\ell = \lambda^{-1} \operatorname{diag}\left(K
        - K S\,(S^\top K S + \lambda I)^{-1} S^\top K\right).

    Parameters
    ----------
    kernel, x, penalty
        As in `leverage_scores`.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).

    Returns
    -------
    numpy.ndarray, shape (n,)
        At most 1; with high probability between the exact score and a few times it, on average
        about twice.

    Raises
    ------
    ValueError
        If the penalty is not positive.

    Notes
    -----
    Keeps about :math:`s = 2 d \log d` points, for the effective dimension d, and costs
    :math:`2 n s^2` operations. If the penalty is so small that d is of the order of n there is
    nothing to gain.

    References
    ----------
    C. Musco, C. Musco, "Recursive sampling for the Nystrom method", NeurIPS 2017, algorithm 2.
    arXiv:1605.07583

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.kernels import Gaussian
    >>> x = np.linspace(0, 50, 1000)
    >>> exact = leverage_scores(Gaussian(), x, penalty=0.1)
    >>> ratio = recursive_leverage_scores(Gaussian(), x, penalty=0.1, rng=0) / exact
    >>> bool(ratio.min() > 1), bool(ratio.max() < 6)
    (True, True)
    """
    x = validate.points("x", x)
    penalty = validate.positive("penalty", penalty)
    seed, n = int(random.seed_from(rng)), len(x)
    order = np.argsort(random.uniform(n, rng=seed))
    levels = [n]
    while levels[-1] > _BASE:
        levels.append((levels[-1] + 1) // 2)
    kept = order[: levels[-1]]
    weights = np.ones(len(kept))
    for stream, size in enumerate(reversed(levels[:-1]), start=1):
        inside = order[:size]
        scores = _scores(kernel, x[inside], x[kept], weights, penalty)
        wanted = _OVERSAMPLING * scores * math.log(max(scores.sum(), math.e))
        probability = np.minimum(wanted, 1.0)
        drawn = random.uniform(size, rng=seed, stream=stream) < probability
        if size == n:
            break
        kept, weights = inside[drawn], 1.0 / np.sqrt(probability[drawn])
    else:
        return leverage_scores(kernel, x, penalty=penalty)
    result = np.empty(n)
    result[inside] = scores
    return result


def sample_landmarks(
    weights: np.ndarray, count: int, *, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    """Indices of `count` different points, drawn one after the other in proportion to weights.

    Parameters
    ----------
    weights : array_like, shape (n,)
        Not negative: ``np.ones(n)`` for uniform landmarks, or leverage scores.
    count : int
        How many, at most as many as there are positive weights.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).

    Returns
    -------
    numpy.ndarray of int, shape (count,)
        In increasing order.

    Raises
    ------
    ValueError
        If a weight is negative, or fewer than `count` are positive.

    Notes
    -----
    Without replacement: the first is drawn with probabilities in proportion to the weights, the
    next in proportion to the weights of the others, and so on. Costs n log n.

    References
    ----------
    P. S. Efraimidis, P. G. Spirakis, "Weighted random sampling with a reservoir", *Inf. Process.
    Lett.* 97 (2006) 181-185. doi:10.1016/j.ipl.2005.11.003

    Examples
    --------
    >>> sample_landmarks([1.0, 0.0, 2.0, 5.0], 3, rng=0)
    array([0, 2, 3])
    """
    weights = validate.array("weights", weights, 1)
    if len(weights) and weights.min() < 0:
        raise ValueError(f"weights must not be negative, got {weights.min():g}")
    count = _at_most(int((weights > 0).sum()), "count", count)
    with np.errstate(divide="ignore"):
        waiting = -np.log(random.uniform(len(weights), rng=rng)) / weights
    return np.sort(np.argpartition(waiting, count - 1)[:count])


def _scores(kernel, x, kept, weights, penalty) -> np.ndarray:
    cross = weights[:, None] * kernel(kept, x)
    inner = weights[:, None] * weights * kernel(kept)
    factor = positive_cholesky(inner, penalty, advice="Use a larger penalty.", overwrite=True)
    explained = ((inverse_factor(factor) @ cross) ** 2).sum(axis=0)
    return np.clip((kernel.diagonal(x) - explained) / penalty, 0.0, 1.0)


def _at_most(n: int, name: str, value: int) -> int:
    """`value` as an int, if it is from one to the number of points."""
    value = validate.integer(name, value, 1)
    if value > n:
        raise ValueError(f"{name} must be at most the number of points, {n}, got {value}")
    return value
