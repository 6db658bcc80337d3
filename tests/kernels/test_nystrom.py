"""Nystrom's approximation is a projection; ridge on features is ridge with their kernel."""

import math

import numpy as np
import pytest

from labcore.kernels import (
    Gaussian,
    Matern,
    Polynomial,
    feature_ridge,
    fourier_features,
    kernel_ridge,
    nystrom_features,
    pivoted_cholesky,
)

KERNELS = [Gaussian(0.5), 2 * Matern(1.5, 0.7), Matern(0.5) + 1, Polynomial(3, 0.5)]
X = np.random.default_rng(0).normal(size=(120, 2))
Y = np.sin(X[:, 0]) + X[:, 1] ** 2
NEW = np.random.default_rng(1).normal(size=(30, 2))


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_nystrom_is_the_formula_of_its_docstring(kernel):
    z = X[:15]
    features = nystrom_features(kernel, z)
    inner = kernel(z) + features.jitter * np.eye(15)
    exact = kernel(NEW, z) @ np.linalg.solve(inner, kernel(z, X))
    np.testing.assert_allclose(features(NEW) @ features(X).T, exact, atol=1e-6 * exact.max())
    assert features.jitter == pytest.approx(1e-10 * np.mean(kernel.diagonal(z)))


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_the_error_is_positive_and_zero_at_landmarks(kernel):
    features = nystrom_features(kernel, X[:15])
    factor = features(X)
    error = kernel(X) - factor @ factor.T
    scale = kernel(X).max()
    assert np.linalg.eigvalsh(error)[0] > -1e-9 * scale
    np.testing.assert_allclose(error[:15], 0.0, atol=1e-4 * math.sqrt(scale))
    assert features.trace_error(X) == pytest.approx(np.trace(error), abs=1e-9 * scale)


@pytest.mark.parametrize("kernel", KERNELS[:3], ids=str)
def test_nystrom_on_pivots_is_pivoted_cholesky(kernel):
    factor, pivots, residual = pivoted_cholesky(kernel, X, 20)
    features = nystrom_features(kernel, X[pivots], jitter=0.0)
    np.testing.assert_allclose(features(X), factor, atol=1e-7)
    assert features.trace_error(X) == pytest.approx(residual.sum(), rel=1e-6)


def test_more_landmarks_have_a_smaller_error():
    errors = [nystrom_features(Matern(), X[:m]).trace_error(X) for m in (5, 10, 40, 120)]
    assert (np.diff(errors) < 0).all()
    assert abs(errors[-1]) < 1e-6


def test_repeated_landmarks_change_nothing_and_without_jitter_are_refused():
    once, twice = X[:10], np.repeat(X[:10], 2, axis=0)
    a, b = nystrom_features(Gaussian(), once)(X), nystrom_features(Gaussian(), twice)(X)
    np.testing.assert_allclose(a @ a.T, b @ b.T, atol=1e-6)
    with pytest.raises(np.linalg.LinAlgError, match="Use a larger jitter"):
        nystrom_features(Gaussian(), twice, jitter=0.0)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_nystrom_ridge_minimises_over_functions_of_the_landmarks(kernel):
    """Normal equations in the coefficients of k(z, .), without features."""
    z, penalty = X[:12], 0.2
    cross, inner = kernel(X, z), kernel(z)
    a = np.linalg.lstsq(cross.T @ cross + penalty * inner, cross.T @ Y, rcond=None)[0]
    f = feature_ridge(nystrom_features(kernel, z), X, Y, penalty=penalty)
    np.testing.assert_allclose(f(NEW), kernel(NEW, z) @ a, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_nystrom_ridge_with_all_points_is_kernel_ridge(kernel):
    f = feature_ridge(nystrom_features(kernel, X), X, Y, penalty=0.1)
    np.testing.assert_allclose(f(NEW), kernel_ridge(kernel, X, Y, penalty=0.1)(NEW), atol=1e-5)


def test_nystrom_ridge_tends_to_kernel_ridge_as_fast_as_the_trace_error():
    exact = kernel_ridge(Gaussian(1.5), X, Y, penalty=0.1)(NEW)
    pivots = pivoted_cholesky(Gaussian(1.5), X, 60).pivots
    errors, traces = [], []
    for m in (10, 20, 30, 40):
        features = nystrom_features(Gaussian(1.5), X[pivots[:m]])
        errors.append(np.abs(feature_ridge(features, X, Y, penalty=0.1)(NEW) - exact).max())
        traces.append(features.trace_error(X))
    assert errors[-1] < 1e-3 * errors[0]
    assert np.corrcoef(np.log(errors), np.log(traces))[0, 1] > 0.95


def test_ridge_on_random_features_is_ridge_with_their_kernel():
    features = fourier_features(Matern(1.5, 1.0), 2, 40, rng=3)
    gram = features(X) @ features(X).T
    exact = features(NEW) @ features(X).T @ np.linalg.solve(gram + 0.3 * np.eye(120), Y)
    f = feature_ridge(features, X, Y, penalty=0.3)
    np.testing.assert_allclose(f(NEW), exact, rtol=1e-9)


def test_blocks_of_rows_and_columns_of_values_do_not_matter():
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(6000, 1)), rng.normal(size=(6000, 2))
    features = fourier_features(Gaussian(), 1, 60, rng=0)  # 120 features: two blocks
    both = feature_ridge(features, x, y, penalty=1.0)(x)
    phi = features(x)
    exact = phi @ np.linalg.solve(phi.T @ phi + np.eye(120), phi.T @ y)
    np.testing.assert_allclose(both, exact, atol=1e-8)
    alone = feature_ridge(features, x, y[:, 1], penalty=1.0)(x)
    np.testing.assert_allclose(both[:, 1], alone, atol=1e-9)


def test_a_function_of_the_readers_gives_linear_regression():
    f = feature_ridge(lambda x: np.hstack([np.ones_like(x), x]), [0, 1, 2], [1, 3, 5], penalty=1e-9)
    np.testing.assert_allclose(f.weights, [1, 2], rtol=1e-6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: feature_ridge(
                nystrom_features(Gaussian(), [0, 1, 2]), [0, 1], [0, 1], penalty=1
            ),
            "more landmarks than points, got 3 landmarks and 2 points",
        ),
        (
            lambda: feature_ridge(nystrom_features(Gaussian(), [0]), [0, 1], [0, 1], penalty=0),
            "penalty must be positive, got 0",
        ),
        (
            lambda: feature_ridge(nystrom_features(Gaussian(), [0]), [0, 1], [0], penalty=1),
            "same length, got 2 and 1",
        ),
        (
            lambda: feature_ridge(lambda x: x[:, 0], [0, 1], [0, 1], penalty=1),
            r"features must give \(n, m\) arrays, got shape \(1,\)",
        ),
        (lambda: nystrom_features(Gaussian(), []), "landmarks must hold at least one point"),
        (lambda: nystrom_features(Gaussian(), [math.nan]), "landmarks must be finite, got nan"),
        (lambda: nystrom_features(Gaussian(), [0], jitter=-1), "jitter must not be negative"),
        (lambda: nystrom_features(Gaussian(), [0])([[0, 1]]), "same dimension, got 2 and 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
