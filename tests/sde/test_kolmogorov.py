"""Kolmogorov's equations on a grid: mass, positivity, duality, and the laws that are known."""

import numpy as np
import pytest
from numba import njit
from scipy import stats

from labcore import sde


@njit
def _moving_drift(t, x, parameters):
    return np.cos(t) - x


@njit
def _growing_diffusion(t, x, parameters):
    return 1.0 + 0.5 * t


@njit
def _curved_drift(t, x, parameters):
    return 0.5 * x - 0.2 * x**3


@njit
def _curved_diffusion(t, x, parameters):
    return np.sqrt(1.0 + x * x)


@njit
def _curved_derivative(t, x, parameters):
    return x / np.sqrt(1.0 + x * x)


CURVED = sde.Model("curved", _curved_drift, _curved_diffusion, _curved_derivative)
MODELS = [
    pytest.param(sde.ornstein_uhlenbeck(1.5, 0.2, 0.8), id="ornstein-uhlenbeck"),
    pytest.param(sde.double_well(), id="double-well"),
    pytest.param(CURVED, id="curved"),
    pytest.param(sde.Model("moving", _moving_drift, _growing_diffusion), id="moving"),
]


@pytest.mark.parametrize("theta", [0.5, 0.7, 1.0])
@pytest.mark.parametrize("model", MODELS)
def test_mass_is_kept_to_rounding(model, theta):
    x = np.linspace(-4.0, 4.0, 173)
    values = sde.fokker_planck(model, 0.31, x, 2.0, 37, theta=theta).values
    np.testing.assert_allclose(values.sum(axis=1) * (x[1] - x[0]), 1.0, rtol=1e-12)


@pytest.mark.parametrize("model", MODELS)
def test_implicit_euler_keeps_a_density_positive_whatever_the_step(model):
    x = np.linspace(-6.0, 6.0, 301)
    assert sde.fokker_planck(model, 0.31, x, 5.0, 3, theta=1.0).values.min() >= 0.0


