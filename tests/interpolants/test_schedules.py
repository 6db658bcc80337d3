"""Schedules: end points, rates, and the errors for schedules of one's own that do not fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore.interpolants import (
    between,
    checked,
    encoding_decoding,
    linear,
    mirror,
    mixture,
    one_sided,
    ornstein_uhlenbeck,
    solve_ode,
    to_data,
    trigonometric,
    variance_exploding,
    variance_preserving,
)

from .instances import (
    ALL_SCHEDULES,
    ENDS,
    MIRROR,
    ONE_SIDED,
    PLANE_SOURCE,
    PLANE_TARGET,
    QUADRATIC,
    SCHEDULES,
)

VALUES_AT_ENDS = {
    "two-sided": ((1, 0, 0), (0, 1, 0)),
    "one-sided": ((0, 0, 1), (0, 1, 0)),
    "mirror": ((0, 1, 0), (0, 1, 0)),
}


@pytest.mark.parametrize(("schedule", "ends"), ENDS, ids=lambda part: getattr(part, "name", part))
def test_every_schedule_joins_its_ends_and_knows_its_rates(schedule, ends):
    assert checked(schedule, ends=ends) is schedule
    for t, values in zip((0.0, 1.0), VALUES_AT_ENDS[ends], strict=True):
        np.testing.assert_allclose(schedule.at(t)[:3], values, atol=1e-12)
    for other in VALUES_AT_ENDS.keys() - {ends}:
        with pytest.raises(ValueError, match=r"(alpha|beta|gamma) must be [01] at t = 0, got"):
            checked(schedule, ends=other)


def test_gamma_and_the_rate_of_its_square_vanish_or_not_together(schedule):
    t = np.linspace(0.0, 1.0, 101)
    c = schedule.at(t)
    assert np.isfinite(np.array(c)).all()
    integral = np.concatenate(
        [[0.0], np.cumsum(c.gamma_squared_rate[1:] + c.gamma_squared_rate[:-1])]
    )
    np.testing.assert_allclose(integral * 0.005, c.gamma**2 - c.gamma[0] ** 2, atol=2e-3)


@pytest.mark.parametrize("schedule", [*ONE_SIDED, *ALL_SCHEDULES[-2:]], ids=lambda s: s.name)
def test_the_signal_rises_over_the_noise(schedule):
    c = schedule.at(np.linspace(0.0, 0.999, 500))
    assert (np.diff(c.beta / c.gamma) > 0).all()


@pytest.mark.parametrize("schedule", SCHEDULES, ids=lambda s: s.name)
@pytest.mark.parametrize("field", ["log_density", "velocity", "score"])
def test_from_a_normal_source_the_one_sided_schedule_has_the_same_laws(schedule, field):
    data = np.random.default_rng(1).normal(size=(7, 2))
    x = np.random.default_rng(2).normal(size=(9, 2))
    for t in (0.0, 0.3, 0.8):
        expected = getattr(to_data(data, schedule), field)(t, x)
        found = getattr(to_data(data, one_sided(schedule)), field)(t, x)
        np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_all_one_sided_schedules_carry_a_particle_to_the_same_end():
    """The laws of I_t / beta depend on gamma / beta alone: another schedule is another clock, and
    the flow of the scaled particle is the same curve. Not so for the two-sided ones."""
    x = np.random.default_rng(3).normal(size=(20, 2))

    def ends(schedule):
        path = between(PLANE_SOURCE, PLANE_TARGET, schedule)
        return solve_ode(path.velocity, x, steps=400)[:, -1]

    expected = ends(one_sided(linear()))
    for schedule in ONE_SIDED[1:]:
        np.testing.assert_allclose(ends(schedule), expected, atol=1e-5)
    assert np.abs(ends(linear()) - ends(linear(noise=2.0))).max() > 0.1


def test_half_way_round_the_mirror_every_particle_turns_back():
    path = between(PLANE_TARGET, PLANE_TARGET, MIRROR)
    x = PLANE_TARGET.sample(20, rng=1)
    way = solve_ode(path.velocity, x, (0.0, 0.2, 0.5, 0.8, 1.0), steps=60)
    np.testing.assert_allclose(way[:, -1], x, atol=1e-6)
    np.testing.assert_allclose(way[:, 1], way[:, 3], atol=1e-6)
    assert np.abs(way[:, 2] - x).max() > 0.3
    np.testing.assert_allclose(path.velocity(0.2, x), -0.24 * path.score(0.2, x), atol=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 1), st.floats(0, 2), st.floats(0.1, 30))
def test_variance_preserving_solves_the_equations_of_the_diffusion(t, lowest, highest):
    """For dY = -b Y/2 ds + sqrt(b) dW, with s = 1 - t: beta' = b beta/2 and (gamma^2)' =
    b gamma^2 - b in t."""
    c = variance_preserving(lowest, highest).at(t)
    rate = lowest + (highest - lowest) * (1 - t)
    assert c.beta_rate == pytest.approx(0.5 * rate * c.beta, rel=1e-12, abs=1e-300)
    assert c.gamma_squared_rate == pytest.approx(rate * c.gamma**2 - rate, rel=1e-9, abs=1e-9)
    assert c.beta**2 + c.gamma**2 == pytest.approx(1, abs=1e-12)


def test_variance_preserving_starts_with_a_rest_of_the_target():
    """The relative entropy of its start to the normal law, by quadrature, is below its bound, and
    within a tenth of it for a far target."""
    schedule, target = variance_preserving(0.1, 8.0), mixture([-6.0, 6.0], 0.1)
    with pytest.raises(ValueError, match=r"beta must be 0 at t = 0, got 0.131994"):
        checked(schedule, ends="one-sided")
    c, x = schedule.at(0.0), np.linspace(-9, 9, 4001)
    start = between(mixture([0.0]), target, schedule).log_density(0.0, x)
    entropy = np.trapezoid(np.exp(start) * (start - mixture([0.0]).log_density(x)), x)
    bound = 0.5 * (c.beta**2 * (target.covariance()[0, 0] - 1) - np.log1p(-(c.beta**2)))
    assert c.beta == pytest.approx(np.exp(-8.1 / 4))
    assert 0 < entropy < bound
    small = between(mixture([0.0]), target, variance_preserving()).log_density(0.0, x)
    assert np.trapezoid(np.exp(small) * (small - mixture([0.0]).log_density(x)), x) < 1e-5


def test_variance_exploding_is_the_flow_of_the_others_from_a_later_start():
    """The laws of I_t / beta depend on gamma / beta alone, which for the one-sided linear schedule
    is (1 - t)/t: it is sigma at t = 1/(1 + sigma), where the scaled particle is t x."""
    x, highest = np.random.default_rng(3).normal(size=(20, 2)), 6.0
    start = 1 / (1 + highest)
    other = between(PLANE_SOURCE, PLANE_TARGET, one_sided(linear()))
    expected = solve_ode(other.velocity, start * highest * x, (start, 1.0), steps=400)[:, -1]
    for power in (1.0, 2.0, 3.5):
        path = between(PLANE_SOURCE, PLANE_TARGET, variance_exploding(highest, power))
        end = solve_ode(path.velocity, highest * x, steps=400)[:, -1]
        np.testing.assert_allclose(end, expected, atol=1e-4)


def test_variance_exploding_starts_with_all_of_the_target():
    """The relative entropy of its start to the wide normal law, by quadrature, is below its bound;
    at the end it joins the target."""
    target, x = mixture([-1.0, 2.0], 0.1), np.linspace(-60, 60, 8001)
    schedule, wide = variance_exploding(5.0), mixture([0.0], 25.0)
    start = between(mixture([0.0]), target, schedule).log_density(0.0, x)
    entropy = np.trapezoid(np.exp(start) * (start - wide.log_density(x)), x)
    assert 0 < entropy < (target.covariance()[0, 0] + target.mean()[0] ** 2) / 50
    assert schedule.at(1.0)[:3] == (0, 1, 0)
    with pytest.raises(ValueError, match="beta must be 0 at t = 0, got 1"):
        checked(schedule, ends="one-sided")


def test_ornstein_uhlenbeck_is_the_process_at_minus_the_logarithm_of_the_time():
    c = ornstein_uhlenbeck().at(np.array([0.1, 0.5, 0.9]))
    s = -np.log([0.1, 0.5, 0.9])
    np.testing.assert_allclose(c.beta, np.exp(-s))
    np.testing.assert_allclose(c.gamma**2, -np.expm1(-2 * s))


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1), st.floats(0, 5))
def test_formulas_of_the_linear_schedule(t, noise):
    c = linear(noise).at(t)
    assert c[:2] == (1 - t, t)
    assert c.gamma**2 == pytest.approx(noise * t * (1 - t), abs=1e-12)
    assert c[3:] == (-1, 1, pytest.approx(noise * (1 - 2 * t)))


@settings(max_examples=30, deadline=None)
@given(st.floats(0, 1))
def test_the_trigonometric_schedule_runs_on_a_circle(t):
    c = trigonometric().at(t)
    assert c.alpha**2 + c.beta**2 == pytest.approx(1, abs=1e-12)
    assert c.alpha * c.alpha_rate + c.beta * c.beta_rate == pytest.approx(0, abs=1e-12)


def test_encoding_decoding_is_pure_noise_in_the_middle():
    assert encoding_decoding().at(0.5)[:3] == (0.0, 0.0, 1.0)
    assert encoding_decoding().at(0.25)[:2] == (pytest.approx(0.5), 0.0)
    assert encoding_decoding().at(0.75)[:2] == (0.0, pytest.approx(0.5))


def test_interpolate_and_its_rate(schedule):
    x0, x1, z = np.random.default_rng(3).normal(size=(3, 7, 2))
    np.testing.assert_allclose(schedule.interpolate(1.0, x0, x1, z), x1, atol=1e-12)
    t, h = 0.3, 1e-6
    after, before = schedule.interpolate(t + h, x0, x1, z), schedule.interpolate(t - h, x0, x1, z)
    rate = schedule.interpolate_rate(t, x0, x1, z)
    np.testing.assert_allclose(rate, (after - before) / (2 * h), rtol=1e-6, atol=1e-8)


def test_the_rate_of_a_bridge_is_infinite_at_its_ends_but_not_without_noise():
    x = np.ones((2, 1))
    assert np.isinf(linear(1.0).interpolate_rate(0.0, x, x, x)).all()
    assert (linear(1.0).interpolate_rate(0.0, x, 3 * x) == 2.0).all()
    assert (linear().interpolate_rate(1.0, x, 3 * x, x) == 2.0).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alpha": lambda t: 2 - t}, "alpha must be 1 at t = 0, got 2"),
        ({"beta": lambda t: 0.9 * t**2}, "beta must be 1 at t = 1, got 0.9"),
        ({"gamma": lambda t: t}, "gamma must be 0 at t = 1, got 1"),
        ({"gamma": lambda t: t * (t - 1)}, "gamma must not be negative"),
        ({"beta_rate": lambda t: t}, "beta_rate must be the derivative"),
        ({"gamma_squared_rate": lambda t: 1 - 2 * t}, "gamma_squared_rate must be the derivative"),
    ],
)
def test_a_schedule_that_does_not_fit_is_refused(change, message):
    with pytest.raises(ValueError, match=message):
        checked(QUADRATIC._replace(**change))


def test_bad_input():
    with pytest.raises(ValueError, match="ends must be one of two-sided, one-sided, mirror, got 3"):
        checked(linear(), ends=3)
    with pytest.raises(ValueError, match="noise must be positive, got 0"):
        mirror(0)
    with pytest.raises(ValueError, match="lowest must not be negative, got -1"):
        variance_preserving(-1, 3)
    with pytest.raises(ValueError, match=r"lowest \+ highest must be positive, got 0"):
        variance_preserving(0, 0)
    with pytest.raises(ValueError, match="noise must not be negative, got -1"):
        linear(-1)
    with pytest.raises(ValueError, match="highest must be positive, got 0"):
        variance_exploding(0)
    with pytest.raises(ValueError, match=r"power must be at least 1, got 0.5"):
        variance_exploding(80, 0.5)
    with pytest.raises(ValueError, match=r"t must lie in \[0, 1\], got 1.5"):
        linear().at(1.5)
    with pytest.raises(ValueError, match=r"x1 must have the shape of x0, \(2, 1\), got \(3, 1\)"):
        linear().interpolate(0.5, np.ones((2, 1)), np.ones((3, 1)))
