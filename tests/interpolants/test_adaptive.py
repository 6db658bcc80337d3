"""The adaptive solver: what it promises of its errors, its times between steps, and its limits."""

import numpy as np
import pytest

from labcore.interpolants import (
    DORMAND_PRINCE,
    between,
    linear,
    solve_ode,
    solve_ode_adaptive,
    to_data,
    trigonometric,
)
from labcore.interpolants.adaptive import _between, _try

from .instances import LINE_SOURCE, LINE_TARGET, PLANE_SOURCE, PLANE_TARGET

PATH = between(PLANE_SOURCE, PLANE_TARGET, trigonometric(1.0))


def rotation(t, x):
    return np.column_stack([-x[:, 1], x[:, 0]])


def at_angles(angles):
    return np.column_stack([np.cos(angles), np.sin(angles)])


def test_the_error_is_proportional_to_the_tolerance_and_steps_to_its_fifth_root():
    x = PLANE_SOURCE.sample(100, rng=1)
    exact = solve_ode(PATH.velocity, x, steps=1000)
    tolerances = 10.0 ** -np.arange(4, 10)
    runs = [solve_ode_adaptive(PATH.velocity, x, rtol=tol, atol=tol) for tol in tolerances]
    errors = np.array([np.abs(run.x - exact).max() for run in runs])
    assert (errors < 30 * tolerances).all()
    slope = np.polyfit(np.log(tolerances), np.log(errors), 1)[0]
    assert slope == pytest.approx(1, abs=0.15)
    steps = [run.steps for run in runs]
    assert np.polyfit(np.log(tolerances), np.log(steps), 1)[0] == pytest.approx(-0.2, abs=0.04)


@pytest.mark.parametrize("times", [(0.0, 0.31, 0.5, 0.77, 1.0), (1.0, 0.6, 0.05)])
def test_the_work_does_not_depend_on_the_times_that_are_wanted(times):
    x = PLANE_SOURCE.sample(20, rng=2)
    some = solve_ode_adaptive(PATH.velocity, x, times)
    ends = solve_ode_adaptive(PATH.velocity, x, (times[0], times[-1]))
    assert some[1:] == ends[1:]
    assert (some.x[:, [0, -1]] == ends.x).all()
    np.testing.assert_allclose(some.x, solve_ode(PATH.velocity, x, times, steps=400), atol=2e-5)


def test_with_fixed_steps_the_error_falls_with_the_order():
    """x' = x cos 3t has the solution exp((sin 3t)/3)."""
    errors = []
    for steps in (16, 32, 64):
        end = solve_ode(lambda t, x: np.cos(3 * t) * x, [1.0], steps=steps, method=DORMAND_PRINCE)[
            0, -1, 0
        ]
        errors.append(abs(end - np.exp(np.sin(3.0) / 3)))
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(rates, DORMAND_PRINCE.order, atol=0.15)


def test_between_steps_it_is_exact_to_the_fourth_order():
    """A rotation, in one step of length h: the largest error at times in it falls like h^5."""
    errors = []
    for h in (0.4, 0.2, 0.1):
        x, stages = np.array([[1.0, 0.0]]), np.empty((7, 1, 2))
        stages[0] = rotation(0.0, x)
        new = _try(rotation, 0.0, h, x, stages)
        assert (new == DORMAND_PRINCE.step(rotation, 0.0, h, x)).all()
        shares = np.linspace(0, 1, 12)
        found = np.concatenate([_between(s, h, x, new, stages) for s in shares])
        errors.append(np.abs(found - at_angles(shares * h)).max())
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(rates, 5, atol=0.3)


def test_an_accepted_step_costs_six_evaluations():
    calls = []

    def counted(t, x):
        calls.append(t)
        return PATH.velocity(t, x)

    run = solve_ode_adaptive(counted, PLANE_SOURCE.sample(5, rng=3))
    assert run.evaluations == len(calls) == 2 + 6 * (run.steps + run.rejected)
    assert min(calls) == 0.0
    assert max(calls) == 1.0


def test_steps_are_short_where_the_velocity_is_steep():
    """Towards data without a bandwidth: the field sharpens like 1/(1-t)."""
    path = to_data(np.random.default_rng(0).normal(size=(5, 2)), linear())
    called = []

    def noted(t, x):
        called.append(t)
        return path.velocity(t, x)

    solve_ode_adaptive(noted, np.random.default_rng(1).normal(size=(50, 2)), (0.0, 0.99))
    assert np.mean(np.array(called) > 0.6) > 0.5


def test_there_and_back_is_the_identity():
    path = between(LINE_SOURCE, LINE_TARGET, linear())
    x = LINE_SOURCE.sample(30, rng=1)
    there = solve_ode_adaptive(path.velocity, x, rtol=1e-9, atol=1e-9).x[:, -1]
    back = solve_ode_adaptive(path.velocity, there, (1.0, 0.0), rtol=1e-9, atol=1e-9).x[:, -1]
    np.testing.assert_allclose(back, x, atol=1e-6)


def test_what_does_not_move_stays_where_it_is():
    run = solve_ode_adaptive(lambda t, x: 0.0 * x, np.ones((3, 2)), (0.0, 0.5, 1.0))
    assert (run.x == 1).all()
    empty = solve_ode_adaptive(lambda t, x: x, np.ones((0, 2)))
    assert empty.x.shape == (0, 2, 2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rtol": 0.0}, "rtol must be positive, got 0"),
        ({"atol": -1.0}, "atol must be positive, got -1"),
        ({"max_steps": 0}, "max_steps must be at least 1, got 0"),
        ({"max_steps": 3}, "max_steps = 3 are not enough: at t = 0."),
        ({"times": (0.0, 1.0, 0.5)}, "times must go up or go down"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(ValueError, match=message):
        solve_ode_adaptive(PATH.velocity, np.zeros((2, 2)), **options)


@pytest.mark.filterwarnings("ignore")
def test_a_solution_that_cannot_be_carried_on_is_an_error():
    with pytest.raises(ValueError, match=r"too steep, near t = 0.2.*: the step vanished"):
        solve_ode_adaptive(lambda t, x: x**2, [4.0])  # infinite at t = 1/4
    with pytest.raises(ValueError, match="the velocity is not finite at t = 0"):
        solve_ode_adaptive(lambda t, x: x / t, [1.0])
    with pytest.raises(ValueError, match=r"velocity\(t, x\) must have shape \(2, 1\)"):
        solve_ode_adaptive(lambda t, x: x[:, 0], [0.0, 1.0])
