"""The closed forms of the interpolant of two mixtures, each by a second path."""

import numpy as np
import pytest

from labcore.interpolants import between, encoding_decoding, linear, mixture, trigonometric

from .instances import ENDS, LINE_SOURCE, LINE_TARGET, PLANE_SOURCE, PLANE_TARGET, WHITE

TIMES = (0.07, 0.4, 0.5, 0.83)


def test_velocity_is_the_conditional_expectation_by_quadrature(schedule):
    """Bayes' rule, integrated numerically: over x1 given x where gamma = 0, else over (x0, x1)."""
    path, t = between(LINE_SOURCE, LINE_TARGET, schedule), 0.3
    c = schedule.at(t)
    x0 = np.linspace(-9, 9, 1201)[:, None]
    p0 = np.exp(LINE_SOURCE.log_density(x0))
    for x in (-1.7, 0.2, 1.4):
        if c.gamma == 0.0:
            x1 = (x - c.alpha * x0) / c.beta
            mass = p0 * np.exp(LINE_TARGET.log_density(x1))
            rate = (c.alpha_rate * x0 + c.beta_rate * x1)[:, 0]
        else:
            x1 = x0.T
            z = (x - c.alpha * x0 - c.beta * x1) / c.gamma
            mass = p0[:, None] * np.exp(LINE_TARGET.log_density(x0) - 0.5 * z**2)
            gamma_rate = 0.5 * c.gamma_squared_rate / c.gamma
            rate = c.alpha_rate * x0 + c.beta_rate * x1 + gamma_rate * z
        expected = (mass * rate).sum() / mass.sum()
        assert path.velocity(t, [x])[0, 0] == pytest.approx(expected, rel=1e-8, abs=1e-8)


@pytest.mark.parametrize("t", [0.1, 0.6])
def test_velocity_and_score_by_monte_carlo(plane, t):
    """E[(dI/dt - v(I)) f(I)] = 0 and E[s(I) f(I) + grad f(I)] = 0 for functions f, on 40,000 draws
    of the interpolant. Each of the 16 means lies within 4.5 standard errors; a velocity that is off
    by a twentieth of the spread of dI/dt would be found with probability above 0.99."""
    n = 40_000
    x0, x1, z = plane.draw(n, rng=21)
    x = plane.schedule.interpolate(t, x0, x1, z)
    excess = plane.schedule.interpolate_rate(t, x0, x1, z) - plane.velocity(t, x)
    score = plane.score(t, x)
    for direction in ([1.0, 0.0], [0.0, 1.0], [0.7, 0.7], [1.5, -1.0]):
        phase = x @ np.array(direction)
        for residual in (
            excess * np.sin(phase)[:, None],
            score * np.sin(phase)[:, None] + np.cos(phase)[:, None] * np.array(direction),
        ):
            error = residual.std(axis=0) / np.sqrt(n)
            assert (np.abs(residual.mean(axis=0)) < 4.5 * error).all()


def test_the_law_has_the_moments_of_the_interpolant(plane):
    """40,000 draws, 4.5 standard errors."""
    x0, x1, z = plane.draw(40_000, rng=8)
    x = plane.schedule.interpolate(0.35, x0, x1, z)
    law = plane.law(0.35)
    error = x.std(axis=0) / 200
    assert (np.abs(x.mean(axis=0) - law.mean()) < 4.5 * error).all()
    np.testing.assert_allclose(np.cov(x.T), law.covariance(), rtol=0.05, atol=0.05)


@pytest.mark.parametrize(("schedule", "ends"), ENDS, ids=lambda part: getattr(part, "name", part))
def test_the_laws_at_the_ends_are_those_that_the_schedule_joins(schedule, ends):
    path = between(PLANE_SOURCE, PLANE_TARGET, schedule)
    start = {"two-sided": PLANE_SOURCE, "one-sided": WHITE, "mirror": PLANE_TARGET}[ends]
    x = np.random.default_rng(0).normal(size=(20, 2))
    np.testing.assert_allclose(path.log_density(0.0, x), start.log_density(x), atol=1e-12)
    np.testing.assert_allclose(path.log_density(1.0, x), PLANE_TARGET.log_density(x), atol=1e-12)


def _density(path, t, x):
    return np.exp(path.log_density(t, x))


def _residuals(path, t, h, diffusion=None):
    """Largest residual of the continuity (or Fokker-Planck) equation, by central differences."""
    x = np.linspace(-3, 3, 61)
    rate = (_density(path, t + h, x) - _density(path, t - h, x)) / (2 * h)

    def flux(y):
        drift = path.velocity(t, y)[:, 0]
        if diffusion is not None:
            drift = drift + diffusion * path.score(t, y)[:, 0]
        return drift * _density(path, t, y)

    residual = rate + (flux(x + h) - flux(x - h)) / (2 * h)
    if diffusion is not None:
        rho = _density(path, t, x + h) - 2 * _density(path, t, x) + _density(path, t, x - h)
        residual -= diffusion * rho / h**2
    return np.abs(residual).max()


