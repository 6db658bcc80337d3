"""Bridges between given ends: closed forms, both directions, and the process they are mixed to."""

import math

import numpy as np
import pytest

from labcore.interpolants import (
    HEUN_SDE,
    along_pairs,
    between,
    between_coupled,
    bridges_between,
    encoding_decoding,
    independent_pairs,
    linear,
    mixture,
    one_sided,
    schrodinger_pairs,
    solve_sde,
)
from labcore.stats import mmd_test

from .instances import PLANE_SOURCE, PLANE_TARGET, QUADRATIC

X0 = np.array([[0.0, 1.0], [2.0, -1.0], [0.5, 0.5]])
X1 = np.array([[3.0, 1.0], [-1.0, 4.0], [0.0, -2.0]])
X = np.array([[1.0, 0.0], [0.3, 0.6], [-0.4, 1.5]])
BRIDGES = {
    "Brownian": bridges_between(X0, X1, linear(noise=1.3), 0.65),
    "linear, more diffusion": bridges_between(X0, X1, linear(noise=1.3), 2.0),
    "diffusion of its own": bridges_between(X0, X1, linear(noise=0.7), lambda t: 0.2 + t**2),
    "quadratic": bridges_between(X0, X1, QUADRATIC, lambda t: t * (1 - t)),
    "encoding-decoding": bridges_between(X0, X1, encoding_decoding(), 0.4),
    "one-sided": bridges_between(X0, X1, one_sided(linear()), 0.5),
}
every_bridge = pytest.mark.parametrize("bridge", BRIDGES.values(), ids=BRIDGES.keys())
WAYS = [(0.1, 0.35, 0.8), (0.8, 0.35, 0.1), (0.35, 0.8, 1.0), (0.35, 0.2, 0.0), (0.0, 0.3, 0.6)]


def composed(bridge, first, middle, last, x):
    """The transition by way of `middle`: the second is affine in where it starts."""
    one = bridge.transition(first, middle, x)
    two = bridge.transition(middle, last, one.mean)
    slope = (bridge.transition(middle, last, one.mean + 1.0).mean - two.mean)[0, 0]
    return two.mean, two.variance + slope**2 * one.variance


@every_bridge
@pytest.mark.parametrize("way", WAYS, ids=str)
def test_transitions_compose(bridge, way):
    """The equation of Chapman and Kolmogorov, forward and backward in time."""
    whole = bridge.transition(way[0], way[2], X)
    mean, variance = composed(bridge, *way, X)
    np.testing.assert_allclose(mean, whole.mean, rtol=0, atol=1e-12)
    assert variance == pytest.approx(whole.variance, rel=0, abs=1e-12)


@every_bridge
def test_the_transition_preserves_the_law_of_the_interpolant_between_its_ends(bridge):
    """Of the normal law about the line with the variance gamma^2; forward and backward."""
    for start, stop in ((0.2, 0.7), (0.7, 0.2)):
        before, after = bridge.schedule.at(start), bridge.schedule.at(stop)
        middle = before.alpha * X0 + before.beta * X1
        law = bridge.transition(start, stop, middle)
        slope = (bridge.transition(start, stop, middle + 1.0).mean - law.mean)[0, 0]
        np.testing.assert_allclose(law.mean, after.alpha * X0 + after.beta * X1, atol=1e-12)
        variance = law.variance + slope**2 * before.gamma**2
        assert variance == pytest.approx(after.gamma**2, rel=1e-12)


@every_bridge
def test_both_directions_are_one_process(bridge):
    """Cov(X_s, X_t) from the forward and from the backward transition."""
    s, t = 0.3, 0.6
    forward = np.diff([bridge.transition(s, t, X + c).mean for c in (0, 1)], axis=0)[0, 0, 0]
    backward = np.diff([bridge.transition(t, s, X + c).mean for c in (0, 1)], axis=0)[0, 0, 0]
    gamma = bridge.schedule.at(np.array([s, t])).gamma
    assert forward * gamma[0] ** 2 == pytest.approx(backward * gamma[1] ** 2, rel=1e-12)


