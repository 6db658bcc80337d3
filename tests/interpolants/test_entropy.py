r"""What errors of velocity and score cost, in relative entropy: a bound for the SDE, none for the
ODE.

By Girsanov's theorem, for :math:`\Delta = \hat v - v + \epsilon (\hat s - s)`,

.. math:: KL(\rho_1 \| \hat\rho_1) \le \frac{1}{4\epsilon} \int_0^1 \E_{\rho_t}\abs{\Delta}^2 \dd t

(M. S. Albergo, N. M. Boffi, E. Vanden-Eijnden, arXiv:2303.08797, theorem 2.23).
"""

import numpy as np
import pytest
from scipy.linalg import solve_banded

from labcore.interpolants import between, linear, log_likelihood, mixture, trigonometric

from .instances import LINE_SOURCE, LINE_TARGET

EPSILON = 0.5


def law_of_the_sde(drift, start, x, steps=300):
    """The density at t = 1 of dX = drift dt + sqrt(2 epsilon) dW on the cells around x: finite
    volumes with no flux through the ends, and the trapezoidal rule in time."""
    width = x[1] - x[0]
    faces, density = 0.5 * (x[1:] + x[:-1]), start.copy()
    for step in range(steps):
        b = drift((step + 0.5) / steps, faces)
        right, left = (0.5 * b + EPSILON / width) / width, (0.5 * b - EPSILON / width) / width
        bands = np.zeros((3, len(x)))  # the generator: rates of the density
        bands[1, :-1] -= right
        bands[2, :-1] = right
        bands[1, 1:] += left
        bands[0, 1:] = -left
        half = 0.5 / steps * bands
        explicit = (1 + half[1]) * density
        explicit[1:] += half[2, :-1] * density[:-1]
        explicit[:-1] += half[0, 1:] * density[1:]
        half *= -1
        half[1] += 1.0
        density = solve_banded((1, 1), half, explicit)
    return density


def relative_entropy(log_p, log_q, x):
    return np.trapezoid(np.exp(log_p) * (log_p - log_q), x)


def entropy_and_bound(path, error, x):
    """Of the SDE whose drift is wrong by `error`."""

    def drift(t, y):
        return (path.velocity(t, y) + EPSILON * path.score(t, y))[:, 0] + error(t, y)

    density = law_of_the_sde(drift, np.exp(path.source.log_density(x)), x)
    seen = density > 1e-30  # elsewhere the target has no mass to speak of either
    log_p = path.target.log_density(x)
    assert np.exp(log_p[~seen]).sum() < 1e-12
    entropy = relative_entropy(log_p[seen], np.log(density[seen]), x[seen])
    nodes, weights = np.polynomial.legendre.leggauss(12)
    squares = [
        np.trapezoid(np.exp(path.log_density(t, x)) * error(t, x) ** 2, x)
        for t in 0.5 + 0.5 * nodes
    ]
    return entropy, 0.5 * weights @ squares / (4 * EPSILON)


ERRORS = {
    "velocity, constant": lambda t, x: 0.3 + 0.0 * x,
    "velocity, waves": lambda t, x: 0.5 * np.sin(2 * x),
    "velocity, at the end": lambda t, x: 0.5 * t**2 * np.cos(x),
    "score, too flat": lambda t, x: EPSILON * 0.2 * x,
    "both": lambda t, x: 0.3 * np.cos(3 * x) - EPSILON * 0.2 * np.tanh(x),
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_the_error_of_the_drift_bounds_the_entropy_of_the_sde(error):
    path, x = between(LINE_SOURCE, LINE_TARGET, linear(noise=1.0)), np.linspace(-9, 9, 1201)
    entropy, bound = entropy_and_bound(path, error, x)
    assert 0.02 * bound < entropy < bound


def test_without_error_the_entropy_is_that_of_the_grid():
    path, x = between(LINE_SOURCE, LINE_TARGET, linear(noise=1.0)), np.linspace(-9, 9, 1201)
    entropy, bound = entropy_and_bound(path, lambda t, y: 0.0 * y, x)
    assert bound == 0.0
    assert abs(entropy) < 2e-4


def test_the_entropy_of_two_gaussians_in_closed_form():
    """From N(0, 1) to itself v = 0 and s = -x: a constant error d moves the mean by
    d (1 - e^-epsilon)/epsilon, and KL is half the square of that; the bound is d^2 / 4 epsilon."""
    path, x = between(mixture([0.0]), mixture([0.0]), trigonometric()), np.linspace(-8, 8, 1001)
    entropy, bound = entropy_and_bound(path, ERRORS["velocity, constant"], x)
    shift = 0.3 * -np.expm1(-EPSILON) / EPSILON
    assert entropy == pytest.approx(0.5 * shift**2, rel=1e-3)
    assert bound == pytest.approx(0.3**2 / (4 * EPSILON), rel=1e-10)


@pytest.mark.parametrize("waves", [10.0, 20.0, 40.0])
def test_the_ode_has_no_such_bound(waves):
    """From N(0, 1) to itself the velocity is 0; an error d sin(k x) gathers the particles around
    the zeros of the sine, with KL = d k + 2 log((1 + e^-dk)/2) for k to infinity, while the mean
    square of the error stays below d^2. The SDE with the same error obeys its bound."""
    path, size = between(mixture([0.0]), mixture([0.0]), trigonometric()), 0.5
    x = np.linspace(-8, 8, 4001)

    def wrong(t, y):
        return size * np.sin(waves * np.asarray(y))

    def slope(t, y):
        return size * waves * np.cos(waves * y[:, 0])

    log_q = log_likelihood(wrong, slope, path.source.log_density, x, steps=200)
    gathered = relative_entropy(path.target.log_density(x), log_q, x)
    expected = size * waves + 2 * np.log((1 + np.exp(-size * waves)) / 2)
    assert gathered == pytest.approx(expected, rel=0.01)
    entropy, bound = entropy_and_bound(path, wrong, x)
    assert bound < size**2 / (4 * EPSILON)
    assert entropy < bound < 0.1 * gathered
