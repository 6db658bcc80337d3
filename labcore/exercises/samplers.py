"""The exercises of the part Sampling: chapter 3, Markov kernels and sampling."""

import numpy as np

from labcore.exercises import Exercise
from labcore.samplers import spectrum

_TWO_STATES = np.array([[0.9, 0.1], [0.3, 0.7]])
_STEPS = 1000


def _effective(forgotten: float) -> float:
    """Effective draws among `_STEPS` of a chain with autocorrelation `forgotten` to the lag."""
    return _STEPS * (1 - forgotten) / (1 + forgotten)


def _second_eigenvalue() -> float:
    return float(spectrum(_TWO_STATES).values[1])


def _log_ratio(log_density, x, y):
    """Of the proposal y = x exp(sigma z), whose density at y, from x, is proportional to 1 / y."""
    return log_density(y) - log_density(x) + np.log(y) - np.log(x)


def _gamma_pairs(generator: np.random.Generator) -> list[tuple]:
    """Log-densities of two gamma laws and of a half-normal, with pairs of positive points."""
    densities = [
        lambda x: -x,
        lambda x: 2.0 * np.log(x) - 3.0 * x,
        lambda x: -0.5 * x**2,
    ]
    return [(f, *generator.uniform(0.2, 4.0, 2)) for f in densities]


def _langevin_variance(deviation: float, step_size: float) -> float:
    """v of the chain x -> (1 - a) x + e z, a = e^2 / (2 s^2): v = (1 - a)^2 v + e^2."""
    a = step_size**2 / (2 * deviation**2)
    return step_size**2 / (1 - (1 - a) ** 2)


EXERCISES = [
    Exercise(
        key="samplers-1",
        answer=_effective(_second_eigenvalue()),
        mistakes=[
            (
                _STEPS * (1 - _second_eigenvalue()),
                "You summed the correlations of one draw with those after it. It is correlated "
                "with those before it as well.",
            ),
            (
                _effective(-_second_eigenvalue()),
                "That is more than 1000. This chain likes to stay: is its second eigenvalue "
                "positive or negative?",
            ),
            (
                _effective(_TWO_STATES[0, 0]),
                "You took a probability of staying, 0.9, for the second eigenvalue. The trace of "
                "P is 1 plus that eigenvalue.",
            ),
            (
                _effective(_TWO_STATES[1, 1]),
                "You took a probability of staying, 0.7, for the second eigenvalue. The trace of "
                "P is 1 plus that eigenvalue.",
            ),
        ],
    ),
    Exercise(
        key="samplers-2",
        answer=_log_ratio,
        inputs=_gamma_pairs,
        mistakes=[
            (
                lambda log_density, x, y: log_density(y) - log_density(x),
                "That is the ratio for a symmetric proposal. This one proposes from 1 to 2 with "
                "another density than from 2 to 1.",
            ),
            (
                lambda log_density, x, y: log_density(y) - log_density(x) + np.log(x / y),
                "The correction is upside down: q(y, x) belongs in the numerator.",
            ),
            (
                lambda log_density, x, y: np.exp(_log_ratio(log_density, x, y)),
                "That is the ratio itself. Its logarithm is asked for.",
            ),
            (
                lambda log_density, x, y: min(0.0, _log_ratio(log_density, x, y)),
                "You cut the ratio at 1. That is the acceptance probability; the ratio may exceed "
                "1.",
            ),
        ],
    ),
    Exercise(
        key="samplers-3",
        answer=_langevin_variance(2.0, 1.5),
        mistakes=[
            (
                4.0,
                "That is the target's variance. Without the accept-reject step the chain has "
                "another.",
            ),
            (
                4.0 * _langevin_variance(1.0, 1.5),
                "You used the formula for standard deviation 1. The step counts in units of the "
                "deviation: replace it by step / 2.",
            ),
            (
                np.sqrt(_langevin_variance(2.0, 1.5)),
                "That is the standard deviation.",
            ),
            (
                _langevin_variance(4.0, 1.5) / 4.0,
                "You divided the step by the variance. It is measured in standard deviations.",
            ),
        ],
    ),
    Exercise(
        key="samplers-4",
        answer="ab",
        options=4,
        mistakes=[
            (
                "c",
                "In (c) the choice looks at x: what flows from x to y through one kernel comes "
                "back through the other.",
            ),
            (
                "d",
                "In (d) states that are hard to leave lose the time for which they repeat: the "
                "chain has the law proportional to pi times the probability of acceptance.",
            ),
        ],
    ),
]
