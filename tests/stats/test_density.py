"""Kernel density estimation: exact mean integrated squared errors, rates, and bandwidths."""

import math

import numpy as np
import pytest
from scipy import integrate, optimize
from scipy.stats import gaussian_kde, norm
from sklearn.neighbors import KernelDensity as SklearnDensity

from labcore.stats import (
    improved_sheather_jones_bandwidth,
    kernel_density,
    least_squares_bandwidth,
    scott_bandwidth,
    silverman_bandwidth,
)


class Mixture:
    """A normal mixture on the line, and the exact errors of kernel estimates of it."""

    def __init__(self, weights, means, deviations):
        self.w, self.m, self.s = map(np.array, (weights, means, deviations))

    def draw(self, n, rng):
        which = rng.choice(len(self.w), n, p=self.w)
        return self.m[which] + self.s[which] * rng.normal(size=n)

    def density(self, t):
        return norm.pdf(t[:, None], self.m, self.s) @ self.w

    def _omega(self, a, h):
        variances = self.s[:, None] ** 2 + self.s**2 + a * h**2
        gaps = self.m[:, None] - self.m
        return self.w @ norm.pdf(gaps, 0.0, np.sqrt(variances)) @ self.w

    def mise(self, n, h):
        """J. S. Marron, M. P. Wand, Annals of Statistics 20 (1992), theorem 2.1."""
        square = 1 / (2 * math.sqrt(math.pi) * n * h)
        bias = (1 - 1 / n) * self._omega(2, h) - 2 * self._omega(1, h) + self._omega(0, h)
        return square + bias

    def best_bandwidth(self, n):
        found = optimize.minimize_scalar(
            lambda u: self.mise(n, math.exp(u)), bounds=(-7, 2), method="bounded"
        )
        return math.exp(found.x)


NORMAL = Mixture([1.0], [0.5], [2.0])
SEPARATED = Mixture([0.5, 0.5], [-4.0, 4.0], [1.0, 0.3])
GRID = np.linspace(-12, 12, 2401)


