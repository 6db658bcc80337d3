"""Targets: densities that are normalised, with the moments and gradients that they state."""

import numpy as np
import pytest
from numba import njit

from labcore.samplers import (
    Target,
    banana,
    evaluate,
    funnel,
    gaussian,
    gradient_error,
    logistic_regression,
    ridge,
    two_modes,
)

CORRELATED = [[1.0, 0.9], [0.9, 2.0]]
# Each with a rectangle that holds all but 1e-6 of the second moments, and points along its sides.
PLANE = [
    (gaussian(CORRELATED, mean=[0.5, -1.0]), (-8, 8, 400), (-12, 12, 400)),
    (gaussian([0.25, 4.0], mean=[0.0, 3.0]), (-5, 5, 400), (-12, 18, 400)),
    (banana(0.7, 1.5), (-11, 11, 400), (-20, 90, 1500)),
    (funnel(2, centring=1.0, scale=0.5), (-4, 4, 160), (-60, 60, 3000)),
    (funnel(2, centring=0.5, scale=1.0), (-8, 8, 160), (-60, 60, 3000)),
    (two_modes(2, distance=5.0, width=0.8, weight=0.3), (-9, 9, 400), (-7, 7, 300)),
    (ridge(2, correlation=0.9), (-8, 8, 400), (-8, 8, 400)),
]
GALLERY = [target for target, *_ in PLANE] + [
    gaussian(np.linspace(0.5, 2.0, 7)),
    funnel(10),
    funnel(5, centring=0.0),
    two_modes(1, distance=4.0),
    two_modes(6, weight=0.8),
]


def ids(case) -> str:
    target = case[0] if isinstance(case, tuple) and not isinstance(case, Target) else case
    return f"{target.name}-{target.dimension}d"


@pytest.mark.parametrize("target", GALLERY, ids=ids)
def test_gradient_is_the_derivative_of_the_log_density(target):
    for x in target.draw(5, 1):
        assert gradient_error(target, x) < 1e-7


@pytest.mark.parametrize("case", PLANE, ids=ids)
def test_mass_mean_and_covariance_agree_with_quadrature(case):
    target, (a, b, n), (c, d, m) = case
    x, y = np.linspace(a, b, n), np.linspace(c, d, m)
    points = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1).reshape(-1, 2)
    weight = np.exp(evaluate(target, points)[0]) * (x[1] - x[0]) * (y[1] - y[0])
    mean = weight @ points
    covariance = (points - mean).T @ (weight[:, None] * (points - mean))
    assert weight.sum() == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(mean, target.mean, atol=1e-5)
    np.testing.assert_allclose(covariance, target.covariance, atol=2e-5 * target.covariance.max())


@pytest.mark.parametrize("target", GALLERY, ids=ids)
def test_draws_have_the_scores_mean_zero(target):
    """E[grad log pi] = 0 and E[x . grad log pi] = -d (Stein's identity), for exact draws.

    Ties the direct sampler to the density without the moments: 40,000 draws, |z| < 4.5. A
    coordinate with a scale wrong by 5% gives |z| of 5 and more (checked below on a Gaussian).
    """
    assert stein_z(target, target.draw(40_000, 2)).max() < 4.5


def test_stein_identity_sees_a_scale_that_is_five_percent_wrong():
    target = gaussian(np.ones(2))
    assert stein_z(target, 1.05 * target.draw(40_000, 2)).max() > 4.5


def stein_z(target, x):
    gradient = evaluate(target, x)[1]
    terms = np.column_stack([gradient, (x * gradient).sum(axis=1) + target.dimension])
    return np.abs(terms.mean(axis=0)) / terms.std(axis=0) * np.sqrt(len(x))


