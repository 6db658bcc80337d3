"""Determinantal processes have the law that their determinants say, set by set."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore.determinantal import (
    k_dpp,
    l_ensemble,
    marginal_kernel,
    projection,
    volume_sampling,
)
from labcore.determinantal._projection import polynomial_ratios
from labcore.kernels import Gaussian

SEEDS = st.integers(0, 2**32 - 1)
N = 6


def subsets(n):
    return [s for k in range(n + 1) for s in itertools.combinations(range(n), k)]


def random_positive(seed, n=N, rank=None):
    factor = np.random.default_rng(seed).standard_normal((n, rank or n))
    return factor @ factor.T


def contraction(seed, n=N):
    """A symmetric matrix with eigenvalues in [0, 1], the ends included."""
    generator = np.random.default_rng(seed)
    Q = np.linalg.qr(generator.standard_normal((n, n)))[0]
    values = np.concatenate([[0.0, 1.0], generator.random(n - 2)])
    return (Q * values) @ Q.T


def columns(seed, n=N, r=3):
    return np.random.default_rng(seed).standard_normal((n, r))


def law_of_l_ensemble(L):
    return {s: np.linalg.det(L[np.ix_(s, s)]) / np.linalg.det(np.eye(N) + L) for s in subsets(N)}


def law_of_marginal_kernel(K):
    """P(Y = A) by inclusion-exclusion over the sets that contain A."""
    containing = {s: np.linalg.det(K[np.ix_(s, s)]) for s in subsets(N)}
    return {
        a: sum((-1) ** (len(s) - len(a)) * p for s, p in containing.items() if set(a) <= set(s))
        for a in subsets(N)
    }


def law_of_k_dpp(L, k):
    weights = {s: np.linalg.det(L[np.ix_(s, s)]) for s in subsets(N) if len(s) == k}
    return normalised(weights)


def law_of_projection(A):
    r = A.shape[1]
    return normalised({s: np.linalg.det(A[list(s)]) ** 2 for s in subsets(N) if len(s) == r})


def law_of_volume(A, k):
    def volume(rows):
        return np.linalg.det(rows @ rows.T if k <= A.shape[1] else rows.T @ rows)

    return normalised({s: volume(A[list(s)]) for s in subsets(N) if len(s) == k})


def normalised(weights):
    total = sum(weights.values())
    return {s: w / total for s, w in weights.items()}


INSTANCES = {
    "L-ensemble": (l_ensemble(random_positive(1)), law_of_l_ensemble(random_positive(1))),
    "L-ensemble of rank 2": (
        l_ensemble(random_positive(2, rank=2)),
        law_of_l_ensemble(random_positive(2, rank=2)),
    ),
    "marginal kernel": (marginal_kernel(contraction(3)), law_of_marginal_kernel(contraction(3))),
    "projection": (projection(columns(4)), law_of_projection(columns(4))),
    "3-DPP": (k_dpp(random_positive(5), 3), law_of_k_dpp(random_positive(5), 3)),
    "6-DPP": (k_dpp(random_positive(5), 6), law_of_k_dpp(random_positive(5), 6)),
    "3-DPP of rank 3": (
        k_dpp(random_positive(6, rank=3), 3),
        law_of_k_dpp(random_positive(6, rank=3), 3),
    ),
    "volume, 2 of 3": (volume_sampling(columns(7), 2), law_of_volume(columns(7), 2)),
    "volume, 3 of 3": (volume_sampling(columns(7), 3), law_of_volume(columns(7), 3)),
    "volume, 5 of 3": (volume_sampling(columns(7), 5), law_of_volume(columns(7), 5)),
}
CASES = pytest.mark.parametrize(("process", "law"), INSTANCES.values(), ids=INSTANCES)


def goodness_of_fit(drawn, law):
    """Pearson's statistic of how often each set was drawn, as a z-score (Wilson-Hilferty)."""
    drawn = [tuple(s.tolist()) for s in drawn]
    counts = dict.fromkeys(law, 0)
    for s in drawn:
        counts[s] += 1
    expected = {s: len(drawn) * p for s, p in law.items()}
    rare = [s for s in law if expected[s] < 5.0]
    cells = [(counts[s], expected[s]) for s in law if expected[s] >= 5.0]
    cells.append((sum(counts[s] for s in rare), sum(expected[s] for s in rare)))
    statistic = sum((c - e) ** 2 / e for c, e in cells if e > 1e-6)
    assert all(c == 0 for c, e in cells if e <= 1e-6)
    freedom = sum(e > 1e-6 for _, e in cells) - 1
    if freedom == 0:
        return 0.0
    cube = (statistic / freedom) ** (1 / 3)
    return (cube - 1 + 2 / (9 * freedom)) / math.sqrt(2 / (9 * freedom))