def ise(mixture, density):
    error = density.on_grid(GRID[0], GRID[-1], len(GRID)) - mixture.density(GRID)
    return integrate.simpson(error**2, x=GRID)


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov"])
@pytest.mark.parametrize("d", [1, 2, 3])
def test_docstring_formula(kernel, d):
    rng = np.random.default_rng(d)
    x, t, h = rng.normal(size=(30, d)), rng.normal(size=(7, d)), np.array([0.5, 0.9, 1.3])[:d]

    def bump(u):
        if kernel == "gaussian":
            return math.exp(-0.5 * u * u) / math.sqrt(2 * math.pi)
        return 0.75 * max(1 - u * u, 0.0)

    exact = [
        sum(math.prod(bump((a[k] - b[k]) / h[k]) / h[k] for k in range(d)) for b in x) / 30
        for a in t
    ]
    density = kernel_density(x, bandwidth=h, kernel=kernel)
    np.testing.assert_allclose(density(t), exact, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("rule", ["scott", "silverman"])
def test_scipy_agrees_on_the_line(rule):
    x, t = np.random.default_rng(1).normal(size=200), np.linspace(-3, 3, 50)
    ours, theirs = kernel_density(x, bandwidth=rule), gaussian_kde(x, rule)
    np.testing.assert_allclose(ours(t), theirs(t), rtol=1e-12)


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov"])
def test_scikit_learn_agrees(kernel):
    x, t = np.random.default_rng(2).normal(size=150), np.linspace(-3, 3, 50)
    theirs = SklearnDensity(bandwidth=0.4, kernel=kernel).fit(x[:, None])
    exact = np.exp(theirs.score_samples(t[:, None]))
    np.testing.assert_allclose(kernel_density(x, bandwidth=0.4, kernel=kernel)(t), exact, atol=1e-9)


@pytest.mark.parametrize("kernel", ["gaussian", "epanechnikov"])
def test_mass_is_one(kernel):
    rng, t = np.random.default_rng(3), np.linspace(-9, 9, 181)
    on_line = kernel_density(rng.normal(size=40), kernel=kernel)
    in_plane = kernel_density(rng.normal(size=(40, 2)), kernel=kernel)
    grid = np.stack(np.meshgrid(t, t), axis=-1).reshape(-1, 2)
    assert np.trapezoid(on_line(t), t) == pytest.approx(1.0, abs=3e-3)
    assert in_plane(grid).sum() * 0.01 == pytest.approx(1.0, abs=3e-3)


@pytest.mark.parametrize(("kernel", "error"), [("gaussian", 1e-4), ("epanechnikov", 1e-2)])
@pytest.mark.parametrize("h", [0.05, 0.4, 30.0])
@pytest.mark.parametrize(
    ("low", "high", "count"), [(-3.0, 3.0, 101), (0.2, 0.9, 2), (9.0, 12.0, 5)]
)
def test_grid_is_the_direct_sum_to_the_stated_error(kernel, error, h, low, high, count):
    """Also where the grid leaves out most points, or all, and for a single point."""
    for x in (np.random.default_rng(4).normal(size=300), np.array([0.31234])):
        density = kernel_density(x, bandwidth=h, kernel=kernel)
        exact = density(np.linspace(low, high, count))
        largest = density(np.linspace(-3, 3, 2001)).max()
        got = density.on_grid(low, high, count)
        np.testing.assert_allclose(got, exact, rtol=0, atol=error * largest)


@pytest.mark.parametrize(("n", "h"), [(50, 0.6), (400, 0.2), (400, 1.5)])
def test_mean_integrated_squared_error_is_the_exact_one(n, h):
    """Over 300 samples of a mixture, within 4 standard errors."""
    rng = np.random.default_rng(5)
    errors = [
        ise(SEPARATED, kernel_density(SEPARATED.draw(n, rng), bandwidth=h)) for _ in range(300)
    ]
    exact = SEPARATED.mise(n, h)
    assert abs(np.mean(errors) - exact) < 4 * np.std(errors) / math.sqrt(300)
    assert np.std(errors) / math.sqrt(300) < 0.05 * exact


@pytest.mark.parametrize(
    ("mixture", "rule"),
    [
        (NORMAL, "scott"),
        (NORMAL, "silverman"),
        (NORMAL, "improved_sheather_jones"),
        (SEPARATED, "improved_sheather_jones"),
    ],
    ids=["scott", "silverman", "isj", "isj-separated"],
)
def test_error_falls_as_n_to_the_minus_four_fifths(mixture, rule):
    """And is within a quarter of the least possible at the largest n."""
    rng, sizes, means = np.random.default_rng(6), [250, 1000, 4000, 16000], []
    for n in sizes:
        densities = (kernel_density(mixture.draw(n, rng), bandwidth=rule) for _ in range(40))
        means.append(np.mean([ise(mixture, density) for density in densities]))
    slope = np.polyfit(np.log(sizes), np.log(means), 1)[0]
    assert slope == pytest.approx(-0.8, abs=0.09)
    assert means[-1] < 1.25 * mixture.mise(sizes[-1], mixture.best_bandwidth(sizes[-1]))


def test_silverman_is_the_best_bandwidth_of_the_normal_law():
    """Asymptotically: the ratio to the exact optimum tends to 1 like n^(-2/5)."""
    ratios = []
    for n in (10**3, 10**4, 10**5):
        rule = 2.0 * (4 / (3 * n)) ** 0.2
        ratios.append(abs(NORMAL.best_bandwidth(n) / rule - 1))
    assert ratios[2] < 0.01
    assert np.polyfit(np.log([1e3, 1e4, 1e5]), np.log(ratios), 1)[0] == pytest.approx(-0.4, abs=0.1)
    x = np.random.default_rng(7).normal(size=(500, 3))
    np.testing.assert_allclose(
        silverman_bandwidth(x), x.std(axis=0, ddof=1) * (4 / (5 * 500)) ** (1 / 7), rtol=1e-14
    )
    np.testing.assert_allclose(
        scott_bandwidth(x), x.std(axis=0, ddof=1) * 500 ** (-1 / 7), rtol=1e-14
    )


def test_silverman_smears_separated_modes_and_the_others_do_not():
    x = SEPARATED.draw(2000, np.random.default_rng(8))
    best = SEPARATED.best_bandwidth(2000)
    assert silverman_bandwidth(x)[0] > 5 * best
    assert improved_sheather_jones_bandwidth(x)[0] == pytest.approx(best, rel=0.2)
    assert least_squares_bandwidth(x)[0] == pytest.approx(best, rel=0.35)


def test_sheather_jones_bandwidth_tends_to_the_best():
    """At 200,000 points it is within 3 % of the exact optimum, in any unit."""
    x = SEPARATED.draw(200_000, np.random.default_rng(9))
    h = improved_sheather_jones_bandwidth(x)[0]
    assert h == pytest.approx(SEPARATED.best_bandwidth(200_000), rel=0.03)
    assert improved_sheather_jones_bandwidth(1e3 * x + 7)[0] == pytest.approx(1e3 * h, rel=1e-6)


@pytest.mark.parametrize("d", [1, 2])
def test_least_squares_bandwidth_minimises_its_docstring_formula(d):
    """With the integral of the squared estimate by quadrature, and leave-one-out sums."""
    x = np.random.default_rng(10).normal(size=(25, d)) * np.array([1.0, 3.0])[:d]
    n, deviations = len(x), x.std(axis=0, ddof=1)
    t = np.linspace(-5, 5, 101)
    axes = [t] if d == 1 else [t, 3 * t]
    grid = np.stack(np.meshgrid(*axes), axis=-1).reshape(-1, d)
    cell = math.prod(a[1] - a[0] for a in axes)

    def loss(h):
        square = (kernel_density(x, bandwidth=h)(grid) ** 2).sum() * cell
        left_out = [kernel_density(np.delete(x, i, 0), bandwidth=h)(x[i : i + 1]) for i in range(n)]
        return square - 2 * np.mean(left_out)

    h = least_squares_bandwidth(x)
    np.testing.assert_allclose(h / h[0], deviations / deviations[0], rtol=1e-12)
    best = min((loss(c * h), c) for c in (0.3, 0.6, 0.9, 0.98, 1.0, 1.02, 1.1, 1.5))
    assert best[1] == 1.0


def test_at_a_jump_the_estimate_is_half_of_the_density():
    """What the docstring warns of: the exponential law at 0, where the density is 1."""
    x = np.random.default_rng(11).exponential(size=50_000)
    assert kernel_density(x, bandwidth=0.05)([0.0])[0] == pytest.approx(0.48, abs=0.02)


ROUNDED = np.round(np.random.default_rng(12).normal(size=400), 1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernel_density([]), "x must hold at least 1 points, got 0"),
        (lambda: kernel_density([0.0, math.nan], bandwidth=1.0), "x must be finite"),
        (lambda: kernel_density([0.0, 1.0], bandwidth=0.0), "bandwidth must be positive, got 0"),
        (
            lambda: kernel_density([0.0, 1.0], bandwidth=[1.0, 2.0]),
            "bandwidth must have shape (1,)",
        ),
        (
            lambda: kernel_density([0.0, 1.0], bandwidth="best"),
            "one of scott, silverman, least_squ",
        ),
        (lambda: kernel_density([0.0, 1.0], kernel="box"), "kernel must be 'gaussian' or 'epan"),
        (lambda: kernel_density([1.0, 1.0]), "x must vary, got 1 in coordinate 0 of every point"),
        (
            lambda: kernel_density([0.0, 1.0])(np.ones((2, 3))),
            "x and points must have the same dim",
        ),
        (lambda: kernel_density(np.eye(3)).on_grid(0, 1, 5), "x must lie on the line, got 3 dim"),
        (
            lambda: kernel_density([0.0, 1.0]).on_grid(1, 1, 5),
            "low must be below high, got 1 and 1",
        ),
        (lambda: kernel_density([0.0, 1.0]).on_grid(0, 1, 1), "count must be at least 2"),
        (lambda: least_squares_bandwidth(ROUNDED), "equal or rounded points"),
        (lambda: improved_sheather_jones_bandwidth(np.eye(3)), "x must lie on the line"),
        (lambda: improved_sheather_jones_bandwidth([0.0, 1.0]), "x must hold more points"),
        (lambda: scott_bandwidth([1.0]), "x must hold at least 2 points, got 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message.replace("(1,)", r"\(1,\)")):
        call()
