"""Fast kernels and regression: against dense linear algebra and series, to rounding."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard
from scipy.stats import multivariate_normal

from labcore import quasi

LATTICES = [
    (quasi.ShiftInvariant(scale=2.0, weights=(0.7, 0.2, 0.4)), quasi.lattice(64, 3, rng=1)),
    (quasi.ShiftInvariant(weights=0.3, order=2), quasi.lattice(32, 3, rng=2)),
    (
        quasi.ShiftInvariant(scale=0.1, weights=1.5),
        quasi.lattice(45, 3, vector=[1, 7, 11], rng=3),  # no power of two, and odd
    ),
    (quasi.ShiftInvariant(), quasi.lattice(1, 3, rng=3)),
    (quasi.ShiftInvariant(), quasi.lattice(2, 3, rng=3)),
]
NETS = [
    (quasi.DigitallyShiftInvariant(scale=3.0, weights=(0.5, 1.0, 0.1)), quasi.digital_net(64, 3)),
    (quasi.DigitallyShiftInvariant(), quasi.digital_net(32, 3, scramble=False)),
    (quasi.DigitallyShiftInvariant(weights=0.2), quasi.digital_net(2, 3, rng=4)),
    (quasi.DigitallyShiftInvariant(weights=0.2), quasi.digital_net(1, 3, rng=4)),
]
CASES = LATTICES + NETS
cases = pytest.mark.parametrize(("kernel", "x"), CASES)
NOISE = pytest.mark.parametrize("noise_variance", [0.0, 0.3])


def values(x):
    return np.cos(5 * x).sum(axis=1) + x[:, 0]


@cases
@NOISE
def test_posterior_agrees_with_the_dense_solve(kernel, x, noise_variance):
    y, new = values(x), np.random.default_rng(1).random((9, 3))
    posterior = quasi.condition(kernel, x, y, noise_variance=noise_variance)
    a = kernel(x) + noise_variance * np.eye(len(x))
    cross = kernel(new, x)
    np.testing.assert_allclose(posterior.coefficients, np.linalg.solve(a, y), rtol=0, atol=1e-8)
    np.testing.assert_allclose(posterior.mean(new), cross @ np.linalg.solve(a, y), atol=1e-8)
    variance = np.diagonal(kernel(new) - cross @ np.linalg.solve(a, cross.T))
    np.testing.assert_allclose(posterior.sd(new) ** 2, variance, rtol=0, atol=1e-8)
    density = multivariate_normal(np.zeros(len(x)), a).logpdf(y)
    np.testing.assert_allclose(posterior.log_marginal_likelihood(), density, rtol=1e-10)


@cases
@NOISE
def test_the_integral_is_that_of_the_posterior(kernel, x, noise_variance):
    """Mean s 1' A^-1 y and variance s - s^2 1' A^-1 1, because k integrates to s."""
    y = values(x)
    integral = quasi.condition(kernel, x, y, noise_variance=noise_variance).integral()
    inverse = np.linalg.inv(kernel(x) + noise_variance * np.eye(len(x)))
    s = kernel.scale
    np.testing.assert_allclose(integral.mean, s * (inverse @ y).sum(), rtol=1e-9)
    np.testing.assert_allclose(integral.sd**2, s - s * s * inverse.sum(), rtol=0, atol=1e-10 * s)


@cases
def test_without_noise_the_posterior_passes_through_the_data(kernel, x):
    y = values(x)
    posterior = quasi.condition(kernel, x, y)
    np.testing.assert_allclose(posterior.mean(x), y, atol=1e-9)
    assert posterior.sd(x).max() < 1e-6 * math.sqrt(kernel(x[:1])[0, 0])


def test_shift_invariant_kernels_are_their_fourier_series():
    """sum over h of w_h exp(2 pi i h (x - y)), w_0 = 1 and w_h = gamma |h|^-2r; to the tail."""
    x, y = np.array([0.1, 0.77]), np.array([0.35])
    h = np.arange(1, 20_000)
    for order, tail in ((1, 1e-4), (2, 1e-12)):
        kernel = quasi.ShiftInvariant(scale=3.0, weights=0.4, order=order)
        series = 1 + 0.4 * 2 * (
            np.cos(2 * np.pi * np.subtract.outer(x, y)[:, 0, None] * h) * h ** (-2.0 * order)
        ).sum(axis=1)
        np.testing.assert_allclose(kernel(x, y)[:, 0], 3.0 * series, atol=3 * tail)


def test_the_digital_kernel_is_its_walsh_series():
    """1 + gamma / 2 sum over h of 4^-floor(log2 h) wal_h: exact on points of ten digits."""
    n = 2**10
    h = np.arange(n)
    coefficients = 0.5 * 0.4 * 4.0 ** -np.floor(np.log2(np.maximum(h, 1)))
    coefficients[0] = 1.0
    reverse = [int(f"{i:010b}"[::-1], 2) for i in range(n)]
    series = quasi.walsh_hadamard(coefficients)[reverse]  # wal_h(x) pairs low digits with high
    kernel = quasi.DigitallyShiftInvariant(weights=0.4)(np.arange(n) / n, np.zeros(1))[:, 0]
    # The functions beyond the tenth digit add gamma / 2 * 2 / n at 0 only, and there alone.
    np.testing.assert_allclose(kernel[1:], series[1:], atol=1e-12)
    np.testing.assert_allclose(kernel[0], series[0] + 0.4 / n, atol=1e-12)


@pytest.mark.parametrize(
    "kernel",
    [
        quasi.ShiftInvariant(scale=1.7, weights=(0.7, 0.2)),
        quasi.ShiftInvariant(scale=1.7, weights=0.9, order=2),
        quasi.DigitallyShiftInvariant(scale=1.7, weights=(0.7, 0.2)),
    ],
)
def test_kernels_are_positive_symmetric_and_integrate_to_their_scale(kernel):
    x = np.random.default_rng(2).random((60, 2))
    gram = kernel(x)
    np.testing.assert_allclose(gram, gram.T, atol=1e-12)
    assert np.linalg.eigvalsh(gram).min() > -1e-10
    grid = (np.stack(np.meshgrid(*2 * [np.arange(256)]), -1).reshape(-1, 2) + 0.5) / 256
    np.testing.assert_allclose(kernel(grid, x[:3]).mean(axis=0), 1.7, rtol=2e-3)


@pytest.mark.parametrize("m", range(9))
def test_the_transform_multiplies_by_hadamards_matrix(m):
    a = np.random.default_rng(m).standard_normal((3, 2**m))
    np.testing.assert_allclose(quasi.walsh_hadamard(a), a @ hadamard(2**m), atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(m=st.integers(0, 12), seed=st.integers(0, 2**32))
def test_applied_twice_the_transform_multiplies_by_n(m, seed):
    a = np.random.default_rng(seed).standard_normal(2**m)
    kept = a.copy()
    np.testing.assert_allclose(quasi.walsh_hadamard(quasi.walsh_hadamard(a)), a * 2**m, atol=1e-8)
    np.testing.assert_array_equal(a, kept)


@pytest.mark.parametrize(
    ("kernel", "points", "rate"),
    [
        (quasi.ShiftInvariant(), quasi.lattice, -1.5),
        (quasi.ShiftInvariant(order=2), quasi.lattice, -3.0),
        (quasi.DigitallyShiftInvariant(), quasi.digital_net, -1.0),
    ],
)
def test_the_error_bar_of_the_integral_shrinks_at_the_rate_of_the_kernel(kernel, points, rate):
    """For a kernel with r derivatives in one dimension like n^-r at least."""
    sizes = [2**k for k in range(4, 11)]
    bars = []
    for n in sizes:
        x = points(n, 1, rng=1)
        bars.append(quasi.condition(kernel, x, np.ones(n), noise_variance=0).integral().sd)
    order = getattr(kernel, "order", 1)
    slope = np.polyfit(np.log(sizes), np.log(bars), 1)[0]
    assert abs(slope + order) < 0.1


def test_a_million_points_are_conditioned_on():
    n = 2**20
    x = quasi.lattice(n, 2, vector=[1, 433461], rng=1)
    y = np.exp(np.sin(2 * np.pi * x)).prod(axis=1)
    posterior = quasi.condition(quasi.ShiftInvariant(weights=0.1), x, y)
    exact = np.i0(1.0) ** 2
    assert abs(posterior.integral().mean - exact) < 1e-6


@pytest.mark.parametrize(
    ("kernel", "points"),
    [
        (quasi.ShiftInvariant(), lambda seed: quasi.lattice(64, 2, rng=seed)),
        (quasi.DigitallyShiftInvariant(), lambda seed: quasi.digital_net(64, 2, rng=seed)),
    ],
)
def test_fit_finds_the_likeliest_scale_and_factor(kernel, points):
    x = points(1)
    y = np.cos(3 * x[:, 0]) + x[:, 1]
    best = quasi.fit(kernel, x, y)
    likelihood = quasi.condition(best, x, y).log_marginal_likelihood()
    for scale in (0.8, 0.95, 1.05, 1.25):
        for factor in (0.7, 0.9, 1.0, 1.1, 1.4):
            other = type(kernel)(scale=best.scale * scale, weights=best.weights * factor)
            assert quasi.condition(other, x, y).log_marginal_likelihood() < likelihood


def test_error_bars_hold_for_draws_of_the_process():
    """The integral of a draw lies within two bars for 95 of 100 draws; 400 are made.

    A draw on the fine lattice of 2^10 points has the average for its integral; the process is
    conditioned on every 16th point.
    """
    kernel = quasi.ShiftInvariant(weights=0.5)
    x = quasi.lattice(1024, 1, rng=3)
    factor = np.linalg.cholesky(kernel(x) + 1e-12 * np.eye(1024))
    draws = factor @ np.random.default_rng(4).standard_normal((1024, 400))
    coarse = slice(0, None, 16)
    inside = 0
    for draw in draws.T:
        integral = quasi.condition(kernel, x[coarse], draw[coarse]).integral()
        inside += abs(integral.mean - draw.mean()) < 1.96 * integral.sd
    assert abs(inside / 400 - 0.95) < 5 * math.sqrt(0.95 * 0.05 / 400)


LATTICE, NET = quasi.lattice(16, 2, rng=1), quasi.digital_net(16, 2, rng=1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: quasi.ShiftInvariant(scale=-1.0), ValueError, "scale must be positive, got -1"),
        (lambda: quasi.ShiftInvariant(weights=0.0), ValueError, "weights must be positive, got 0"),
        (lambda: quasi.ShiftInvariant(order=3), ValueError, "order must be 1 or 2, got 3"),
        (lambda: quasi.ShiftInvariant()([1.0]), ValueError, "x must be in \\[0, 1\\)"),
        (lambda: quasi.ShiftInvariant()([]), ValueError, "x must not be empty"),
        (
            lambda: quasi.ShiftInvariant(weights=(1.0, 1.0))([0.5]),
            ValueError,
            "x must have the dimension of the 2 weights",
        ),
        (
            lambda: quasi.ShiftInvariant()([0.5], [[0.5, 0.5]]),
            ValueError,
            "x and y must have the same dimension, got 1 and 2",
        ),
        (
            lambda: quasi.condition(quasi.ShiftInvariant(), NET, np.ones(16)),
            ValueError,
            "x must be a rank-1 lattice in natural order",
        ),
        (
            lambda: quasi.condition(quasi.ShiftInvariant(), LATTICE[:8], np.ones(8)),
            ValueError,
            "x must be all the points of a lattice",
        ),
        (
            lambda: quasi.condition(quasi.DigitallyShiftInvariant(), LATTICE, np.ones(16)),
            ValueError,
            "x must be a digital net in natural order",
        ),
        (
            lambda: quasi.condition(quasi.DigitallyShiftInvariant(), NET[:12], np.ones(12)),
            ValueError,
            "x must have a power of two points, got 12",
        ),
        (
            lambda: quasi.condition(quasi.ShiftInvariant(), LATTICE, np.ones(15)),
            ValueError,
            "x and y must have the same length, got 16 and 15",
        ),
        (
            lambda: quasi.condition(quasi.ShiftInvariant(), LATTICE, np.full(16, math.nan)),
            ValueError,
            "y must be finite",
        ),
        (
            lambda: quasi.condition("k", LATTICE, np.ones(16)),
            TypeError,
            "kernel must be ShiftInvariant or DigitallyShiftInvariant",
        ),
        (
            lambda: quasi.condition(
                quasi.ShiftInvariant(), LATTICE, np.ones(16), noise_variance=-1.0
            ),
            ValueError,
            "noise_variance must not be negative",
        ),
        (
            lambda: quasi.condition(
                quasi.ShiftInvariant(order=2), quasi.lattice(2**15, 1), np.ones(2**15)
            ),
            np.linalg.LinAlgError,
            "use a noise_variance of at least",
        ),
        (
            lambda: quasi.condition(quasi.ShiftInvariant(), LATTICE, np.ones(16)).mean([0.5]),
            ValueError,
            "points must have dimension 2, got shape \\(1, 1\\)",
        ),
        (
            lambda: quasi.fit(quasi.ShiftInvariant(), LATTICE, np.zeros(16)),
            ValueError,
            "y must not be all zero",
        ),
        (lambda: quasi.walsh_hadamard(np.ones(3)), ValueError, "a power of two entries"),
        (lambda: quasi.walsh_hadamard(1.0), ValueError, "a power of two entries"),
    ],
)
def test_bad_arguments_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
