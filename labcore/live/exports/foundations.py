"""One kernel in five senses: covariance, transition, convolution, integral operator, loop."""

import math

from numba import uint64

from labcore._compile import compiled
from labcore._math import exp
from labcore.kernels import gaussian
from labcore.live.export import Export
from labcore.live.exports.linear_algebra import cholesky, symmetric_eigen
from labcore.random import normal_at, uniform_at

_LOG10_E = math.log10(math.e)
_TINY = 1e-16  # an entry below does not change a sum of entries near 1


@compiled
def _gram_on_grid(lengthscale, points, columns, x, matrix):
    """The Gaussian kernel at the middles of n equal pieces of [0, 1]."""
    n = x.size
    for i in range(n):
        x[i] = points[i, 0] = columns[0, i] = (i + 0.5) / n
    gaussian._gram(points, columns, 0, matrix, 0, columns.shape[1], lengthscale)


@compiled
def _five_senses(
    seed,
    lengthscale,
    points,
    columns,
    x,
    matrix,
    exponents,
    work,
    vectors,
    draws,
    walk,
    signal,
    blurred,
    eigenvalues,
    numbers,
):
    """The Gaussian kernel on a grid of [0, 1]: draws, a walk, a blur, a spectrum, and what to skip.

    The same `matrix` is factorised for `draws`; its rows, divided by their sums, are the
    transitions of `walk`; its rows, times the spacing, blur the box `signal`; its eigenvalues,
    times the spacing, are those of the integral operator; `exponents` are the powers of ten of the
    entries that are not negligible. `numbers`, one for each sense: sign changes of a draw (mean of
    all), root mean square of the walk's steps, width of a blurred edge (height over steepest
    slope), modes that carry 99 % of the variance, share of the entries above 1e-16.
    """
    n = x.size
    _gram_on_grid(lengthscale, points, columns, x, matrix)
    numbers[0] = _draw(seed, matrix, work, draws)
    numbers[1] = _walk(seed, matrix, x, walk)
    numbers[2] = _blur(lengthscale, matrix, x, signal, blurred)
    for i in range(n):
        for j in range(n):
            work[i, j] = matrix[i, j] / n
    symmetric_eigen(work, vectors)
    for k in range(eigenvalues.size):
        eigenvalues[k] = max(work[k, k], 1e-17)
    carried = 0.0
    while carried < 0.99 and numbers[3] < n:
        carried += work[int(numbers[3]), int(numbers[3])]
        numbers[3] += 1.0
    for i in range(n):
        for j in range(n):
            u = (x[i] - x[j]) / lengthscale
            exponents[i, j] = -0.5 * u * u * _LOG10_E if matrix[i, j] > _TINY else math.nan
            numbers[4] += (1.0 if matrix[i, j] > _TINY else 0.0) / (n * n)


@compiled
def _draw(seed, matrix, work, draws):
    """Fill the rows of `draws` with functions of covariance `matrix`; mean number of zeros."""
    n = matrix.shape[0]
    for i in range(n):
        for j in range(n):
            work[i, j] = matrix[i, j] + (1e-9 if i == j else 0.0)
    cholesky(work)
    changes = 0.0
    for k in range(draws.shape[0]):
        for j in range(n):
            z = normal_at(seed, uint64(k), j)
            for i in range(j, n):
                draws[k, i] += work[i, j] * z
        for i in range(1, n):
            changes += 1.0 if draws[k, i - 1] * draws[k, i] < 0.0 else 0.0
    return changes / draws.shape[0]


@compiled
def _walk(seed, matrix, x, walk):
    """Fill `walk` with positions, from the middle on; root mean square of the steps."""
    state = x.size // 2
    square = 0.0
    for step in range(walk.size):
        walk[step] = x[state]
        if step > 0:
            square += (walk[step] - walk[step - 1]) ** 2
        state = _next_state(matrix, state, uniform_at(seed, uint64(2**32), step))
    return math.sqrt(square / (walk.size - 1))


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
def _blur(lengthscale, matrix, x, signal, blurred):
    """Blur a box, with nothing outside the grid; width of an edge: 1 over the steepest slope."""
    n = x.size
    weight = 1.0 / (n * lengthscale * math.sqrt(2.0 * math.pi))
    steepest = 0.0
    for i in range(n):
        signal[i] = 1.0 if 0.3 < x[i] < 0.7 else 0.0
    for i in range(n):
        for j in range(n):
            blurred[i] += weight * matrix[i, j] * signal[j]
        if i > 0:
            steepest = max(steepest, n * abs(blurred[i] - blurred[i - 1]))
    return 1.0 / steepest


