"""The maximum mean discrepancy: closed forms, and level and power of its tests by simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from labcore.kernels import Gaussian, Matern, Periodic, Polynomial
from labcore.stats import (
    median_lengthscale,
    mmd_aggregated_test,
    mmd_squared,
    mmd_test,
    witness,
)
from labcore.stats._gram import quadratic_forms, row_sums, rows_of, symmetric_row_sums
from labcore.stats.resampling import p_values, permutations

# The first two have compiled profiles, the others go through blocks of their Gram matrix.
KERNELS = [
    Gaussian(0.8),
    Matern(0.5, 0.7),
    Matern(2.5, 0.7),
    2.0 * Gaussian(0.8) + Matern(1.5),
    Polynomial(2, 1.0),
    Periodic(0.9, 1.7),
]


def points(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def within_99(successes, trials, probability):
    """Whether a binomial count lies in its central 99 % band."""
    low, high = stats.binom.interval(0.99, trials, probability)
    return low <= successes <= high


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize(("n", "m", "d"), [(2, 3, 1), (40, 30, 3), (150, 520, 2), (9, 5, 9)])
def test_docstring_formulas(kernel, n, m, d):
    x, y = points(n, d, 1), points(m, d, 2) + 0.2
    xx, yy, xy = kernel(x), kernel(y), kernel(x, y)
    biased = xx.mean() + yy.mean() - 2 * xy.mean()
    assert mmd_squared(kernel, x, y, biased=True) == pytest.approx(biased, rel=1e-9, abs=1e-12)
    unbiased = (
        (xx.sum() - np.trace(xx)) / (n * (n - 1))
        + (yy.sum() - np.trace(yy)) / (m * (m - 1))
        - 2 * xy.mean()
    )
    assert mmd_squared(kernel, x, y) == pytest.approx(unbiased, rel=1e-9, abs=1e-12)
    t = points(7, d, 3)
    np.testing.assert_allclose(
        witness(kernel, x, y, t), kernel(t, x).mean(axis=1) - kernel(t, y).mean(axis=1), atol=1e-12
    )


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("n", [1, 2, 127, 128, 300, 700])
def test_sums_without_the_matrix_are_those_of_the_matrix(kernel, n):
    x, vectors = points(n, 3), points(n, 4, seed=1)
    gram = kernel(x)
    np.testing.assert_allclose(row_sums(kernel, x[:5], x), gram[:5].sum(axis=1), rtol=1e-11)
    np.fill_diagonal(gram, 0.0)
    scale = np.abs(gram).sum()
    np.testing.assert_allclose(
        symmetric_row_sums(kernel, x), gram.sum(axis=1), rtol=1e-11, atol=1e-14 * scale
    )
    forms, sums = quadratic_forms(rows_of(kernel, x), n, vectors)
    np.testing.assert_allclose(sums, gram.sum(axis=1), rtol=1e-11, atol=1e-14 * scale)
    exact = np.einsum("ib,ij,jb->b", vectors, gram, vectors)
    np.testing.assert_allclose(forms, exact, rtol=1e-9, atol=1e-13 * scale)


def gaussian_mmd(lengthscale, shift, d):
    """Squared discrepancy of N(0, I) and N(shift e, I), and E k(X, X'), for a Gaussian kernel."""
    wide = lengthscale**2 + 2
    same = (lengthscale**2 / wide) ** (d / 2)
    return 2 * same * (1 - math.exp(-(shift**2) / (2 * wide))), same


def test_the_estimates_of_two_normal_laws_have_the_closed_form_as_mean():
    """Unbiased: the discrepancy. Biased: more by (1/n + 1/m) (1 - E k(X, X')). Power: 5 se."""
    exact, same = gaussian_mmd(1.3, 0.8, 2)
    rng, n, m, runs = np.random.default_rng(1), 12, 20, 2000
    estimates = np.empty((2, runs))
    for run in range(runs):
        x, y = rng.normal(size=(n, 2)), rng.normal(size=(m, 2)) + np.array([0.8, 0.0])
        estimates[:, run] = [mmd_squared(Gaussian(1.3), x, y, biased=b) for b in (False, True)]
    errors = estimates.std(axis=1) / math.sqrt(runs)
    bias = (1 / n + 1 / m) * (1 - same)
    assert bias > 20 * errors[1]  # the two means are told apart
    assert abs(estimates[0].mean() - exact) < 4 * errors[0]
    assert abs(estimates[1].mean() - exact - bias) < 4 * errors[1]


def test_with_a_linear_kernel_it_is_the_distance_of_the_means():
    x, y = points(30, 3, 1), points(20, 3, 2) + 1
    exact = ((x.mean(axis=0) - y.mean(axis=0)) ** 2).sum()
    assert mmd_squared(Polynomial(1, 0.0), x, y, biased=True) == pytest.approx(exact, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 30), st.integers(2, 30), st.integers(1, 6), st.integers(0, 10**6))
