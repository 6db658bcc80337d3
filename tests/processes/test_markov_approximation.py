"""Sums of Ornstein-Uhlenbeck processes come as near to fractional Brownian motion as they say."""

import math

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.linalg import expm
from scipy.optimize import minimize

from labcore.processes import (
    fractional_covariance,
    markov_approximation,
)

CASES = [
    pytest.param(hurst, kind, id=f"{hurst}-{kind}")
    for hurst in (0.2, 0.5, 0.75)
    for kind in ("I", "II")
]


def variance_of_the_error(approximation, t):
    """E (B^_t - B_t)^2 by Ito's isometry: the integral of a squared kernel, by quadrature."""
    a, gamma, omega = approximation.hurst + 0.5, approximation.speeds, approximation.weights
    scale = 1 / math.gamma(a)
    if approximation.kind == "I":
        h = approximation.hurst
        scale *= math.sqrt(math.gamma(2 * h + 1) * math.sin(math.pi * h))

    def present(v):  # u = e^v, time before t: the singular power becomes smooth
        u = math.exp(v)
        return (scale * u ** (a - 1) - omega @ np.exp(-gamma * u)) ** 2 * u

    def past(v):
        u = math.exp(v)  # time before 0
        power = scale * ((t + u) ** (a - 1) - u ** (a - 1))
        return (power - omega @ (np.exp(-gamma * (t + u)) - np.exp(-gamma * u))) ** 2 * u

    total = quad(present, -120, math.log(t), limit=800, epsabs=1e-12)[0]
    if approximation.kind == "I":
        total += quad(past, -120, 120, limit=800, epsabs=1e-12)[0]
    return total


@pytest.mark.parametrize(("hurst", "kind"), CASES)
def test_the_stated_error_is_the_integrated_mean_square(hurst, kind):
    t_end = 2.0
    approximation = markov_approximation(
        hurst, 3, t_end, kind=kind, speeds=np.array([0.3, 3.0, 40.0])
    )
    nodes, weights = np.polynomial.legendre.leggauss(16)
    t = t_end * (0.5 * (nodes + 1)) ** 2  # the error is steep at 0
    jacobian = t_end * 0.5 * (nodes + 1)
    mean_square = np.array([variance_of_the_error(approximation, s) for s in t])
    unit = 1.0 if kind == "I" else 1 / (2 * hurst * math.gamma(hurst + 0.5) ** 2)
    total = unit * t_end ** (2 * hurst + 1) / (2 * hurst + 1)
    error = weights @ (jacobian * mean_square) / total
    assert error == pytest.approx(approximation.relative_error, rel=2e-3)


@pytest.mark.parametrize(("hurst", "kind"), CASES)
def test_no_other_weights_are_better(hurst, kind):
    """The error at t = T as a function of the weights is a parabola; the integral's least is ours:
    moving any weight up or down raises the integrated error."""
    speeds = np.array([0.5, 5.0])
    best = markov_approximation(hurst, 2, kind=kind, speeds=speeds)

    def error(weights):
        import dataclasses

        moved = dataclasses.replace(best, weights=np.asarray(weights))
        nodes, quadrature = np.polynomial.legendre.leggauss(6)
        t = (0.5 * (nodes + 1)) ** 2
        values = [variance_of_the_error(moved, s) for s in t]
        return quadrature @ (0.5 * (nodes + 1) * values)

    found = minimize(error, best.weights, method="Nelder-Mead", options={"maxiter": 30})
    assert error(best.weights) < found.fun * 1.001


@pytest.mark.parametrize(("hurst", "published"), [(0.1, 0.111), (0.3, 8.9e-4), (0.7, 1.3e-5)])
def test_errors_of_five_processes_on_a_given_grid(hurst, published):
    speeds = np.geomspace(0.1, 1000.0, 5)
    fixed = markov_approximation(hurst, 5, kind="II", speeds=speeds)
    assert fixed.relative_error == pytest.approx(published, rel=0.02)
    assert markov_approximation(hurst, 5, kind="II").relative_error < 0.8 * fixed.relative_error