@pytest.mark.parametrize("t", [0.07, 0.4, 0.55, 0.83])
@pytest.mark.parametrize("diffusion", [None, 0.5, 3.0])
def test_continuity_and_fokker_planck_residuals_fall_like_the_square_of_the_step(
    line, t, diffusion
):
    coarse, fine = (_residuals(line, t, h, diffusion) for h in (0.02, 0.01))
    assert fine < 0.1
    assert np.log2(coarse / fine) == pytest.approx(2, abs=0.3)


def test_divergence_is_the_trace_of_the_jacobian(plane):
    x, h = np.random.default_rng(1).normal(size=(30, 2)), 1e-5
    for t in TIMES:
        trace = sum(
            (plane.velocity(t, x + h * e) - plane.velocity(t, x - h * e))[:, a] / (2 * h)
            for a, e in enumerate(np.eye(2))
        )
        np.testing.assert_allclose(plane.divergence(t, x), trace, rtol=1e-6, atol=1e-6)


def test_velocity_is_the_rate_of_the_denoised_draws(plane):
    x = np.random.default_rng(2).normal(size=(30, 2))
    for t in TIMES:
        x0, x1, z = plane.denoise(t, x)
        np.testing.assert_allclose(plane.schedule.interpolate(t, x0, x1, z), x, atol=1e-10)
        rate = plane.schedule.interpolate_rate(t, x0, x1, z)
        np.testing.assert_allclose(rate, plane.velocity(t, x), atol=1e-10)


def test_the_noise_is_minus_gamma_times_the_score(plane):
    x = np.random.default_rng(3).normal(size=(30, 2))
    for t in TIMES:
        gamma = plane.schedule.at(t).gamma
        expected = -gamma * plane.score(t, x)
        np.testing.assert_allclose(plane.denoise(t, x).z, expected, atol=1e-12)


def test_exchanging_source_and_target_reverses_the_velocity():
    x = np.random.default_rng(4).normal(size=(30, 2))
    for schedule in (linear(2.0), trigonometric(), encoding_decoding()):
        there = between(PLANE_SOURCE, PLANE_TARGET, schedule)
        back = between(PLANE_TARGET, PLANE_SOURCE, schedule)
        for t in TIMES:
            np.testing.assert_allclose(there.velocity(t, x), -back.velocity(1 - t, x), atol=1e-9)


def test_velocity_between_two_gaussians_is_linear():
    r"""v = m' + (log c)'/2 (x - m) with m and c the mean and the variance, written out."""
    path = between(mixture([1.0], 0.5), mixture([-2.0], 3.0), linear(2.0))
    x = np.linspace(-4, 4, 9)
    for t in (0.0, 0.25, 1.0):
        mean, variance = 1 - 3 * t, 0.5 * (1 - t) ** 2 + 3 * t**2 + 2 * t * (1 - t)
        variance_rate = -(1 - t) + 6 * t + 2 * (1 - 2 * t)
        expected = -3 + 0.5 * variance_rate / variance * (x - mean)
        np.testing.assert_allclose(path.velocity(t, x)[:, 0], expected, atol=1e-12)


def test_the_velocity_is_finite_where_the_slope_of_gamma_is_not():
    path = between(PLANE_SOURCE, PLANE_TARGET, linear(2.0))
    x = np.random.default_rng(5).normal(size=(30, 2))
    for t in (0.0, 1.0):
        assert np.isfinite(path.velocity(t, x)).all()
    np.testing.assert_allclose(path.velocity(0.0, x), path.velocity(1e-9, x), atol=1e-6)


def test_draws_of_one_seed_are_independent():
    """Correlations of 20,000 draws, within 4.5 standard errors of zero."""
    draws = np.hstack(between(mixture([0.0]), mixture([0.0]), linear()).draw(20_000, rng=6))
    correlations = np.corrcoef(draws.T)[np.triu_indices(3, 1)]
    assert (np.abs(correlations) < 4.5 / np.sqrt(20_000)).all()


def test_bad_input():
    with pytest.raises(ValueError, match="target must have the source's dimension 1, got 2"):
        between(LINE_SOURCE, PLANE_TARGET, linear())
    path = between(LINE_SOURCE, LINE_TARGET, linear())
    with pytest.raises(ValueError, match=r"t must lie in \[0, 1\], got -0.1"):
        path.velocity(-0.1, [0.0])
    with pytest.raises(ValueError, match="x must be finite"):
        path.score(0.5, [np.inf])
    silent = encoding_decoding()._replace(gamma=np.zeros_like)
    with pytest.raises(ValueError, match="the schedule is 0 at t = 0.5: the law has no density"):
        between(LINE_SOURCE, LINE_TARGET, silent).velocity(0.5, [0.0])
