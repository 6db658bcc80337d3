r"""Counter-based random streams: a draw is a function of (seed, stream, index).

There is no state to carry: draw number ``index`` of stream ``stream`` is computed from its address
by Philox4x32-10. A path or a chain owns a stream, so results do not depend on the number of
threads, and any draw can be computed again, out of order, or in the reader's browser.

The functions ``uniform_at``, ``uniform_pair``, ``normal_at`` and ``normal_pair`` are for use inside
compiled loops; ``uniform``, ``normal`` and ``bits`` return arrays.

A method that rejects needs an unknown number of random words for one draw. It takes them from
attempts that have addresses of their own, (index, attempt), so that its draws do not depend on one
another either: a block whose highest bit is set belongs to an attempt, and no uniform or normal
draw uses it.

References
----------
J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
1, 2, 3", SC 2011. doi:10.1145/2063384.2063405
"""

import math
import operator
import secrets

import numpy as np
from numba import uint64

from labcore._compile import compiled
from labcore._math import float_from_bits, log, sin_cos_2pi
from labcore._validate import integer

_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_WEYL_0 = np.uint64(0x9E3779B9)
_WEYL_1 = np.uint64(0xBB67AE85)
_LOW = np.uint64(0xFFFFFFFF)
_ONE_BITS = np.uint64(0x3FF0000000000000)  # of the double 1.0
_ATTEMPT = np.uint64(1 << 63)
_INDEX_BITS = np.uint64(48)
# After so many rejections in a row a draw is given up as nan: parameters that no shell let through.
ATTEMPTS = 1024


@compiled(inline=True)
def _round(c0, c1, c2, c3, k0, k1):
    p0 = _MULTIPLIER_0 * c0
    p1 = _MULTIPLIER_1 * c2
    return (
        (p1 >> uint64(32)) ^ c1 ^ k0,
        p1 & _LOW,
        (p0 >> uint64(32)) ^ c3 ^ k1,
        p0 & _LOW,
        (k0 + _WEYL_0) & _LOW,
        (k1 + _WEYL_1) & _LOW,
    )


