"""Every law of `labcore.random`: addressing, and the draws against SciPy's distributions.

Kolmogorov-Smirnov on n = 2^18 draws rejects at the level 1e-4 when the distance is 0.0044; a law
whose distribution function is off by 0.006 somewhere is rejected with a probability above 0.99.
"""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special, stats

from labcore import random
from labcore.random import discrete, distributions
from tests.random.laws import ADDRESSED, CATEGORICAL, CONTINUOUS, DISCRETE, EVERY, WEIGHTS

N = 2**18
LEVEL = 1e-4


def named(laws):
    return pytest.mark.parametrize("law", laws, ids=lambda law: law.name)


@named(EVERY)
@settings(max_examples=8, deadline=None)
@given(
    seed=st.integers(0, 2**64 - 1),
    stream=st.integers(0, 2**64 - 1),
    start=st.integers(0, 2**47),
    skip=st.integers(0, 9),
)
def test_a_draw_is_a_function_of_seed_stream_and_index(law, seed, stream, start, skip):
    whole = law.draw(40, rng=seed, stream=stream, start=start)
    tail = law.draw(40 - skip, rng=seed, stream=stream, start=start + skip)
    np.testing.assert_array_equal(whole[skip:], tail)


@named(EVERY)
def test_arrays_hold_the_draws_of_the_loop_functions(law):
    """600 draws: more than a buffer holds, and enough that some are rejected."""
    values = law.draw((2, 300), rng=5, stream=3, start=7)
    address = [(np.uint64(5), np.uint64(3), np.uint64(i)) for i in range(7, 607)]
    np.testing.assert_array_equal(values.ravel(), [law.at(*a) for a in address])


@named(CONTINUOUS)
def test_draws_follow_the_law(law):
    assert stats.kstest(law.draw(N, rng=11), law.scipy.cdf).pvalue > LEVEL


@named([law for law in CONTINUOUS if np.isfinite(law.scipy.stats("k"))])
def test_mean_and_variance_are_those_of_the_law(law):
    """From 2^20 draws: for the normal law an error of 1 in 100 of the variance is 7 deviations, and

    less is seen of heavier tails.
    """
    x = law.draw(2**20, rng=28)
    mean, variance, kurtosis = map(float, law.scipy.stats("mvk"))
    assert abs(x.mean() - mean) < 4.5 * math.sqrt(variance / x.size)
    spread = math.sqrt((kurtosis + 2) / x.size)
    assert abs(((x - mean) ** 2).mean() / variance - 1) < 4.5 * spread


@named(DISCRETE)
def test_values_are_as_frequent_as_they_should_be(law):
    """Chi-square over the values, those with less than 10 expected taken together."""
    draws = law.draw(N, rng=12)
    values = np.arange(draws.max() + 2)
    expected = N * law.scipy.pmf(values)
    observed = np.bincount(draws, minlength=values.size)
    assert (observed[expected == 0.0] == 0).all()
    common = expected >= 10
    cells = [(observed[common], expected[common])]
    if (rest := N - expected[common].sum()) > 1e-6:
        cells.append(([N - observed[common].sum()], [rest]))
    seen, hoped = (np.concatenate(part) for part in zip(*cells, strict=True))
    statistic = ((seen - hoped) ** 2 / hoped).sum()
    assert stats.chi2.sf(statistic, max(seen.size - 1, 1)) > LEVEL


@named(EVERY)
@pytest.mark.parametrize("neighbours", ["streams", "draws", "seeds"])
def test_neighbouring_addresses_are_independent(law, neighbours):
    """Spearman's correlation of 2^15 pairs has the standard deviation 0.0055."""
    n = 2**15
    a = law.draw(n, rng=7, stream=2)
    b = {
        "streams": lambda: law.draw(n, rng=7, stream=3),
        "draws": lambda: law.draw(n, rng=7, stream=2, start=1),
        "seeds": lambda: law.draw(n, rng=8, stream=2),
    }[neighbours]()
    if a.min() < a.max():
        assert abs(stats.spearmanr(a, b).statistic) < 5 / math.sqrt(n)


@named(CONTINUOUS)
def test_one_draw_in_ten_thousand_lies_beyond_its_quantile(law):
    """Of 2^18 draws 26 are expected in each tail, with standard deviation 5.1."""
    x = law.draw(N, rng=13)
    low, high = law.scipy.ppf(1e-4), law.scipy.isf(1e-4)
    allowed = 5 * math.sqrt(N * 1e-4)
    assert abs((x < low).sum() - N * 1e-4) < allowed
    assert abs((x > high).sum() - N * 1e-4) < allowed


