"""One kernel in five senses: covariance, transition, convolution, integral operator, loop."""

import math

from numba import uint64

from labcore._compile import compiled
from labcore._math import exp
from labcore.kernels import gaussian
from labcore.live.export import Export
from labcore.live.exports.linear_algebra import cholesky, symmetric_eigen
from labcore.random import normal_at, uniform_at


@compiled
def _five_senses(
    seed,
    lengthscale,
    points,
    columns,
    x,
    matrix,
    work,
    vectors,
    draws,
    walk,
    signal,
    blurred,
    eigenvalues,
    eigenfunctions,
):
    """The Gaussian kernel on a grid of [0, 1]: draws, a walk, a blur, and eigenfunctions.

    The same `matrix` is factorised for `draws`; its rows, divided by their sums, are the
    transitions of `walk` and the weights of the blur of a square `signal`; its eigenvectors, scaled
    to unit mean square and with the sign of their first entry positive, are the eigenfunctions.
    """
    n = x.size
    for i in range(n):
        x[i] = points[i, 0] = columns[0, i] = i / (n - 1.0)
    gaussian._gram(points, columns, False, matrix, lengthscale)
    for i in range(n):
        for j in range(n):
            work[i, j] = matrix[i, j] + (1e-9 if i == j else 0.0)
    cholesky(work)
    for k in range(draws.shape[0]):
        for j in range(n):
            z = normal_at(seed, uint64(k), j)
            for i in range(j, n):
                draws[k, i] += work[i, j] * z
    for i in range(n):
        signal[i] = 1.0 if 0.3 <= x[i] <= 0.6 else 0.0
    for i in range(n):
        total, value = 0.0, 0.0
        for j in range(n):
            total += matrix[i, j]
            value += matrix[i, j] * signal[j]
        blurred[i] = value / total
    state = n // 2
    for step in range(walk.size):
        walk[step] = x[state]
        state = _next_state(matrix, state, uniform_at(seed, uint64(2**32), step))
    for i in range(n):
        for j in range(n):
            work[i, j] = matrix[i, j] / n
    symmetric_eigen(work, vectors)
    for k in range(eigenvalues.size):
        eigenvalues[k] = max(work[k, k], 1e-17)
    for k in range(eigenfunctions.shape[0]):
        sign = 1.0 if vectors[0, k] >= 0.0 else -1.0
        for i in range(n):
            eigenfunctions[k, i] = sign * math.sqrt(n) * vectors[i, k]


@compiled
def _next_state(matrix, state, u):
    """The state that a uniform number chooses, by the row of the present one."""
    n = matrix.shape[0]
    total = 0.0
    for j in range(n):
        total += matrix[state, j]
    for j in range(n):
        u -= matrix[state, j] / total
        if u < 0.0:
            return j
    return n - 1


@compiled
def _compose(first, second, x, a, b, composed, predicted, numbers):
    """Two Gaussian densities and their composition: the integral of a(x - y) b(y) over y.

    `predicted` is the density whose variance is the sum. `numbers`: the largest difference of
    `composed` and `predicted`, and the standard deviation of `composed`.
    """
    n = x.size
    spacing = 8.0 / (n - 1)
    for i in range(n):
        x[i] = -4.0 + i * spacing
        a[i] = _density(x[i], first)
        b[i] = _density(x[i], second)
        predicted[i] = _density(x[i], math.sqrt(first * first + second * second))
    difference, mass, square = 0.0, 0.0, 0.0
    for i in range(n):
        composed[i] = 0.0
        for j in range(n):
            composed[i] += _density(x[i] - x[j], first) * b[j] * spacing
        difference = max(difference, abs(composed[i] - predicted[i]))
        mass += composed[i]
        square += composed[i] * x[i] * x[i]
    numbers[0] = difference
    numbers[1] = math.sqrt(square / mass)


@compiled(inline=True)
def _density(x, sd):
    return exp(-0.5 * (x / sd) ** 2) / (sd * math.sqrt(2.0 * math.pi))


@compiled
def _gram_timing(seed, lengthscale, repeats, points, columns, gram, checksum):
    """Fill a Gram matrix of n random points in three dimensions `repeats` times; sum its entries.

    What a figure times: `repeats` n^2 evaluations of the kernel.
    """
    n = points.shape[0]
    for i in range(n):
        for k in range(3):
            points[i, k] = columns[k, i] = normal_at(seed, uint64(i), k)
    for _ in range(repeats):
        gaussian._gram(points, columns, False, gram, lengthscale)
    total = 0.0
    for i in range(n):
        for j in range(n):
            total += gram[i, j]
    checksum[0] = total / (n * n)


EXPORTS = [
    Export(
        "five_senses",
        _five_senses,
        {
            "seed": "uint64",
            "lengthscale": "float64",
            "points": "float64[n, 1]",
            "columns": "float64[1, n]",
            "x": "float64[n]",
            "matrix": "float64[n, n]",
            "work": "float64[n, n]",
            "vectors": "float64[n, n]",
            "draws": "float64[count, n]",
            "walk": "float64[n_steps]",
            "signal": "float64[n]",
            "blurred": "float64[n]",
            "eigenvalues": "float64[rank]",
            "eigenfunctions": "float64[shown, n]",
        },
        (
            "points",
            "columns",
            "x",
            "matrix",
            "work",
            "vectors",
            "draws",
            "walk",
            "signal",
            "blurred",
            "eigenvalues",
            "eigenfunctions",
        ),
    ),
    Export(
        "compose_gaussians",
        _compose,
        {
            "first": "float64",
            "second": "float64",
            "x": "float64[n]",
            "a": "float64[n]",
            "b": "float64[n]",
            "composed": "float64[n]",
            "predicted": "float64[n]",
            "numbers": "float64[2]",
        },
        ("x", "a", "b", "composed", "predicted", "numbers"),
    ),
    Export(
        "gram_timing",
        _gram_timing,
        {
            "seed": "uint64",
            "lengthscale": "float64",
            "repeats": "int64",
            "points": "float64[n, 3]",
            "columns": "float64[3, n]",
            "gram": "float64[n, n]",
            "checksum": "float64[1]",
        },
        ("points", "columns", "gram", "checksum"),
    ),
]
