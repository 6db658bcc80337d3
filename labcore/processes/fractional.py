r"""Fractional Brownian motion: a Gaussian process with stationary increments that remembers.

B. B. Mandelbrot, J. W. Van Ness, "Fractional Brownian motions, fractional noises and applications",
SIAM Review 10 (1968) 422-437. doi:10.1137/1010093
"""

import math
from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore._validate import array, integer, positive, real
from labcore.processes.circulant import embedding_amplitudes, fill_paths, stationary_paths
from labcore.random import seed_from

_LEAST, _MOST = 1e-3, 1.0 - 1e-3  # where an index is looked for


def fractional_covariance(hurst: float, s: np.ndarray, t: np.ndarray) -> np.ndarray:
    r"""The covariance of fractional Brownian motion,

    .. math:: \E[B_s B_t] = \tfrac12 \left(s^{2H} + t^{2H} - |t - s|^{2H}\right).

    Parameters
    ----------
    hurst : float
        H, the Hurst index, 0 < H < 1. At 1/2 it is Brownian motion, :math:`\min(s, t)`.
    s, t : array_like
        Times, not negative; their shapes broadcast.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    ValueError
        If a time is negative or not finite, or H is not between 0 and 1.

    Examples
    --------
    >>> fractional_covariance(0.75, 1.0, [1.0, 4.0]).round(4)
    array([1.    , 1.9019])
    """
    power = 2.0 * hurst_index(hurst)
    s, t = (_times(name, value) for name, value in (("s", s), ("t", t)))
    return 0.5 * (s**power + t**power - np.abs(t - s) ** power)


def fractional_noise_covariance(hurst: float, lags: np.ndarray) -> np.ndarray:
    r"""The covariance of the increments over unit times of fractional Brownian motion,

    .. math:: r(k) = \tfrac12 \left(|k + 1|^{2H} - 2 |k|^{2H} + |k - 1|^{2H}\right)
              \sim H (2H - 1)\, k^{2H - 2}.

    For H > 1/2 it is positive and its sum infinite; for H < 1/2 the increments counteract.

    Parameters
    ----------
    hurst : float
        H, 0 < H < 1.
    lags : array_like
        k, any real numbers.

    Returns
    -------
    numpy.ndarray

    Raises
    ------
    ValueError
        If a lag is not finite, or H is not between 0 and 1.

    Examples
    --------
    >>> fractional_noise_covariance(0.25, [0, 1, 2]).round(4)
    array([ 1.    , -0.2929, -0.0482])
    """
    power = 2.0 * hurst_index(hurst)
    lags = np.asarray(lags, float)
    k = np.abs(array("lags", lags, lags.ndim))
    return 0.5 * ((k + 1.0) ** power - 2.0 * k**power + np.abs(k - 1.0) ** power)


def fractional_noise(
    hurst: float, n: int, n_paths: int = 1, *, rng: int | np.random.Generator | None = None
) -> np.ndarray:
    r"""Draws of fractional Gaussian noise, :math:`B_{k+1} - B_k` for :math:`0 \le k < n`.

    Parameters
    ----------
    hurst : float
        H, the Hurst index, 0 < H < 1.
    n : int
        How many increments.
    n_paths : int, default 1
        Path i is drawn from stream i, however many are asked for.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.

    Returns
    -------
    numpy.ndarray, shape (n_paths, n)

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.

    Notes
    -----
    Exact, by the circulant embedding of `stationary_paths`, whose eigenvalues are positive here for
    every H and n (Craigmile, "Simulating a class of stationary Gaussian processes using the
    Davies-Harte algorithm", J. Time Ser. Anal. 24, 2003, doi:10.1111/1467-9892.00318).

    Examples
    --------
    >>> noise = fractional_noise(0.9, 1000, 200, rng=1)
    >>> float(np.mean(noise[:, 1:] * noise[:, :-1]).round(2)), round(2**0.8 - 1, 2)
    (0.74, 0.74)
    """
    hurst = hurst_index(hurst)
    return stationary_paths(lambda k: fractional_noise_covariance(hurst, k), n, n_paths, rng=rng)


