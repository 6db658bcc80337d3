"""Random features: unbiased, with the variances of their docstrings and errors like 1 / sqrt(D)."""

import math

import numpy as np
import pytest
from scipy import stats
from scipy.special import hyp1f1

from labcore.kernels import (
    Brownian,
    Constant,
    Gaussian,
    Laplacian,
    Matern,
    Periodic,
    RationalQuadratic,
    Softmax,
    SpectralMixture,
    fourier_features,
    positive_features,
)

SAMPLED = [
    Gaussian(0.8),
    Matern(0.5, 1.2),
    Matern(1.5, 0.7),
    Matern(2.5, 2.0),
    Matern(3.2, 0.7),
    Gaussian((0.5, 1.0, 2.0)),
    Matern(1.5, (0.5, 1.0, 2.0)),
    Laplacian(1.4),
    RationalQuadratic(0.8, alpha=0.7),
    SpectralMixture([1.0, 0.5], [[1.0, 0.0, 2.0], [0.0, 0.5, 0.0]], np.full((2, 3), 0.7)),
    3 * Gaussian(0.8),
    Gaussian(0.5) + 2 * Matern(1.5, 2.0),
    Gaussian(0.5) + (Gaussian(3.0) + 0.4),
]
POSITIVE = [Softmax(1.3), Gaussian(1.3)]
X = np.random.default_rng(0).normal(size=(6, 3)) / 2


def softmax_of(kernel, x, y):
    """The value of the softmax kernel that is inside a positive estimate, and its factor."""
    inner = math.exp(x @ y / kernel.lengthscale**2)
    return inner, float(kernel(x[None], y[None])[0, 0]) / inner


@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("kernel", SAMPLED, ids=str)
def test_fourier_features_are_unbiased_with_the_variance_of_the_docstring(kernel, orthogonal):
    """15 pairs within 5 standard errors. A lengthscale 3% off moves some entry by more."""
    count = 40_000
    phi = fourier_features(kernel, 3, count, orthogonal=orthogonal, rng=1)(X)
    k0 = kernel.diagonal(X[:1])[0]
    gram, variance = kernel(X), 0.5 * k0**2 + 0.5 * k0 * kernel(2 * X) - kernel(X) ** 2
    error = phi @ phi.T - gram
    assert (np.abs(error) <= 5 * np.sqrt(variance.clip(0) / count) + 1e-12).all()
    np.testing.assert_allclose(np.diagonal(error), 0.0, atol=1e-12)


def test_the_test_above_sees_a_lengthscale_that_is_off_by_three_percent():
    count = 40_000
    phi = fourier_features(Gaussian(0.8 * 1.03), 3, count, rng=1)(X)
    standard_error = np.sqrt((0.5 + 0.5 * Gaussian(0.8)(2 * X) - Gaussian(0.8)(X) ** 2) / count)
    off = np.abs(phi @ phi.T - Gaussian(0.8)(X))[np.triu_indices(6, 1)]
    assert (off > 5 * standard_error[np.triu_indices(6, 1)]).any()


def test_variances_of_single_frequencies_are_those_of_the_docstring():
    """The mean of 40,000 squares, to 5 standard errors (each below 3%)."""
    kernel, x, y = 2 * Matern(1.5, 0.9), np.zeros(2), np.array([0.6, -0.3])
    omega = kernel.sample_frequencies(40_000, 2, rng=3)
    values = 2 * np.cos(omega @ (x - y))
    exact = 2.0 + kernel(2 * x[None], 2 * y[None])[0, 0] - kernel(x[None], y[None])[0, 0] ** 2
    squares = (values - kernel(x[None], y[None])[0, 0]) ** 2
    assert abs(squares.mean() - exact) < 5 * squares.std() / 200


@pytest.mark.parametrize("d", [2, 3, 8])
@pytest.mark.parametrize("distance", [0.5, 1.0, 2.0, 3.0])
def test_orthogonal_frequencies_have_the_covariance_of_the_docstring(d, distance):
    """8000 blocks: the mean of products over pairs within a block, to 5 standard errors."""
    blocks = 8000
    omega = Gaussian().sample_frequencies(blocks * d, d, orthogonal=True, rng=4)
    cosines = np.cos(distance * omega[:, 0]).reshape(blocks, d)
    products = (cosines.sum(axis=1) ** 2 - (cosines**2).sum(axis=1)) / (d * (d - 1))
    exact = hyp1f1(d, d / 2, -(distance**2) / 2)
    assert abs(products.mean() - exact) < 5 * products.std() / math.sqrt(blocks)
    if distance <= 2:
        assert exact < math.exp(-(distance**2))


