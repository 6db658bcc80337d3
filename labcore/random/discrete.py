r"""Discrete laws: bounded integers, Poisson, categorical, and uniform permutations.

As in `labcore.random.streams` each draw is a function of (seed, stream, index). The functions
``..._at`` are for compiled loops and trust their arguments; the others check and return arrays.

References
----------
D. Lemire, "Fast random integer generation in an interval", ACM Transactions on Modeling and
Computer Simulation 29, 2019. doi:10.1145/3230636

W. Hormann, "The transformed rejection method for generating Poisson random variables", Insurance:
Mathematics and Economics 12, 1993. doi:10.1016/0167-6687(93)90997-4

C. Loader, "Fast and accurate computation of binomial probabilities", 2000.

M. D. Vose, "A linear algorithm for generating random numbers with a given distribution", IEEE
Transactions on Software Engineering 17, 1991. doi:10.1109/32.92917
"""

import math
from typing import NamedTuple

import numpy as np
from numba import int64, uint64

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import exp, log
from labcore.random.streams import (
    _LOW,
    ATTEMPTS,
    address,
    attempt_bits,
    bits_at,
    bits_pair,
    fill_uniform,
    filled,
    open_unit,
    seed_from,
    uniform_at,
)

_SEARCH_BELOW = 10.0  # means for which counting up is quicker than rejection
_LARGEST_MEAN = 1e15  # beyond, doubles near the mean are no longer all integers
_STIRLING_FROM = 10  # values from which its series is exact to 1e-13
_CANCELS_FROM = 1e4  # values from which the deviance is too small beside its terms
_NEGLIGIBLE = 1e-20  # a probability that is nothing beside the resolution of a uniform draw
_CHUNK = 512  # uniform draws that a loop holds at once


@compiled(inline=True)
def _product(x, y):
    """The high and the low 64 bits of the product of two 64-bit integers."""
    x_low, x_high = x & _LOW, x >> uint64(32)
    y_low, y_high = y & _LOW, y >> uint64(32)
    middle = x_high * y_low + ((x_low * y_low) >> uint64(32))
    other = x_low * y_high + (middle & _LOW)
    high = x_high * y_high + (middle >> uint64(32)) + (other >> uint64(32))
    return high, x * y


@compiled(inline=True)
def _first_try(word, bound):
    """Lemire's method: an integer below `bound`, or -1 where another word may be needed."""
    value, low = _product(word, bound)
    return int64(value) if low >= bound else int64(-1)


@compiled
def integer_at(seed, stream, index, bound):
    """Draw number `index` of a stream, uniform on 0, ..., `bound` - 1."""
    bound = uint64(bound)
    value, low = _product(bits_at(seed, stream, index), bound)
    if low < bound:
        excess = (uint64(0) - bound) % bound  # 2^64 mod bound
        attempt = 0
        while low < excess and attempt < ATTEMPTS:
            again, _ = attempt_bits(seed, stream, index, attempt)
            value, low = _product(again, bound)
            attempt += 1
    return int64(value)


@compiled
def _fill_integers(seed, stream, start, bound, out):
    for i in range(out.size):
        out[i] = _first_try(bits_at(seed, stream, uint64(start) + uint64(i)), bound)
    for i in range(out.size):
        if out[i] < 0:
            out[i] = integer_at(seed, stream, uint64(start) + uint64(i), bound)


