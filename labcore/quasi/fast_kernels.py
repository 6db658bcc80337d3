r"""Kernels whose Gram matrix a fast transform makes diagonal, on lattices and on digital nets.

A kernel of the difference modulo 1 has on a lattice a circulant Gram matrix: the discrete Fourier
transform makes it diagonal. A kernel of the digit-wise difference has on a digital net a Gram
matrix whose entry (i, k) depends on i xor k: the Walsh-Hadamard transform makes it diagonal. Both
cost :math:`O(n \log n)`, and only one column of the matrix is ever computed.

References
----------
R. Jagadeeswaran, F. J. Hickernell, "Fast automatic Bayesian cubature using lattice sampling",
Statistics and Computing 29, 2019. doi:10.1007/s11222-019-09895-9

A. Sorokin, "Fast Gaussian process regression for high dimensional functions with derivative
information", 2025, and the package QMCPy.

J. Dick, F. Pillichshammer, "Digital Nets and Sequences", Cambridge University Press, 2010.
"""

import math
from dataclasses import dataclass

import numpy as np
from numba import int64
from scipy.fft import irfft, rfft

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import bits_from_float, float_from_bits
from labcore.quasi.digital_net import BITS

_DIGITS = 2.0**BITS
_EXPONENT = 0x7FF0000000000000  # the bits of a double that tell its power of two
_CHUNK = 512


@compiled
def _fill_periodic(x, y, weights, order, out):
    """prod_j (1 + weight_j B(x_j - y_j)) - 1 for all pairs, x of shape (n, d) and y of (d, m)."""
    for i in range(x.shape[0]):
        for first in range(0, y.shape[1], _CHUNK):
            row = out[i, first : first + _CHUNK]
            for k in range(row.size):
                row[k] = 0.0
            for j in range(x.shape[1]):
                column = y[j, first : first + row.size]
                centre, weight = x[i, j], weights[j]
                for k in range(row.size):
                    t = column[k] - centre
                    t -= math.floor(t)
                    b = t * (t - 1.0) + 1.0 / 6.0
                    if order == 2:
                        b = 1.0 / 30.0 - t * t * (t - 1.0) * (t - 1.0)
                    row[k] += (1.0 + row[k]) * weight * b


@compiled
def _fill_digital(x, y, weights, out):
    """As `_fill_periodic`, of binary digits as integers, with 1 - 3 * 2^floor(log2(x xor y))."""
    for i in range(x.shape[0]):
        for first in range(0, y.shape[1], _CHUNK):
            row = out[i, first : first + _CHUNK]
            for k in range(row.size):
                row[k] = 0.0
            for j in range(x.shape[1]):
                column = y[j, first : first + row.size]
                centre, weight = x[i, j], weights[j]
                for k in range(row.size):
                    power = bits_from_float(float(column[k] ^ centre)) & int64(_EXPONENT)
                    b = 1.0 - 3.0 / _DIGITS * float_from_bits(power)
                    row[k] += (1.0 + row[k]) * weight * b


@compiled
def _walsh_hadamard(a):
    """Replace each row of `a`, of 2^m numbers, by its Walsh-Hadamard transform, not normalised."""
    n = a.shape[1]
    for row in range(a.shape[0]):
        x = a[row]
        for i in range(0, n - 3, 4):  # the first two rounds in one, for rows of at least four
            p, q = x[i] + x[i + 1], x[i] - x[i + 1]
            r, s = x[i + 2] + x[i + 3], x[i + 2] - x[i + 3]
            x[i], x[i + 1], x[i + 2], x[i + 3] = p + r, q + s, p - r, q - s
        half = 4
        if n == 2:
            x[0], x[1] = x[0] + x[1], x[0] - x[1]
        while half < n:
            for begin in range(0, n, 2 * half):
                left, right = x[begin : begin + half], x[begin + half : begin + 2 * half]
                for i in range(half):
                    p, q = left[i], right[i]
                    left[i], right[i] = p + q, p - q
            half *= 2