def test_orthogonal_features_have_a_smaller_error_than_independent_ones():
    """Mean square error of one block in 16 dimensions, over 600 seeds: ratio 0.26 in theory."""
    x = np.array([[0.0] * 16, [0.25] * 16])
    exact = Gaussian()(x)[0, 1]

    def error(orthogonal):
        draws = Gaussian().sample_frequencies(16 * 600, 16, orthogonal=orthogonal, rng=5)
        values = np.cos(draws @ (x[1] - x[0])).reshape(600, 16).mean(axis=1)
        return np.mean((values - exact) ** 2)

    r = 1.0
    iid = (0.5 + 0.5 * math.exp(-2 * r**2) - math.exp(-(r**2))) / 16
    coupled = iid + 15 / 16 * (hyp1f1(16, 8, -(r**2) / 2) - math.exp(-(r**2)))
    assert coupled < 0.5 * iid
    assert error(True) / error(False) == pytest.approx(coupled / iid, rel=0.3)


def test_blocks_are_orthogonal_and_lengths_are_chi_distributed():
    omega = Gaussian(0.5).sample_frequencies(5 * 4000, 5, orthogonal=True, rng=6) * 0.5
    block = omega.reshape(4000, 5, 5)
    products = block @ block.transpose(0, 2, 1)
    off = products[:, ~np.eye(5, dtype=bool)]
    np.testing.assert_allclose(off, 0.0, atol=1e-12)
    assert stats.kstest((omega**2).sum(axis=1), stats.chi2(5).cdf).pvalue > 1e-3
    # Every coordinate of every row is normal: wrong signs in QR would show in the first row.
    for row in range(5):
        assert stats.kstest(block[:, row, row], stats.norm.cdf).pvalue > 1e-3


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5])
def test_frequencies_of_matern_have_student_law(nu):
    omega = Matern(nu, 2.0).sample_frequencies(20_000, 2, rng=7)
    assert stats.kstest(2.0 * omega[:, 1], stats.t(2 * nu).cdf).pvalue > 1e-3


@pytest.mark.parametrize("orthogonal", [False, True])
@pytest.mark.parametrize("kernel", SAMPLED[:3], ids=str)
def test_errors_of_features_fall_like_one_over_the_square_root_of_their_number(kernel, orthogonal):
    sizes, errors = np.array([30, 120, 480, 1920]), []
    for count in sizes:
        squares = [
            np.mean((phi @ phi.T - kernel(X)) ** 2)
            for phi in (
                fourier_features(kernel, 3, count, orthogonal=orthogonal, rng=seed)(X)
                for seed in range(60)
            )
        ]
        errors.append(math.sqrt(np.mean(squares)))
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(-0.5, abs=0.07)


@pytest.mark.parametrize("kernel", POSITIVE, ids=str)
def test_positive_features_are_unbiased_with_the_variance_of_the_docstring(kernel):
    """Means of 60,000 to 5 standard errors; their variance, which heavy tails make harder to
    measure, to 15%."""
    count = 60_000
    x = X / 2
    phi = positive_features(kernel, 3, count, rng=8)(x)
    assert (phi > 0).all()
    for i, j in [(0, 1), (2, 3), (4, 4)]:
        inner, factor = softmax_of(kernel, x[i], x[j])
        norm = ((x[i] + x[j]) ** 2).sum() / kernel.lengthscale**2
        variance = (inner * factor) ** 2 * math.expm1(norm)
        error = (phi[i] * phi[j]).sum() - kernel(x[i : i + 1], x[j : j + 1])[0, 0]
        assert abs(error) < 5 * math.sqrt(variance / count)
        assert np.var(count * phi[i] * phi[j]) == pytest.approx(variance, rel=0.15)