def test_crank_nicolson_is_positive_below_the_documented_step_and_not_far_above():
    """A peak that drifts across 16 cells a step leaves negative values behind."""
    model, x = sde.ornstein_uhlenbeck(20.0, 0.0, 0.3), np.linspace(-1.0, 1.0, 101)
    rate = 20.0 / 0.02 + 0.3**2 / 0.02**2  # at most: of drifting one way, and of spreading
    n = int(np.ceil(0.1 / (2.0 / rate)))
    assert sde.fokker_planck(model, 0.8, x, 0.1, n).values.min() >= 0.0
    assert sde.fokker_planck(model, 0.8, x, 0.1, n // 6).values.min() < -0.1


@pytest.mark.parametrize("model", MODELS[:3])
def test_forward_and_backward_equations_are_dual(model):
    """sum rho(T) f = sum rho(0) u(0), to rounding, when the coefficients do not depend on time."""
    x = np.linspace(-3.0, 3.0, 121)
    f = np.sin(3 * x) + x**2
    rho = sde.fokker_planck(model, 0.4, x, 1.3, 25).values
    u = sde.backward_kolmogorov(model, f, x, 1.3, 25).values
    assert rho[-1] @ f == pytest.approx(rho[0] @ u[0], rel=1e-12)


@pytest.mark.parametrize(
    ("model", "log_density"),
    [
        (sde.double_well(0.7), lambda x: -2.0 * (x**4 / 4 - x**2 / 2) / 0.49),
        # 2 b / sigma^2 integrated, less log sigma^2
        (CURVED, lambda x: 0.7 * np.log1p(x**2) - 0.2 * x**2 - np.log1p(x**2)),
    ],
    ids=["double-well", "curved"],
)
def test_the_stationary_density_is_reached_with_an_error_of_second_order(model, log_density):
    errors = []
    for n in (81, 161, 321):
        x = np.linspace(-8.0, 8.0, n) if model is CURVED else np.linspace(-3.0, 3.0, n)
        width = x[1] - x[0]
        density = sde.fokker_planck(model, 0.4, x, 400.0, 60, theta=1.0).values[-1]
        expected = np.exp(log_density(x))
        expected /= expected.sum() * width
        errors.append(np.abs(density - expected).max())
    assert errors[-1] < 2e-3
    assert errors[1] / errors[2] == pytest.approx(4.0, rel=0.15)


def transition_errors(cells, steps, theta=0.5):
    model = sde.ornstein_uhlenbeck(1.5, 0.2, 0.8)
    errors = []
    for n, m in zip(cells, steps, strict=True):
        x = np.linspace(-3.0, 3.4, n)  # 1 is on every grid
        law = stats.norm(model.mean(1.0, 1.0), np.sqrt(model.variance(1.0, 1.0)))
        values = sde.fokker_planck(model, 1.0, x, 1.0, m, theta=theta).values[-1]
        errors.append(np.abs(values - law.pdf(x)).max())
    return np.log2(np.array(errors[:-1]) / errors[1:])


def test_the_transition_density_converges_with_the_orders_that_are_stated():
    np.testing.assert_allclose(transition_errors((129, 257, 513), (60, 120, 240)), 2.0, atol=0.1)
    implicit = transition_errors((1025, 1025, 1025), (20, 40, 80), theta=1.0)
    np.testing.assert_allclose(implicit, 1.0, atol=0.1)


def test_coefficients_are_taken_at_the_times_of_the_steps():
    """dX = (cos t - X) dt + (1 + t/2) dW: mean and variance solve linear equations."""
    x, t = np.linspace(-8.0, 8.0, 801), np.linspace(0.0, 1.5, 151)
    values = sde.fokker_planck(sde.Model("m", _moving_drift, _growing_diffusion), 0.5, x, 1.5, 150)
    width = x[1] - x[0]
    mean = values.values @ x * width
    expected = (np.cos(t) + np.sin(t)) / 2  # and 0.5 = its start
    np.testing.assert_allclose(mean, expected, atol=2e-4)
    fine = np.linspace(0.0, 1.5, 20_001)
    variance = np.trapezoid(np.exp(-2 * (1.5 - fine)) * (1 + fine / 2) ** 2, fine)
    assert values.values[-1] @ (x - mean[-1]) ** 2 * width == pytest.approx(variance, rel=1e-3)
    u = sde.backward_kolmogorov(sde.Model("m", _moving_drift, _growing_diffusion), x, x, 1.5, 150)
    assert np.interp(0.5, x, u.values[0]) == pytest.approx(expected[-1], abs=2e-4)


def test_an_expectation_solves_the_backward_equation():
    """E[X_T^2 | X_t = x] of the Ornstein-Uhlenbeck process, far from the ends."""
    model, x = sde.ornstein_uhlenbeck(1.0, 0.0, 0.7), np.linspace(-5.0, 5.0, 401)
    u = sde.backward_kolmogorov(model, x**2, x, 1.0, 200)
    middle = np.abs(x) < 2.0
    for i in (0, 80, 180):
        left = 1.0 - u.t[i]
        expected = model.mean(left, x) ** 2 + model.variance(left, x)
        np.testing.assert_allclose(u.values[i, middle], expected[middle], atol=1e-3)


def test_an_absorbing_end_stops_the_path():
    """Brownian motion from x has not hit zero by time t with probability erf(x / sqrt(2 t))."""
    x = np.arange(1, 601) / 100
    ends = ("absorbing", "reflecting")
    u = sde.backward_kolmogorov(sde.brownian_motion(), np.ones(600), x, 0.8, 200, boundary=ends)
    expected = 2 * stats.norm.cdf(x / np.sqrt(0.8)) - 1
    near = x < 2.0
    np.testing.assert_allclose(u.values[0, near], expected[near], atol=1e-4)
    rho = sde.fokker_planck(sde.brownian_motion(), 0.7, x, 0.8, 200, boundary=ends).values
    images = stats.norm.pdf(x, 0.7, np.sqrt(0.8)) - stats.norm.pdf(x, -0.7, np.sqrt(0.8))
    np.testing.assert_allclose(rho[-1], images, atol=2e-4)
    both = sde.fokker_planck(
        sde.brownian_motion(), 0.5, np.arange(1, 100) / 100, 1.0, 500, boundary="absorbing"
    ).values
    decay = 4 / np.pi * np.exp(-(np.pi**2) / 2)  # the first term of the series of sines
    assert both[-1].sum() * 0.01 == pytest.approx(decay, rel=2e-3)


def test_stratonovich_equations_are_read_as_such():
    """dX = X o dW is dX = X/2 dt + X dW."""
    x = np.linspace(0.02, 6.0, 300)
    stratonovich = sde.geometric_brownian(0.0, 0.4)._replace(interpretation="stratonovich")
    ito = sde.geometric_brownian(0.08, 0.4)
    a, b = (sde.fokker_planck(m, 1.0, x, 1.0, 50).values[-1] for m in (stratonovich, ito))
    np.testing.assert_allclose(a, b, atol=1e-12)


def test_a_point_between_two_cells_keeps_its_mean():
    x = np.linspace(-1.0, 1.0, 21)
    for start in (0.033, -1.0, 1.0, 0.9999):
        density = sde.fokker_planck(sde.brownian_motion(), start, x, 1.0, 1).values[0]
        assert density.sum() * 0.1 == pytest.approx(1.0, rel=1e-12)
        assert density @ x * 0.1 == pytest.approx(start, rel=1e-12)


@njit
def _root(t, x, parameters):
    return np.sqrt(x)


@njit
def _still(t, x, parameters):
    return 0.0


X = np.linspace(-1.0, 1.0, 11)


def solve(model=None, initial=0.0, x=X, t_end=1.0, n_steps=2, **options):
    return sde.fokker_planck(model or sde.brownian_motion(), initial, x, t_end, n_steps, **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: solve(t_end=0.0), "t_end must be positive"),
        (lambda: solve(n_steps=0), "n_steps must be at least 1"),
        (lambda: solve(theta=0.4), "theta must be from 1/2 to 1, got 0.4"),
        (lambda: solve(theta=1.1), "theta must be from 1/2 to 1"),
        (lambda: solve(boundary="open"), "boundary must be one of"),
        (lambda: solve(boundary=("absorbing",)), "boundary must be one of"),
        (lambda: solve(x=[0.0, 1.0]), "x must have at least 3 points, got 2"),
        (lambda: solve(x=[0.0, 1.0, 3.0]), "x must be increasing and equally spaced"),
        (lambda: solve(x=[2.0, 1.0, 0.0]), "x must be increasing and equally spaced"),
        (lambda: solve(initial=1.5), "initial must lie on the grid, from -1 to 1, got 1.5"),
        (lambda: solve(initial=np.ones(3)), "initial must be a number or have shape"),
        (lambda: solve(initial=-np.ones(11)), "initial must not be negative, got -1"),
        (lambda: solve(initial=np.nan), "initial must be finite"),
        (
            lambda: solve(sde.Model("root", _root, _root)),
            "drift and diffusion must be finite and the diffusion not zero, got .* x = -0.9",
        ),
        (
            lambda: solve(sde.Model("still", _root, _still), 2.0, X + 2.0),
            "the diffusion not zero",
        ),
        (
            lambda: sde.backward_kolmogorov(sde.brownian_motion(), np.ones(4), X, 1.0, 2),
            r"terminal must have shape \(11,\)",
        ),
    ],
    ids=range(16),
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
