"""Products and factorisations of small matrices, written out: a call of LAPACK costs more here."""

import math

from labcore._compile import compiled

# A pivot below this part of its diagonal entry is rounding: the matrix is singular from there on.
_ROUNDING = 1e-14
_ERROR = 1e-7  # how much of the largest entry may be left then of a semidefinite matrix


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
def semidefinite_root(a, out, order):
    """out with a = out out', for a positive semidefinite matrix; returns whether it is one.

    Cholesky's factor with pivots in the order of the largest part of a diagonal entry that is left:
    row order[k] of `out` has zeros after column k. Singular, it ends with columns of zeros.
    """
    n = a.shape[0]
    for i in range(n):
        order[i] = i
        for k in range(n):
            out[i, k] = 0.0
    rank = 0
    for k in range(n):
        best, chosen, largest = _ROUNDING, -1, 0.0
        for j in range(k, n):
            i = order[j]
            left = a[i, i]
            for l in range(k):
                left -= out[i, l] * out[i, l]
            if left > best * a[i, i]:
                best, chosen, largest = left / a[i, i], j, left
        if chosen < 0:
            break
        rank = k + 1
        pivot = order[chosen]
        order[chosen] = order[k]
        order[k] = pivot
        root = math.sqrt(largest)
        out[pivot, k] = root
        for j in range(k + 1, n):
            i = order[j]
            total = a[i, pivot]
            for l in range(k):
                total -= out[i, l] * out[pivot, l]
            out[i, k] = total / root
    scale, left_over = 0.0, 0.0
    for i in range(n):
        for j in range(n):
            scale = max(scale, abs(a[i, j]))
    for u in range(rank, n):
        for v in range(rank, n):
            i, j = order[u], order[v]
            total = a[i, j]
            for l in range(rank):
                total -= out[i, l] * out[j, l]
            left_over = max(left_over, abs(total))
    return left_over <= _ERROR * scale


@compiled
def first_indefinite(matrices, root, order):
    """The number of the first matrix that is not positive semidefinite, or -1."""
    found = -1
    for k in range(matrices.shape[0]):
        if found < 0 and not semidefinite_root(matrices[k], root, order):
            found = k
    return found


@compiled
def solve_semidefinite(root, order, x, work):
    """x <- y with root root' y = x, a solution if there is one: 0 beyond the rank."""
    n = root.shape[0]
    for k in range(n):
        p = order[k]
        total = x[p]
        for l in range(k):
            total -= root[p, l] * work[l]
        work[k] = total / root[p, k] if root[p, k] > 0.0 else 0.0
    for k in range(n - 1, -1, -1):
        p = order[k]
        total = work[k]
        for l in range(k + 1, n):
            total -= root[order[l], k] * x[order[l]]
        x[p] = total / root[p, k] if root[p, k] > 0.0 else 0.0
