"""Kernel ridge and Gaussian-process regression against independent computations."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process import kernels as sk
from sklearn.kernel_ridge import KernelRidge as SklearnKernelRidge

from labcore.kernels import (
    Brownian,
    Gaussian,
    Matern,
    Periodic,
    Polynomial,
    condition,
    kernel_ridge,
    likelihood,
    maximise_likelihood,
    sample_normal,
    sample_prior,
)
from labcore.kernels._cholesky import inverse, positive_cholesky, solve, trace_of_product


def data(n=25, seed=0, noise=0.2):
    rng = np.random.default_rng(seed)
    x = np.sort(rng.uniform(0, 5, n))
    return x, np.sin(2 * x) + noise * rng.normal(size=n)


GRID = np.linspace(-1, 6, 31)


def test_ridge_equals_scikit_learn():
    x, y = data()
    ours = kernel_ridge(Gaussian(0.8), x, y, penalty=0.3)
    theirs = SklearnKernelRidge(alpha=0.3, kernel="rbf", gamma=0.5 / 0.8**2).fit(x[:, None], y)
    np.testing.assert_allclose(ours(GRID), theirs.predict(GRID[:, None]), rtol=1e-9)


def test_ridge_is_least_squares_in_feature_space():
    """(x y + 1)^2 has the features 1, sqrt(2) x, x^2: ridge on them, by the normal equations."""
    x, y = data()

    def features(t):
        return np.stack([np.ones_like(t), math.sqrt(2) * t, t**2], axis=1)

    phi = features(x)
    weights = np.linalg.solve(phi.T @ phi + 0.7 * np.eye(3), phi.T @ y)
    f = kernel_ridge(Polynomial(2, 1.0), x, y, penalty=0.7)
    np.testing.assert_allclose(f(GRID), features(GRID) @ weights, rtol=1e-7)
    assert f.norm() == pytest.approx(np.linalg.norm(weights), rel=1e-7)


def test_ridge_minimises_its_objective_over_all_coefficients():
    """No change of the coefficients, also at centres without data, lowers the objective."""
    x, y = data(8)
    kernel, penalty = Matern(1.5, 0.9), 0.2
    centres = np.concatenate([x, GRID])
    gram, cross = kernel(centres), kernel(x, centres)

    def objective(a):
        return ((y - cross @ a) ** 2).sum() + penalty * a @ gram @ a

    best = np.zeros(len(centres))
    best[:8] = kernel_ridge(kernel, x, y, penalty=penalty).coefficients
    rng = np.random.default_rng(1)
    for size in (1e-3, 1e-1):
        for _ in range(20):
            assert objective(best + size * rng.normal(size=len(centres))) > objective(best)


def test_ridge_fits_columns_independently():
    x, y = data()
    both = kernel_ridge(Matern(2.5), x, np.stack([y, y**2], axis=1), penalty=0.1)
    for column, values in enumerate((y, y**2)):
        alone = kernel_ridge(Matern(2.5), x, values, penalty=0.1)
        np.testing.assert_allclose(both(GRID)[:, column], alone(GRID), rtol=1e-10)
        assert both.norm()[column] == pytest.approx(float(alone.norm()), rel=1e-10)


@pytest.mark.parametrize(
    ("kernel", "theirs"),
    [
        (1.7 * Gaussian(0.8), sk.ConstantKernel(1.7) * sk.RBF(0.8)),
        (Matern(1.5, 0.8) + 0.5, sk.Matern(0.8, nu=1.5) + sk.ConstantKernel(0.5)),
        (Gaussian(2.0) * Periodic(1.0, 3.0), sk.RBF(2.0) * sk.ExpSineSquared(1.0, 3.0)),
    ],
    ids=str,
)
def test_posterior_and_likelihood_equal_scikit_learn(kernel, theirs):
    x, y = data()
    ours = condition(kernel, x, y, noise_variance=0.04)
    peer = GaussianProcessRegressor(theirs, alpha=0.04, optimizer=None).fit(x[:, None], y)
    mean, covariance = peer.predict(GRID[:, None], return_cov=True)
    np.testing.assert_allclose(ours.mean(GRID), mean, rtol=1e-8, atol=1e-10)
    np.testing.assert_allclose(ours.covariance(GRID), covariance, atol=1e-10)
    np.testing.assert_allclose(ours.sd(GRID), np.sqrt(np.diagonal(covariance)), rtol=1e-7)
    assert ours.log_marginal_likelihood() == pytest.approx(peer.log_marginal_likelihood_value_)


def test_likelihood_is_the_normal_density_of_the_data():
    x, y = data()
    kernel = Matern(2.5, 0.6)
    exact = stats.multivariate_normal(np.zeros(25), kernel(x) + 0.09 * np.eye(25)).logpdf(y)
    ours = condition(kernel, x, y, noise_variance=0.09).log_marginal_likelihood()
    assert ours == pytest.approx(exact, rel=1e-10)


def test_posterior_mean_is_the_ridge_solution_with_penalty_equal_to_the_noise_variance():
    x, y = data()
    posterior = condition(Gaussian(0.5), x, y, noise_variance=0.04)
    ridge = kernel_ridge(Gaussian(0.5), x, y, penalty=0.04)
    np.testing.assert_array_equal(posterior.mean(GRID), ridge(GRID))


def test_leave_one_out_equals_leaving_one_out():
    x, y = data(12)
    kernel = 1.3 * Matern(1.5, 0.9)
    fast = condition(kernel, x, y, noise_variance=0.04).leave_one_out()
    for i in range(12):
        others = condition(kernel, np.delete(x, i), np.delete(y, i), noise_variance=0.04)
        assert fast.mean[i] == pytest.approx(others.mean(x[i : i + 1])[0], rel=1e-9)
        assert fast.sd[i] ** 2 == pytest.approx(others.sd(x[i : i + 1])[0] ** 2 + 0.04, rel=1e-9)


def test_leave_one_out_scores_are_normal_log_densities_of_what_was_left_out():
    x, y = data(12)
    left_out = condition(1.3 * Matern(1.5, 0.9), x, y, noise_variance=0.04).leave_one_out()
    exact = stats.norm(left_out.mean, left_out.sd).logpdf(y)
    np.testing.assert_allclose(left_out.log_density, exact, rtol=1e-10)


LIKELIHOODS = [1.7 * Gaussian(0.8), Matern(1.5, 0.8) + 0.5, Gaussian(2.0) * Periodic(1.0, 3.0)]


@pytest.mark.parametrize("kernel", LIKELIHOODS, ids=str)
def test_likelihood_gradient_is_the_slope_of_the_likelihood(kernel):
    """Central differences in the logarithms, the noise variance last: errors fall like h^2."""
    x, y = data()
    gradient = condition(kernel, x, y, noise_variance=0.09).log_likelihood_gradient()
    logs = np.log(np.append(kernel.parameters, 0.09))

    def likelihood(u):
        values = np.exp(u)
        changed = condition(kernel.with_parameters(values[:-1]), x, y, noise_variance=values[-1])
        return changed.log_marginal_likelihood()

    errors = []
    for h in (4e-2, 2e-2):
        steps = h * np.eye(len(logs))
        slope = [(likelihood(logs + e) - likelihood(logs - e)) / (2 * h) for e in steps]
        errors.append(np.abs(np.array(slope) - gradient).max())
    assert errors[1] < 1e-2 * np.abs(gradient).max()
    assert math.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.1)


@pytest.mark.parametrize("kernel", LIKELIHOODS, ids=str)
def test_fisher_information_is_that_of_its_formula_and_the_variance_of_the_gradient(kernel):
    x = np.linspace(0, 5, 15)
    noise = 0.09
    a = kernel(x) + noise * np.eye(15)
    slopes = [*kernel.parameter_gradients(x), noise * np.eye(15)]
    weighted = [np.linalg.solve(a, s) for s in slopes]
    exact = 0.5 * np.array([[np.trace(s @ t) for t in weighted] for s in weighted])
    model = condition(kernel, x, np.zeros(15), noise_variance=noise)
    np.testing.assert_allclose(model.fisher_information(), exact, rtol=1e-7, atol=1e-9)
    draws = np.random.default_rng(5).normal(size=(3000, 15)) @ np.linalg.cholesky(a).T
    scores = np.array(
        [condition(kernel, x, y, noise_variance=noise).log_likelihood_gradient() for y in draws]
    )
    spread = np.sqrt(np.diagonal(exact) / 3000)
    assert (np.abs(scores.mean(axis=0)) < 5 * spread).all()
    np.testing.assert_allclose(np.var(scores, axis=0), np.diagonal(exact), rtol=0.2)


def test_pure_noise_is_found_in_a_few_steps_from_far_away(monkeypatch):
    """Where the kernel explains nothing the variance of the noise is the mean of y^2."""
    calls = []

    def counted(*args, **options):
        calls.append(1)
        return condition(*args, **options)

    monkeypatch.setattr(likelihood, "condition", counted)
    x = 100.0 * np.arange(300)
    y = np.random.default_rng(2).normal(size=300)
    for start in (0.01, 100.0):
        calls.clear()
        best = maximise_likelihood(1e-9 * Gaussian(1.0), x, y, noise_variance=start, factor=1e4)
        assert best.noise_variance + best.kernel.parameters[0] == pytest.approx(
            (y**2).mean(), rel=3e-5
        )
        assert len(calls) < 12


def test_no_parameter_moves_by_more_than_the_factor():
    x = np.linspace(0, 40, 100)
    y = np.random.default_rng(3).normal(size=100)
    best = maximise_likelihood(1 * Matern(1.5, 3.0), x, 100 * y, noise_variance=1.0, factor=5.0)
    change = np.append(best.kernel.parameters / [1.0, 3.0], best.noise_variance)
    assert change.max() == pytest.approx(5.0)
    assert change.min() >= 1 / 5.0001


def test_an_interrupted_climb_returns_the_best_until_then(monkeypatch):
    x, y = data()
    calls = []

    def interrupted(*args, **options):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return condition(*args, **options)

    monkeypatch.setattr(likelihood, "condition", interrupted)
    start = condition(Gaussian(0.3), x, y, noise_variance=1.0).log_marginal_likelihood()
    with pytest.warns(UserWarning, match="interrupted before the maximum was reached"):
        best = maximise_likelihood(Gaussian(0.3), x, y, noise_variance=1.0)
    assert best.log_marginal_likelihood() > start


def test_a_climb_that_takes_too_many_steps_says_so(monkeypatch):
    x, y = data()
    monkeypatch.setattr(likelihood, "_STEPS", 2)
    with pytest.warns(UserWarning, match="not at the maximum after 2 steps"):
        maximise_likelihood(Gaussian(0.3), x, y, noise_variance=10.0)


def test_entries_that_would_make_subnormal_products_count_as_zero():
    """exp(-400) squared is 1e-347: no difference to the factor, and none to the answer."""
    matrix = np.array([[1.0, math.exp(-400.0)], [math.exp(-400.0), 2.0]])
    factor = positive_cholesky(matrix, 0.0, advice="")
    np.testing.assert_array_equal(factor, np.diag([1.0, math.sqrt(2.0)]))
    kept = np.array([[1.0, 1e-140], [1e-140, 2.0]])
    assert positive_cholesky(kept, 0.0, advice="")[1, 0] == 1e-140


@settings(max_examples=20, deadline=None)
@given(n=st.integers(1, 150), seed=st.integers(0, 50))
def test_factor_solution_and_inverse_are_those_of_numpy(n, seed):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(n, n))
    a = a @ a.T + n * np.eye(n)
    factor = positive_cholesky(a, 0.5, advice="")
    shifted = a + 0.5 * np.eye(n)
    np.testing.assert_allclose(factor, np.linalg.cholesky(shifted), rtol=1e-9, atol=1e-12)
    b = rng.normal(size=(n, 2))
    np.testing.assert_allclose(solve(factor, b), np.linalg.solve(shifted, b), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(inverse(factor), np.linalg.inv(shifted), rtol=1e-8, atol=1e-12)
    assert trace_of_product(a, shifted) == pytest.approx(np.trace(a @ shifted))


def test_a_failed_factorisation_reports_the_smallest_eigenvalue_also_when_it_overwrites():
    a = np.array([[1.0, 2.0], [2.0, 1.0]])
    for overwrite in (False, True):
        with pytest.raises(np.linalg.LinAlgError, match=r"smallest eigenvalue is -0\.9\. Do that"):
            positive_cholesky(a.copy(), 0.1, advice="Do that.", overwrite=overwrite)


def test_brownian_posterior_between_two_exact_values_is_the_bridge():
    """Mean linear, variance (t - a)(b - t) / (b - a)."""
    posterior = condition(Brownian(), [1.0, 3.0], [0.5, -1.0], noise_variance=0.0)
    t = np.linspace(1, 3, 9)
    np.testing.assert_allclose(posterior.mean(t), 0.5 - 0.75 * (t - 1), atol=1e-14)
    np.testing.assert_allclose(posterior.sd(t) ** 2, (t - 1) * (3 - t) / 2, atol=1e-14)


def test_far_from_the_data_the_posterior_is_the_prior():
    x, y = data()
    posterior = condition(4 * Gaussian(0.5), x, y, noise_variance=0.01)
    assert abs(posterior.mean([50.0])[0]) < 1e-12
    assert posterior.sd([50.0])[0] == pytest.approx(2.0)


def test_draws_have_the_covariance_of_the_kernel():
    """4000 draws: each of 25 entries within 5 of its standard errors. A covariance that is 10%
    off on the diagonal misses by 4.5 standard errors in each of five entries, and is caught with
    probability above 0.8."""
    x = np.linspace(0, 2, 5)
    covariance = Matern(1.5, 0.7)(x)
    draws = sample_prior(Matern(1.5, 0.7), x, 4000, rng=3)
    error = np.sqrt((covariance**2 + 1) / 4000)
    assert (np.abs(draws.T @ draws / 4000 - covariance) < 5 * error).all()
    assert (np.abs(draws.mean(axis=0)) < 5 / math.sqrt(4000)).all()


def test_posterior_draws_have_the_posterior_law():
    """Mahalanobis distances of 3000 draws at 4 points have the chi-squared law (level 0.001). A
    covariance 10% too small or large has p < 1e-4 nearly always."""
    x, y = data(10)
    posterior = condition(Matern(1.5, 1.0), x, y, noise_variance=0.04)
    t = np.array([0.3, 1.7, 3.1, 5.6])
    draws = posterior.sample(t, 3000, rng=4)
    whitened = np.linalg.solve(
        np.linalg.cholesky(posterior.covariance(t)), (draws - posterior.mean(t)).T
    )
    squares = (whitened**2).sum(axis=0)
    assert stats.kstest(squares, stats.chi2(4).cdf).pvalue > 1e-3
    wrong = stats.kstest(squares / 1.1, stats.chi2(4).cdf).pvalue
    assert wrong < 1e-4


def test_a_draw_depends_on_its_seed_and_number_alone():
    x = np.linspace(0, 1, 7)
    many = sample_prior(Gaussian(), x, 5, rng=11)
    np.testing.assert_array_equal(sample_prior(Gaussian(), x, 2, rng=11), many[:2])
    assert not np.allclose(sample_prior(Gaussian(), x, 5, rng=12), many)
    np.testing.assert_array_equal(
        sample_prior(Gaussian(), x, rng=np.random.default_rng(5)),
        sample_prior(Gaussian(), x, rng=np.random.default_rng(5)),
    )
    assert sample_prior(Gaussian(), x, 0, rng=1).shape == (0, 7)


def test_jitter_is_the_variance_that_it_adds():
    """400 draws of a constant function with jitter 0.01: the spread within a draw has variance
    0.01 up to 5 standard errors of sqrt(2 / 400 / 19)."""
    draws = sample_normal(np.zeros(20), np.ones((20, 20)), 400, rng=1, jitter=0.01)
    assert draws.var(axis=1, ddof=1).mean() == pytest.approx(0.01, rel=5 * math.sqrt(2 / 400 / 19))


@pytest.mark.parametrize(
    "kernel", [2 * Matern(1.5, 0.4) + 0.3, Gaussian(3.0) * Periodic(1.0, 3.0)], ids=str
)
def test_maximise_likelihood_ends_where_its_slope_vanishes(kernel):
    """The slope is taken here by differences of likelihoods, not of matrices."""
    x, y = data(40, seed=2)
    best = maximise_likelihood(kernel, x, y, noise_variance=0.1)
    start = condition(kernel, x, y, noise_variance=0.1)
    assert best.log_marginal_likelihood() > start.log_marginal_likelihood() + 1

    def likelihood(log_change):
        parameters = best.kernel.parameters * np.exp(log_change[:-1])
        noise = best.noise_variance * math.exp(log_change[-1])
        changed = condition(kernel.with_parameters(parameters), x, y, noise_variance=noise)
        return changed.log_marginal_likelihood()

    at_best = np.zeros(len(best.kernel.parameters) + 1)
    inside = np.abs(np.log(best.kernel.parameters / kernel.parameters)) < math.log(999)
    slope = optimize.approx_fprime(at_best, likelihood, 1e-5)
    assert np.abs(slope[:-1][inside]).max() < 0.02
    assert abs(slope[-1]) < 0.02


def test_maximise_likelihood_finds_what_made_the_data():
    """200 values of a Matern process with lengthscale 1, variance 4, noise 0.09: the estimates'
    standard errors are about 20%, 30% and 15%; within a factor of 2 fails once in 500 seeds."""
    x = np.linspace(0, 40, 200)
    made_by = 4 * Matern(1.5, 1.0)
    y = sample_prior(made_by, x, rng=8)[0] + 0.3 * np.random.default_rng(8).normal(size=200)
    best = maximise_likelihood(1 * Matern(1.5, 3.0), x, y, noise_variance=1.0)
    ratios = [*(best.kernel.parameters / made_by.parameters), best.noise_variance / 0.09]
    assert max(ratios) < 2
    assert min(ratios) > 0.5


def test_not_positive_definite_says_what_is_wrong():
    x = [0.0, 1.0, 1.0]
    with pytest.raises(np.linalg.LinAlgError, match=r"3 points.*Use a larger penalty"):
        kernel_ridge(Gaussian(), x, x, penalty=0.0)
    x = np.linspace(0, 1, 40)
    with pytest.raises(np.linalg.LinAlgError, match=r"smallest eigenvalue is .*noise_variance"):
        condition(Gaussian(10.0), x, x, noise_variance=0.0)
    with pytest.raises(np.linalg.LinAlgError, match="Use a larger jitter"):
        sample_prior(Gaussian(10.0), x, jitter=0.0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernel_ridge(Gaussian(), [0, 1], [0], penalty=1), "same length, got 2 and 1"),
        (lambda: kernel_ridge(Gaussian(), [0], [0], penalty=-1), "penalty must not be negative"),
        (lambda: kernel_ridge(Gaussian(), [], [], penalty=1), "at least one point, got none"),
        (lambda: condition(Gaussian(), [0], [math.nan], noise_variance=1), "y must be finite"),
        (lambda: condition(Gaussian(), [0], [0], noise_variance=-1), "noise_variance must not be"),
        (
            lambda: condition(Gaussian(), [0], [[0]], noise_variance=1),
            "y must have 1 dimensions, got shape",
        ),
        (
            lambda: maximise_likelihood(Gaussian(), [0], [0], noise_variance=0),
            "noise_variance must be positive, got 0",
        ),
        (
            lambda: maximise_likelihood(Gaussian(), [0], [0], noise_variance=1, factor=0.5),
            "factor must be at least 1, got 0.5",
        ),
        (
            lambda: kernel_ridge(Gaussian(), [0], [0], penalty=1)([[0, 1]]),
            "must have the dimension of the data, 1, got 2",
        ),
        (lambda: sample_prior(Gaussian(), [0], -1), "count must be at least 0, got -1"),
        (lambda: sample_prior(Gaussian(), [0], jitter=-1), "jitter must not be negative"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
