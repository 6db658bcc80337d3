r"""Markov kernels on finitely many states: row-stochastic matrices P, with P[x, y] = P(x, {y})."""

from typing import NamedTuple

import numpy as np
from scipy.sparse.csgraph import connected_components

from labcore._validate import array


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
    """
    Q = _stochastic(proposal, "proposal")
    weights = array("stationary", stationary, 1)
    if weights.shape != (len(Q),) or weights.min() <= 0.0:
        raise ValueError(f"stationary must be {len(Q)} positive weights, got {weights}")
    flow = weights[:, None] * Q
    P = np.minimum(flow, flow.T) / weights[:, None]
    np.fill_diagonal(P, 0.0)
    np.fill_diagonal(P, 1.0 - P.sum(axis=1))
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


def _stochastic(kernel, name: str = "kernel") -> np.ndarray:
    P = array(name, kernel, 2)
    if P.shape[0] != P.shape[1] or P.size == 0:
        raise ValueError(f"{name} must be square, got shape {P.shape}")
    if P.min() < 0.0 or np.abs(P.sum(axis=1) - 1.0).max() > 1e-9:
        raise ValueError(f"{name} must have non-negative rows that sum to 1")
    return P
