"""Normal laws and doubly stochastic scaling: closed forms, optimality, existence."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore import random
from labcore.transport import (
    Normal,
    bures_wasserstein,
    doubly_stochastic,
    gaussian_barycentre,
    gaussian_geodesic,
    gaussian_map,
    symmetric_scaling,
)


def law(seed, d=3, rank=None):
    factor = random.normal((d, d if rank is None else rank), rng=seed)
    return Normal(random.normal(d, rng=seed + 1000), factor @ factor.T)


SEEDS = st.integers(0, 10**6)


@settings(max_examples=30, deadline=None)
@given(p=SEEDS, q=SEEDS, r=SEEDS, rank=st.sampled_from([1, 2, None]))
def test_distances_of_normal_laws_are_a_metric_and_have_gelbrichs_form(p, q, r, rank):
    p, q, r = law(p, rank=rank), law(q), law(r)
    values = np.linalg.eigvals(p.covariance @ q.covariance).real  # of that product of roots too
    cross = np.sqrt(np.maximum(values, 0.0)).sum()
    formula = ((p.mean - q.mean) ** 2).sum() + np.trace(p.covariance + q.covariance) - 2 * cross
    distance = bures_wasserstein(p, q)
    assert distance**2 == pytest.approx(formula, abs=1e-5)
    assert distance == pytest.approx(bures_wasserstein(q, p), abs=1e-9)
    assert distance <= bures_wasserstein(p, r) + bures_wasserstein(r, q) + 1e-9


def test_near_laws_keep_their_digits():
    """Of commuting covariances: the difference of the deviations, here 1e-9."""
    s = np.diag([1.0, 2.0, 3.0])
    near = s + 1e-9 * np.eye(3)
    distance = bures_wasserstein((np.zeros(3), s @ s), (np.zeros(3), near @ near))
    assert distance == pytest.approx(1e-9 * np.sqrt(3), rel=1e-5)


@settings(max_examples=25, deadline=None)
@given(p=SEEDS, q=SEEDS, rank=st.sampled_from([1, 2, None]))
def test_the_map_takes_one_law_to_the_other_at_the_cost_of_the_distance(p, q, rank):
    p, q = law(p), law(q, rank=rank)
    transport = gaussian_map(p, q)
    t = transport.matrix
    np.testing.assert_allclose(t @ p.covariance @ t, q.covariance, atol=1e-6)
    np.testing.assert_allclose(transport(p.mean[None])[0], q.mean, atol=1e-8)
    assert np.linalg.eigvalsh(t)[0] > -1e-8
    moved = t - np.eye(3)
    cost = np.trace(moved @ p.covariance @ moved) + ((p.mean - q.mean) ** 2).sum()
    assert cost == pytest.approx(bures_wasserstein(p, q) ** 2, rel=1e-6)


def test_a_point_cannot_be_spread_by_a_map():
    with pytest.raises(ValueError, match="p is singular where q is not: no map"):
        gaussian_map(([0.0], [[0.0]]), ([0.0], [[1.0]]))
    flat = gaussian_map(([0.0, 0.0], np.diag([1.0, 0.0])), ([0.0, 0.0], np.diag([4.0, 0.0])))
    np.testing.assert_allclose(flat.matrix @ [1.0, 0.0], [2.0, 0.0], atol=1e-12)


@settings(max_examples=25, deadline=None)
@given(p=SEEDS, q=SEEDS, t=st.floats(0, 1), s=st.floats(0, 1), rank=st.sampled_from([1, None]))
def test_geodesics_have_constant_speed(p, q, t, s, rank):
    p, q = law(p, rank=rank), law(q)
    between = bures_wasserstein(gaussian_geodesic(p, q, t), gaussian_geodesic(p, q, s))
    assert between == pytest.approx(abs(t - s) * bures_wasserstein(p, q), abs=1e-6)
    np.testing.assert_allclose(gaussian_geodesic(p, q, 1.0).covariance, q.covariance, atol=1e-9)


def test_a_barycentre_is_a_fixed_point_and_no_neighbour_is_better():
    laws, w = [law(i) for i in range(4)], np.array([0.1, 0.2, 0.3, 0.4])
    found = gaussian_barycentre(laws, w).law
    maps = sum(share * gaussian_map(found, one).matrix for share, one in zip(w, laws, strict=True))
    np.testing.assert_allclose(maps, np.eye(3), atol=1e-6)

    def objective(p):
        return sum(
            share * bures_wasserstein(p, one) ** 2 for share, one in zip(w, laws, strict=True)
        )

    best = objective(found)
    for seed in range(20):
        step = 0.02 * random.normal((3, 3), rng=seed)
        factor = np.eye(3) + step
        assert objective(Normal(found.mean, factor @ found.covariance @ factor.T)) > best
        assert objective(Normal(found.mean + step[0], found.covariance)) > best


def test_a_barycentre_of_two_is_on_their_geodesic_also_with_a_singular_one():
    for rank in (None, 1):
        p, q = law(1, rank=rank), law(2)
        found = gaussian_barycentre([p, q], [0.3, 0.7]).law
        expected = gaussian_geodesic(p, q, 0.7)
        np.testing.assert_allclose(found.covariance, expected.covariance, atol=1e-7)
        np.testing.assert_allclose(found.mean, expected.mean)


def test_a_barycentre_says_that_it_has_not_converged():
    with pytest.warns(UserWarning, match="the barycentre still changed by"):
        assert gaussian_barycentre([law(1), law(2)], max_iterations=1).iterations == 1


# -------------------------------------------------------------------------------- scaling


@settings(max_examples=40, deadline=None)
@given(n=st.integers(1, 12), seed=SEEDS)
def test_positive_matrices_become_doubly_stochastic_by_diagonal_matrices(n, seed):
    a = random.exponential((n, n), rng=seed) + 0.05
    result = doubly_stochastic(a)
    np.testing.assert_allclose(result.matrix.sum(axis=0), 1.0, atol=1e-9)
    np.testing.assert_allclose(result.matrix.sum(axis=1), 1.0, atol=1e-9)
    np.testing.assert_allclose(result.matrix, result.left[:, None] * a * result.right)
    scaled = doubly_stochastic(a * random.exponential(n, rng=seed + 1)[:, None] * 3.0)
    np.testing.assert_allclose(scaled.matrix, result.matrix, atol=1e-8)


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 12), seed=SEEDS)
def test_symmetric_scaling_is_symmetric_and_the_same(n, seed):
    a = random.exponential((n, n), rng=seed) + 0.05
    result = symmetric_scaling(a + a.T)
    np.testing.assert_array_equal(result.matrix, result.matrix.T)
    np.testing.assert_allclose(result.matrix, doubly_stochastic(a + a.T).matrix, atol=1e-8)


def test_the_rate_is_the_squared_second_singular_value():
    a = random.exponential((6, 6), rng=4) + 0.2
    rate = np.linalg.svd(doubly_stochastic(a, tolerance=1e-13).matrix)[1][1] ** 2
    steps = [doubly_stochastic(a, tolerance=t).iterations for t in (1e-4, 1e-10)]
    assert (steps[1] - steps[0]) * -np.log(rate) == pytest.approx(np.log(1e6), rel=0.15)


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, density=st.floats(0.2, 0.9))
def test_a_scaling_exists_exactly_where_each_entry_is_on_a_permutation(seed, density):
    from itertools import permutations

    pattern = random.uniform((4, 4), rng=seed) < density
    on_one = np.zeros((4, 4), bool)
    for s in permutations(range(4)):
        if pattern[range(4), s].all():
            on_one[range(4), s] = True
    if pattern.any() and np.array_equal(on_one, pattern):
        result = doubly_stochastic(pattern * 1.0, tolerance=1e-8)
        np.testing.assert_allclose(result.matrix.sum(axis=0), 1.0, atol=1e-6)
    else:
        with pytest.raises(ValueError, match="matrix has no scaling"):
            doubly_stochastic(pattern * 1.0)


LAW = ([0.0], [[1.0]])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bures_wasserstein(([np.nan], [[1.0]]), LAW), "p.mean must be finite"),
        (lambda: bures_wasserstein(LAW, ([0.0], [[-1.0]])), "q.covariance must not have negative"),
        (
            lambda: bures_wasserstein(LAW, ([0.0], [[1.0, 0.0]])),
            r"q.covariance must have shape \(1",
        ),
        (
            lambda: bures_wasserstein(([0, 0], [[1, 1], [0, 1]]), LAW),
            "p.covariance must be symmetric",
        ),
        (lambda: bures_wasserstein(([0, 0], np.eye(2)), LAW), "laws must have the same dimension"),
        (lambda: gaussian_geodesic(LAW, LAW, 1.5), "t must be between 0 and 1, got 1.5"),
        (lambda: gaussian_barycentre([]), "weights must weigh at least one point"),
        (lambda: gaussian_barycentre([LAW], [-1.0]), "weights must not be negative"),
        (lambda: gaussian_barycentre([LAW], tolerance=0.0), "tolerance must be positive"),
        (lambda: doubly_stochastic(np.ones((2, 3))), "matrix must be square and not empty"),
        (lambda: doubly_stochastic([[1.0, -1.0], [1.0, 1.0]]), "negative entries, got -1"),
        (lambda: doubly_stochastic([[np.nan]]), "matrix must be finite"),
        (lambda: doubly_stochastic([[1.0, 0.0], [1.0, 0.0]]), r"no permutation picks .* row \d"),
        (
            lambda: doubly_stochastic([[1.0, 5.0], [0.0, 1.0]]),
            r"contains entry \[0, 1\], which would have to become 0",
        ),
        (lambda: symmetric_scaling([[1.0, 2.0], [1.0, 1.0]]), "matrix must be symmetric"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_it_says_that_the_scaling_has_not_converged():
    with pytest.warns(UserWarning, match="the scaling stopped after 1 iterations at violation"):
        doubly_stochastic([[1.0, 2.0], [3.0, 1.0]], max_iterations=1)
