"""The exact flow towards a data set: it is the mixture interpolant in a limit, and a safe one.
And the exact flow along pairs."""

import numba
import numpy as np
import pytest

from labcore.interpolants import (
    along_pairs,
    between,
    linear,
    mixture,
    one_sided,
    solve_ode_adaptive,
    to_data,
    trigonometric,
)

from .instances import MIRROR, SCHEDULES

DATA = np.random.default_rng(0).normal(size=(23, 3))
X = np.random.default_rng(1).normal(size=(12, 3))


@pytest.mark.parametrize("t", [0.0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("field", ["log_density", "score", "velocity"])
def test_with_a_bandwidth_it_is_the_interpolant_of_two_mixtures(schedule, t, field):
    data = to_data(DATA, schedule, bandwidth=0.3)
    path = between(mixture(np.zeros((1, 3))), mixture(DATA, 0.3**2), schedule)
    expected = getattr(path, field)(t, X)
    np.testing.assert_allclose(getattr(data, field)(t, X), expected, rtol=1e-9, atol=1e-10)


def test_without_a_bandwidth_it_is_the_limit_of_small_ones():
    exact = to_data(DATA, linear()).velocity(0.6, X)
    errors = [
        np.abs(to_data(DATA, linear(), bandwidth=h).velocity(0.6, X) - exact).max()
        for h in (0.04, 0.02, 0.01)
    ]
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(rates, 2, atol=0.1)


def test_towards_one_point_all_lines_are_straight():
    """v = (y - x)/(1 - t) on the linear schedule: what is left of the way, in the time left."""
    y = np.array([[1.0, -2.0]])
    x = np.random.default_rng(2).normal(size=(5, 2))
    for t in (0.0, 0.5, 1 - 1e-9):
        expected = (y - x) / (1 - t)
        np.testing.assert_allclose(to_data(y, linear()).velocity(t, x), expected, rtol=1e-6)


def test_far_points_and_late_times_choose_the_nearest_data_point():
    path = to_data(DATA, linear())
    far = 1e6 * np.eye(3)
    nearest = DATA[np.argmax(DATA @ far.T, axis=0)]
    np.testing.assert_allclose(path.mean_data_point(0.5, far), nearest)
    t = 1 - 1e-12
    nearest = DATA[((X[:, None] - t * DATA) ** 2).sum(axis=2).argmin(axis=1)]
    np.testing.assert_allclose(path.mean_data_point(t, X), nearest)


def test_the_mean_data_point_at_the_start_is_the_mean():
    found = to_data(DATA, trigonometric()).mean_data_point(0.0, X)
    np.testing.assert_allclose(found, np.tile(DATA.mean(axis=0), (12, 1)), atol=1e-12)


def test_results_do_not_depend_on_threads_or_on_the_buffer(monkeypatch):
    path = to_data(DATA, linear())
    once = path.velocity(0.7, X)
    threads = numba.get_num_threads()
    numba.set_num_threads(1)
    try:
        assert (path.velocity(0.7, X) == once).all()
    finally:
        numba.set_num_threads(threads)
    monkeypatch.setattr("labcore.interpolants.finite._BUFFER", 5 * len(DATA))
    assert (path.velocity(0.7, X) == once).all()


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.name)
def test_at_the_data_there_is_no_density(schedule):
    with pytest.raises(ValueError, match="the law at t = 1 sits on the data points"):
        to_data(DATA, schedule).velocity(1.0, X)


@pytest.mark.parametrize("t", [0.0, 0.4, 0.9])
def test_the_spread_of_the_data_given_a_point_by_bayes_rule(t):
    path = to_data(DATA, linear())
    away = ((X[:, None] - t * DATA) ** 2).sum(axis=2)
    weights = np.exp(-0.5 * (away - away.min(axis=1, keepdims=True)) / (1 - t) ** 2)
    weights /= weights.sum(axis=1, keepdims=True)
    mean = weights @ DATA
    expected = np.einsum("nm,nm->n", weights, ((DATA - mean[:, None]) ** 2).sum(axis=2))
    np.testing.assert_allclose(path.data_variance(t, X), expected, atol=1e-12)


NOISY = [linear(0.7), trigonometric(2.0), SCHEDULES[-1]]
PAIRS = DATA[:11], DATA[11:22] + 1.0


def _pairs_as_mixture(schedule, t):
    """The law along pairs: a mixture of equal Gaussians of variance gamma^2."""
    c = schedule.at(t)
    return mixture(c.alpha * PAIRS[0] + c.beta * PAIRS[1], c.gamma**2)


@pytest.mark.parametrize(
    "schedule", [linear(0.7), trigonometric(2.0), SCHEDULES[-1], MIRROR], ids=lambda s: s.name
)
@pytest.mark.parametrize("t", [0.2, 0.5, 0.9])
def test_along_pairs_law_and_score_are_those_of_a_mixture(schedule, t):
    path, law = along_pairs(*PAIRS, schedule), _pairs_as_mixture(schedule, t)
    np.testing.assert_allclose(path.log_density(t, X), law.log_density(X), atol=1e-9)
    np.testing.assert_allclose(path.score(t, X), law.score(X), atol=1e-8)


@pytest.mark.parametrize(
    "schedule", [linear(0.7), trigonometric(2.0), SCHEDULES[-1]], ids=lambda s: s.name
)
def test_along_pairs_the_velocity_satisfies_the_continuity_equation(schedule):
    """Residuals on the line, by central differences: they fall like the square of the step."""
    path, t, x = along_pairs(PAIRS[0][:, 0], PAIRS[1][:, 0], schedule), 0.4, np.linspace(-3, 3, 41)

    def density(t, x):
        return np.exp(path.log_density(t, x))

    def residual(h):
        rate = (density(t + h, x) - density(t - h, x)) / (2 * h)
        flux = [path.velocity(t, y)[:, 0] * density(t, y) for y in (x - h, x + h)]
        return np.abs(rate + (flux[1] - flux[0]) / (2 * h)).max()

    coarse, fine = residual(0.02), residual(0.01)
    assert fine < 0.05
    assert np.log2(coarse / fine) == pytest.approx(2, abs=0.3)


def test_the_means_of_the_draws_give_point_and_velocity():
    path, t = along_pairs(*PAIRS, linear(0.7)), 0.3
    x0, x1, z = path.denoise(t, X)
    np.testing.assert_allclose(path.schedule.interpolate(t, x0, x1, z), X, atol=1e-12)
    rate = path.schedule.interpolate_rate(t, x0, x1, z)
    np.testing.assert_allclose(rate, path.velocity(t, X), atol=1e-10)
    np.testing.assert_allclose(z, -path.schedule.at(t).gamma * path.score(t, X), atol=1e-10)


def test_pairs_of_a_product_are_two_data_sets_drawn_independently():
    """All pairs of three sources and two targets: the mixture interpolant of narrow components."""
    source, target = DATA[:3], DATA[3:5] + 1
    rows = np.repeat(np.arange(3), 2), np.tile(np.arange(2), 3)
    pairs = along_pairs(source[rows[0]], target[rows[1]], linear(0.7))
    narrow = between(mixture(source, 1e-12), mixture(target, 1e-12), linear(0.7))
    np.testing.assert_allclose(pairs.velocity(0.6, X), narrow.velocity(0.6, X), atol=1e-8)


def test_the_flow_along_pairs_remembers_them():
    path = along_pairs(*PAIRS, linear(1e-4))
    ends = solve_ode_adaptive(path.velocity, PAIRS[0], (1e-4, 1 - 1e-4)).x[:, -1]
    np.testing.assert_allclose(ends, PAIRS[1], atol=2e-3)


def test_without_noise_pairs_have_no_density():
    with pytest.raises(ValueError, match="gamma is 0 at t = 0.5: without noise pairs have no"):
        along_pairs(*PAIRS, linear()).velocity(0.5, X)
    with pytest.raises(ValueError, match="gamma is 0 at t = 1: without noise pairs have no"):
        along_pairs(*PAIRS, one_sided(linear())).score(1.0, X)
    with pytest.raises(ValueError, match=r"x must have 3 columns, got shape \(2, 1\)"):
        along_pairs(*PAIRS, linear(1.0)).denoise(0.5, [0.0, 1.0])
    with pytest.raises(ValueError, match="x1 must hold as many points as x0, 11, got 1"):
        along_pairs(PAIRS[0], PAIRS[1][:1], linear(1.0))


def test_bad_input():
    with pytest.raises(ValueError, match="bandwidth must not be negative, got -1"):
        to_data(DATA, linear(), bandwidth=-1)
    with pytest.raises(ValueError, match="data must hold at least one point"):
        to_data(np.zeros((0, 3)), linear())
    with pytest.raises(ValueError, match=r"x must have 3 columns, got shape \(2, 1\)"):
        to_data(DATA, linear()).score(0.5, [0.0, 1.0])
