"""The gallery: coefficients, transitions and closed forms agree with one another."""

import numpy as np
import pytest

from labcore import sde

GALLERY = [
    sde.brownian_motion(0.4, 1.3),
    sde.ornstein_uhlenbeck(1.7, -0.5, 0.8),
    sde.geometric_brownian(0.3, 0.6),
    sde.double_well(0.7),
]
CLOSED = [model for model in GALLERY if model.transition]


def by_name(models):
    return [pytest.param(model, id=model.name.replace(" ", "-")) for model in models]


def normal_expectation(function, variance):
    """E f(Z) for Z normal with mean 0, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    values = np.array([function(node * np.sqrt(variance)) for node in nodes])
    return weights @ values / np.sqrt(2 * np.pi)


@pytest.mark.parametrize("model", by_name(GALLERY))
def test_the_derivative_is_that_of_the_diffusion(model):
    for x in (0.3, 1.9):
        e = 1e-5
        up, down = (model.diffusion(0.0, x + s * e, model.parameters) for s in (1, -1))
        slope = model.diffusion_derivative(0.0, x, model.parameters)
        assert slope == pytest.approx((up - down) / (2 * e), abs=1e-9)


@pytest.mark.parametrize("model", by_name(CLOSED))
def test_the_transition_has_the_mean_and_variance_of_the_closed_form(model):
    x0, h = 1.4, 0.9
    step = lambda dw: model.transition(0.0, x0, h, dw, model.parameters)  # noqa: E731
    mean = normal_expectation(step, h)
    assert mean == pytest.approx(model.mean(h, x0), rel=1e-10)
    variance = normal_expectation(lambda dw: (step(dw) - mean) ** 2, h)
    assert variance == pytest.approx(model.variance(h, x0), rel=1e-10)


@pytest.mark.parametrize("model", by_name(CLOSED))
def test_a_short_transition_has_the_drift_and_diffusion_of_the_equation(model):
    """E[dX] / h tends to b and Var[dX] / h to sigma^2, with an error of order h."""
    x0 = 1.4
    b = model.drift(0.0, x0, model.parameters)
    sigma = model.diffusion(0.0, x0, model.parameters)
    for h in (1e-3, 1e-4):
        assert (model.mean(h, x0) - x0) / h == pytest.approx(b, abs=4 * h)
        assert model.variance(h, x0) / h == pytest.approx(sigma**2, abs=4 * h)


@pytest.mark.parametrize("model", by_name([m for m in GALLERY if m.solution]))
def test_the_strong_solution_satisfies_the_equation_by_itos_formula(model):
    """f(t, w) solves dX = b dt + sigma dW if f_w = sigma(f) and f_t + f_ww / 2 = b(f)."""
    t, w, x0, e = 0.7, -0.4, 1.2, 1e-4
    f = lambda t, w: model.solution(t, x0, w)  # noqa: E731
    x = f(t, w)
    f_t = (f(t + e, w) - f(t - e, w)) / (2 * e)
    f_w = (f(t, w + e) - f(t, w - e)) / (2 * e)
    f_ww = (f(t, w + e) - 2 * x + f(t, w - e)) / e**2
    assert f_w == pytest.approx(model.diffusion(t, x, model.parameters), abs=1e-6)
    assert f_t + f_ww / 2 == pytest.approx(model.drift(t, x, model.parameters), abs=1e-6)


@pytest.mark.parametrize("model", by_name([m for m in GALLERY if m.solution]))
def test_the_transition_is_the_strong_solution(model):
    got = model.transition(0.0, 1.2, 0.7, -0.4, model.parameters)
    assert got == pytest.approx(model.solution(0.7, 1.2, -0.4), rel=1e-14)


def test_ornstein_uhlenbeck_keeps_its_stationary_law():
    """Mean, variance and lag covariance sigma^2 e^{-theta t} / 2 theta of 40 000 paths that start
    in the stationary law: an error of 6 % in either is caught with probability 0.99."""
    theta, m, sigma, lag = 1.7, -0.5, 0.8, 0.6
    stationary = sigma**2 / (2 * theta)
    x0 = m + np.sqrt(stationary) * np.random.default_rng(0).standard_normal(40_000)
    model = sde.ornstein_uhlenbeck(theta, m, sigma)
    x = sde.solve(model, sde.EXACT, x0, lag, 3, x0.size, rng=1).x
    assert x[:, -1].mean() == pytest.approx(m, abs=4 * np.sqrt(stationary / 40_000))
    assert x[:, -1].var() == pytest.approx(stationary, rel=0.03)
    covariance = np.cov(x[:, 0], x[:, -1])[0, 1]
    assert covariance == pytest.approx(stationary * np.exp(-theta * lag), rel=0.04)


def test_the_double_well_tends_to_its_stationary_density():
    """E[x^2] against quadrature of exp(-2 V / sigma^2). Its standard error is 0.004 and the step's
    bias below 0.01, so that an error of 0.03 is caught."""
    sigma = 0.9
    x = np.linspace(-4, 4, 4001)
    density = np.exp(-2 * (x**4 / 4 - x**2 / 2) / sigma**2)
    expected = np.sum(x**2 * density) / np.sum(density)
    model = sde.double_well(sigma)
    starts = np.where(np.arange(10_000) % 2, 1.0, -1.0)
    end = sde.solve(model, sde.EULER_MARUYAMA, starts, 8.0, 800, 10_000, save_every=800, rng=2).x[
        :, -1
    ]
    assert np.mean(end**2) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sde.brownian_motion(np.nan), "drift must be finite"),
        (lambda: sde.ornstein_uhlenbeck(rate=-1.0), "rate must be positive, got -1"),
        (lambda: sde.ornstein_uhlenbeck(diffusion=0.0), "diffusion must be positive"),
        (lambda: sde.geometric_brownian(volatility=-0.1), "volatility must be positive"),
        (lambda: sde.double_well(0.0), "diffusion must be positive"),
    ],
)
def test_bad_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()
