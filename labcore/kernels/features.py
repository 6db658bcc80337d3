r"""Random features: vectors whose inner products are a kernel's values, on average.

With :math:`\mathbb E\,\phi(x)\cdot\phi(y) = k(x, y)` a method for n points in the kernel's Hilbert
space becomes a linear one in D dimensions, at a cost linear in n. The error of an inner product
falls like :math:`1/\sqrt D`.
"""

import math
from dataclasses import dataclass, field

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import exp, sin_cos_2pi
from labcore.kernels.gaussian import Gaussian
from labcore.kernels.kernel import Kernel
from labcore.kernels.softmax import Softmax

_TILE = 2**17  # numbers: what stays in the second-level cache


@dataclass(frozen=True, eq=False)
class FourierFeatures:
    r"""The map to cosines and sines of D frequencies,

    .. math::

        \phi(x) = \sqrt{k(0) / D}\,
        (\cos\omega_1\cdot x, \ldots, \cos\omega_D\cdot x,
        \sin\omega_1\cdot x, \ldots, \sin\omega_D\cdot x).

    Made by `fourier_features`. Call it with points to get their features.

    Parameters
    ----------
    frequencies : ndarray, shape (D, d)
        The :math:`\omega_j`.
    variance : float
        :math:`k(0) = |\phi(x)|^2`, for each x.
    """

    frequencies: np.ndarray = field(repr=False)
    variance: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The features of n points, as an (n, 2 D) array: all cosines, then all sines."""
        x = _points(x, self.frequencies)
        count = len(self.frequencies)
        out = np.empty((len(x), 2 * count))
        scale = math.sqrt(self.variance / count)
        for part, turns in _projections(x, self.frequencies / (2 * math.pi)):
            _circles(turns, scale, out[part])
        return out


@dataclass(frozen=True, eq=False)
class PositiveFeatures:
    r"""The map :math:`\phi_j(x) = D^{-1/2} \exp(\omega_j\cdot x - c\,|x|^2 / \ell^2)`, positive.

    Made by `positive_features`, with c = 1/2 for the softmax kernel and c = 1 for the Gaussian one.
    Call it with points to get their features.

    Parameters
    ----------
    frequencies : ndarray, shape (D, d)
        The :math:`\omega_j`, normal with variance :math:`1/\ell^2`.
    lengthscale : float or tuple of d floats
        :math:`\ell`.
    decay : float
        c.
    """

    frequencies: np.ndarray = field(repr=False)
    lengthscale: float | tuple[float, ...]
    decay: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The features of n points, as an (n, D) array of positive numbers."""
        x = _points(x, self.frequencies)
        out = np.empty((len(x), len(self.frequencies)))
        scaled = x / self.lengthscale
        shift = -self.decay * (scaled * scaled).sum(axis=1) - 0.5 * math.log(len(self.frequencies))
        for part, projections in _projections(x, self.frequencies):
            _exponentials(projections, shift[part], out[part])
        return out


def fourier_features(
    kernel: Kernel,
    d: int,
    count: int,
    *,
    orthogonal: bool = False,
    rng: int | np.random.Generator | None = None,
) -> FourierFeatures:
    r"""Random Fourier features of a stationary kernel, with as many sines as cosines.

    By Bochner's theorem :math:`k(x, y) = k(0)\,\mathbb E \cos\omega\cdot(x - y)`, with
    :math:`\omega` distributed as the normalised spectral density. With D draws,

    .. math::

        \phi(x)\cdot\phi(y) = \frac{k(0)}{D} \sum_{j=1}^D \cos \omega_j\cdot(x - y)

    is unbiased, and exact at x = y. Its variance is
    :math:`\left(\tfrac12 k(0)^2 + \tfrac12 k(0) k(2x, 2y) - k(x, y)^2\right) / D`.

    Parameters
    ----------
    kernel : Kernel
        One whose spectrum can be sampled: `Gaussian`, `Matern`, `RationalQuadratic`, `Laplacian`,
        `SpectralMixture`, constants, and sums and multiples of these.
    d : int
        Dimension of the points.
    count : int
        D, the number of frequencies: half the number of features.
    orthogonal : bool, default False
        Make the frequencies of a block of d orthogonal; each by itself has the same law as before.
        For the Gaussian kernel, with :math:`r = |x - y| / \ell`, the variance of one block of
        :math:`D = d` changes by :math:`\frac{d-1}{d} \left({}_1F_1(d; \tfrac d2; -\tfrac{r^2}2)
        - e^{-r^2}\right)`. That is negative, and much, for r up to about 2; for larger r it may be
        positive, and is small.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).

    Returns
    -------
    FourierFeatures

    Raises
    ------
    TypeError
        If the kernel's spectrum cannot be sampled.
    ValueError
        If `d` or `count` is less than one.

    Notes
    -----
    Features of n points cost 2 n d D operations and n D sines and cosines.

    The error of an entry is about :math:`k(0) / \sqrt{2D}` *wherever* x and y are: of small values
    of the kernel, between points far apart, nothing is left. The features repeat themselves
    approximately: far outside the data a fit does not return to zero, as with the kernel. And
    :math:`1/\sqrt D` is slow: where a Gram matrix has fast decaying eigenvalues, the Nystrom
    approximation of the same rank is far more accurate.

    References
    ----------
    A. Rahimi, B. Recht, "Random features for large-scale kernel machines", NeurIPS 2007.
    D. J. Sutherland, J. Schneider, "On the error of random Fourier features", UAI 2015 (why pairs
    of sine and cosine). arXiv:1506.02785. F. X. Yu et al., "Orthogonal random features", NeurIPS
    2016. arXiv:1610.09072

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> features = fourier_features(Gaussian(1.0), 1, 1000, rng=0)
    >>> phi = features([0.0, 1.0])
    >>> phi.shape
    (2, 2000)
    >>> (phi @ phi.T).round(2)[0], Gaussian(1.0)([0.0, 1.0]).round(2)[0]
    (array([1. , 0.6]), array([1.  , 0.61]))
    """
    frequencies = kernel.sample_frequencies(count, d, orthogonal=orthogonal, rng=rng)
    return FourierFeatures(frequencies, float(kernel.diagonal(np.zeros((1, d)))[0]))


