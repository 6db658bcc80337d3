"""The exercises of the part Processes: chapter 4, Noise in continuous time."""

import numpy as np

from labcore.exercises import Exercise
from labcore.sde import ornstein_uhlenbeck


def _moments(t, x0, theta, m, sigma):
    """Mean and variance of the Ornstein-Uhlenbeck process at time t."""
    model = ornstein_uhlenbeck(theta, m, sigma)
    return model.mean(t, x0), model.variance(t, x0)


def _moment_inputs(generator: np.random.Generator) -> list[tuple]:
    return [
        (t, x0, theta, m, sigma) for t, x0, theta, m, sigma in generator.uniform(0.3, 2.0, (6, 5))
    ]


def _euler_variance(theta, sigma, h):
    """Stationary variance of x + -theta x h + sigma dW, from V = (1 - theta h)^2 V + sigma^2 h."""
    return sigma**2 * h / (1 - (1 - theta * h) ** 2)


def _variance_inputs(generator: np.random.Generator) -> list[tuple]:
    rows = generator.uniform(0.3, 1.6, (6, 3))
    return [(theta, sigma, share / theta) for theta, sigma, share in rows]


EXERCISES = [
    Exercise(
        key="processes-1",
        answer=3.0 + 4.0 - 2 * 2 * min(3, 1),
        mistakes=[
            (7.0, "You added the variances, but the first second of noise is in both values."),
            (-1.0, "A variance is not negative: that of -2 W_1 is (-2)^2."),
            (
                5.0,
                "The cross term is 2 Cov(W_3, -2 W_1): the covariance enters twice.",
            ),
            (1.0, "Var(2 W_1) is not 2 Var(W_1): constants come out squared."),
            (2.0, "That is the variance of W_3 - W_1."),
        ],
    ),
    Exercise(
        key="processes-2",
        answer=_moments,
        expression="m + (x0 - m)*exp(-theta*t), sigma^2*(1 - exp(-2*theta*t))/(2*theta)",
        inputs=_moment_inputs,
        mistakes=[
            (
                lambda t, x0, theta, m, sigma: (
                    x0 * np.exp(-theta * t),
                    _moments(t, x0, theta, m, sigma)[1],
                ),
                "The mean goes to m, not to 0: it is the deviation x0 - m that decays.",
            ),
            (
                lambda t, x0, theta, m, sigma: (
                    _moments(t, x0, theta, m, sigma)[0],
                    sigma**2 / (2 * theta) * (1 - np.exp(-theta * t)),
                ),
                "The variance forgets twice as fast as the mean: what decays is squared.",
            ),
            (
                lambda t, x0, theta, m, sigma: (
                    _moments(t, x0, theta, m, sigma)[0],
                    2 * _moments(t, x0, theta, m, sigma)[1],
                ),
                "The variance is twice too large: integrate exp(-2 theta (t - s)) over s.",
            ),
            (
                lambda t, x0, theta, m, sigma: (
                    _moments(t, x0, theta, m, sigma)[0],
                    np.sqrt(_moments(t, x0, theta, m, sigma)[1]),
                ),
                "The second number is the standard deviation; the variance was asked for.",
            ),
            (
                lambda t, x0, theta, m, sigma: (x0, sigma**2 * t),
                "These are the moments without the pull.",
            ),
        ],
    ),
    Exercise(
        key="processes-3",
        answer=_euler_variance,
        expression="sigma^2*h/(1 - (1 - theta*h)^2)",
        inputs=_variance_inputs,
        mistakes=[
            (
                lambda theta, sigma, h: sigma**2 / (2 * theta),
                "That is the equation's. The method has its own.",
            ),
            (
                lambda theta, sigma, h: sigma**2 / (1 - (1 - theta * h) ** 2),
                "The noise of one step has variance sigma^2 h, not sigma^2.",
            ),
            (
                lambda theta, sigma, h: sigma**2 * h / (theta * h),
                "A variance is multiplied by the square of 1 - theta h, not by 1 - theta h.",
            ),
            (
                lambda theta, sigma, h: sigma**2 / (2 * theta + theta**2 * h),
                "The sign of the correction: a step overshoots, so the law is too wide.",
            ),
        ],
    ),
]
