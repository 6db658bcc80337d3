"""Kernels: their formulas, positive definiteness, symmetry, spectra and algebra."""

import math
from functools import partial

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numba import njit
from scipy import integrate
from sklearn.gaussian_process import kernels as sk
from sklearn.metrics.pairwise import laplacian_kernel

from labcore.kernels import (
    ArcCosine,
    Brownian,
    Constant,
    Gaussian,
    Laplacian,
    Matern,
    Periodic,
    Polynomial,
    RationalQuadratic,
    SpectralMixture,
    Warped,
    _products,
    stationary,
)


def circle(x):
    return np.column_stack([np.cos(x[:, 0]), np.sin(x[:, 0])])


def circle_slope(x):
    return np.stack([-np.sin(x), np.cos(x)], axis=1)


def lifted(x):
    return np.column_stack([x, np.ones(len(x))])


def lifted_slope(x):
    d = x.shape[1]
    return np.broadcast_to(np.eye(d + 1, d), (len(x), d + 1, d))


# One list of instances; the generic properties below run over it.
STATIONARY = [
    Gaussian(0.7),
    Matern(0.5, 0.7),
    Matern(1.5, 0.7),
    Matern(2.5, 0.7),
    2.5 * Gaussian(0.7),
    Gaussian(0.3) + 0.5 * Matern(1.5, 2.0),
    Matern(0.8, 0.7),
    Matern(3.5, 0.7),
    RationalQuadratic(0.7, 0.8),
    RationalQuadratic(1.3, 2.5),
    Laplacian(0.7),
]
ANY_DIMENSION = [
    *STATIONARY,
    Periodic(0.9, 1.7),
    Polynomial(1, 0.0),
    Polynomial(3, 0.5),
    Constant(2.0),
    Gaussian(2.0) * Matern(0.5) + 1,
    (Gaussian(2.0) + 0.1) ** 2 * Periodic(1.0, 3.0),
    ArcCosine(0),
    ArcCosine(1),
    ArcCosine(2),
    Warped(ArcCosine(1) + Gaussian(0.8), lifted, lifted_slope),
]
ONE_DIMENSION = [
    Brownian(),
    3 * Brownian() ** 2 + Gaussian(0.4),
    SpectralMixture([1.0, 0.5], [2.0, 0.0], [0.3, 1.1]),
    Warped(Matern(2.5, 0.8), circle, circle_slope),
    Gaussian([0.7]),
]
THREE_DIMENSIONS = [
    Gaussian([0.4, 1.0, 7.0]),
    Matern(0.5, (0.4, 1.0, 7.0)),
    Matern(2.5, (0.4, 1.0, 7.0)),
    Matern(1.7, (0.4, 1.0, 7.0)),
    RationalQuadratic((0.4, 1.0, 7.0), 1.6),
    Laplacian((0.4, 1.0, 7.0)),
    SpectralMixture([1.0, 0.5], [[2.0, -1.0, 0.3], [0.0, 1.0, 0.0]], [[0.3, 0.5, 2.0]] * 2),
    2.0 * Gaussian([0.4, 1.0, 7.0]) * Matern(1.5, 2.0) + ArcCosine(2),
]
EVERY = [*ANY_DIMENSION, *ONE_DIMENSION]
# Each kernel with points of a dimension it takes, some of them twice.
CASES = [
    *[pytest.param(kernel, 1, id=f"{kernel} d=1") for kernel in EVERY],
    *[
        pytest.param(kernel, 3, id=f"{kernel} d=3")
        for kernel in [*ANY_DIMENSION, *THREE_DIMENSIONS]
    ],
]


def points(n, d, seed=0):
    return np.random.default_rng(seed).normal(size=(n, d))


def positive_points(n, d, seed=0):
    """Points with positive coordinates, of which every third is there twice."""
    x = np.abs(points(n, d, seed))
    x[2::3] = x[: len(x[2::3])]
    return x