def test_diagonal_and_dense_gaussian_are_the_same():
    variances, mean = np.array([0.5, 2.0, 3.0]), np.array([1.0, 0.0, -1.0])
    diagonal, dense = gaussian(variances, mean), gaussian(np.diag(variances), mean)
    x = diagonal.draw(5, 3)
    for a, b in zip(evaluate(diagonal, x), evaluate(dense, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


def test_non_centred_funnel_is_gaussian():
    flat, normal = funnel(3, centring=0.0, scale=2.0), gaussian([4.0, 1.0, 1.0])
    x = normal.draw(5, 4)
    for a, b in zip(evaluate(flat, x), evaluate(normal, x), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12)


@pytest.mark.parametrize(("n", "d"), [(1, 1), (7, 3), (30, 4), (101, 9)])
def test_logistic_regression_is_its_formula(n, d):
    generator = np.random.default_rng(n)
    X, y = generator.standard_normal((n, d)), (generator.random(n) < 0.4).astype(float)
    target = logistic_regression(X, y, scale=1.7)
    w = generator.standard_normal((5, d))
    z = w @ X.T
    values, gradients = evaluate(target, w)
    prior = 0.5 * (w**2).sum(axis=1) / 1.7**2
    np.testing.assert_allclose(values, z @ y - np.logaddexp(0, z).sum(axis=1) - prior, rtol=1e-12)
    expected = (y - 1 / (1 + np.exp(-z))) @ X - w / 1.7**2
    np.testing.assert_allclose(gradients, expected, rtol=1e-11, atol=1e-12)
    assert gradient_error(target, w[0]) < 1e-7


def test_logistic_regression_does_not_overflow():
    (value,), (gradient,) = evaluate(logistic_regression([[1.0], [-1.0]], [1, 1]), [[2000.0]])
    assert value == pytest.approx(-2000.0 - 0.5 * 2000.0**2)
    assert gradient[0] == pytest.approx(-1.0 - 2000.0)


def test_two_far_modes_do_not_overflow():
    target = two_modes(1, distance=200.0, width=0.5)
    (value,), (gradient,) = evaluate(target, [[100.0]])
    assert value == pytest.approx(np.log(0.5) - 0.5 * np.log(2 * np.pi * 0.25), rel=1e-12)
    assert gradient[0] == pytest.approx(0.0, abs=1e-12)


def test_gradient_error_sees_a_wrong_gradient():
    @njit
    def wrong(x, parameters, gradient):
        gradient[0] = -2.0 * x[0]  # the density is exp(-x^2 / 2)
        return -0.5 * x[0] ** 2

    assert gradient_error(Target("wrong", 1, wrong), [1.0]) == pytest.approx(1 / 3, rel=1e-6)


def test_draws_start_where_no_chain_takes_its_noise():
    """With equal seeds, the starting points must not be the numbers that move the chains."""
    from labcore.random import normal

    x = gaussian(np.ones(2)).draw(50, 5)
    assert not np.isin(x, normal((50, 2), rng=5, stream=0)).any()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: gaussian([[1.0, 2.0], [2.0, 1.0]]), "positive definite"),
        (lambda: gaussian([[1.0, 0.5], [0.1, 1.0]]), "symmetric"),
        (lambda: gaussian([1.0, -1.0]), "positive variances"),
        (lambda: gaussian([1.0, 1.0], mean=[0.0]), "must have shape"),
        (lambda: gaussian([1.0, np.nan]), "covariance must be finite"),
        (lambda: banana(width=0.0), "width must be positive"),
        (lambda: funnel(1), "dimension must be at least 2"),
        (lambda: funnel(scale=-1.0), "scale must be positive"),
        (lambda: ridge(3, correlation=-0.6), "correlation must be between -0.5 and 1, got -0.6"),
        (lambda: logistic_regression([[1.0]], [0.5]), "labels must be 0 or 1, got 0.5"),
        (lambda: logistic_regression([[1.0]], [0, 1]), r"features must have shape \(n, d\)"),
        (lambda: two_modes(weight=1.0), "weight must be between 0 and 1"),
        (lambda: two_modes(distance=0.0), "distance must be positive"),
        (lambda: evaluate(gaussian([1.0, 1.0]), [[0.0]]), r"points must have shape \(n, 2\)"),
    ],
)
def test_bad_input_is_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def plain(x, parameters, gradient):
    return 0.0


@pytest.mark.parametrize(
    ("density", "message"),
    [
        (plain, "must be a function compiled by numba.njit"),
        (njit(lambda x: 0.0), r"must take arguments \(array"),
        (njit(lambda x, parameters, gradient: 1), "must return float64 for every input"),
    ],
)
def test_a_log_density_of_the_wrong_kind_is_refused(density, message):
    with pytest.raises(TypeError, match=message):
        evaluate(Target("bad", 1, density), [[0.0]])