@every_bridge
def test_drift_and_diffusion_are_the_rates_of_the_transition(bridge):
    """Over a short time h the mean moves by h times the drift and the variance is 2 epsilon h, with
    errors that fall like h. (The Brownian bridge moves along its drift with none.)"""
    t = 0.4
    errors = []
    for h in (1e-3, 5e-4):
        law = bridge.transition(t, t + h, X)
        errors.append(
            [
                np.abs((law.mean - X) / h - bridge.drift(t, X)).max(),
                abs(law.variance / (2 * h) - bridge.diffusion(t)),
            ]
        )
    assert np.max(errors[1]) < 0.05
    rates = np.log2(np.divide(*errors))
    assert (np.abs(rates - 1.0)[np.array(errors[0]) > 1e-9] < 0.1).all()


def test_the_brownian_bridge_in_closed_form_forgets_the_end_behind_it():
    a, s, t = 1.3, 0.25, 0.7
    bridge = BRIDGES["Brownian"]
    forward, backward = bridge.transition(s, t, X), bridge.transition(t, s, X)
    np.testing.assert_allclose(forward.mean, X + (t - s) / (1 - s) * (X1 - X), atol=1e-13)
    assert forward.variance == pytest.approx(a * (t - s) * (1 - t) / (1 - s), rel=1e-12)
    np.testing.assert_allclose(backward.mean, X + (t - s) / t * (X0 - X), atol=1e-13)
    assert backward.variance == pytest.approx(a * (t - s) * s / t, rel=1e-12)
    np.testing.assert_allclose(bridge.drift(t, X), (X1 - X) / (1 - t), atol=1e-12)
    elsewhere = bridges_between(X0 + 5.0, X1, bridge.schedule, 0.65).transition(s, t, X)
    np.testing.assert_allclose(elsewhere.mean, forward.mean, atol=1e-12)


@every_bridge
def test_the_drift_is_that_of_the_interpolant_of_one_pair(bridge):
    for row in range(3):
        path = along_pairs(X0[row : row + 1], X1[row : row + 1], bridge.schedule)
        if bridge.schedule.name.startswith("one-sided"):
            path = path._replace(x0=0.0 * path.x0)
        x, t = X[row : row + 1], 0.45
        expected = path.velocity(t, x) + bridge.diffusion(t) * path.score(t, x)
        np.testing.assert_allclose(bridge.drift(t, X)[row], expected[0], atol=1e-10)


@pytest.mark.parametrize("times", [(0.0, 0.3, 0.6, 1.0), (1.0, 0.6, 0.3, 0.0)], ids=str)
@pytest.mark.parametrize("name", ["Brownian", "diffusion of its own", "one-sided"])
def test_paths_have_the_covariance_of_the_process(name, times):
    """Means and covariances in time of 20,000 paths, within 4.5 standard errors; between a pair of
    times the covariance is the slope of the transition times the variance of the earlier."""
    one, n = BRIDGES[name], 20_000
    bridge = bridges_between(np.full(n, 1.0), np.full(n, 3.0), one.schedule, one.diffusion)
    paths = bridge.paths(times, rng=5)[:, :, 0]
    c = one.schedule.at(np.array(times))
    expected = np.diag(c.gamma**2)
    for i in range(4):
        for j in range(i):
            start, stop = times[j], times[i]
            if c.gamma[i] > 0 and c.gamma[j] > 0:
                moved = [one.transition(start, stop, X + shift).mean for shift in (0, 1)]
                expected[i, j] = expected[j, i] = (moved[1] - moved[0])[0, 0] * c.gamma[j] ** 2
    deviation = paths - (c.alpha + 3.0 * c.beta)
    error = np.sqrt((np.outer(np.diag(expected), np.diag(expected)) + expected**2) / n)
    assert (np.abs(deviation.mean(axis=0)) <= 4.5 * c.gamma / math.sqrt(n) + 1e-12).all()
    assert (np.abs(deviation.T @ deviation / n - expected) <= 4.5 * error + 1e-12).all()