def fractional_brownian(
    hurst: float,
    t_end: float,
    n_steps: int,
    n_paths: int = 1,
    *,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    r"""Fractional Brownian motion at the times 0, t_end / n_steps, ..., t_end.

    The sums of `fractional_noise`, times :math:`(t_{end} / n_{steps})^H`: by self-similarity, draws
    with exactly the covariance `fractional_covariance`.

    Parameters
    ----------
    hurst : float
        H, the Hurst index, 0 < H < 1: paths are Hölder continuous of every order below H.
    t_end : float
        Last time, positive.
    n_steps : int
        Number of equal steps.
    n_paths : int, default 1
        Path i is drawn from stream i, however many are asked for.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.

    Returns
    -------
    numpy.ndarray, shape (n_paths, n_steps + 1)

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range.

    Notes
    -----
    Costs some 2 n_steps normal numbers and a transform of as many real numbers a path. Unlike
    `labcore.sde.brownian_paths`, a path is another one with twice as many steps.

    References
    ----------
    R. B. Davies, D. S. Harte, "Tests for Hurst effect", Biometrika 74 (1987) 95-101.
    doi:10.1093/biomet/74.1.95

    Examples
    --------
    >>> paths = fractional_brownian(0.3, 2.0, 64, 4000, rng=1)
    >>> float(paths[:, -1].var().round(2)), round(2.0**0.6, 2)
    (1.51, 1.52)
    """
    hurst, t_end = hurst_index(hurst), positive("t_end", t_end)
    n_steps = integer("n_steps", n_steps, least=1)
    n_paths = integer("n_paths", n_paths, least=1)
    amplitude = embedding_amplitudes(
        lambda k: fractional_noise_covariance(hurst, k), n_steps, 1.0, 1
    )
    out = np.empty((n_paths, n_steps + 1))
    fill_paths(_sums, (t_end / n_steps) ** hurst * amplitude, seed_from(rng), out)
    return out


@compiled
def _sums(transform, out):
    """The sums of Hartley's transform, four paths side by side: a sum waits for the one before."""
    n_paths, n_times = out.shape
    for first in range(0, n_paths, 4):
        last = n_paths - 1
        j, k = min(first + 1, last), min(first + 2, last)
        l = min(first + 3, last)
        a, b, c, d = transform[first], transform[j], transform[k], transform[l]
        of_a, of_b, of_c, of_d = out[first], out[j], out[k], out[l]
        x, y, z, w = 0.0, 0.0, 0.0, 0.0
        of_a[0], of_b[0], of_c[0], of_d[0] = x, y, z, w
        for i in range(n_times - 1):
            x += a[i].real - a[i].imag
            y += b[i].real - b[i].imag
            z += c[i].real - c[i].imag
            w += d[i].real - d[i].imag
            of_a[i + 1], of_b[i + 1], of_c[i + 1], of_d[i + 1] = x, y, z, w


class HurstFit(NamedTuple):
    """A fractional Brownian motion fitted to a path.

    Parameters
    ----------
    hurst : float
        The estimate of H.
    hurst_error : float
        Its standard error.
    scale : float
        The standard deviation of an increment over a unit of time.
    """

    hurst: float
    hurst_error: float
    scale: float


def fit_hurst(x: np.ndarray, time_step: float = 1.0) -> HurstFit:
    r"""The Hurst index of a path, by the debiased Whittle likelihood of its increments.

    With the periodogram :math:`I_k` of the n increments and its expectation :math:`s^2 f_k(H)`,

    .. math:: f_k(H) = \sum_{|j| < n} \left(1 - \frac{|j|}{n}\right) r_H(j)\, e^{-2 \pi i j k / n},

    the estimate minimises :math:`\frac1m \sum_k \log f_k(H) + \log \frac1m \sum_k I_k / f_k(H)`
    over the m frequencies :math:`0 < k \le n / 2`. Whatever trend is linear in time falls out.

    Parameters
    ----------
    x : array_like, shape (n + 1,)
        The path at equal steps, n at least 16.
    time_step : float, default 1
        The time between two values; it matters for the scale only.

    Returns
    -------
    HurstFit

    Raises
    ------
    ValueError
        If the path is too short, not finite, or a straight line.

    Notes
    -----
    Costs a few dozen transforms of n numbers. The standard error is that of large samples,
    :math:`(\sum_k (g_k - \bar g)^2)^{-1/2}` with :math:`g = \partial_H \log f`. It fails without a
    sign on paths that are not self-similar: white noise added to the path, for instance, is taken
    for a small H. The index is looked for between 0.001 and 0.999.

    References
    ----------
    A. M. Sykulski, S. C. Olhede, A. P. Guillaumin, J. M. Lilly, J. J. Early, "The debiased Whittle
    likelihood", Biometrika 106 (2019) 251-266. doi:10.1093/biomet/asy071

    Examples
    --------
    >>> path = fractional_brownian(0.3, 1.0, 4096, rng=1)[0]
    >>> fit = fit_hurst(path, 1.0 / 4096)
    >>> abs(fit.hurst - 0.3) < 3 * fit.hurst_error < 0.04
    True
    """
    from scipy.fft import rfft
    from scipy.optimize import minimize_scalar

    x, time_step = array("x", x, 1), positive("time_step", time_step)
    if x.size < 17:
        raise ValueError(f"x must have at least 17 values, got {x.size}")
    increments = np.diff(x)
    spread = increments - increments.mean()
    if not np.abs(spread).max() > 1e-12 * np.abs(x).max():
        raise ValueError("x must not be a straight line")
    n = increments.size
    lags = np.arange(n)
    periodogram = np.abs(rfft(spread)[1:]) ** 2 / n

    def expected(hurst: float) -> np.ndarray:
        tapered = (1.0 - lags / n) * fractional_noise_covariance(hurst, lags)
        return 2.0 * rfft(tapered)[1:].real - tapered[0]

    def loss(hurst: float) -> float:
        f = expected(hurst)
        return float(np.mean(np.log(f)) + np.log(np.mean(periodogram / f)))

    hurst = float(minimize_scalar(loss, bounds=(_LEAST, _MOST), options={"xatol": 1e-7}).x)
    variance = float(np.mean(periodogram / expected(hurst)))
    slope = np.log(expected(hurst + 1e-5) / expected(hurst - 1e-5)) / 2e-5
    error = 1.0 / math.sqrt(np.sum((slope - slope.mean()) ** 2))
    return HurstFit(hurst, error, math.sqrt(variance) / time_step**hurst)


def hurst_index(hurst: float) -> float:
    """`hurst` as a float, if it is between 0 and 1."""
    hurst = real("hurst", hurst)
    if not 0.0 < hurst < 1.0:
        raise ValueError(f"hurst must be between 0 and 1, got {hurst:g}")
    return hurst


def _times(name: str, value: np.ndarray) -> np.ndarray:
    value = np.asarray(value, float)
    value = array(name, value, value.ndim)
    if value.size and value.min() < 0.0:
        raise ValueError(f"{name} must not be negative, got {value.min():g}")
    return value
