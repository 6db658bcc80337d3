"""Stein variational gradient descent: its direction, and where particles come to rest."""

import math
import signal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit
from scipy.spatial.distance import pdist

from labcore.samplers import Target, banana, evaluate, gaussian, stein_direction, svgd, two_modes

SEEDS = st.integers(0, 2**32 - 1)
SIZES = [(1, 1), (2, 3), (63, 2), (64, 4), (65, 5), (130, 9)]


def cloud(n, d, seed=1):
    generator = np.random.default_rng(seed)
    return generator.standard_normal((n, d)) + 3.0, generator.standard_normal((n, d))


def by_definition(x, s, kernel, slope):
    """phi(x_i) = mean over j of k(x_j, x_i) s_j + grad_{x_j} k(x_j, x_i), with a gradient given."""
    n = len(x)
    return np.array([sum(kernel(x[j], y) * s[j] + slope(x[j], y) for j in range(n)) / n for y in x])


@pytest.mark.parametrize(("n", "d"), SIZES)
@pytest.mark.parametrize("lengthscale", [0.3, 1.7, 50.0])
def test_the_direction_is_its_formula(n, d, lengthscale):
    x, s = cloud(n, d)

    def kernel(a, b):
        return math.exp(-((a - b) ** 2).sum() / (2 * lengthscale**2))

    def slope(a, b):
        return -(a - b) / lengthscale**2 * kernel(a, b)

    expected = by_definition(x, s, kernel, slope)
    found = stein_direction(x, s, lengthscale=lengthscale)
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(("n", "d"), SIZES)
def test_the_linear_direction_is_its_formula(n, d):
    x, s = cloud(n, d)
    centre = x.mean(axis=0)
    expected = by_definition(
        x, s, lambda a, b: 1 + (a - centre) @ (b - centre), lambda a, b: b - centre
    )
    np.testing.assert_allclose(stein_direction(x, s, kernel="linear"), expected, atol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(2, 1), (3, 3), (66, 2), (131, 4), (300, 10)])