@CASES
def test_every_subset_is_drawn_as_often_as_its_determinant_says(process, law):
    """20,000 draws, chi-square over all subsets: z < 4, by chance once in 30,000 cases.

    Moving a part 0.05 of the mass from one half of the sets to the other is seen: z > 6.
    """
    drawn = process.sample(20_000, rng=1)
    assert goodness_of_fit(drawn, law) < 4.0


def test_the_test_of_the_law_sees_a_twentieth_that_moved():
    law = INSTANCES["marginal kernel"][1]
    # Half of the mass, by sets: the law of a process whose sizes are off by a little.
    middle = {s: p * (1.1 if len(s) <= 3 else 0.9) for s, p in law.items()}
    drawn = INSTANCES["marginal kernel"][0].sample(20_000, rng=1)
    assert goodness_of_fit(drawn, normalised(middle)) > 6.0


@CASES
def test_subsets_are_in_ascending_order(process, law):
    drawn = process.sample(50, rng=2)
    assert all((np.diff(s) > 0).all() for s in drawn)


@CASES
def test_a_longer_run_begins_with_the_shorter(process, law):
    for short, long in zip(process.sample(5, rng=3), process.sample(9, rng=3), strict=False):
        assert np.array_equal(short, long)


@pytest.mark.parametrize(
    "case", ["L-ensemble", "L-ensemble of rank 2", "marginal kernel", "projection", "3-DPP"]
)
def test_log_probability_is_the_law(case):
    process, law = INSTANCES[case]
    probabilities = [math.exp(process.log_probability(list(s))) for s in subsets(N)]
    np.testing.assert_allclose(probabilities, [law.get(s, 0.0) for s in subsets(N)], atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_inclusion_is_a_principal_minor_and_sums_the_law(seed):
    K = contraction(seed)
    process, law = marginal_kernel(K), law_of_marginal_kernel(K)
    np.testing.assert_allclose(process.kernel, K, atol=1e-12)
    for a in subsets(N):
        exact = sum(p for s, p in law.items() if set(a) <= set(s))
        assert process.inclusion(list(a)) == pytest.approx(exact, abs=1e-10)
    assert process.expected_size == pytest.approx(sum(len(s) * p for s, p in law.items()))


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.integers(1, N))
def test_inclusion_in_a_k_dpp_sums_its_law(seed, k):
    L = random_positive(seed)
    law = law_of_k_dpp(L, k)
    exact = [sum(p for s, p in law.items() if i in s) for i in range(N)]
    np.testing.assert_allclose(k_dpp(L, k).inclusion(), exact, atol=1e-9)


def test_l_ensemble_has_the_marginal_kernel_of_its_formula():
    L = random_positive(8)
    np.testing.assert_allclose(l_ensemble(L).kernel, L @ np.linalg.inv(np.eye(N) + L), atol=1e-12)


def test_inclusion_probabilities_of_a_large_process_agree_with_simulation():
    """n = 200, 4000 draws: pairs and triples within 4.5 standard errors of their determinants."""
    x = np.linspace(0.0, 1.0, 200)
    process = l_ensemble(5.0 * Gaussian(0.02)(x))
    drawn = process.sample(4000, rng=4)
    present = np.zeros((4000, 200))
    for row, s in zip(present, drawn, strict=True):
        row[s] = 1.0
    for items in ([10], [150], [10, 12], [10, 17], [60, 65, 75], [0, 100, 199]):
        p = process.inclusion(items)
        error = math.sqrt(p * (1 - p) / 4000)
        assert abs(present[:, items].all(axis=1).mean() - p) < 4.5 * error
    variance = (process.eigenvalues * (1 - process.eigenvalues)).sum()
    sizes = present.sum(axis=1)
    assert abs(sizes.mean() - process.expected_size) < 4.5 * math.sqrt(variance / 4000)
    assert sizes.var() == pytest.approx(variance, rel=0.12)  # 4.5 standard errors and more


