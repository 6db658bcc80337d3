"""Halton points, lattices and nets: definitions, discrepancy, projections and rates."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.stats import qmc

from labcore import quasi
from labcore.quasi.lattice import _kernel


def radical_inverse(i: int, base: int) -> float:
    """The definition, digit by digit."""
    value, place = 0.0, 1.0 / base
    while i:
        i, digit = divmod(i, base)
        value += digit * place
        place /= base
    return value


@pytest.mark.parametrize("start", [0, 1, 1000, 3_000_017])
def test_halton_points_are_radical_inverses_in_the_first_primes(start):
    primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37]
    points = quasi.halton(1200, 12, scramble=False, start=start)
    expected = [[radical_inverse(start + i, p) for p in primes] for i in range(1200)]
    np.testing.assert_allclose(points, expected, rtol=0, atol=2e-15)


def test_bases_larger_than_a_table_are_treated_alike():
    """The 200th prime is 1223: its digits have no table of their own."""
    points = quasi.halton(3000, 200, scramble=False)
    expected = [[radical_inverse(i, p) for p in (1223, 1193)] for i in range(3000)]
    np.testing.assert_allclose(points[:, [199, 195]], expected, rtol=0, atol=2e-15)


def test_unscrambled_points_are_scipys():
    points = quasi.halton(5000, 25, scramble=False)
    np.testing.assert_allclose(points, qmc.Halton(25, scramble=False).random(5000), atol=1e-14)


@settings(max_examples=20, deadline=None)
@given(
    d=st.integers(1, 12),
    start=st.integers(0, 2**40),
    skip=st.integers(0, 1500),
    n=st.integers(1, 300),
    seed=st.integers(0, 2**64 - 1),
)
def test_the_halton_sequence_can_be_continued(d, start, skip, n, seed):
    whole = quasi.halton(skip + n, d, rng=seed, start=start)
    np.testing.assert_array_equal(whole[skip:], quasi.halton(n, d, rng=seed, start=start + skip))
    assert whole.min() >= 0
    assert whole.max() < 1


@pytest.mark.parametrize("d", [1, 3, 8])
def test_each_base_fills_its_intervals_evenly(d):
    """Of any p^k consecutive points each interval of length p^-k has one, scrambled or not."""
    for j, p in enumerate([2, 3, 5, 7, 11, 13, 17, 19][:d]):
        k = max(int(math.log(3000) / math.log(p)), 1)
        x = quasi.halton(p**k, d, rng=3, start=12345)[:, j]
        cells = np.sort(np.floor(x * p**k + 1e-9).astype(int))
        np.testing.assert_array_equal(cells, np.arange(p**k))


def test_a_scrambled_point_is_uniform_on_the_cube():
    """Over 4000 seeds, point 5 in coordinates of base 2, 5 and 29: Kolmogorov-Smirnov, and no

    correlation between coordinates.
    """
    x = np.array([quasi.halton(1, 10, rng=seed, start=5)[0] for seed in range(4000)])
    for j in (0, 2, 9):
        assert stats.kstest(x[:, j], stats.uniform.cdf).pvalue > 1e-4
    correlation = np.corrcoef(x.T) - np.eye(10)
    assert np.abs(correlation).max() < 5 / math.sqrt(4000)


@pytest.mark.parametrize("scramble", [False, True])
def test_the_discrepancy_of_halton_points_is_a_tenth_of_that_of_random_ones(scramble):
    """The mean squared L2 discrepancy of n random points is exactly (2^-d - 3^-d) / n."""
    n, d = 1024, 3
    value = qmc.discrepancy(quasi.halton(n, d, scramble=scramble, rng=4), method="L2-star")
    assert value**2 < (2.0**-d - 3.0**-d) / n / 10


def slope(sizes, errors):
    return np.polyfit(np.log(sizes), np.log(errors), 1)[0]


def smooth(x):
    """Integral 1, mixed derivatives bounded, not periodic."""
    return np.prod(1 + 0.5 * (np.exp(x) - (math.e - 1)), axis=1)


def mean_error(points_of, integrand, n, repeats=24):
    errors = [integrand(points_of(n, seed)).mean() - 1 for seed in range(repeats)]
    return math.sqrt(np.mean(np.square(errors)))


def test_halton_errors_fall_nearly_like_one_over_n():
    sizes = [2**k for k in range(6, 14)]
    errors = [mean_error(lambda n, s: quasi.halton(n, 3, rng=s), smooth, n) for n in sizes]
    assert slope(sizes, errors) < -0.9  # plain Monte Carlo: -0.5


def periodic(power):
    """Product of 1 + B_power / 2-like factors with Fourier coefficients |h|^-power; integral 1."""
    if power == 2:
        return lambda x: np.prod(1 + 0.5 * _kernel(x), axis=1)
    quartic = 2 * np.pi**4 / 3
    return lambda x: np.prod(1 + 0.5 * quartic * (1 / 30 - (x * (1 - x)) ** 2), axis=1)


@pytest.mark.parametrize("power", [2, 4])
def test_lattice_errors_fall_like_the_fourier_coefficients(power):
    sizes = [2**k for k in range(6, 13)]
    f = periodic(power)
    errors = [mean_error(lambda n, s: quasi.lattice(n, 2, rng=s), f, n) for n in sizes]
    assert -power - 0.5 < slope(sizes, errors) < -power + 0.5


def test_on_a_function_that_is_not_periodic_a_lattice_falls_like_one_over_n():
    """And folded it falls like n^-2: both as the docstring says."""
    sizes = [2**k for k in range(6, 13)]

    def folded(n, seed):
        return 1 - np.abs(2 * quasi.lattice(n, 2, rng=seed) - 1)

    plain = [mean_error(lambda n, s: quasi.lattice(n, 2, rng=s), smooth, n) for n in sizes]
    fold = [mean_error(folded, smooth, n) for n in sizes]
    assert -1.4 < slope(sizes, plain) < -0.75
    assert slope(sizes, fold) < -1.6


@pytest.mark.parametrize("n", [1, 2, 12, 101, 1024])
def test_lattice_points_are_their_definition(n):
    vector = np.array([1, 5, 7]) % n
    moved = quasi.lattice(n, 3, vector=vector, rng=2)
    still = quasi.lattice(n, 3, vector=vector, shift=False)
    np.testing.assert_allclose(still, np.arange(n)[:, None] * vector % n / n, atol=1e-15)
    difference = moved - still - moved[0]
    np.testing.assert_allclose(difference, np.round(difference), atol=1e-14)
    assert moved.min() >= 0
    assert moved.max() < 1


def squared_error(n, vector, weights):
    """The criterion of `generating_vector`, by its definition."""
    x = np.arange(n)[:, None] * np.asarray(vector) % n / n
    return np.prod(1 + weights * (2 * np.pi**2 * (x**2 - x + 1 / 6)), axis=1).mean() - 1


@pytest.mark.parametrize("n", [8, 16, 64, 256])
@pytest.mark.parametrize("weights", [(1.0, 1.0, 1.0, 1.0), (1.0, 0.25, 0.11, 0.0625)])
def test_fast_construction_finds_what_trying_every_component_finds(n, weights):
    weights = np.array(weights)
    vector = quasi.generating_vector(n, 4, weights=weights)
    assert vector[0] == 1
    for j in range(1, 4):
        tries = [squared_error(n, [*vector[:j], z], weights[: j + 1]) for z in range(1, n, 2)]
        found = squared_error(n, vector[: j + 1], weights[: j + 1])
        np.testing.assert_allclose(found, min(tries), rtol=1e-9)


def test_the_worst_case_error_of_the_constructed_lattices_tends_to_one_over_n():
    """Up to logarithms: in two dimensions the rate is seen, in five it is on its way."""
    sizes = [2**k for k in range(6, 17)]
    for d, small, large in ((2, -0.9, -0.94), (5, -0.7, -0.78)):
        weights = 1 / np.arange(1.0, d + 1) ** 2
        errors = [squared_error(n, quasi.generating_vector(n, d), weights) ** 0.5 for n in sizes]
        assert slope(sizes[:6], errors[:6]) < small
        assert slope(sizes[5:], errors[5:]) < large


def test_projections_of_a_lattice_on_each_axis_are_equally_spaced():
    x = quasi.lattice(1024, 8, rng=1)
    gaps = np.diff(np.sort(x, axis=0), axis=0)
    np.testing.assert_allclose(gaps, 1 / 1024, atol=1e-13)


def test_the_first_components_do_not_depend_on_how_many_are_asked_for():
    np.testing.assert_array_equal(
        quasi.generating_vector(512, 6)[:3], quasi.generating_vector(512, 3)
    )


@pytest.mark.parametrize("scramble", [False, True])
@pytest.mark.parametrize("n", [1, 2, 64, 1024])
def test_a_digital_net_adds_its_points_by_adding_their_indices_digit_by_digit(n, scramble):
    x = quasi.digital_net(n, 4, scramble=scramble, rng=5)
    digits = (x * 2.0**52).astype(np.int64)
    np.testing.assert_array_equal(digits * 2.0**-52, x)
    i, k = np.random.default_rng(1).integers(0, n, (2, 500))
    np.testing.assert_array_equal(digits[i] ^ digits[k], digits[i ^ k] ^ digits[0])


def test_a_digital_net_holds_scipys_sobol_points():
    ours = quasi.digital_net(256, 6, scramble=False)
    theirs = qmc.Sobol(6, scramble=False).random(256)
    np.testing.assert_array_equal(np.sort(ours, axis=0), np.sort(theirs, axis=0))
    assert {tuple(p) for p in ours} == {tuple(p) for p in theirs}


@pytest.mark.parametrize("points", [quasi.halton, quasi.lattice, quasi.digital_net])
def test_a_seed_tells_the_points_and_a_generator_is_advanced(points):
    np.testing.assert_array_equal(points(64, 3, rng=7), points(64, 3, rng=7))
    generator = np.random.default_rng(7)
    assert not np.array_equal(points(64, 3, rng=generator), points(64, 3, rng=generator))
    assert not np.array_equal(points(64, 3), points(64, 3))


@pytest.mark.parametrize("points", [quasi.halton, quasi.lattice])
def test_points_are_written_where_they_should_be(points):
    out = np.empty((64, 3))
    assert points(64, 3, rng=7, out=out) is out
    np.testing.assert_array_equal(out, points(64, 3, rng=7))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: quasi.halton(0, 2), ValueError, "n must be at least 1, got 0"),
        (lambda: quasi.halton(4, 0), ValueError, "d must be at least 1, got 0"),
        (lambda: quasi.halton(4, 2, start=-1), ValueError, "start must be at least 0, got -1"),
        (lambda: quasi.halton(4, 2, start=2**53), ValueError, "start \\+ n must be at most"),
        (lambda: quasi.halton(4.0, 2), TypeError, "n must be an integer, got 4.0"),
        (lambda: quasi.halton(4, 2, out=np.empty((2, 4))), ValueError, "out must be a C-ordered"),
        (lambda: quasi.halton(4, 2, out=[0.0]), TypeError, "out must be a numpy.ndarray"),
        (lambda: quasi.lattice(12, 2), ValueError, "n must be a power of two, got 12"),
        (lambda: quasi.lattice(2**53, 1), ValueError, "n must be at most 2\\*\\*52"),
        (lambda: quasi.lattice(8, 2, vector=[1]), ValueError, "vector must have shape \\(2,\\)"),
        (lambda: quasi.lattice(8, 1, vector=[0.5]), TypeError, "vector must be integers"),
        (lambda: quasi.generating_vector(24, 2), ValueError, "n must be a power of two, got 24"),
        (
            lambda: quasi.generating_vector(8, 2, weights=[1.0]),
            ValueError,
            "weights must be 2 positive numbers",
        ),
        (
            lambda: quasi.generating_vector(8, 1, weights=[0.0]),
            ValueError,
            "weights must be 1 positive numbers",
        ),
        (lambda: quasi.digital_net(24, 2), ValueError, "n must be a power of two, got 24"),
        (lambda: quasi.digital_net(8, 21202), ValueError, "d must be at most 21201, got 21202"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
