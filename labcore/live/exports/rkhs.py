"""Positive-definite kernels: draws and posteriors, fits, and what is not a kernel."""

import math

from numba import uint64

from labcore._compile import compiled
from labcore._math import exp, log
from labcore.kernels import gaussian, matern
from labcore.live.export import Export
from labcore.live.exports.linear_algebra import (
    backward_solve,
    cholesky,
    forward_solve,
    symmetric_eigen,
)
from labcore.random import normal_at

_JITTER = 1e-8
_WIDTH = 1.96  # standard deviations to either side of the mean that hold 95 %
_ROUNDING = 1e-12  # of an eigenvalue: what is smaller may be zero


@compiled
def _gram(kind, lengthscale, x, columns, out):
    """All entries k(x_i, y_j) of kernel `kind`: Gaussian, or Matern 1/2, 3/2, 5/2."""
    m = columns.shape[1]
    if kind == 0:
        gaussian._gram(x, columns, 0, out, 0, m, lengthscale)
    elif kind == 1:
        matern._gram(x, columns, 0, out, 0, m, 1.0 / lengthscale, 0.0, 0.0)
    elif kind == 2:
        matern._gram(x, columns, 0, out, 0, m, math.sqrt(3.0) / lengthscale, 1.0, 0.0)
    else:
        matern._gram(x, columns, 0, out, 0, m, math.sqrt(5.0) / lengthscale, 1.0, 1.0 / 3.0)


@compiled
def _posterior(
    kind,
    lengthscale,
    noise,
    seed,
    data,
    x,
    truth,
    inputs,
    columns,
    gram,
    alpha,
    unit,
    grid,
    grid_columns,
    cross,
    covariance,
    prior,
    draws,
    mean,
    low,
    high,
    numbers,
):
    """Draws of the prior, and the posterior given the points of `data`, at the points `x`.

    `noise` is the standard deviation of the noise. Prior and posterior use the same random numbers.
    `numbers`: log marginal likelihood, root mean square of the leave-one-out errors, and the share
    of the points where `truth` is in the band.
    """
    m = x.size
    _enter(data, x, inputs, columns, grid, grid_columns)
    _gram(kind, lengthscale, inputs, columns, gram)
    _condition(noise, data, gram, alpha, unit, numbers)
    _gram(kind, lengthscale, inputs, grid_columns, cross)
    _predict(gram, alpha, cross, mean, low, high)
    inside = 0
    for j in range(m):
        inside += low[j] <= truth[j] <= high[j]
    numbers[2] = inside / m
    for known in (0, data.shape[0]):  # one call of _draw in a loop compiles faster than two
        _gram(kind, lengthscale, grid, grid_columns, covariance)
        for a in range(m):
            for b in range(a + 1):
                for i in range(known):
                    covariance[a, b] -= cross[i, a] * cross[i, b]
        _draw(covariance, seed, draws if known else prior)
    for k in range(draws.shape[0]):
        for j in range(m):
            draws[k, j] += mean[j]


@compiled
def _enter(data, x, inputs, columns, grid, grid_columns):
    """The data's places and the points of the grid, as the Gram matrices take them."""
    for i in range(data.shape[0]):
        inputs[i, 0] = columns[0, i] = data[i, 0]
    for j in range(x.size):
        grid[j, 0] = grid_columns[0, j] = x[j]


@compiled
def _condition(noise, data, gram, alpha, unit, scores):
    """Overwrite the Gram matrix of the data by the factor of their covariance; solve for alpha.

    `scores`: the log marginal likelihood, and the root mean square of the leave-one-out errors.
    Without noise the jitter alone keeps the matrix from being singular to rounding.
    """
    n = data.shape[0]
    for i in range(n):
        gram[i, i] += noise * noise + _JITTER
        alpha[i] = data[i, 1]
    cholesky(gram)
    forward_solve(gram, alpha)
    scores[0] = -0.5 * n * math.log(2.0 * math.pi)
    for i in range(n):
        scores[0] -= 0.5 * alpha[i] * alpha[i] + log(gram[i, i])
    backward_solve(gram, alpha)
    scores[1] = _leave_one_out(gram, alpha, unit)