def test_inclusion_in_a_large_k_dpp_agrees_with_simulation():
    """200 frequencies in 4000 draws within 4.8 standard errors: by chance once in 3000 runs."""
    x = np.linspace(0.0, 1.0, 200) ** 2
    process = k_dpp(Gaussian(0.05)(x), 12)
    counts = np.bincount(process.sample(4000, rng=5).ravel(), minlength=200)
    p = process.inclusion()
    assert p.sum() == pytest.approx(12.0)
    assert (np.abs(counts / 4000 - p) < 4.8 * np.sqrt(p * (1 - p) / 4000)).all()


def test_items_repel():
    """A k-DPP of points on the line leaves gaps more even than those of a uniform choice."""
    x = np.linspace(0.0, 1.0, 300)
    gaps = np.diff(k_dpp(Gaussian(0.1)(x), 8).sample(300, rng=6), axis=1)
    uniform = np.diff(np.sort(np.random.default_rng(1).integers(0, 300, (300, 8))), axis=1)
    assert gaps.std() / gaps.mean() < 0.7 * uniform.std() / uniform.mean()


@pytest.mark.parametrize(("n", "k"), [(8, 3), (30, 30), (400, 200), (2000, 1000)])
def test_polynomial_ratios_neither_overflow_nor_lose_digits(n, k):
    """Of n equal eigenvalues x: e_i / e_(i-1) = x (n - i + 1) / i, with e_1000 beyond 10^600."""
    for x in (1e-30, 1.0, 1e30):
        ratios = np.empty((n + 1, k))
        polynomial_ratios(np.full(n, x), ratios)
        i = np.arange(1, k + 1)
        np.testing.assert_allclose(ratios[-1], x * (n - i + 1) / i, rtol=1e-11)


def test_polynomial_ratios_agree_with_exact_integers():
    values = [1, 2, 3, 5, 8, 13, 21, 34, 55, 89]
    e = [1] + [0] * 10
    for x in values:
        e = [1] + [e[i] + x * e[i - 1] for i in range(1, 11)]
    ratios = np.empty((11, 10))
    polynomial_ratios(np.array(values, dtype=float), ratios)
    np.testing.assert_allclose(ratios[-1], [e[i] / e[i - 1] for i in range(1, 11)], rtol=1e-14)


def test_a_k_dpp_does_not_depend_on_the_scale_of_its_kernel():
    L = random_positive(9)
    assert np.array_equal(k_dpp(L, 3).sample(20, rng=1), k_dpp(1e12 * L, 3).sample(20, rng=1))


def test_least_squares_on_a_volume_sample_is_unbiased():
    """E[A_S^+ b_S] = A^+ b exactly, summed over all sets with the law that the samples follow."""
    A, b = columns(7), np.random.default_rng(8).standard_normal(N)
    full = np.linalg.lstsq(A, b)[0]
    for k in (3, 4, 5):
        law = law_of_volume(A, k)
        mean = sum(p * np.linalg.lstsq(A[list(s)], b[list(s)])[0] for s, p in law.items())
        np.testing.assert_allclose(mean, full, atol=1e-10)


def test_the_normaliser_of_volume_sampling_is_that_of_its_docstring():
    A, k, d = columns(7), 5, 3
    rows = [A[list(s)] for s in itertools.combinations(range(N), k)]
    total = sum(np.linalg.det(some.T @ some) for some in rows)
    assert total == pytest.approx(math.comb(N - d, k - d) * np.linalg.det(A.T @ A))


def test_the_span_of_a_volume_sample_is_within_its_factor_of_the_best_rank():
    """E |A - A P_S|^2 <= (k + 1) |A - A_k|^2, in Frobenius norm (Deshpande et al., theorem 1.3)."""
    A = columns(10, r=4)
    for k in (1, 2, 3):
        error = 0.0
        for s, p in law_of_volume(A, k).items():
            rows = A[list(s)]
            error += p * ((A - A @ np.linalg.pinv(rows) @ rows) ** 2).sum()
        best = (np.linalg.svd(A, compute_uv=False)[k:] ** 2).sum()
        assert best < error <= (k + 1) * best * (1 + 1e-12)


