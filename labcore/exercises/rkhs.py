"""Exercises of the part on kernels and Hilbert spaces."""

import math

import numpy as np

from labcore.exercises import Exercise
from labcore.kernels import Brownian, Gaussian, condition


def _norm_squared() -> float:
    coefficients = np.array([2.0, -1.0])
    return float(coefficients @ Brownian()([1.0, 2.0]) @ coefficients)


def _posterior_variance() -> float:
    posterior = condition(Gaussian(1.0), [0.0], [1.0], noise_variance=0.25)
    return float(posterior.covariance([1.0])[0, 0])


def _leave_one_out_errors(gram: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    inverse = np.linalg.inv(gram + penalty * np.eye(len(y)))
    return inverse @ y / np.diagonal(inverse)


def _residuals(gram: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    return y - gram @ np.linalg.solve(gram + penalty * np.eye(len(y)), y)


def _coefficients(gram: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    return np.linalg.solve(gram + penalty * np.eye(len(y)), y)


def _without_penalty(gram: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    return _leave_one_out_errors(gram, y, 0.0)


def _predictions(gram: np.ndarray, y: np.ndarray, penalty: float) -> np.ndarray:
    return y - _leave_one_out_errors(gram, y, penalty)


def _regression_problems(generator: np.random.Generator) -> list[tuple]:
    problems = []
    for n, penalty in ((1, 0.5), (4, 0.1), (7, 2.0)):
        factor = generator.normal(size=(n, n))
        gram = factor @ factor.T + 0.5 * np.eye(n)
        problems.append((gram, generator.normal(size=n), penalty))
    return problems


EXERCISES = [
    Exercise(
        "rkhs-1",
        _norm_squared(),
        mistakes=[
            (5.0, "That is the sum of squares of the coefficients: the Gram matrix is missing."),
            (math.sqrt(_norm_squared()), "That is the norm: the question is for its square."),
            (6.0, "The mixed terms 2 * (2)(-1) k(1, 2) are missing."),
            (10.0, "The mixed terms have the sign of the product of the coefficients, 2 * (-1)."),
            (4.0, "The mixed term occurs twice, as (i, j) and as (j, i)."),
        ],
    ),
    Exercise(
        "rkhs-2",
        _posterior_variance() + 0.25,
        mistakes=[
            (_posterior_variance(), "That is the variance of f(1): a measurement adds its noise."),
            (
                math.sqrt(_posterior_variance() + 0.25),
                "That is the standard deviation: the question is for the variance.",
            ),
            (
                1.25 - math.exp(-0.5) / 1.25,
                "k(0, 1) enters twice, once for each side of the quadratic form: square it.",
            ),
            (
                1.25 - math.exp(-1.0),
                "The old measurement has noise too: divide by k(0, 0) plus its variance.",
            ),
            (1.25, "That is the variance before the measurement at 0."),
        ],
    ),
    Exercise(
        "rkhs-3",
        _leave_one_out_errors,
        mistakes=[
            (_residuals, "These are the errors of the fit to all points, point i among them."),
            (_coefficients, "Divide the coefficients by the diagonal of the inverse."),
            (_without_penalty, "The penalty is missing."),
            (_predictions, "These are the predictions: subtract them from y."),
        ],
        inputs=_regression_problems,
    ),
    Exercise(
        "rkhs-4",
        "ac",
        options=4,
        mistakes=[
            (
                "b",
                "(b) has no second derivative at distance 0, as a constant has: its spectral "
                "density, were it positive, would have the variance 0.",
            ),
            ("d", "(d) is 0 on the diagonal: with k(x, x) = 0, the others must be 0 too."),
        ],
    ),
]