@pytest.mark.parametrize("kernel", POSITIVE, ids=str)
def test_orthogonal_positive_features_have_a_smaller_error(kernel):
    """Over 1000 blocks of 8 in 8 dimensions. The ratio is about 0.8, its standard error 0.05."""
    rng = np.random.default_rng(9)
    x = rng.normal(size=(2, 8)) / 4

    def error(orthogonal):
        features = positive_features(kernel, 8, 8 * 2000, orthogonal=orthogonal, rng=10)
        phi = features(x)
        values = 8 * 2000 * (phi[0] * phi[1]).reshape(2000, 8).mean(axis=1)
        return np.mean((values - kernel(x[:1], x[1:])[0, 0]) ** 2)

    assert error(True) < 0.95 * error(False)


def test_positive_features_are_worse_where_the_kernel_is_large_and_better_where_it_is_small():
    """Against cosines, in absolute error, for x opposite to y and x equal to y."""
    x = np.array([[1.2, 0.0], [-1.2, 0.0]])

    def errors(make):
        phis = [make(Gaussian(), 2, 500, rng=seed)(x) for seed in range(40)]
        grams = np.array([phi @ phi.T for phi in phis]) - Gaussian()(x)
        return np.sqrt((grams**2).mean(axis=0))

    cosines, positive = errors(fourier_features), errors(positive_features)
    assert positive[0, 1] < 0.1 * cosines[0, 1]
    assert positive[0, 0] > 10 * cosines[0, 0]


def test_features_do_not_depend_on_how_many_points_are_asked_for():
    x = np.random.default_rng(1).normal(size=(700, 3))
    for features in (
        fourier_features(Matern(), 3, 900, rng=2),
        positive_features(Gaussian(), 3, 900, rng=2),
    ):
        np.testing.assert_allclose(features(x)[531:533], features(x[531:533]), rtol=1e-13)


def test_more_frequencies_begin_with_the_same_ones():
    few = Matern().sample_frequencies(10, 3, rng=1)
    np.testing.assert_array_equal(Matern().sample_frequencies(25, 3, rng=1)[:10], few)
    few = Matern().sample_frequencies(10, 3, orthogonal=True, rng=1)
    many = Matern().sample_frequencies(25, 3, orthogonal=True, rng=1)
    np.testing.assert_allclose(many[:10], few, rtol=1e-12)


def test_softmax_is_the_exponential_of_the_inner_product():
    np.testing.assert_allclose(Softmax(0.7)(X), np.exp(X @ X.T / 0.49), rtol=1e-14)
    np.testing.assert_allclose(Softmax(0.7).diagonal(X), np.diagonal(Softmax(0.7)(X)), rtol=1e-14)
    assert np.linalg.eigvalsh(Softmax(0.7)(X))[0] > 0
    h = 1e-5
    slope = (Softmax(0.7 * math.exp(h))(X) - Softmax(0.7 * math.exp(-h))(X)) / (2 * h)
    np.testing.assert_allclose(Softmax(0.7).parameter_gradients(X)[0], slope, rtol=1e-8)


@pytest.mark.parametrize(
    "kernel", [Brownian(), Periodic(), Gaussian() * Gaussian(), Gaussian() ** 2, Softmax()]
)
def test_what_cannot_be_sampled_says_so(kernel):
    with pytest.raises(TypeError, match="no way is known to sample the spectrum of"):
        fourier_features(kernel, 1, 10)


def test_a_constant_has_the_frequency_zero():
    phi = fourier_features(Constant(2.0), 2, 3, rng=0)(X[:, :2])
    np.testing.assert_allclose(phi @ phi.T, 2.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fourier_features(Gaussian(), 0, 5), ValueError, "d must be at least 1, got 0"),
        (lambda: fourier_features(Gaussian(), 2, 0), ValueError, "count must be at least 1, got 0"),
        (lambda: fourier_features(Gaussian(), 2, 1.5), TypeError, "count must be an integer"),
        (
            lambda: fourier_features(Gaussian(), 2, 5)([[1.0]]),
            ValueError,
            "x must have dimension 2, got 1",
        ),
        (lambda: fourier_features(Gaussian(), 1, 5)([math.nan]), ValueError, "x must be finite"),
        (
            lambda: fourier_features(Gaussian((1.0, 2.0)), 3, 5),
            ValueError,
            "frequencies must have the dimension of lengthscale, 2, got 3",
        ),
        (lambda: positive_features(Matern(), 2, 5), TypeError, "must be Gaussian or Softmax, got"),
        (lambda: positive_features(Gaussian(), 2, -1), ValueError, "count must be at least 1"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
