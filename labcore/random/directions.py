r"""Directions and rotations: angles, points on spheres, orthogonal matrices.

As in `labcore.random.streams` each draw is a function of (seed, stream, index). `von_mises_at`,
`fill_unit_vector` and `fill_orthogonal` are for compiled loops and trust their arguments.

References
----------
D. J. Best, N. I. Fisher, "Efficient simulation of the von Mises distribution", Journal of the Royal
Statistical Society C 28, 1979. doi:10.2307/2346732

G. W. Stewart, "The efficient generation of random orthogonal matrices with an application to
condition estimators", SIAM Journal on Numerical Analysis 17, 1980. doi:10.1137/0717034

F. Mezzadri, "How to generate random matrices from the classical compact groups", Notices of the AMS
54, 2007. arXiv:math-ph/0609050
"""

import math

import numpy as np
from numba import uint64

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import atan, log, sin_cos_2pi, squared_length
from labcore.random.streams import (
    ATTEMPTS,
    address,
    attempt_bits,
    fill_normal,
    filled,
    normal_at,
    open_unit,
    seed_from,
)

_REJECTED = 4.0  # larger than any angle
_LARGEST_KAPPA = 1e100


@compiled(inline=True)
def _envelope(kappa):
    """Best and Fisher's wrapped Cauchy law, as s = (1 - rho) / (1 + rho) and kappa / (1 - s^2).

    In these terms nothing cancels, neither for small kappa nor for large.
    """
    tau = 1.0 + math.sqrt(1.0 + 4.0 * kappa * kappa)
    root = math.sqrt(tau)
    slope = 2.0 * kappa / root
    s = math.sqrt(2.0) / (root + slope)
    # kappa / (1 - s), with 1 - s = (root - sqrt(2) + slope) / (root + slope)
    quotient = 0.5 * (root + slope) / (2.0 * kappa / (tau * (root + math.sqrt(2.0))) + 1.0 / root)
    return s, quotient / (1.0 + s)


@compiled(inline=True)
def _von_mises_attempt(seed, stream, index, attempt, s, quotient):
    """An angle, or `_REJECTED`. No branches, so that a loop over draws is vectorised."""
    first, second = attempt_bits(seed, stream, index, attempt)
    sine, cosine = sin_cos_2pi(0.25 * open_unit(first))
    c = 2.0 * s * s * quotient / (cosine * cosine + s * s * sine * sine)
    angle = 2.0 * atan(s * sine / cosine)
    angle = -angle if second & uint64(1) else angle
    return angle if log(open_unit(second)) <= log(c) + 1.0 - c else _REJECTED


@compiled
def von_mises_at(seed, stream, index, kappa):
    """Draw number `index` of a stream: an angle in (-pi, pi), von Mises around 0."""
    s, quotient = _envelope(kappa)
    angle, attempt = _REJECTED, 0
    while angle == _REJECTED and attempt < ATTEMPTS:
        angle = _von_mises_attempt(seed, stream, index, attempt, s, quotient)
        attempt += 1
    return angle if angle < _REJECTED else math.nan


@compiled
def _fill_von_mises(seed, stream, start, kappa, out):
    s, quotient = _envelope(kappa)
    for i in range(out.size):
        out[i] = _von_mises_attempt(seed, stream, uint64(start) + uint64(i), 0, s, quotient)
    for i in range(out.size):
        if out[i] == _REJECTED:
            out[i] = von_mises_at(seed, stream, uint64(start) + uint64(i), kappa)


