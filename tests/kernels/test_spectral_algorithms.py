"""Spectral filters: each is its iteration or its formula, with the qualification it states."""

import math

import numpy as np
import pytest
from scipy.special import eval_jacobi

from labcore.kernels import (
    CutOff,
    Gaussian,
    GradientDescent,
    IteratedRidge,
    Matern,
    NuMethod,
    Ridge,
    gram_spectrum,
    kernel_ridge,
)

FILTERS = [
    Ridge(0.3),
    IteratedRidge(0.3, 1),
    IteratedRidge(2.0, 7),
    GradientDescent(0),
    GradientDescent(25),
    GradientDescent(9, step=0.02),
    CutOff(0.5),
    NuMethod(0),
    NuMethod(12),
    NuMethod(12, nu=2.5),
]
X = np.random.default_rng(0).uniform(0, 4, size=(60, 1))
Y = np.sin(2 * X[:, 0]) + 0.1 * np.random.default_rng(1).normal(size=60)
NEW = np.linspace(-1, 5, 23)
KERNEL = Matern(1.5, 0.8)


def strengths(make, exponents=range(2, 9)):
    """Filters of one family with lambda = 4^-j on a spectrum up to one, and those lambdas."""
    return [make(4.0**-j) for j in exponents], np.array([4.0**-j for j in exponents])


FAMILIES = {
    "ridge": (Ridge, 1.0),
    "iterated ridge": (lambda lam: IteratedRidge(lam, 3), 3.0),
    "gradient descent": (lambda lam: GradientDescent(round(1 / lam), step=1.0), math.inf),
    "cut-off": (CutOff, math.inf),
    "nu-method, nu = 1": (lambda lam: NuMethod(round(lam**-0.5)), 1.0),
    "nu-method, nu = 2": (lambda lam: NuMethod(round(lam**-0.5), nu=2.0), 2.0),
}


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("q", [0.5, 1.0, 2.0, 3.0, 4.0])
def test_qualification(family, q):
    """sup of sigma^q |r(sigma)| falls like lambda^min(q, qualification)."""
    make, qualification = FAMILIES[family]
    filters, lambdas = strengths(make)
    sigma = np.append(np.geomspace(1e-9, 1, 20_000), 0.0)
    sups = [np.abs(sigma**q * f.residual(sigma)).max() for f in filters]
    order = min(q, qualification)
    seen = np.flatnonzero(lambdas**order > 5e-13)[-4:]  # smaller ones drown in the rounding of r
    slope = np.polyfit(np.log(lambdas[seen]), np.log(np.array(sups)[seen]), 1)[0]
    assert slope == pytest.approx(order, abs=0.13)
    assert filters[0].qualification == qualification


@pytest.mark.parametrize("family", FAMILIES)
def test_a_filter_is_bounded_by_one_over_its_strength(family):
    """|g| <= C / lambda and |r| <= C: what makes a filter a regularisation."""
    filters, lambdas = strengths(FAMILIES[family][0])
    sigma = np.append(np.geomspace(1e-9, 1, 5_000), 0.0)
    for f, strength in zip(filters, lambdas, strict=True):
        assert np.abs(f(sigma)).max() <= 4 / strength
        assert np.abs(f.residual(sigma)).max() <= 1 + 1e-9


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("smoothness", [1.0, 2.0, 4.0])
def test_misfit_of_smooth_data_falls_at_the_rate_of_the_qualification(family, smoothness):
    """y = (K / largest)^s h: the misfit |y - K alpha| falls like lambda^min(s, qualification).

    On a spectrum that decays like a power; h weighs all eigenvectors alike.
    """
    make, qualification = FAMILIES[family]
    values = (1.0 + np.arange(4000)) ** -1.2
    filters, lambdas = strengths(make, range(3, 7))
    h = np.random.default_rng(2).normal(size=4000) * (1.0 + np.arange(4000)) ** -0.51
    misfits = [np.linalg.norm(f.residual(values) * values**smoothness * h) for f in filters]
    slope = np.polyfit(np.log(lambdas), np.log(misfits), 1)[0]
    assert slope == pytest.approx(min(smoothness, qualification), abs=0.25)


def test_the_ridge_is_kernel_ridge_regression():
    fit = gram_spectrum(KERNEL, X).fit(Y, Ridge(0.3))
    exact = kernel_ridge(KERNEL, X, Y, penalty=0.3)
    np.testing.assert_allclose(fit(NEW), exact(NEW), rtol=1e-9, atol=1e-12)


def test_iterated_ridge_fits_what_is_left():
    gram, alpha = KERNEL(X), np.zeros(60)
    for _ in range(5):
        alpha += np.linalg.solve(gram + 0.4 * np.eye(60), Y - gram @ alpha)
    fit = gram_spectrum(KERNEL, X).fit(Y, IteratedRidge(0.4, 5))
    np.testing.assert_allclose(fit.coefficients, alpha, rtol=1e-8)


@pytest.mark.parametrize("step", [None, 0.03])
def test_gradient_descent_is_the_iteration(step):
    gram, alpha = KERNEL(X), np.zeros(60)
    size = 1 / np.linalg.eigvalsh(gram)[-1] if step is None else step
    for _ in range(40):
        alpha += size * (Y - gram @ alpha)
    fit = gram_spectrum(KERNEL, X).fit(Y, GradientDescent(40, step))
    np.testing.assert_allclose(fit.coefficients, alpha, rtol=1e-8, atol=1e-12)


