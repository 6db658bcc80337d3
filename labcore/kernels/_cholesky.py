"""Cholesky's factorisation of Gram matrices, in place, with an error that says what is wrong."""

import numpy as np
from scipy.linalg import lapack

from labcore._compile import compiled

_TILE = 64  # a tile of doubles and its transpose lie in the first-level cache
_NEGLIGIBLE = 1e-150  # beside the diagonal: the square of what is smaller is no normal number


def positive_cholesky(
    matrix: np.ndarray, shift: float, *, advice: str, overwrite: bool = False
) -> np.ndarray:
    """The lower Cholesky factor of ``matrix + shift I``, or an error that says what is wrong.

    Entries below 1e-150 of the diagonal count as zero: products of them would be subnormal numbers,
    on which processors are many times slower.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n, n)
        Symmetric and C-ordered.
    shift : float
    advice : str
        The end of the error message: what the caller's user can do.
    overwrite : bool, default False
        Write the factor over the matrix.

    Raises
    ------
    numpy.linalg.LinAlgError
        With the smallest eigenvalue and the `advice`, if the matrix is not positive definite.
    """
    factor = matrix if overwrite else matrix.copy()
    diagonal = np.diagonal(factor).copy()
    _shift_lower(factor, shift)
    # LAPACK reads columns: its upper triangle is our lower one. The other is left as it was.
    _, failed = lapack.dpotrf(factor.T, lower=0, clean=0, overwrite_a=1)
    if failed:
        factor[np.diag_indices_from(factor)] = diagonal
        lowest = np.linalg.eigvalsh(factor, UPLO="U")[0] + shift
        raise np.linalg.LinAlgError(
            f"the matrix of {len(factor)} points, with {shift:.3g} added to its diagonal, is not "
            f"positive definite: its smallest eigenvalue is {lowest:.2g}. {advice}"
        )
    _clear_upper(factor)
    return factor


def solve(factor: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The solution z of L L^T z = `right`, for the lower factor L."""
    return lapack.dpotrs(factor.T, right, lower=0)[0]


def inverse_factor(factor: np.ndarray) -> np.ndarray:
    """The inverse of the lower factor L."""
    return lapack.dtrtri(factor.T, lower=0)[0].T


def inverse(factor: np.ndarray) -> np.ndarray:
    """The inverse of L L^T, for the lower factor L."""
    result = lapack.dpotri(factor.T, lower=0)[0].T
    _mirror(result)
    return result


@compiled
def trace_of_product(a, b):
    """The trace of a @ b, for square matrices, without the product."""
    n = a.shape[0]
    total = 0.0
    for top in range(0, n, _TILE):
        for left in range(0, n, _TILE):
            for i in range(top, min(top + _TILE, n)):
                for j in range(left, min(left + _TILE, n)):
                    total += a[i, j] * b[j, i]
    return total


@compiled
def _mirror(matrix):
    """Copy the lower triangle to the upper one, tile by tile."""
    n = matrix.shape[0]
    for top in range(0, n, _TILE):
        for left in range(0, top + 1, _TILE):
            for i in range(top, min(top + _TILE, n)):
                for j in range(left, min(left + _TILE, i)):
                    matrix[j, i] = matrix[i, j]


@compiled
def _shift_lower(matrix, shift):
    """Add to the diagonal; flush what is negligible beside it, in the lower triangle, to zero."""
    n = matrix.shape[0]
    largest = 0.0
    for i in range(n):
        largest = max(largest, abs(matrix[i, i]))
        matrix[i, i] += shift
    least = _NEGLIGIBLE * largest
    for i in range(n):
        for j in range(i):
            if abs(matrix[i, j]) < least:
                matrix[i, j] = 0.0


@compiled
def _clear_upper(matrix):
    for i in range(matrix.shape[0]):
        for j in range(i + 1, matrix.shape[0]):
            matrix[i, j] = 0.0