def formula(kernel, x, y):
    """The formula of a leaf's docstring, in multiple precision."""
    x, y = [mpmath.mpf(float(v)) for v in x], [mpmath.mpf(float(v)) for v in y]
    scales = np.broadcast_to(getattr(kernel, "lengthscale", 1.0), len(x)).tolist()
    lags = [(a - b) / mpmath.mpf(l) for a, b, l in zip(x, y, scales, strict=True)]
    r = mpmath.sqrt(sum(lag**2 for lag in lags))
    match kernel:
        case Gaussian():
            return mpmath.exp(-(r**2) / 2)
        case Matern(nu=nu):
            z = mpmath.sqrt(2 * mpmath.mpf(nu)) * r
            if nu in (0.5, 1.5, 2.5):
                polynomial = {0.5: 1, 1.5: 1 + z, 2.5: 1 + z + z**2 / 3}[nu]
                return polynomial * mpmath.exp(-z)
            if nu % 1 == 0.5:  # a finite sum; mpmath's Bessel function fails for large orders
                p = int(nu)
                terms = [
                    mpmath.mpf(math.factorial(p + i) * math.factorial(p))
                    / (math.factorial(i) * math.factorial(p - i) * math.factorial(2 * p))
                    * (2 * z) ** (p - i)
                    for i in range(p + 1)
                ]
                return sum(terms) * mpmath.exp(-z)
            if z == 0:
                return mpmath.mpf(1)
            return 2 ** (1 - mpmath.mpf(nu)) / mpmath.gamma(nu) * z**nu * mpmath.besselk(nu, z)
        case RationalQuadratic(alpha=alpha):
            return (1 + r**2 / (2 * mpmath.mpf(alpha))) ** -mpmath.mpf(alpha)
        case Laplacian():
            return mpmath.exp(-sum(abs(lag) for lag in lags))
        case SpectralMixture(weights=w, frequencies=mu, bandwidths=sigma):
            return sum(
                mpmath.mpf(w[j])
                * mpmath.cos(mpmath.fdot(map(mpmath.mpf, mu[j]), lags))
                * mpmath.exp(
                    -sum((mpmath.mpf(s) * t) ** 2 for s, t in zip(sigma[j], lags, strict=True)) / 2
                )
                for j in range(len(w))
            )
        case ArcCosine(order=n):
            of_x, of_y = mpmath.norm(x), mpmath.norm(y)
            theta = mpmath.acos(max(-1, min(1, mpmath.fdot(x, y) / (of_x * of_y))))
            sine, cosine, rest = mpmath.sin(theta), mpmath.cos(theta), mpmath.pi - theta
            ramps = [rest, sine + rest * cosine, 3 * sine * cosine + rest * (1 + 2 * cosine**2)]
            return of_x**n * of_y**n * ramps[n] / mpmath.pi
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
    *[Matern(nu, l) for nu in (0.1, 1.0, 2.2, 4.5, 29.5, 199.5) for l in (0.1, 1.3)],
    *[RationalQuadratic(l, a) for l in (0.1, 1.3) for a in (0.3, 2.0, 1e4)],
    *[Laplacian(0.1), Laplacian(1.3), ArcCosine(0), ArcCosine(1), ArcCosine(2)],
]


@pytest.mark.parametrize(
    ("kernel", "d"),
    [
        *[(kernel, d) for kernel in LEAVES for d in (1, 2, 3, 6)],
        (SpectralMixture([1.0, 0.5], [2.0, 0.0], [0.3, 1.1]), 1),
        *[(kernel, 3) for kernel in THREE_DIMENSIONS[:-1]],
    ],
    ids=str,
)
def test_docstring_formula(kernel, d):
    x, y = points(4, d, 1), points(5, d, 2)
    y[3:] = x[0], x[0] + 1e-6
    with mpmath.workdps(30):
        exact = [[float(formula(kernel, a, b)) for b in y] for a in x]
    tiny = 1e-13 if isinstance(kernel, SpectralMixture | ArcCosine) else 1e-300  # they cross zero
    np.testing.assert_allclose(kernel(x, y), exact, rtol=3e-13, atol=tiny)


def test_brownian_docstring_formula():
    s, t = np.array([0.0, 0.3, 2.0]), np.array([0.0, 0.5])
    exact = [[float(formula(Brownian(), [a], [b])) for b in t] for a in s]
    np.testing.assert_array_equal(Brownian()(s, t), exact)


