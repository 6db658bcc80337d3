"""Hawkes processes."""

import math

import numpy as np

from benchmarks.workload import Cost, Ways, peer, workload
from labcore.processes import Hawkes


def _as_many_within_five_standard_errors(ours, theirs):
    """The count of a process with branching 1/3 has 9/4 times the variance of a Poisson one."""
    assert abs(ours - theirs) < 5.0 * math.sqrt(2.0 * 2.25 * ours)


@workload(
    small={"n": 2000},
    agree=_as_many_within_five_standard_errors,
    aim=2.0,
    cost=lambda n: Cost(exps=4 * n, bytes=16 * n),
)
def hawkes_simulation(n: int = 1_000_000) -> Ways:
    """Simulate about a million events of a Hawkes process with an exponential kernel."""
    process = Hawkes([1.0], [[1.0 / 3.0]], 1.5)
    end = n / 1.5
    ways: Ways = {"labcore": lambda: np.array(float(len(process.simulate(end, rng=1).times)))}
    if hawkes := peer("tick.hawkes"):

        def tick():
            simulation = hawkes.SimuHawkesExpKernels(
                adjacency=process.adjacency,
                decays=process.decay,
                baseline=process.baseline,
                end_time=end,
                verbose=False,
                seed=1,
            )
            simulation.simulate()
            return np.array(float(len(simulation.timestamps[0])))

        ways["tick"] = tick
    return ways


@workload(small={"n": 2000}, cost=lambda n: Cost(exps=2 * n, bytes=16 * n))
def hawkes_log_likelihood(n: int = 1_000_000) -> Ways:
    """The log-likelihood of a Hawkes process, a million events."""
    process = Hawkes([1.0], [[1.0 / 3.0]], 1.5)
    events = process.simulate(n / 1.5, rng=1)

    def event_by_event():
        gaps = np.exp(-process.decay * np.diff(events.times))
        excitation, excitations = 0.0, [0.0]
        for gap in gaps.tolist():
            excitation = gap * (1.0 + excitation)
            excitations.append(excitation)
        rates = 1.0 + 0.5 * np.array(excitations)
        rest = np.exp(-process.decay * (events.end - events.times))
        return np.log(rates).sum() - events.end - (len(rest) - rest.sum()) / 3.0

    return {
        "labcore": lambda: np.array(process.log_likelihood(events)),
        "Python, the recursion in a loop": event_by_event,
    }


WORKLOADS = (hawkes_simulation, hawkes_log_likelihood)
