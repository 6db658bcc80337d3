r"""The signature of a path: all its iterated integrals up to a depth, and their logarithm.

K.-T. Chen, "Integration of paths, geometric invariants and a generalized Baker-Hausdorff formula",
Annals of Mathematics 65 (1957). doi:10.2307/1969671
"""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import get_num_threads, uint64

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.signatures.tensors import (
    level_starts,
    lyndon_words,
    tensor_exp,
    tensor_log,
    word_index,
)

_SMALL = 1 << 20  # products, below which starting threads costs more than it gains


@compiled
def _prepend(x, starts, inverse, u, s):
    r"""s <- exp(x) s, of a segment x before the path of which s is the signature.

    Horner's scheme, level by level from the last: with the levels s_j of s,
    s_k + x (s_(k-1) + x/2 (s_(k-2) + ... x/(k-1) (s_1 + x/k))). As x comes first in each product,
    its d blocks of words are contiguous: the loops over p are vectorised. Unsigned numbers are
    indices that are not tested for being negative, which would prevent that.
    """
    d, depth = x.size, inverse.size - 1
    for k in range(depth, 1, -1):
        for a in range(d):
            u[a] = x[a] * inverse[k]
        n = d
        for j in range(1, k - 1):
            base = uint64(starts[j])
            for p in range(n):
                u[p] += s[base + uint64(p)]
            for a in range(d - 1, -1, -1):  # the first block holds u: it comes last
                factor, first = x[a] * inverse[k - j], uint64(a * n)
                for p in range(n):
                    u[first + uint64(p)] = u[p] * factor
            n *= d
        base = uint64(starts[k - 1])
        for p in range(n):
            u[p] += s[base + uint64(p)]
        for a in range(d):
            factor, first = x[a], uint64(starts[k] + a * n)
            for p in range(n):
                s[first + uint64(p)] += u[p] * factor
    if depth > 0:
        for a in range(d):
            s[1 + a] += x[a]


@compiled
def _signatures(paths, first, last, starts, inverse, x, u, s, out):
    """The signatures of the paths from `first` to `last`, a segment at a time from the end."""
    _, length, d = paths.shape
    for i in range(first, last):
        for p in range(s.size):
            s[p] = 0.0
        s[0] = 1.0
        for t in range(length - 1, 0, -1):
            for a in range(d):
                x[a] = paths[i, t, a] - paths[i, t - 1, a]
            _prepend(x, starts, inverse, u, s)
        for p in range(s.size):
            out[i, p] = s[p]


def signature(paths: np.ndarray, depth: int) -> np.ndarray:
    r"""The signatures of piecewise linear paths, truncated at a depth N.

    The coefficient of the word :math:`w = (i_1, \dots, i_k)`, :math:`k \le N`, is

    .. math::

        S^w = \int_{0 < t_1 < \dots < t_k < T} dx^{i_1}_{t_1} \cdots dx^{i_k}_{t_k}.

    A segment :math:`\Delta` has the signature
    :math:`\exp \Delta = \sum_k \Delta^{\otimes k} / k!`; by Chen's identity that of the path is the
    product of those of its segments.

    Parameters
    ----------
    paths : array_like, shape (..., L, d)
        L points in order, in d dimensions: one path, or an array of them.
    depth : int
        N.

    Returns
    -------
    numpy.ndarray, shape (..., size)
        With ``size = tensor_size(d, depth)``, in the order of `words`: level 0, which is 1, comes
        first.

    Raises
    ------
    ValueError, TypeError
        If a path has fewer than two points or is not finite, or `depth` is not an integer at
        least 0.

    Notes
    -----
    Costs about :math:`L d^N (1 + 2/d)` multiplications a path, on all of numba's threads. The
    signature depends neither on where the path begins nor on how fast it is run through, and it
    forgets what is retraced: add time as a coordinate (`time_augmented`) where these matter. Level
    k of a path of length :math:`\ell` is at most :math:`\ell^k / k!`: for long paths the levels
    grow until :math:`k \approx \ell`, and a truncation says little. Size grows like
    :math:`d^N`: for many coordinates or great depth use `signature_kernel`.

    References
    ----------
    I. Chevyrev, A. Kormilitzin, "A primer on the signature method in machine learning", 2016.
    arXiv:1603.03788

    P. Kidger, T. Lyons, "Signatory: differentiable computations of the signature and logsignature
    transforms, on both CPU and GPU", ICLR 2021 (Horner's scheme). arXiv:2001.00706

    Examples
    --------
    >>> corner = [[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]]
    >>> signature(corner, 2)
    array([1. , 1. , 2. , 0.5, 2. , 0. , 2. ])
    """
    paths = _paths(paths)
    depth = validate.integer("depth", depth)
    *batch, length, d = paths.shape
    flat = paths.reshape(-1, length, d)
    starts = np.array(level_starts(d, depth))
    inverse = np.array([0.0, *(1.0 / k for k in range(1, depth + 1))])
    out = np.empty((len(flat), starts[-1]))

    def share(first: int, last: int) -> None:
        x, u, s = np.empty(d), np.empty(d ** max(depth - 1, 1)), np.empty(starts[-1])
        _signatures(flat, first, last, starts, inverse, x, u, s, out)

    shares = min(get_num_threads(), len(flat)) if out.size * length > _SMALL else 1
    if shares <= 1:
        share(0, len(flat))
    else:
        edges = np.linspace(0, len(flat), shares + 1).astype(int).tolist()
        with ThreadPoolExecutor(shares) as pool:
            list(pool.map(share, edges[:-1], edges[1:]))
    return out.reshape(*batch, -1)