def test_docstring_formula_of_a_warped_kernel():
    x, y = points(4, 1, 1), points(3, 1, 2)
    np.testing.assert_array_equal(
        Warped(Gaussian(0.4), circle)(x, y), Gaussian(0.4)(circle(x), circle(y))
    )
    columns = Warped(Gaussian(0.4), lambda x: x[:, [2, 0]])
    x, y = points(4, 3, 1), points(3, 3, 2)
    np.testing.assert_array_equal(columns(x, y), Gaussian(0.4)(x[:, [2, 0]], y[:, [2, 0]]))


@pytest.mark.parametrize("order", [0, 1, 2])
def test_arc_cosine_is_the_covariance_of_a_layer_of_its_units(order):
    """k(x, y) = 2 E[u(w.x) u(w.y)], by quadrature over the direction of w in the plane."""
    x, y = np.array([0.6, -0.2]), np.array([0.3, 1.1])
    angles = (np.arange(200_000) + 0.5) * (2 * np.pi / 200_000)
    w = np.column_stack([np.cos(angles), np.sin(angles)])
    of_length = {0: 1.0, 1: 2.0, 2: 8.0}[order]  # E |w|^(2 order) in the plane
    units = [np.heaviside(w @ p, 0.5) * np.maximum(w @ p, 0.0) ** order for p in (x, y)]
    covariance = 2 * of_length * np.mean(units[0] * units[1])
    assert ArcCosine(order)(x[None], y[None])[0, 0] == pytest.approx(covariance, abs=2e-5)


@pytest.mark.parametrize("order", [0, 1, 2])
def test_the_angle_of_the_arc_cosine_is_accurate_for_parallel_and_opposite_points(order):
    for turn in (1e-12, 1e-7, math.pi - 1e-7, math.pi - 1e-12):
        x, y = np.array([[2.0, 0.0]]), np.array([[math.cos(turn), math.sin(turn)]])
        with mpmath.workdps(40):
            exact = float(formula(ArcCosine(order), x[0], y[0]))
        assert ArcCosine(order)(x, y)[0, 0] == pytest.approx(exact, abs=3e-15 * 2**order)


def test_a_step_at_the_origin_is_a_half():
    x = np.array([[0.0, 0.0], [1.0, 1.0]])
    np.testing.assert_array_equal(ArcCosine(0)(x), [[0.5, 0.5], [0.5, 1.0]])
    np.testing.assert_array_equal(ArcCosine(1)(x)[0], [0.0, 0.0])


def rates(errors, factor):
    return np.log(np.array(errors[:-1]) / errors[1:]) / np.log(factor)


def test_matern_tends_to_the_gaussian_like_one_over_nu():
    x = np.linspace(0, 3, 50)
    errors = [abs(Matern(nu)(x) - Gaussian()(x)).max() for nu in (12.5, 25, 50, 100, 200)]
    np.testing.assert_allclose(rates(errors, 2), 1.0, atol=0.05)
    assert errors[-1] < 1.2e-3


def test_rational_quadratic_tends_to_the_gaussian_like_one_over_alpha():
    x = np.linspace(0, 3, 50)
    errors = [
        abs(RationalQuadratic(1.0, a)(x) - Gaussian()(x)).max() for a in (10, 1e2, 1e4, 1e6, 1e8)
    ]
    np.testing.assert_allclose(rates(errors, [10, 100, 100, 100]), 1.0, atol=0.05)


def test_rational_quadratic_is_the_mean_of_gaussians_with_gamma_precisions():
    def integrand(tau, alpha=1.7, l=0.8, r=1.1):
        density = (alpha * l**2) ** alpha / math.gamma(alpha) * tau ** (alpha - 1)
        return density * math.exp(-alpha * l**2 * tau - tau * r**2 / 2)

    value = integrate.quad(integrand, 0, np.inf)[0]
    assert RationalQuadratic(0.8, 1.7)([0.0], [1.1])[0, 0] == pytest.approx(value, rel=1e-9)


def test_a_laplacian_kernel_on_the_line_is_matern_one_half():
    x = points(9, 1)
    np.testing.assert_allclose(Laplacian(0.6)(x), Matern(0.5, 0.6)(x), rtol=1e-14)