def test_cut_off_is_regression_on_principal_components():
    spectrum = gram_spectrum(KERNEL, X)
    leading = spectrum.eigenvalues >= 0.5
    scores = spectrum.eigenvectors[:, leading] * np.sqrt(spectrum.eigenvalues[leading])
    weights = np.linalg.lstsq(scores, Y, rcond=None)[0]
    fit = spectrum.fit(Y, CutOff(0.5))
    np.testing.assert_allclose(fit(X), scores @ weights, atol=1e-10)
    assert spectrum.degrees_of_freedom(CutOff(0.5)) == pytest.approx(leading.sum())


@pytest.mark.parametrize("nu", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("t", [1, 2, 7, 30])
def test_the_residual_of_the_nu_method_is_a_jacobi_polynomial(t, nu):
    sigma = np.append(np.linspace(0, 1, 50), 1.0)
    jacobi = eval_jacobi(t, 2 * nu - 0.5, -0.5, 1 - 2 * sigma)
    exact = jacobi / eval_jacobi(t, 2 * nu - 0.5, -0.5, 1.0)
    np.testing.assert_allclose(NuMethod(t, nu).residual(3.0 * sigma), exact, atol=1e-11)


def test_the_nu_method_needs_the_square_root_of_the_steps_of_gradient_descent():
    """Steps until the misfit of clean data is a thousandth."""
    spectrum, y = gram_spectrum(Gaussian(0.5), X), np.sin(2 * X[:, 0])

    def steps(make):
        for t in np.unique(np.geomspace(1, 1e6, 300).astype(int)):
            if np.linalg.norm(spectrum.fit(y, make(int(t)))(X) - y) < 1e-3 * np.linalg.norm(y):
                return t
        return math.inf

    slow, fast = steps(GradientDescent), steps(NuMethod)
    assert slow > 100
    assert fast < 4 * math.sqrt(slow)


@pytest.mark.parametrize("spectral_filter", FILTERS, ids=str)
def test_fit_filters_each_component_and_columns_alike(spectral_filter):
    spectrum = gram_spectrum(KERNEL, X)
    both = spectrum.fit(np.stack([Y, Y**2], axis=1), spectral_filter)
    alone = spectrum.fit(Y, spectral_filter)
    np.testing.assert_allclose(both(NEW)[:, 0], alone(NEW), rtol=1e-9, atol=1e-10)
    left = spectrum.eigenvectors.T @ (Y - alone(X))
    exact = spectral_filter.residual(spectrum.eigenvalues) * (spectrum.eigenvectors.T @ Y)
    np.testing.assert_allclose(left, exact, atol=1e-10)


@pytest.mark.parametrize("spectral_filter", FILTERS, ids=str)
def test_degrees_of_freedom_are_the_trace_of_the_smoother(spectral_filter):
    spectrum = gram_spectrum(KERNEL, X)
    smoother = spectrum.fit(np.eye(60), spectral_filter)(X)
    assert spectrum.degrees_of_freedom(spectral_filter) == pytest.approx(np.trace(smoother))


@pytest.mark.parametrize("spectral_filter", FILTERS, ids=str)
def test_an_eigenvalue_of_zero_is_the_limit_of_small_ones(spectral_filter):
    near, at = spectral_filter([0.0, 1e-11, 3.0])[1], spectral_filter([0.0, 1e-11, 3.0])[0]
    assert near == pytest.approx(at, rel=1e-7)
    assert np.isfinite(spectral_filter([0.0, 0.0])).all()


def test_the_spectrum_is_of_the_gram_matrix_in_decreasing_order():
    spectrum = gram_spectrum(KERNEL, X)
    u, values = spectrum.eigenvectors, spectrum.eigenvalues
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(u * values @ u.T, KERNEL(X), atol=1e-12)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: Ridge(0.0), ValueError, "penalty must be positive, got 0"),
        (lambda: IteratedRidge(1.0, 0), ValueError, "iterations must be at least 1, got 0"),
        (lambda: IteratedRidge(-1.0, 1), ValueError, "penalty must be positive, got -1"),
        (lambda: GradientDescent(-1), ValueError, "iterations must be at least 0, got -1"),
        (lambda: GradientDescent(2.5), TypeError, "iterations must be an integer, got 2.5"),
        (lambda: GradientDescent(1, step=0), ValueError, "step must be positive, got 0"),
        (
            lambda: GradientDescent(1, step=0.5)([4.0, 1.0]),
            ValueError,
            "below 2 over the largest eigenvalue, 0.5, got 0.5",
        ),
        (lambda: CutOff(0), ValueError, "threshold must be positive, got 0"),
        (lambda: NuMethod(-1), ValueError, "iterations must be at least 0, got -1"),
        (lambda: NuMethod(1, nu=0), ValueError, "nu must be positive, got 0"),
        (lambda: Ridge(1.0)([-1.0]), ValueError, "eigenvalues must not be negative, got -1"),
        (lambda: gram_spectrum(KERNEL, []), ValueError, "at least one point, got none"),
        (lambda: gram_spectrum(KERNEL, [math.nan]), ValueError, "x must be finite, got nan"),
        (lambda: gram_spectrum(KERNEL, X).fit([1.0], Ridge(1)), ValueError, "got 60 and 1"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
