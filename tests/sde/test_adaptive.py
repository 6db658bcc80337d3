"""Adaptive steps: along the documented path, as accurate as they are told, and without bias."""

import numba
import numpy as np
import pytest
from numba import njit

from labcore import sde

GROWING = sde.geometric_brownian(0.5, 0.8)
METHODS = [pytest.param(sde.MILSTEIN, id="milstein"), pytest.param(sde.HEUN, id="heun")]


def solve(model=GROWING, solver=sde.MILSTEIN, x0=1.0, t_end=1.0, n_steps=1, n=200, **options):
    options = {"rng": 4, "progress": False} | options
    return sde.solve_adaptive(model, solver, x0, t_end, n_steps, n, **options)


@pytest.mark.parametrize("n_steps", [1, 3, 4])
def test_paths_are_driven_by_the_documented_brownian_paths(n_steps):
    """X = W itself, so that the values at the saved times are those of the noise, and those of
    adaptive geometric Brownian motion differ from its solution along them by the tolerance."""
    w = sde.brownian_paths(1.5, 64 * n_steps, 40, rng=4)[:, ::64]
    paths = solve(sde.brownian_motion(), x0=0.0, t_end=1.5, n_steps=n_steps, n=40)
    np.testing.assert_allclose(paths.x, w, atol=1e-13)
    paths = solve(t_end=1.5, n_steps=n_steps, n=40, atol=1e-5, rtol=1e-5)
    exact = GROWING.solution(paths.t, 1.0, w)
    np.testing.assert_allclose(paths.x, exact, rtol=1e-3)


@pytest.mark.parametrize("solver", METHODS)
def test_the_error_at_the_end_is_nearly_proportional_to_the_tolerance(solver):
    """Nearly: measured powers are from 0.82 to 0.93, the longer steps being the less sure."""
    exact = GROWING.solution(1.0, 1.0, sde.brownian_paths(1.0, 1, 500, rng=4)[:, -1])
    tolerances = 10.0 ** -np.arange(2.0, 4.1, 0.4)
    ends = [solve(solver=solver, n=500, atol=tol, rtol=tol).x[:, -1] for tol in tolerances]
    errors = [np.abs(end - exact).mean() for end in ends]
    assert np.polyfit(np.log(tolerances), np.log(errors), 1)[0] == pytest.approx(0.9, abs=0.1)
    assert errors[-1] < 10 * tolerances[-1]


def test_steps_are_short_where_the_path_is_hard():
    """The noise of dX = X sigma(t) dW wakes up at time 1."""

    @njit
    def diffusion(t, x, parameters):
        return 0.8 * x if t >= 1.0 else 0.01 * x

    @njit
    def slope(t, x, parameters):
        return 0.8 if t >= 1.0 else 0.01

    model = sde.Model("waking", sde.brownian_motion(0.0).drift, diffusion, slope, None, (0.0,))
    paths = solve(model, t_end=2.0, n_steps=2, n=50, atol=1e-4, rtol=1e-4)
    calm, wild = paths.steps.mean(axis=0)
    assert wild > 30 * calm


def test_steps_and_rejections_are_counted():
    paths = solve(sde.brownian_motion(), n_steps=6, n=3, save_every=3)
    assert (paths.steps == 6).all()  # two halves of each interval: no step has an error
    assert (paths.rejected == 0).all()
    np.testing.assert_allclose(paths.smallest, 1 / 12)
    hard = solve(atol=1e-4, rtol=1e-4)
    assert (hard.rejected > 0).all()
    assert (hard.smallest >= 1 / hard.steps.sum(axis=1) / 2**10).all()
    assert (hard.smallest <= 1 / hard.steps.sum(axis=1)).all()
    assert (np.log2(hard.smallest) % 1 == 0).all()


def test_saving_less_changes_nothing_else():
    every, third = (solve(n_steps=6, n=20, save_every=k) for k in (1, 3))
    assert np.array_equal(every.x[:, ::3], third.x)
    assert np.array_equal(every.steps.reshape(20, 2, 3).sum(axis=2), third.steps)
    np.testing.assert_allclose(third.t, [0.0, 0.5, 1.0])


def test_nothing_depends_on_the_number_of_threads_or_of_other_paths():
    threads = numba.get_num_threads()
    many = solve(n=70).x
    try:
        numba.set_num_threads(1)
        alone = solve(n=70).x
    finally:
        numba.set_num_threads(threads)
    assert np.array_equal(many, alone)
    assert np.array_equal(solve(n=33).x, many[:33])


@njit
def _spring(t, x, parameters):
    return -(x**3)


@njit
def _one(t, x, parameters):
    return 1.0


@njit
def _zero(t, x, parameters):
    return 0.0