@compiled
def _predict(factor, alpha, cross, mean, low, high):
    """The posterior mean and its 95 % band; `cross`, k(data, grid), becomes L^-1 k(data, grid).

    All these kernels have k(x, x) = 1.
    """
    n, m = cross.shape
    for j in range(m):
        mean[j] = 0.0
        for i in range(n):
            mean[j] += alpha[i] * cross[i, j]
    for i in range(n):  # row by row, so that the inner loop runs along memory
        for k in range(i):
            for j in range(m):
                cross[i, j] -= factor[i, k] * cross[k, j]
        for j in range(m):
            cross[i, j] /= factor[i, i]
    for j in range(m):
        variance = 1.0
        for i in range(n):
            variance -= cross[i, j] * cross[i, j]
        half = _WIDTH * math.sqrt(max(variance, 0.0))
        low[j], high[j] = mean[j] - half, mean[j] + half


@compiled
def _draw(covariance, seed, out):
    """Rows of `out`: normal with that covariance, which is overwritten by its factor.

    Row k uses stream k of the seed, as `labcore.kernels.sample_prior` does. Rounding that leaves
    the covariance without a factor leaves no draw.
    """
    m = covariance.shape[0]
    for a in range(m):
        covariance[a, a] += _JITTER
    has_factor = cholesky(covariance)
    for k in range(out.shape[0]):
        for a in range(m):
            out[k, a] = 0.0 if has_factor else math.nan
        for b in range(m):
            z = normal_at(seed, uint64(k), b)
            for a in range(b, m):
                out[k, a] += covariance[a, b] * z


@compiled
def _leave_one_out(factor, alpha, unit):
    """Root mean square of y_i minus what the other points predict; `unit` is workspace."""
    n = factor.shape[0]
    total = 0.0
    for i in range(n):
        for k in range(n):
            unit[k] = 1.0 if k == i else 0.0
        forward_solve(factor, unit)
        precision = 0.0
        for k in range(n):
            precision += unit[k] * unit[k]
        total += (alpha[i] / precision) ** 2
    return math.sqrt(total / max(n, 1))


@compiled
def _likelihood(
    kind,
    lengthscale,
    noise,
    data,
    x,
    lengthscales,
    inputs,
    columns,
    gram,
    alpha,
    unit,
    grid,
    grid_columns,
    cross,
    likelihood,
    error,
    best,
    mean,
    low,
    high,
    numbers,
):
    """Log marginal likelihood and leave-one-out error at each of some lengthscales, and one fit.

    `best`: the likeliest of the lengthscales and its log likelihood; the one with the least
    leave-one-out error and that error. `numbers`: the two criteria at `lengthscale`, and the number
    of maxima of the likelihood between the first and the last of the lengthscales.
    """
    _enter(data, x, inputs, columns, grid, grid_columns)
    count = lengthscales.size
    best[0, 1], best[1, 1] = -math.inf, math.inf
    for j in range(count + 1):  # the last fit, at `lengthscale`, is the one that is shown
        ell = lengthscales[j] if j < count else lengthscale
        _gram(kind, ell, inputs, columns, gram)
        _condition(noise, data, gram, alpha, unit, numbers)
        if j == count:
            break
        likelihood[j], error[j] = numbers[0], numbers[1]
        if likelihood[j] > best[0, 1]:
            best[0, 0], best[0, 1] = ell, likelihood[j]
        if error[j] < best[1, 1]:
            best[1, 0], best[1, 1] = ell, error[j]
    numbers[2] = 0.0
    for j in range(1, count - 1):
        numbers[2] += likelihood[j - 1] < likelihood[j] >= likelihood[j + 1]
    _gram(kind, lengthscale, inputs, grid_columns, cross)
    _predict(gram, alpha, cross, mean, low, high)


@compiled
def _is_it_a_kernel(
    power, span, matrix, gram, vectors, index, positive, negative, r, profile, smallest
):
    """exp(-|x - y|^power) on a grid of [0, span]: matrix, eigenvalues, and profile up to 3.

    `positive` and `negative` are the sizes of the eigenvalues on either side of zero.
    """
    n = matrix.shape[0]
    for i in range(n):
        for j in range(n):
            distance = span * abs(i - j) / (n - 1.0)
            matrix[i, j] = gram[i, j] = _stretched(distance, power)
    symmetric_eigen(gram, vectors)
    for i in range(n):
        index[i] = i + 1.0
        value = gram[i, i] if abs(gram[i, i]) > _ROUNDING else 0.0
        positive[i] = value if value > 0.0 else math.nan
        negative[i] = -value if value < 0.0 else math.nan
        smallest[0] = value
    for j in range(r.size):
        r[j] = 6.0 * j / (r.size - 1.0) - 3.0
        profile[j] = _stretched(abs(r[j]), power)