def test_biased_estimate_is_a_squared_distance(n, m, d, seed):
    """Not negative, zero between a sample and itself, and the norm of the witness."""
    x, y, kernel = points(n, d, seed), points(m, d, seed + 1), Gaussian(1.0)
    value = mmd_squared(kernel, x, y, biased=True)
    assert value >= -1e-14
    assert abs(mmd_squared(kernel, x, x[::-1], biased=True)) < 1e-14
    norm = witness(kernel, x, y, x).mean() - witness(kernel, x, y, y).mean()
    assert value == pytest.approx(norm, abs=1e-13)


def test_the_statistic_of_the_test_is_the_unbiased_estimate_also_after_permuting():
    x, y, kernel = points(170, 2, 1), points(90, 2, 2), Matern(1.5)
    result = mmd_test(kernel, x, y, n_permutations=5, rng=7)
    assert result.statistic == pytest.approx(mmd_squared(kernel, x, y), rel=1e-9)
    pooled = np.concatenate([x, y])
    for value, order in zip(result.null, permutations(260, 5, 7), strict=True):
        exact = mmd_squared(kernel, pooled[order[:170]], pooled[order[170:]])
        assert value == pytest.approx(exact, rel=1e-8, abs=1e-13)


def test_p_value_counts_the_data_themselves_and_ties():
    assert p_values(3.0, np.array([1.0, 2.0, 3.0, 4.0]), 1e-12) == pytest.approx(3 / 5)
    assert p_values(9.0, np.array([1.0, 2.0, 3.0, 4.0]), 1e-12) == pytest.approx(1 / 5)
    assert mmd_test(Gaussian(), np.ones(5), np.ones(4), n_permutations=19, rng=1).p_value == 1.0


def test_ties_are_not_broken_by_rounding():
    """Samples of three values: a permutation of equal counts has the same statistic."""
    x, y = np.repeat([0.1, 0.7, 1.3], [3, 2, 4]), np.repeat([0.1, 0.7, 1.3], [5, 3, 2])
    result = mmd_test(Gaussian(0.37), x, y, n_permutations=999, rng=1)
    count = (result.null > result.statistic - 1e-9).sum()
    assert result.p_value == (1 + count) / 1000


def test_permutations_are_uniform():
    counts = np.zeros(24)
    for row in permutations(4, 4800, 3):
        counts[
            int(sum(np.sum(row[i] > row[i + 1 :]) * math.factorial(3 - i) for i in range(4)))
        ] += 1
    assert stats.chisquare(counts).pvalue > 0.001
    np.testing.assert_array_equal(np.sort(permutations(9, 3, 1), axis=1), np.tile(range(9), (3, 1)))


@pytest.mark.parametrize("kernel", [None, Gaussian(0.3)], ids=str)
def test_level_is_exact_for_small_samples_of_unequal_size(kernel):
    """400 pairs of samples of one law, skewed, n = 8 and m = 13: rejections in the 99 % band."""
    rng = np.random.default_rng(5)
    p = np.empty(400)
    for run in range(400):
        x, y = rng.exponential(size=8), rng.exponential(size=13)
        p[run] = mmd_test(kernel, x, y, n_permutations=99, rng=rng).p_value
    for level in (0.05, 0.2, 0.5):
        assert within_99((p <= level + 1e-12).sum(), 400, level)


