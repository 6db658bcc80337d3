"""The exact flow towards a data set: it is the mixture interpolant in a limit, and a safe one."""

import numba
import numpy as np
import pytest

from labcore.interpolants import between, linear, mixture, to_data, trigonometric

from .instances import SCHEDULES

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


def test_bad_input():
    with pytest.raises(ValueError, match="bandwidth must not be negative, got -1"):
        to_data(DATA, linear(), bandwidth=-1)
    with pytest.raises(ValueError, match="data must hold at least one point"):
        to_data(np.zeros((0, 3)), linear())
    with pytest.raises(ValueError, match=r"x must have 3 columns, got shape \(2, 1\)"):
        to_data(DATA, linear()).score(0.5, [0.0, 1.0])
