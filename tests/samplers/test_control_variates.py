"""Control variates: exact where the theory says so, and at their rates elsewhere."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from labcore.samplers import (
    Metropolis,
    banana,
    control_functional,
    evaluate,
    gaussian,
    monte_carlo_error,
    polynomial_control,
    sample,
    two_modes,
)
from labcore.samplers.control_variates import stein_gram

SEEDS = st.integers(0, 2**32 - 1)
COVARIANCE = np.array([[2.0, 0.7, 0.1], [0.7, 1.0, -0.2], [0.1, -0.2, 0.5]])
NORMAL = gaussian(COVARIANCE, [1.0, 0.0, -3.0])


def draws(target, n, seed=1):
    x = target.draw(n, seed)
    return x, evaluate(target, x)[1]


@settings(max_examples=25, deadline=None)
@given(SEEDS)
def test_on_a_normal_law_every_quadratic_has_variance_zero(seed):
    """E[a + b.x + x'Cx] = a + b.m + m'Cm + tr(C Sigma) from 15 draws, to rounding."""
    generator = np.random.default_rng(seed)
    a, b, C = generator.normal(), generator.normal(size=3), generator.normal(size=(3, 3))
    x, s = draws(NORMAL, 15, seed)
    f = a + x @ b + np.einsum("ni,ij,nj->n", x, C, x)
    m = NORMAL.mean
    exact = a + b @ m + m @ C @ m + np.trace(C @ COVARIANCE)
    result = polynomial_control(f, x, s, degree=2)
    assert result.mean == pytest.approx(exact, abs=1e-7)
    assert np.ptp(result.values) < 1e-6


def test_on_a_normal_law_degree_one_is_exact_for_linear_functions():
    x, s = draws(NORMAL, 5)
    result = polynomial_control(x, x, s)
    np.testing.assert_allclose(result.mean, NORMAL.mean, atol=1e-10)
    assert result.values.shape == (5, 3)


def test_the_second_degree_uses_the_span_of_its_docstring():
    """Least squares on 1, s_i, x_i s_i + 1 and x_i s_j + x_j s_i, written out."""
    x, s = draws(banana(), 60)
    f = np.exp(0.3 * x[:, 1])
    columns = [np.ones(60), s[:, 0], s[:, 1], x[:, 0] * s[:, 0] + 1, x[:, 1] * s[:, 1] + 1]
    design = np.column_stack([*columns, x[:, 0] * s[:, 1] + x[:, 1] * s[:, 0]])
    expected = np.linalg.lstsq(design, f)[0][0]
    assert polynomial_control(f, x, s, degree=2).mean == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("degree", [1, 2])
def test_polynomial_control_is_unbiased_to_order_one_over_n_and_has_less_variance(degree):
    """1000 averages of 100 draws of cos x_1 + x_2: mean within 4.5 sd, fewer than half the sd."""
    target = gaussian([1.0, 4.0])
    exact = math.exp(-0.5)
    plain, controlled = [], []
    for i in range(1000):
        x, s = draws(target, 100, i)
        f = np.cos(x[:, 0]) + x[:, 1]
        plain.append(f.mean())
        controlled.append(polynomial_control(f, x, s, degree=degree).mean)
    assert np.std(controlled) < 0.5 * np.std(plain)
    # 1 / n times a constant of order 1 is allowed for the bias of fitting on the same draws.
    assert abs(np.mean(controlled) - exact) < 4.5 * np.std(controlled) / np.sqrt(1000) + 2 / 100


def test_values_and_mean_belong_together():
    x, s = draws(banana(), 50)
    result = polynomial_control(x[:, 0] ** 2, x, s, degree=2)
    assert result.values.mean() == pytest.approx(result.mean)
    both = polynomial_control(np.column_stack([x[:, 0] ** 2, x[:, 1]]), x, s, degree=2)
    assert both.mean[0] == pytest.approx(result.mean)
    np.testing.assert_allclose(both.values[:, 0], result.values)


def test_chains_gain_as_independent_draws_do():
    """Metropolis on two close modes: the mean of x from the same chain, at a sixth of the error."""
    target = two_modes(distance=1.5)
    chains = sample(Metropolis(1.2), target, 4000, rng=1, progress=False)
    x = chains.samples.reshape(-1, 2)
    result = polynomial_control(x[:, 0], x, evaluate(target, x)[1], degree=2)
    before = monte_carlo_error(chains.samples[..., 0])
    after = monte_carlo_error(result.values.reshape(4, -1))
    assert after < before / 4
    assert abs(result.mean) < 4.5 * after


@pytest.mark.parametrize("lengthscale", [0.5, 1.0, 3.0])
def test_the_stein_kernel_is_its_formula_and_the_operator_on_both_arguments(lengthscale):
    """k_0 = s_x.s_y k + s_x.grad_y k + s_y.grad_x k + div_x grad_y k by finite differences."""
    x, s = draws(banana(), 5)
    found = stein_gram(x, s, lengthscale)
    h, eye = 1e-4, np.eye(2)

    def k(a, b):
        return math.exp(-((a - b) ** 2).sum() / (2 * lengthscale**2))

    for i in range(5):
        for j in range(5):
            a, b, value = x[i], x[j], s[i] @ s[j] * k(x[i], x[j])
            for c in range(2):
                e = h * eye[c]
                value += s[i, c] * (k(a, b + e) - k(a, b - e)) / (2 * h)
                value += s[j, c] * (k(a + e, b) - k(a - e, b)) / (2 * h)
                mixed = k(a + e, b + e) - k(a + e, b - e) - k(a - e, b + e) + k(a - e, b - e)
                value += mixed / (4 * h * h)
            assert found[i, j] == pytest.approx(value, abs=1e-5 * (1 + abs(value)))
            r = (x[i] - x[j]) / lengthscale**2
            direct = s[i] @ s[j] + (s[i] - s[j]) @ r + 2 / lengthscale**2 - r @ r
            assert found[i, j] == pytest.approx(
                direct * k(x[i], x[j]), abs=1e-9 * (1 + abs(direct))
            )


def test_functions_of_the_stein_kernel_have_mean_zero():
    """The integral of k_0(x, y) pi(x) dx over the line, for three y."""
    for y in (-1.0, 0.3, 2.0):

        def integrand(x, y=y):
            gram = stein_gram(np.array([[x], [y]]), -np.array([[x], [y]]), 0.8)
            return gram[0, 1] * math.exp(-0.5 * x * x)

        assert abs(quad(integrand, -12, 12, epsabs=1e-11, limit=200)[0]) < 1e-9


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_the_stein_kernel_is_positive_definite(seed):
    x, s = draws(NORMAL, 20, seed)
    K = stein_gram(x, s, 1.3)
    np.testing.assert_allclose(K, K.T, rtol=1e-12, atol=1e-12)
    assert np.linalg.eigvalsh(K)[0] > -1e-10 * np.trace(K)


def test_weights_are_the_formula_and_sum_to_one():
    x, s = draws(NORMAL, 30)
    result = control_functional(x[:, 0], x, s, lengthscale=2.0, regularisation=0.0)
    ones = np.ones(30)
    solved = np.linalg.solve(stein_gram(x, s, 2.0), ones)
    np.testing.assert_allclose(result.weights, solved / solved.sum(), rtol=1e-5, atol=1e-9)
    assert result.weights.sum() == pytest.approx(1.0)
    assert result.mean == pytest.approx(result.weights @ x[:, 0])
    K = stein_gram(x, s, 2.0)
    assert result.discrepancy == pytest.approx(
        math.sqrt(result.weights @ K @ result.weights), rel=1e-5
    )


def test_the_discrepancy_bounds_the_error_for_functions_of_the_space():
    """f = 3 + sum of c_i k_0(z_i, .) has mean 3 and squared norm c'K(z, z)c."""
    generator = np.random.default_rng(2)
    x, s = draws(gaussian([1.0]), 12)
    z = np.concatenate([x, draws(gaussian([1.0]), 6, 3)[0]])
    K = stein_gram(z, -z, 0.5)
    for _ in range(50):
        c = generator.standard_normal(18)
        result = control_functional(3.0 + (K @ c)[:12], x, s, lengthscale=0.5, regularisation=0.0)
        assert abs(result.mean - 3.0) <= result.discrepancy * math.sqrt(c @ K @ c)


def test_the_bound_is_attained_by_the_mean_of_the_weighted_kernel():
    """f = sum of w_i k_0(x_i, .) has norm D, and weighted mean D^2 where its mean is 0."""
    x, s = draws(gaussian([1.0]), 12)
    K = stein_gram(x, s, 0.5)
    w = control_functional(x[:, 0], x, s, lengthscale=0.5, regularisation=0.0).weights
    result = control_functional(K @ w, x, s, lengthscale=0.5, regularisation=0.0)
    assert result.mean == pytest.approx(result.discrepancy**2)
    assert math.sqrt(w @ K @ w) == pytest.approx(result.discrepancy)


def test_control_functionals_beat_the_monte_carlo_rate():
    """Root mean square error over 12 seeds, n = 25 to 400: a slope below -1.5, plain -1/2."""
    target, exact = gaussian([1.0]), math.exp(-0.5)
    sizes = np.array([25, 50, 100, 200, 400])
    controlled, plain = [], []
    for n in sizes:
        pairs = []
        for i in range(12):
            x, s = draws(target, int(n), i)
            f = np.cos(x[:, 0])
            pairs.append((control_functional(f, x, s, lengthscale=1.0).mean, f.mean()))
        errors = np.sqrt(np.mean((np.array(pairs) - exact) ** 2, axis=0))
        controlled.append(errors[0])
        plain.append(errors[1])
    assert np.polyfit(np.log(sizes), np.log(controlled), 1)[0] < -1.5
    assert np.polyfit(np.log(sizes), np.log(plain), 1)[0] == pytest.approx(-0.5, abs=0.25)
    assert controlled[-1] < 1e-3 * plain[-1]


def test_points_need_not_come_from_the_target():
    """Nodes on a grid, with the scores of N(1, 1): the mean of x^2 is 2."""
    x = np.linspace(-5.0, 7.0, 40)[:, None]
    result = control_functional(x[:, 0] ** 2, x, 1.0 - x, lengthscale=2.0)
    assert result.mean == pytest.approx(2.0, abs=1e-4)


def test_several_functions_share_their_weights():
    x, s = draws(NORMAL, 40)
    both = control_functional(x[:, :2], x, s)
    for j in range(2):
        assert both.mean[j] == pytest.approx(control_functional(x[:, j], x, s).mean)


X, S = draws(NORMAL, 20)


@pytest.mark.parametrize("estimate", [polynomial_control, control_functional])
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((X[:10, 0], X, S), "values, samples and scores must have shapes"),
        ((X[:, 0], X, S[:, :2]), "values, samples and scores must have shapes"),
        ((np.empty(0), np.empty((0, 2)), np.empty((0, 2))), "must have shapes"),
        ((np.full(20, np.nan), X, S), "values must be finite"),
        ((X[:, 0], X, np.full_like(S, np.inf)), "scores must be finite"),
        ((X[:, 0], X[:, 0], S[:, 0]), "samples must have 2 dimensions"),
    ],
)
def test_bad_input_is_named(estimate, arguments, message):
    with pytest.raises(ValueError, match=message):
        estimate(*arguments)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: polynomial_control(X[:, 0], X, S, degree=3), "degree must be 1 or 2"),
        (lambda: polynomial_control(X[:, 0], X, S, degree=0), "degree must be at least 1"),
        (
            lambda: polynomial_control(X[:10, 0], X[:10], S[:10], degree=2),
            "samples must be more than the 10 coefficients, got 10",
        ),
        (lambda: control_functional(X[:, 0], X, S, lengthscale=-1.0), "lengthscale must be"),
        (lambda: control_functional(X[:, 0], X, S, regularisation=-1.0), "regularisation must"),
        (
            lambda: control_functional(
                np.ones(4), np.zeros((4, 1)), np.zeros((4, 1)), lengthscale=1.0, regularisation=0.0
            ),
            "samples must differ",
        ),
        (
            lambda: control_functional(np.ones(4), np.zeros((4, 1)), np.zeros((4, 1))),
            "lengthscale must be positive, got 0",
        ),
    ],
)
def test_bad_options_are_named(make, message):
    with pytest.raises(ValueError, match=message):
        make()
