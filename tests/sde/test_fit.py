"""The maximum-likelihood fit of an Ornstein-Uhlenbeck process."""

import numpy as np
import pytest
from scipy import optimize, stats

from labcore import sde

THETA, MEAN, SIGMA, STEP = 1.3, 0.7, 0.9, 0.2


def series(n, n_series=1, seed=0):
    start = MEAN + SIGMA / np.sqrt(2 * THETA) * np.random.default_rng(seed).standard_normal(
        n_series
    )
    model = sde.ornstein_uhlenbeck(THETA, MEAN, SIGMA)
    return sde.solve(model, sde.EXACT, start, n * STEP, n, n_series, rng=seed).x


def log_likelihood(parameters, x):
    """The sum of log transition densities, from the model's mean and variance."""
    model = sde.ornstein_uhlenbeck(*parameters)
    scale = np.sqrt(model.variance(STEP, 0.0))
    return stats.norm.logpdf(x[1:], model.mean(STEP, x[:-1]), scale).sum()


def test_it_is_the_maximum_of_the_exact_likelihood():
    x = series(500)[0]
    fit = sde.fit_ornstein_uhlenbeck(x, STEP)
    best = optimize.minimize(
        lambda p: -log_likelihood(p, x), (1.0, 0.0, 1.0), method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-10, "maxiter": 4000, "maxfev": 4000},
    )  # fmt: skip
    np.testing.assert_allclose(best.x, [fit.rate, fit.mean, fit.diffusion], rtol=1e-5)
    assert fit.log_likelihood == pytest.approx(-best.fun, rel=1e-10)


def test_standard_errors_are_those_of_the_likelihoods_curvature():
    """Expected and observed information differ by O(1 / sqrt n)."""
    x = series(20_000, seed=1)[0]
    fit = sde.fit_ornstein_uhlenbeck(x, STEP)
    centre, e = np.array([fit.rate, fit.mean, fit.diffusion]), 1e-3
    hessian = np.empty((3, 3))
    for i in range(3):
        for j in range(3):
            corners = [
                s * t * log_likelihood(centre + e * (s * np.eye(3)[i] + t * np.eye(3)[j]), x)
                for s in (1, -1)
                for t in (1, -1)
            ]
            hessian[i, j] = sum(corners) / (4 * e**2)
    errors = np.sqrt(np.diag(np.linalg.inv(-hessian)))
    np.testing.assert_allclose(
        [fit.rate_error, fit.mean_error, fit.diffusion_error], errors, rtol=0.03
    )


def test_intervals_of_two_standard_errors_cover_95_percent():
    """600 series. The standard error of a coverage is 0.009: one below 0.9 is caught with
    probability 0.97."""
    inside = np.zeros(3)
    x = series(1500, 600, seed=2)
    for row in x:
        fit = sde.fit_ornstein_uhlenbeck(row, STEP)
        off = np.array([fit.rate - THETA, fit.mean - MEAN, fit.diffusion - SIGMA])
        inside += np.abs(off) < 1.96 * np.array(
            [fit.rate_error, fit.mean_error, fit.diffusion_error]
        )
    assert (inside / len(x) > 0.918).all()
    assert (inside / len(x) < 0.98).all()


def test_the_rate_is_too_large_by_four_over_the_span_on_average():
    n, n_series = 150, 3000
    rates = [sde.fit_ornstein_uhlenbeck(x, STEP).rate for x in series(n, n_series, seed=3)]
    span = n * STEP
    assert np.mean(rates) - THETA == pytest.approx(4 / span, rel=0.35)


def test_residuals_are_white_and_standard():
    residuals = sde.fit_ornstein_uhlenbeck(series(4000, seed=4)[0], STEP).residuals
    assert np.mean(residuals**2) == pytest.approx(1)
    assert abs(np.mean(residuals[1:] * residuals[:-1])) < 4 / np.sqrt(4000)


def test_shifting_and_scaling_the_series_shifts_and_scales_the_fit():
    x = series(300, seed=5)[0]
    fit, changed = (sde.fit_ornstein_uhlenbeck(y, STEP) for y in (x, 5 + 3 * x))
    assert changed.rate == pytest.approx(fit.rate)
    assert changed.mean == pytest.approx(5 + 3 * fit.mean)
    assert changed.diffusion == pytest.approx(3 * fit.diffusion)


@pytest.mark.parametrize(
    ("x", "step", "message"),
    [
        (np.arange(5.0), 1.0, "at least 10 values, got 5"),
        (np.full(20, 3.3), 1.0, "constant"),
        (np.tile([1.0, -1.0], 20), 1.0, "slope -1"),
        (2.0 ** np.arange(20.0), 1.0, "slope 2"),
        (np.r_[np.zeros(9), np.nan], 1.0, "x must be finite"),
        (np.arange(20.0), 0.0, "time_step must be positive"),
        (np.zeros((20, 2)), 1.0, "x must have 1 dimensions"),
    ],
)
def test_bad_input(x, step, message):
    with pytest.raises(ValueError, match=message):
        sde.fit_ornstein_uhlenbeck(x, step)
