"""The gallery: coefficients, transitions and closed forms agree with one another."""

import numpy as np
import pytest

from labcore import sde

GALLERY = [
    sde.brownian_motion(0.4, 1.3),
    sde.ornstein_uhlenbeck(1.7, -0.5, 0.8),
    sde.geometric_brownian(0.3, 0.6),
    sde.double_well(0.7),
    sde.brownian_bridge(-0.6, 2.0, 0.9),
    sde.cox_ingersoll_ross(1.3, 0.8, 0.7),
]
A = np.array([[-0.4, 1.1], [-1.3, -0.7]])
B = np.array([[0.8, 0.3], [-0.2, 0.5]])
SYSTEMS = [
    sde.linear(A, B),
    sde.noisy_lorenz(diffusion=1.5),
    sde.fitzhugh_nagumo(current=0.3, offset=0.6, leak=0.9, rate=0.1, diffusion=0.4),
    sde.underdamped_langevin(friction=0.7, temperature=1.3, frequency=1.6),
]
CLOSED = [model for model in GALLERY if model.transition]
POINT = (0.4, -1.3, 2.1)


def by_name(models):
    return [pytest.param(model, id=model.name.replace(" ", "-")) for model in models]


def jacobian(function, model, x, e=1e-5):
    """Derivatives of a coefficient by central differences; the last axis is the component of x."""
    columns = []
    for k in range(len(x)):
        ends = []
        for sign in (1, -1):
            moved = list(x)
            moved[k] += sign * e
            state = moved[0] if model.dimension is None else tuple(moved)
            ends.append(np.array(function(0.3, state, model.parameters)))
        columns.append((ends[0] - ends[1]) / (2 * e))
    return np.stack(columns, axis=-1)


