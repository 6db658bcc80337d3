"""Closed forms for coupled ends: against independent ends, draws, transport and Schrodinger."""

import numpy as np
import pytest

from labcore.interpolants import (
    between,
    between_coupled,
    encoding_decoding,
    linear,
    mixture,
    solve_ode,
    trigonometric,
)

from .instances import LINE_SOURCE, LINE_TARGET, PLANE_SOURCE, PLANE_TARGET

X = np.random.default_rng(1).normal(size=(30, 2))
CROSS = np.array([[0.3, -0.1], [0.2, 0.2]])
JOINT = mixture(
    [[0.0, 0.0, 2.0, 1.0], [1.0, -2.0, -2.0, 1.0]],
    [
        np.block([[np.eye(2), CROSS], [CROSS.T, 0.5 * np.eye(2)]]),
        np.block([[0.6 * np.eye(2), -CROSS], [-CROSS.T, np.eye(2)]]),
    ],
    [0.7, 0.3],
)


@pytest.fixture
def coupled(schedule):
    return between_coupled(JOINT, schedule)


def independent(source, target):
    """The product of two mixtures, as a mixture of pairs."""
    d, parts = source.dimension, []
    for w0, m0, c0 in zip(*source, strict=True):
        for w1, m1, c1 in zip(*target, strict=True):
            zero = np.zeros((d, d))
            parts.append((w0 * w1, np.concatenate([m0, m1]), np.block([[c0, zero], [zero, c1]])))
    weights, means, covariances = zip(*parts, strict=True)
    return mixture(np.array(means), np.array(covariances), np.array(weights))


@pytest.mark.parametrize(
    ("source", "target"), [(LINE_SOURCE, LINE_TARGET), (PLANE_SOURCE, PLANE_TARGET)], ids=["1", "2"]
)
def test_of_independent_ends_it_is_the_interpolant_between_mixtures(source, target, schedule):
    path = between(source, target, schedule)
    coupled = between_coupled(independent(source, target), schedule)
    x = X[:, : source.dimension]
    for t in (0.0, 0.3, 0.8):
        for field in ("log_density", "score", "velocity", "divergence"):
            expected = getattr(path, field)(t, x)
            np.testing.assert_allclose(getattr(coupled, field)(t, x), expected, atol=1e-9)
        for found, expected in zip(coupled.denoise(t, x), path.denoise(t, x), strict=True):
            np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("t", [0.1, 0.6])
def test_velocity_score_and_denoiser_by_monte_carlo(coupled, t):
    """Conditional means leave residuals that are orthogonal to all functions of the interpolant:
    for 40,000 draws within 4.5 standard errors of 0."""
    n = 40_000
    draws = coupled.draw(n, rng=21)
    x = coupled.schedule.interpolate(t, *draws)
    rate = coupled.schedule.interpolate_rate(t, *draws)
    residuals = [rate - coupled.velocity(t, x)]
    residuals += [a - b for a, b in zip(draws, coupled.denoise(t, x), strict=True)]
    for direction in ([1.0, 0.0], [0.7, 0.7], [1.5, -1.0]):
        phase = x @ np.array(direction)
        terms = [residual * np.sin(phase)[:, None] for residual in residuals]
        stein = coupled.score(t, x) * np.sin(phase)[:, None]
        terms.append(stein + np.cos(phase)[:, None] * np.array(direction))
        for term in terms:
            assert (np.abs(term.mean(axis=0)) <= 4.5 * term.std(axis=0) / np.sqrt(n) + 1e-12).all()


def test_divergence_is_the_trace_of_the_jacobian(coupled):
    h = 1e-5
    for t in (0.1, 0.6):
        trace = sum(
            (coupled.velocity(t, X + h * e) - coupled.velocity(t, X - h * e))[:, a] / (2 * h)
            for a, e in enumerate(np.eye(2))
        )
        np.testing.assert_allclose(coupled.divergence(t, X), trace, rtol=1e-6, atol=1e-6)


