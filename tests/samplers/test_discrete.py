"""Kernels on finitely many states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore.samplers import metropolis_matrix, spectrum, stationary_distribution

SEEDS = st.integers(0, 2**32 - 1)


def random_kernel(seed, n=6):
    generator = np.random.default_rng(seed)
    P = generator.exponential(size=(n, n))
    return P / P.sum(axis=1, keepdims=True), generator.exponential(size=n) + 0.01


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_stationary_distribution_is_left_unchanged(seed):
    P, _ = random_kernel(seed)
    pi = stationary_distribution(P)
    assert pi.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(pi @ P, pi, atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_metropolis_satisfies_detailed_balance(seed):
    Q, weights = random_kernel(seed)
    P = metropolis_matrix(Q, weights)
    pi = weights / weights.sum()
    flow = pi[:, None] * P
    np.testing.assert_allclose(flow, flow.T, atol=1e-15)
    np.testing.assert_allclose(stationary_distribution(P), pi, atol=1e-10)


def test_tiny_stationary_probabilities_keep_their_digits():
    """Weights down to 1e-60, far below the rounding error of the largest."""
    weights = 10.0 ** -np.linspace(0, 60, 13)
    Q = 0.5 * (np.eye(13, k=1) + np.eye(13, k=-1))
    Q[0, 0] = Q[-1, -1] = 0.5
    pi = stationary_distribution(metropolis_matrix(Q, weights))
    np.testing.assert_allclose(pi, weights / weights.sum(), rtol=1e-12)


def test_metropolis_is_its_formula():
    Q, weights = random_kernel(1, n=3)
    x, y = 0, 2
    expected = Q[x, y] * min(1.0, weights[y] * Q[y, x] / (weights[x] * Q[x, y]))
    assert metropolis_matrix(Q, weights)[x, y] == pytest.approx(expected, rel=1e-14)


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_spectrum_diagonalises_in_the_weighted_space(seed):
    P = metropolis_matrix(*random_kernel(seed))
    pi, (values, f) = stationary_distribution(P), spectrum(P)
    np.testing.assert_allclose(P @ f, f * values, atol=1e-9)
    np.testing.assert_allclose(f.T @ (pi[:, None] * f), np.eye(len(P)), atol=1e-9)
    assert values[0] == pytest.approx(1.0)
    assert (np.diff(values) <= 1e-12).all()


def test_two_states_have_the_gap_that_the_flip_rates_give():
    P = np.array([[0.7, 0.3], [0.1, 0.9]])
    assert spectrum(P).gap == pytest.approx(0.4)
    np.testing.assert_allclose(stationary_distribution(P), [0.25, 0.75])


def test_lazy_walk_on_a_cycle_has_cosine_eigenvalues():
    n = 12
    shift = np.roll(np.eye(n), 1, axis=1)
    P = 0.5 * np.eye(n) + 0.25 * (shift + shift.T)
    expected = np.sort(0.5 + 0.5 * np.cos(2 * np.pi * np.arange(n) / n))[::-1]
    np.testing.assert_allclose(spectrum(P).values, expected, atol=1e-12)


def test_distance_to_stationarity_decays_at_the_rate_of_the_gap():
    """Total variation after t and t + 10 steps has the ratio (1 - gap)^10, to 1% for large t."""
    P = metropolis_matrix(*random_kernel(3))
    pi = stationary_distribution(P)

    def distance(t):
        return 0.5 * np.abs(np.linalg.matrix_power(P, t)[0] - pi).sum()

    gap = spectrum(P).gap
    t = round(9 / gap)
    assert distance(t + 10) / distance(t) == pytest.approx((1 - gap) ** 10, rel=0.01)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: stationary_distribution(np.ones((2, 3)) / 3), "kernel must be square"),
        (lambda: stationary_distribution(np.ones((2, 2))), "rows that sum to 1"),
        (lambda: stationary_distribution([[1.5, -0.5], [0.0, 1.0]]), "non-negative"),
        (lambda: stationary_distribution(np.eye(2)), "irreducible"),
        (lambda: stationary_distribution([[1.0, 0.0], [0.5, 0.5]]), "irreducible"),
        (lambda: spectrum(np.roll(np.eye(3), 1, axis=1)), "reversible"),
        (lambda: metropolis_matrix(np.eye(2), [1.0, 0.0]), "positive weights"),
        (lambda: metropolis_matrix(np.ones((2, 2)), [1.0, 1.0]), "proposal must have"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