def normal_expectation(function, variance):
    """E f(Z) for Z normal with mean 0, by Gauss-Hermite quadrature."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    values = np.array([function(node * np.sqrt(variance)) for node in nodes])
    return weights @ values / np.sqrt(2 * np.pi)


@pytest.mark.parametrize("model", by_name(GALLERY + SYSTEMS))
@pytest.mark.parametrize("name", ["drift", "diffusion"])
def test_a_derivative_is_that_of_its_coefficient(model, name):
    derivative = getattr(model, f"{name}_derivative")
    if derivative is None:
        assert name == "diffusion"
        assert model.additive
        return
    x = POINT[: model.dimension or 1]
    got = derivative(0.3, x[0] if model.dimension is None else x, model.parameters)
    expected = jacobian(getattr(model, name), model, x)
    if name == "diffusion" and model.dimension:  # of diagonal noise: component by component
        np.testing.assert_allclose(expected, np.diag(np.diag(expected)), atol=1e-12)
        expected = np.diag(expected)
    np.testing.assert_allclose(got, expected if np.ndim(got) else expected[0], atol=1e-8)


@pytest.mark.parametrize("model", by_name(GALLERY + SYSTEMS))
def test_additive_noise_does_not_depend_on_the_state(model):
    slopes = jacobian(model.diffusion, model, POINT[: model.dimension or 1])
    assert model.additive == (np.abs(slopes).max() == 0.0)


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


def written_out(model, x, p):
    """Drift and diffusion of the systems, once more from their docstrings."""
    if model.name == "linear system":
        return A @ x, B
    if model.name == "noisy Lorenz system":
        sigma, rho, beta, s = p
        drift = [sigma * (x[1] - x[0]), x[0] * (rho - x[2]) - x[1], x[0] * x[1] - beta * x[2]]
        return drift, [s, s, s]
    if model.name == "FitzHugh-Nagumo equations":
        current, a, b, epsilon, s = p
        drift = [x[0] - x[0] ** 3 / 3 - x[1] + current, epsilon * (x[0] + a - b * x[1])]
        return drift, [[s], [0]]
    gamma, temperature, omega = p
    return [x[1], -(omega**2) * x[0] - gamma * x[1]], [[0], [np.sqrt(2 * gamma * temperature)]]


@pytest.mark.parametrize("model", by_name(SYSTEMS))
def test_the_coefficients_are_the_documented_ones(model):
    x = POINT[: model.dimension]
    drift, diffusion = written_out(model, np.array(x), model.parameters)
    np.testing.assert_allclose(model.drift(0.0, x, model.parameters), drift, rtol=1e-14)
    np.testing.assert_allclose(model.diffusion(0.0, x, model.parameters), diffusion, rtol=1e-14)


@pytest.mark.parametrize("model", by_name([m for m in SYSTEMS if m.variance]))
def test_moments_of_a_linear_system_solve_their_differential_equations(model):
    """m' = A m and S' = A S + S A^T + B B^T, from S = 0; here by differences in time."""
    x0, t, e = np.array([0.7, -1.1]), 0.9, 1e-4
    a = jacobian(model.drift, model, (0.0, 0.0))
    sigma = np.array(model.diffusion(0.0, (0.0, 0.0), model.parameters))
    m, s = model.mean(t, x0), model.variance(t, x0)
    slope_m = (model.mean(t + e, x0) - model.mean(t - e, x0)) / (2 * e)
    slope_s = (model.variance(t + e, x0) - model.variance(t - e, x0)) / (2 * e)
    np.testing.assert_allclose(slope_m, a @ m, atol=1e-7)
    np.testing.assert_allclose(slope_s, a @ s + s @ a.T + sigma @ sigma.T, atol=1e-7)
    np.testing.assert_allclose(model.mean(0.0, x0), x0, atol=1e-15)
    np.testing.assert_allclose(model.variance(0.0, x0), 0.0, atol=1e-15)
    times = np.array([0.2, 0.9])
    np.testing.assert_allclose(model.mean(times, x0)[1], m, rtol=1e-13)
    np.testing.assert_allclose(model.variance(times, x0)[1], s, rtol=1e-13)


def grid_of(model):
    """Points in which the density is not tiny, so closely that sums over them are integrals."""
    if model.dimension is None:
        first = 0.0 if model.name == "Cox-Ingersoll-Ross process" else -8.0
        return np.linspace(first, 10.0, 2001)[:, None]
    line = np.linspace(-9.0, 9.0, 61)
    return np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)


@pytest.mark.parametrize("model", by_name([m for m in GALLERY + SYSTEMS if m.stationary_density]))
def test_the_stationary_density_is_stationary(model):
    """It has mass 1 and E[L f] = 0 for the generator L, with f(x) = exp(-|x - c|^2 / 2). A variance
    that is off by 1 % would make 10^-3 of it."""
    x = grid_of(model)
    cell = np.abs(x[1] - x[0]).max() ** x.shape[1]
    density = model.stationary_density(x[:, 0] if model.dimension is None else x)
    assert density.sum() * cell == pytest.approx(1.0, abs=1e-6)
    c = np.array([0.5, -0.3])[: x.shape[1]]
    total = 0.0
    for point, mass in zip(x, density * cell, strict=True):
        state = float(point[0]) if model.dimension is None else tuple(point.tolist())
        b = np.atleast_1d(model.drift(0.0, state, model.parameters))
        sigma = np.array(model.diffusion(0.0, state, model.parameters))
        noise = sigma @ sigma.T if sigma.ndim == 2 else np.diag(np.atleast_1d(sigma) ** 2)
        u = point - c
        hessian = np.outer(u, u) - np.eye(len(u))
        total += mass * np.exp(-0.5 * u @ u) * (-b @ u + 0.5 * np.sum(noise * hessian))
    assert abs(total) < 1e-6


def test_a_brownian_bridge_arrives_and_has_the_documented_covariance():
    """Cov(X_s, X_t) = sigma^2 s (T - t) / T. With 40 000 paths its standard error is 0.7 % of the
    deviations' product: an error of 4 % of that is caught with probability 0.99."""
    model = sde.brownian_bridge(-0.6, 2.0, 0.9)
    paths = sde.solve(model, sde.EXACT, 1.0, 2.0, 8, 40_000, rng=2)
    assert (paths.x[:, -1] == -0.6).all()
    t = paths.t[1:-1]
    expected = 0.81 * np.minimum.outer(t, t) * (2 - np.maximum.outer(t, t)) / 2
    deviation = np.sqrt(np.diag(expected))
    error = (np.cov(paths.x[:, 1:-1].T) - expected) / np.outer(deviation, deviation)
    assert np.abs(error).max() < 4.5 * np.sqrt(2 / 40_000)
    np.testing.assert_allclose(paths.x.mean(axis=0), model.mean(paths.t, 1.0), atol=0.02)


@pytest.mark.parametrize("volatility", [0.7, 2.5], ids=["away-from-zero", "reaching-zero"])
def test_draws_of_the_square_root_process_have_the_noncentral_chi_square_law(volatility):
    """Kolmogorov-Smirnov after three steps, 20 000 draws: at this level a distribution function
    that is 0.025 off anywhere is found with probability 0.99."""
    from scipy import stats

    kappa, m, x0, t = 1.3, 0.8, 0.5, 0.9
    model = sde.cox_ingersoll_ross(kappa, m, volatility)
    x = sde.solve(model, sde.EXACT_DRAW, x0, t, 3, 20_000, save_every=3, rng=4).x[:, -1]
    c = volatility**2 * (1 - np.exp(-kappa * t)) / (4 * kappa)
    law = stats.ncx2(4 * kappa * m / volatility**2, x0 * np.exp(-kappa * t) / c, scale=c)
    assert stats.kstest(x, law.cdf).pvalue > 0.001
    assert model.mean(t, x0) == pytest.approx(law.mean(), rel=1e-12)
    assert model.variance(t, x0) == pytest.approx(law.var(), rel=1e-12)
    assert x.min() >= 0.0


