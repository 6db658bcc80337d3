"""Kernels: their formulas, positive definiteness, symmetry, spectra and algebra."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import integrate
from sklearn.gaussian_process import kernels as sk

from labcore.kernels import Brownian, Constant, Gaussian, Matern, Periodic, Polynomial

# One list of instances; the generic properties below run over it.
STATIONARY = [
    Gaussian(0.7),
    Matern(0.5, 0.7),
    Matern(1.5, 0.7),
    Matern(2.5, 0.7),
    2.5 * Gaussian(0.7),
    Gaussian(0.3) + 0.5 * Matern(1.5, 2.0),
]
ANY_DIMENSION = [
    *STATIONARY,
    Periodic(0.9, 1.7),
    Polynomial(1, 0.0),
    Polynomial(3, 0.5),
    Constant(2.0),
    Gaussian(2.0) * Matern(0.5) + 1,
    (Gaussian(2.0) + 0.1) ** 2 * Periodic(1.0, 3.0),
]
EVERY = [*ANY_DIMENSION, Brownian(), 3 * Brownian() ** 2 + Gaussian(0.4)]


def points(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def formula(kernel, x, y):
    """The formula of a leaf's docstring, in multiple precision."""
    x, y = [mpmath.mpf(float(v)) for v in x], [mpmath.mpf(float(v)) for v in y]
    r = mpmath.sqrt(sum((a - b) ** 2 for a, b in zip(x, y, strict=True)))
    match kernel:
        case Gaussian(lengthscale=l):
            return mpmath.exp(-(r**2) / (2 * mpmath.mpf(l) ** 2))
        case Matern(nu=nu, lengthscale=l):
            z = mpmath.sqrt(2 * nu) * r / mpmath.mpf(l)
            polynomial = {0.5: 1, 1.5: 1 + z, 2.5: 1 + z + z**2 / 3}[nu]
            return polynomial * mpmath.exp(-z)
        case Periodic(lengthscale=l, period=p):
            sines = sum(
                mpmath.sin(mpmath.pi * (a - b) / mpmath.mpf(p)) ** 2
                for a, b in zip(x, y, strict=True)
            )
            return mpmath.exp(-2 / mpmath.mpf(l) ** 2 * sines)
        case Polynomial(degree=m, offset=c):
            return (sum(a * b for a, b in zip(x, y, strict=True)) + mpmath.mpf(c)) ** m
        case Brownian():
            return min(x[0], y[0])


LEAVES = [
    *[Gaussian(l) for l in (0.03, 1.3)],
    *[Matern(nu, l) for nu in (0.5, 1.5, 2.5) for l in (0.03, 1.3)],
    *[Periodic(0.4, 0.9), Periodic(2.0, 5.0)],
    *[Polynomial(1, 0.0), Polynomial(2), Polynomial(5, 0.3)],
]


@pytest.mark.parametrize("kernel", LEAVES, ids=str)
@pytest.mark.parametrize("d", [1, 3])
def test_docstring_formula(kernel, d):
    x, y = points(4, d, 1), points(3, d, 2)
    exact = [[float(formula(kernel, a, b)) for b in y] for a in x]
    np.testing.assert_allclose(kernel(x, y), exact, rtol=3e-13, atol=1e-300)


def test_brownian_docstring_formula():
    s, t = np.array([0.0, 0.3, 2.0]), np.array([0.0, 0.5])
    exact = [[float(formula(Brownian(), [a], [b])) for b in t] for a in s]
    np.testing.assert_array_equal(Brownian()(s, t), exact)


@pytest.mark.parametrize("nu", [0.5, 1.5, 2.5])
def test_matern_is_the_bessel_function_of_its_smoothness(nu):
    """2^(1-nu) / Gamma(nu) z^nu K_nu(z), of which the half-integer forms are special cases."""
    for r in (0.01, 0.4, 3.0):
        z = mpmath.sqrt(2 * nu) * r / 0.7
        exact = 2 ** (1 - nu) / mpmath.gamma(nu) * z**nu * mpmath.besselk(nu, z)
        assert Matern(nu, 0.7)([0.0], [r])[0, 0] == pytest.approx(float(exact), rel=1e-13)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Gaussian(0.7), sk.RBF(0.7)),
        (Matern(0.5, 0.7), sk.Matern(0.7, nu=0.5)),
        (Matern(1.5, 0.7), sk.Matern(0.7, nu=1.5)),
        (Matern(2.5, 0.7), sk.Matern(0.7, nu=2.5)),
        (Polynomial(1, 0.0) ** 3, sk.DotProduct(0.0) ** 3),
        (2 * Gaussian(0.7) + 0.3, sk.ConstantKernel(2) * sk.RBF(0.7) + sk.ConstantKernel(0.3)),
    ],
    ids=str,
)
def test_scikit_learn_agrees(ours, theirs):
    x, y = points(7, 3, 3), points(5, 3, 4)
    np.testing.assert_allclose(ours(x, y), theirs(x, y), rtol=1e-12)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-12)


