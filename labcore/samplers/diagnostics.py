r"""How much a sample by Markov chains is worth: autocorrelation, effective size, R-hat, errors.

The estimators are those of Vehtari, Gelman, Simpson, Carpenter and Bürkner. Each chain is first
split in halves, so that a chain that drifts counts as two chains that disagree. Those for the mean
(`effective_sample_size`, `split_rhat`, `monte_carlo_error`) ask for a finite variance; those with
ranks or quantiles ask for nothing, and see chains that agree in mean and not in spread.

References
----------
A. Vehtari et al., "Rank-normalization, folding, and localization: an improved R-hat for
assessing convergence of MCMC", Bayesian Analysis 16 (2021). doi:10.1214/20-BA1221
"""

import math

import numpy as np
from scipy import fft

from labcore._validate import array, real

_BELOW = 0.15865525393145707  # the standard normal distribution function at -1


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

    Examples
    --------
    >>> from labcore import random
    >>> from labcore.samplers import autocorrelation
    >>> draws = random.normal((4, 1000), rng=1)  # four chains that forget at once
    >>> autocorrelation(draws)[0, :3].round(2)
    array([ 1.  , -0.01, -0.05])
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

    Examples
    --------
    >>> from labcore import random
    >>> from labcore.samplers import effective_sample_size
    >>> draws = random.normal((4, 1000), rng=1)  # four chains that forget at once
    >>> round(float(effective_sample_size(draws)))
    4073
    """
    return _each_coordinate(lambda halves: halves.size / _correlation_time(halves), samples)


def split_rhat(samples) -> np.ndarray | float:
    r"""The factor by which the spread of all chains exceeds that of each: near 1 when they agree.

    :math:`\hat R = \sqrt{\hat v / W}` with :math:`\hat v = \frac{n-1}{n} W + \frac1n B`, where W is
    the mean variance within half-chains and :math:`B / n` the variance of their means (equation (4)
    of Vehtari et al.). Above 1.01 the chains have not mixed; 1 does not prove that they have.

    Parameters and result as in `effective_sample_size`.

    Examples
    --------
    >>> from labcore import random
    >>> from labcore.samplers import split_rhat
    >>> draws = random.normal((4, 1000), rng=1)  # four chains that forget at once
    >>> round(float(split_rhat(draws)), 3)
    1.001
    """
    return _each_coordinate(_rhat, samples)


def monte_carlo_error(samples) -> np.ndarray | float:
    r"""The standard error of the mean of all samples, :math:`\sqrt{\hat v / \mathrm{ESS}}`.

    Parameters and result as in `effective_sample_size`.

    Examples
    --------
    >>> from labcore import random
    >>> from labcore.samplers import monte_carlo_error
    >>> draws = random.normal((4, 1000), rng=1)  # four chains that forget at once
    >>> round(float(monte_carlo_error(draws)), 4)  # 1 / sqrt(4000) is 0.0158
    0.0157
    """
    return _each_coordinate(_mean_error, samples)


def bulk_effective_sample_size(samples) -> np.ndarray | float:
    r"""The effective sample size of the normal scores of the ranks.

    `effective_sample_size` of :math:`z = \Phi^{-1}\bigl((r - \tfrac38) / (N + \tfrac14)\bigr)`,
    where r is a draw's rank among all N, ties sharing their mean rank (Vehtari et al., equation
    14). It is unchanged by increasing transformations and defined for laws without moments. It says
    how well the centre of the law is known, and nothing of its tails.

    Parameters and result as in `effective_sample_size`.

    Examples
    --------
    >>> from labcore.random import normal
    >>> x = normal((4, 1000), rng=1)
    >>> round(bulk_effective_sample_size(x) / bulk_effective_sample_size(np.exp(x)), 9)
    1.0
    """
    return _each_coordinate(
        lambda halves: halves.size / _correlation_time(_normal_scores(halves)), samples
    )


def tail_effective_sample_size(samples) -> np.ndarray | float:
    r"""The smaller of the effective sample sizes for the 5 % and 95 % quantiles.

    That of the indicators :math:`1\{x \le \hat q_p\}` (section 4.3 of Vehtari et al.).

    Parameters and result as in `effective_sample_size`.

    Examples
    --------
    >>> from labcore import random
    >>> from labcore.samplers import tail_effective_sample_size
    >>> draws = random.normal((4, 1000), rng=1)  # four chains that forget at once
    >>> round(float(tail_effective_sample_size(draws)))
    4012
    """
    return _each_coordinate(
        lambda halves: min(_quantile_size(halves, 0.05), _quantile_size(halves, 0.95)), samples
    )


def rank_normalised_rhat(samples) -> np.ndarray | float:
    r"""The larger of `split_rhat` of the ranks' normal scores, and of those of the folded draws.

    Folded are the distances :math:`|x - \operatorname{median}(x)|`: chains that agree in place and
    not in spread are seen (Vehtari et al., section 4). Above 1.01 the chains have not mixed; 1 does
    not prove that they have, for all may have missed the same mode.

    Parameters and result as in `effective_sample_size`.

    Examples
    --------
    >>> from labcore.random import normal
    >>> x = normal((4, 1000), rng=1) * np.array([[1.0], [1.0], [1.0], [3.0]])
    >>> round(split_rhat(x), 2), round(rank_normalised_rhat(x), 2)
    (1.0, 1.16)
    """
    return _each_coordinate(
        lambda halves: max(
            _rhat(_normal_scores(halves)), _rhat(_normal_scores(abs(halves - np.median(halves))))
        ),
        samples,
    )


def deviation_error(samples) -> np.ndarray | float:
    r"""The Monte-Carlo standard error of the standard deviation of all samples.

    By the delta method it is :math:`\tfrac{1}{2 s}` times the error of the mean of
    :math:`(x - \bar x)^2`, as `monte_carlo_error` gives it. It asks for a finite fourth moment.

    Parameters and result as in `effective_sample_size`.

    Examples
    --------
    >>> from labcore import random
    >>> from labcore.samplers import deviation_error
    >>> draws = random.normal((4, 1000), rng=1)  # four chains that forget at once
    >>> round(float(deviation_error(draws)), 4)
    0.0108
    """

    def error(halves: np.ndarray) -> float:
        return _mean_error((halves - halves.mean()) ** 2) / (2.0 * halves.std())

    return _each_coordinate(error, samples)


def quantile_error(samples, probability: float) -> np.ndarray | float:
    r"""The Monte-Carlo standard error of the quantile of all samples.

    With S the effective sample size of :math:`1\{x \le \hat q_p\}`, the true level of the estimate
    lies between those quantiles of a Beta(S p + 1, S (1 - p) + 1) variable that a normal one has at
    :math:`\pm 1`; half the distance of the sample's quantiles there is the error (Vehtari et al.,
    section 4.4).

    Parameters
    ----------
    samples : array_like, shape (n_chains, n) or (n_chains, n, d)
        At least four samples a chain.
    probability : float
        p, between 0 and 1.

    Returns
    -------
    float or ndarray, shape (d,)
        One number for each coordinate. Too small if no chain has been in the tail.

    Examples
    --------
    >>> from labcore import random
    >>> from labcore.samplers import quantile_error
    >>> draws = random.normal((4, 1000), rng=1)  # four chains that forget at once
    >>> round(float(quantile_error(draws, 0.9)), 4)
    0.0225
    """
    from scipy.special import betaincinv

    p = real("probability", probability)
    if not 0.0 < p < 1.0:
        raise ValueError(f"probability must be between 0 and 1, got {p:g}")

    def error(halves: np.ndarray) -> float:
        size = _quantile_size(halves, p)
        if math.isnan(size):
            return math.nan
        levels = betaincinv(size * p + 1.0, size * (1.0 - p) + 1.0, [_BELOW, 1.0 - _BELOW])
        low, high = np.quantile(halves, levels)
        return 0.5 * float(high - low)

    return _each_coordinate(error, samples)


def bfmi(energy) -> np.ndarray:
    r"""The Bayesian fraction of missing information of Hamiltonian Monte Carlo.

    :math:`\sum_t (E_t - E_{t-1})^2 / \sum_t (E_t - \bar E)^2` for each chain's energies: the share
    of the energy's variance that drawing a new momentum restores in a step. Below about 0.3 the
    chain walks at random over the levels of energy, and heavy tails are explored slowly. About 2 is
    where energies are independent.

    Parameters
    ----------
    energy : array_like, shape (n_chains, n)
        `Chains.energy` of `HMC` or `NUTS`; at least four steps.

    Returns
    -------
    ndarray, shape (n_chains,)

    References
    ----------
    M. Betancourt, "Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo"
    (2016), arXiv:1604.00695.

    Examples
    --------
    >>> from labcore.samplers import NUTS, gaussian, sample
    >>> chains = sample(NUTS(), gaussian(np.ones(100)), 1000, tune=200, n_chains=1, rng=1)
    >>> bool(bfmi(chains.energy)[0] > 0.6)
    True
    """
    energy = array("energy", energy, 2)
    if energy.shape[1] < 4:
        raise ValueError(f"energy must have at least 4 steps a chain, got shape {energy.shape}")
    with np.errstate(invalid="ignore", divide="ignore"):
        return (np.diff(energy) ** 2).sum(axis=1) / (energy.var(axis=1) * energy.shape[1])


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


def _rhat(chains: np.ndarray) -> float:
    within, total = _variances(chains)
    return np.sqrt(total / within)


def _mean_error(chains: np.ndarray) -> float:
    return np.sqrt(_variances(chains)[1] * _correlation_time(chains) / chains.size)


def _normal_scores(chains: np.ndarray) -> np.ndarray:
    from scipy.special import ndtri

    _, place, count = np.unique(chains, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(count) - 0.5 * (count - 1.0))[place].reshape(chains.shape)
    return ndtri((ranks - 0.375) / (chains.size + 0.25))


def _quantile_size(chains: np.ndarray, p: float) -> float:
    below = (chains <= np.quantile(chains, p)).astype(np.float64)
    return chains.size / _correlation_time(below)


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
