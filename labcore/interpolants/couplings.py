r"""Couplings: which draw of the source is sent to which draw of the target.

A coupling takes n points of each law and returns n pairs, ``coupling(x0, x1, rng=...)``. Any one
gives interpolants with the two laws at their ends. What it changes is how much the lines between
pairs cross: where they do, the velocity averages over them, and paths bend.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore._validate import integer, points, positive
from labcore.random import permutations, seed_from, uniform

_CHOICE_STREAM = 1 << 60  # not those of the draws of the same seed


class Pairs(NamedTuple):
    """Ends in pairs: row i of `x0` goes with row i of `x1`. Both have the shape (n, d)."""

    x0: np.ndarray
    x1: np.ndarray


Coupling = Callable[..., Pairs]


def given_pairs(x0: np.ndarray, x1: np.ndarray, *, rng=None) -> Pairs:
    """The pairs as they are: ends that belong together, or are independent already.

    Parameters
    ----------
    x0, x1 : arrays of shape (n, d), or (n,) on the line
    rng
        Not used: it is there for all couplings to be called alike.

    Raises
    ------
    ValueError
        If the shapes differ, or values are not finite.

    Examples
    --------
    >>> given_pairs([0.0, 1.0], [5.0, 4.0]).x1[:, 0]
    array([5., 4.])
    """
    x0, x1 = points("x0", x0), points("x1", x1)
    if x0.shape[1] != x1.shape[1]:
        raise ValueError(f"x1 must have {x0.shape[1]} columns as x0, got {x1.shape[1]}")
    if len(x0) != len(x1):
        raise ValueError(
            f"x1 must hold as many points as x0, {len(x0)}, got {len(x1)}: pairs move equal masses"
        )
    return Pairs(x0, x1)


def independent_pairs(
    x0: np.ndarray, x1: np.ndarray, *, rng: int | np.random.Generator | None = None
) -> Pairs:
    """Each point of x0 with one of x1, in a random order: no coupling at all.

    Parameters
    ----------
    x0, x1 : arrays of shape (n, d), or (n,) on the line
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).

    Raises
    ------
    ValueError
        As `given_pairs`.

    Examples
    --------
    >>> independent_pairs([0.0, 1.0, 2.0], [5.0, 4.0, 3.0], rng=1).x1[:, 0]
    array([5., 3., 4.])
    """
    x0, x1 = given_pairs(x0, x1)
    return Pairs(x0, x1[permutations(len(x1), 1, rng=rng, stream=_CHOICE_STREAM)[0]])


def optimal_pairs(x0: np.ndarray, x1: np.ndarray, *, rng=None) -> Pairs:
    r"""The pairs of least total squared length: exact optimal transport of the two clouds.

    .. math:: \min_\sigma \sum_{i=1}^n \norm{x_{1,\sigma(i)} - x_{0,i}}^2

    over all permutations.

    Parameters
    ----------
    x0, x1 : arrays of shape (n, d), or (n,) on the line
    rng
        Not used.

    Raises
    ------
    ValueError
        As `given_pairs`.

    Notes
    -----
    The straight lines of these pairs do not cross. Costs :math:`O(n^3)` at worst and n^2 numbers:
    0.3 s for n = 1,000 points of the plane, 0.7 s for 2,000. It is the transport of these points;
    between the laws that they were drawn from it is not, with an error of the order
    :math:`n^{-2/d}` in high dimension d. D. F. Crouse, "On implementing 2D rectangular assignment
    algorithms", IEEE Transactions on Aerospace and Electronic Systems 52 (2016).
    doi:10.1109/TAES.2016.140952.

    Examples
    --------
    >>> optimal_pairs([0.0, 1.0, 2.0], [5.0, 4.0, 3.0]).x1[:, 0]
    array([3., 4., 5.])
    """
    x0, x1 = given_pairs(x0, x1)
    return Pairs(x0, x1[_assignment(x0, x1)])


def minibatch_pairs(
    x0: np.ndarray,
    x1: np.ndarray,
    *,
    size: int = 256,
    rng: int | np.random.Generator | None = None,
) -> Pairs:
    """Pairs that are optimal within batches, into which the points are divided at random.

    Parameters
    ----------
    x0, x1 : arrays of shape (n, d), or (n,) on the line
    size : int, default 256
        Points in a batch; the last may be smaller. With 1 it is `independent_pairs` in another
        order, with n `optimal_pairs`.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).

    Raises
    ------
    ValueError
        As `given_pairs`, and if the size is less than one.

    Notes
    -----
    Costs at most n size^2. The pairs have the two laws for ends, as any coupling; but their limit
    of many batches is not the optimal one: in high dimension batches of some hundreds are hardly
    better than chance. A. Tong et al., "Improving and generalizing flow-based generative models
    with minibatch optimal transport", 2023. arXiv:2302.00482.

    Examples
    --------
    >>> pairs = minibatch_pairs([0.0, 1.0, 2.0, 3.0], [9.0, 8.0, 7.0, 6.0], size=2, rng=1)
    >>> bool(((pairs.x1 - pairs.x0) ** 2).sum() >= 4 * 6.0**2)
    True
    """
    x0, x1 = given_pairs(x0, x1)
    size = integer("size", size, 1)
    first, second = permutations(len(x0), 2, rng=rng, stream=_CHOICE_STREAM)
    x0, x1 = x0[first], x1[second]
    for start in range(0, len(x0), size):
        part = slice(start, start + size)
        x1[part] = x1[part][_assignment(x0[part], x1[part])]
    return Pairs(x0, x1)


def schrodinger_pairs(
    x0: np.ndarray,
    x1: np.ndarray,
    *,
    noise: float,
    rng: int | np.random.Generator | None = None,
) -> Pairs:
    r"""Pairs drawn from the plan that is closest to a Brownian motion: Schrodinger's coupling.

    Among all plans with equal weights of the points for marginals, the one with the least relative
    entropy to :math:`e^{-\norm{x_0 - x_1}^2/2a}`, the law of a Brownian motion of variance rate a
    between times 0 and 1. Row i of x0 is sent to one x1, chosen with its probabilities.

    Parameters
    ----------
    x0, x1 : arrays of shape (n, d), or (n,) on the line
    noise : float
        The variance rate a. With ``linear(noise=a)`` for a schedule and the diffusion
        :math:`\epsilon = a/2` the SDE of the interpolant is Schrodinger's bridge.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).

    Returns
    -------
    Pairs
        All of x0; points of x1 may occur several times or not at all, once on average.

    Raises
    ------
    ValueError
        As `given_pairs`, and if the noise is not positive.

    Notes
    -----
    The plan is found by `labcore.transport.sinkhorn`, whose iterations, of n^2 operations each,
    grow in number like 1/a. For :math:`a \to 0` the pairs are the optimal ones, for
    :math:`a \to \infty` independent. V. De Bortoli, J. Thornton, J. Heng, A. Doucet, "Diffusion
    Schrodinger bridge", NeurIPS 2021. arXiv:2106.01357.

    Examples
    --------
    >>> schrodinger_pairs([0.0, 1.0, 2.0], [5.0, 4.0, 3.0], noise=0.01, rng=1).x1[:, 0]
    array([3., 4., 5.])
    """
    from scipy.spatial.distance import cdist

    from labcore.transport import sinkhorn

    x0, x1 = given_pairs(x0, x1)
    noise = positive("noise", noise)
    half_squares = 0.5 * cdist(x0, x1, "sqeuclidean")
    first = max(noise, 0.1 * float(half_squares.mean()))
    # A marginal wrong by so little of its mass is not seen in n draws.
    plan = sinkhorn(half_squares, noise, first_epsilon=first, tolerance=1e-4).plan()
    u = uniform(len(x0), rng=int(seed_from(rng)), stream=_CHOICE_STREAM)
    chosen = np.empty(len(x0), np.int64)
    _choose(plan, u, chosen)
    return Pairs(x0, x1[chosen])


def _assignment(x0: np.ndarray, x1: np.ndarray) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    return linear_sum_assignment(cdist(x0, x1, "sqeuclidean"))[1]


@compiled
def _choose(plan, u, chosen):
    """Column j of row i with a probability proportional to plan[i, j]."""
    n, m = plan.shape
    for i in range(n):
        total = 0.0
        for j in range(m):
            total += plan[i, j]
        level, j = u[i] * total, 0
        while j < m - 1 and level >= plan[i, j]:
            level -= plan[i, j]
            j += 1
        chosen[i] = j