def positive_features(
    kernel: Gaussian | Softmax,
    d: int,
    count: int,
    *,
    orthogonal: bool = False,
    rng: int | np.random.Generator | None = None,
) -> PositiveFeatures:
    r"""Positive random features of the Gaussian or the softmax kernel.

    For :math:`\omega` normal with mean zero and covariance :math:`I/\ell^2`,
    :math:`e^{x\cdot y/\ell^2} = \mathbb E\,e^{\omega\cdot x - |x|^2/2\ell^2}
    e^{\omega\cdot y - |y|^2/2\ell^2}`: the moment generating function of :math:`\omega\cdot(x+y)`.
    The Gaussian kernel has another factor :math:`e^{-|x|^2/2\ell^2}` for each point.

    All estimates are positive, so that those of attention weights can be normalised: with cosines
    and sines a sum of weights may come out as zero or negative. For the softmax kernel the variance
    of an estimate is

    .. math:: \frac{k(x, y)^2}{D} \left(e^{|x + y|^2/\ell^2} - 1\right).

    Parameters
    ----------
    kernel : Gaussian or Softmax
    d, count, orthogonal, rng
        As in `fourier_features`; here `count` is the number of features.

    Returns
    -------
    PositiveFeatures

    Raises
    ------
    TypeError
        If the kernel is another.
    ValueError
        If `d` or `count` is less than one.

    Notes
    -----
    By the formula above the *relative* error is small where the kernel is small (x and y opposite)
    and exponentially large where :math:`|x + y|` is several lengthscales: scale the points so that
    their norms are of the order of :math:`\ell`. For the Gaussian kernel this depends on where the
    origin is: centre the points.

    References
    ----------
    K. Choromanski et al., "Rethinking attention with Performers", ICLR 2021, lemmas 1 and 2.
    arXiv:2009.14794

    Examples
    --------
    >>> from labcore.kernels import Softmax
    >>> phi = positive_features(Softmax(), 2, 4000, rng=0)([[0.5, 0.0], [0.0, -0.5]])
    >>> (phi @ phi.T).round(2)[0], Softmax()([[0.5, 0.0], [0.0, -0.5]]).round(2)[0]
    (array([1.29, 0.99]), array([1.28, 1.  ]))
    """
    if not isinstance(kernel, Gaussian | Softmax):
        raise TypeError(f"kernel must be Gaussian or Softmax, got {kernel}")
    spectrum = Gaussian(kernel.lengthscale)
    frequencies = spectrum.sample_frequencies(count, d, orthogonal=orthogonal, rng=rng)
    decay = 0.5 if isinstance(kernel, Softmax) else 1.0
    return PositiveFeatures(frequencies, kernel.lengthscale, decay)


def _points(x: np.ndarray, frequencies: np.ndarray) -> np.ndarray:
    x = validate.points("x", x)
    if x.shape[1] != frequencies.shape[1]:
        raise ValueError(f"x must have dimension {frequencies.shape[1]}, got {x.shape[1]}")
    return x


def _projections(x: np.ndarray, frequencies: np.ndarray):
    """Blocks of rows of x @ frequencies.T that stay in the cache: a slice, and the products."""
    rows = max(1, _TILE // len(frequencies))
    buffer = np.empty((min(rows, len(x)), len(frequencies)))
    columns = np.ascontiguousarray(frequencies.T)
    for start in range(0, len(x), rows):
        part = slice(start, min(start + rows, len(x)))
        block = buffer[: part.stop - start]
        np.matmul(x[part], columns, out=block)
        yield part, block


@compiled
def _circles(turns, scale, out):
    count = turns.shape[1]
    for i in range(turns.shape[0]):
        row = turns[i]
        cosines = out[i, :count]
        sines = out[i, count:]
        for j in range(count):
            sine, cosine = sin_cos_2pi(row[j])
            cosines[j] = scale * cosine
            sines[j] = scale * sine


@compiled
def _exponentials(projections, shift, out):
    for i in range(projections.shape[0]):
        row = projections[i]
        features = out[i]
        for j in range(row.size):
            features[j] = exp(row[j] + shift[i])
