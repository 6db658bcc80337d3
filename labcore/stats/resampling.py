r"""P-values from a statistic that is computed again under resampling."""

from typing import NamedTuple

import numpy as np

from labcore import random


class KernelTest(NamedTuple):
    """The result of a test: a large statistic speaks against the null hypothesis.

    Parameters
    ----------
    statistic : float
        The statistic of the data.
    p_value : float
        How probable one as large is under the null hypothesis: reject at level a if it is at most
        a.
    null : numpy.ndarray, shape (B,)
        The statistics of the resampled data.
    """

    statistic: float
    p_value: float
    null: np.ndarray


def p_values(observed: np.ndarray, null: np.ndarray, resolution: float) -> np.ndarray:
    r"""The p-value :math:`(1 + \#\{b : T_b \ge T\}) / (B + 1)` of each observed T.

    Statistics that differ by less than `resolution` are equal: rounding must not break a tie in
    favour of a rejection.
    """
    order = np.sort(null)
    below = np.searchsorted(order, observed - resolution)
    return (1.0 + len(order) - below) / (1.0 + len(order))


def permutations(n: int, count: int, rng) -> np.ndarray:
    """Uniform permutations of n elements, (count, n): the orders of independent random bits."""
    return np.argsort(random.bits((count, n), rng=rng), axis=1)