@compiled(inline=True)
def philox4x32(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10: four 32-bit words of counter and two of key to four random words.

    Words are carried in the low halves of uint64, for the 32 x 32 -> 64 bit products. The ten
    rounds are written out because a loop here would keep the caller's loop from being vectorised.
    """
    c = (uint64(c0), uint64(c1), uint64(c2), uint64(c3), uint64(k0), uint64(k1))
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    c = _round(c[0], c[1], c[2], c[3], c[4], c[5])
    return c[0], c[1], c[2], c[3]


@compiled(inline=True)
def bits_pair(seed, stream, block):
    """Two random 64-bit integers: block number `block` of stream `stream` under key `seed`."""
    seed, stream, block = uint64(seed), uint64(stream), uint64(block)
    r0, r1, r2, r3 = philox4x32(
        block & _LOW,
        block >> uint64(32),
        stream & _LOW,
        stream >> uint64(32),
        seed & _LOW,
        seed >> uint64(32),
    )
    return r0 | (r1 << uint64(32)), r2 | (r3 << uint64(32))


@compiled(inline=True)
def bits_at(seed, stream, index):
    """Draw number `index` of a stream, a random 64-bit integer."""
    a, b = bits_pair(seed, stream, uint64(index) >> uint64(1))
    return b if uint64(index) & uint64(1) else a


@compiled(inline=True)
def attempt_bits(seed, stream, index, attempt):
    """Two random 64-bit integers for attempt `attempt` < 2^15 at draw `index` < 2^48."""
    block = _ATTEMPT | (uint64(attempt) << _INDEX_BITS) | uint64(index)
    return bits_pair(seed, stream, block)


@compiled(inline=True)
def open_unit(bits):
    """A 64-bit integer to a multiple of 2^-52 plus 2^-53: never 0, never 1."""
    return (float_from_bits((bits >> uint64(12)) | _ONE_BITS) - 1.0) + 1.1102230246251565e-16


@compiled(inline=True)
def uniform_pair(seed, stream, block):
    """Draws 2 `block` and 2 `block` + 1 of a stream, uniform on the open interval (0, 1)."""
    a, b = bits_pair(seed, stream, block)
    return open_unit(a), open_unit(b)


@compiled(inline=True)
def uniform_at(seed, stream, index):
    """Draw number `index` of a stream, uniform on the open interval (0, 1)."""
    u, v = uniform_pair(seed, stream, uint64(index) >> uint64(1))
    return v if uint64(index) & uint64(1) else u


@compiled(inline=True)
def normal_pair(seed, stream, block):
    r"""Draws 2 `block` and 2 `block` + 1 of a stream, standard normal.

    Box-Muller: :math:`\sqrt{-2 \log u}\,(\cos 2\pi v, \sin 2\pi v)`. The largest value that can
    come out is 8.57, where a normal variable lies beyond once in 10^17 draws.
    """
    u, v = uniform_pair(seed, stream, block)
    radius = math.sqrt(-2.0 * log(u))
    s, c = sin_cos_2pi(v)
    return radius * c, radius * s


@compiled(inline=True)
def normal_at(seed, stream, index):
    """Draw number `index` of a stream, standard normal. A loop over many uses `normal_pair`."""
    a, b = normal_pair(seed, stream, uint64(index) >> uint64(1))
    return b if uint64(index) & uint64(1) else a


@compiled
def fill_uniform(seed, stream, start, out):
    """Fill `out` with draws `start`, `start` + 1, ... of a stream; whole blocks at once."""
    n = out.size
    first = int(min(uint64(start) & uint64(1), uint64(n)))
    if first:
        out[0] = uniform_at(seed, stream, start)
    block = (uint64(start) + uint64(1)) >> uint64(1)
    pairs = (n - first) // 2
    for i in range(pairs):
        out[first + 2 * i], out[first + 2 * i + 1] = uniform_pair(seed, stream, block + uint64(i))
    if first + 2 * pairs < n:
        out[n - 1] = uniform_at(seed, stream, uint64(start) + uint64(n - 1))


@compiled
def fill_normal(seed, stream, start, out):
    """As `fill_uniform`, with standard normal draws."""
    n = out.size
    first = int(min(uint64(start) & uint64(1), uint64(n)))
    if first:
        out[0] = normal_at(seed, stream, start)
    block = (uint64(start) + uint64(1)) >> uint64(1)
    pairs = (n - first) // 2
    for i in range(pairs):
        out[first + 2 * i], out[first + 2 * i + 1] = normal_pair(seed, stream, block + uint64(i))
    if first + 2 * pairs < n:
        out[n - 1] = normal_at(seed, stream, uint64(start) + uint64(n - 1))


@compiled
def _fill_bits(seed, stream, start, out):
    for i in range(out.size):
        out[i] = bits_at(seed, stream, uint64(start) + uint64(i))


def seed_from(rng: int | np.random.Generator | None) -> np.uint64:
    """The 64-bit seed that stands for `rng` in every public function of labcore.

    Parameters
    ----------
    rng : int, numpy.random.Generator or None
        An int from 0 to 2^64 - 1 is the seed itself. A Generator gives one 64-bit draw, and is
        advanced by it. None asks the operating system: different at every call.

    Returns
    -------
    numpy.uint64

    Raises
    ------
    TypeError, ValueError
        If `rng` is neither of these, or an int out of range.

    Examples
    --------
    >>> from labcore.random import seed_from
    >>> seed_from(7)
    np.uint64(7)
    """
    if rng is None:
        return np.uint64(secrets.randbits(64))
    if isinstance(rng, np.random.Generator):
        return rng.integers(0, 2**64, dtype=np.uint64)
    if isinstance(rng, bool | np.bool_):
        raise TypeError(f"rng must be an int or a numpy.random.Generator, got {rng!r}")
    try:
        seed = operator.index(rng)
    except TypeError:
        raise TypeError(f"rng must be an int or a numpy.random.Generator, got {rng!r}") from None
    if not 0 <= seed < 2**64:
        raise ValueError(f"rng must be from 0 to 2**64 - 1, got {seed}")
    return np.uint64(seed)


def uniform(
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    """Uniform draws on the open interval (0, 1), multiples of 2^-52 plus 2^-53.

    Parameters
    ----------
    shape : int or tuple of int
        Shape of the result.
    rng : int, numpy.random.Generator or None
        The seed (see `seed_from`).
    stream : int, default 0
        Which of the seed's 2^64 independent streams.
    start : int, default 0
        Index in the stream of the first draw: ``uniform(5, start=3)`` is ``uniform(8)[3:]``.

    Returns
    -------
    numpy.ndarray of float64, of shape `shape`

    Examples
    --------
    >>> from labcore import random
    >>> bool((random.uniform(8, rng=1)[3:] == random.uniform(5, rng=1, start=3)).all())
    True
    """
    return filled(fill_uniform, np.float64, shape, rng, stream, start)


def normal(
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Standard normal draws, by the Box-Muller transform of `uniform`'s.

    Parameters and result as in `uniform`. Draws :math:`2k` and :math:`2k + 1` are
    :math:`\sqrt{-2\log u_{2k}}\cos 2\pi u_{2k+1}` and
    :math:`\sqrt{-2\log u_{2k}}\sin 2\pi u_{2k+1}`; no draw is larger than 8.57.

    Examples
    --------
    >>> from labcore import random
    >>> random.normal(10_000, rng=1).std().round(2)
    np.float64(1.0)
    """
    return filled(fill_normal, np.float64, shape, rng, stream, start)


def bits(
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    """Random 64-bit integers (uint64): what the other distributions are made of.

    Parameters and result as in `uniform`.

    Examples
    --------
    >>> from labcore import random
    >>> random.bits(2, rng=1) >> 60  # the highest four bits of each
    array([14, 11], dtype=uint64)
    """
    return filled(_fill_bits, np.uint64, shape, rng, stream, start)


def filled(
    loop,
    dtype,
    shape: int | tuple[int, ...],
    rng: int | np.random.Generator | None,
    stream: int,
    start: int,
    *parameters,
    rejects: bool = False,
) -> np.ndarray:
    """An array whose entries `loop` draws, one after another: what the public functions share.

    A loop that `rejects` can address the draws below 2^48 only.
    """
    out = np.empty(shape, dtype)
    stream, start = address(stream, start, out.size, 2 ** int(_INDEX_BITS) if rejects else 2**64)
    loop(seed_from(rng), stream, start, *parameters, out.reshape(-1))
    return out


def address(stream: int, start: int, draws: int, end: int = 2**64) -> tuple[np.uint64, np.uint64]:
    """Stream and first index of so many draws, if all have an index below `end`."""
    stream, start = integer("stream", stream), integer("start", start)
    if stream >= 2**64:
        raise ValueError(f"stream must be below 2**64, got {stream}")
    if start + max(draws, 1) > end:
        raise ValueError(f"start must be at most {end - draws} for {draws} draws, got {start}")
    return np.uint64(stream), np.uint64(start)