@pytest.mark.parametrize("kind", ["I", "II"])
@pytest.mark.parametrize("hurst", [0.3, 0.7])
def test_the_error_falls_faster_than_every_power(hurst, kind):
    """Its slope against log K grows with K: from 1 to 3 to 9 processes."""
    errors = [markov_approximation(hurst, k, kind=kind).relative_error for k in (1, 3, 9)]
    first, second = np.log(np.divide(errors[:-1], errors[1:])) / np.log(3.0)
    assert first > 1.8
    assert second > 1.2 * first


@pytest.mark.parametrize("kind", ["I", "II"])
def test_brownian_motion_is_one_process_that_forgets_nothing(kind):
    assert markov_approximation(0.5, 1, kind=kind).relative_error < 1e-8


@pytest.mark.parametrize("kind", ["I", "II"])
def test_the_error_does_not_depend_on_the_unit_of_time(kind):
    one, other = (markov_approximation(0.3, 4, t, kind=kind) for t in (1.0, 50.0))
    assert one.relative_error == pytest.approx(other.relative_error, rel=1e-9)
    np.testing.assert_allclose(other.speeds * 50.0, one.speeds)


@pytest.mark.parametrize(("hurst", "kind"), CASES)
def test_draws_have_the_covariance_that_is_approximated(hurst, kind):
    """10,000 draws of six processes: within 4.5 standard errors and the bias, which is stated as
    an integral: at most some per cent of the variance at the times of this test."""
    n, t = 10_000, np.array([0.0, 0.5, 1.0, 2.0])
    process = markov_approximation(hurst, 6, 2.0, kind=kind).process
    x = process.sample(t, n, rng=1) @ process.measurement
    np.testing.assert_allclose(x[:, 0], 0.0, atol=1e-6)
    variance = 1.0 if kind == "I" else 1 / (2 * hurst * math.gamma(hurst + 0.5) ** 2)
    expected = variance * t ** (2 * hurst)
    error = 4.5 * expected * np.sqrt(2 / n) + 0.02 * variance
    assert (np.abs((x**2).mean(axis=0) - expected) < error + 1e-9).all()
    if kind == "I":
        products = x.T @ x / n
        assert np.abs(products - fractional_covariance(hurst, t[:, None], t)).max() < 0.15


def test_the_state_follows_the_linear_equation_that_it_states():
    """Transitions against the exponential of a matrix (Van Loan); the law of the state of kind I
    changes, since its first value is kept."""
    process = markov_approximation(0.3, 3).process
    assert not process.is_stationary
    d, h = process.dimension, 0.01
    block = np.zeros((2 * d, 2 * d))
    block[:d, :d], block[d:, d:] = process.drift, -process.drift.T
    block[:d, d:] = process.diffusion @ process.diffusion.T
    exponential = expm(block * h)
    matrix, noise = process.transition(h)
    np.testing.assert_allclose(matrix[0], exponential[:d, :d], atol=1e-12)
    np.testing.assert_allclose(noise[0], exponential[:d, d:] @ exponential[:d, :d].T, atol=1e-9)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: markov_approximation(1.5, 3), ValueError, "hurst must be between 0 and 1"),
        (lambda: markov_approximation(0.5, 0), ValueError, "n_processes must be at least 1"),
        (lambda: markov_approximation(0.5, 3, 0.0), ValueError, "t_end must be positive"),
        (lambda: markov_approximation(0.5, 3, kind="III"), ValueError, "kind must be one of"),
        (
            lambda: markov_approximation(0.5, 2, speeds=[1.0]),
            ValueError,
            "speeds must be 2 different positive numbers",
        ),
        (lambda: markov_approximation(0.5, 2, speeds=[1.0, 1.0]), ValueError, "2 different pos"),
        (lambda: markov_approximation(0.5, 2, speeds=[1.0, -1.0]), ValueError, "2 different pos"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
