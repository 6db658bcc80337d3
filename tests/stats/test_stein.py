"""The kernel Stein discrepancy: Stein's identity, closed forms, level and power by simulation."""

import math

import numpy as np
import pytest
from scipy import integrate, stats

from labcore import samplers
from labcore.kernels import Gaussian, Matern, RationalQuadratic
from labcore.stats import ksd_squared, ksd_test, stein_gram

KERNELS = [Gaussian(0.9), RationalQuadratic(1.4, alpha=0.5)]


def formula(kernel, x, y):
    """The base kernel's docstring formula."""
    r2 = np.sum((x - y) ** 2)
    if isinstance(kernel, Gaussian):
        return np.exp(-r2 / (2 * kernel.lengthscale**2))
    return (1 + r2 / kernel.lengthscale**2) ** -0.5


def by_differences(kernel, x, y, sx, sy, h=1e-4):
    """The Stein kernel from its first line, with central differences for the derivatives."""

    def k(a, b):
        return formula(kernel, a, b)

    value = sx @ sy * k(x, y)
    for e in h * np.eye(len(x)):
        i = int(np.argmax(e))
        value += sy[i] * (k(x + e, y) - k(x - e, y)) / (2 * h)
        value += sx[i] * (k(x, y + e) - k(x, y - e)) / (2 * h)
        mixed = k(x + e, y + e) - k(x + e, y - e) - k(x - e, y + e) + k(x - e, y - e)
        value += mixed / (4 * h * h)
    return value


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("d", [1, 2, 5])
def test_stein_kernel_is_the_stein_operator_applied_twice(kernel, d):
    rng = np.random.default_rng(d)
    x, s = rng.normal(size=(2, 6, d))
    exact = [[by_differences(kernel, x[i], x[j], s[i], s[j]) for j in range(6)] for i in range(6)]
    np.testing.assert_allclose(stein_gram(kernel, x, s), exact, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_stein_identity_by_quadrature(kernel):
    """The mean of k_s(x, Y) over Y of the law is zero: for a mixture, known up to a constant."""

    def density(y):
        return np.exp(-0.5 * (y - 1) ** 2) + 0.5 * np.exp(-2.0 * (y + 1.5) ** 2)

    def score(y):
        slope = -(y - 1) * np.exp(-0.5 * (y - 1) ** 2)
        slope -= 2 * (y + 1.5) * np.exp(-2.0 * (y + 1.5) ** 2)
        return slope / density(y)

    for x in (-2.0, 0.3, 1.7):

        def integrand(y, x=x):
            both = np.array([x, y])
            return stein_gram(kernel, both, score(both))[0, 1] * density(y)

        mean, error = integrate.quad(integrand, -9, 9, limit=200)
        assert abs(mean) < max(1e-7, 10 * error)
        wrong, _ = integrate.quad(lambda y: integrand(y) * (1 + 0.1 * y), -9, 9, limit=200)
        assert abs(wrong) > 1e-3


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize(("n", "d"), [(2, 1), (127, 3), (700, 2), (30, 10)])
def test_estimates_are_means_over_the_gram_matrix(kernel, n, d):
    rng = np.random.default_rng(n)
    x, s = rng.normal(size=(2, n, d))
    gram = stein_gram(kernel, x, s)
    np.testing.assert_array_equal(gram, gram.T)
    assert ksd_squared(kernel, x, s, biased=True) == pytest.approx(gram.mean(), rel=1e-10)
    unbiased = (gram.sum() - np.trace(gram)) / (n * (n - 1))
    assert ksd_squared(kernel, x, s) == pytest.approx(unbiased, rel=1e-9, abs=1e-13)
    test = ksd_test(kernel, x, s, n_bootstrap=1, rng=1)
    assert test.statistic == pytest.approx(unbiased, rel=1e-9, abs=1e-13)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_stein_gram_is_positive_definite(kernel):
    x, s = np.random.default_rng(3).normal(size=(2, 40, 2))
    lowest = np.linalg.eigvalsh(
        stein_gram(kernel, np.repeat(x, 2, axis=0), np.repeat(s, 2, axis=0))
    )
    assert lowest[0] > -1e-12 * lowest[-1]


def test_mean_of_the_estimate_between_two_normal_laws_is_the_closed_form():
    """For P = N(0, I), Q = N(m e, I) the scores differ by m: KSD^2 = m^2 E k(X, X') over Q."""
    m, d, lengthscale, runs = 0.7, 2, 1.1, 3000
    exact = m**2 * (lengthscale**2 / (lengthscale**2 + 2)) ** (d / 2)
    rng, values = np.random.default_rng(4), []
    for _ in range(runs):
        x = rng.normal(size=(12, d)) + np.array([m, 0.0])
        values.append(ksd_squared(Gaussian(lengthscale), x, -x))
    error = np.std(values) / math.sqrt(runs)
    assert exact > 20 * error
    assert abs(np.mean(values) - exact) < 4 * error


def test_a_target_gives_its_own_score():
    target = samplers.banana()
    x = np.random.default_rng(5).normal(size=(30, 2))
    score = samplers.evaluate(target, x)[1]
    kernel = RationalQuadratic(alpha=0.5)
    assert ksd_squared(kernel, x, target) == ksd_squared(kernel, x, score)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_level_for_independent_points(kernel):
    """400 samples of 60 points of a normal law: rejections in the 99 % band, by wild bootstrap."""
    rng = np.random.default_rng(6)
    p = np.empty(400)
    for run in range(400):
        x = rng.normal(size=(60, 2))
        p[run] = ksd_test(kernel, x, -x, n_bootstrap=199, rng=rng).p_value
    for level in (0.05, 0.2):
        low, high = stats.binom.interval(0.99, 400, level)
        assert low <= (p <= level + 1e-12).sum() <= high


def test_power_is_that_of_the_normal_law_of_the_statistic():
    r"""Q = N(m, 1), P = N(0, 1), n = 100, m = 0.35.

    The statistic has asymptotically mean KSD^2 and variance 4 Var h(X) / n, where
    h(x) = E k_s(x, X') = m x e(x) - m e'(x) with e(x) = E k(x, X'), by Stein's identity of Q. The
    threshold is the bootstrap's.
    """
    n, m, kernel, rng = 100, 0.35, Gaussian(1.0), np.random.default_rng(7)
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    weights = weights / weights.sum()
    e = math.sqrt(0.5) * np.exp(-(nodes**2) / 4)  # at x = m + nodes
    h = m * (m + nodes) * e - m * (-nodes / 2 * e)
    mean = weights @ h
    assert mean == pytest.approx(m**2 * math.sqrt(1 / 3), rel=1e-10)
    sd = 2 * math.sqrt(weights @ h**2 - mean**2) / math.sqrt(n)
    rejected, statistics, thresholds = 0, [], []
    for _ in range(300):
        x = rng.normal(size=n) + m
        result = ksd_test(kernel, x, -x, n_bootstrap=199, rng=rng)
        rejected += result.p_value <= 0.05
        statistics.append(result.statistic)
        thresholds.append(np.quantile(result.null, 0.95))
    assert np.std(statistics) == pytest.approx(sd, rel=0.2)
    power = stats.norm.sf((np.mean(thresholds) - mean) / sd)
    assert 0.6 < power < 0.95
    assert rejected / 300 == pytest.approx(power, abs=0.08)


def test_chain_needs_signs_that_remember_longer_than_it_does():
    """Autoregression of coefficient 0.8, n = 400: independent signs reject far too often."""
    rng = np.random.default_rng(8)
    rejected = np.zeros(2)
    for _ in range(150):
        x = rng.normal(size=400)
        for i in range(1, 400):
            x[i] = 0.8 * x[i - 1] + 0.6 * x[i]
        for which, flip in enumerate((0.5, 0.02)):
            test = ksd_test(Gaussian(1.0), x, -x, n_bootstrap=99, flip_probability=flip, rng=rng)
            rejected[which] += test.p_value <= 0.05
    assert rejected[0] > 0.4 * 150
    assert rejected[1] < 0.12 * 150


def test_weights_of_modes_are_not_seen():
    """What the docstring warns of: one of two modes alone passes, with half of the mass missing."""
    target = samplers.two_modes(1, distance=12.0)
    x = np.random.default_rng(9).normal(size=150) + 6.0
    assert ksd_test(RationalQuadratic(alpha=0.5), x, target, rng=1).p_value > 0.05


@pytest.mark.parametrize(
    ("error", "call", "message"),
    [
        (
            TypeError,
            lambda: ksd_squared(Matern(), [0, 1], [0, 1]),
            "Gaussian, or RationalQuadratic",
        ),
        (ValueError, lambda: ksd_squared(Gaussian(), [0.0], [0.0]), "at least 2 points, got 1"),
        (ValueError, lambda: ksd_squared(Gaussian(), [0, 1], [0, 1, 2]), "score must have the sh"),
        (ValueError, lambda: ksd_squared(Gaussian(), [0, 1], [0, math.nan]), "score must be fini"),
        (
            ValueError,
            lambda: ksd_squared(Gaussian(), np.ones((3, 3)), samplers.banana()),
            "points must have shape",
        ),
        (ValueError, lambda: ksd_test(Gaussian(), [0, 1], [0, 1], n_bootstrap=0), "n_bootstrap"),
        (
            ValueError,
            lambda: ksd_test(Gaussian(), [0, 1], [0, 1], flip_probability=0.7),
            "flip_probability must be at most 0.5, got 0.7",
        ),
        (TypeError, lambda: ksd_squared(Gaussian((1.0,)), [0, 1], [0, 1]), "one lengthscale"),
        (TypeError, lambda: ksd_squared(RationalQuadratic(), [0, 1], [0, 1]), "with alpha = 0.5"),
    ],
)
def test_bad_input_is_named(error, call, message):
    with pytest.raises(error, match=message):
        call()