def test_scikit_learn_agrees_on_the_periodic_kernel_in_one_dimension():
    x = points(9, 1, 3)
    theirs = sk.ExpSineSquared(length_scale=0.6, periodicity=1.4)
    np.testing.assert_allclose(Periodic(0.6, 1.4)(x), theirs(x), rtol=1e-12)


@pytest.mark.parametrize("kernel", EVERY, ids=str)
@pytest.mark.parametrize("n", [1, 2, 63, 130])
def test_gram_is_exactly_symmetric_and_equals_the_cross_gram_and_diagonal(kernel, n):
    x = np.abs(points(n, 1))
    gram = kernel(x)
    np.testing.assert_array_equal(gram, gram.T)
    np.testing.assert_array_equal(gram, kernel(x, x))
    np.testing.assert_allclose(np.diagonal(gram), kernel.diagonal(x), rtol=1e-14)


@pytest.mark.parametrize("kernel", EVERY, ids=str)
@settings(max_examples=10, deadline=None)
@given(
    x=hnp.arrays(float, st.integers(1, 12), elements=st.floats(0, 5)),
)
def test_gram_matrices_are_positive_semidefinite(kernel, x):
    gram = kernel(x)
    assert np.linalg.eigvalsh(gram)[0] >= -1e-13 * len(x) * abs(gram).max()


@pytest.mark.parametrize("kernel", ANY_DIMENSION, ids=str)
def test_gram_matrices_are_positive_semidefinite_in_three_dimensions(kernel):
    gram = kernel(points(60, 3))
    assert np.linalg.eigvalsh(gram)[0] >= -1e-13 * 60 * abs(gram).max()


def test_a_sine_of_the_distance_is_not_a_kernel_in_the_plane():
    """Why `Periodic` sums over coordinates, as its docstring says."""
    x = points(60, 2)
    r = np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))
    assert np.linalg.eigvalsh(np.exp(-2 * np.sin(np.pi * r) ** 2))[0] < -0.5


@pytest.mark.parametrize("kernel", STATIONARY, ids=str)
@pytest.mark.parametrize("lag", [0.0, 0.4, 1.1])
def test_bochner_the_kernel_is_the_fourier_transform_of_its_spectral_density(kernel, lag):
    def integrand(w):
        return 2 * float(kernel.spectral_density([w])[0])

    if lag == 0.0:
        value = integrate.quad(integrand, 0, np.inf)[0]
    else:
        value = integrate.quad(integrand, 0, np.inf, weight="cos", wvar=lag, limlst=200)[0]
    assert value == pytest.approx(kernel([0.0], [lag])[0, 0], abs=1e-6)


@pytest.mark.parametrize("kernel", STATIONARY[:4], ids=str)
@pytest.mark.parametrize("d", [2, 3])
def test_spectral_density_integrates_to_one_in_the_plane_and_in_space(kernel, d):
    sphere = 2 * math.pi ** (d / 2) / math.gamma(d / 2)

    def radial(r):
        omega = np.zeros((1, d))
        omega[0, 0] = r
        return sphere * r ** (d - 1) * float(kernel.spectral_density(omega)[0])

    assert integrate.quad(radial, 0, np.inf, limit=200)[0] == pytest.approx(1.0, abs=1e-6)


def test_mercer_the_brownian_gram_matrix_has_the_eigenvalues_of_its_docstring():
    """Eigenvalues of K / n at midpoints tend to ((j - 1/2) pi)^-2 like 1 / n^2."""
    j = np.arange(1, 4)
    exact = ((j - 0.5) * np.pi) ** -2.0
    errors = []
    for n in (50, 100, 200):
        grid = (np.arange(n) + 0.5) / n
        errors.append(np.abs(np.linalg.eigvalsh(Brownian()(grid) / n)[::-1][:3] - exact))
    rates = np.log2(np.array(errors[:-1]) / errors[1:])
    np.testing.assert_allclose(rates, 2.0, atol=0.05)


def test_operators_are_the_operations():
    x, y = points(6, 2, 5), points(4, 2, 6)
    a, b = Gaussian(0.8), Matern(0.5, 1.1)
    np.testing.assert_allclose((a + b)(x, y), a(x, y) + b(x, y), rtol=1e-15)
    np.testing.assert_allclose((a * b)(x, y), a(x, y) * b(x, y), rtol=1e-15)
    np.testing.assert_allclose((a**3)(x, y), a(x, y) ** 3, rtol=1e-14)
    np.testing.assert_allclose((2.5 * a)(x, y), 2.5 * a(x, y), rtol=1e-15)
    np.testing.assert_allclose((1 + a)(x, y), 1 + a(x, y), rtol=1e-15)
    assert 2.5 * a == a * 2.5
    assert str(2 * (a + b) * a**2) == "2 * (Gaussian(0.8) + Matern(0.5, 1.1)) * Gaussian(0.8) ** 2"