SPRING = sde.Model("cubic spring", _spring, _one, _zero)


def test_a_superlinear_drift_explodes_with_fixed_steps_and_is_solved_with_adaptive_ones():
    """Equal steps must be below 2 / x^2, of which it would take half a million."""
    start = np.array([-1000.0, 1000.0])
    with pytest.raises(sde.Exploded):
        sde.solve(SPRING, sde.MILSTEIN, start, 1.0, 2**18, 2, save_every=2**18, rng=4)
    n = 2**20
    fixed = sde.solve(SPRING, sde.MILSTEIN, start, 1.0, n, 2, save_every=n, rng=4).x[:, -1]
    adaptive = solve(SPRING, x0=start, n=2, atol=1e-2, rtol=1e-2)
    np.testing.assert_allclose(adaptive.x[:, -1], fixed, atol=0.02)
    assert adaptive.steps.max() < 10_000


@njit(error_model="numpy")
def _redrawn(tolerance, n, seed):
    """W_1 of paths of dX = X dW that draw anew after each rejection."""
    np.random.seed(seed)  # noqa: NPY002
    w_end = np.empty(n)
    for p in range(n):
        t, x, w, h = 0.0, 1.0, 0.0, 1.0
        while t < 1.0:
            h = min(h, 1.0 - t)
            a, b = np.random.normal(0.0, np.sqrt(h / 2), 2)  # noqa: NPY002
            whole = x * (1.0 + a + b + 0.5 * ((a + b) ** 2 - h))
            halves = x * (1.0 + a + 0.5 * (a * a - h / 2)) * (1.0 + b + 0.5 * (b * b - h / 2))
            ratio = abs(halves - whole)
            ratio /= tolerance * (1.0 + max(abs(x), abs(halves))) * np.sqrt(h)
            if ratio <= 1.0:
                t, x, w = t + h, halves, w + a + b
                h *= min(max(0.8 / ratio, 1.0), 4.0)
            else:
                h *= 0.5
        w_end[p] = w
    return w_end


def test_redrawing_what_was_rejected_shrinks_the_noise():
    """Variance about 0.7 where 1 is right: 4000 paths know it to 0.03."""
    for tolerance in (0.1, 0.01):
        assert _redrawn(tolerance, 4000, 1).var() == pytest.approx(0.74, abs=0.09)


def test_the_tree_of_midpoints_leaves_no_bias():
    """E X_1 = 1 and E log X_1 = -1/2 of dX = X dW from 4000 paths, within 4 standard errors."""
    end = solve(sde.geometric_brownian(0.0, 1.0), n=4000, atol=0.01, rtol=0.01).x[:, -1]
    for values, mean in ((end, 1.0), (np.log(end), -0.5)):
        error = values.std() / np.sqrt(4000)
        assert error < 0.025
        assert abs(values.mean() - mean) < 4 * error + 0.01


def test_euler_maruyama_would_converge_to_something_else():
    """E X_1 = 1.2 where 1 is right, however small the tolerance (standard error 0.02)."""
    disguised = sde.EULER_MARUYAMA._replace(strong_order=1.0)
    model = sde.geometric_brownian(0.0, 1.0)
    exact = model.solution(1.0, 1.0, sde.brownian_paths(1.0, 1, 4000, rng=4)[:, -1])
    for tolerance in (0.03, 0.01):
        end = solve(model, disguised, n=4000, atol=tolerance, rtol=tolerance).x[:, -1]
        assert (end - exact).mean() == pytest.approx(0.22, abs=0.05)


@njit
def _exploding(t, x, parameters):
    return x * x


def test_an_explosion_is_named_with_its_time():
    """x' = x^2 from 2 is infinite at t = 1/2."""
    model = sde.Model("explosive", _exploding, _zero, _zero)
    with pytest.raises(sde.StepUnderflow, match="explosive: path 0 is stuck at t = 0.5"):
        solve(model, x0=2.0, n=20)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t_end": 0.0}, "t_end must be positive"),
        ({"n_steps": 0}, "n_steps must be at least 1"),
        ({"n": 0}, "n_paths must be at least 1"),
        ({"atol": 0.0}, "atol must be positive"),
        ({"rtol": -1.0}, "rtol must not be negative"),
        ({"n_steps": 4, "save_every": 3}, "save_every must divide n_steps = 4, got 3"),
        ({"x0": np.ones(3)}, r"x0 must be a number or have shape \(200,\)"),
        (
            {"solver": sde.EULER_MARUYAMA},
            "solver must be of strong order 1 at least.*Euler-Maruyama is of order 0.5",
        ),
        ({"model": GROWING._replace(diffusion_derivative=None)}, "needs model.diffusion_deriv"),
    ],
    ids=range(9),
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        solve(**options)
