r"""Scaling a matrix to be doubly stochastic: diagonal matrices on both sides.

R. Sinkhorn, P. Knopp, "Concerning nonnegative matrices and doubly stochastic matrices", *Pacific J.
Math.* 21 (1967). doi:10.2140/pjm.1967.21.343
"""

import warnings
from typing import NamedTuple

import numpy as np

from labcore import _validate as validate


class Scaling(NamedTuple):
    """A doubly stochastic matrix that was made of another one.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
        ``left[:, None] * A * right``: rows and columns sum to 1.
    left, right : ndarray, shape (n,)
        Positive; unique up to a factor for each block of a matrix that decomposes.
    violation : float
        The largest error of a row or column sum.
    iterations : int
    """

    matrix: np.ndarray
    left: np.ndarray
    right: np.ndarray
    violation: float
    iterations: int


def doubly_stochastic(
    matrix: np.ndarray, *, tolerance: float = 1e-10, max_iterations: int = 100_000
) -> Scaling:
    r"""Scale rows and columns of a square matrix without negative entries, :math:`D_1 A D_2`,
    until all of them sum to 1.

    It is possible if and only if A has *total support*: each positive entry lies on a permutation
    of positive entries. That is decided first, exactly, by a matching and strong components.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        A, finite and not negative.
    tolerance : float, default 1e-10
        Ends when no row or column sum is wrong by more.
    max_iterations : int, default 100000

    Returns
    -------
    Scaling
        If it has not converged, it warns and returns the matrix as it is.

    Raises
    ------
    ValueError
        If A is not square, not finite or has negative entries; or if no scaling exists, with
        the reason: no permutation of positive entries, or an entry that would have to vanish.

    Notes
    -----
    Convergence is linear, with the square of the second singular value of the result as its
    factor: slow where A nearly decomposes.

    References
    ----------
    P. A. Knight, "The Sinkhorn-Knopp algorithm: convergence and applications", *SIAM J. Matrix
    Anal. Appl.* 30 (2008), theorem 4.3. doi:10.1137/060659624

    Examples
    --------
    >>> from labcore.transport import doubly_stochastic
    >>> doubly_stochastic([[1.0, 2.0], [3.0, 24.0]]).matrix.round(4)
    array([[0.6667, 0.3333],
           [0.3333, 0.6667]])
    """
    a, tolerance, max_iterations = _checked(matrix, tolerance, max_iterations)
    right = np.ones(len(a))
    iterations, violation = 0, np.inf
    left = 1.0 / (a @ right)
    while True:
        columns = a.T @ left
        violation = np.abs(right * columns - 1.0).max()
        if violation <= tolerance or iterations == max_iterations:
            break
        right = 1.0 / columns
        left = 1.0 / (a @ right)
        iterations += 1
    return _result(a, left, right, violation, tolerance, iterations)


def symmetric_scaling(
    matrix: np.ndarray, *, tolerance: float = 1e-10, max_iterations: int = 100_000
) -> Scaling:
    r"""Scale a symmetric matrix without negative entries to a doubly stochastic one, D A D.

    The iteration is :math:`d \leftarrow \sqrt{d / (A d)}`. Of a Gram matrix of a positive kernel it
    makes a symmetric Markov kernel: a diffusion without the bias of the sampling density.

    Parameters
    ----------
    matrix : array_like, shape (n, n)
        A, finite, symmetric and not negative.
    tolerance, max_iterations
        As in `doubly_stochastic`.

    Returns
    -------
    Scaling
        With ``left`` equal to ``right``; positive semidefinite if A is. If it has not converged, it
        warns and returns the matrix as it is.

    Raises
    ------
    ValueError
        As `doubly_stochastic`, and if A is not symmetric.

    Notes
    -----
    Convergence is linear: the error shrinks by :math:`(1 - \lambda)/2` in the direction of each
    eigenvalue :math:`\lambda` of the result, by one half or better for positive semidefinite A.

    References
    ----------
    P. A. Knight, D. Ruiz, B. Uçar, "A symmetry preserving algorithm for matrix scaling", *SIAM J.
    Matrix Anal. Appl.* 35 (2014). doi:10.1137/110825753

    Examples
    --------
    >>> from labcore.transport import symmetric_scaling
    >>> symmetric_scaling([[2.0, 1.0], [1.0, 8.0]]).matrix.round(4)
    array([[0.8, 0.2],
           [0.2, 0.8]])
    """
    a, tolerance, max_iterations = _checked(matrix, tolerance, max_iterations)
    if not np.array_equal(a, a.T):
        raise ValueError("matrix must be symmetric: see doubly_stochastic")
    scale = 1.0 / np.sqrt(a.sum(axis=1))
    iterations, violation = 0, np.inf
    while True:
        sums = a @ scale
        violation = np.abs(scale * sums - 1.0).max()
        if violation <= tolerance or iterations == max_iterations:
            break
        scale = np.sqrt(scale / sums)
        iterations += 1
    return _result(a, scale, scale, violation, tolerance, iterations)


def _result(a, left, right, violation, tolerance, iterations) -> Scaling:
    if violation > tolerance:
        warnings.warn(
            f"the scaling stopped after {iterations} iterations at violation {violation:.1e}, not "
            f"{tolerance:.1e}",
            stacklevel=3,
        )
    return Scaling(a * np.outer(left, right), left, right, float(violation), iterations)


def _checked(matrix, tolerance, max_iterations) -> tuple[np.ndarray, float, int]:
    matrix = validate.array("matrix", matrix, 2)
    if matrix.shape[0] != matrix.shape[1] or not matrix.size:
        raise ValueError(f"matrix must be square and not empty, got shape {matrix.shape}")
    if matrix.min() < 0.0:
        raise ValueError(f"matrix must not have negative entries, got {matrix.min():g}")
    if not matrix.min() > 0.0:
        _refuse_without_total_support(matrix)
    tolerance = validate.positive("tolerance", tolerance)
    return matrix, tolerance, validate.integer("max_iterations", max_iterations)


def _refuse_without_total_support(matrix: np.ndarray) -> None:
    """Raise ValueError unless each positive entry lies on a permutation of positive entries."""
    from scipy.sparse import csr_matrix
    from scipy.sparse.csgraph import connected_components, maximum_bipartite_matching

    pattern = csr_matrix(matrix > 0.0)
    match = maximum_bipartite_matching(pattern, perm_type="column")  # of each row
    if (match < 0).any():
        row = int(np.flatnonzero(match < 0)[0])
        raise ValueError(
            "matrix has no scaling: no permutation picks a positive entry from each row, "
            f"row {row} is left over"
        )
    # With the matching on the diagonal, an entry lies on a permutation if and only if it lies on
    # a cycle of the graph of the positive entries.
    _, component = connected_components(pattern[:, match], directed=True, connection="strong")
    rows, columns = np.nonzero(matrix[:, match] > 0.0)
    outside = np.flatnonzero(component[rows] != component[columns])
    if outside.size:
        i, j = int(rows[outside[0]]), int(match[columns[outside[0]]])
        raise ValueError(
            f"matrix has no scaling: no permutation of positive entries contains entry [{i}, {j}], "
            "which would have to become 0"
        )
