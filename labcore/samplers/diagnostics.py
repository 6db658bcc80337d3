r"""How much a sample by Markov chains is worth: autocorrelation, effective size, R-hat.

The estimators are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner, without their
rank-normalisation. Each chain is first split in halves, so that a chain that drifts counts as two
chains that disagree.

References
----------
A. Vehtari et al., "Rank-normalization, folding, and localization: an improved R-hat for
assessing convergence of MCMC", Bayesian Analysis 16 (2021). doi:10.1214/20-BA1221
"""

import numpy as np
from scipy import fft

from labcore._validate import array


def autocorrelation(samples) -> np.ndarray:
    r"""The autocorrelation function of each chain.

    :math:`\hat\rho_t = \hat c_t / \hat c_0` with :math:`\hat c_t = \frac1n \sum_{i < n - t}
    (x_i - \bar x)(x_{i+t} - \bar x)`, by a Fourier transform in :math:`O(n \log n)`. Beyond lags
    where the chain has forgotten, it is noise of size about :math:`1 / \sqrt n`.

    Parameters
    ----------
    samples : array_like, shape (n,) or (n_chains, n)
        A number for each step of each chain.

    Returns
    -------
    ndarray, of the shape of `samples`
        Lag 0, which is 1, to lag n - 1. It is nan for a chain that never moved.
    """
    covariance = _autocovariance(array("samples", samples, (1, 2)))
    with np.errstate(invalid="ignore"):
        return covariance / covariance[..., :1]


def effective_sample_size(samples) -> np.ndarray | float:
    r"""The number of independent draws that would estimate the mean as well.

    :math:`N / \hat\tau` for N draws in all, with the integrated autocorrelation time
    :math:`\hat\tau = -1 + 2 \sum_k \hat P_k`, where :math:`\hat P_k = \hat\rho_{2k} +
    \hat\rho_{2k+1}` is summed while positive and made non-increasing (Geyer's initial monotone
    sequence). The correlations combine within- and between-chain variance (Vehtari et al.,
    equation 10).

    Parameters
    ----------
    samples : array_like, shape (n_chains, n) or (n_chains, n, d)
        At least four samples a chain.

    Returns
    -------
    float or ndarray, shape (d,)
        One number for each coordinate. It is nan if no chain ever moved. It is an estimate:
        when the chains are not long against :math:`\tau` it is too large, and when all chains
        missed a mode it knows nothing of it.
    """
    return _each_coordinate(lambda halves: halves.size / _correlation_time(halves), samples)


def split_rhat(samples) -> np.ndarray | float:
    r"""The factor by which the spread of all chains exceeds that of each: near 1 when they agree.

    :math:`\hat R = \sqrt{\hat v / W}` with :math:`\hat v = \frac{n-1}{n} W + \frac1n B`, where W is
    the mean variance within half-chains and :math:`B / n` the variance of their means (equation (4)
    of Vehtari et al.). Above 1.01 the chains have not mixed; 1 does not prove that they have.

    Parameters and result as in `effective_sample_size`.
    """
    return _each_coordinate(
        lambda halves: np.sqrt(_variances(halves)[1] / _variances(halves)[0]), samples
    )


def monte_carlo_error(samples) -> np.ndarray | float:
    r"""The standard error of the mean of all samples, :math:`\sqrt{\hat v / \mathrm{ESS}}`.

    Parameters and result as in `effective_sample_size`.
    """
    return _each_coordinate(
        lambda halves: np.sqrt(_variances(halves)[1] * _correlation_time(halves) / halves.size),
        samples,
    )


def _each_coordinate(statistic, samples) -> np.ndarray | float:
    samples = array("samples", samples, (2, 3))
    if samples.shape[1] < 4 or samples.size == 0:
        raise ValueError(f"samples must have at least 4 steps a chain, got shape {samples.shape}")
    half = samples.shape[1] // 2
    halves = np.concatenate([samples[:, :half], samples[:, -half:]])
    with np.errstate(invalid="ignore", divide="ignore"):
        if samples.ndim == 2:
            return float(statistic(halves))
        return np.array([statistic(halves[:, :, j]) for j in range(samples.shape[2])])


def _autocovariance(chains: np.ndarray) -> np.ndarray:
    n = chains.shape[-1]
    centred = chains - chains.mean(axis=-1, keepdims=True)
    size = fft.next_fast_len(2 * n, real=True)  # room for no lag to wrap around
    power = np.abs(fft.rfft(centred, size, axis=-1)) ** 2
    return fft.irfft(power, size, axis=-1)[..., :n] / n


def _variances(chains: np.ndarray) -> tuple[float, float]:
    """W, the mean variance within chains, and the estimate of the target's variance."""
    n = chains.shape[1]
    within = chains.var(axis=1, ddof=1).mean()
    return within, (n - 1) / n * within + chains.mean(axis=1).var(ddof=1)


def _correlation_time(chains: np.ndarray) -> float:
    n = chains.shape[1]
    within, total = _variances(chains)
    if not total > 0.0:
        return np.nan
    rho = 1.0 - (within - _autocovariance(chains).mean(axis=0)) / total
    rho[0] = 1.0
    pairs = rho[: n - n % 2].reshape(-1, 2).sum(axis=1)
    negative = np.flatnonzero(pairs <= 0.0)
    pairs = np.minimum.accumulate(pairs[: negative[0]] if negative.size else pairs)
    # Antithetic chains have tau < 1; the floor keeps noise from making it zero.
    return max(-1.0 + 2.0 * pairs.sum(), 1.0 / np.log10(chains.size))
