"""Schedules: end points, rates, and the errors for schedules of one's own that do not fit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore.interpolants import checked, encoding_decoding, linear, trigonometric

from .instances import QUADRATIC


def test_every_schedule_joins_its_ends_and_knows_its_rates(schedule):
    assert checked(schedule) is schedule


def test_gamma_and_the_rate_of_its_square_vanish_or_not_together(schedule):
    t = np.linspace(0.0, 1.0, 101)
    c = schedule.at(t)
    assert np.isfinite(np.array(c)).all()
    integral = np.concatenate(
        [[0.0], np.cumsum(c.gamma_squared_rate[1:] + c.gamma_squared_rate[:-1])]
    )
    np.testing.assert_allclose(integral * 0.005, c.gamma**2, atol=2e-3)


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
    np.testing.assert_allclose(schedule.interpolate(0.0, x0, x1, z), x0, atol=1e-12)
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
    with pytest.raises(ValueError, match="noise must not be negative, got -1"):
        linear(-1)
    with pytest.raises(ValueError, match=r"t must lie in \[0, 1\], got 1.5"):
        linear().at(1.5)
    with pytest.raises(ValueError, match=r"x1 must have the shape of x0, \(2, 1\), got \(3, 1\)"):
        linear().interpolate(0.5, np.ones((2, 1)), np.ones((3, 1)))
