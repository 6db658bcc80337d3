"""The benchmark compares like with like: labcore and its peers give the same answers."""

import numpy as np
import pytest

from benchmarks import measure
from benchmarks.measure import compare
from benchmarks.workloads import WORKLOADS, euler_maruyama, metropolis, normals

SMALL = {
    "normals": {"n": 20_000},
    "gaussian_gram": {"n": 50},
    "matern_gram": {"n": 50},
    "gaussian_process": {"n": 60, "m": 20},
    "metropolis": {"n_samples": 500},
    "euler_maruyama": {"n_paths": 4000, "n_steps": 100},
    "mixture_velocity": {"n": 100},
}
RANDOM = (normals, metropolis, euler_maruyama)


@pytest.mark.parametrize("workload", [w for w in WORKLOADS if w not in RANDOM])
def test_peers_give_the_same_numbers(workload):
    ours, *peers = [way() for way in workload(**SMALL[workload.__name__]).values()]
    for peer in peers:
        np.testing.assert_allclose(peer, ours, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("workload", RANDOM)
def test_peers_draw_from_the_same_law(workload):
    """Mean and variance agree: a wrong diffusion or step size by a tenth would be seen."""
    ours, peer = [way() for way in workload(**SMALL[workload.__name__]).values()]
    assert abs(ours.mean() - peer.mean()) < 0.06
    assert ours.var() == pytest.approx(peer.var(), rel=0.08)


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