def characteristic(alpha, beta, omega):
    """The definition of S1, as the docstring of `stable` states it."""
    phi = -2 / np.pi * np.log(omega) if alpha == 1 else np.tan(np.pi * alpha / 2)
    return np.exp(-(omega**alpha) * (1 - 1j * beta * phi))


@pytest.mark.parametrize("alpha", [0.3, 0.8, 1.0, 1.2, 1.7, 2.0])
@pytest.mark.parametrize("beta", [-1.0, 0.0, 0.4, 1.0])
def test_stable_has_the_characteristic_function_of_s1(alpha, beta):
    """Each part of the empirical function has a standard deviation below 2^-9 = 0.002."""
    x = random.stable(alpha, beta, N, rng=14)
    for omega in (0.1, 0.5, 1.0, 2.5):
        with np.errstate(invalid="raise"):
            angle = omega * x
        empirical = np.exp(1j * np.where(np.abs(angle) < 1e15, angle, 0)).mean()
        difference = empirical - characteristic(alpha, beta, omega)
        assert max(abs(difference.real), abs(difference.imag)) < 5 / math.sqrt(N)


def test_stable_agrees_with_scipys_distribution_function():
    law = stats.levy_stable(1.5, 0.5)
    x = random.stable(1.5, 0.5, N, rng=15)
    for point in (-3.0, -1.0, 0.0, 1.0, 4.0):
        p = law.cdf(point)
        assert abs((x <= point).mean() - p) < 5 * math.sqrt(p * (1 - p) / N)


@pytest.mark.parametrize("alpha", [0.999999, 1.000001])
def test_stable_tends_to_the_symmetric_law_at_one(alpha):
    np.testing.assert_allclose(
        random.stable(alpha, 0.0, 1000, rng=1), random.stable(1.0, 0.0, 1000, rng=1), rtol=1e-4
    )


def test_one_sided_stable_draws_are_positive():
    for alpha in (0.1, 0.5, 0.9):
        assert (random.stable(alpha, 1.0, N, rng=16) >= 0).all()
        assert (random.stable(alpha, -1.0, N, rng=16) <= 0).all()


@pytest.mark.parametrize("a", [1e-3, 1e-6])
def test_gamma_of_tiny_shape_has_the_logarithm_of_a_uniform(a):
    """a log X tends to log u: X^a is uniform up to terms of order a. Zeros are X below 1e-308."""
    x = random.gamma(a, N, rng=17)
    for p in (1.0 - 20 * a, 1.0 - 50 * a):  # u^(1/a) = exp(-20), exp(-50)
        expected = (x > p ** (1 / a)).mean()
        probability = special.gammaincc(a, p ** (1 / a))
        assert abs(expected - probability) < 5 * math.sqrt(probability / N) + 1e-12


def test_beta_of_tiny_shapes_is_no_quotient_of_zeros():
    x = random.beta(1e-3, 2e-3, N, rng=18)
    assert np.isfinite(x).all()
    p = stats.beta(1e-3, 2e-3).sf(0.5)
    assert abs((x > 0.5).mean() - p) < 5 * math.sqrt(p * (1 - p) / N)


@pytest.mark.parametrize("a", [1e8, 1e12, 1e16, 1e30])
def test_gamma_of_large_shape_is_normal(a):
    z = (random.gamma(a, N, rng=26) - a) / math.sqrt(a)
    if a < 1e16:  # beyond, neighbouring doubles near a are more than a part of sqrt(a) apart
        assert stats.kstest(z, stats.norm.cdf).statistic < 0.0044 + 0.3 / math.sqrt(a)
    assert abs(z.mean()) < 5 / math.sqrt(N)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / N)


@pytest.mark.parametrize("d", [1e8, 1e12, 1e16])
def test_nearly_every_first_attempt_at_a_large_shape_is_accepted(d):
    """The chance of rejection is the mean of 0.75 z^4 / 81 d, below 1e-9: rounding must not
    decide."""
    address = (np.uint64(1), np.uint64(0))
    c = 1 / math.sqrt(9 * d)
    accepted = [
        distributions._gamma_attempt(*address, np.uint64(i), 0, d, c) > 0 for i in range(2000)
    ]
    assert all(accepted)


@pytest.mark.parametrize("beta", [-1.0, 0.3, 1.0])
def test_stable_of_tiny_index_overflows_to_infinity_and_not_to_nan(beta):
    assert not np.isnan(random.stable(0.01, beta, N, rng=27)).any()


