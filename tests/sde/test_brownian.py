"""Brownian paths: the law, and refinement that keeps what was drawn."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore import random
from labcore.sde import brownian_integrals, brownian_paths


@given(
    odd=st.sampled_from([1, 3, 5, 7]),
    level=st.integers(0, 4),
    finer=st.integers(1, 4),
    n_paths=st.integers(1, 40),
    seed=st.integers(0, 2**64 - 1),
)
@settings(max_examples=25, deadline=None)
def test_refining_keeps_every_value_bit_for_bit(odd, level, finer, n_paths, seed):
    n = odd * 2**level
    coarse = brownian_paths(1.7, n, n_paths, rng=seed)
    fine = brownian_paths(1.7, n * 2**finer, n_paths, rng=seed)
    assert (fine[:, :: 2**finer] == coarse).all()


def test_a_path_does_not_depend_on_how_many_others_there_are():
    many = brownian_paths(1.0, 24, 100, rng=5)
    assert (brownian_paths(1.0, 24, 67, rng=5) == many[:67]).all()


@pytest.mark.parametrize("n", [1, 2, 7, 12, 20, 48])
def test_the_construction_is_the_one_that_is_documented(n):
    """Coarse increments from draws 0..m-1, midpoint k of n intervals from draw n + k."""
    t_end, stream = 2.5, 33
    z = random.normal(n, rng=9, stream=stream)
    m = n
    while m % 2 == 0:
        m //= 2
    times = np.linspace(0, t_end, m + 1)
    values = np.r_[0.0, np.cumsum(np.sqrt(t_end / m) * z[:m])]
    while m < n:
        middle = (values[:-1] + values[1:]) / 2 + np.sqrt(t_end / m) / 2 * z[m : 2 * m]
        times, values = np.linspace(0, t_end, 2 * m + 1), np.insert(values, range(1, m + 1), middle)
        m *= 2
    path = brownian_paths(t_end, n, stream + 1, rng=9)[stream]
    assert path.shape == times.shape
    np.testing.assert_allclose(path, values, rtol=0, atol=1e-14)


@pytest.mark.parametrize("n", [8, 12])
def test_covariance_of_the_values_is_the_smaller_time(n):
    """E[W_s W_t] = min(s, t). An entry that is off by 4 % of itself is caught with probability
    above 0.99: the standard error is below 0.7 % of sqrt(s t), the bound 4.5 of them."""
    n_paths, t_end = 40_000, 3.0
    w = brownian_paths(t_end, n, n_paths, rng=11)[:, 1:]
    t = np.linspace(0, t_end, n + 1)[1:]
    expected = np.minimum.outer(t, t)
    error = np.sqrt((np.outer(t, t) + expected**2) / n_paths)
    assert np.abs((w.T @ w / n_paths - expected) / error).max() < 4.5
    assert np.abs(w.mean(axis=0) / np.sqrt(t / n_paths)).max() < 4


def test_quadratic_variation_tends_to_time_like_one_over_root_n():
    """The sum of squared increments has mean t and variance 2 t^2 / n. With 4000 paths a variance
    that is wrong by 12 % is caught with probability 0.99."""
    t_end, n_paths = 2.0, 4000
    for n in (16, 256):
        total = (np.diff(brownian_paths(t_end, n, n_paths, rng=3)) ** 2).sum(axis=1)
        assert abs(total.mean() - t_end) < 4 * t_end * np.sqrt(2 / n / n_paths)
        assert total.var() == pytest.approx(2 * t_end**2 / n, rel=0.12)


def test_increments_are_normal():
    """Kurtosis of 240 000 increments, standard error 0.01: one that is off by 0.06 is caught."""
    z = np.diff(brownian_paths(1.0, 24, 10_000, rng=8)).ravel() * np.sqrt(24)
    assert abs((z**4).mean() - 3) < 0.06
    assert abs((z**3).mean()) < 0.04


def test_total_variation_grows_like_root_n():
    """E sum |dW| = sqrt(2 n t / pi): the paths have no length."""
    n = 2 ** np.arange(4, 11)
    lengths = [np.abs(np.diff(brownian_paths(1.0, k, 200, rng=1))).sum(axis=1).mean() for k in n]
    slope, intercept = np.polyfit(np.log(n), np.log(lengths), 1)
    assert slope == pytest.approx(0.5, abs=0.01)
    assert np.exp(intercept) == pytest.approx(np.sqrt(2 / np.pi), rel=0.05)


def test_components_are_paths_of_their_own_and_the_first_is_the_path_without():
    w = brownian_paths(2.0, 12, 40, dimension=3, rng=5)
    assert w.shape == (40, 13, 3)
    assert (w[:, :, 0] == brownian_paths(2.0, 12, 40, rng=5)).all()
    assert (brownian_paths(2.0, 48, 40, dimension=3, rng=5)[:, ::4] == w).all()
    ends = brownian_paths(1.0, 1, 20_000, dimension=3, rng=5)[:, 1]
    correlation = np.corrcoef(ends.T) - np.eye(3)
    assert np.abs(correlation).max() < 4 / np.sqrt(20_000)


@given(
    odd=st.sampled_from([1, 3, 5]),
    level=st.integers(0, 3),
    finer=st.integers(1, 3),
    n_paths=st.integers(1, 40),
    seed=st.integers(0, 2**64 - 1),
)
@settings(max_examples=25, deadline=None)
def test_integrals_of_a_refined_path_add_up_to_those_of_the_coarse_one(
    odd, level, finer, n_paths, seed
):
    """Int W - W_t over a step is the sum over its parts, each raised by W at its start."""
    n, parts = odd * 2**level, 2**finer
    coarse = brownian_integrals(1.7, n, n_paths, rng=seed)
    fine = brownian_integrals(1.7, n * parts, n_paths, rng=seed)
    assert (fine.w[:, ::parts] == coarse.w).all()
    before = fine.w[:, :-1].reshape(n_paths, n, parts)
    raised = fine.integral.reshape(n_paths, n, parts) + 1.7 / (n * parts) * (
        before - before[:, :, :1]
    )
    np.testing.assert_allclose(raised.sum(axis=2), coarse.integral, rtol=0, atol=1e-13)


@pytest.mark.parametrize("n", [3, 8])
def test_covariance_of_increments_and_integrals(n):
    """(dW, Int W - W_t) has the covariance ((h, h^2/2), (h^2/2, h^3/3)) and steps are independent.
    In units of standard deviations entries have standard errors below 0.007: an entry that is off
    by 0.04 is caught with probability 0.99."""
    n_paths, h = 40_000, 2.0 / n
    w, integral = brownian_integrals(2.0, n, n_paths, rng=11)
    x = np.hstack([np.diff(w) / np.sqrt(h), integral / np.sqrt(h**3 / 3)])
    expected = np.kron([[1, np.sqrt(3) / 2], [np.sqrt(3) / 2, 1]], np.eye(n))
    assert np.abs(x.T @ x / n_paths - expected).max() < 4.5 * np.sqrt(2 / n_paths)
    assert np.abs(x.mean(axis=0)).max() < 4 / np.sqrt(n_paths)


def test_integrals_are_those_of_the_path():
    """Against the trapezoidal rule on a path 512 times finer, whose error is known: the area
    between path and chord of a step of length e has variance e^3 / 12."""
    coarse = brownian_integrals(1.0, 4, 200, rng=3)
    fine = brownian_integrals(1.0, 2048, 200, rng=3).w
    trapezoid = (fine[:, :-1] + fine[:, 1:]).reshape(200, 4, 512).sum(axis=2) / 4096
    error = coarse.integral + 0.25 * coarse.w[:, :-1] - trapezoid
    assert error.std() == pytest.approx(np.sqrt(512 * 2048.0**-3 / 12), rel=0.1)


def test_integrals_have_components_too():
    whole = brownian_integrals(1.0, 6, 5, dimension=2, rng=4)
    assert whole.w.shape == (5, 7, 2)
    assert whole.integral.shape == (5, 6, 2)
    first = brownian_integrals(1.0, 6, 5, rng=4)
    assert (whole.w[:, :, 0] == first.w).all()
    assert (whole.integral[:, :, 0] == first.integral).all()
    assert not (whole.integral[:, :, 0] == whole.integral[:, :, 1]).any()


@pytest.mark.parametrize("draw", [brownian_paths, brownian_integrals])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 4), "t_end must be positive"),
        ((1.0, 0), "n_steps must be at least 1"),
        ((1.0, 4.0), "n_steps must be an integer"),
        ((1.0, 4, 0), "n_paths must be at least 1"),
    ],
)
def test_bad_input(draw, arguments, message):
    with pytest.raises((ValueError, TypeError), match=message):
        draw(*arguments, rng=0)
    with pytest.raises(ValueError, match="dimension must be at least 1, got 0"):
        draw(1.0, 4, dimension=0, rng=0)