@pytest.mark.parametrize(
    "family", [Gaussian, Laplacian, lambda l: Matern(1.5, l), RationalQuadratic]
)
def test_equal_lengthscales_are_one_lengthscale(family):
    x, y = points(6, 3), points(5, 3, 1)
    np.testing.assert_allclose(family([0.6] * 3)(x, y), family(0.6)(x, y), rtol=1e-13)
    total = family([0.6] * 3).parameter_gradients(x)[:3].sum(axis=0)
    np.testing.assert_allclose(total, family(0.6).parameter_gradients(x)[0], atol=1e-14)


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
        (Matern(1.3, 0.7), sk.Matern(0.7, nu=1.3)),
        (Gaussian([0.7, 2.0, 0.3]), sk.RBF([0.7, 2.0, 0.3])),
        (RationalQuadratic(0.7, 1.8), sk.RationalQuadratic(0.7, 1.8)),
        (Laplacian(0.7), partial(laplacian_kernel, gamma=1 / 0.7)),
        (Polynomial(1, 0.0) ** 3, sk.DotProduct(0.0) ** 3),
        (2 * Gaussian(0.7) + 0.3, sk.ConstantKernel(2) * sk.RBF(0.7) + sk.ConstantKernel(0.3)),
    ],
    ids=lambda kernel: type(kernel).__name__ if isinstance(kernel, partial) else str(kernel),
)
def test_scikit_learn_agrees(ours, theirs):
    x, y = points(7, 3, 3), points(5, 3, 4)
    np.testing.assert_allclose(ours(x, y), theirs(x, y), rtol=1e-12)
    np.testing.assert_allclose(ours(x), theirs(x), rtol=1e-12)


def test_scikit_learn_agrees_on_the_periodic_kernel_in_one_dimension():
    x = points(9, 1, 3)
    theirs = sk.ExpSineSquared(length_scale=0.6, periodicity=1.4)
    np.testing.assert_allclose(Periodic(0.6, 1.4)(x), theirs(x), rtol=1e-12)


