"""Fractional Brownian motion and stationary paths have the covariances that they state."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numba import get_num_threads, set_num_threads

from labcore import processes, sde
from labcore.processes.circulant import embedding_amplitudes

HURST = [0.1, 0.3, 0.5, 0.75, 0.95]


def implied_covariance(amplitude, n):
    """The covariance of the first n values, from the formula of the docstring, term by term."""
    j = np.arange(n)[:, None]
    angle = 2 * np.pi * j * np.arange(amplitude.size) / amplitude.size
    mixing = amplitude * (np.cos(angle) + np.sin(angle))
    return mixing @ mixing.T


@pytest.mark.parametrize(
    ("covariance", "extension"),
    [
        pytest.param(lambda t: np.exp(-0.3 * t), 1, id="exponential"),
        pytest.param(lambda t: np.maximum(1 - t / 5, 0.0), 1, id="triangle"),
        pytest.param(lambda t: 2 / np.cosh(t / 3), 5, id="diffusion"),
        pytest.param(lambda t: processes.fractional_noise_covariance(0.2, t), 1, id="noise-0.2"),
        pytest.param(lambda t: processes.fractional_noise_covariance(0.9, t), 1, id="noise-0.9"),
    ],
)
def test_the_embedding_has_exactly_the_covariance(covariance, extension):
    """For odd and even numbers of times, from one on."""
    for n in (1, 2, 7, 24):
        amplitude = embedding_amplitudes(covariance, n, 1.0, 20 * extension if n < 7 else extension)
        lags = np.abs(np.subtract.outer(np.arange(n), np.arange(n))).astype(float)
        np.testing.assert_allclose(implied_covariance(amplitude, n), covariance(lags), atol=1e-11)


def test_a_path_is_the_documented_sum_of_its_streams_normals():
    """With the numbers of the embedding's own stream, in the order in which it lays them out."""
    from labcore.random import normal

    n, rng = 12, 5
    amplitude = embedding_amplitudes(lambda t: np.exp(-t), n, 0.5, 1)
    path = processes.stationary_paths(lambda t: np.exp(-t), n, 3, time_step=0.5, rng=rng)[2]
    z = normal(amplitude.size, rng=rng, stream=2)
    z = np.concatenate([z[::2], z[1::2]])
    angle = 2 * np.pi * np.arange(n)[:, None] * np.arange(z.size) / z.size
    np.testing.assert_allclose(path, (np.cos(angle) + np.sin(angle)) @ (amplitude * z), atol=1e-13)


@pytest.mark.parametrize("hurst", HURST)
def test_fractional_brownian_motion_is_the_sum_of_its_noise(hurst):
    noise = processes.fractional_noise(hurst, 50, 7, rng=3)
    paths = processes.fractional_brownian(hurst, 2.0, 50, 7, rng=3)
    assert (paths[:, 0] == 0.0).all()
    np.testing.assert_allclose(np.diff(paths), noise * (2.0 / 50) ** hurst, atol=1e-13)


@pytest.mark.parametrize("hurst", HURST)
def test_draws_have_the_covariance_of_fractional_brownian_motion(hurst):
    """20,000 paths at three times: each of six entries within 4.5 of its standard errors, which
    sees an index that is off by 0.03."""
    n = 20_000
    t = np.array([4, 16, 32]) / 32
    x = processes.fractional_brownian(hurst, 1.0, 32, n, rng=2)[:, [4, 16, 32]]
    expected = processes.fractional_covariance(hurst, t[:, None], t)
    variances = np.diag(expected)
    error = np.sqrt((np.outer(variances, variances) + expected**2) / n)
    assert (np.abs(x.T @ x / n - expected) < 4.5 * error).all()
    wrong = processes.fractional_covariance(hurst + 0.03, t[:, None], t)
    assert (np.abs(wrong - expected) > 4.5 * error).any()


def test_at_one_half_it_is_brownian_motion():
    s, t = np.meshgrid([0.0, 0.5, 2.0], [0.0, 1.0, 3.0])
    np.testing.assert_allclose(processes.fractional_covariance(0.5, s, t), np.minimum(s, t))
    lags = processes.fractional_noise_covariance(0.5, np.arange(-3, 4))
    np.testing.assert_allclose(lags, np.arange(-3, 4) == 0, atol=1e-14)


@pytest.mark.parametrize("hurst", [0.2, 0.8])
def test_noise_covariance_has_the_documented_tail(hurst):
    for k, tolerance in ((30.0, 2e-3), (300.0, 3e-4)):
        tail = hurst * (2 * hurst - 1) * k ** (2 * hurst - 2)
        r = processes.fractional_noise_covariance(hurst, k)
        assert r == pytest.approx(tail, rel=tolerance)


