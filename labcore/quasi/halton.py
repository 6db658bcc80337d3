r"""Halton points: in each coordinate the digits of i, read backwards, in a prime base of its own.

A point's coordinate is a sum over digits. The leading digits are taken together in a table, which
is read from one end to the other while i counts; the sum over the others changes only when the
table is through.

References
----------
J. H. Halton, "On the efficiency of certain quasi-random sequences of points in evaluating
multi-dimensional integrals", Numerische Mathematik 2, 1960. doi:10.1007/BF01386213

A. B. Owen, "A randomized Halton algorithm in R", 2017. arXiv:1706.02808
"""

import math

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.random import permutations, seed_from

_TABLE = 1024  # entries of the leading digits' table, if the base is not larger
_BLOCK = 8192  # numbers written at once, to be still in the cache for the next coordinate
_BELOW_ONE = 1.0 - 2.0**-53


@compiled
def _sum_of_digits(rest, t, base, weights, tails):
    """What digit t and those behind it add: the digits of `rest`, then zeros without end."""
    value = 0.0
    while rest > 0:
        quotient = rest // base
        value += weights[t * base + rest - quotient * base]
        rest = quotient
        t += 1
    return value + tails[t]


@compiled
def _fill_halton(start, base, leading, weights, begin, tails, tables, table_begin, state, out):
    """Points `start`, `start` + 1, ... of a sequence.

    In coordinate j, value c of digit t adds weights[begin[j] + t base[j] + c]; the first leading[j]
    digits are in its table; and the zeros from digit t on add tails[j, t]. The buffer `state`, of
    shape (d,), holds what the digits add that are not in the table.
    """
    n, d = out.shape
    rows = max(_BLOCK // d, 1)
    for first in range(0, n, rows):
        last = min(first + rows, n)
        for j in range(d):
            table = tables[table_begin[j] : table_begin[j + 1]]
            row = first
            rest = (start + row) // table.size
            offset = start + row - rest * table.size
            while row < last:
                if offset == 0 or row == 0:
                    digits = weights[begin[j] : begin[j + 1]]
                    state[j] = _sum_of_digits(rest, leading[j], base[j], digits, tails[j])
                value = state[j]
                run = min(last - row, table.size - offset)
                for i in range(run):
                    out[row + i, j] = min(value + table[offset + i], _BELOW_ONE)
                row += run
                rest += 1
                offset = 0


def halton(
    n: int,
    d: int,
    *,
    scramble: bool = True,
    rng: int | np.random.Generator | None = None,
    start: int = 0,
    out: np.ndarray | None = None,
) -> np.ndarray:
    r"""The points `start`, ..., `start` + n - 1 of the Halton sequence in :math:`[0, 1)^d`.

    With :math:`i = \sum_t c_t p_j^t` in the j-th prime base,

    .. math:: x_{ij} = \sum_{t \ge 0} \pi_{jt}(c_t)\, p_j^{-t-1},

    where :math:`\pi_{jt}` is a random permutation of the digits for each base and place (Owen), or
    the identity. Scrambled, each point is uniform on the cube, and the average of a function is an
    unbiased estimate of its integral.

    Parameters
    ----------
    n : int
        Number of points, at least 1. The sequence can be continued: see `start`.
    d : int
        Dimension, at least 1.
    scramble : bool, default True
        Permute the digits.
    rng : int, numpy.random.Generator or None
        The seed of the permutations (see `labcore.random.seed_from`).
    start : int, default 0
        Index of the first point: ``halton(5, 2, rng=1, start=3)`` is ``halton(8, 2, rng=1)[3:]``.
    out : numpy.ndarray of float64, shape (n, d), optional
        Where to write the points; fresh memory costs more time than the points.

    Returns
    -------
    numpy.ndarray of shape (n, d)

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer or out of range, or `out` does not fit.

    Notes
    -----
    Time :math:`O(nd)`. An integral's error falls like :math:`(\log n)^d / n` for functions of
    bounded variation. When it fails: in high dimension the larger bases need many points before
    their digits have all been seen (the 50th prime is 229), and without scrambling neighbouring
    large bases give points on a few parallel lines. The first point without scrambling is 0.

    Examples
    --------
    >>> from labcore.quasi import halton
    >>> halton(4, 2, scramble=False).round(3)
    array([[0.   , 0.   ],
           [0.5  , 0.333],
           [0.25 , 0.667],
           [0.75 , 0.111]])
    >>> points = halton(1024, 3, rng=1)
    >>> round(float((points**2).sum(axis=1).mean()), 3)
    1.0
    """
    n, d = validate.integer("n", n, least=1), validate.integer("d", d, least=1)
    start = validate.integer("start", start)
    out = validate.output(out, (n, d))
    base = _primes(d)
    digits = np.floor(53 / np.log2(base)).astype(int)
    largest = min(p**k for p, k in zip(base.tolist(), digits.tolist(), strict=True))
    if start + n > largest:
        raise ValueError(f"start + n must be at most {largest} for d = {d}, got {start + n}")
    seed = int(seed_from(rng)) if scramble else None
    weights = [_weights(p, k, seed, j) for j, (p, k) in enumerate(zip(base, digits, strict=True))]
    tails = np.zeros((d, digits.max() + 1))
    tables, leading = [], np.empty(d, int)
    for j, weight in enumerate(weights):
        tails[j, : len(weight)] = np.cumsum(weight[::-1, 0])[::-1]
        table, leading[j] = weight[0], 1
        while table.size * base[j] <= _TABLE:
            table = (weight[leading[j]][:, None] + table).ravel()
            leading[j] += 1
        tables.append(table)
    flat = [weight.ravel() for weight in weights]
    _fill_halton(
        start,
        base,
        leading,
        np.concatenate(flat),
        _begins(flat),
        tails,
        np.concatenate(tables),
        _begins(tables),
        np.empty(d),
        out,
    )
    return out


def _weights(base: int, digits: int, seed: int | None, stream: int) -> np.ndarray:
    """What each value of each digit adds to the coordinate: an array of shape (digits, base)."""
    if seed is None:
        values = np.tile(np.arange(base), (digits, 1))
    else:
        values = permutations(base, digits, rng=seed, stream=stream)
    return values * float(base) ** -np.arange(1.0, digits + 1)[:, None]


def _begins(parts: list[np.ndarray]) -> np.ndarray:
    """Where each part begins in their concatenation, and where the last one ends."""
    return np.cumsum([0, *(part.size for part in parts)])


def _primes(count: int) -> np.ndarray:
    """The first `count` primes, by Eratosthenes' sieve."""
    limit = 15 if count < 6 else math.ceil(count * (math.log(count) + math.log(math.log(count))))
    is_prime = np.ones(limit + 1, bool)
    is_prime[:2] = False
    for p in range(2, math.isqrt(limit) + 1):
        if is_prime[p]:
            is_prime[p * p :: p] = False
    return np.flatnonzero(is_prime)[:count]