def log_signature(paths: np.ndarray, depth: int) -> np.ndarray:
    r"""The logarithms of the signatures, by their coefficients at the Lyndon words.

    :math:`\log S` is a Lie series, which its coefficients at `lyndon_words` determine: as few
    numbers as possible hold all that `signature` does. Level 1 is the increment of the path; the
    coefficient of (i, j), i < j, is the area between the coordinates i and j and the chord.

    Parameters
    ----------
    paths : array_like, shape (..., L, d)
    depth : int

    Returns
    -------
    numpy.ndarray, shape (..., number of Lyndon words)
        In the order of `lyndon_words`. For all coefficients of the logarithm, Lyndon or not, take
        ``tensor_log(signature(paths, depth), d)``.

    Raises
    ------
    ValueError, TypeError
        As `signature`.

    Notes
    -----
    These are coefficients in the tensor algebra, not in a basis of brackets; the two are related
    by a triangular matrix with ones on the diagonal. Costs the signature and N products of
    elements: N times as much as a segment.

    References
    ----------
    J. Reizenstein, B. Graham, "The iisignature library: efficient calculation of
    iterated-integral signatures and log signatures", ACM Transactions on Mathematical Software 46
    (2020). doi:10.1145/3371237

    Examples
    --------
    >>> log_signature([[0.0, 0.0], [1.0, 0.0], [1.0, 2.0]], 2)
    array([1., 2., 1.])
    """
    paths = _paths(paths)
    d = paths.shape[-1]
    lyndon = [word_index(word, d) for word in lyndon_words(d, depth)]
    return tensor_log(signature(paths, depth), d)[..., lyndon]


def expected_brownian_signature(covariance: np.ndarray, t: float, depth: int) -> np.ndarray:
    r"""The expected signature of Brownian motion on [0, t], in Stratonovich's sense.

    .. math:: \mathbb E\, S(W)_{0,t} = \exp\Big(\frac t2 \sum_{ij} C_{ij}\, e_i \otimes e_j\Big)

    Parameters
    ----------
    covariance : array_like, shape (d, d)
        C, the covariance of :math:`W_1`.
    t : float
        Not negative.
    depth : int

    Returns
    -------
    numpy.ndarray, shape (size,)
        Odd levels are zero.

    Raises
    ------
    ValueError, TypeError
        If C is not a symmetric positive semi-definite matrix, or `t` negative.

    References
    ----------
    T. Fawcett, *Problems in stochastic analysis: connections between rough paths and
    non-commutative harmonic analysis*, thesis, University of Oxford 2003.

    Examples
    --------
    >>> expected_brownian_signature([[1.0]], 1.0, 4)  # E W^k / k!
    array([1.   , 0.   , 0.5  , 0.   , 0.125])
    """
    covariance = validate.array("covariance", covariance, 2)
    t, depth = validate.non_negative("t", t), validate.integer("depth", depth)
    d = len(covariance)
    if covariance.shape != (d, d) or not np.allclose(covariance, covariance.T):
        raise ValueError(f"covariance must be a symmetric matrix, got {covariance.tolist()}")
    smallest, largest = np.linalg.eigvalsh(covariance)[[0, -1]]
    if smallest < -1e-12 * largest or largest < 0.0:
        raise ValueError(f"covariance must have no negative eigenvalue, got {smallest:g}")
    starts = level_starts(d, depth)
    generator = np.zeros(starts[-1])
    if depth >= 2:
        generator[starts[2] : starts[3]] = 0.5 * t * covariance.ravel()
    return tensor_exp(generator, d)


def _paths(paths: np.ndarray) -> np.ndarray:
    paths = validate.array("paths", paths, tuple(range(2, 9)))
    if paths.shape[-2] < 2 or paths.shape[-1] < 1:
        raise ValueError(f"paths must have at least two points each, got shape {paths.shape}")
    return paths
