"""Time several ways of doing the same, in turn, so that a noisy machine is noisy for all of them.

What is measured is processor time of the whole process (all threads), which a loaded machine
disturbs less than wall time; ratios are taken pair by pair and their median is quoted.
"""

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np


class Timing(NamedTuple):
    """Milliseconds of each way, and how many times labcore's each peer's takes (per worth)."""

    milliseconds: dict[str, float]
    ratios: dict[str, float]


def compare(
    ways: dict[str, Callable[[], np.ndarray]],
    *,
    rounds: int = 7,
    worth: Callable[[np.ndarray], float] | None = None,
) -> Timing:
    """Time the `ways` in turn, `rounds` times after a warm-up. The first is labcore's.

    Raises
    ------
    AssertionError
        If a way's result is not of the same shape as labcore's: it does something else.
    """
    names = list(ways)
    shapes = {name: np.shape(way()) for name, way in ways.items()}  # also the warm-up
    assert len(set(shapes.values())) == 1, f"different results: {shapes}"
    seconds: dict[str, list[float]] = {name: [] for name in names}
    prices: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        for name, way in ways.items():
            start = time.process_time()
            result = way()
            seconds[name].append(time.process_time() - start)
            prices[name].append(seconds[name][-1] / (worth(result) if worth else 1.0))
    own = prices[names[0]]
    return Timing(
        {name: 1e3 * statistics.median(values) for name, values in seconds.items()},
        {
            name: statistics.median(peer / ours for peer, ours in zip(values, own, strict=True))
            for name, values in prices.items()
        },
    )
