"""Kernels on finitely many states."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse.csgraph import connected_components

from labcore.samplers import (
    metropolis_matrix,
    mixing_time,
    non_backtracking_walk,
    random_walk,
    spectrum,
    stationary_distribution,
    walk,
)

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


def cycle(n):
    shift = np.roll(np.eye(n), 1, axis=1)
    return shift + shift.T


def petersen():
    """Ten vertices of degree three: an outer and an inner cycle of five, and spokes."""
    A = np.zeros((10, 10))
    for i in range(5):
        for x, y in ((i, (i + 1) % 5), (5 + i, 5 + (i + 2) % 5), (i, 5 + i)):
            A[x, y] = A[y, x] = 1.0
    return A


def random_graph(seed, n=9):
    """Connected, not bipartite, every degree at least two: a cycle with chords, one a triangle."""
    upper = np.triu(np.random.default_rng(seed).random((n, n)) < 0.25, 1)
    A = np.maximum(cycle(n), upper + upper.T)
    A[0, 2] = A[2, 0] = 1.0
    return A


@settings(max_examples=25, deadline=None)
@given(SEEDS, st.floats(0.0, 0.95))
def test_a_random_walk_is_reversible_and_stays_in_proportion_to_the_degree(seed, laziness):
    generator = np.random.default_rng(seed)
    W = random_graph(seed) * generator.exponential(size=(9, 9))
    W = W + W.T
    P = random_walk(W, laziness=laziness)
    pi = W.sum(axis=1) / W.sum()
    np.testing.assert_allclose(stationary_distribution(P), pi, rtol=1e-10)
    np.testing.assert_allclose(pi[:, None] * P, (pi[:, None] * P).T, atol=1e-15)
    if laziness >= 0.5:
        assert spectrum(P).values[-1] > -1e-12


def test_laziness_shifts_the_spectrum():
    A = random_graph(4)
    np.testing.assert_allclose(
        spectrum(random_walk(A, laziness=0.3)).values, 0.3 + 0.7 * spectrum(random_walk(A)).values
    )


def test_the_walk_on_the_petersen_graph_has_its_known_spectrum():
    """Adjacency eigenvalues 3, 1 (five times) and -2 (four times), over the degree 3."""
    values = spectrum(random_walk(petersen())).values
    np.testing.assert_allclose(values, [1.0] + [1 / 3] * 5 + [-2 / 3] * 4, atol=1e-12)
    assert spectrum(random_walk(petersen())).gap == pytest.approx(1 / 3)


def test_the_walk_on_the_hypercube_has_binomial_multiplicities():
    n, d = 16, 4
    bits = np.arange(n)
    A = np.array([[bin(x ^ y).count("1") == 1 for y in bits] for x in bits], dtype=float)
    values = spectrum(random_walk(A, laziness=0.5)).values
    expected = np.repeat([1 - k / d for k in range(d + 1)], [1, 4, 6, 4, 1])
    np.testing.assert_allclose(values, expected, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_metropolis_on_a_graph_has_any_law(seed):
    weights = np.random.default_rng(seed).exponential(size=9) + 0.01
    P = metropolis_matrix(random_walk(random_graph(seed)), weights)
    np.testing.assert_allclose(stationary_distribution(P), weights / weights.sum(), rtol=1e-9)
    assert (P[(random_graph(seed) + np.eye(9)) == 0.0] == 0.0).all()


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_non_backtracking_walk_keeps_the_uniform_law_on_edges(seed):
    A = random_graph(seed)
    P, edges = non_backtracking_walk(A)
    np.testing.assert_allclose(P.sum(axis=1), 1.0)
    np.testing.assert_allclose(P.sum(axis=0), 1.0)
    at = np.bincount(edges[:, 1], minlength=9) / len(edges)
    np.testing.assert_allclose(at, A.sum(axis=1) / A.sum())
    for e, f in np.argwhere(P > 0.0):
        (x, y), (z, w) = edges[e], edges[f]
        assert y == z
        assert w != x
        assert P[e, f] == pytest.approx(1.0 / (A[y].sum() - 1.0))


def test_the_non_backtracking_walk_on_a_cycle_goes_round_for_ever():
    P, _ = non_backtracking_walk(cycle(7))
    assert connected_components(P, connection="strong", return_labels=False) == 2
    assert np.array_equal(np.linalg.matrix_power(P, 7), np.eye(14))


def test_the_non_backtracking_walk_has_the_eigenvalues_of_ihara_and_bass():
    """On a graph of degree q + 1: u^2 - a u + q = 0 for each adjacency eigenvalue a, over q."""
    A, q = petersen(), 2.0
    found = np.linalg.eigvals(non_backtracking_walk(A).kernel)
    expected = [root / q for a in np.linalg.eigvalsh(A) for root in np.roots([1.0, -a, q])] + [
        1 / q,
        -1 / q,
    ] * 5  # m - n = 5 times
    for value in expected:
        assert np.abs(found - value).min() < 1e-6
    assert len(found) == len(expected)


def test_where_a_walk_is_slow_never_turning_back_multiplies_its_gap():
    """By d / (d - 2), as u^2 - a u + d - 1 = 0 says for a near d: twice on a cycle of degree 4."""
    n = 81
    A = cycle(n) + np.roll(np.eye(n), 2, axis=1) + np.roll(np.eye(n), -2, axis=1)
    moduli = np.sort(np.abs(np.linalg.eigvals(non_backtracking_walk(A).kernel)))
    assert moduli[-1] == pytest.approx(1.0)
    assert (1.0 - moduli[-2]) / spectrum(random_walk(A)).gap == pytest.approx(2.0, rel=0.02)


def brute_force_mixing_time(P, distance):
    pi, power, t = stationary_distribution(P), np.eye(len(P)), 0
    while 0.5 * np.abs(power - pi).sum(axis=1).max() > distance:
        power, t = power @ P, t + 1
    return t


@settings(max_examples=30, deadline=None)
@given(SEEDS, st.floats(0.001, 0.95))
def test_mixing_time_is_the_first_step_that_is_near(seed, distance):
    P = random_walk(random_graph(seed), laziness=0.2)
    assert mixing_time(P, distance) == brute_force_mixing_time(P, distance)


def test_mixing_time_of_a_cycle_grows_with_the_square_of_its_length():
    times = [mixing_time(random_walk(cycle(n), laziness=0.5)) for n in (16, 32, 64, 128)]
    np.testing.assert_allclose(np.diff(np.log2(times)), 2.0, atol=0.1)


def test_mixing_time_lies_between_the_bounds_of_the_gap():
    for seed in range(10):
        P = random_walk(random_graph(seed), laziness=0.5)
        relaxation, pi = 1.0 / spectrum(P).gap, stationary_distribution(P)
        for distance in (0.25, 0.01):
            t = mixing_time(P, distance)
            assert (relaxation - 1.0) * np.log(1.0 / (2.0 * distance)) <= t
            assert t <= np.ceil(relaxation * np.log(1.0 / (distance * pi.min())))


def test_a_walk_has_the_law_of_its_kernel():
    """20,000 walks of 3 steps: each row of P^3 within 4.5 standard errors."""
    P, _ = random_kernel(5)
    for start in (0, 3):
        end = walk(P, 3, start=start, n_walks=20_000, rng=start)[:, -1]
        p = np.linalg.matrix_power(P, 3)[start]
        error = np.sqrt(p * (1 - p) / 20_000)
        assert (np.abs(np.bincount(end, minlength=6) / 20_000 - p) < 4.5 * error).all()


def test_a_walk_uses_edges_alone_and_is_reproducible():
    P = random_walk(random_graph(2))
    paths = walk(P, 500, start=4, n_walks=3, rng=1)
    before = np.concatenate([np.full((3, 1), 4), paths[:, :-1]], axis=1)
    assert (P[before, paths] > 0.0).all()
    assert np.array_equal(walk(P, 300, start=4, n_walks=5, rng=1)[:3], paths[:, :300])


def test_a_walk_never_takes_an_impossible_step_to_the_last_state():
    """Ten steps of a tenth sum to 1 - 1e-16: what is missing belongs to the last possible state."""
    P = np.zeros((11, 11))
    P[:, :10] = 0.1
    paths = walk(P, 10_000, rng=1)
    assert paths.max() == 9
    assert np.unique(paths).size == 10


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
        (lambda: random_walk(np.ones((2, 3))), "adjacency must be square"),
        (lambda: random_walk(np.triu(np.ones((2, 2)))), "adjacency must be symmetric"),
        (lambda: random_walk(-np.ones((2, 2))), "symmetric and non-negative"),
        (lambda: random_walk(np.diag([1.0, 0.0])), "every vertex an edge, got none at 1"),
        (lambda: random_walk([[np.nan]]), "adjacency must be finite"),
        (lambda: random_walk(cycle(4), laziness=1.0), "laziness must be from 0 to below 1"),
        (lambda: random_walk(cycle(4), laziness=-0.1), "laziness must be from 0 to below 1"),
        (lambda: non_backtracking_walk(2.0 * cycle(4)), "zeros and ones, without loops"),
        (lambda: non_backtracking_walk(np.ones((3, 3))), "zeros and ones, without loops"),
        (lambda: non_backtracking_walk([[0, 1], [1, 0]]), "two neighbours or more, got vertex 0"),
        (lambda: mixing_time(random_walk(cycle(4))), "kernel must be aperiodic"),
        (lambda: mixing_time(np.eye(2)), "irreducible"),
        (lambda: mixing_time(random_walk(cycle(5)), 0.0), "distance must be between 0 and 1"),
        (lambda: mixing_time(random_walk(cycle(5)), 1.0), "distance must be between 0 and 1"),
        (lambda: walk(np.eye(2), 3, start=2), "start must be a state from 0 to 1, got 2"),
        (lambda: walk(np.eye(2), -1), "n_steps must be at least 0"),
        (lambda: walk(np.eye(2), 1, n_walks=-1), "n_walks must be at least 0"),
        (lambda: walk(np.ones((2, 2)), 1), "rows that sum to 1"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