@pytest.mark.parametrize(("kernel", "d"), CASES)
@pytest.mark.parametrize("n", [1, 2, 63, 130])
def test_gram_is_exactly_symmetric_and_equals_the_cross_gram_and_diagonal(kernel, d, n):
    x = positive_points(n, d)
    gram = kernel(x)
    np.testing.assert_array_equal(gram, gram.T)
    np.testing.assert_array_equal(gram, kernel(x, x))
    np.testing.assert_allclose(np.diagonal(gram), kernel.diagonal(x), rtol=1e-14)
    np.testing.assert_array_equal(gram[: n // 2, n // 2 :], kernel(x[: n // 2], x[n // 2 :]))


@pytest.mark.parametrize("kernel", EVERY, ids=str)
@settings(max_examples=10, deadline=None)
@given(
    x=hnp.arrays(float, st.integers(1, 12), elements=st.floats(0, 5)),
)
def test_gram_matrices_are_positive_semidefinite(kernel, x):
    gram = kernel(x)
    assert np.linalg.eigvalsh(gram)[0] >= -1e-13 * len(x) * abs(gram).max()


@pytest.mark.parametrize("kernel", [*ANY_DIMENSION, *THREE_DIMENSIONS], ids=str)
@settings(max_examples=5, deadline=None)
@given(
    x=hnp.arrays(float, st.tuples(st.integers(1, 12), st.just(3)), elements=st.floats(-4, 4)),
    again=st.integers(0, 11),
)
def test_gram_matrices_are_positive_semidefinite_in_three_dimensions(kernel, x, again):
    gram = kernel(np.vstack([x, x[again % len(x)], points(20, 3)]))
    assert np.linalg.eigvalsh(gram)[0] >= -1e-13 * len(gram) * abs(gram).max()


def test_a_sine_of_the_distance_is_not_a_kernel_in_the_plane():
    """Why `Periodic` sums over coordinates, as its docstring says."""
    x = points(60, 2)
    r = np.sqrt(((x[:, None] - x[None]) ** 2).sum(-1))
    assert np.linalg.eigvalsh(np.exp(-2 * np.sin(np.pi * r) ** 2))[0] < -0.5


@pytest.mark.parametrize("kernel", [*STATIONARY, ONE_DIMENSION[2], Gaussian([0.7])], ids=str)
@pytest.mark.parametrize("lag", [0.0, 0.4, 1.1])
def test_bochner_the_kernel_is_the_fourier_transform_of_its_spectral_density(kernel, lag):
    def integrand(w):
        return 2 * float(kernel.spectral_density([w])[0])

    if lag == 0.0:
        value = integrate.quad(integrand, 0, np.inf)[0]
    else:
        value = integrate.quad(integrand, 0, np.inf, weight="cos", wvar=lag, limlst=200)[0]
    assert value == pytest.approx(kernel([0.0], [lag])[0, 0], abs=1e-6)


@pytest.mark.parametrize(
    "kernel", [*STATIONARY[:4], Matern(3.2, 0.7), RationalQuadratic(0.7, 2.5)], ids=str
)
@pytest.mark.parametrize("d", [2, 3])
def test_spectral_density_integrates_to_one_in_the_plane_and_in_space(kernel, d):
    sphere = 2 * math.pi ** (d / 2) / math.gamma(d / 2)

    def radial(r):
        omega = np.zeros((1, d))
        omega[0, 0] = r
        return sphere * r ** (d - 1) * float(kernel.spectral_density(omega)[0])

    assert integrate.quad(radial, 0, np.inf, limit=200)[0] == pytest.approx(1.0, abs=1e-6)


def test_bochner_in_the_plane_with_two_lengthscales():
    """By the trapezoidal rule, exact to rounding for the light tails of the first two spectra."""
    grid = np.linspace(-18, 18, 361)
    omega = np.stack(np.meshgrid(grid, grid, indexing="ij"), axis=-1).reshape(-1, 2)
    lag = np.array([0.3, -0.5])
    for kernel, tolerance in [
        (Gaussian([0.7, 1.4]), 1e-13),
        (SpectralMixture([0.7, 0.4], [[2.0, -1.0], [0.5, 3.0]], [[1.0, 0.8], [2.0, 0.6]]), 1e-13),
        (RationalQuadratic([0.7, 1.4], 3.0), 1e-5),
        (Matern(4.5, [0.7, 1.4]), 1e-5),
    ]:
        value = (kernel.spectral_density(omega) * np.cos(omega @ lag)).sum() * 0.1**2
        assert kernel(np.zeros((1, 2)), lag[None])[0, 0] == pytest.approx(value, abs=tolerance)


def test_the_spectral_density_of_a_laplacian_kernel_is_that_of_its_coordinates():
    omega = points(5, 3)
    lines = [
        Laplacian(l).spectral_density(w) for l, w in zip((0.4, 1.0, 7.0), omega.T, strict=True)
    ]
    np.testing.assert_allclose(
        Laplacian((0.4, 1.0, 7.0)).spectral_density(omega), np.prod(lines, axis=0), rtol=1e-13
    )


def test_a_slowly_falling_rational_quadratic_has_an_infinite_spectrum_at_zero():
    assert RationalQuadratic(1.0, 0.5).spectral_density([0.0])[0] == np.inf
    assert np.isfinite(RationalQuadratic(1.0, 0.5).spectral_density([1e-3, 0.5])).all()
    assert np.isfinite(RationalQuadratic(1.0, 0.6).spectral_density([0.0])).all()


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


def test_parameters_of_lengthscales_and_spectra_keep_their_shape_and_signs():
    kernel = 2 * Gaussian([1.0, 2.0]) + RationalQuadratic((3.0, 4.0), 5.0)
    np.testing.assert_array_equal(kernel.parameters, [2, 1, 2, 3, 4, 5])
    changed = kernel.with_parameters([20, 10, 20, 30, 40, 50])
    assert changed == 20 * Gaussian([10.0, 20.0]) + RationalQuadratic((30.0, 40.0), 50.0)
    assert str(changed) == "20 * Gaussian((10, 20)) + RationalQuadratic((30, 40), 50)"
    spectrum = SpectralMixture([1.0], [[-2.0, 0.0]], [[3.0, 4.0]])
    np.testing.assert_array_equal(spectrum.parameters, [1, 2, 3, 4])
    assert spectrum.with_parameters([10, 20, 30, 40]) == SpectralMixture(
        [10.0], [[-20.0, 0.0]], [[30.0, 40.0]]
    )
    assert spectrum.with_parameters(spectrum.parameters) == spectrum


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
        (Matern(3.5, 0.7), sk.Matern(0.7, nu=3.5)),
        (RationalQuadratic(0.7, 1.8), sk.RationalQuadratic(0.7, 1.8)),
        (Periodic(0.6, 1.4), sk.ExpSineSquared(0.6, 1.4)),
        (2 * Gaussian(0.7) + 0.3, sk.ConstantKernel(2) * sk.RBF(0.7) + sk.ConstantKernel(0.3)),
        (Gaussian(2.0) * Periodic(0.6, 1.4), sk.RBF(2.0) * sk.ExpSineSquared(0.6, 1.4)),
    ],
    ids=str,
)
def test_parameter_gradients_equal_scikit_learn(ours, theirs):
    x = points(6, 1, 3)
    _, gradients = theirs(x, eval_gradient=True)
    if isinstance(ours, RationalQuadratic):
        gradients = gradients[..., ::-1]  # theirs are in the order of the alphabet
    tolerance = 1e-4 if ours == Matern(3.5, 0.7) else 1e-12  # theirs is a difference quotient
    np.testing.assert_allclose(
        ours.parameter_gradients(x), np.moveaxis(gradients, 2, 0), rtol=1e-9, atol=tolerance
    )


