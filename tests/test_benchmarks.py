"""The benchmark compares like with like: labcore and its peers give the same answers."""

import numpy as np
import pytest

from benchmarks import measure
from benchmarks.measure import compare
from benchmarks.workload import same_law
from benchmarks.workloads import WORKLOADS
from labcore import random


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_peers_give_the_same_answer(workload):
    ours, *peers = [way() for way in workload.ways(**workload.small).values()]
    for theirs in peers:
        workload.agree(ours, theirs)


def test_same_law_sees_a_step_size_that_is_off_by_a_tenth():
    draws = random.normal(20_000, rng=1)
    with pytest.raises(AssertionError):
        same_law()(draws, 1.1 * draws)


def test_a_way_that_does_something_else_is_refused():
    with pytest.raises(AssertionError, match="different results"):
        compare({"labcore": lambda: np.zeros(2), "peer": lambda: np.zeros(3)})


def test_the_ratio_is_the_median_of_ratios_pair_by_pair(monkeypatch):
    """A machine that slows down between two rounds changes the times and not the ratio."""
    durations = iter([1, 3, 10, 30, 2, 4])  # labcore, peer, labcore, peer, ...
    now, clock = 0.0, []
    for duration in durations:
        clock += [now, now + duration]
        now += duration
    monkeypatch.setattr(measure.time, "process_time", iter(clock).__next__)
    timing = compare({"labcore": lambda: 0, "peer": lambda: 0}, rounds=3)
    assert timing.milliseconds == {"labcore": 2000.0, "peer": 4000.0}
    assert timing.ratios == {"labcore": 1.0, "peer": 3.0}
