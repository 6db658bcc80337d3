r"""Stationary Gaussian paths by circulant embedding: exact draws for the price of an FFT.

C. R. Dietrich, G. N. Newsam, "Fast and exact simulation of stationary Gaussian processes through
circulant embedding of the covariance matrix", SIAM J. Sci. Comput. 18 (1997) 1088-1107.
doi:10.1137/S1064827592240555
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import get_num_threads, uint64

from labcore._compile import compiled
from labcore._validate import array, integer, positive
from labcore.random import normal_pair, seed_from

_ROWS = 8  # paths that are transformed together: what they need stays in the cache
_ROUNDING = 1e-13  # of the largest eigenvalue: what a transform of a covariance may be off by


def stationary_paths(
    covariance: Callable[[np.ndarray], np.ndarray],
    n: int,
    n_paths: int = 1,
    *,
    time_step: float = 1.0,
    extension: int = 1,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    r"""Draws of the stationary Gaussian process with mean 0 at the times 0, h, ..., (n - 1) h.

    The covariances :math:`r(0), r(h), \dots, r(m h)`, :math:`m \ge n`, are the first half of the
    first row of a symmetric circulant matrix of order 2m. Its eigenvalues are

    .. math:: \lambda_k = \sum_{j=0}^{2m-1} r(\min(j, 2m - j)\,h)\, \cos \frac{\pi j k}{m},

    and if none is negative, with independent standard normal :math:`Z_k`,

    .. math:: X_{jh} = \sum_{k=0}^{2m-1} \sqrt{\frac{\lambda_k}{2m}}\, Z_k
              \left(\cos \frac{\pi j k}{m} + \sin \frac{\pi j k}{m}\right)

    has exactly the covariance r for :math:`0 \le j < n`.

    Parameters
    ----------
    covariance : callable
        ``covariance(t)`` is r at an array of lags :math:`t \ge 0`.
    n : int
        How many times.
    n_paths : int, default 1
        Path i is drawn from stream i, however many are asked for.
    time_step : float, default 1
        h, positive.
    extension : int, default 1
        m is the first number from ``extension * n`` on that suits a fast transform.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.

    Returns
    -------
    numpy.ndarray, shape (n_paths, n)

    Raises
    ------
    ValueError
        If an eigenvalue is negative beyond rounding (1e-13 of the largest). Then either r is no
        covariance, or it has not fallen far enough at the lag m h: a larger `extension` helps.

    Notes
    -----
    Costs 2m normal numbers and a transform of 2m real numbers a path. Convex decreasing covariances
    and that of fractional noise need no extension; a smooth one must have fallen to rounding at m
    h. Eigenvalues that are negative by no more than rounding count as zero.

    Examples
    --------
    >>> paths = stationary_paths(lambda t: np.exp(-t), 100, 2000, time_step=0.1, rng=1)
    >>> paths.shape
    (2000, 100)
    >>> float(np.mean(paths[:, 0] * paths[:, 10]).round(2)), round(float(np.exp(-1)), 2)
    (0.33, 0.37)
    """
    n, n_paths = integer("n", n, least=1), integer("n_paths", n_paths, least=1)
    time_step = positive("time_step", time_step)
    extension = integer("extension", extension, least=1)
    amplitude = embedding_amplitudes(covariance, n, time_step, extension)
    out = np.empty((n_paths, n))
    fill_paths(_values, amplitude, seed_from(rng), out)
    return out


def embedding_amplitudes(
    covariance: Callable[[np.ndarray], np.ndarray], n: int, time_step: float, extension: int
) -> np.ndarray:
    """The square roots of lambda_k / 2m, of shape (2m,)."""
    from scipy.fft import next_fast_len, rfft

    m = next_fast_len(extension * n, real=True)
    lags = time_step * np.arange(m + 1)
    r = array("covariance(lags)", covariance(lags), 1)
    if r.shape != lags.shape:
        raise ValueError(f"covariance(lags) must have shape {lags.shape}, got {r.shape}")
    half = rfft(np.concatenate([r, r[-2:0:-1]])).real
    least, largest = half.min(), half.max()
    if not largest > 0.0:
        raise ValueError(f"covariance(0) must be positive, got {r[0]:g}")
    if least < -_ROUNDING * largest:
        raise ValueError(
            f"covariance has no circulant embedding of order {2 * m}: the least eigenvalue is "
            f"{least:.3g}, the largest {largest:.3g}. Use a larger extension than {extension}, if "
            "it is a covariance."
        )
    half = np.sqrt(np.maximum(half, 0.0) / (2 * m))
    return np.concatenate([half, half[-2:0:-1]])


def fill_paths(combine: Callable, amplitude: np.ndarray, seed: np.uint64, out: np.ndarray) -> None:
    """Write path after path into the rows of `out`: ``combine(transform, rows of out)`` does it."""
    from scipy.fft import rfft

    def share(first: int, step: int) -> None:
        z = np.empty((_ROWS, amplitude.size))
        for start in range(first * _ROWS, len(out), step * _ROWS):
            rows = out[start : start + _ROWS]
            noise = z[: len(rows)]
            _scaled_normals(seed, start, amplitude, noise)
            combine(rfft(noise), rows)

    shares = min(get_num_threads(), -(-len(out) // _ROWS))
    if shares == 1:
        share(0, 1)
    else:
        with ThreadPoolExecutor(shares) as pool:
            list(pool.map(share, range(shares), [shares] * shares))


@compiled
def _scaled_normals(seed, first_stream, amplitude, z):
    half = amplitude.size // 2
    lower, upper = amplitude[:half], amplitude[half:]
    for j in range(z.shape[0]):
        stream = uint64(first_stream + j)
        left, right = z[j, :half], z[j, half:]
        for i in range(half):
            a, b = normal_pair(seed, stream, uint64(i))
            left[i] = lower[i] * a
            right[i] = upper[i] * b


@compiled
def _values(transform, out):
    """Hartley's transform of real numbers, from Fourier's: its real minus its imaginary part."""
    for j in range(out.shape[0]):
        of_path, row = transform[j], out[j]
        for i in range(row.size):
            row[i] = of_path[i].real - of_path[i].imag