def walsh_hadamard(a: np.ndarray) -> np.ndarray:
    r"""The Walsh-Hadamard transform in natural order along the last axis:

    .. math:: \hat a_k = \sum_{i=0}^{2^m - 1} (-1)^{\text{number of ones in } i \wedge k}\, a_i .

    Parameters
    ----------
    a : array_like, shape (..., 2^m)

    Returns
    -------
    numpy.ndarray, of the same shape
        Not normalised: applied twice it multiplies by :math:`2^m`.

    Raises
    ------
    ValueError
        If the last axis has no power of two entries.

    Examples
    --------
    >>> from labcore.quasi import walsh_hadamard
    >>> walsh_hadamard([1.0, 2.0, 0.0, 0.0])
    array([ 3., -1.,  3., -1.])
    """
    a = np.array(a, dtype=np.float64, order="C")
    n = a.shape[-1] if a.ndim else 0
    if n == 0 or n & (n - 1):
        raise ValueError(f"the last axis must have a power of two entries, got shape {a.shape}")
    _walsh_hadamard(a.reshape(-1, n))
    return a


@dataclass(frozen=True)
class _FastKernel:
    """What both kernels share: their arguments, and the Gram matrix of any points."""

    scale: float = 1.0
    weights: float | tuple[float, ...] = 1.0

    def __post_init__(self):
        object.__setattr__(self, "scale", validate.positive("scale", self.scale))
        weights = validate.array("weights", self.weights, (0, 1))
        if (weights <= 0.0).any():
            raise ValueError(f"weights must be positive, got {self.weights}")
        weights = tuple(weights.tolist()) if weights.ndim else float(weights)
        object.__setattr__(self, "weights", weights)

    def __call__(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        """The Gram matrix of points in the unit cube, of shape (n, d) and (m, d); y defaults to x.

        Raises
        ------
        ValueError
            If a point is not in :math:`[0, 1)^d` or the shapes do not fit.
        """
        x = self.points("x", x)
        y = x if y is None else self.points("y", y)
        if x.shape[1] != y.shape[1]:
            raise ValueError(
                f"x and y must have the same dimension, got {x.shape[1]} and {y.shape[1]}"
            )
        return self.scale * (1.0 + self.centred(x, y))

    def points(self, name: str, value: np.ndarray) -> np.ndarray:
        """`value` as an (n, d) array, if it lies in the unit cube and has as many d as weights."""
        x = validate.points(name, value)
        if x.size == 0:
            raise ValueError(f"{name} must not be empty, got shape {x.shape}")
        if x.min() < 0.0 or x.max() >= 1.0:
            raise ValueError(f"{name} must be in [0, 1), got {x.min():g} to {x.max():g}")
        if isinstance(self.weights, tuple) and len(self.weights) != x.shape[1]:
            raise ValueError(
                f"{name} must have the dimension of the {len(self.weights)} weights, "
                f"got shape {x.shape}"
            )
        return x

    def _weights(self, d: int) -> np.ndarray:
        return np.broadcast_to(np.asarray(self.weights), (d,)).astype(float)


@dataclass(frozen=True)
class ShiftInvariant(_FastKernel):
    r"""A periodic kernel on the cube, made of Bernoulli polynomials:

    .. math:: k(x, y) = s \prod_{j=1}^d \Bigl(1 + \gamma_j \frac{(-1)^{r+1} (2\pi)^{2r}}{(2r)!}
        B_{2r}(\{x_j - y_j\})\Bigr).

    Its Fourier coefficients in coordinate j are 1 and :math:`\gamma_j |h|^{-2r}`: functions of its
    Hilbert space have r square-integrable mixed derivatives and are periodic. The integral over y
    is s for every x.

    Parameters
    ----------
    scale : float, default 1
        s, positive.
    weights : float or tuple of float, default 1
        :math:`\gamma_j`, positive, for all coordinates or each.
    order : int, default 1
        r, 1 or 2.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from labcore.quasi import ShiftInvariant
    >>> ShiftInvariant(weights=0.5)([0.0, 0.5]).round(4)
    array([[2.6449, 0.1775],
           [0.1775, 2.6449]])
    """

    order: int = 1

    def __post_init__(self):
        super().__post_init__()
        if self.order not in (1, 2):
            raise ValueError(f"order must be 1 or 2, got {self.order!r}")

    def centred(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """k / s - 1 for all pairs, without the cancellation; an array of shape (len(x), len(y))."""
        constant = {1: 2 * np.pi**2, 2: 2 * np.pi**4 / 3}[self.order]
        weights = constant * self._weights(x.shape[1])
        out = np.empty((len(x), len(y)))
        _fill_periodic(x, np.ascontiguousarray(y.T), weights, self.order, out)
        return out

    def check(self, x: np.ndarray) -> None:
        """Raise ValueError if x is not a lattice in natural order, shifted or not."""
        n = len(x)
        step = x[min(1, n - 1)] - x[0]
        for begin in range(0, n, _CHUNK):
            i = np.arange(begin, min(begin + _CHUNK, n))[:, None]
            miss = x[i[:, 0]] - x[0] - i * step
            if (np.abs(miss - np.round(miss)) > 1e-3 / n).any():
                raise ValueError("x must be a rank-1 lattice in natural order: see quasi.lattice")
        whole = n * step
        if (np.abs(whole - np.round(whole)) > 1e-3).any():
            raise ValueError("x must be all the points of a lattice, not a part of them")

    def transform(self, a: np.ndarray) -> np.ndarray:
        """Coordinates in the eigenvectors of a Gram matrix, times the root of n."""
        return rfft(a, axis=-1)

    def inverse(self, a: np.ndarray, n: int) -> np.ndarray:
        """What `transform` was applied to."""
        return irfft(a, n, axis=-1)

    def multiplicity(self, n: int) -> np.ndarray:
        """How many eigenvectors share each entry of a transform."""
        count = np.full(n // 2 + 1, 2.0)
        count[0] = 1.0
        if n % 2 == 0:
            count[-1] = 1.0
        return count


@dataclass(frozen=True)
class DigitallyShiftInvariant(_FastKernel):
    r"""A kernel of the digit-wise difference :math:`x_j \ominus y_j` of binary digits:

    .. math:: k(x, y) = s \prod_{j=1}^d \bigl(1 + \gamma_j\, \omega(x_j \ominus y_j)\bigr), \qquad
        \omega(x) = 1 - 3 \cdot 2^{\lfloor \log_2 x \rfloor}, \quad \omega(0) = 1.

    Its Walsh coefficients in coordinate j are 1 and
    :math:`\tfrac12 \gamma_j 4^{-\lfloor \log_2 h \rfloor}`. Its Hilbert space holds functions with
    jumps at dyadic points, and all that have one square-integrable mixed derivative; they need not
    be periodic. The integral over y is s for every x. Digits beyond the 52nd do not count.

    Parameters
    ----------
    scale : float, default 1
        s, positive.
    weights : float or tuple of float, default 1
        :math:`\gamma_j`, positive, for all coordinates or each.

    Raises
    ------
    TypeError, ValueError
        If an argument is out of range.

    Examples
    --------
    >>> from labcore.quasi import DigitallyShiftInvariant
    >>> DigitallyShiftInvariant()([0.0, 0.25, 0.75])
    array([[2.  , 1.25, 0.5 ],
           [1.25, 2.  , 0.5 ],
           [0.5 , 0.5 , 2.  ]])
    """

    def centred(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """k / s - 1 for all pairs, without the cancellation; an array of shape (len(x), len(y))."""
        out = np.empty((len(x), len(y)))
        columns = np.ascontiguousarray(_digits(y).T)
        _fill_digital(_digits(x), columns, self._weights(x.shape[1]), out)
        return out

    def check(self, x: np.ndarray) -> None:
        """Raise ValueError if x is not a digital net in natural order, shifted or not."""
        n = len(x)
        if n & (n - 1):
            raise ValueError(f"x must have a power of two points, got {n}")
        difference = _digits(x) ^ _digits(x[:1])
        half = 1
        while half < n:
            if (difference[half : 2 * half] != difference[:half] ^ difference[half]).any():
                raise ValueError("x must be a digital net in natural order: see quasi.digital_net")
            half *= 2

    def transform(self, a: np.ndarray) -> np.ndarray:
        """Coordinates in the eigenvectors of a Gram matrix, times the root of n."""
        return walsh_hadamard(a)

    def inverse(self, a: np.ndarray, n: int) -> np.ndarray:
        """What `transform` was applied to."""
        return walsh_hadamard(a) / n

    def multiplicity(self, n: int) -> np.ndarray:
        """How many eigenvectors share each entry of a transform."""
        return np.ones(n)


def _digits(x: np.ndarray) -> np.ndarray:
    """The first 52 binary digits of each coordinate, as integers."""
    return (x * _DIGITS).astype(np.int64)
