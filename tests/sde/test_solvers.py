"""Each solver converges at the orders that it states."""

import numpy as np
import pytest
from numba import njit

from labcore import sde
from labcore.sde.model import Coefficients, no_derivative, no_transition

SOLVERS = [
    pytest.param(sde.EULER_MARUYAMA, id="euler-maruyama"),
    pytest.param(sde.MILSTEIN, id="milstein"),
    pytest.param(sde.HEUN, id="heun"),
]
STEPS = 2 ** np.arange(4, 10)


@njit
def _hyperbolic_drift(t, x, parameters):
    return 0.5 * x + t * np.sqrt(1 + x * x)


@njit
def _hyperbolic_diffusion(t, x, parameters):
    return np.sqrt(1 + x * x)


@njit
def _hyperbolic_derivative(t, x, parameters):
    return x / np.sqrt(1 + x * x)


# Ito's formula for sinh(t^2 / 2 + w + c): nonlinear, depends on time, not in the gallery.
HYPERBOLIC = sde.Model(
    "hyperbolic equation",
    _hyperbolic_drift,
    _hyperbolic_diffusion,
    _hyperbolic_derivative,
    solution=lambda t, x0, w: np.sinh(t**2 / 2 + w + np.arcsinh(x0)),
)


def hyperbolic(t, x):
    """Drift, diffusion and its derivative, written out once more in NumPy."""
    return 0.5 * x + t * np.hypot(1, x), np.hypot(1, x), x / np.hypot(1, x)


def test_a_step_is_the_documented_formula():
    c = Coefficients(*HYPERBOLIC[1:4], no_transition, (), 0.0)
    t, x, h, dw = 0.3, 0.7, 0.1, -0.45
    b, sigma, slope = hyperbolic(t, x)
    euler = x + b * h + sigma * dw
    b_ahead, sigma_ahead, _ = hyperbolic(t + h, euler)
    expected = {
        sde.EULER_MARUYAMA: euler,
        sde.MILSTEIN: euler + sigma * slope * (dw**2 - h) / 2,
        sde.HEUN: x + (b + b_ahead) / 2 * h + (sigma + sigma_ahead) / 2 * dw,
    }
    for solver, value in expected.items():
        assert solver.step(c, t, x, h, dw) == pytest.approx(value, rel=1e-14), solver.name


def test_each_step_is_given_the_time_at_its_start():
    n, t_end = 6, 1.5
    x, h = np.full(3, 0.2), t_end / n
    for i, dw in enumerate(np.diff(sde.brownian_paths(t_end, n, 3, rng=1)).T):
        b, sigma, _ = hyperbolic(i * h, x)
        x = x + b * h + sigma * dw
    end = sde.solve(HYPERBOLIC, sde.EULER_MARUYAMA, 0.2, t_end, n, 3, rng=1).x[:, -1]
    np.testing.assert_allclose(end, x, rtol=1e-13)


def strong_errors(model, solver, x0, n_paths=4000):
    """E|X_1 - approximation|, on the same Brownian paths for each number of steps."""
    exact = model.solution(1.0, x0, sde.brownian_paths(1.0, 1, n_paths, rng=4)[:, -1])
    ends = [
        sde.solve(model, solver, x0, 1.0, int(n), n_paths, save_every=int(n), rng=4).x[:, -1]
        for n in STEPS
    ]
    return np.array([np.abs(end - exact).mean() for end in ends])


def slope(errors, steps=STEPS):
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize(
    ("model", "x0"),
    [
        pytest.param(sde.geometric_brownian(0.5, 0.8), 1.0, id="geometric-brownian"),
        pytest.param(HYPERBOLIC, 0.2, id="hyperbolic"),
    ],
)
def test_strong_order(model, x0, solver):
    """The regression over six step sizes has a standard error below 0.03: an order that is off by a
    quarter is always caught."""
    assert slope(strong_errors(model, solver, x0)) == pytest.approx(solver.strong_order, abs=0.12)


@pytest.mark.parametrize("solver", SOLVERS)
def test_weak_order(solver):
    """For geometric Brownian motion X_n = x0 G_1 ... G_n with independent equal factors, so
    E[X_n^2] = E[G^2]^n is found without sampling, by quadrature over one step."""
    r, sigma = 0.5, 0.8
    model = sde.geometric_brownian(r, sigma)
    correction = 0.0 if solver.interpretation == "ito" else -0.5
    c = Coefficients(*model[1:4], no_transition, model.parameters, correction)
    nodes, weights = np.polynomial.hermite_e.hermegauss(40)
    errors = []
    for n in STEPS:
        factors = [solver.step(c, 0.0, 1.0, 1 / n, z / np.sqrt(n)) for z in nodes]
        second = weights @ np.square(factors) / np.sqrt(2 * np.pi)
        errors.append(abs(second**n - np.exp(2 * r + sigma**2)))
    assert slope(errors) == pytest.approx(solver.weak_order, abs=0.05)


def test_euler_maruyama_has_strong_order_one_where_the_noise_is_additive():
    model = sde.ornstein_uhlenbeck(1.5, 0.0, 1.0)
    fine = sde.solve(model, sde.EXACT, 1.0, 1.0, 2**14, 300, save_every=2**14, rng=6).x[:, -1]
    for solver in (sde.EULER_MARUYAMA, sde.EXACT):
        errors = []
        for n in STEPS[:5]:
            end = sde.solve(model, solver, 1.0, 1.0, int(n), 300, rng=6).x[:, -1]
            errors.append(np.abs(end - fine).mean())
        assert slope(errors, STEPS[:5]) == pytest.approx(1.0, abs=0.12)


def test_exact_transitions_of_geometric_brownian_motion_follow_the_path():
    model = sde.geometric_brownian(0.5, 0.8)
    w = sde.brownian_paths(2.0, 8, 50, rng=2)
    paths = sde.solve(model, sde.EXACT, 1.3, 2.0, 8, 50, rng=2)
    np.testing.assert_allclose(paths.x, model.solution(paths.t, 1.3, w), rtol=1e-13)


def test_ito_and_stratonovich_differ_by_half_the_time():
    """dX = X dW has the solution exp(W - t/2), dX = X o dW has exp(W), whatever the solver."""
    w = sde.brownian_paths(1.0, 2048, 200, rng=7)[:, -1]
    for interpretation, expected in (("ito", np.exp(w - 0.5)), ("stratonovich", np.exp(w))):
        model = sde.geometric_brownian(0.0, 1.0)._replace(interpretation=interpretation)
        for solver in (sde.EULER_MARUYAMA, sde.MILSTEIN, sde.HEUN):
            rtol = 0.2 if solver.strong_order < 1 else 0.02
            end = sde.solve(model, solver, 1.0, 1.0, 2048, 200, rng=7).x[:, -1]
            np.testing.assert_allclose(end, expected, rtol=rtol)


def test_heun_without_noise_has_order_two():
    """At t = 0 ... 1 with the noise scaled away, Heun is the trapezoidal Runge-Kutta method."""
    c = Coefficients(_hyperbolic_drift, no_derivative, no_derivative, no_transition, (), 0.0)
    errors = []
    for n in (20, 40, 80):
        x = 0.2
        for i in range(n):
            x = sde.HEUN.step(c, i / n, x, 1 / n, 0.0)
        errors.append(x)
    ratio = (errors[0] - errors[1]) / (errors[1] - errors[2])
    assert ratio == pytest.approx(4.0, rel=0.1)
