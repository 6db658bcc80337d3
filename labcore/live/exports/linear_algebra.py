"""Factorisations for loops that cannot call LAPACK: small matrices, in place."""

import math

from labcore._compile import compiled

_SWEEPS = 30


@compiled
def cholesky(a):
    """Overwrite the lower triangle of `a` by its Cholesky factor; False if there is none."""
    for j in range(a.shape[0]):
        pivot = a[j, j]
        for k in range(j):
            pivot -= a[j, k] * a[j, k]
        if not pivot > 0.0:
            return False
        a[j, j] = math.sqrt(pivot)
        for i in range(j + 1, a.shape[0]):
            value = a[i, j]
            for k in range(j):
                value -= a[i, k] * a[j, k]
            a[i, j] = value / a[j, j]
    return True


@compiled
def forward_solve(factor, b):
    """Overwrite `b` by the solution of L x = b, with `factor` holding L in its lower triangle."""
    for i in range(factor.shape[0]):
        value = b[i]
        for k in range(i):
            value -= factor[i, k] * b[k]
        b[i] = value / factor[i, i]


@compiled
def backward_solve(factor, b):
    """Overwrite `b` by the solution of L^T x = b."""
    for i in range(factor.shape[0] - 1, -1, -1):
        value = b[i]
        for k in range(i + 1, factor.shape[0]):
            value -= factor[k, i] * b[k]
        b[i] = value / factor[i, i]


@compiled
def symmetric_eigen(a, vectors):
    """Diagonalise the symmetric `a` by Jacobi rotations; eigenvectors are columns of `vectors`.

    The eigenvalues are left on the diagonal of `a`, in descending order. Costs about 40 n^3.
    """
    n = a.shape[0]
    for i in range(n):
        for j in range(n):
            vectors[i, j] = 1.0 if i == j else 0.0
    for _ in range(_SWEEPS):
        largest = 0.0
        for p in range(n):
            for q in range(p + 1, n):
                largest = max(largest, abs(a[p, q]))
                if abs(a[p, q]) > 1e-300:
                    _rotate(a, vectors, p, q)
        if largest < 1e-15:
            break
    _sort(a, vectors)


@compiled
def _rotate(a, vectors, p, q):
    """The rotation in the plane of p and q that makes a[p, q] zero."""
    theta = 0.5 * (a[q, q] - a[p, p]) / a[p, q]
    t = 1.0 / (abs(theta) + math.sqrt(theta * theta + 1.0))
    if theta < 0.0:
        t = -t
    c = 1.0 / math.sqrt(t * t + 1.0)
    s = t * c
    for k in range(a.shape[0]):
        left, right = a[k, p], a[k, q]
        a[k, p], a[k, q] = c * left - s * right, s * left + c * right
    for k in range(a.shape[0]):
        left, right = a[p, k], a[q, k]
        a[p, k], a[q, k] = c * left - s * right, s * left + c * right
        left, right = vectors[k, p], vectors[k, q]
        vectors[k, p], vectors[k, q] = c * left - s * right, s * left + c * right


@compiled
def _sort(a, vectors):
    """Order the diagonal of `a` from large to small, and the columns of `vectors` with it."""
    n = a.shape[0]
    for i in range(n):
        best = i
        for j in range(i + 1, n):
            if a[j, j] > a[best, best]:
                best = j
        if best != i:
            a[i, i], a[best, best] = a[best, best], a[i, i]
            for k in range(n):
                vectors[k, i], vectors[k, best] = vectors[k, best], vectors[k, i]
