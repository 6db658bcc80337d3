"""Diagnostics against closed forms, direct sums and replication."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from labcore.samplers import (
    Metropolis,
    autocorrelation,
    bfmi,
    bulk_effective_sample_size,
    deviation_error,
    effective_sample_size,
    monte_carlo_error,
    quantile_error,
    rank_normalised_rhat,
    sample,
    split_rhat,
    tail_effective_sample_size,
    two_modes,
)
from labcore.samplers.diagnostics import _normal_scores


def autoregression(phi, n_chains, n, seed):
    """x[t] = phi x[t-1] + noise with variance 1, stationary from the first value on."""
    generator = np.random.default_rng(seed)
    noise = generator.standard_normal((n_chains, n))
    x = np.empty((n_chains, n))
    x[:, 0] = noise[:, 0]
    for t in range(1, n):
        x[:, t] = phi * x[:, t - 1] + np.sqrt(1 - phi**2) * noise[:, t]
    return x


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.5, 0.9])
def test_effective_sample_size_of_an_autoregression(phi):
    """N (1 - phi) / (1 + phi); at 8 x 20,000 the estimate's own spread is below 4% (see below)."""
    x = autoregression(phi, 8, 20_000, 1)
    expected = x.size * (1 - phi) / (1 + phi)
    assert effective_sample_size(x) == pytest.approx(expected, rel=0.12)


def test_monte_carlo_error_is_the_spread_of_means_over_replicates():
    """400 replicates: the standard deviation of their means is known to 3.5%."""
    x = autoregression(0.7, 1600, 1000, 2).reshape(400, 4, 1000)
    spread = x.mean(axis=(1, 2)).std()
    stated = np.mean([monte_carlo_error(chains) for chains in x])
    assert stated == pytest.approx(spread, rel=0.12)


def test_autocorrelation_is_the_direct_sum():
    x = autoregression(0.6, 2, 57, 3)
    y = x - x.mean(axis=1, keepdims=True)
    direct = np.array([[(row[: 57 - t] * row[t:]).sum() for t in range(57)] for row in y])
    np.testing.assert_allclose(autocorrelation(x), direct / direct[:, :1], atol=1e-12)
    np.testing.assert_allclose(autocorrelation(x[0]), autocorrelation(x)[0], atol=1e-14)


def test_split_rhat_is_its_formula():
    x = autoregression(0.5, 3, 40, 4) + np.array([[0.0], [0.3], [0.0]])
    halves = x.reshape(6, 20)
    within = halves.var(axis=1, ddof=1).mean()
    between = 20 * halves.mean(axis=1).var(ddof=1)
    assert split_rhat(x) == pytest.approx(np.sqrt((19 / 20 * within + between / 20) / within))


def test_split_rhat_sees_chains_in_separate_modes_and_a_chain_that_drifts():
    far = sample(
        Metropolis(1.0),
        two_modes(1, distance=20.0),
        500,
        start=[[-10], [10]],
        rng=5,
        progress=False,
    )
    near = sample(
        Metropolis(2.0), two_modes(1, distance=2.0), 5000, start=[[-1], [1]], rng=5, progress=False
    )
    assert split_rhat(far.samples)[0] > 5.0
    assert split_rhat(near.samples)[0] < 1.01
    assert split_rhat(np.linspace(0, 1, 100)[None]) > 1.5


def test_chains_that_disagree_have_few_effective_samples():
    x = autoregression(0.0, 4, 1000, 6) + np.array([[0.0], [0.0], [5.0], [5.0]])
    assert effective_sample_size(x) < 20


@settings(max_examples=15, deadline=None)
@given(st.floats(-100, 100), st.floats(0.01, 100))
def test_shift_and_scale_change_nothing_but_the_error(shift, scale):
    x = autoregression(0.5, 2, 200, 7)
    y = shift + scale * x
    assert effective_sample_size(y) == pytest.approx(effective_sample_size(x), rel=1e-6)
    assert split_rhat(y) == pytest.approx(split_rhat(x), rel=1e-8)
    assert monte_carlo_error(y) == pytest.approx(scale * monte_carlo_error(x), rel=1e-6)


def test_coordinates_are_taken_one_by_one():
    x = np.stack([autoregression(phi, 3, 400, 8) for phi in (0.0, 0.8)], axis=-1)
    for statistic in (effective_sample_size, split_rhat, monte_carlo_error):
        assert statistic(x).tolist() == [statistic(x[..., 0]), statistic(x[..., 1])]