@compiled(inline=True)
def _stretched(r, power):
    """exp(-r^power)."""
    return exp(-exp(power * log(r))) if r > 0.0 else 1.0


@compiled
def _smoothness(
    kind, lengthscale, seed, x, omega, grid, grid_columns, covariance, draws, density, exponent
):
    """Draws of the prior at the points `x`, and the spectral density at the frequencies `omega`.

    `exponent`: the variance of a draw's third difference with step h grows like this power of h,
    from one step of the (equispaced) points to two.
    """
    for j in range(x.size):
        grid[j, 0] = grid_columns[0, j] = x[j]
    _gram(kind, lengthscale, grid, grid_columns, covariance)
    fine, coarse = _third_difference(covariance, 1), _third_difference(covariance, 2)
    exponent[0] = log(coarse / fine) / math.log(2.0)
    _draw(covariance, seed, draws)
    for j in range(omega.size):
        density[j] = _spectral_density(kind, lengthscale, omega[j])


@compiled
def _third_difference(gram, h):
    """Its variance for steps of h points: 20 k(0) - 30 k(h) + 12 k(2h) - 2 k(3h)."""
    return 20.0 * gram[0, 0] - 30.0 * gram[h, 0] + 12.0 * gram[2 * h, 0] - 2.0 * gram[3 * h, 0]


@compiled
def _spectral_density(kind, lengthscale, omega):
    """In one dimension, of the Gaussian kernel and of Matern 1/2, 3/2 and 5/2."""
    square = (lengthscale * omega) ** 2
    if kind == 0:
        return lengthscale / math.sqrt(2.0 * math.pi) * exp(-0.5 * square)
    if kind == 1:
        return lengthscale / math.pi / (1.0 + square)
    if kind == 2:
        return lengthscale * 2.0 / (math.sqrt(3.0) * math.pi) / (1.0 + square / 3.0) ** 2
    return lengthscale * 8.0 / (3.0 * math.sqrt(5.0) * math.pi) / (1.0 + square / 5.0) ** 3


_DATA = {"data": "float64[n, 2]", "x": "float64[m]"}
_FACTOR = {
    "inputs": "float64[n, 1]",
    "columns": "float64[1, n]",
    "gram": "float64[n, n]",
    "alpha": "float64[n]",
    "unit": "float64[n]",
    "grid": "float64[m, 1]",
    "grid_columns": "float64[1, m]",
    "cross": "float64[n, m]",
}
_BAND = {"mean": "float64[m]", "low": "float64[m]", "high": "float64[m]", "numbers": "float64[3]"}


def _export(name, loop, inputs, outputs):
    return Export(name, loop, inputs | outputs, tuple(outputs))


EXPORTS = [
    _export(
        "gp_posterior",
        _posterior,
        {"kind": "int64", "lengthscale": "float64", "noise": "float64", "seed": "uint64"}
        | _DATA
        | {"truth": "float64[m]"},
        _FACTOR
        | {
            "covariance": "float64[m, m]",
            "prior": "float64[count, m]",
            "draws": "float64[count, m]",
        }
        | _BAND,
    ),
    _export(
        "gp_likelihood",
        _likelihood,
        {"kind": "int64", "lengthscale": "float64", "noise": "float64"}
        | _DATA
        | {"lengthscales": "float64[count]"},
        _FACTOR
        | {"likelihood": "float64[count]", "error": "float64[count]", "best": "float64[2, 2]"}
        | _BAND,
    ),
    _export(
        "is_it_a_kernel",
        _is_it_a_kernel,
        {"power": "float64", "span": "float64"},
        {
            "matrix": "float64[n, n]",
            "gram": "float64[n, n]",
            "vectors": "float64[n, n]",
            "index": "float64[n]",
            "positive": "float64[n]",
            "negative": "float64[n]",
            "r": "float64[m]",
            "profile": "float64[m]",
            "smallest": "float64[1]",
        },
    ),
    _export(
        "kernel_smoothness",
        _smoothness,
        {
            "kind": "int64",
            "lengthscale": "float64",
            "seed": "uint64",
            "x": "float64[m]",
            "omega": "float64[count]",
        },
        {
            "grid": "float64[m, 1]",
            "grid_columns": "float64[1, m]",
            "covariance": "float64[m, m]",
            "draws": "float64[rows, m]",
            "density": "float64[count]",
            "exponent": "float64[1]",
        },
    ),
]