def integers(
    bound: int,
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Integers uniform on 0, ..., bound - 1.

    Lemire's method: of a random 64-bit word w the result is :math:`\lfloor w\,b / 2^{64} \rfloor`.
    The few words whose product has a remainder below :math:`2^{64} \bmod b` are drawn again, which
    makes every result exactly as probable as every other.

    Parameters
    ----------
    bound : int
        From 1 to :math:`2^{63}`.
    shape, rng, stream, start
        As in `uniform`; draws end before :math:`2^{48}`.

    Returns
    -------
    numpy.ndarray of int64, of shape `shape`

    Raises
    ------
    TypeError, ValueError
        If `bound` is no integer, or out of range.

    Examples
    --------
    >>> from labcore import random
    >>> random.integers(6, 8, rng=1)
    array([5, 4, 5, 3, 3, 5, 0, 0])
    """
    bound = np.uint64(_bound("bound", bound))
    return filled(_fill_integers, np.int64, shape, rng, stream, start, bound, rejects=True)


def _bound(name: str, value: int) -> int:
    value = validate.integer(name, value, least=1)
    if value > 2**63:
        raise ValueError(f"{name} must be at most 2**63, got {value}")
    return value


@compiled(inline=True)
def _log_poisson_between(k, mean):
    """Loader's logarithm of the probability of k, for k from `_STIRLING_FROM` to `_CANCELS_FROM`.

    Its large terms are in k log(k / mean) - (k - mean), which is small where k is probable.
    """
    r = 1.0 / (k * k)
    stirling = (1 / 12 + r * (-1 / 360 + r * (1 / 1260 + r * (-1 / 1680 + r / 1188)))) / k
    return (k - mean) - k * log(k / mean) - stirling - 0.5 * log(2.0 * math.pi * k)


@compiled
def _log_poisson(k, mean):
    """Logarithm of the probability of k, without cancellation between large terms."""
    if k < _STIRLING_FROM:
        factorial = 1.0
        for i in range(2, int(k) + 1):
            factorial *= i
        return k * log(mean) - mean - log(factorial)
    difference = k - mean
    if k < _CANCELS_FROM or abs(difference) > 0.1 * (k + mean):
        return _log_poisson_between(k, mean)
    v = difference / (k + mean)
    deviance, term, i = difference * v, 2.0 * k * v, 1
    while True:
        term *= v * v
        larger = deviance + term / (2 * i + 1)
        if larger == deviance:
            return -deviance - 1 / (12 * k) - 0.5 * log(2.0 * math.pi * k)
        deviance, i = larger, i + 1


@compiled(inline=True)
def _hat(mean):
    """Constants of Hormann's method PTRS: the hat's a and b, and the box's 1/alpha and height."""
    b = 0.931 + 2.53 * math.sqrt(mean)
    a = -0.059 + 0.02483 * b
    return a, b, 1.1239 + 1.1328 / (b - 3.4), 0.9277 - 3.6224 / (b - 2.0)


@compiled(inline=True)
def _hat_draw(seed, stream, index, attempt, hat, mean):
    """A draw k from the hat, whether it is surely accepted or rejected, and what decides else."""
    a, b, inverse_alpha, height = hat
    first, second = attempt_bits(seed, stream, index, attempt)
    u, v = open_unit(first) - 0.5, open_unit(second)
    distance = 0.5 - abs(u)
    k = math.floor((2.0 * a / distance + b) * u + mean + 0.43)
    accepted = (distance >= 0.07) & (v <= height)
    rejected = (k < 0) | ((distance < 0.013) & (v > distance))
    return float(k), accepted, rejected, log(v * inverse_alpha / (a / (distance * distance) + b))


@compiled
def _poisson_by_rejection(seed, stream, index, mean):
    """Hormann's PTRS, for mean >= 10."""
    hat = _hat(mean)
    value, attempt = int64(-1), 0
    while value < 0 and attempt < ATTEMPTS:
        k, accepted, rejected, height = _hat_draw(seed, stream, index, attempt, hat, mean)
        if accepted or (not rejected and height <= _log_poisson(k, mean)):
            value = int64(k)
        attempt += 1
    return value


@compiled
def _fill_large_poisson(seed, stream, start, mean, out):
    """As `_poisson_by_rejection`: first attempts by vector instructions, then what they leave."""
    hat = _hat(mean)
    for i in range(out.size):
        index = uint64(start) + uint64(i)
        k, accepted, rejected, height = _hat_draw(seed, stream, index, 0, hat, mean)
        between = (k >= _STIRLING_FROM) & (k < _CANCELS_FROM)
        below = height <= _log_poisson_between(max(k, 1.0), mean)
        out[i] = int64(k) if accepted | (between & below & (not rejected)) else int64(-1)
    for i in range(out.size):
        if out[i] < 0:
            out[i] = _poisson_by_rejection(seed, stream, uint64(start) + uint64(i), mean)


@compiled
def poisson_at(seed, stream, index, mean):
    """Draw number `index` of a stream, Poisson with the given `mean` >= 0."""
    if mean >= _SEARCH_BELOW:
        return _poisson_by_rejection(seed, stream, index, mean)
    # The least k whose distribution function is at least u.
    u = uniform_at(seed, stream, index)
    k, term = int64(0), exp(-mean)
    total = term
    while u > total and term > _NEGLIGIBLE:
        k += 1
        term *= mean / k
        total += term
    return k


@compiled
def _fill_small_poisson(seed, stream, start, mean, u, out):
    """As `poisson_at`, by vector instructions: k is how many values of the function are below u."""
    for first in range(0, out.size, u.size):
        part = out[first : first + u.size]
        fill_uniform(seed, stream, uint64(start) + uint64(first), u[: part.size])
        for i in range(part.size):
            part[i] = 0
        k, term = 0, exp(-mean)
        total = term
        while term > _NEGLIGIBLE:
            for i in range(part.size):
                part[i] += int64(u[i] > total)
            k += 1
            term *= mean / k
            total += term


@compiled
def _fill_poisson(seed, stream, start, mean, u, out):
    if mean < _SEARCH_BELOW:
        _fill_small_poisson(seed, stream, start, mean, u, out)
    else:
        _fill_large_poisson(seed, stream, start, mean, out)


def poisson(
    mean: float,
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Poisson draws: :math:`P(k) = e^{-m} m^k / k!` for k = 0, 1, ..., with mean m.

    Below a mean of 10 by inversion, counting up from 0; above by Hormann's transformed rejection
    with squeeze (PTRS), whose cost does not grow with the mean. The probability in its decision is
    computed in Loader's form, which keeps its accuracy for large means.

    Parameters
    ----------
    mean : float
        From 0 to :math:`10^{15}`.
    shape, rng, stream, start
        As in `uniform`; draws end before :math:`2^{48}`.

    Returns
    -------
    numpy.ndarray of int64, of shape `shape`

    Raises
    ------
    ValueError
        If `mean` is negative, not finite, or larger than :math:`10^{15}`.

    Notes
    -----
    Inversion knows u to :math:`2^{-52}`: values whose probability is below that do not occur.

    Examples
    --------
    >>> from labcore import random
    >>> random.poisson(3.5, 8, rng=1)
    array([6, 4, 6, 4, 4, 6, 1, 1])
    """
    mean = validate.non_negative("mean", mean)
    if mean > _LARGEST_MEAN:
        raise ValueError(f"mean must be at most {_LARGEST_MEAN:g}, got {mean:g}")
    u = np.empty(_CHUNK)
    return filled(_fill_poisson, np.int64, shape, rng, stream, start, mean, u, rejects=True)


class AliasTable(NamedTuple):
    """Column i stands for category i with `probability[i]`, and for `alias[i]` otherwise."""

    probability: np.ndarray
    alias: np.ndarray


@compiled
def _fill_alias_table(probability, alias, order):
    """Vose's method, in place of weights whose mean is 1. `order` is a buffer of the same size.

    It holds a stack of the columns below 1 from its start, and one of the others from its end.
    """
    n = probability.size
    largest, below, above = 0, 0, n
    for i in range(n):
        alias[i] = i
        if probability[i] > probability[largest]:
            largest = i
        if probability[i] < 1.0:
            order[below] = i
            below += 1
        else:
            above -= 1
            order[above] = i
    while below > 0 and above < n:
        below -= 1
        small, large = order[below], order[above]
        alias[small] = large
        probability[large] -= 1.0 - probability[small]
        if probability[large] < 1.0:
            above += 1
            order[below] = large
            below += 1
    # What is left on either stack would be 1 without rounding; a weight of zero must stay so.
    while below > 0:
        below -= 1
        alias[order[below]] = largest
        if probability[order[below]] > 0.5:
            probability[order[below]] = 1.0
    while above < n:
        probability[order[above]] = 1.0
        above += 1


def alias_table(weights: np.ndarray) -> AliasTable:
    r"""The table from which `categorical_at` draws category i with probability proportional to w_i.

    Parameters
    ----------
    weights : array_like, shape (n,)
        Not negative, at least one positive.

    Returns
    -------
    AliasTable
        Two arrays of shape (n,). The probability of category i is
        :math:`\tfrac1n\bigl(p_i + \sum_{j \ne i:\, a_j = i} (1 - p_j)\bigr)`.

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or none is positive.

    Notes
    -----
    Built in O(n) operations; a draw then takes the same time for any n. Inversion would need
    :math:`\log_2 n` steps that wait for the memory, and is of use where draws must grow with the
    uniform variable: ``np.searchsorted(cumulative, u)`` does that.

    Examples
    --------
    >>> from labcore import random
    >>> random.alias_table([1.0, 2.0, 3.0])
    AliasTable(probability=array([0.5, 1. , 1. ]), alias=array([2, 1, 2]))
    """
    weights = validate.array("weights", weights, 1)
    if weights.size == 0:
        raise ValueError("weights must not be empty")
    if (weights < 0.0).any():
        where = int(np.argmax(weights < 0.0))
        raise ValueError(f"weights must not be negative, got {weights[where]:g} at {where}")
    top = weights.max()
    if top == 0.0:
        raise ValueError("weights must not all be zero")
    probability = weights / top  # their sum might overflow
    probability *= weights.size / probability.sum()
    alias, order = np.empty(weights.size, np.int64), np.empty(weights.size, np.int64)
    _fill_alias_table(probability, alias, order)
    return AliasTable(probability, alias)


@compiled(inline=True)
def categorical_at(seed, stream, index, probability, alias):
    """Block number `index` of a stream, made a category by the arrays of an alias table."""
    first, second = bits_pair(seed, stream, index)
    column, _ = _product(first, uint64(probability.size))
    other = alias[column]  # read in any case: a branch would be guessed wrong half the time
    return int64(column) if open_unit(second) < probability[column] else other


@compiled
def _fill_categorical(seed, stream, start, probability, alias, out):
    for i in range(out.size):
        out[i] = categorical_at(seed, stream, uint64(start) + uint64(i), probability, alias)


def categorical(
    weights: np.ndarray,
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Categories 0, ..., n - 1, drawn with probabilities :math:`w_i / \sum_j w_j`.

    By Walker's alias table (see `alias_table`): a random column, then one of its two categories.

    Parameters
    ----------
    weights : array_like, shape (n,)
        Not negative, at least one positive.
    shape, rng, stream, start
        As in `uniform`.

    Returns
    -------
    numpy.ndarray of int64, of shape `shape`

    Raises
    ------
    ValueError
        If a weight is negative or not finite, or none is positive.

    Examples
    --------
    >>> from labcore import random
    >>> random.categorical([1.0, 0.0, 3.0], 10, rng=1)
    array([2, 2, 2, 0, 2, 0, 2, 2, 2, 2])
    """
    table = alias_table(weights)
    return filled(_fill_categorical, np.int64, shape, rng, stream, start, *table)


@compiled
def fill_permutation(seed, stream, index, out):
    """Permutation number `index` of a stream, of the numbers below ``out.size``, into `out`.

    Fisher and Yates's shuffle from inside out: element i goes to a random place j <= i, and what
    was there to place i. All j are drawn first, into `out`: out[i] is read before it is filled.
    """
    n = out.size
    pairs = n // 2
    first_block = uint64(index) * uint64(n - pairs)  # each permutation begins a block
    for k in range(pairs):
        a, b = bits_pair(seed, stream, first_block + uint64(k))
        out[2 * k] = _first_try(a, uint64(2 * k + 1))
        out[2 * k + 1] = _first_try(b, uint64(2 * k + 2))
    if 2 * pairs < n:
        a, _ = bits_pair(seed, stream, first_block + uint64(pairs))
        out[n - 1] = _first_try(a, uint64(n))
    for i in range(n):
        j = out[i]
        if j < 0:
            j = integer_at(seed, stream, uint64(2) * first_block + uint64(i), i + 1)
        out[i] = out[j]
        out[j] = i


@compiled
def _fill_permutations(seed, stream, start, out):
    for row in range(out.shape[0]):
        fill_permutation(seed, stream, uint64(start) + uint64(row), out[row])


def permutations(
    n: int,
    count: int = 1,
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    """Permutations of 0, ..., n - 1, each of the n! equally probable.

    Parameters
    ----------
    n : int
        How many elements, at least 1.
    count : int, default 1
        How many permutations.
    rng, stream
        As in `uniform`.
    start : int, default 0
        Number of the first permutation in the stream.

    Returns
    -------
    numpy.ndarray of int64, of shape (count, n)

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer, or out of range.

    Notes
    -----
    A seed of 64 bits and a stream of 64 bits tell at most 2^128 permutations apart: of n > 34
    elements not every one can occur.

    Examples
    --------
    >>> from labcore import random
    >>> random.permutations(6, 2, rng=1)
    array([[0, 1, 4, 2, 3, 5],
           [1, 5, 0, 3, 2, 4]])
    """
    n, count = validate.integer("n", n, least=1), validate.integer("count", count)
    stream, start = address(stream, start, count, 2**48 // (n + 1))
    out = np.empty((count, n), np.int64)
    _fill_permutations(seed_from(rng), stream, start, out)
    return out