def test_parameters_are_in_order_and_replaceable():
    kernel = 2 * Matern(1.5, 3.0) * Periodic(0.5, 1.0) + Polynomial(1, 0.0) + 7
    np.testing.assert_array_equal(kernel.parameters, [2, 3, 0.5, 1, 7])
    changed = kernel.with_parameters([20, 30, 5, 10, 70])
    assert changed == 20 * Matern(1.5, 30.0) * Periodic(5.0, 10.0) + Polynomial(1, 0.0) + 70
    np.testing.assert_array_equal(kernel.parameters, [2, 3, 0.5, 1, 7])


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Gaussian(0.7), sk.RBF(0.7)),
        (Matern(0.5, 0.7), sk.Matern(0.7, nu=0.5)),
        (Matern(1.5, 0.7), sk.Matern(0.7, nu=1.5)),
        (Matern(2.5, 0.7), sk.Matern(0.7, nu=2.5)),
        (Periodic(0.6, 1.4), sk.ExpSineSquared(0.6, 1.4)),
        (2 * Gaussian(0.7) + 0.3, sk.ConstantKernel(2) * sk.RBF(0.7) + sk.ConstantKernel(0.3)),
        (Gaussian(2.0) * Periodic(0.6, 1.4), sk.RBF(2.0) * sk.ExpSineSquared(0.6, 1.4)),
    ],
    ids=str,
)
def test_parameter_gradients_equal_scikit_learn(ours, theirs):
    x = points(6, 1, 3)
    _, gradients = theirs(x, eval_gradient=True)
    np.testing.assert_allclose(
        ours.parameter_gradients(x), np.moveaxis(gradients, 2, 0), rtol=1e-9, atol=1e-12
    )


@pytest.mark.parametrize("kernel", EVERY, ids=str)
def test_parameter_gradients_are_the_slopes_of_the_gram_matrix(kernel):
    """Against a central difference of the whole kernel, not of its parts."""
    x, h = np.abs(points(6, 1)), 1e-4
    gradients = kernel.parameter_gradients(x)
    assert gradients.shape == (len(kernel.parameters), 6, 6)
    for j, gradient in enumerate(gradients):

        def gram(steps, j=j):
            values = kernel.parameters
            values[j] *= math.exp(steps * h)
            return kernel.with_parameters(values)(x)

        slope = (gram(1) - gram(-1)) / (2 * h)
        np.testing.assert_allclose(gradient, slope, atol=1e-7 * np.abs(gram(0)).max())


@pytest.mark.parametrize("kernel", EVERY, ids=str)
def test_out_is_filled_and_returned(kernel):
    x, y = np.abs(points(5, 1)), np.abs(points(3, 1, 1))
    out = np.full((5, 3), np.nan)
    assert kernel(x, y, out=out) is out
    np.testing.assert_array_equal(out, kernel(x, y))


def test_no_points_give_an_empty_matrix():
    assert Gaussian()(np.empty((0, 2))).shape == (0, 0)
    assert Gaussian()(np.empty((0, 2)), np.ones((3, 2))).shape == (0, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Gaussian(0.0), "lengthscale must be positive, got 0"),
        (lambda: Gaussian(math.nan), "lengthscale must be finite, got nan"),
        (lambda: Matern(1.5, -1.0), "lengthscale must be positive, got -1"),
        (lambda: Matern(1.0), "nu must be 0.5, 1.5 or 2.5, got 1.0"),
        (lambda: Periodic(1.0, 0.0), "period must be positive, got 0"),
        (lambda: Polynomial(0), "degree must be at least 1, got 0"),
        (lambda: Polynomial(2, -1.0), "offset must not be negative, got -1"),
        (lambda: -1 * Gaussian(), "factor must be positive, got -1"),
        (lambda: Gaussian() + 0, "value must be positive, got 0"),
        (lambda: Gaussian() ** 0, "exponent must be at least 1, got 0"),
        (lambda: Gaussian()([[1.0]], [[1.0, 2.0]]), "same dimension, got 1 and 2"),
        (lambda: Gaussian()([1.0, math.inf]), r"x must be finite, got inf at \[1\]"),
        (lambda: Gaussian()(np.ones((1, 1, 1))), r"x must have 1 or 2 dimensions"),
        (lambda: Gaussian()([1.0], out=np.empty((2, 2))), r"\(1, 1\), got C-ordered float64 of"),
        (lambda: Gaussian()([1.0, 2.0], out=np.empty((2, 2)).T), r"\(2, 2\), got other float64 of"),
        (lambda: Gaussian()([1.0], out=[[0.0]]), "got <class 'list'>"),
        (lambda: Brownian()([-1.0]), "x must be times that are not negative, got -1"),
        (lambda: Brownian()([1.0], [-1.0]), "y must be times that are not negative, got -1"),
        (lambda: Brownian()([[1.0, 2.0]]), "x must be times, of dimension 1, got dimension 2"),
        (lambda: Gaussian().with_parameters([1.0, 2.0]), "expected 1 values, got 2"),
        (lambda: Gaussian().with_parameters([-1.0]), "lengthscale must be positive, got -1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("kernel", [Brownian(), Periodic(), Gaussian() * Gaussian(), Constant(1)])
def test_what_has_no_spectral_density_says_so(kernel):
    with pytest.raises(TypeError, match="has no spectral density"):
        kernel.spectral_density([1.0])
