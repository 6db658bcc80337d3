"""Warm-up finds step size and metric, the same whatever the threads, and says when it cannot."""

import warnings
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from numba import njit

from labcore.samplers import (
    HMC,
    MALA,
    NUTS,
    ULA,
    Langevin,
    Metropolis,
    Slice,
    Target,
    banana,
    gaussian,
    ridge,
    sample,
    warmup,
)
from labcore.samplers.adaptation import _windows
from tests.samplers.alarm import interrupted

TUNABLE = [Metropolis(1.0), MALA(1.0), HMC(1.0, 5), NUTS()]


def name(x) -> str:
    return type(x).__name__


@pytest.mark.parametrize("first", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize("sampler", TUNABLE, ids=name)
def test_acceptance_comes_near_what_is_wanted(sampler, first):
    """From any first guess: to 0.2, and to 0.05 where 0.95 is wanted."""
    target = gaussian(np.logspace(-3, 3, 50))
    sampler = replace(sampler, step_size=first)

    def reached(wanted):
        warm = warmup(
            sampler, target, 600, target_acceptance=wanted, rng=1, progress=False, n_chains=4
        )
        kwargs = {"start": warm.position, "rng": 1, "progress": False}
        return sample(warm.sampler, target, 300, **kwargs).acceptance.mean()

    assert reached(None) == pytest.approx(sampler.target_acceptance, abs=0.2)
    assert reached(0.5) == pytest.approx(0.5, abs=0.2)
    assert reached(0.95) == pytest.approx(0.95, abs=0.05)


def test_the_diagonal_metric_is_the_variances():
    """600 draws: a variance is known to about 6 %; four times that is allowed."""
    variances = np.logspace(-4, 4, 9)
    metric = warmup(NUTS(), gaussian(variances), 800, rng=2, progress=False).sampler.metric
    np.testing.assert_allclose(metric, variances, rtol=0.25, atol=1e-5)


def test_the_dense_metric_is_the_covariance():
    target = ridge(4, correlation=0.95)
    metric = warmup(NUTS(), target, 800, metric="dense", rng=3, progress=False).sampler.metric
    np.testing.assert_allclose(metric, target.covariance, atol=0.2)
    assert metric[0, 1] > 0.7


def test_metric_none_keeps_the_samplers_own():
    sampler = NUTS(metric=[1.0, 2.0])
    warm = warmup(sampler, banana(), 100, metric=None, rng=4, progress=False)
    assert warm.sampler.metric.tolist() == [1.0, 2.0]
    assert warm.chains.samples.shape == (4, 100, 2)


@pytest.mark.parametrize("n", [1, 2, 10, 75, 149, 150, 500, 1000, 3333])
def test_windows_fill_the_warm_up_and_double(n):
    windows = _windows(n)
    assert sum(length for length, _ in windows) == n
    used = [used for _, used in windows if used]
    assert all(b == 2 * a for a, b in pairwise(used[:-1]))
    if n == 1000:  # Stan's own
        assert windows == [(100, 25), (50, 50), (100, 100), (200, 200), (500, 500), (50, 0)]


@pytest.mark.parametrize("n_steps", [1, 5, 30])
def test_a_short_warm_up_is_a_warm_up(n_steps):
    warm = warmup(NUTS(), banana(), n_steps, rng=5, progress=False)
    assert warm.chains.samples.shape == (4, n_steps, 2)
    assert np.isfinite(warm.position).all()


def test_tuned_sampling_is_warm_up_and_then_sampling():
    a = sample(NUTS(), banana(), 50, tune=200, rng=6, progress=False)
    warm = warmup(NUTS(), banana(), 200, rng=6, progress=False)
    b = sample(warm.sampler, banana(), 50, start=warm.position, rng=6, progress=False)
    assert np.array_equal(a.samples, b.samples)
    assert a.sampler.step_size == warm.sampler.step_size


@pytest.mark.parametrize("n_threads", [2, 5])
def test_warm_up_does_not_depend_on_the_number_of_threads(n_threads):
    one, many = (
        warmup(NUTS(), banana(), 200, n_chains=5, rng=7, n_threads=n, progress=False)
        for n in (1, n_threads)
    )
    assert one.sampler.step_size == many.sampler.step_size
    assert np.array_equal(one.sampler.metric, many.sampler.metric)
    assert np.array_equal(one.chains.samples, many.chains.samples)


def test_warm_up_and_sampling_share_no_noise():
    warm = warmup(Metropolis(1.0), gaussian([1.0]), 50, start=[0.0], rng=8, progress=False)
    chains = sample(Metropolis(1.0), gaussian([1.0]), 50, start=[0.0], rng=8, progress=False)
    assert not np.isin(warm.chains.log_ratio, chains.log_ratio).any()


@pytest.mark.parametrize("sampler", [ULA(1.0), Langevin(1.0), Slice(1.0)], ids=name)
def test_what_accepts_everything_cannot_be_tuned(sampler):
    with pytest.raises(ValueError, match=f"acceptance to be tuned by, got {name(sampler)}"):
        sample(sampler, banana(), 10, tune=10, progress=False)


def _target(value, slope):
    @njit
    def log_density(x, parameters, gradient):
        gradient[0] = slope
        return value

    return Target("odd", 1, log_density)


def test_a_density_without_a_step_size_is_named():
    with pytest.raises(ValueError, match="every step is accepted.*gradient_error"):
        warmup(Metropolis(1.0), _target(0.0, 0.0), 10, rng=9, progress=False)
    with pytest.raises(ValueError, match="no step is accepted, however small"):
        warmup(NUTS(), _target(0.0, np.nan), 10, rng=9, progress=False)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_steps": 0}, "n_steps must be at least 1"),
        ({"target_acceptance": 1.0}, "target_acceptance must be between 0 and 1"),
        ({"target_acceptance": -0.5}, "target_acceptance must be positive"),
        ({"metric": "round"}, "metric must be 'diagonal', 'dense' or None, got 'round'"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        warmup(NUTS(), banana(), **({"n_steps": 10, "progress": False} | options))


WARNING = r"interrupted after \d+ of \d+ steps of warm-up"


def test_an_interrupted_warm_up_returns_what_it_knows():
    sample(HMC(0.1, 2), banana(), 10, tune=10, rng=1, progress=False)  # compiled before the alarm
    warm = interrupted(
        lambda: warmup(HMC(0.1, 2000), banana(), 10**6, n_chains=2, rng=1, progress=False), WARNING
    )
    n = warm.chains.samples.shape[1]
    assert 0 < n < 10**6
    assert np.array_equal(warm.position, warm.chains.samples[:, -1])
    chains = interrupted(
        lambda: sample(HMC(0.1, 2000), banana(), 10, tune=10**6, n_chains=2, progress=False),
        WARNING,
    )
    assert chains.samples.shape == (2, 0, 2)


def test_no_warning_where_nothing_was_interrupted():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample(NUTS(), banana(), 20, tune=60, rng=1, progress=False)
