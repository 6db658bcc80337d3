"""Exact plans, the line and sliced distances: against each other and in closed form."""

import math
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import wasserstein_distance

from labcore import random
from labcore.transport import (
    assignment,
    optimal_plan,
    quantile_map,
    sliced_wasserstein,
    wasserstein_1d,
)

numbers = st.floats(-100, 100)
LINE = hnp.arrays(float, st.integers(1, 12), elements=numbers)


def weighted(n, seed):
    w = random.exponential(n, rng=seed) * (random.uniform(n, rng=seed + 1) < 0.8)
    w[0] += 0.1
    return w / w.sum()


def test_an_assignment_is_the_best_of_all_permutations():
    cost = random.normal((6, 6), rng=1)
    best = min(permutations(range(6)), key=lambda s: cost[range(6), s].sum())
    assert tuple(assignment(cost)) == best


def test_an_exact_plan_has_its_marginals_and_its_potentials_prove_it():
    cost, a, b = random.normal((7, 9), rng=1), weighted(7, 2), weighted(9, 4)
    plan, f, g, value = optimal_plan(cost, a, b)
    np.testing.assert_allclose(plan.sum(axis=1), a, atol=1e-12)
    np.testing.assert_allclose(plan.sum(axis=0), b, atol=1e-12)
    assert (f[:, None] + g <= cost + 1e-9).all()
    assert value == pytest.approx((plan * cost).sum(), abs=1e-12)
    assert value == pytest.approx(a @ f + b @ g, abs=1e-12)
    assert np.count_nonzero(plan) <= 15


def test_an_assignment_is_an_exact_plan():
    cost = random.normal((8, 8), rng=3) ** 2
    value = cost[np.arange(8), assignment(cost)].mean()
    assert optimal_plan(cost).transport_cost == pytest.approx(value, abs=1e-12)


# ---------------------------------------------------------------------------------- the line


@pytest.mark.parametrize("p", [1.0, 1.5, 2.0, 4.0])
def test_the_line_agrees_with_the_linear_programme(p):
    for seed in range(5):
        x, y = random.normal(8, rng=seed), random.normal(11, rng=seed + 50)
        a, b = weighted(8, seed), weighted(11, seed + 9)
        exact = optimal_plan(np.abs(x[:, None] - y) ** p, a, b).transport_cost
        assert wasserstein_1d(x, y, a, b, p=p) ** p == pytest.approx(exact, abs=1e-12)


def test_the_line_agrees_with_scipy_for_p_1():
    x, y, a, b = (
        random.normal(50, rng=1),
        random.normal(70, rng=2),
        weighted(50, 3),
        weighted(70, 5),
    )
    assert wasserstein_1d(x, y, a, b) == pytest.approx(wasserstein_distance(x, y, a, b), rel=1e-12)
    assert wasserstein_1d(x, y) == pytest.approx(wasserstein_distance(x, y), rel=1e-12)


@settings(max_examples=60, deadline=None)
@given(x=LINE, y=LINE, z=LINE, p=st.sampled_from([1.0, 1.7, 2.0, 3.0]))
def test_distances_on_the_line_are_a_metric(x, y, z, p):
    xy, yz, xz = (wasserstein_1d(*pair, p=p) for pair in ((x, y), (y, z), (x, z)))
    assert xy == pytest.approx(wasserstein_1d(y, x, p=p), rel=1e-12, abs=1e-12)
    assert xz <= xy + yz + 1e-9
    assert wasserstein_1d(x, x[::-1], p=p) == 0.0


@settings(max_examples=40, deadline=None)
@given(x=LINE, shift=numbers, p=st.sampled_from([1.0, 2.0, 3.0]))
def test_equal_weights_given_or_not_and_translations(x, shift, p):
    assert wasserstein_1d(x, x + shift, p=p) == pytest.approx(abs(shift), rel=1e-9, abs=1e-9)
    ones = np.ones(len(x))
    assert wasserstein_1d(x, 2 * x, ones, ones, p=p) == pytest.approx(
        wasserstein_1d(x, 2 * x, p=p), rel=1e-9, abs=1e-9
    )


def test_the_distance_of_samples_falls_like_the_root_of_their_number():
    """W_1 of two normal samples of n points: mean of 30 runs, ratio 4 for 16 times as many."""
    means = [
        np.mean(
            [
                wasserstein_1d(random.normal(n, rng=i), random.normal(n, rng=999 + i))
                for i in range(30)
            ]
        )
        for n in (250, 4000)
    ]
    assert means[0] / means[1] == pytest.approx(4.0, rel=0.25)


