"""Positive-definite kernels: draws and posteriors, fits, and what is not a kernel."""

import math

from numba import uint64

from labcore._compile import compiled
from labcore._math import exp, log
from labcore.kernels import gaussian, matern, periodic
from labcore.live.export import Export
from labcore.live.exports.linear_algebra import (
    backward_solve,
    cholesky,
    forward_solve,
    symmetric_eigen,
)
from labcore.random import normal_at

_JITTER = 1e-8


@compiled
def _gram(kind, lengthscale, x, columns, lower, out):
    """Gram matrix of kernel `kind`: Gaussian, Matern 1/2, 3/2, 5/2, or periodic with period 1."""
    if kind == 0:
        gaussian._gram(x, columns, lower, out, lengthscale)
    elif kind == 1:
        matern._gram(x, columns, lower, out, 1.0 / lengthscale, 0.0, 0.0)
    elif kind == 2:
        matern._gram(x, columns, lower, out, math.sqrt(3.0) / lengthscale, 1.0, 0.0)
    elif kind == 3:
        matern._gram(x, columns, lower, out, math.sqrt(5.0) / lengthscale, 1.0, 1.0 / 3.0)
    else:
        periodic._gram(x, columns, lower, out, lengthscale, 1.0)


@compiled
def _posterior(
    kind,
    lengthscale,
    noise,
    seed,
    data,
    inputs,
    columns,
    gram,
    alpha,
    grid,
    grid_columns,
    cross,
    covariance,
    prior,
    draws,
    mean,
    sd,
    numbers,
):
    """Draws of the prior, and the posterior given the points of `data`, on a grid of [0, 1].

    `noise` is the standard deviation of the noise. `numbers`: log marginal likelihood, root mean
    square of the leave-one-out errors, and 1 if a factorisation failed.
    """
    n, m = data.shape[0], grid.shape[0]
    for i in range(n):
        inputs[i, 0] = columns[0, i] = data[i, 0]
        alpha[i] = data[i, 1]
    for j in range(m):
        grid[j, 0] = grid_columns[0, j] = j / (m - 1)
    _gram(kind, lengthscale, inputs, columns, True, gram)
    for i in range(n):
        gram[i, i] += noise * noise + _JITTER
    _gram(kind, lengthscale, inputs, grid_columns, False, cross)
    _gram(kind, lengthscale, grid, grid_columns, True, covariance)
    failed = not cholesky(gram)
    fit, volume = 0.0, 0.0
    for i in range(n):
        volume += log(gram[i, i])
    forward_solve(gram, alpha)
    for i in range(n):
        fit += 0.5 * alpha[i] * alpha[i]
    backward_solve(gram, alpha)
    numbers[0] = -fit - volume - 0.5 * n * math.log(2.0 * math.pi)
    for j in range(m):
        mean[j] = 0.0
        for i in range(n):
            mean[j] += alpha[i] * cross[i, j]
    for i in range(n):  # cross becomes L^-1 cross, row by row
        for k in range(i):
            for j in range(m):
                cross[i, j] -= gram[i, k] * cross[k, j]
        for j in range(m):
            cross[i, j] /= gram[i, i]
    numbers[1] = _leave_one_out(gram, alpha, inputs)
    _draw(covariance, seed, 0, prior)
    _gram(kind, lengthscale, grid, grid_columns, True, covariance)
    for a in range(m):
        for b in range(a + 1):
            for i in range(n):
                covariance[a, b] -= cross[i, a] * cross[i, b]
        sd[a] = math.sqrt(max(covariance[a, a], 0.0))
    failed = failed or not _draw(covariance, seed, 1, draws)
    for k in range(draws.shape[0]):
        for j in range(m):
            draws[k, j] += mean[j]
    numbers[2] = 1.0 if failed else 0.0


@compiled
def _draw(covariance, seed, offset, out):
    """Rows of `out`: normal with that covariance, which is overwritten by its factor."""
    m = covariance.shape[0]
    for a in range(m):
        covariance[a, a] += _JITTER
    if not cholesky(covariance):
        return False
    for k in range(out.shape[0]):
        for a in range(m):
            out[k, a] = 0.0
        for b in range(m):
            z = normal_at(seed, uint64(2 * k + offset), b)
            for a in range(b, m):
                out[k, a] += covariance[a, b] * z
    return True