def test_a_bridge_owns_its_noise():
    whole = bridges_between(X0, X1, linear(noise=1.0), 0.5).paths([0.0, 0.4, 1.0], rng=3)
    part = bridges_between(X0[:2], X1[:2], linear(noise=1.0), 0.5).paths([0.0, 0.4, 1.0], rng=3)
    assert (whole[:2] == part).all()
    assert (whole[:, 0] == X0).all()
    assert (whole[:, 2] == X1).all()


def same_law(x, y, rng=0):
    return mmd_test(None, x, y, n_permutations=199, rng=rng, progress=False).p_value


def test_there_by_the_sde_and_back_by_its_reversal_returns_the_law():
    """By the two-sample test of 800 particles. Of laws that are moved by a fifth of a unit, or
    wider by a quarter, it finds 96 and 100 in 100 at the level 0.01."""
    path = between(PLANE_SOURCE, PLANE_TARGET, linear(noise=1.0))
    x0, fresh = PLANE_SOURCE.sample(800, rng=71), PLANE_SOURCE.sample(800, rng=72)
    there = solve_sde(path.velocity, path.score, 1.0, x0, steps=100, method=HEUN_SDE, rng=73)
    back = solve_sde(
        path.velocity, path.score, 1.0, there[:, -1], (1.0, 0.0), steps=100, method=HEUN_SDE, rng=74
    )[:, -1]
    assert same_law(back, fresh) > 0.01
    assert np.corrcoef(back[:, 0], x0[:, 0])[0, 1] < 0.9  # each particle has come back elsewhere
    uncorrected = solve_sde(
        path.velocity,
        lambda t, x: np.zeros_like(x),
        1.0,
        there[:, -1],
        (1.0, 0.0),
        steps=100,
        rng=74,
    )[:, -1]
    assert same_law(uncorrected, fresh) == 1 / 200


def test_bridges_between_schrodinger_pairs_are_the_bridge_between_the_laws():
    """By the two-sample test of 600 paths at four times. Bridges between independent pairs, which
    have the same ends, are found at the level 0.005 in 25 of 25 repetitions."""
    noise, n, times = 0.3, 600, (0.0, 0.3, 0.7, 1.0)
    x0, x1 = mixture([0.0], 0.5).sample(n, rng=81), mixture([1.0], 2.0).sample(n, rng=82)
    cross = 0.5 * (np.sqrt(4 * 0.5 * 2.0 + noise**2) - noise)
    path = between_coupled(mixture([[0.0, 1.0]], [[[0.5, cross], [cross, 2.0]]]), linear(noise))
    start = mixture([0.0], 0.5).sample(n, rng=83)
    sde = solve_sde(path.velocity, path.score, 0.5 * noise, start, times, steps=100, rng=84)

    def mixed(pairs):
        return bridges_between(*pairs, linear(noise), 0.5 * noise).paths(times, rng=85)[:, :, 0]

    assert same_law(mixed(schrodinger_pairs(x0, x1, noise=noise, rng=86)), sde[:, :, 0]) > 0.01
    assert same_law(mixed(independent_pairs(x0, x1, rng=86)), sde[:, :, 0]) == 1 / 200


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: bridges_between([0.0], [0.0, 1.0], linear(), 1.0),
            "x1 must hold as many points",
        ),
        (
            lambda: bridges_between([0.0], [1.0], linear(), -1.0),
            "diffusion must not be negative",
        ),
        (lambda: BRIDGES["Brownian"].drift(0.0, X), "gamma is 0 at t = 0: the bridge has no drift"),
        (lambda: BRIDGES["Brownian"].drift(0.5, X[:2]), r"x must have the shape of the ends"),
        (lambda: BRIDGES["Brownian"].transition(0.5, 1.5, X), r"t must lie in \[0, 1\], got 1.5"),
        (lambda: BRIDGES["Brownian"].paths([0.5, 0.5]), "times must go up or go down"),
        (lambda: BRIDGES["Brownian"].paths([0.5, 1.5]), r"t must lie in \[0, 1\], got"),
    ],
    ids=["unequal", "diffusion", "drift at an end", "shape", "time", "times", "range"],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