@compiled
def _karhunen_loeve(
    seed, lengthscale, points, columns, x, matrix, vectors, eigenvalues, whole, partial, share
):
    """A draw of the Gaussian kernel as a sum of eigenfunctions with random coefficients.

    Row m of `partial` is the sum of the first m + 1 terms and share[m] the part of the variance
    that they carry; `whole` is the sum of all.
    """
    n = x.size
    _gram_on_grid(lengthscale, points, columns, x, matrix)
    for i in range(n):
        for j in range(n):
            matrix[i, j] /= n
    symmetric_eigen(matrix, vectors)
    carried = 0.0
    for m in range(n):
        value = max(matrix[m, m], 0.0)
        carried += value
        # The sign of an eigenvector is arbitrary.
        sign = 1.0 if vectors[0, m] >= 0.0 else -1.0
        coefficient = sign * math.sqrt(n * value) * normal_at(seed, uint64(0), m)
        for i in range(n):
            whole[i] += coefficient * vectors[i, m]
        if m < eigenvalues.size:
            eigenvalues[m] = value
            share[m] = carried
            for i in range(n):
                partial[m, i] = whole[i]


@compiled
def _compose(first_shape, first, second_shape, second, x, a, b, composed, predicted, numbers):
    """Two densities on an interval and their composition: the integral of a(x - y) b(y) over y.

    Shapes: 0 Gaussian, 1 box, 2 one-sided exponential, 3 two boxes, each with mean 0 and the given
    standard deviation. `predicted` is the Gaussian density whose variance is the sum. `numbers`:
    standard deviation of `composed`, the predicted one, the largest difference of the two densities
    in parts of the peak, and the mass of `composed` within the interval.
    """
    n = x.size
    spacing = 8.0 / (n - 1)
    total = math.sqrt(first * first + second * second)
    for i in range(n):
        x[i] = -4.0 + i * spacing
        a[i] = _shape(first_shape, x[i], first, spacing)
        b[i] = _shape(second_shape, x[i], second, spacing)
        predicted[i] = _shape(0, x[i], total, spacing)
    difference, mass, mean, square = 0.0, 0.0, 0.0, 0.0
    for i in range(n):
        for j in range(n):
            offset = (i - j) * spacing
            composed[i] += _shape(first_shape, offset, first, spacing) * b[j] * spacing
        difference = max(difference, abs(composed[i] - predicted[i]))
        mass += composed[i]
        mean += composed[i] * x[i]
        square += composed[i] * x[i] * x[i]
    numbers[0] = math.sqrt(square / mass - (mean / mass) ** 2)
    numbers[1] = total
    numbers[2] = difference / predicted[n // 2]
    numbers[3] = mass * spacing


@compiled
def _shape(shape, x, sd, spacing):
    """A density of mean 0 at x; where it jumps, its average over a cell of the grid."""
    if shape == 0:
        return exp(-0.5 * (x / sd) ** 2) / (sd * math.sqrt(2.0 * math.pi))
    left, right = (x - 0.5 * spacing) / sd, (x + 0.5 * spacing) / sd
    return (_share_below(shape, right) - _share_below(shape, left)) / spacing


@compiled
def _share_below(shape, u):
    """Distribution function of a standardised shape that jumps."""
    if shape == 1:
        return min(max(0.5 + u / math.sqrt(12.0), 0.0), 1.0)
    if shape == 2:
        return 1.0 - exp(-max(u + 1.0, 0.0))
    v = u * math.sqrt(7.0 / 3.0)  # boxes from 1 to 2 and from -2 to -1
    return 0.5 * min(max(v + 2.0, 0.0), 1.0) + 0.5 * min(max(v - 1.0, 0.0), 1.0)


@compiled
def _copies(shape, spacing, base, power, scratch, positions, densities, gaps, predicted):
    """A standardised shape composed with itself: row m is for m + 1 copies.

    `positions` and `densities` are rescaled to mean 0 and variance 1, `gaps` are the largest
    differences of the distribution function and the normal one, and `predicted` the first term of
    Edgeworth's correction.
    """
    b = base.size
    mean, square, cube, fourth = 0.0, 0.0, 0.0, 0.0
    for i in range(b):
        base[i] = power[i] = spacing * _shape(shape, (i - 0.4 * b) * spacing, 1.0, spacing)
        mean += base[i] * i
    for i in range(b):
        d = i - mean
        square += base[i] * d * d
        cube += base[i] * d**3
        fourth += base[i] * d**4
    skewness = cube / square**1.5
    excess = fourth / square**2 - 3.0
    for m in range(gaps.size):
        copies = m + 1
        length = copies * (b - 1) + 1
        if m > 0:
            _convolve(power, length - b + 1, base, scratch)
            for i in range(length):
                power[i] = scratch[i]
        deviation = math.sqrt(copies * square)
        gaps[m] = _gap_to_normal(power, length, copies * mean, deviation)
        skew = abs(skewness) > 1e-3
        predicted[m] = 0.06649 * abs(skewness) / math.sqrt(copies) if skew else 0.0
        predicted[m] += 0.0 if skew else 0.02294 * abs(excess) / copies
        start = math.floor(copies * mean + 0.5) - positions.shape[1] // 2
        for k in range(positions.shape[1]):
            i = start + k
            positions[m, k] = (i - copies * mean) / deviation
            densities[m, k] = power[i] * deviation if 0 <= i < length else 0.0


@compiled
def _convolve(a, length, b, out):
    """out = a * b for the first `length` entries of a."""
    for i in range(length + b.size - 1):
        out[i] = 0.0
    for i in range(length):
        for j in range(b.size):
            out[i + j] += a[i] * b[j]


@compiled
def _gap_to_normal(weights, length, mean, deviation):
    """Largest difference of the distribution function and the normal one, at middles and edges."""
    excess, gap = 0.0, 0.0
    for i in range(length):
        half = 0.5 * (weights[i] - _shape(0, (i - mean) / deviation, 1.0, 0.0) / deviation)
        gap = max(gap, abs(excess + half), abs(excess + 2.0 * half))
        excess += 2.0 * half
    return gap


@compiled
def _bayesian_inverse(noise, datum, x, prior, joint, kernel, inverse, belief, numbers):
    """A measurement with normal noise on [0, 1] as a Markov kernel, and its Bayesian inverse.

    `kernel` and `inverse` are the square roots of the two matrices, so that faint entries show;
    `prior` and `belief`, the row of the inverse at the datum, are densities. `numbers`: mean and
    standard deviation of the belief.
    """
    n = x.size
    total = 0.0
    for i in range(n):
        x[i] = (i + 0.5) / n
        prior[i] = exp(-0.5 * ((x[i] - 0.3) / 0.06) ** 2)
        prior[i] += 0.6 * exp(-0.5 * ((x[i] - 0.75) / 0.1) ** 2)
        total += prior[i]
    for i in range(n):
        prior[i] /= total
        row = 0.0
        for j in range(n):
            joint[i, j] = exp(-0.5 * ((x[i] - x[j]) / noise) ** 2)
            row += joint[i, j]
        for j in range(n):
            kernel[i, j] = math.sqrt(joint[i, j] / row)
            joint[i, j] *= prior[i] / row
    seen = min(int(datum * n), n - 1)
    for j in range(n):
        column = 0.0
        for i in range(n):
            column += joint[i, j]
        for i in range(n):
            inverse[j, i] = math.sqrt(joint[i, j] / column)
    mean, square = 0.0, 0.0
    for i in range(n):
        share = inverse[seen, i] ** 2
        mean += share * x[i]
        square += share * x[i] * x[i]
        belief[i] = n * share
        prior[i] *= n
    numbers[0] = mean
    numbers[1] = math.sqrt(square - mean * mean)


@compiled
def _gram_timing(seed, lengthscale, method, entries, points, columns, signal, gram, action):
    """Evaluate a Gaussian kernel `entries` times at n random points: what a figure times.

    Methods: 0 fills the array in five passes, as array programs do; 1 in one pass, with the
    exponential of the C library; 2 in one pass, with that of labcore; 3 makes one row at a time and
    uses it at once, for the action on `signal`, in the last row of `gram`. `action` is the last
    entry of the matrix times `signal`, whatever the method.
    """
    n = points.shape[0]
    for i in range(n):
        points[i, 0] = columns[0, i] = uniform_at(seed, uint64(0), i)
        signal[i] = uniform_at(seed, uint64(1), i)
    for _ in range(entries // (n * n)):
        if method == 0:
            _five_passes(points, lengthscale, gram)
        elif method == 1:
            _library_pass(points, lengthscale, gram)
        elif method == 2:
            gaussian._gram(points, columns, 0, gram, 0, columns.shape[1], lengthscale)
        else:
            _fused(points, columns, lengthscale, signal, gram, action)
    if method < 3:
        action[0] = _dot(gram[n - 1], signal)


@compiled
def _five_passes(points, lengthscale, out):
    """Each operation on the whole array before the next one."""
    n = out.shape[0]
    scale = 1.0 / (2.0 * lengthscale * lengthscale)
    for i in range(n):
        for j in range(n):
            out[i, j] = points[i, 0] - points[j, 0]
    for i in range(n):
        for j in range(n):
            out[i, j] *= out[i, j]
    for i in range(n):
        for j in range(n):
            out[i, j] = -out[i, j]
    for i in range(n):
        for j in range(n):
            out[i, j] *= scale
    for i in range(n):
        for j in range(n):
            out[i, j] = exp(out[i, j])


@compiled
def _library_pass(points, lengthscale, out):
    """One pass; the call of the C library's exponential keeps the loop from being vectorised."""
    n = out.shape[0]
    scale = -0.5 / (lengthscale * lengthscale)
    for i in range(n):
        for j in range(n):
            out[i, j] = math.exp(scale * (points[i, 0] - points[j, 0]) ** 2)


@compiled
def _fused(points, columns, lengthscale, signal, out, action):
    """The action on `signal`, row by row: only the last row of `out` is used."""
    n = out.shape[0]
    scale = -0.5 / (lengthscale * lengthscale)
    row = out[n - 1]
    for i in range(n):
        for j in range(n):
            difference = points[i, 0] - columns[0, j]
            row[j] = exp(scale * (difference * difference))
        action[0] = _dot(row, signal)


@compiled
def _dot(a, b):
    """The sum of products, in four strands: one addition need not wait for the one before."""
    s0, s1, s2, s3 = 0.0, 0.0, 0.0, 0.0
    whole = a.size - a.size % 4
    for j in range(0, whole, 4):
        s0 += a[j] * b[j]
        s1 += a[j + 1] * b[j + 1]
        s2 += a[j + 2] * b[j + 2]
        s3 += a[j + 3] * b[j + 3]
    for j in range(whole, a.size):
        s0 += a[j] * b[j]
    return (s0 + s1) + (s2 + s3)


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
            "exponents": "float64[n, n]",
            "work": "float64[n, n]",
            "vectors": "float64[n, n]",
            "draws": "float64[count, n]",
            "walk": "float64[n_steps]",
            "signal": "float64[n]",
            "blurred": "float64[n]",
            "eigenvalues": "float64[rank]",
            "numbers": "float64[5]",
        },
        (
            "points",
            "columns",
            "x",
            "matrix",
            "exponents",
            "work",
            "vectors",
            "draws",
            "walk",
            "signal",
            "blurred",
            "eigenvalues",
            "numbers",
        ),
    ),
    Export(
        "karhunen_loeve",
        _karhunen_loeve,
        {
            "seed": "uint64",
            "lengthscale": "float64",
            "points": "float64[n, 1]",
            "columns": "float64[1, n]",
            "x": "float64[n]",
            "matrix": "float64[n, n]",
            "vectors": "float64[n, n]",
            "eigenvalues": "float64[rank]",
            "whole": "float64[n]",
            "partial": "float64[rank, n]",
            "share": "float64[rank]",
        },
        (
            "points",
            "columns",
            "x",
            "matrix",
            "vectors",
            "eigenvalues",
            "whole",
            "partial",
            "share",
        ),
    ),
    Export(
        "compose_kernels",
        _compose,
        {
            "first_shape": "int64",
            "first": "float64",
            "second_shape": "int64",
            "second": "float64",
            "x": "float64[n]",
            "a": "float64[n]",
            "b": "float64[n]",
            "composed": "float64[n]",
            "predicted": "float64[n]",
            "numbers": "float64[4]",
        },
        ("x", "a", "b", "composed", "predicted", "numbers"),
    ),
    Export(
        "compose_copies",
        _copies,
        {
            "shape": "int64",
            "spacing": "float64",
            "base": "float64[n]",
            "power": "float64[room]",
            "scratch": "float64[room]",
            "positions": "float64[most, width]",
            "densities": "float64[most, width]",
            "gaps": "float64[most]",
            "predicted": "float64[most]",
        },
        ("base", "power", "scratch", "positions", "densities", "gaps", "predicted"),
    ),
    Export(
        "bayesian_inverse",
        _bayesian_inverse,
        {
            "noise": "float64",
            "datum": "float64",
            "x": "float64[n]",
            "prior": "float64[n]",
            "joint": "float64[n, n]",
            "kernel": "float64[n, n]",
            "inverse": "float64[n, n]",
            "belief": "float64[n]",
            "numbers": "float64[2]",
        },
        ("x", "prior", "joint", "kernel", "inverse", "belief", "numbers"),
    ),
    Export(
        "gram_timing",
        _gram_timing,
        {
            "seed": "uint64",
            "lengthscale": "float64",
            "method": "int64",
            "entries": "int64",
            "points": "float64[n, 1]",
            "columns": "float64[1, n]",
            "signal": "float64[n]",
            "gram": "float64[n, n]",
            "action": "float64[1]",
        },
        ("points", "columns", "signal", "gram", "action"),
    ),
]
