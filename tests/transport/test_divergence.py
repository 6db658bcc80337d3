"""Sinkhorn's divergence: positive, zero at equality, with the right limits and gradient."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore import random
from labcore.transport import assignment, sinkhorn, sinkhorn_divergence


def clouds(n=20, m=25, seed=1):
    x, y = random.normal((n, 2), rng=seed), random.normal((m, 2), rng=seed + 1) * 0.7 + 0.3
    a, b = random.exponential(n, rng=seed + 2), random.exponential(m, rng=seed + 3)
    return x, y, a / a.sum(), b / b.sum()


def squared(x, y):
    return ((x[:, None] - y) ** 2).sum(axis=2)


@settings(max_examples=25, deadline=None)
@given(epsilon=st.floats(0.5, 10.0), seed=st.integers(0, 10**6), rho=st.sampled_from([None, 0.5]))
def test_it_is_positive_symmetric_and_zero_for_equal_measures(epsilon, seed, rho):
    x, y, a, b = clouds(seed=seed)
    options = {"marginal_penalty": rho, "tolerance": 1e-7, "max_iterations": 100_000}
    value = sinkhorn_divergence(x, y, epsilon, a, b, **options).value
    assert value > 1e-4
    assert sinkhorn_divergence(y, x, epsilon, b, a, **options).value == pytest.approx(value, 1e-3)
    again = sinkhorn_divergence(x, x[::-1], epsilon, a, a[::-1], **options)
    assert abs(again.value) < 1e-6
    assert np.abs(again.gradient).max() < 1e-5


@pytest.mark.parametrize("rho", [None, 0.8])
def test_it_is_what_its_formula_says(rho):
    x, y, a, b = clouds()
    if rho:
        b = 1.7 * b
    options = {"marginal_penalty": rho, "tolerance": 1e-11}

    def cost(p, q, u, v):
        return sinkhorn(squared(p, q), 1.0, u, v, **options).value

    expected = cost(x, y, a, b) - 0.5 * cost(x, x, a, a) - 0.5 * cost(y, y, b, b)
    expected += 0.5 * (a.sum() - b.sum()) ** 2
    value = sinkhorn_divergence(x, y, 1.0, a, b, **options).value
    assert value == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("rho", [None, 0.8])
def test_its_gradient_is_that_of_central_differences(rho):
    x, y, a, b = clouds(6, 7)
    a[2] = 0.0
    b *= a.sum() / b.sum()
    options = {"marginal_penalty": rho, "tolerance": 1e-12}
    gradient = sinkhorn_divergence(x, y, 0.5, a, b, **options).gradient
    numeric = np.empty_like(x)
    for i in range(6):
        for k in range(2):
            ends = []
            for sign in (1, -1):
                moved = x.copy()
                moved[i, k] += sign * 1e-4
                ends.append(sinkhorn_divergence(moved, y, 0.5, a, b, **options).value)
            numeric[i, k] = (ends[0] - ends[1]) / 2e-4
    np.testing.assert_allclose(gradient, numeric, atol=2e-7)
    assert (gradient[2] == 0.0).all()


def test_a_translation_costs_its_square_whatever_epsilon():
    x, _, a, _ = clouds()
    y = x + np.array([1.0, 2.0])
    for epsilon in (1.0, 10.0, 1000.0):
        value, gradient = sinkhorn_divergence(x, y, epsilon, a, a, tolerance=1e-9)
        assert value == pytest.approx(5.0, rel=1e-6)
        np.testing.assert_allclose(gradient, a[:, None] * [-2.0, -4.0], atol=1e-5)


def test_limits_in_epsilon_are_transport_and_the_distance_of_the_means():
    x, y = random.normal((30, 2), rng=1), random.normal((30, 2), rng=2) + 1.0
    cost = squared(x, y)
    exact = cost[np.arange(30), assignment(cost)].mean()
    small = sinkhorn_divergence(x, y, 0.01, tolerance=1e-5, max_iterations=50_000).value
    assert small == pytest.approx(exact, rel=0.01)
    means = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    errors = [abs(sinkhorn_divergence(x, y, e).value - means) for e in (1e3, 1e4)]
    assert errors[0] / errors[1] == pytest.approx(10.0, rel=0.05)


def test_descent_along_the_gradient_takes_points_to_the_others():
    x, y = random.normal((15, 2), rng=1), random.normal((15, 2), rng=2) + 3.0
    start = sinkhorn_divergence(x, y, 0.1, tolerance=1e-4).value
    for _ in range(30):
        x = x - 15 * 0.4 * sinkhorn_divergence(x, y, 0.1, tolerance=1e-4).gradient
    assert sinkhorn_divergence(x, y, 0.1, tolerance=1e-4).value < 1e-3 * start


def test_it_says_that_a_measure_with_itself_has_not_converged():
    x, y, a, b = clouds()
    with pytest.warns(UserWarning, match="Sinkhorn's iteration") as seen:
        sinkhorn_divergence(x, y, 0.1, a, b, max_iterations=1)
    assert sum("a measure and itself stopped at violation" in str(w.message) for w in seen) == 2


def test_bad_points_are_named():
    with pytest.raises(ValueError, match="x must be finite"):
        sinkhorn_divergence([np.nan], [1.0], 1.0)
    with pytest.raises(ValueError, match="epsilon must be positive"):
        sinkhorn_divergence([0.0], [1.0], -1.0)
