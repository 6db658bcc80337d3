"""The loops of exact sampling: which eigenvectors, and which items given the eigenvectors.

S. Barthelmé, N. Tremblay, P.-O. Amblard, "A faster sampler for discrete determinantal point
processes", AISTATS 2023. arXiv:2210.17358 (accept-reject in the chain rule)

A. Kulesza, B. Taskar, "Determinantal point processes for machine learning", Foundations and Trends
in Machine Learning 5 (2012), algorithms 1 and 8. doi:10.1561/2200000044
"""

import math

from numba import uint64

from labcore._compile import compiled
from labcore.random import uniform_at, uniform_pair


@compiled
def choose_independently(eigenvalues, seed, stream, chosen):
    """Take each eigenvector with its eigenvalue as probability; return how many."""
    size = 0
    for j in range(eigenvalues.size):
        if uniform_at(seed, stream, uint64(j)) < eigenvalues[j]:
            chosen[size] = j
            size += 1
    return size


@compiled
def polynomial_ratios(eigenvalues, ratios):
    """ratios[j, i] = e_(i+1) / e_i, elementary symmetric polynomials of the first j eigenvalues.

    e_i = e_i' + x e_(i-1)' when x joins, so the ratio r_i = e_i / e_(i-1) becomes
    (r_i' + x) / (1 + x / r_(i-1)'): sums, products and quotients of positive numbers, which lose no
    digits and, unlike the polynomials, neither overflow nor underflow.
    """
    k = ratios.shape[1]
    for i in range(k):
        ratios[0, i] = 0.0
    for j in range(eigenvalues.size):
        x = eigenvalues[j]
        before, after = ratios[j], ratios[j + 1]
        for i in range(j + 1, k):
            after[i] = 0.0
        after[0] = before[0] + x
        for i in range(1, min(k, j + 1)):
            after[i] = (before[i] + x) / (1.0 + x / before[i - 1])


@compiled
def choose_of_size(eigenvalues, ratios, seed, stream, chosen):
    """Take k eigenvectors, with probability proportional to the product of their eigenvalues."""
    left = ratios.shape[1]
    for j in range(eigenvalues.size - 1, -1, -1):
        if left > 0:
            x = eigenvalues[j]
            if uniform_at(seed, stream, uint64(j)) * (ratios[j, left - 1] + x) < x:
                left -= 1
                chosen[left] = j
    return ratios.shape[1]


@compiled
def sample_projection(
    vectors, chosen, size, seed, stream, first_block, leverage, cumulative, basis, work, out
):
    """Draw from the projection process on the span of `size` chosen rows of `vectors`.

    With v_i the i-th components, the chain rule takes item i next with probability proportional to
    the squared distance of v_i from the span of those taken. It is at most |v_i|^2: items proposed
    by that, and accepted by the quotient, follow the law. Step t takes size / (size - t) proposals.
    """
    n = vectors.shape[1]
    for i in range(n):
        leverage[i] = 0.0
    for c in range(size):
        vector = vectors[chosen[c]]
        for i in range(n):
            leverage[i] += vector[i] * vector[i]
    total = 0.0
    for i in range(n):
        total += leverage[i]
        cumulative[i] = total
    row, coefficients, remainder = work[0], work[1], work[2]
    block = uint64(first_block)
    taken = 0
    while taken < size:
        u, v = uniform_pair(seed, stream, block)
        block += uint64(1)
        item = _first_above(cumulative, u * total)
        for c in range(size):
            row[c] = vectors[chosen[c], item]
        distance = _squared_distance(row, leverage[item], size, taken, basis, coefficients)
        if v * leverage[item] < distance and not _contains(out, taken, item):
            _append(row, size, taken, basis, coefficients, remainder)
            out[taken] = item
            taken += 1


@compiled(inline=True)
def _first_above(cumulative, level):
    low, high = 0, cumulative.size - 1
    while low < high:
        middle = (low + high) // 2
        if cumulative[middle] > level:
            high = middle
        else:
            low = middle + 1
    return low


@compiled(inline=True)
def _contains(items, count, item):
    """Whether an item was taken: rounding leaves its distance at 1e-16 instead of zero."""
    for t in range(count):
        if items[t] == item:
            return True
    return False


@compiled(inline=True)
def _project(row, size, taken, basis, coefficients):
    """coefficients[t] = row . basis[:, t], for an orthonormal basis in columns."""
    for t in range(taken):
        coefficients[t] = 0.0
    for c in range(size):
        value, direction = row[c], basis[c]
        for t in range(taken):
            coefficients[t] += value * direction[t]


@compiled(inline=True)
def _squared_distance(row, square, size, taken, basis, coefficients):
    _project(row, size, taken, basis, coefficients)
    for t in range(taken):
        square -= coefficients[t] * coefficients[t]
    return square


@compiled(inline=True)
def _append(row, size, taken, basis, coefficients, remainder):
    """Add the direction of `row` to the basis: Gram-Schmidt, twice against rounding."""
    for c in range(size):
        remainder[c] = row[c]
    for _ in range(2):
        _project(remainder, size, taken, basis, coefficients)
        for c in range(size):
            direction = basis[c]
            first, second, third, fourth = 0.0, 0.0, 0.0, 0.0
            for t in range(0, taken - taken % 4, 4):
                first += coefficients[t] * direction[t]
                second += coefficients[t + 1] * direction[t + 1]
                third += coefficients[t + 2] * direction[t + 2]
                fourth += coefficients[t + 3] * direction[t + 3]
            for t in range(taken - taken % 4, taken):
                first += coefficients[t] * direction[t]
            remainder[c] -= (first + second) + (third + fourth)
    square = 0.0
    for c in range(size):
        square += remainder[c] * remainder[c]
    norm = math.sqrt(square)
    for c in range(size):
        basis[c, taken] = remainder[c] / norm