def test_a_chain_that_never_moved_has_no_diagnostics():
    x = np.zeros((2, 100))
    assert np.isnan(effective_sample_size(x))
    assert np.isnan(split_rhat(x))
    assert np.isnan(autocorrelation(x)).all()


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(10), "must have 2 or 3 dimensions"),
        (np.zeros((2, 3)), "at least 4 steps"),
        (np.zeros((0, 10)), "at least 4 steps"),
        (np.full((2, 10), np.nan), "must be finite"),
    ],
)
def test_bad_input_is_named(samples, message):
    with pytest.raises(ValueError, match=f"samples must {message}|{message}"):
        effective_sample_size(samples)


@pytest.mark.parametrize("phi", [-0.5, 0.0, 0.9])
def test_bulk_size_of_an_autoregression_is_that_of_its_mean(phi):
    """Normal scores of a normal process are the process: N (1 - phi) / (1 + phi)."""
    x = autoregression(phi, 8, 20_000, 11)
    expected = x.size * (1 - phi) / (1 + phi)
    assert bulk_effective_sample_size(np.exp(x)) == pytest.approx(expected, rel=0.12)
    assert bulk_effective_sample_size(x**3) == pytest.approx(bulk_effective_sample_size(x))


def test_tail_size_of_an_autoregression():
    r"""Indicators of N(0, 1) pairs of correlation phi^t: their covariances by the bivariate law."""
    phi = 0.8
    x = autoregression(phi, 8, 20_000, 12)
    q = stats.norm.ppf(0.05)
    laws = [stats.multivariate_normal(cov=[[1, phi**t], [phi**t, 1]]) for t in range(1, 40)]
    rho = [(law.cdf([q, q]) - 0.05**2) / (0.05 * 0.95) for law in laws]
    expected = x.size / (1 + 2 * sum(rho))
    assert tail_effective_sample_size(x) == pytest.approx(expected, rel=0.15)


def test_errors_are_the_spread_over_replicates():
    """400 replicates: a spread is known to 3.5 %; the stated errors agree to 15 %."""
    x = autoregression(0.7, 1600, 1000, 13).reshape(400, 4, 1000)
    for statistic, error in (
        (lambda y: y.std(), deviation_error),
        (lambda y: np.quantile(y, 0.1), lambda y: quantile_error(y, 0.1)),
        (lambda y: np.quantile(y, 0.5), lambda y: quantile_error(y, 0.5)),
    ):
        spread = np.std([statistic(y) for y in x])
        assert np.mean([error(y) for y in x]) == pytest.approx(spread, rel=0.15)


def test_rank_normalised_rhat_sees_scale_and_needs_no_moments():
    x = autoregression(0.3, 4, 2000, 14)
    cauchy = np.tan(np.pi * (stats.norm.cdf(x) - 0.5))
    assert rank_normalised_rhat(cauchy) == pytest.approx(rank_normalised_rhat(x), abs=5e-3)
    assert rank_normalised_rhat(cauchy) < 1.01
    wide = x * np.array([[1.0], [1.0], [1.0], [2.0]])
    assert split_rhat(wide) < 1.01 < 1.03 < rank_normalised_rhat(wide)
    shifted = cauchy + np.array([[0.0], [0.0], [0.0], [3.0]])
    assert rank_normalised_rhat(shifted) > 1.05


def test_ties_share_their_rank():
    x = np.array([[0.0, 1.0, 1.0, 2.0, 0.0, 1.0, 2.0, 2.0]] * 2)
    z = _normal_scores(x)
    expected = stats.norm.ppf((stats.rankdata(x) - 0.375) / (x.size + 0.25)).reshape(x.shape)
    np.testing.assert_allclose(z, expected, atol=1e-12)


@pytest.mark.parametrize("phi", [0.0, 0.9])
def test_bfmi_of_an_autoregression(phi):
    """E (x_t - x_{t-1})^2 / var x = 2 (1 - phi)."""
    energy = autoregression(phi, 4, 20_000, 15)
    np.testing.assert_allclose(bfmi(energy), 2 * (1 - phi), rtol=0.1)


def test_new_diagnostics_refuse_what_they_cannot_judge():
    with pytest.raises(ValueError, match="probability must be between 0 and 1, got 1"):
        quantile_error(np.zeros((2, 10)), 1.0)
    with pytest.raises(ValueError, match="energy must have at least 4 steps"):
        bfmi(np.zeros((2, 3)))
    with pytest.raises(ValueError, match="energy must be finite, got nan"):
        bfmi(np.full((2, 10), np.nan))
    still = np.zeros((2, 100))
    for statistic in (bulk_effective_sample_size, tail_effective_sample_size, deviation_error):
        assert np.isnan(statistic(still))
