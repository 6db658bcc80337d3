"""The independence criterion: closed form, and level and power of its test by simulation."""

import math

import numpy as np
import pytest
from scipy import stats

from labcore.kernels import Gaussian, Matern, Polynomial
from labcore.stats import hsic, hsic_test
from labcore.stats.resampling import permutations


def pairs(n, correlation, rng):
    x, z = rng.normal(size=(2, n))
    return x, correlation * x + math.sqrt(1 - correlation**2) * z


def normal_hsic(a, b, correlation):
    """For standard normal pairs and Gaussian kernels of lengthscales a and b, from the definition.

    Each term is E exp(-D' A D / 2) = det(I + C A)^(-1/2) for D normal with covariance C.
    """

    def term(covariance):
        c = np.array([[2.0, covariance], [covariance, 2.0]])
        return np.linalg.det(np.eye(2) + c @ np.diag([a**-2, b**-2])) ** -0.5

    return term(2 * correlation) + term(0.0) - 2 * term(correlation)


@pytest.mark.parametrize(("n", "d", "e"), [(4, 1, 1), (50, 2, 3), (300, 1, 2)])
def test_docstring_formulas(n, d, e):
    rng = np.random.default_rng(n)
    x, y = rng.normal(size=(n, d)), rng.normal(size=(n, e))
    k, l = Gaussian(0.9), 2 * Matern(1.5, 0.6) + 0.5
    gram_k, gram_l = k(x), l(y)
    centre = np.eye(n) - 1 / n
    biased = np.trace(gram_k @ centre @ gram_l @ centre) / n**2
    assert hsic(k, l, x, y, biased=True) == pytest.approx(biased, rel=1e-9)
    np.fill_diagonal(gram_k, 0.0)
    np.fill_diagonal(gram_l, 0.0)
    one = np.ones(n)
    bracket = np.trace(gram_k @ gram_l)
    bracket += (one @ gram_k @ one) * (one @ gram_l @ one) / ((n - 1) * (n - 2))
    bracket -= 2 / (n - 2) * (one @ gram_k @ gram_l @ one)
    assert hsic(k, l, x, y) == pytest.approx(bracket / (n * (n - 3)), rel=1e-8, abs=1e-14)


def test_mean_of_the_unbiased_estimate_is_the_closed_form_for_normal_pairs():
    exact, rng, runs = normal_hsic(0.7, 1.2, 0.6), np.random.default_rng(2), 3000
    values = [hsic(Gaussian(0.7), Gaussian(1.2), *pairs(15, 0.6, rng)) for _ in range(runs)]
    error = np.std(values) / math.sqrt(runs)
    assert exact > 10 * error
    assert abs(np.mean(values) - exact) < 4 * error


def test_estimates_tend_to_the_closed_form_and_to_zero_under_independence():
    rng = np.random.default_rng(3)
    kernels = Gaussian(0.7), Gaussian(1.2)
    assert hsic(*kernels, *pairs(3000, 0.6, rng)) == pytest.approx(
        normal_hsic(0.7, 1.2, 0.6), rel=0.1
    )
    assert abs(hsic(*kernels, *pairs(3000, 0.0, rng))) < 2e-4


def test_with_linear_kernels_it_is_the_squared_covariance():
    x, y = pairs(40, 0.5, np.random.default_rng(4))
    linear = Polynomial(1, 0.0)
    exact = np.cov(x, y, ddof=0)[0, 1] ** 2
    assert hsic(linear, linear, x, y, biased=True) == pytest.approx(exact, rel=1e-10)


def test_the_statistic_of_the_test_is_the_unbiased_estimate_also_after_permuting():
    x, y = pairs(150, 0.5, np.random.default_rng(5))
    k, l = Gaussian(0.9), Matern(1.5)
    result = hsic_test(k, l, x, y, n_permutations=6, rng=9)
    assert result.statistic == pytest.approx(hsic(k, l, x, y), rel=1e-9)
    for value, order in zip(result.null, permutations(150, 6, 9), strict=True):
        assert value == pytest.approx(hsic(k, l, x, y[order]), rel=1e-7, abs=1e-13)


def test_level_is_exact_for_small_samples():
    """400 samples of 12 independent pairs, of skewed laws: rejections in the 99 % band."""
    rng = np.random.default_rng(6)
    p = np.empty(400)
    for run in range(400):
        x, y = rng.exponential(size=12), rng.exponential(size=12) ** 2
        p[run] = hsic_test(None, None, x, y, n_permutations=99, rng=rng).p_value
    for level in (0.05, 0.2, 0.5):
        low, high = stats.binom.interval(0.99, 400, level)
        assert low <= (p <= level + 1e-12).sum() <= high


def test_power_with_linear_kernels_is_that_of_the_test_of_correlation():
    """Correlation 0.4, n = 40: by Fisher's transform the two-sided test rejects in 73 %."""
    rng, n, correlation = np.random.default_rng(7), 40, 0.4
    power = stats.norm.sf(1.96 - math.atanh(correlation) * math.sqrt(n - 3))
    assert power == pytest.approx(0.731, abs=1e-3)
    linear = Polynomial(1, 0.0)
    rejected = sum(
        hsic_test(linear, linear, *pairs(n, correlation, rng), n_permutations=99, rng=rng).p_value
        <= 0.05
        for _ in range(400)
    )
    low, high = stats.binom.interval(0.99, 400, power)
    assert low - 8 <= rejected <= high  # 99 permutations cost about two per cent


def test_it_sees_dependence_without_correlation():
    angle = np.random.default_rng(8).uniform(0, 2 * math.pi, 60)
    assert hsic_test(None, None, np.cos(angle), np.sin(angle), rng=1).p_value < 0.05


def test_constant_variable_gives_no_evidence():
    x = np.random.default_rng(9).normal(size=10)
    assert hsic_test(None, Gaussian(), x, np.ones(10), n_permutations=49, rng=1).p_value == 1.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: hsic(Gaussian(), Gaussian(), range(3), range(3)), "x must hold at least 4 points"),
        (lambda: hsic(Gaussian(), Gaussian(), range(5), range(6)), "same length, got 5 and 6"),
        (lambda: hsic(Gaussian(), Gaussian(), range(4), [0, 1, 2, math.inf]), "y must be finite"),
        (lambda: hsic_test(None, None, range(5), np.ones(5)), "x must have distinct points"),
        (lambda: hsic_test(None, None, range(5), range(5), n_permutations=0), "n_permutations"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
