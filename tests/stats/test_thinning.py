"""Kernel thinning: the algorithm against a plain one, and the rates of its discrepancy."""

import math

import numpy as np
import pytest

from labcore import random
from labcore.kernels import Gaussian, Matern, Polynomial
from labcore.stats import compress_plus_plus, kernel_thinning, mmd_squared
from labcore.stats.thinning import _buffers, _halve, _profile, _slack, _swap

KERNELS = [Gaussian(1.3), Matern(0.5, 1.5), Matern(1.5, 1.5)]


def mmd(kernel, x, chosen):
    return math.sqrt(mmd_squared(kernel, x, x[chosen], biased=True))


def halved(kernel, x, draws, slack):
    """Signs and gap of one halving, by the loop."""
    buffers = _buffers(x.shape[1], len(x))
    indices, columns = np.arange(len(x)), np.ascontiguousarray(x.T)
    _halve(*_profile("kernel", kernel), columns, indices, slack, draws, *buffers)
    return buffers[1][0, : len(x)], buffers[1][1, : len(x)]


def halved_plainly(kernel, x, draws, slack):
    """The docstring's formulas, from the whole Gram matrix."""
    gram, signs, variance = kernel(x), np.zeros(len(x)), 0.0
    for pair in range(len(x) // 2):
        a, b = 2 * pair, 2 * pair + 1
        alpha = signs @ (gram[:, a] - gram[:, b])
        square = gram[a, a] + gram[b, b] - 2 * gram[a, b]
        threshold = max(math.sqrt(square * variance) * slack, square)
        probability = min(max(0.5 * (1 - alpha / threshold), 0.0), 1.0)
        growth = 1 + (square - 2 * threshold) * variance / threshold**2
        variance += square * max(growth, 0.0)
        signs[a] = 1.0 if draws[pair] < probability else -1.0
        signs[b] = -signs[a]
    return signs


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize(("n", "d"), [(2, 1), (10, 3), (600, 2), (64, 9)])
def test_halving_follows_its_formulas(kernel, n, d):
    x, draws = random.normal((n, d), rng=n), random.uniform(n // 2, rng=n + 1)
    slack = _slack(0.5, n // 2)
    signs, gap = halved(kernel, x, draws, slack)
    np.testing.assert_array_equal(signs, halved_plainly(kernel, x, draws, slack))
    np.testing.assert_allclose(gap, kernel(x) @ signs, atol=1e-11)


def test_each_point_is_kept_with_probability_one_half():
    """The mean sign of each of 24 points over 2000 halvings is 0 within 4.5 deviations."""
    x = random.normal((24, 2), rng=1)
    total = sum(
        halved(Gaussian(1.0), x, random.uniform(12, rng=2, stream=run), _slack(0.5, 12))[0]
        for run in range(2000)
    )
    assert np.abs(total).max() < 4.5 * math.sqrt(2000)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_swaps_are_the_best_exchanges_one_by_one(kernel):
    """Each chosen point in turn is exchanged for the one that makes the discrepancy least."""
    x = random.normal((60, 2), rng=3)
    signs = np.where(np.arange(60) % 6 == 0, 1.0, -1.0)
    chosen = list(np.flatnonzero(signs > 0))
    gap = kernel(x)[:, chosen].mean(axis=1) - kernel(x).mean(axis=1)
    _swap(*_profile("kernel", kernel), np.ascontiguousarray(x.T), signs, gap, 0.1, np.empty(60))
    for c in range(60):
        if c in chosen:
            others = [i for i in chosen if i != c]
            free = [c, *(i for i in range(60) if i not in chosen)]
            best = min(free, key=lambda i: mmd(kernel, x, [*others, i]))
            chosen = [*others, best]
    assert set(np.flatnonzero(signs > 0)) == set(chosen)
    exact = kernel(x)[:, chosen].mean(axis=1) - kernel(x).mean(axis=1)
    np.testing.assert_allclose(gap, exact, atol=1e-13)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize(("n", "halvings"), [(2, 1), (37, 2), (256, 4), (130, 1), (64, 6)])
def test_result_is_distinct_points_of_the_right_number(kernel, n, halvings):
    chosen = kernel_thinning(kernel, random.normal((n, 2), rng=n), halvings, rng=1)
    assert len(chosen) == len(set(chosen)) == n // 2**halvings
    assert 0 <= chosen.min() <= chosen.max() < n


@pytest.mark.parametrize("oversampling", [0, 1, 4])
@pytest.mark.parametrize("k", [1, 2, 5])
def test_compress_plus_plus_gives_the_root_of_the_number(k, oversampling):
    x = random.normal((4**k, 2), rng=k)
    chosen = compress_plus_plus(Gaussian(1.0), x, oversampling=oversampling, rng=1)
    assert len(chosen) == len(set(chosen)) == 2**k


def rate(errors):
    """The exponent of n in errors at n = 4^3, 4^4, ..."""
    return np.polyfit(np.log(4.0) * np.arange(len(errors)), np.log(errors), 1)[0]


@pytest.mark.parametrize("kernel", [Gaussian(1.4), Matern(2.5, 2.0)], ids=str)
@pytest.mark.parametrize("method", [kernel_thinning, compress_plus_plus])
def test_root_n_points_have_discrepancy_n_to_the_minus_one_half(kernel, method):
    """In the plane, for n = 4^3 to 4^6, and n^(-1/4) for as many points at random."""
    thinned, at_random = [], []
    for k in range(3, 7):
        errors = []
        for seed in range(6):
            x = random.normal((4**k, 2), rng=10 * k + seed)
            if method is kernel_thinning:
                chosen = kernel_thinning(kernel, x, k, rng=seed)
            else:
                chosen = compress_plus_plus(kernel, x, oversampling=2, rng=seed)
            errors.append((mmd(kernel, x, chosen), mmd(kernel, x, np.arange(2**k))))
        means = np.mean(errors, axis=0)
        thinned.append(means[0])
        at_random.append(means[1])
    assert rate(at_random) == pytest.approx(-0.25, abs=0.08)
    assert rate(thinned) < -0.4
    assert thinned[-1] < at_random[-1] / 5


def test_oversampling_brings_compressing_close_to_full_thinning():
    """Means over twelve samples of 4^5 points: falling in g, at 3 near that of full thinning."""
    kernel, results = Gaussian(1.4), []
    for seed in range(12):
        x = random.normal((4**5, 2), rng=seed)
        row = [
            mmd(kernel, x, compress_plus_plus(kernel, x, oversampling=g, rng=seed))
            for g in (0, 1, 3)
        ]
        results.append([*row, mmd(kernel, x, kernel_thinning(kernel, x, 5, rng=seed))])
    none, some, more, full = np.mean(results, axis=0)
    assert none > some > more
    assert more < 1.3 * full


def test_a_power_of_two_of_the_units_changes_nothing():
    x = random.normal((256, 3), rng=4)
    here = kernel_thinning(Gaussian(1.0), x, 4, rng=5)
    np.testing.assert_array_equal(kernel_thinning(Gaussian(4.0), 4 * x, 4, rng=5), here)
    assert not np.array_equal(kernel_thinning(Gaussian(1.0), x, 4, rng=6), here)


def test_split_kernel_is_the_one_of_the_first_stage():
    """The root kernel splits otherwise, and the result is as good in the discrepancy asked for."""
    kernel, root = Gaussian(1.4), Gaussian(1.4 / math.sqrt(2))
    x = random.normal((1024, 2), rng=7)
    target = mmd(kernel, x, kernel_thinning(kernel, x, 5, rng=2))
    with_root = mmd(kernel, x, kernel_thinning(kernel, x, 5, split_kernel=root, rng=2))
    assert target != with_root
    assert with_root < 2 * target < mmd(kernel, x, np.arange(32))


def test_repeated_points_are_thinned_too():
    x = np.repeat(random.normal((16, 2), rng=8), 4, axis=0)
    chosen = kernel_thinning(Gaussian(1.0), x, 2, rng=9)
    assert len(set(chosen)) == 16
    assert mmd(Gaussian(1.0), x, chosen) < mmd(Gaussian(1.0), x, np.arange(16))


@pytest.mark.parametrize(
    ("error", "call", "message"),
    [
        (TypeError, lambda x: kernel_thinning(Polynomial(2), x, 1), "kernel must be a Gaussian or"),
        (
            TypeError,
            lambda x: kernel_thinning(Gaussian(), x, 1, split_kernel=2 * Gaussian()),
            "split_kernel must be a Gaussian or",
        ),
        (ValueError, lambda x: kernel_thinning(Gaussian(), x, 4), "at least 2**halvings = 16 poin"),
        (ValueError, lambda x: kernel_thinning(Gaussian(), x, 0), "halvings must be at least 1"),
        (ValueError, lambda x: kernel_thinning(Gaussian(), x, 1, delta=1.0), "delta must be below"),
        (ValueError, lambda x: kernel_thinning(Gaussian(), x * math.inf, 1), "x must be finite"),
        (ValueError, lambda x: compress_plus_plus(Gaussian(), x[:5]), "power of four of points, g"),
        (ValueError, lambda x: compress_plus_plus(Gaussian(), x[:1]), "at least 4 points, got 1"),
        (
            ValueError,
            lambda x: compress_plus_plus(Gaussian(), x[:4], oversampling=-1),
            "oversampling must be at least 0",
        ),
    ],
)
def test_bad_input_is_named(error, call, message):
    x = random.normal((15, 2), rng=1)
    with pytest.raises(error, match=message.replace("**", r"\*\*")):
        call(x)