def test_duplicated_items_never_come_out_together():
    x = np.array([0.0, 0.0, 0.3, 0.6, 1.0])
    drawn = l_ensemble(3.0 * Gaussian(0.5)(x)).sample(2000, rng=1)
    assert any(0 in s for s in drawn)
    assert not any({0, 1} <= set(s.tolist()) for s in drawn)


def test_nothing_and_everything_can_be_certain():
    assert all(len(s) == 0 for s in l_ensemble(np.zeros((3, 3))).sample(5, rng=1))
    assert marginal_kernel(np.zeros((3, 3))).log_probability([]) == 0.0
    assert all(len(s) == 40 for s in marginal_kernel(np.eye(40)).sample(5, rng=1))
    assert marginal_kernel(np.eye(3)).log_probability([0, 1]) == -np.inf


def test_no_sample_is_an_empty_result():
    assert k_dpp(random_positive(1), 2).sample(0, rng=1).shape == (0, 2)
    assert l_ensemble(random_positive(1)).sample(0, rng=1) == []


L = random_positive(1)
NAN = np.where(np.eye(N) > 0, np.nan, L)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: l_ensemble(L[:3]), ValueError, "likelihood_kernel must be square"),
        (lambda: l_ensemble(L + np.triu(L)), ValueError, "likelihood_kernel must be symmetric"),
        (lambda: l_ensemble(NAN), ValueError, "likelihood_kernel must be finite"),
        (lambda: l_ensemble(-L), ValueError, "positive semi-definite, got eigenvalue -"),
        (lambda: l_ensemble(np.empty((0, 0))), ValueError, "likelihood_kernel must be square"),
        (lambda: l_ensemble("L"), TypeError, "likelihood_kernel must be an array"),
        (
            lambda: marginal_kernel(1.001 * np.eye(3)),
            ValueError,
            "eigenvalues in [0, 1], got 1.001",
        ),
        (lambda: marginal_kernel(-0.1 * np.eye(3)), ValueError, "kernel must be positive semi"),
        (lambda: marginal_kernel(np.triu(np.ones((2, 2)))), ValueError, "kernel must be symmetric"),
        (lambda: k_dpp(L, 7), ValueError, "size must be at most the rank 6, got 7"),
        (lambda: k_dpp(random_positive(1, rank=2), 3), ValueError, "at most the rank 2, got 3"),
        (lambda: k_dpp(L, 0), ValueError, "size must be at least 1"),
        (lambda: k_dpp(L, 2.5), TypeError, "size must be an integer"),
        (lambda: k_dpp(np.zeros((3, 3)), 1), ValueError, "at most the rank 0"),
        (lambda: projection(np.ones((3, 2))), ValueError, "linearly independent columns"),
        (lambda: projection(np.eye(3)[:2]), ValueError, "linearly independent columns"),
        (lambda: projection(np.empty((3, 0))), ValueError, "linearly independent columns"),
        (lambda: projection([[np.inf]]), ValueError, "basis must be finite"),
        (lambda: volume_sampling(columns(1), 7), ValueError, "size must be at most the 6 rows"),
        (lambda: volume_sampling(columns(1), 0), ValueError, "size must be at least 1"),
        (lambda: volume_sampling(np.ones((4, 2)), 3), ValueError, "rank at least 2, got 1"),
        (lambda: volume_sampling(np.empty((0, 2)), 1), ValueError, "rows must be an n x d matrix"),
        (lambda: volume_sampling([[np.nan]], 1), ValueError, "rows must be finite"),
        (lambda: l_ensemble(L).inclusion([6]), ValueError, "different numbers from 0 to 5"),
        (lambda: l_ensemble(L).inclusion([1, 1]), ValueError, "different numbers from 0 to 5"),
        (lambda: l_ensemble(L).inclusion([0.5]), TypeError, "items must be a list of integers"),
        (lambda: k_dpp(L, 2).log_probability([-1, 0]), ValueError, "different numbers"),
        (lambda: l_ensemble(L).sample(-1), ValueError, "n_samples must be at least 0"),
        (lambda: l_ensemble(L).sample(1, rng=-1), ValueError, "rng must be"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=re.escape(message)):
        make()