def test_the_median_heuristic_is_the_median_distance(n, d):
    """l^2 = m^2 / (2 log n), with the lower of two medians, to a part in 10^6."""
    for scale in (1e-8, 1.0, 1e8):
        x, s = scale * cloud(n, d)[0], cloud(n, d)[1] / scale
        distances = np.sort(pdist(x))
        median = distances[(len(distances) - 1) // 2]
        found = stein_direction(x, s)
        lengthscale = median / math.sqrt(2 * math.log(n))
        expected = stein_direction(x, s, lengthscale=lengthscale)
        size = np.abs(expected).max()
        np.testing.assert_allclose(found, expected, atol=1e-5 * size)


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_direction_moves_with_the_particles(seed):
    """Order, shifts and rotations of the particles are those of the direction."""
    x, s = cloud(20, 3, seed)
    generator = np.random.default_rng(seed)
    order, shift = generator.permutation(20), generator.standard_normal(3)
    Q = np.linalg.qr(generator.standard_normal((3, 3)))[0]
    for options in ({"kernel": "linear"}, {"lengthscale": 0.9}, {}):
        phi = stein_direction(x, s, **options)
        close = {"rtol": 1e-5, "atol": 1e-6}
        np.testing.assert_allclose(stein_direction(x[order], s[order], **options), phi[order])
        np.testing.assert_allclose(stein_direction(x + shift, s, **options), phi, **close)
        np.testing.assert_allclose(stein_direction(x @ Q, s @ Q, **options), phi @ Q, **close)


def test_the_direction_does_not_change_its_input():
    x, s = cloud(10, 2)
    kept = x.copy(), s.copy()
    stein_direction(x, s)
    svgd(gaussian(np.ones(2)), x, 3, step_size=0.1, progress=False)
    assert np.array_equal(x, kept[0])
    assert np.array_equal(s, kept[1])


def test_the_direction_vanishes_under_the_target_like_one_over_the_root_of_n():
    """Stein's identity: with exact draws phi has mean square of order 1 / n at a fixed kernel."""
    target = banana()
    sizes = np.array([100, 400, 1600])
    speed = []
    for n in sizes:
        x = target.draw(int(n), 1)
        speed.append(
            np.sqrt((stein_direction(x, evaluate(target, x)[1], lengthscale=1.0) ** 2).mean())
        )
    slope = np.polyfit(np.log(sizes), np.log(speed), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.12)


def test_with_the_linear_kernel_a_normal_law_is_met_exactly():
    """Mean and covariance (divisor n) of 12 particles in 3 dimensions, to rounding."""
    covariance = np.array([[2.0, 0.6, 0.0], [0.6, 1.0, -0.3], [0.0, -0.3, 0.5]])
    target = gaussian(covariance, [1.0, -2.0, 0.5])
    run = svgd(target, cloud(12, 3)[1], 3000, step_size=0.2, kernel="linear", progress=False)
    np.testing.assert_allclose(run.particles.mean(axis=0), target.mean, atol=1e-9)
    np.testing.assert_allclose(np.cov(run.particles.T, bias=True), covariance, atol=1e-9)
    assert run.speeds[-1] < 1e-9 < run.speeds[0]


def test_at_rest_the_stein_identity_holds_for_every_kernel_at_a_particle():
    """mean_j of A f(x_j), f = k(., x_i) e_c, is phi_c(x_i): summed here from its definition."""
    target, lengthscale = banana(0.5), 1.0
    run = svgd(target, cloud(6, 2)[1], 3000, step_size=0.5, lengthscale=1.0, progress=False)
    x = run.particles
    scores = evaluate(target, x)[1]
    away = x[:, None] - x[None]
    k = np.exp(-0.5 * (away**2).sum(axis=2) / lengthscale**2)
    identity = (k[..., None] * (scores[:, None] - away / lengthscale**2)).mean(axis=0)
    assert np.abs(identity).max() < 1e-12
    assert run.speeds[-1] < 1e-12 < 0.1 < run.speeds[0]


def test_particles_approach_a_normal_law():
    """300 particles with the median heuristic: mean to 5e-3, variances to 5 %."""
    target = gaussian([1.0, 4.0], [2.0, -1.0])
    run = svgd(target, cloud(300, 2)[1], 800, step_size=1.0, progress=False)
    np.testing.assert_allclose(run.particles.mean(axis=0), target.mean, atol=5e-3)
    np.testing.assert_allclose(run.particles.var(axis=0), [1.0, 4.0], rtol=0.05)


def test_a_symmetric_cloud_stays_symmetric():
    half = cloud(50, 2)[1]
    run = svgd(two_modes(), np.concatenate([half, -half]), 50, step_size=0.3, progress=False)
    np.testing.assert_allclose(run.particles[:50], -run.particles[50:], atol=1e-9)


def test_in_high_dimension_the_variance_collapses():
    """30 particles in 120 dimensions keep far less than half of the variance; in 2 nearly all."""

    def variance(d):
        x = cloud(30, d)[1]
        return svgd(gaussian(np.ones(d)), x, 800, step_size=1.0, progress=False).particles.var()

    assert variance(120) < 0.4 < 0.8 < variance(2)


def test_a_single_particle_climbs_to_the_mode():
    run = svgd(gaussian([1.0]), [[3.0]], 200, step_size=0.3, lengthscale=1.0, progress=False)
    assert abs(run.particles[0, 0]) < 1e-12


def test_an_interruption_returns_the_particles_of_the_last_step():
    def interrupt(number, frame):
        raise KeyboardInterrupt

    x = cloud(20, 2)[1]
    previous = signal.signal(signal.SIGALRM, interrupt)
    svgd(banana(), x, 1, step_size=0.01, progress=False)  # compiled before the alarm is set
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    try:
        with pytest.warns(UserWarning, match="interrupted after"):
            run = svgd(banana(), x, 10**7, step_size=0.01, progress=False)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
    again = svgd(banana(), x, len(run.speeds), step_size=0.01, progress=False)
    assert np.array_equal(run.particles, again.particles)


@njit
def _half_line(x, parameters, gradient):
    gradient[0] = -1.0
    return -x[0] if x[0] > 0.0 else -np.inf


X, S = cloud(5, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: stein_direction(X, S[:4]), "particles and scores must have one shape"),
        (lambda: stein_direction(np.empty((0, 2)), np.empty((0, 2))), "must have one shape"),
        (lambda: stein_direction(X[0], S[0]), "particles must have 2 dimensions"),
        (lambda: stein_direction(np.full((2, 2), np.nan), S[:2]), "particles must be finite"),
        (lambda: stein_direction(X, np.full((5, 2), np.inf)), "scores must be finite"),
        (lambda: stein_direction(X, S, kernel="cosine"), "kernel must be one of"),
        (lambda: stein_direction(X, S, lengthscale=0.0), "lengthscale must be positive"),
        (lambda: stein_direction(X, S, kernel="linear", lengthscale=1.0), "must be None for"),
        (lambda: stein_direction(X[:1], S[:1]), "lengthscale must be given for a single"),
        (lambda: stein_direction(np.ones((5, 2)), S), "lengthscale must be given where half"),
        (lambda: svgd(banana(), X, -1, step_size=0.1), "n_steps must be at least 0"),
        (lambda: svgd(banana(), X, 1, step_size=-0.1), "step_size must be positive"),
        (lambda: svgd(banana(), X[:, :1], 1, step_size=0.1), "points must have shape"),
        (
            lambda: svgd(Target("exponential", 1, _half_line), [[-1.0]], 1, step_size=0.1),
            r"particles must have finite log-density and gradient, got -inf",
        ),
        (
            lambda: svgd(banana(), X, 100, step_size=100.0, lengthscale=1.0, progress=False),
            "step_size is too large|finite log-density",
        ),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value")
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