@pytest.mark.parametrize(("kernel", "d"), CASES)
def test_parameter_gradients_are_the_slopes_of_the_gram_matrix(kernel, d):
    """Against a central difference of the whole kernel, not of its parts."""
    x, h = positive_points(6, d), 1e-4
    gradients = kernel.parameter_gradients(x)
    assert gradients.shape == (len(kernel.parameters), 6, 6)
    for j, gradient in enumerate(gradients):

        def gram(steps, j=j):
            values = kernel.parameters
            values[j] *= math.exp(steps * h)
            return kernel.with_parameters(values)(x)

        slope = (gram(1) - gram(-1)) / (2 * h)
        np.testing.assert_allclose(gradient, slope, atol=1e-7 * np.abs(gram(0)).max())


@pytest.mark.parametrize(("kernel", "d"), CASES)
def test_gradients_in_the_inputs_are_slopes_and_their_errors_fall_with_the_square(kernel, d):
    """Central differences at two steps; at points that do not meet, so that kinks do not matter."""
    x, y = np.abs(points(4, d, 1)) + 0.3, np.abs(points(5, d, 2)) + 0.3
    gradient = kernel.gradient(x, y)
    assert gradient.shape == (4, 5, d)

    def slopes(h):
        steps = h * np.eye(d)
        return np.stack([(kernel(x + s, y) - kernel(x - s, y)) / (2 * h) for s in steps], axis=-1)

    size = abs(gradient).max() + abs(kernel(x, y)).max()
    np.testing.assert_allclose(gradient, slopes(1e-5), atol=1e-8 * size)
    errors = [abs(slopes(h) - gradient).max() for h in (4e-3, 2e-3)]
    if errors[1] > 1e-10 * size:  # not a polynomial of degree two or less
        np.testing.assert_allclose(rates(errors, 2), 2.0, atol=0.1)


@pytest.mark.parametrize(("kernel", "d"), CASES)
def test_gradients_at_equal_points_are_finite_and_of_the_two_sides_the_mean(kernel, d):
    x, h = np.abs(points(4, d, 1)) + 0.3, 1e-6
    gradient = np.diagonal(kernel.gradient(x)).T
    assert np.isfinite(kernel.gradient(x)).all()
    for k in range(d):
        step = h * np.eye(d)[k]
        slope = [
            (kernel((p + step)[None], p[None]) - kernel((p - step)[None], p[None]))[0, 0] / (2 * h)
            for p in x
        ]
        np.testing.assert_allclose(gradient[:, k], slope, atol=1e-5 * abs(kernel.diagonal(x)).max())


@pytest.mark.parametrize(("kernel", "d"), CASES)
def test_matvec_is_the_gram_matrix_times_the_vector(kernel, d):
    x, y = positive_points(70, d), positive_points(9, d, 1)
    for v in (points(70, 1, 2)[:, 0], points(70, 3, 2)):
        exact = kernel(x) @ v
        np.testing.assert_allclose(
            kernel.matvec(x, v), exact, rtol=0, atol=1e-12 * abs(exact).max()
        )
        exact = kernel(y, x) @ v
        np.testing.assert_allclose(
            kernel.matvec(y, v, x), exact, rtol=0, atol=1e-12 * abs(exact).max()
        )