def test_student_t_tends_to_the_normal_draws_of_the_same_bits_like_one_over_df():
    u = random.uniform(2000, rng=19)
    normal = np.sqrt(-2 * np.log(u[::2])) * np.cos(2 * np.pi * u[1::2])
    errors = [np.abs(random.student_t(df, 1000, rng=19) - normal).max() for df in (1e3, 1e4, 1e5)]
    np.testing.assert_allclose(np.divide(errors[:-1], errors[1:]), 10, rtol=0.05)
    np.testing.assert_allclose(random.student_t(1e300, 1000, rng=19), normal, atol=1e-14)


def test_von_mises_is_nearly_normal_at_its_largest_concentration():
    x = random.von_mises(1e100, N, rng=20) * 1e50
    assert stats.kstest(x, stats.norm.cdf).pvalue > LEVEL


@pytest.mark.parametrize("mean", [1e5, 1e9, 1e15])
def test_poisson_of_large_mean_is_normal_with_its_skewness(mean):
    z = (random.poisson(mean, N, rng=21) - mean) / math.sqrt(mean)
    assert abs(z.mean()) < 5 / math.sqrt(N)
    assert abs(z.var() - 1) < 5 * math.sqrt(2 / N)
    assert stats.kstest(z, stats.norm.cdf).statistic < 0.0044 + 0.2 / math.sqrt(mean)


@pytest.mark.parametrize("mean", [10.0, 300.0, 1e6, 1e12])
def test_the_decision_of_the_poisson_sampler_knows_the_probability(mean):
    """Against mpmath, to 1e-10 of the logarithm."""
    import mpmath

    with mpmath.workdps(50):
        for z in (-3.0, -0.5, 0.0, 2.0, 5.0):
            k = math.floor(mean + z * math.sqrt(mean))
            if k >= 0:
                exact = k * mpmath.log(mean) - mean - mpmath.loggamma(k + 1)
                assert abs(discrete._log_poisson(float(k), mean) - exact) < 1e-10
        for k in (0, 1, 9, 10, 11, 9_999, 10_001):
            exact = k * mpmath.log(mean) - mean - mpmath.loggamma(k + 1)
            value = discrete._log_poisson(float(k), mean)
            assert abs(value - exact) < 1e-10 + 1e-13 * abs(exact)


@settings(max_examples=50, deadline=None)
@given(x=st.integers(0, 2**64 - 1), y=st.integers(0, 2**64 - 1))
def test_the_product_of_two_words_has_128_bits(x, y):
    high, low = discrete._product(np.uint64(x), np.uint64(y))
    assert int(high) << 64 | int(low) == x * y


@pytest.mark.parametrize("bound", [2**63, 3 * 2**61, 2**63 - 1])
def test_bounded_integers_reject_what_would_make_some_more_probable(bound):
    """For 3 * 2^61 a quarter of all words is rejected; the plain product would favour thirds."""
    x = random.integers(bound, N, rng=22)
    assert x.min() >= 0
    assert x.max() < bound
    residues = np.bincount(x % 3, minlength=3)
    assert stats.chisquare(residues).pvalue > LEVEL
    cells = np.bincount((x / (bound / 16)).astype(int), minlength=16)[:16]
    assert stats.chisquare(cells).pvalue > LEVEL


def test_an_alias_table_gives_each_category_its_weight():
    rng = np.random.default_rng(1)
    for n in (1, 2, 7, 1000):
        weights = rng.exponential(size=n) ** 4 * (rng.random(n) > 0.3) + (np.arange(n) == 0)
        table = random.alias_table(weights)
        total = np.bincount(table.alias, weights=1 - table.probability, minlength=n)
        np.testing.assert_allclose(
            (table.probability + total) / n, weights / weights.sum(), atol=1e-14
        )
        assert (table.probability[weights == 0] == 0).all()


def test_weights_as_large_as_doubles_can_be():
    assert set(random.categorical([1e308, 1e308, 0.0], 100, rng=1)) == {0, 1}
    assert set(random.categorical([5e-324, 5e-324, 0.0], 100, rng=1)) == {0, 1}


def test_permutations_are_all_equally_frequent():
    rows = random.permutations(5, 60_000, rng=23)
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(5), (60_000, 1)))
    _, counts = np.unique(rows @ 5 ** np.arange(5), return_counts=True)
    assert counts.size == 120
    assert stats.chisquare(counts).pvalue > LEVEL


