"""The exercises of the part Flows: chapter 5, From noise to data."""

import numpy as np

from labcore.exercises import Exercise
from labcore.interpolants import between, linear, mixture


def _velocity(t, x, m, variance):
    """The velocity from N(0, 1) to N(m, variance) on the linear schedule."""
    return between(mixture([0.0]), mixture([m], variance), linear()).velocity(t, [x])[0, 0]


def _spread(t, variance):
    return (1 - t) ** 2 + t**2 * variance


def _velocity_inputs(generator: np.random.Generator) -> list[tuple]:
    return [
        (t, x, 1.0 + m, 0.2 + variance) for t, x, m, variance in generator.uniform(0.1, 0.9, (6, 4))
    ]


def _score(t, x, v):
    """From x = (1 - t) E[x0] + t E[x1] and v = E[x1] - E[x0] follows E[x0] = x - t v."""
    return -(x - t * v) / (1 - t)


def _score_inputs(generator: np.random.Generator) -> list[tuple]:
    return [tuple(row) for row in generator.uniform(0.1, 0.9, (6, 3)) * (1.0, 2.0, 4.0)]


VELOCITY_ERROR = 0.09
SCORE_ERROR = 0.01
_best = np.sqrt(VELOCITY_ERROR / SCORE_ERROR)
_bound = VELOCITY_ERROR / (2 * _best) + SCORE_ERROR * _best / 2

EXERCISES = [
    Exercise(
        key="interpolants-1",
        answer=_velocity,
        expression="m + (t*variance - (1 - t))/((1 - t)^2 + t^2*variance)*(x - t*m)",
        inputs=_velocity_inputs,
        mistakes=[
            (
                lambda t, x, m, variance: m,
                "That is the mean of dx/dt over all pairs. Which pairs pass through x at time t?",
            ),
            (
                lambda t, x, m, variance: (m - x) / (1 - t),
                "That aims every particle at the mean of the target: right only if variance = 0.",
            ),
            (
                lambda t, x, m, variance: (
                    m + 2 * (-(1 - t) + t * variance) / _spread(t, variance) * (x - t * m)
                ),
                "Twice too steep: Cov(dI/dt, I) is half the rate of the variance.",
            ),
            (
                lambda t, x, m, variance: m + (-(1 - t) + t * variance) / _spread(t, variance) * x,
                "The slope multiplies the distance from the mean at time t, which is t m.",
            ),
            (
                lambda t, x, m, variance: (
                    m + ((1 - t) + t * variance) / _spread(t, variance) * (x - t * m)
                ),
                "The rate of alpha is -1: the spread of the source shrinks.",
            ),
        ],
    ),
    Exercise(
        key="interpolants-2",
        answer=_score,
        expression="(t*v - x)/(1 - t)",
        inputs=_score_inputs,
        mistakes=[
            (
                lambda t, x, v: (x - t * v) / (1 - t),
                "The sign: the score points up the density, away from the noise that was added.",
            ),
            (
                lambda t, x, v: -(x - t * v),
                "That is -E[x0]. The noise enters as (1 - t) x0: divide by that factor once.",
            ),
            (
                lambda t, x, v: -(x - t * v) / (1 - t) ** 2,
                "Divided once too often: E[x0] = x - t v is free of 1/(1 - t) already.",
            ),
            (
                lambda t, x, v: -(x + (1 - t) * v) / (1 - t),
                "x + (1 - t) v is E[x1], the data. The score needs the noise, E[x0].",
            ),
        ],
    ),
    Exercise(
        key="interpolants-3",
        answer=[_best, _bound],
        mistakes=[
            (
                [VELOCITY_ERROR / SCORE_ERROR, _bound],
                "Set the derivative to zero: epsilon squared is the ratio of the errors.",
            ),
            (
                [1 / _best, _bound],
                "Upside down: a worse velocity asks for more diffusion, a worse score for less.",
            ),
            (
                [_best, 2 * _bound],
                "The diffusion is right, but both terms of the bound carry a factor 1/2.",
            ),
        ],
    ),
]