@compiled
def _leave_one_out(factor, alpha, unit):
    """Root mean square of y_i minus what the other points predict; `unit` is workspace."""
    n = factor.shape[0]
    total = 0.0
    for i in range(n):
        for k in range(n):
            unit[k, 0] = 1.0 if k == i else 0.0
        forward_solve(factor, unit[:, 0])
        precision = 0.0
        for k in range(n):
            precision += unit[k, 0] * unit[k, 0]
        total += (alpha[i] / precision) ** 2
    return math.sqrt(total / max(n, 1))


@compiled
def _likelihood(
    kind, noise, data, inputs, columns, gram, alpha, lengthscales, likelihood, error, unit
):
    """Log marginal likelihood and leave-one-out error at lengthscales from 0.01 to 3."""
    n, count = data.shape[0], lengthscales.size
    for i in range(n):
        inputs[i, 0] = columns[0, i] = data[i, 0]
    for j in range(count):
        lengthscales[j] = 0.01 * 300.0 ** (j / (count - 1))
        _gram(kind, lengthscales[j], inputs, columns, True, gram)
        for i in range(n):
            gram[i, i] += noise * noise + _JITTER
            alpha[i] = data[i, 1]
        if not cholesky(gram):
            likelihood[j] = error[j] = math.nan
            continue
        forward_solve(gram, alpha)
        likelihood[j] = -0.5 * n * math.log(2.0 * math.pi)
        for i in range(n):
            likelihood[j] -= 0.5 * alpha[i] * alpha[i] + log(gram[i, i])
        backward_solve(gram, alpha)
        error[j] = _leave_one_out(gram, alpha, unit)


@compiled
def _is_it_a_kernel(power, lengthscale, matrix, gram, vectors, index, eigenvalues, r, profile):
    """exp(-(|x - y| / lengthscale)^power) on a grid of [0, 1]: matrix, eigenvalues, profile."""
    n = matrix.shape[0]
    for i in range(n):
        for j in range(n):
            distance = abs(i - j) / (n - 1.0)
            matrix[i, j] = gram[i, j] = _stretched(distance / lengthscale, power)
    symmetric_eigen(gram, vectors)
    for i in range(n):
        index[i] = i + 1.0
        eigenvalues[i] = gram[i, i]
    for j in range(r.size):
        r[j] = j / (r.size - 1.0)
        profile[j] = _stretched(r[j] / lengthscale, power)


@compiled(inline=True)
def _stretched(r, power):
    """exp(-r^power)."""
    return exp(-exp(power * log(r))) if r > 0.0 else 1.0


_DATA = {
    "data": "float64[n, 2]",
    "inputs": "float64[n, 1]",
    "columns": "float64[1, n]",
    "gram": "float64[n, n]",
    "alpha": "float64[n]",
}

EXPORTS = [
    Export(
        "gp_posterior",
        _posterior,
        {"kind": "int64", "lengthscale": "float64", "noise": "float64", "seed": "uint64"}
        | _DATA
        | {
            "grid": "float64[m, 1]",
            "grid_columns": "float64[1, m]",
            "cross": "float64[n, m]",
            "covariance": "float64[m, m]",
            "prior": "float64[count, m]",
            "draws": "float64[count, m]",
            "mean": "float64[m]",
            "sd": "float64[m]",
            "numbers": "float64[3]",
        },
        (
            "inputs",
            "columns",
            "gram",
            "alpha",
            "grid",
            "grid_columns",
            "cross",
            "covariance",
            "prior",
            "draws",
            "mean",
            "sd",
            "numbers",
        ),
    ),
    Export(
        "gp_likelihood",
        _likelihood,
        {"kind": "int64", "noise": "float64"}
        | _DATA
        | {
            "lengthscales": "float64[count]",
            "likelihood": "float64[count]",
            "error": "float64[count]",
            "unit": "float64[n, 1]",
        },
        ("inputs", "columns", "gram", "alpha", "lengthscales", "likelihood", "error", "unit"),
    ),
    Export(
        "is_it_a_kernel",
        _is_it_a_kernel,
        {
            "power": "float64",
            "lengthscale": "float64",
            "matrix": "float64[n, n]",
            "gram": "float64[n, n]",
            "vectors": "float64[n, n]",
            "index": "float64[n]",
            "eigenvalues": "float64[n]",
            "r": "float64[m]",
            "profile": "float64[m]",
        },
        ("matrix", "gram", "vectors", "index", "eigenvalues", "r", "profile"),
    ),
]
