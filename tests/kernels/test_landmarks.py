"""Landmarks: pivoted Cholesky against LAPACK's, leverage scores against their meaning."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats
from scipy.linalg import lapack

from labcore.kernels import (
    Brownian,
    Gaussian,
    Matern,
    Polynomial,
    kernel_ridge,
    leverage_scores,
    pivoted_cholesky,
    recursive_leverage_scores,
    sample_landmarks,
)

KERNELS = [Gaussian(0.5), 2 * Matern(1.5, 0.7), Polynomial(2, 0.5), Brownian(), Gaussian() + 1]


def points(n, d=1, seed=0):
    return np.random.default_rng(seed).uniform(0.1, 3, size=(n, d))


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_largest_pivots_are_those_of_lapack(kernel):
    x = points(40)
    gram = kernel(x)
    ours = pivoted_cholesky(kernel, x, 12)
    factor, order, rank, _ = lapack.dpstrf(gram, lower=1, tol=1e-12 * gram.max())
    count = min(len(ours.pivots), rank, 8)
    np.testing.assert_array_equal(ours.pivots[:count], order[:count] - 1)
    exact = np.tril(factor)[:, :count]
    np.testing.assert_allclose(ours.factor[order - 1][:, :count], exact, atol=1e-8 * gram.max())


@pytest.mark.parametrize("random_pivots", [False, True])
@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@settings(max_examples=8, deadline=None)
@given(x=hnp.arrays(float, st.integers(1, 15), elements=st.floats(0, 5)), rank=st.integers(1, 15))
def test_the_residual_is_positive_and_its_diagonal_is_given(kernel, random_pivots, x, rank):
    """Also with repeated points, which exhaust the rank early."""
    rank = min(rank, len(x))
    factor, pivots, residual = pivoted_cholesky(kernel, x, rank, random_pivots=random_pivots, rng=1)
    gram = kernel(x)
    scale = max(gram.max(), 1e-300)
    error = gram - factor @ factor.T
    assert factor.shape == (len(x), len(pivots))
    assert len(set(pivots)) == len(pivots) <= rank
    np.testing.assert_allclose(np.diagonal(error), residual, atol=1e-12 * scale)
    np.testing.assert_allclose(error[pivots], 0.0, atol=1e-6 * scale)
    assert np.linalg.eigvalsh(error)[0] > -1e-6 * scale
    assert (np.triu(factor[pivots], 1) == 0).all()


def test_full_rank_is_cholesky_and_a_repeated_point_is_not_taken():
    x = np.append(np.arange(5.0), 2.0)
    factor, pivots, residual = pivoted_cholesky(Matern(0.5), x, 6)
    assert len(pivots) == 5
    np.testing.assert_allclose(factor @ factor.T, Matern(0.5)(x), atol=1e-14)
    assert residual.max() < 1e-14


def test_the_tolerance_is_the_part_of_the_trace_that_is_left():
    x = points(200)
    for tolerance in (0.3, 0.01, 1e-5):
        found = pivoted_cholesky(Gaussian(0.2), x, 200, tolerance=tolerance)
        count = len(found.pivots)
        assert found.residual.sum() <= tolerance * 200
        before = pivoted_cholesky(Gaussian(0.2), x, count - 1)
        assert before.residual.sum() > tolerance * 200


def test_random_pivots_have_the_law_of_the_residual():
    """Ordered pairs of pivots among 4 points, 4000 seeds: chi-squared test at level 0.001."""
    kernel, x = 2 * Gaussian(1.0) * (Polynomial(1, 0.3)), np.array([0.2, 0.9, 1.4, 2.0])
    gram = kernel(x)
    exact, counts = {}, dict.fromkeys(itertools.permutations(range(4), 2), 0)
    for i, j in counts:
        residual = np.diagonal(gram) - gram[:, i] ** 2 / gram[i, i]
        exact[i, j] = gram[i, i] / np.trace(gram) * residual[j] / residual.sum()
    for seed in range(4000):
        counts[tuple(pivoted_cholesky(kernel, x, 2, random_pivots=True, rng=seed).pivots)] += 1
    expected = 4000 * np.array([exact[pair] for pair in counts])
    assert expected.min() > 5
    assert stats.chisquare(list(counts.values()), expected).pvalue > 1e-3


def test_errors_fall_as_fast_as_the_eigenvalues():
    """Trace errors within a small factor of the best of their rank, for smooth and rough."""
    x = points(300)
    for kernel in (Gaussian(0.5), Matern(0.5, 1.0), Matern(2.5, 1.0)):
        eigenvalues = np.linalg.eigvalsh(kernel(x))[::-1]
        for rank in (4, 8, 12):
            best = eigenvalues[rank:].sum()
            for random_pivots in (False, True):
                found = pivoted_cholesky(kernel, x, rank, random_pivots=random_pivots, rng=2)
                assert found.residual.sum() < 12 * best


def test_largest_pivots_chase_outliers_and_random_ones_do_not():
    """A crowd and 30 points alone: 30 pivots, of which most should go to the crowd."""
    crowd = np.random.default_rng(1).normal(size=(1000, 2))
    alone = 100.0 * np.arange(1, 31)[:, None] * [1.0, 0.0]
    x, kernel = np.concatenate([crowd, alone]), Gaussian(1.0)
    greedy = pivoted_cholesky(kernel, x, 30).residual.sum()
    drawn = [
        pivoted_cholesky(kernel, x, 30, random_pivots=True, rng=seed).residual.sum()
        for seed in range(5)
    ]
    assert max(drawn) < 0.5 * greedy


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_a_leverage_score_is_the_slope_of_the_fit_in_its_measurement(kernel):
    x = points(20)
    scores = leverage_scores(kernel, x, penalty=0.3)
    fitted = kernel_ridge(kernel, x, np.eye(20), penalty=0.3)(x)
    np.testing.assert_allclose(scores, np.diagonal(fitted), rtol=1e-7)


def test_leverage_scores_sum_to_the_effective_dimension():
    x = points(60)
    for penalty in (1e-3, 0.1, 10.0):
        values = np.linalg.eigvalsh(Matern()(x))
        exact = (values / (values + penalty)).sum()
        assert leverage_scores(Matern(), x, penalty=penalty).sum() == pytest.approx(exact)


@pytest.mark.parametrize("seed", range(4))
def test_recursive_scores_are_above_the_exact_ones_and_not_far(seed):
    """A crowd, a tail and lone points: scores from 0.01 to 1."""
    rng = np.random.default_rng(seed)
    x = np.concatenate([rng.normal(size=700), 3 * rng.standard_t(2, size=300)])
    exact = leverage_scores(Gaussian(0.3), x, penalty=0.5)
    ratio = recursive_leverage_scores(Gaussian(0.3), x, penalty=0.5, rng=seed) / exact
    assert exact.max() > 20 * exact.min()
    assert ratio.min() > 0.8
    assert ratio.max() < 8
    assert 1 < ratio.mean() < 3


def test_recursive_scores_of_few_points_are_exact():
    x = points(100)
    np.testing.assert_array_equal(
        recursive_leverage_scores(Gaussian(), x, penalty=0.1, rng=0),
        leverage_scores(Gaussian(), x, penalty=0.1),
    )


def test_landmarks_have_the_law_of_drawing_without_replacement():
    """Pairs out of 4 points, 6000 seeds: chi-squared test at level 0.001."""
    weights = np.array([1.0, 2.0, 0.0, 4.0, 1.5])
    counts = dict.fromkeys(itertools.combinations([0, 1, 3, 4], 2), 0)
    for seed in range(6000):
        counts[tuple(sample_landmarks(weights, 2, rng=seed))] += 1
    total = weights.sum()

    def probability(i, j):
        return (
            weights[i] * weights[j] / total * (1 / (total - weights[i]) + 1 / (total - weights[j]))
        )

    expected = 6000 * np.array([probability(*pair) for pair in counts])
    assert stats.chisquare(list(counts.values()), expected).pvalue > 1e-3
    uniform = 6000 * np.full(6, 1 / 6)
    assert stats.chisquare(list(counts.values()), uniform).pvalue < 1e-6


def test_all_landmarks_are_all_points():
    np.testing.assert_array_equal(sample_landmarks(np.ones(7), 7, rng=0), np.arange(7))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pivoted_cholesky(Gaussian(), [0.0, 1.0], 3), "rank must be at most .* 2, got 3"),
        (lambda: pivoted_cholesky(Gaussian(), [0.0], 0), "rank must be at least 1, got 0"),
        (
            lambda: pivoted_cholesky(Gaussian(), [0.0], 1, tolerance=1.0),
            "tolerance must be less than 1, got 1",
        ),
        (lambda: pivoted_cholesky(Gaussian(), [0.0], 1, tolerance=-1), "tolerance must not be"),
        (lambda: pivoted_cholesky(Gaussian(), [math.nan], 1), "x must be finite, got nan"),
        (lambda: leverage_scores(Gaussian(), [0.0], penalty=0), "penalty must be positive, got 0"),
        (lambda: recursive_leverage_scores(Gaussian(), [0.0], penalty=-1), "penalty must be posit"),
        (lambda: sample_landmarks([1.0, -1.0], 1), "weights must not be negative, got -1"),
        (lambda: sample_landmarks([1.0, 0.0], 2), "count must be at most .* 1, got 2"),
        (lambda: sample_landmarks([1.0, math.inf], 1), "weights must be finite, got inf"),
        (lambda: sample_landmarks([], 1), "count must be at most the number of points, 0, got 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
