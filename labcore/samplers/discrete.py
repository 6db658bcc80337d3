r"""Markov kernels on finitely many states: row-stochastic matrices P, with P[x, y] = P(x, {y})."""

from typing import NamedTuple

import numpy as np
from numba import uint64
from scipy.sparse.csgraph import connected_components

from labcore._compile import compiled
from labcore._validate import array, integer, real
from labcore.random import seed_from, uniform_at

_LONGEST = 2**60  # steps that a mixing time is looked for in


def stationary_distribution(kernel) -> np.ndarray:
    r"""The probability vector with :math:`\pi P = \pi`.

    Eliminates one state after another: a walker who is watched only while in the first k states is
    a Markov chain on them. As nothing is ever subtracted, even probabilities far below the
    rounding error of the others come out with nearly all their digits. Costs :math:`O(n^3)`.

    Parameters
    ----------
    kernel : array_like, shape (n, n)
        A row-stochastic matrix, irreducible: every state can be reached from every other.

    Raises
    ------
    ValueError
        If `kernel` is not row-stochastic, or not irreducible.

    References
    ----------
    W. K. Grassmann, M. I. Taksar, D. P. Heyman, "Regenerative analysis and steady state
    distributions for Markov chains", Operations Research 33 (1985). doi:10.1287/opre.33.5.1107

    Examples
    --------
    >>> from labcore.samplers import stationary_distribution
    >>> stationary_distribution([[0.9, 0.1], [0.3, 0.7]]).round(6)
    array([0.75, 0.25])
    """
    P = _stochastic(kernel).copy()
    n = len(P)
    if connected_components(P > 0.0, connection="strong", return_labels=False) > 1:
        raise ValueError("kernel must be irreducible: some states are never reached from others")
    leaving = np.ones(n)
    for k in range(n - 1, 0, -1):
        leaving[k] = P[k, :k].sum()
        P[:k, :k] += np.outer(P[:k, k], P[k, :k] / leaving[k])
    pi = np.ones(n)
    for k in range(1, n):
        pi[k] = pi[:k] @ P[:k, k] / leaving[k]
    return pi / pi.sum()


def metropolis_matrix(proposal, stationary) -> np.ndarray:
    r"""The Metropolis-Hastings kernel with proposals Q that leaves given weights invariant.

    :math:`P_{xy} = Q_{xy} \min(1, \pi_y Q_{yx} / \pi_x Q_{xy})` for :math:`y \ne x`; what is
    rejected stays on the diagonal.

    Parameters
    ----------
    proposal : array_like, shape (n, n)
        A row-stochastic matrix Q.
    stationary : array_like, shape (n,)
        Positive weights :math:`\pi`, normalised or not.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import metropolis_matrix
    >>> metropolis_matrix(np.full((2, 2), 0.5), [1.0, 3.0]).round(3)
    array([[0.5  , 0.5  ],
           [0.167, 0.833]])
    """
    Q = _stochastic(proposal, "proposal")
    weights = array("stationary", stationary, 1)
    if weights.shape != (len(Q),) or weights.min() <= 0.0:
        raise ValueError(f"stationary must be {len(Q)} positive weights, got {weights}")
    flow = weights[:, None] * Q
    P = np.minimum(flow, flow.T) / weights[:, None]
    np.fill_diagonal(P, 0.0)
    np.fill_diagonal(P, np.maximum(1.0 - P.sum(axis=1), 0.0))  # a rounding error may lie below
    return P


class Spectrum(NamedTuple):
    r"""Eigenvalues of a reversible kernel, largest first, and its eigenfunctions (columns).

    The functions are orthonormal in :math:`L^2(\pi)`: :math:`\sum_x \pi_x f_i(x) f_j(x) =
    \delta_{ij}`. The first eigenvalue is 1, with a constant function.
    """

    values: np.ndarray
    functions: np.ndarray

    @property
    def gap(self) -> float:
        r"""The absolute spectral gap :math:`1 - \max_{i \ge 2} |\lambda_i|`."""
        return float(1.0 - np.abs(self.values[1:]).max())


def spectrum(kernel) -> Spectrum:
    r"""Eigenvalues and eigenfunctions of a reversible kernel.

    Detailed balance makes :math:`D^{1/2} P D^{-1/2}`, with :math:`D = \operatorname{diag}(\pi)`,
    symmetric: so the eigenvalues are real and the eigenfunctions orthogonal in
    :math:`L^2(\pi)`. Costs :math:`O(n^3)`.

    Raises
    ------
    ValueError
        If `kernel` is not row-stochastic, irreducible and reversible.

    Examples
    --------
    >>> from labcore.samplers import spectrum
    >>> spectrum([[0.9, 0.1], [0.3, 0.7]]).values.round(6)
    array([1. , 0.6])
    """
    P = _stochastic(kernel)
    pi = stationary_distribution(P)
    flow = pi[:, None] * P
    if len(P) < 2 or np.abs(flow - flow.T).max() > 1e-10:
        raise ValueError("kernel must be reversible, on at least two states")
    root = np.sqrt(pi)
    symmetric = 0.5 * (flow + flow.T) / np.outer(root, root)
    values, vectors = np.linalg.eigh(symmetric)
    return Spectrum(values[::-1].copy(), vectors[:, ::-1] / root[:, None])