def von_mises(
    kappa: float,
    shape: int | tuple[int, ...],
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Angles with the von Mises law around 0: density :math:`e^{\kappa\cos\theta} / 2\pi
    I_0(\kappa)`.

    Best and Fisher's rejection from a wrapped Cauchy law. Its draw is
    :math:`\theta = \pm 2\arctan(s \tan\tfrac{\pi u}2)`, here with
    :math:`s = \sqrt2 / (\sqrt{w + 1} + \sqrt{w - 1})`, :math:`w = \sqrt{1 + 4\kappa^2}`, a form in
    which nothing cancels. At least 65 of 100 are accepted.

    Parameters
    ----------
    kappa : float
        Concentration, from 0 (uniform on the circle) to :math:`10^{100}`; for large
        :math:`\kappa` nearly normal with variance :math:`1/\kappa`.
    shape, rng, stream, start
        As in `uniform`; draws end before :math:`2^{48}`.

    Returns
    -------
    numpy.ndarray of float64, of shape `shape`
        In :math:`(-\pi, \pi)`.

    Raises
    ------
    ValueError
        If `kappa` is negative, not finite, or larger than :math:`10^{100}`.

    Examples
    --------
    >>> from labcore import random
    >>> random.von_mises(4.0, 4, rng=1).round(3)
    array([0.206, 0.292, 0.09 , 0.304])
    """
    kappa = validate.non_negative("kappa", kappa)
    if kappa > _LARGEST_KAPPA:
        raise ValueError(f"kappa must be at most {_LARGEST_KAPPA:g}, got {kappa:g}")
    return filled(_fill_von_mises, np.float64, shape, rng, stream, start, kappa, rejects=True)


@compiled
def _normalise(x):
    """Divide x by its length."""
    length = math.sqrt(squared_length(x))
    for i in range(x.size):
        x[i] /= length


@compiled
def fill_unit_vector(seed, stream, index, out):
    """Unit vector number `index` of a stream, uniform on the sphere, into the vector `out`."""
    fill_normal(seed, stream, uint64(index) * uint64(out.size), out)
    _normalise(out)


@compiled
def _fill_unit_vectors(seed, stream, start, out):
    fill_normal(seed, stream, uint64(start) * uint64(out.shape[1]), out.reshape(-1))
    for i in range(out.shape[0]):
        _normalise(out[i])


def unit_vectors(
    d: int,
    count: int = 1,
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Points uniform on the unit sphere of :math:`\mathbb R^d`: :math:`z / \|z\|`, z normal.

    Parameters
    ----------
    d : int
        Dimension, at least 1. For d = 1 the points are -1 and 1.
    count : int, default 1
        How many.
    rng, stream
        As in `uniform`.
    start : int, default 0
        Number of the first one in the stream.

    Returns
    -------
    numpy.ndarray of shape (count, d)

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer, or out of range.

    Examples
    --------
    >>> from labcore import random
    >>> random.unit_vectors(3, 2, rng=1).round(3)
    array([[-0.206, -0.828, -0.522],
           [-0.37 ,  0.819, -0.439]])
    """
    d, count = validate.integer("d", d, least=1), validate.integer("count", count)
    stream, start = address(stream, start, count, 2**64 // d)
    out = np.empty((count, d))
    _fill_unit_vectors(seed_from(rng), stream, start, out)
    return out


@compiled
def fill_orthogonal(seed, stream, index, out, x, row):
    """Orthogonal matrix number `index` of a stream into `out`; `x` and `row` are vectors of size d.

    Stewart's recursion. If the first column x is uniform on the sphere, and H any orthogonal matrix
    that is determined by x and has it as its first column, then H diag(1, Q) is Haar distributed if
    Q is. H is here the reflection that takes the first unit vector to x or to -x, with the first
    column replaced by x.
    """
    d = out.shape[0]
    draw = uint64(index) * uint64(d * (d + 1) // 2)
    out[d - 1, d - 1] = 1.0 if normal_at(seed, stream, draw) > 0.0 else -1.0
    draw += uint64(1)
    for k in range(2, d + 1):
        first = d - k
        v = x[:k]
        fill_normal(seed, stream, draw, v)
        draw += uint64(k)
        _normalise(v)
        for i in range(k):
            out[first + i, first] = v[i]
        v[0] += 1.0 if v[0] > 0.0 else -1.0
        scale = 1.0 / abs(v[0])  # 2 / |v|^2, as |v|^2 = 2 |v_0|
        corner = row[: k - 1]
        for j in range(k - 1):
            corner[j] = 0.0
        for i in range(1, k):
            below = out[first + i, first + 1 :]
            for j in range(k - 1):
                corner[j] += v[i] * below[j]
        for j in range(k - 1):
            corner[j] *= scale
            out[first, first + 1 + j] = -v[0] * corner[j]
        for i in range(1, k):
            below = out[first + i, first + 1 :]
            for j in range(k - 1):
                below[j] -= v[i] * corner[j]


@compiled
def _fill_orthogonals(seed, stream, start, x, row, out):
    for i in range(out.shape[0]):
        fill_orthogonal(seed, stream, uint64(start) + uint64(i), out[i], x, row)


def orthogonal(
    d: int,
    count: int = 1,
    *,
    rng: int | np.random.Generator | None = None,
    stream: int = 0,
    start: int = 0,
) -> np.ndarray:
    r"""Orthogonal matrices with the Haar law of :math:`O(d)`: Q, UQ and QU have the same law for
    every orthogonal U.

    Stewart's product of reflections of normal vectors. The determinant is 1 or -1, each with
    probability one half. (The Q of a QR factorisation of a normal matrix is not Haar distributed
    unless its signs are corrected, see Mezzadri.)

    Parameters
    ----------
    d : int
        Dimension, at least 1.
    count : int, default 1
        How many.
    rng, stream
        As in `uniform`.
    start : int, default 0
        Number of the first one in the stream.

    Returns
    -------
    numpy.ndarray of shape (count, d, d)

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer, or out of range.

    Notes
    -----
    Costs :math:`\tfrac43 d^3` operations and :math:`d(d+1)/2` normal draws a matrix.

    Examples
    --------
    >>> from labcore import random
    >>> random.orthogonal(2, rng=1)[0].round(3)
    array([[-0.846,  0.533],
           [-0.533, -0.846]])
    """
    d, count = validate.integer("d", d, least=1), validate.integer("count", count)
    stream, start = address(stream, start, count, 2**64 // (d * d))
    out = np.empty((count, d, d))
    x, row = np.empty(d), np.empty(d)
    _fill_orthogonals(seed_from(rng), stream, start, x, row, out)
    return out