@pytest.mark.parametrize(("kernel", "d"), CASES)
def test_out_is_filled_and_returned(kernel, d):
    x, y = np.abs(points(5, d)), np.abs(points(3, d, 1))
    out = np.full((5, 3), np.nan)
    assert kernel(x, y, out=out) is out
    np.testing.assert_array_equal(out, kernel(x, y))


MANY = [
    Gaussian(8.0),
    Gaussian([8.0, 4.0] * 20),
    Matern(1.5, 8.0),
    Matern(2.5, 8.0),
    RationalQuadratic(8.0, 1.5),
]


@pytest.mark.parametrize("kernel", MANY, ids=str)
@pytest.mark.parametrize("shift", [0.0, 1e3])
def test_in_many_dimensions_distances_by_products_change_no_value(kernel, shift, monkeypatch):
    """With repeated and nearly equal points, off the origin, against the sum of squares."""
    x, y = points(131, 40), points(70, 40, 1)
    y[:5], y[5:10] = x[:5], x[:5] + 1e-7
    x, y = x + shift, y + shift
    fast = kernel(x, y), kernel(x), kernel(y, x), kernel.matvec(x, x[:, 0])
    assert kernel(x[:5], y[:5]).diagonal().tolist() == [1.0] * 5
    monkeypatch.setattr(stationary, "_MANY", 41)
    slow = kernel(x, y), kernel(x), kernel(y, x), kernel.matvec(x, x[:, 0])
    assert any((a != b).any() for a, b in zip(fast, slow, strict=True)), "the same way twice"
    for a, b in zip(fast[:3], slow[:3], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-13)
    np.testing.assert_allclose(fast[3], slow[3], rtol=1e-12)
    np.testing.assert_array_equal(fast[0], fast[2].T)
    np.testing.assert_array_equal(fast[1], fast[1].T)
    np.testing.assert_array_equal(fast[1].diagonal(), 1.0)


def test_where_products_would_lose_digits_distances_are_sums_of_squares(monkeypatch):
    """Two clusters that are far apart beside the lengthscale: the bound says no."""
    x = points(20, 40) * 1e-3
    x[10:] += 1e4
    exact = Gaussian(5e-3)(x[:10])
    np.testing.assert_allclose(Gaussian(5e-3)(x)[:10, :10], exact, rtol=1e-9)
    monkeypatch.setattr(stationary, "_ERROR", np.inf)
    assert abs(Gaussian(5e-3)(x)[:10, :10] - exact).max() > 1e-3


def test_points_whose_squares_overflow_are_far_apart_in_many_dimensions_too():
    x = np.full((2, 40), 1e200)
    x[1] *= -1
    np.testing.assert_array_equal(Gaussian()(x), np.eye(2))


@settings(max_examples=40, deadline=None)
@given(
    x=hnp.arrays(float, st.tuples(st.integers(1, 9), st.just(26)), elements=st.floats(-1e3, 1e3)),
)
def test_the_error_bound_of_squared_distances_by_products_holds(x):
    ours = np.empty((len(x), len(x)))
    _products.tiles_by_products(x, x, _nothing)(slice(0, len(x)), 0, ours, 0, len(x))
    exact = [[math.fsum(((a - b) ** 2).tolist()) for b in x] for a in x]
    rounding = 1e-14 * np.max(exact)  # of the differences and squares of `exact` itself
    assert abs(ours - exact).max() <= _products.squared_distance_error(x, x) + rounding


@njit
def _nothing(row):
    pass


def test_no_points_give_an_empty_matrix():
    assert Gaussian()(np.empty((0, 2))).shape == (0, 0)
    assert Gaussian()(np.empty((0, 2)), np.ones((3, 2))).shape == (0, 3)
    assert Gaussian().gradient(np.empty((0, 2)), np.ones((3, 2))).shape == (0, 3, 2)
    np.testing.assert_array_equal(Gaussian().matvec([1.0, 2.0], [], []), [0.0, 0.0])
    assert Gaussian().matvec([], [], [1.0, 2.0][:0]).shape == (0,)
    assert Gaussian().matvec([1.0], np.empty((1, 0))).shape == (1, 0)