@given(
    hurst=st.floats(0.02, 0.98),
    scale=st.floats(0.1, 10.0),
    t=st.lists(st.floats(0.0, 10.0), min_size=1, max_size=6),
)
def test_fractional_covariance_is_self_similar_and_positive_definite(hurst, scale, t):
    t = np.array(t)
    k = processes.fractional_covariance(hurst, t[:, None], t)
    scaled = processes.fractional_covariance(hurst, scale * t[:, None], scale * t)
    np.testing.assert_allclose(scaled, scale ** (2 * hurst) * k, rtol=1e-9, atol=1e-9)
    assert np.linalg.eigvalsh(k).min() > -1e-10 * max(1.0, k.max())


def test_paths_belong_to_their_streams_and_not_to_threads():
    def draw(n_paths):
        return processes.fractional_brownian(0.3, 1.0, 100, n_paths, rng=1)

    threads = get_num_threads()
    many = draw(50)
    assert np.array_equal(draw(3), many[:3])
    set_num_threads(1)
    assert np.array_equal(draw(50), many)
    set_num_threads(threads)
    assert not np.array_equal(many[0], many[1])


@pytest.mark.parametrize("hurst", [0.2, 0.5, 0.8])
def test_estimates_of_the_hurst_index_are_normal_with_the_stated_error(hurst):
    """200 paths of 512 steps with a trend: mean and spread of (estimate - H) / error are 0 and 1,
    within 4 standard errors, and the scale's mean is within 4 of its errors."""
    paths = processes.fractional_brownian(hurst, 512 * 0.1, 512, 200, rng=4)
    fits = [processes.fit_hurst(3.0 * path + 7.0 * np.arange(513), 0.1) for path in paths]
    z = np.array([(fit.hurst - hurst) / fit.hurst_error for fit in fits])
    assert abs(z.mean()) < 4 / np.sqrt(200)
    assert abs(z.std() - 1) < 4 / np.sqrt(400)
    scales = np.array([fit.scale for fit in fits])
    assert abs(scales.mean() - 3.0) < 4 * scales.std() / np.sqrt(200) + 0.05


def test_the_error_of_the_hurst_index_falls_like_one_over_the_root_of_the_length():
    path = processes.fractional_brownian(0.3, 1.0, 2**14, rng=1)[0]
    errors = [processes.fit_hurst(path[: n + 1]).hurst_error for n in (2**10, 2**12, 2**14)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 2.0, rtol=0.05)


def test_brownian_paths_are_estimated_at_one_half():
    fit = processes.fit_hurst(sde.brownian_paths(1.0, 4096, rng=2)[0], 1 / 4096)
    assert abs(fit.hurst - 0.5) < 3 * fit.hurst_error < 0.05
    assert fit.scale == pytest.approx(1.0, abs=0.1)


def gaussian(t):
    return np.exp(-0.5 * (t / 50) ** 2)


def test_a_smooth_covariance_needs_an_extension_and_the_error_says_so():
    with pytest.raises(ValueError, match="no circulant embedding of order 200.*larger extension"):
        processes.stationary_paths(gaussian, 100)
    assert processes.stationary_paths(gaussian, 100, extension=6, rng=1).shape == (1, 100)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: processes.fractional_noise(0.0, 5), ValueError, "hurst must be between 0 and 1"),
        (lambda: processes.fractional_noise(0.5, 0), ValueError, "n must be at least 1"),
        (lambda: processes.fractional_noise(0.5, 5, 0), ValueError, "n_paths must be at least 1"),
        (lambda: processes.fractional_brownian(1.0, 1, 5), ValueError, "hurst must be between"),
        (lambda: processes.fractional_brownian(0.5, -1, 5), ValueError, "t_end must be positive"),
        (lambda: processes.fractional_brownian(0.5, 1, 0), ValueError, "n_steps must be at least"),
        (lambda: processes.fractional_brownian(0.5, 1, 2, 0), ValueError, "n_paths must be at"),
        (lambda: processes.fractional_covariance(0.5, -1, 2), ValueError, "s must not be negative"),
        (lambda: processes.fractional_covariance(0.5, 1, np.nan), ValueError, "t must be finite"),
        (
            lambda: processes.fractional_noise_covariance(0.5, np.inf),
            ValueError,
            "lags must be finite",
        ),
        (lambda: processes.stationary_paths(gaussian, 5, time_step=0), ValueError, "time_step"),
        (lambda: processes.stationary_paths(gaussian, 5, extension=0), ValueError, "extension"),
        (lambda: processes.stationary_paths(lambda t: 1.0, 5), ValueError, "1 dimensions"),
        (lambda: processes.stationary_paths(lambda t: t[1:], 5), ValueError, "must have shape"),
        (lambda: processes.stationary_paths(lambda t: 0 * t, 5), ValueError, "must be positive"),
        (lambda: processes.fit_hurst(np.ones(16)), ValueError, "at least 17 values"),
        (lambda: processes.fit_hurst(np.arange(20.0)), ValueError, "must not be a straight line"),
        (lambda: processes.fit_hurst(np.arange(20.0), 0.0), ValueError, "time_step must be pos"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