def random_walk(adjacency, *, laziness: float = 0.0) -> np.ndarray:
    r"""The walk that goes to a random neighbour, or stays where it is with a given probability.

    :math:`P = a I + (1 - a) D^{-1} W` with `laziness` a and the degrees
    :math:`D_{xx} = \sum_y W_{xy}`. It is reversible, with
    :math:`\pi_x \propto D_{xx}`; with :math:`a \ge \tfrac12` no eigenvalue is negative, so that
    not even a bipartite graph makes it periodic.

    Parameters
    ----------
    adjacency : array_like, shape (n, n)
        W, symmetric: 1 for an edge, or its weight. Entries on the diagonal are loops.
    laziness : float, default 0
        a, from 0 to below 1.

    Raises
    ------
    ValueError
        If W is not symmetric and non-negative, a vertex has no edge, or a is out of range.

    References
    ----------
    D. A. Levin, Y. Peres, *Markov Chains and Mixing Times*, 2nd edition, AMS 2017, section 1.4.

    Examples
    --------
    >>> from labcore.samplers import random_walk
    >>> random_walk([[0, 1, 0], [1, 0, 1], [0, 1, 0]], laziness=0.5)
    array([[0.5 , 0.5 , 0.  ],
           [0.25, 0.5 , 0.25],
           [0.  , 0.5 , 0.5 ]])
    """
    W = _graph(adjacency)
    laziness = real("laziness", laziness)
    if not 0.0 <= laziness < 1.0:
        raise ValueError(f"laziness must be from 0 to below 1, got {laziness:g}")
    P = (1.0 - laziness) * W / W.sum(axis=1, keepdims=True)
    P[np.diag_indices(len(P))] += laziness
    return P


class NonBacktracking(NamedTuple):
    """A walk that never turns back, as a kernel on directed edges.

    Parameters
    ----------
    kernel : ndarray, shape (2m, 2m)
        Its transition matrix.
    edges : ndarray of int, shape (2m, 2)
        The edge (x, y) that each state stands for: at y, having come from x.
    """

    kernel: np.ndarray
    edges: np.ndarray


def non_backtracking_walk(adjacency) -> NonBacktracking:
    r"""The walk that goes to a random neighbour other than the one it came from.

    From the directed edge (x, y) to (y, z), :math:`z \ne x`, with probability
    :math:`1 / (\deg y - 1)`. The uniform law on the 2m directed edges is stationary: the walker is
    at x for a fraction :math:`\deg x / 2m` of the time, as in the simple walk, but it is not
    reversible. On regular graphs of degree d that a walk explores slowly, its gap is larger by
    :math:`d / (d - 2)`. The matrix has :math:`4 m^2` entries.

    Parameters
    ----------
    adjacency : array_like, shape (n, n)
        Symmetric, of zeros and ones, without loops; every vertex has at least two neighbours.

    Raises
    ------
    ValueError
        If `adjacency` is not of this kind: at a vertex with one neighbour the walk cannot go on.

    References
    ----------
    N. Alon, I. Benjamini, E. Lubetzky, S. Sodin, "Non-backtracking random walks mix faster",
    Communications in Contemporary Mathematics 9 (2007). doi:10.1142/S0219199707002551

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import non_backtracking_walk
    >>> walk = non_backtracking_walk(np.ones((4, 4)) - np.eye(4))  # the tetrahedron
    >>> walk.kernel.shape, walk.kernel.max()
    ((12, 12), np.float64(0.5))
    """
    W = _graph(adjacency)
    if not np.isin(W, (0.0, 1.0)).all() or W.trace() > 0.0:
        raise ValueError("adjacency must be of zeros and ones, without loops")
    degree = W.sum(axis=1)
    if degree.min() < 2.0:
        raise ValueError(
            f"adjacency must give every vertex two neighbours or more, got vertex "
            f"{int(degree.argmin())} with one"
        )
    edges = np.argwhere(W > 0.0)
    come, gone = edges[:, 0], edges[:, 1]
    follows = (gone[:, None] == come) & (come[:, None] != gone)
    return NonBacktracking(follows / (degree[gone, None] - 1.0), edges)


