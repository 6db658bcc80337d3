"""The exercises of the part Foundations: chapter 1, What is a kernel?"""

import numpy as np

from labcore.exercises import Exercise

# A test of the states healthy and sick: the rows are the laws of its result, negative or positive.
_PRIOR = np.array([0.99, 0.01])
_TEST = np.array([[0.90, 0.10], [0.05, 0.95]])


def _sick(prior: np.ndarray, positives: int) -> float:
    """Probability of being sick after some positive tests, by Bayes' rule on the joint law."""
    joint = prior * _TEST[:, 1] ** positives
    return float(joint[1] / joint.sum())


def _stationary(K: np.ndarray) -> np.ndarray:
    """Stationary distribution of the walk with steps in proportion to the rows of a symmetric K."""
    return K.sum(axis=1) / K.sum()


def _perron(K: np.ndarray) -> np.ndarray:
    """The leading eigenvector of K itself, scaled to sum 1."""
    vector = np.abs(np.linalg.eigh(K)[1][:, -1])
    return vector / vector.sum()


def _symmetric_arrays(generator: np.random.Generator) -> list[tuple]:
    halves = [generator.uniform(0.1, 1.0, (n, n)) for n in (2, 3, 7)]
    return [(half + half.T,) for half in halves]


_ENTRIES = 20_000**2
_BANDWIDTH = 40e9  # bytes a second

EXERCISES = [
    Exercise(
        key="foundations-1",
        answer=np.hypot(0.3, 0.4),
        mistakes=[
            (0.7, "You added the lengthscales. Which property of independent steps adds up?"),
            (0.3**2 + 0.4**2, "That is the variance. The lengthscale is its square root."),
            (0.35, "You took the mean, but a second blur cannot make the picture sharper."),
            (0.12, "You multiplied. Composition multiplies kernels as matrices; variances add."),
            (
                1 / np.hypot(1 / 0.3, 1 / 0.4),
                "You multiplied the two Gaussians point by point, which narrows them. Convolve.",
            ),
        ],
    ),
    Exercise(
        key="foundations-2",
        answer=_stationary,
        mistakes=[
            (
                lambda K: np.full(len(K), 1 / len(K)),
                "It is uniform. That holds only if all rows of K have the same sum.",
            ),
            (lambda K: K.sum(axis=1), "These are the row sums. Probabilities must sum to 1."),
            (
                lambda K: np.diagonal(K) / np.trace(K),
                "That is the share of the diagonal: the chance to stay, not to be found.",
            ),
            (_perron, "That is an eigenvector of K. The walk is P = K / row sums."),
            (
                lambda K: (1 / K.sum(axis=1)) / (1 / K.sum(axis=1)).sum(),
                "It is upside down: a state with a large row sum is reached often.",
            ),
        ],
        inputs=_symmetric_arrays,
    ),
    Exercise(
        key="foundations-3",
        answer=_sick(_PRIOR, 2),
        mistakes=[
            (
                _sick(_PRIOR, 1),
                "That is after one positive test. Use it as the prior of the second.",
            ),
            (0.95**2, "That is the chance of two positives given the disease: P, not its inverse."),
            (0.95, "That is an entry of P. Its Bayesian inverse needs the prior as well."),
            (
                _sick(np.array([0.5, 0.5]), 2),
                "You started from equal chances. The prior is 1 in 100.",
            ),
            (
                1 - (1 - _sick(_PRIOR, 1)) ** 2,
                "You combined two posteriors as if they were independent events. Update twice.",
            ),
        ],
    ),
    Exercise(
        key="foundations-4",
        answer=1e3 * 8 * _ENTRIES / _BANDWIDTH,
        mistakes=[
            (8 * _ENTRIES / _BANDWIDTH, "That is in seconds."),
            (1e3 * _ENTRIES / _BANDWIDTH, "You counted one byte an entry. A double has 8."),
            (
                1e3 * 4 * _ENTRIES / _BANDWIDTH,
                "Half: 4-byte numbers, or half of the array? All entries are written, of 8 bytes.",
            ),
            (1e3 * 16 * _ENTRIES / _BANDWIDTH, "You read each entry as well. Only write it."),
            (1e3 * 8 * 20_000 / _BANDWIDTH, "That is one row. There are 20,000."),
        ],
    ),
]