@settings(max_examples=40, deadline=None)
@given(x=LINE, seed=st.integers(0, 1000))
def test_the_quantile_map_sends_the_kth_point_to_the_kth(x, seed):
    x = np.unique(x)
    y = random.normal(len(x), rng=seed)
    image = quantile_map(x, y, x)
    np.testing.assert_array_equal(image, np.sort(y))
    assert np.mean(np.abs(x - image)) == pytest.approx(wasserstein_1d(x, y), rel=1e-9, abs=1e-12)


def test_the_quantile_map_of_weights():
    y = [0.0, 1.0, 2.0, 9.0]
    points = [-1.0, 0.0, 0.5, 1.0, 7.0]
    image = quantile_map([1.0, 0.0], y, points, [0.5, 0.5], [0.25, 0.25, 0.5, 0.0])
    np.testing.assert_array_equal(image, [0.0, 1.0, 1.0, 2.0, 2.0])


# ---------------------------------------------------------------------------------- sliced


def test_a_sliced_distance_is_the_mean_over_its_directions():
    x, y = random.normal((30, 3), rng=1), random.normal((40, 3), rng=2) + 0.5
    a, b = weighted(30, 3), weighted(40, 5)
    for options in ({"a": a, "b": b}, {}):
        result = sliced_wasserstein(x, y, **options, p=3, n_projections=20, rng=4)
        each = [wasserstein_1d(x @ t, y @ t, **options, p=3) for t in result.directions]
        np.testing.assert_allclose(result.distances, each, rtol=1e-10)
        assert result.distance == pytest.approx(np.mean(np.power(each, 3)) ** (1 / 3), rel=1e-10)


def test_the_sliced_distance_of_a_translation_is_its_length_by_the_root_of_the_dimension():
    """Within 4 standard errors, which are what 2000 directions give."""
    x = random.normal((50, 4), rng=1)
    result = sliced_wasserstein(x, x + 3.0 * np.eye(4)[1], n_projections=2000, rng=2)
    assert result.standard_error < 0.04
    assert abs(result.distance - 1.5) < 4 * result.standard_error


def test_the_standard_error_is_the_spread_of_repetitions():
    x, y = random.normal((100, 5), rng=1), random.normal((100, 5), rng=2) + 0.5
    runs = [sliced_wasserstein(x, y, n_projections=40, rng=i) for i in range(200)]
    spread = np.std([run.distance for run in runs])
    assert np.mean([run.standard_error for run in runs]) == pytest.approx(spread, rel=0.25)


def test_many_points_are_done_in_parts(monkeypatch):
    x, y = random.normal((60, 3), rng=1), random.normal((60, 3), rng=2)
    whole = sliced_wasserstein(x, y, rng=3).distances
    monkeypatch.setattr("labcore.transport.one_dimensional._AT_ONCE", 200)
    np.testing.assert_allclose(sliced_wasserstein(x, y, rng=3).distances, whole, rtol=1e-12)


def test_given_directions_are_used_and_one_has_no_error():
    x, y = random.normal((20, 2), rng=1), random.normal((20, 2), rng=2)
    result = sliced_wasserstein(x, y, directions=[[0.0, 5.0]], p=2)
    assert result.distance == pytest.approx(wasserstein_1d(x[:, 1], y[:, 1], p=2))
    assert math.isnan(result.standard_error)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: assignment(np.ones((2, 3))), r"cost must be square, got shape \(2, 3\)"),
        (lambda: assignment([[np.nan]]), "cost must be finite"),
        (
            lambda: optimal_plan([[1.0]], [1.0], [2.0]),
            "a and b must have the same sum, got 1 and 2",
        ),
        (lambda: optimal_plan([[np.inf]]), "cost must be finite"),
        (lambda: optimal_plan([[1.0]], [-1.0], [1.0]), "a must not be negative"),
        (lambda: wasserstein_1d([np.nan], [1.0]), "x must be finite"),
        (lambda: wasserstein_1d([], [1.0]), "a must weigh at least one point"),
        (lambda: wasserstein_1d([[1.0]], [1.0]), "x must have 1 dimensions"),
        (lambda: wasserstein_1d([1.0], [1.0], p=0.5), "p must be at least 1, got 0.5"),
        (lambda: wasserstein_1d([1.0], [1.0], [1.0], [1.5]), "same sum, got 1 and 1.5: scale one"),
        (lambda: quantile_map([1.0], [1.0], [np.nan]), "points must be finite"),
        (
            lambda: sliced_wasserstein([[0.0]], [[0.0, 1.0]]),
            "same dimension, at least 1, got 1 and",
        ),
        (lambda: sliced_wasserstein([[0.0]], [[0.0]], n_projections=0), "n_projections must be at"),
        (lambda: sliced_wasserstein([[0.0]], [[0.0]], directions=[[0.0]]), "must not be zero"),
        (lambda: sliced_wasserstein([[0.0]], [[0.0]], directions=[[0.0, 1.0]]), r"shape \(n, 1\)"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