@pytest.mark.parametrize("kernel", [*STATIONARY, *THREE_DIMENSIONS[:6]], ids=str)
def test_points_that_are_very_far_or_very_near_give_numbers(kernel):
    x = np.zeros((3, 3))
    x[:, 0] = 0.0, 1e200, 1e-200
    assert np.isfinite(kernel(x)).all()
    assert np.isfinite(kernel.parameter_gradients(x[[0, 2]])).all()
    assert np.isfinite(kernel.gradient(x[[0, 2]])).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Gaussian(0.0), "lengthscale must be positive, got 0"),
        (lambda: Gaussian(math.nan), "lengthscale must be finite, got nan"),
        (lambda: Matern(1.5, -1.0), "lengthscale must be positive, got -1"),
        (lambda: Gaussian([1.0, 0.0]), r"lengthscale\[1\] must be positive, got 0"),
        (lambda: Gaussian([]), r"lengthscale must be a number or a sequence of numbers, got \[\]"),
        (lambda: Gaussian([[1.0]]), "lengthscale must be a number or a sequence of numbers, got"),
        (lambda: Gaussian([1.0, 2.0])([1.0]), "x must have the dimension of lengthscale, 2, got 1"),
        (lambda: Matern(0.0), "nu must be positive, got 0"),
        (lambda: Matern(201), "nu must be at most 200, got 201: beyond, the Gaussian kernel"),
        (lambda: RationalQuadratic(1.0, -1), "alpha must be positive, got -1"),
        (lambda: ArcCosine(3), "order must be 0, 1 or 2, got 3"),
        (lambda: SpectralMixture([], [], []), "one row for each component, got 0, 0 and 0"),
        (lambda: SpectralMixture([1.0], [1.0, 2.0], [1.0]), "component, got 1, 2 and 1"),
        (lambda: SpectralMixture([1.0], [[1.0, 2.0]], [1.0]), "same dimension, got 2 and 1"),
        (lambda: SpectralMixture([-1.0], [1.0], [1.0]), "weights must be positive, got -1"),
        (lambda: SpectralMixture([1.0], [1.0], [0.0]), "bandwidths must be positive, got 0"),
        (
            lambda: SpectralMixture([1.0], [1.0], [1.0]).diagonal([[1.0, 2.0]]),
            "x must have the dimension of frequencies, 1, got 2",
        ),
        (lambda: Warped(Gaussian(), lambda x: x[:1])([1.0, 2.0]), r"map must give 2 rows, got sha"),
        (
            lambda: Warped(Gaussian(), lambda x: np.full_like(x, np.nan))([1.0]),
            r"map\(x\) must be finite, got nan",
        ),
        (lambda: Warped(Brownian(), lambda x: -x)([1.0]), r"map\(x\) must be times that are not"),
        (
            lambda: Warped(Gaussian(), circle, lambda x: np.ones((len(x), 1, 1))).gradient([1.0]),
            r"jacobian must give shape \(1, 2, 1\), got \(1, 1, 1\)",
        ),
        (lambda: Gaussian().matvec([1.0], [1.0, 2.0]), r"row for each of 1 points, got shape \(2,"),
        (lambda: Gaussian().matvec([1.0], [math.nan]), "v must be finite, got nan"),
        (lambda: Gaussian().matvec([1.0], [1.0], [[1.0, 2.0]]), "same dimension, got 1 and 2"),
        (lambda: Gaussian().gradient([math.nan]), "x must be finite, got nan"),
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


def test_a_warped_kernel_without_jacobian_has_no_gradient():
    with pytest.raises(TypeError, match="without the map's jacobian"):
        Warped(Gaussian(), circle).gradient([1.0])


@pytest.mark.parametrize("kernel", [Brownian(), Periodic(), Gaussian() * Gaussian(), Constant(1)])
def test_what_has_no_spectral_density_says_so(kernel):
    with pytest.raises(TypeError, match="has no spectral density"):
        kernel.spectral_density([1.0])