def test_velocity_is_the_rate_of_the_denoised_draws(coupled):
    for t in (0.1, 0.6):
        draws = coupled.denoise(t, X)
        np.testing.assert_allclose(coupled.schedule.interpolate(t, *draws), X, atol=1e-10)
        rate = coupled.schedule.interpolate_rate(t, *draws)
        np.testing.assert_allclose(rate, coupled.velocity(t, X), atol=1e-10)


def test_near_the_optimal_coupling_of_two_gaussians_the_paths_are_straight():
    """The map of transport on the line is increasing and linear, from N(1, 0.5) to N(-2, 3). At a
    correlation of 1 - 1e-9 the flow is that map, with a speed that does not change; not so for
    independent ends."""
    x = np.linspace(-1, 3, 5)
    ends = -2 + np.sqrt(6.0) * (x - 1)
    times = (0.0, 0.25, 0.5, 1.0)
    for correlation, straight in ((1 - 1e-9, True), (0.0, False)):
        cross = correlation * np.sqrt(1.5)
        joint = mixture([[1.0, -2.0]], [[[0.5, cross], [cross, 3.0]]])
        path = solve_ode(between_coupled(joint, linear()).velocity, x, times, steps=200)[:, :, 0]
        line = x[:, None] + np.array(times) * (ends - x)[:, None]
        error = np.abs(path - line).max()
        assert error < 1e-4 if straight else error > 0.1
        np.testing.assert_allclose(path[:, -1], ends, atol=1e-4)


@pytest.mark.parametrize("noise", [0.2, 1.0, 5.0])
def test_the_sde_reproduces_a_schrodinger_coupling_and_no_other(noise):
    """The SDE of the interpolant is linear here: Cov(X_0, X_1) = Var(X_0) e^S, with S the integral
    of the slope of its drift, by Gauss and Legendre. For independent ends the SDE couples them."""
    nodes, weights = np.polynomial.legendre.leggauss(60)
    times = 0.5 + 0.5 * nodes

    def kept(cross):
        joint = mixture([[0.0, 1.0]], [[[0.5, cross], [cross, 2.0]]])
        path = between_coupled(joint, linear(noise=noise))
        slopes = [
            np.diff(path.velocity(t, [0.0, 1.0]) + 0.5 * noise * path.score(t, [0.0, 1.0]), axis=0)
            for t in times
        ]
        return 0.5 * np.exp(0.5 * weights @ np.array(slopes)[:, 0, 0])

    schrodinger = 0.5 * (np.sqrt(4 * 0.5 * 2.0 + noise**2) - noise)
    assert kept(schrodinger) == pytest.approx(schrodinger, rel=1e-10)
    assert kept(0.0) > 0.05


def test_pair_weights_choose_who_goes_where():
    """Two modes each, coupled crosswise: the velocity at a source mode is that of its partner's
    direction, where for independent ends it is the mean of both."""
    cross = mixture([[-3.0, 3.0], [3.0, -3.0]], [0.02 * np.eye(2)] * 2)
    velocity = between_coupled(cross, trigonometric()).velocity(0.05, [-2.9, 2.9])
    assert velocity[0, 0] > 4.0
    assert velocity[1, 0] < -4.0


def test_bad_input():
    with pytest.raises(ValueError, match="joint must have an even dimension, 2d, got 1"):
        between_coupled(LINE_SOURCE, linear())
    path = between_coupled(JOINT, linear())
    with pytest.raises(ValueError, match=r"t must lie in \[0, 1\], got 1.5"):
        path.velocity(1.5, X)
    with pytest.raises(ValueError, match="x must have 2 columns"):
        path.velocity(0.5, [0.0])
    silent = encoding_decoding()._replace(gamma=np.zeros_like)
    with pytest.raises(ValueError, match="the schedule is 0 at t = 0.5: the law has no density"):
        between_coupled(JOINT, silent).score(0.5, X)