@pytest.mark.parametrize("n", [1, 2, 3, 8, 1001])
def test_permutation_number_i_does_not_depend_on_the_others(n):
    rows = random.permutations(n, 9, rng=24, stream=1)
    np.testing.assert_array_equal(rows[4:], random.permutations(n, 5, rng=24, stream=1, start=4))
    np.testing.assert_array_equal(np.sort(rows, axis=1), np.tile(np.arange(n), (9, 1)))


def test_the_position_of_every_element_of_a_long_permutation_is_uniform():
    """Each of 64 x 64 counts is binomial; chi-square with 63^2 degrees of freedom."""
    rows = random.permutations(64, 20_000, rng=25)
    counts = np.zeros((64, 64))
    np.add.at(counts, (np.tile(np.arange(64), 20_000), rows.ravel()), 1)
    expected = 20_000 / 64
    statistic = ((counts - expected) ** 2 / expected).sum() * 63 / 64
    assert abs(statistic - 63**2) < 5 * math.sqrt(2 * 63**2)


def test_a_categorical_draw_never_has_weight_zero():
    assert not set(CATEGORICAL.draw(N, rng=1)) & {i for i, w in enumerate(WEIGHTS) if w == 0}


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: random.gamma(0.0, 3), ValueError, "a must be positive, got 0"),
        (lambda: random.gamma(math.nan, 3), ValueError, "a must be finite, got nan"),
        (lambda: random.gamma("x", 3), TypeError, "a must be a real number, got 'x'"),
        (lambda: random.beta(1.0, -2.0, 3), ValueError, "b must be positive, got -2"),
        (lambda: random.student_t(math.inf, 3), ValueError, "df must be finite, got inf"),
        (lambda: random.stable(2.1, 0.0, 3), ValueError, "alpha must be at most 2, got 2.1"),
        (lambda: random.stable(0.0, 0.0, 3), ValueError, "alpha must be positive, got 0"),
        (lambda: random.stable(1.5, 1.5, 3), ValueError, "beta must be from -1 to 1, got 1.5"),
        (lambda: random.von_mises(-1.0, 3), ValueError, "kappa must not be negative, got -1"),
        (lambda: random.von_mises(1e101, 3), ValueError, "kappa must be at most 1e\\+100"),
        (lambda: random.poisson(-1.0, 3), ValueError, "mean must not be negative, got -1"),
        (lambda: random.poisson(2e15, 3), ValueError, "mean must be at most 1e\\+15"),
        (lambda: random.integers(0, 3), ValueError, "bound must be at least 1, got 0"),
        (lambda: random.integers(2**63 + 1, 3), ValueError, "bound must be at most 2\\*\\*63"),
        (lambda: random.integers(2.0, 3), TypeError, "bound must be an integer, got 2.0"),
        (lambda: random.categorical([], 3), ValueError, "weights must not be empty"),
        (lambda: random.categorical([0.0], 3), ValueError, "weights must not all be zero"),
        (lambda: random.categorical([1, -2], 3), ValueError, "negative, got -2 at 1"),
        (lambda: random.categorical([1, math.nan], 3), ValueError, "weights must be finite"),
        (lambda: random.categorical([[1.0]], 3), ValueError, "weights must have 1 dimensions"),
        (lambda: random.permutations(0), ValueError, "n must be at least 1, got 0"),
        (lambda: random.permutations(3, -1), ValueError, "count must be at least 0, got -1"),
        (lambda: random.permutations(9, start=2**48), ValueError, "start must be at most"),
        (
            lambda: random.gamma(1.0, 3, start=2**48 - 2),
            ValueError,
            "start must be at most 281474976710653 for 3 draws, got 281474976710654",
        ),
        (lambda: random.gamma(1.0, 3, stream=2**64), ValueError, "stream must be below 2\\*\\*64"),
        (lambda: random.student_t(1.0, 3, start=2**64), ValueError, "start must be at most"),
        (lambda: random.beta(1.0, 1e-301, 3), ValueError, "b must be at least 1e-300"),
        (lambda: random.orthogonal(3, start=2**62), ValueError, "start must be at most"),
        (lambda: random.unit_vectors(3, start=2**63), ValueError, "start must be at most"),
        (lambda: random.gamma(1.0, 3, stream=-1), ValueError, "stream must be at least 0"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_loop_that_rejects_every_attempt_ends():
    address = (np.uint64(1), np.uint64(0), np.uint64(0))
    assert math.isnan(random.gamma_at(*address, math.nan))
    assert math.isnan(random.von_mises_at(*address, math.nan))


@named(ADDRESSED)
def test_an_empty_shape_gives_an_empty_array(law):
    assert law.draw(0, rng=1).shape == (0,)
    assert law.draw((3, 0), rng=1).shape == (3, 0)
