"""Solvers: their orders, the marginals of ODE and SDE, and errors."""

import numpy as np
import pytest

from labcore.interpolants import (
    EULER,
    EULER_MARUYAMA,
    HEUN,
    HEUN_SDE,
    RK4,
    between,
    encoding_decoding,
    linear,
    mixture,
    solve_ode,
    solve_sde,
    trigonometric,
)
from labcore.stats import mmd_test

from .instances import LINE_SOURCE, LINE_TARGET, PLANE_SOURCE, PLANE_TARGET

PATHS = [
    between(PLANE_SOURCE, PLANE_TARGET, s)
    for s in (linear(), linear(2.0), trigonometric(0.5), encoding_decoding())
]
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.schedule.name)


def of_one_law(x, y):
    """The two-sample test by the discrepancy of means in a Hilbert space, at the level 0.005. With
    1,000 points each it finds a tenth of the mass in the wrong mode, and a spread that is larger by
    a quarter, in 25 of 25 repetitions, a shift by 0.2 in 11. (The bandwidth is that of the whole
    law: of the width of a mode it sees little, which the rates above and the likelihoods do.)"""
    return mmd_test(None, x, y, n_permutations=199, rng=1, progress=False).p_value > 0.005


@pytest.mark.parametrize("method", [EULER, HEUN, RK4], ids=lambda m: m.name)
def test_global_error_of_an_ode_falls_with_the_order_of_the_method(method):
    """The velocity between two Gaussians has the flow m(t) + sqrt(c(t)/c(0)) (x - m(0))."""
    path = between(mixture([1.0], 0.5), mixture([-2.0], 3.0), trigonometric())
    x = np.linspace(-1, 3, 5)
    exact = -2 + np.sqrt(6.0) * (x - 1)
    errors = []
    for steps in (20, 40, 80):
        end = solve_ode(path.velocity, x, steps=steps, method=method)[:, -1, 0]
        errors.append(np.abs(end - exact).max())
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(rates, method.order, atol=0.15)


@pytest.mark.parametrize("method", [EULER_MARUYAMA, HEUN_SDE], ids=lambda m: m.name)
def test_weak_and_strong_order_of_the_sde_methods(method):
    """With v = -x and no score the SDE is a Gaussian process, whose numerical law is computed here
    by propagating (mean, variance) through one step of the method, exactly."""
    diffusion = 0.7

    def step_once(x, noise, h):
        return method.step(lambda t, y: -y, 0.0, h, np.array([[x]]), np.array([[noise]]))[0, 0]

    exact_mean, exact_variance = np.exp(-1), diffusion * (1 - np.exp(-2))
    errors = []
    for steps in (20, 40):
        h = 1 / steps
        factor, gain = step_once(1.0, 0.0, h), step_once(0.0, 1.0, h)
        mean, variance = 1.0, 0.0
        for _ in range(steps):
            mean, variance = factor * mean, factor**2 * variance + gain**2 * 2 * diffusion * h
        errors.append([abs(mean - exact_mean), abs(variance - exact_variance)])
    rates = np.log2(np.array(errors[0]) / errors[1])
    np.testing.assert_allclose(rates, method.weak_order, atol=0.15)