def test_power_with_a_linear_kernel_is_that_of_the_test_of_means():
    """Shift 0.5, n = m = 50: the two-sided test of means rejects with probability 0.70."""
    rng, n, shift = np.random.default_rng(6), 50, 0.5
    z = shift / math.sqrt(2 / n)
    power = stats.norm.sf(1.96 - z) + stats.norm.cdf(-1.96 - z)
    assert power == pytest.approx(0.705, abs=1e-3)
    rejected = sum(
        mmd_test(
            Polynomial(1, 0.0),
            rng.normal(size=n),
            rng.normal(size=n) + shift,
            n_permutations=99,
            rng=rng,
        ).p_value
        <= 0.05
        for _ in range(400)
    )
    low, high = stats.binom.interval(0.99, 400, power)
    assert low - 8 <= rejected <= high  # 99 permutations cost about two per cent


def test_aggregated_level_is_exact_and_power_close_to_that_of_the_best_kernel():
    """200 runs each. Alternative: a law rounded to a lattice, which only a narrow kernel sees."""
    rng = np.random.default_rng(8)

    def rejections(change, test, runs=200):
        return sum(
            test(rng.normal(size=40), change(rng.normal(size=40))).p_value <= 0.05
            for _ in range(runs)
        )

    def aggregated(x, y):
        return mmd_aggregated_test(None, x, y, n_permutations=99, rng=rng)

    def on_lattice(y):
        return np.round(y / 0.8) * 0.8

    assert within_99(rejections(lambda y: y, aggregated), 200, 0.05)

    def single(kernel):
        return lambda x, y: mmd_test(kernel, x, y, n_permutations=99, rng=rng)

    power = rejections(on_lattice, aggregated)
    of_median = rejections(on_lattice, single(None))
    of_best = rejections(on_lattice, single(Gaussian(0.12)))
    assert of_median < 60
    assert power > of_median + 40
    assert power > 0.6 * of_best


def test_aggregated_test_of_one_kernel_is_the_test():
    x, y = points(30, 2, 1), points(20, 2, 2) + 0.4
    one = mmd_test(Gaussian(), x, y, n_permutations=199, rng=4)
    aggregated = mmd_aggregated_test([Gaussian()], x, y, n_permutations=199, rng=4)
    assert aggregated.p_value == pytest.approx(one.p_value, abs=1e-15)
    assert aggregated.p_values[0] == pytest.approx(one.p_value, abs=1e-15)
    assert aggregated.statistics[0] == one.statistic


def test_median_lengthscale_of_many_points_is_that_of_the_law():
    """|X - X'| of the normal law has median sqrt(2) z, with P(|Z| < z) = 1/2."""
    exact = math.sqrt(2) * stats.norm.ppf(0.75)
    assert median_lengthscale(points(5000, 1)) == pytest.approx(exact, rel=0.05)
    x = points(40, 3)
    distances = [np.linalg.norm(a - b) for i, a in enumerate(x) for b in x[:i]]
    assert median_lengthscale(x) == pytest.approx(np.median(distances), rel=1e-12)


NAN = [0.0, math.nan]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: mmd_squared(Gaussian(), [1.0], [1.0, 2.0]),
            "x must hold at least 2 points, got 1",
        ),
        (lambda: mmd_squared(Gaussian(), [1.0, 2.0], []), "y must hold at least 2 points, got 0"),
        (lambda: mmd_squared(Gaussian(), NAN, [1.0, 2.0]), "x must be finite"),
        (lambda: mmd_squared(Gaussian(), np.ones((3, 2)), np.ones((3, 1))), "same dimension"),
        (lambda: mmd_squared(Gaussian(), np.ones((3, 0)), np.ones((3, 0))), "at least one coord"),
        (
            lambda: witness(Gaussian(), [0.0], [1.0], np.ones((2, 2))),
            "x and points must have the sa",
        ),
        (
            lambda: mmd_test(None, [0.0, 1.0], [1.0, 2.0], n_permutations=0),
            "n_permutations must be",
        ),
        (lambda: mmd_test(None, np.ones(4), np.ones(4)), "x must have distinct points"),
        (lambda: mmd_aggregated_test([], [0.0, 1.0], [1.0, 2.0]), "at least one kernel"),
        (
            lambda: median_lengthscale([0.0, 0.0, 0.0, 0.0, 1.0]),
            "more than half of the pairs equal",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