def test_steps_of_the_square_root_process_are_independent_draws():
    """Residuals of consecutive steps, which are uncorrelated, and paths that differ."""
    model = sde.cox_ingersoll_ross(1.0, 1.0, 0.5)
    x = sde.solve(model, sde.EXACT_DRAW, 1.0, 2.0, 4, 20_000, rng=4).x
    residuals = x[:, 1:] - model.mean(0.5, x[:, :-1])
    correlation = np.corrcoef(residuals.T) - np.eye(4)
    assert np.abs(correlation).max() < 4 / np.sqrt(20_000)
    assert len(np.unique(x[:, 1])) == 20_000


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


def test_the_square_root_process_rises_from_below_zero_without_noise():
    """Full truncation: at a state below 0 both coefficients are those at 0."""
    model = sde.cox_ingersoll_ross(1.3, 0.8, 0.7)
    assert model.drift(0.0, -0.2, model.parameters) == 1.3 * 0.8
    assert model.diffusion(0.0, -0.2, model.parameters) == 0.0


def test_a_langevin_particle_has_gibbs_law():
    """MMD against draws of the Gibbs law, 800 each. The test has level 0.01 and finds a temperature
    that is wrong by a half with probability above 0.95 (the second assertion draws one)."""
    from labcore import kernels, stats

    model = sde.underdamped_langevin(friction=1.0, temperature=1.3, frequency=1.6)
    x = sde.solve(model, sde.BAOAB, [0.0, 0.0], 12.0, 120, 800, save_every=120, rng=5).x[:, -1]
    gibbs = np.random.default_rng(1).standard_normal((800, 2)) * np.sqrt([1.3 / 1.6**2, 1.3])
    kernel = kernels.Gaussian(1.0)
    assert stats.mmd_test(kernel, x, gibbs, rng=0).p_value > 0.01
    assert stats.mmd_test(kernel, x * np.sqrt(1.5), gibbs, rng=0).p_value < 0.01


def test_the_lorenz_system_satisfies_its_balance_of_energy():
    """d/dt E[X^2 / 2] = sigma E[X Y - X^2] + s^2 / 2: here over one short time from fixed starts,
    by SRA1, whose bias is far below the standard error of 0.02."""
    model = sde.noisy_lorenz(diffusion=3.0)
    x = sde.solve(model, sde.SRA1, [1.0, 2.0, 20.0], 0.2, 64, 20_000, rng=1).x
    gain = np.mean(x[:, -1, 0] ** 2 - x[:, 0, 0] ** 2) / 2
    rate = 10 * np.mean(x[:, :, 0] * x[:, :, 1] - x[:, :, 0] ** 2, axis=0) + 4.5
    assert gain == pytest.approx(np.trapezoid(rate, dx=0.2 / 64), abs=0.08)


def test_the_cell_rests_without_and_fires_with_more_current():
    """Below the threshold of 0.33 a small noise leaves V at rest, at -1.20; above it fires."""
    for current, fires in ((0.0, False), (0.5, True)):
        model = sde.fitzhugh_nagumo(current=current, diffusion=0.001)
        v = sde.solve(model, sde.SRA1, [-1.2, -0.625], 100.0, 2000, 3, rng=1).x[:, :, 0]
        assert (v.max(axis=1) > 1.5).all() == fires
        if not fires:
            np.testing.assert_allclose(v[:, -1], -1.2, atol=0.02)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sde.brownian_motion(np.nan), "drift must be finite"),
        (lambda: sde.ornstein_uhlenbeck(rate=-1.0), "rate must be positive, got -1"),
        (lambda: sde.ornstein_uhlenbeck(diffusion=0.0), "diffusion must be positive"),
        (lambda: sde.geometric_brownian(volatility=-0.1), "volatility must be positive"),
        (lambda: sde.double_well(0.0), "diffusion must be positive"),
        (lambda: sde.brownian_bridge(np.inf), "end must be finite"),
        (lambda: sde.brownian_bridge(t_end=0.0), "t_end must be positive"),
        (lambda: sde.cox_ingersoll_ross(mean=-1.0), "mean must be positive, got -1"),
        (lambda: sde.linear(np.eye(3), np.eye(2)), r"A must have shape \(2, 2\), got \(3, 3\)"),
        (lambda: sde.linear(np.eye(2), np.ones((2, 1))), r"B must have shape \(2, 2\)"),
        (lambda: sde.noisy_lorenz(rayleigh=0.0), "rayleigh must be positive"),
        (lambda: sde.fitzhugh_nagumo(rate=-0.1), "rate must be positive"),
        (lambda: sde.underdamped_langevin(temperature=0.0), "temperature must be positive"),
    ],
)
def test_bad_parameters(make, message):
    with pytest.raises(ValueError, match=message):
        make()