def test_strong_order_of_euler_maruyama_and_heun_is_one():
    """Against a path of the same Brownian motion with 64 times as many steps; the root mean square
    error over 400 paths has a relative error of 4 per cent, so a rate of 0.5 cannot pass."""
    rng = np.random.default_rng(7)
    n, finest = 400, 1024
    increments = rng.normal(size=(finest, n, 1)) * np.sqrt(2 * 0.5 / finest)

    def solve(method, steps):
        noise = increments.reshape(steps, finest // steps, n, 1).sum(axis=1)
        x = np.zeros((n, 1))
        for j in range(steps):
            x = method.step(lambda t, y: np.sin(3 * y) - t, j / steps, (j + 1) / steps, x, noise[j])
        return x

    reference = solve(HEUN_SDE, finest)
    for method in (EULER_MARUYAMA, HEUN_SDE):
        errors = [np.sqrt(((solve(method, s) - reference) ** 2).mean()) for s in (8, 16)]
        assert np.log2(errors[0] / errors[1]) == pytest.approx(method.strong_order, abs=0.3)


@every_path
def test_ode_and_sdes_carry_the_source_to_the_target(path):
    n = 1000
    x0, target = PLANE_SOURCE.sample(n, rng=31), PLANE_TARGET.sample(n, rng=32)
    ends = {"ode": solve_ode(path.velocity, x0, steps=40)[:, -1]}
    for diffusion in (0.3, 2.0, lambda t: 3 * (1 - t)):
        ends[diffusion] = solve_sde(
            path.velocity, path.score, diffusion, x0, steps=150, method=HEUN_SDE, rng=31
        )[:, -1]
    for end in ends.values():
        assert of_one_law(end, target)


@every_path
def test_backward_in_time_the_target_is_carried_to_the_source(path):
    n = 1000
    x1, source = PLANE_TARGET.sample(n, rng=41), PLANE_SOURCE.sample(n, rng=42)
    back = solve_ode(path.velocity, x1, (1.0, 0.0), steps=40)[:, -1]
    noisy = solve_sde(path.velocity, path.score, 1.0, x1, (1.0, 0.0), steps=150, rng=43)[:, -1]
    assert of_one_law(back, source)
    assert of_one_law(noisy, source)


def test_the_marginals_agree_at_times_between():
    path = PATHS[1]
    x0 = PLANE_SOURCE.sample(1000, rng=51)
    times = (0.0, 0.3, 0.6, 1.0)
    ode = solve_ode(path.velocity, x0, times, steps=20)
    sde = solve_sde(path.velocity, path.score, 1.0, x0, times, steps=60, rng=52)
    for j in (1, 2, 3):
        law = path.law(times[j]).sample(1000, rng=53)
        assert of_one_law(ode[:, j], law)
        assert of_one_law(sde[:, j], law)


def test_without_the_score_the_noise_of_the_sde_is_seen_in_its_marginals():
    path = PATHS[1]
    x0, target = PLANE_SOURCE.sample(1000, rng=31), PLANE_TARGET.sample(1000, rng=32)
    wrong = solve_sde(path.velocity, lambda t, x: np.zeros_like(x), 2.0, x0, steps=150, rng=31)[
        :, -1
    ]
    assert not of_one_law(wrong, target)


def test_without_diffusion_the_sde_is_the_ode():
    x = LINE_SOURCE.sample(10, rng=1)
    path = between(LINE_SOURCE, LINE_TARGET, linear())
    ode = solve_ode(path.velocity, x, steps=30, method=EULER)
    assert (solve_sde(path.velocity, path.score, 0.0, x, steps=30, rng=2) == ode).all()


def test_there_and_back_is_the_identity():
    path = between(LINE_SOURCE, LINE_TARGET, linear())
    x = LINE_SOURCE.sample(50, rng=1)
    there = solve_ode(path.velocity, x, steps=200)[:, -1]
    back = solve_ode(path.velocity, there, (1.0, 0.0), steps=200)[:, -1]
    np.testing.assert_allclose(back, x, atol=1e-6)


def test_a_particle_owns_its_noise():
    """Its path does not change when others are added."""
    path = PATHS[0]
    x = PLANE_SOURCE.sample(8, rng=9)

    def solve(start):
        return solve_sde(path.velocity, path.score, 1.0, start, steps=20, rng=9)

    assert (solve(x)[:3] == solve(x[:3])).all()


def test_noise_is_standard_and_independent_of_a_start_drawn_with_the_same_seed():
    """Without drift and with diffusion 1/2 the increments of a path are normal of variance 1/4 on
    four steps. Moments of 20,000 of them, within 4.5 standard errors."""
    start = mixture(np.zeros((1, 3))).sample(20_000, rng=9)

    def zero(t, x):
        return np.zeros_like(x)

    paths = solve_sde(zero, zero, 0.5, start, (0.0, 0.5, 1.0), steps=2, rng=9)
    draws = np.hstack([start, *np.diff(paths, axis=1).swapaxes(0, 1) * np.sqrt(2)])
    assert (np.abs(draws.mean(axis=0)) < 4.5 / np.sqrt(20_000)).all()
    expected, error = np.eye(9), np.sqrt((1 + np.eye(9)) / 20_000)
    assert (np.abs(draws.T @ draws / 20_000 - expected) < 4.5 * error).all()


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        (([0.0], (0.0, 0.0)), {}, "times must go up or go down"),
        (([0.0], (0.0, 1.0, 0.5)), {}, "times must go up or go down"),
        (([0.0], (0.5,)), {}, "times must go up or go down"),
        (([0.0],), {"steps": 0}, "steps must be at least 1, got 0"),
        (([np.nan],), {}, "x must be finite"),
        (([0.0, 1.0], (0.0, 1.0)), {"steps": 2}, r"velocity\(t, x\) must have shape \(2, 1\)"),
    ],
)
def test_bad_input(arguments, options, message):
    with pytest.raises(ValueError, match=message):
        solve_ode(lambda t, x: x[:, 0], *arguments, **options)


def test_bad_diffusion_is_refused():
    path, x = PATHS[0], np.zeros((2, 2))
    with pytest.raises(ValueError, match="diffusion must not be negative, got -1"):
        solve_sde(path.velocity, path.score, -1.0, x)
    with pytest.raises(ValueError, match=r"diffusion\(0.75\) must not be negative, got -0.25"):
        solve_sde(path.velocity, path.score, lambda t: 0.5 - t, x, steps=2)


@pytest.mark.filterwarnings("ignore:overflow")
def test_an_exploding_step_is_reported():
    with pytest.raises(
        ValueError, match=r"the solution is not finite at t = .*: take smaller steps"
    ):
        solve_ode(lambda t, x: x**5, [3.0], steps=10, method=EULER)