def mixing_time(kernel, distance: float = 0.25) -> int:
    r"""The number of steps after which the walk has forgotten where it began.

    :math:`\min\{t : \max_x \tfrac12 \sum_y |P^t(x, y) - \pi_y| \le \epsilon\}`, the largest total
    variation distance being non-increasing in t. Found by squaring and bisection, in
    :math:`O(n^3 \log t)`.

    Parameters
    ----------
    kernel : array_like, shape (n, n)
        A row-stochastic matrix, irreducible and aperiodic.
    distance : float, default 1/4
        :math:`\epsilon`, between 0 and 1.

    Raises
    ------
    ValueError
        If `kernel` is not row-stochastic or not irreducible, `distance` is out of range, or the
        distance stays above it: the kernel is periodic (make it lazy).

    Notes
    -----
    For a reversible kernel with spectral gap :math:`\gamma`,
    :math:`(\gamma^{-1} - 1) \log \frac{1}{2 \epsilon} \le t \le \gamma^{-1} \log
    \frac{1}{\epsilon \min \pi}` (Levin and Peres, theorems 12.4 and 12.5). Distances below
    1e-12 are rounding.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import mixing_time, random_walk
    >>> cycle = np.roll(np.eye(20), 1, axis=1)
    >>> mixing_time(random_walk(cycle + cycle.T, laziness=0.5))
    38
    """
    P = _stochastic(kernel)
    distance = real("distance", distance)
    if not 0.0 < distance < 1.0:
        raise ValueError(f"distance must be between 0 and 1, got {distance:g}")
    pi = stationary_distribution(P)

    def far(power: np.ndarray) -> bool:
        return 0.5 * np.abs(power - pi).sum(axis=1).max() > distance

    powers = [P]  # P^(2^i)
    while far(powers[-1]):
        if 2 ** len(powers) > _LONGEST:
            raise ValueError(
                "kernel must be aperiodic: the walk never comes near its stationary law"
            )
        powers.append(powers[-1] @ powers[-1])
    if len(powers) == 1:
        return int(far(np.eye(len(P))))
    # The walk is still far after 2^(m-1) steps: add smaller powers as long as it stays far.
    steps, reached = 2 ** (len(powers) - 2), powers[-2]
    for i in range(len(powers) - 3, -1, -1):
        further = reached @ powers[i]
        if far(further):
            steps, reached = steps + 2**i, further
    return steps + 1


def walk(
    kernel,
    n_steps: int,
    *,
    start: int = 0,
    n_walks: int = 1,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    r"""Paths of the Markov chain with a given kernel.

    Each step inverts the cumulative row by bisection, in :math:`O(\log n)`. Walk number c owns
    stream c of the seed.

    Parameters
    ----------
    kernel : array_like, shape (n, n)
        A row-stochastic matrix.
    n_steps : int
        Steps of each walk.
    start : int, default 0
        The state from which all walks begin.
    n_walks : int, default 1
        How many.
    rng : int, numpy.random.Generator or None
        The seed.

    Returns
    -------
    ndarray of int, shape (n_walks, n_steps)
        The states after each step.

    Raises
    ------
    ValueError
        If `kernel` is not row-stochastic or `start` is no state.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import walk
    >>> walk(np.roll(np.eye(3), 1, axis=1), 5, rng=1)
    array([[1, 2, 0, 1, 2]])
    """
    P = _stochastic(kernel)
    start = integer("start", start)
    if start >= len(P):
        raise ValueError(f"start must be a state from 0 to {len(P) - 1}, got {start}")
    paths = np.empty((integer("n_walks", n_walks), integer("n_steps", n_steps)), dtype=np.int64)
    # A row may sum to 1 less a rounding error: its last possible state takes what is left.
    cumulative = np.cumsum(P, axis=1)
    last = len(P) - 1 - (P[:, ::-1] > 0.0).argmax(axis=1)
    cumulative[np.arange(len(P)) >= last[:, None]] = 1.0
    _walk(cumulative, start, seed_from(rng), paths)
    return paths


@compiled
def _walk(cumulative, start, seed, paths):
    for c in range(paths.shape[0]):
        state = start
        for t in range(paths.shape[1]):
            u = uniform_at(seed, uint64(c), uint64(t))
            low, high = 0, cumulative.shape[1] - 1
            while low < high:
                middle = (low + high) // 2
                if cumulative[state, middle] > u:
                    high = middle
                else:
                    low = middle + 1
            state = low
            paths[c, t] = state


def _graph(adjacency) -> np.ndarray:
    W = array("adjacency", adjacency, 2)
    if W.shape[0] != W.shape[1] or W.size == 0:
        raise ValueError(f"adjacency must be square, got shape {W.shape}")
    if W.min() < 0.0 or not (W == W.T).all():
        raise ValueError("adjacency must be symmetric and non-negative")
    if W.sum(axis=1).min() <= 0.0:
        raise ValueError(
            f"adjacency must give every vertex an edge, got none at {int(W.sum(axis=1).argmin())}"
        )
    return W


def _stochastic(kernel, name: str = "kernel") -> np.ndarray:
    P = array(name, kernel, 2)
    if P.shape[0] != P.shape[1] or P.size == 0:
        raise ValueError(f"{name} must be square, got shape {P.shape}")
    if P.min() < 0.0 or np.abs(P.sum(axis=1) - 1.0).max() > 1e-9:
        raise ValueError(f"{name} must have non-negative rows that sum to 1")
    return P
