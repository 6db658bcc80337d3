"""Products and factorisations of small matrices, written out: a call of LAPACK costs more here."""

import math

from labcore._compile import compiled

# A pivot below this part of its diagonal entry is rounding: the matrix is singular there.
_ROUNDING = 1e-14
_ERROR = 1e-9  # how far, squared, a matrix may be from positive semidefinite


@compiled
def product(a, x, out):
    """out = a x, for a vector x."""
    for i in range(a.shape[0]):
        total = 0.0
        for k in range(a.shape[1]):
            total += a[i, k] * x[k]
        out[i] = total


@compiled
def congruence(a, p, work, out):
    """out = a p a', which is symmetric as p is; `work` has the shape of a."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            work[i, j] = 0.0
        for k in range(a.shape[1]):
            factor = a[i, k]
            for j in range(a.shape[1]):
                work[i, j] += factor * p[k, j]
    for i in range(a.shape[0]):
        for j in range(i + 1):
            total = 0.0
            for k in range(a.shape[1]):
                total += work[i, k] * a[j, k]
            out[i, j] = out[j, i] = total


@compiled
def cholesky(a, n, out):
    """The lower factor of the first n rows and columns of a; True if a is positive definite."""
    definite = True
    for i in range(n):
        for j in range(i + 1):
            total = a[i, j]
            for k in range(j):
                total -= out[i, k] * out[j, k]
            if i > j:
                out[i, j] = total / out[j, j]
            else:
                definite = definite and total > 0.0
                out[i, i] = math.sqrt(total)
    return definite


@compiled
def semidefinite_cholesky(a, out):
    """A lower factor, a = out out', of a matrix that may be singular: it has columns of zeros.

    Returns whether there is one, but for errors of a part 1e-9 in what is squared.
    """
    n = a.shape[0]
    semidefinite = True
    for j in range(n):
        for i in range(j):
            out[i, j] = 0.0
        pivot = a[j, j]
        for k in range(j):
            pivot -= out[j, k] * out[j, k]
        semidefinite = semidefinite and pivot >= -_ERROR * abs(a[j, j])
        root = math.sqrt(pivot) if pivot > _ROUNDING * a[j, j] else 0.0
        out[j, j] = root
        for i in range(j + 1, n):
            total = a[i, j]
            for k in range(j):
                total -= out[i, k] * out[j, k]
            if root > 0.0:
                out[i, j] = total / root
            else:
                out[i, j] = 0.0
                semidefinite = semidefinite and total * total <= _ERROR * abs(a[i, i] * a[j, j])
    return semidefinite


@compiled
def first_indefinite(matrices, factor):
    """The number of the first matrix that is not positive semidefinite, or -1."""
    found = -1
    for k in range(matrices.shape[0]):
        if found < 0 and not semidefinite_cholesky(matrices[k], factor):
            found = k
    return found


@compiled
def solve_semidefinite(factor, x):
    """x <- y with (factor factor') y = x, a solution if there is one: 0 where a pivot is 0."""
    n = factor.shape[0]
    for i in range(n):
        total = x[i]
        for k in range(i):
            total -= factor[i, k] * x[k]
        x[i] = total / factor[i, i] if factor[i, i] > 0.0 else 0.0
    for i in range(n - 1, -1, -1):
        total = x[i]
        for k in range(i + 1, n):
            total -= factor[k, i] * x[k]
        x[i] = total / factor[i, i] if factor[i, i] > 0.0 else 0.0
