"""Hawkes processes: the likelihood as it is defined, residuals, moments, fits."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from labcore.processes import Events, Hawkes, fit_hawkes, merged_events

PROCESSES = {
    "one": Hawkes([0.7], [[0.6]], 1.3),
    "Poisson": Hawkes([0.7, 1.2], np.zeros((2, 2)), 1.0),
    "two": Hawkes([0.5, 0.8], [[0.1, 0.5], [0.3, 0.2]], 2.0),
    "a chain": Hawkes([1.0, 0.0, 0.0], [[0.2, 0, 0], [0.9, 0, 0], [0, 0.8, 0.1]], 0.5),
}
processes = pytest.mark.parametrize("process", PROCESSES.values(), ids=PROCESSES.keys())


def intensity(process, events, i, t):
    """As it is written in the docstring."""
    past = events.times < t
    weights = process.adjacency[i, events.components[past]]
    return process.baseline[i] + np.sum(
        weights * process.decay * np.exp(-process.decay * (t - events.times[past]))
    )


@processes
def test_intensities_and_likelihood_are_as_they_are_defined(process):
    d = len(process.baseline)
    events = process.simulate(20.0, rng=3)
    grid = np.sort(np.concatenate([np.linspace(0.0, 20.0, 41), events.times[:3]]))
    direct = [[intensity(process, events, i, t) for i in range(d)] for t in grid]
    np.testing.assert_allclose(process.intensity(events, grid), direct, rtol=1e-12, atol=1e-12)
    edges = [0.0, *events.times, 20.0]
    integrals = [
        sum(
            quad(lambda t, i=i: intensity(process, events, i, t), a, b)[0]
            for a, b in pairwise(edges)
        )
        for i in range(d)
    ]
    np.testing.assert_allclose(process.compensator(events, [20.0])[0], integrals, rtol=1e-7)
    marks = zip(events.components, events.times, strict=True)
    logs = sum(math.log(intensity(process, events, i, t)) for i, t in marks)
    assert process.log_likelihood(events) == pytest.approx(logs - sum(integrals), rel=1e-7)


@processes
def test_the_gradient_is_that_of_the_likelihood(process):
    d = len(process.baseline)
    events = process.simulate(900.0, rng=4)  # more than one block of events
    theta = np.concatenate([process.baseline, process.adjacency.ravel(), [process.decay]]) + 0.01

    def value(theta):
        there = Hawkes(theta[:d], theta[d:-1].reshape(d, d), theta[-1])
        return there.log_likelihood(events)

    there = Hawkes(theta[:d], theta[d:-1].reshape(d, d), theta[-1])
    numerical = [(value(theta + h) - value(theta - h)) / 2e-5 for h in 1e-5 * np.eye(len(theta))]
    np.testing.assert_allclose(
        there.log_likelihood_gradient(events), numerical, rtol=1e-5, atol=1e-4
    )


@processes
def test_residuals_are_exponential_and_those_of_another_process_are_not(process):
    """About 5000 events: a p-value above 0.01 has probability 0.99, and the power is near 1."""
    events = process.simulate(5000.0 / process.mean_intensity().sum(), rng=6)
    found = process.time_change_test(events)
    assert found.p_value > 0.01
    assert len(found.residuals) == len(events.times)
    other = Hawkes(1.3 * process.baseline, 0.7 * process.adjacency, process.decay)
    assert other.time_change_test(events).p_value < 0.01


@processes
def test_counts_have_the_stationary_mean_and_covariance(process):
    """4000 windows of length 5: five standard errors of means, and 15 percent of variances."""
    d, h, n = len(process.baseline), 5.0, 4000
    events = process.simulate(50.0 + n * h, rng=7)
    bins = 50.0 + h * np.arange(n + 1)
    counts = np.array(
        [np.histogram(events.times[events.components == i], bins)[0] for i in range(d)]
    )
    covariance, limit = process.count_covariance(h), process.count_covariance(n * h) / (n * h)
    error = 5.0 * np.sqrt(np.diag(limit) / (n * h))
    np.testing.assert_array_less(np.abs(counts.mean(axis=1) / h - process.mean_intensity()), error)
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert (np.abs(np.cov(counts) - covariance) < 0.15 * scale).all()


@processes
def test_the_variance_of_counts_grows_from_poisson_to_its_asymptote(process):
    rates = np.diag(process.mean_intensity())
    resolvent = np.linalg.inv(np.eye(len(rates)) - process.adjacency)
    np.testing.assert_allclose(process.count_covariance(1e-3) / 1e-3, rates, atol=0.01)
    asymptote = resolvent @ rates @ resolvent.T
    np.testing.assert_allclose(process.count_covariance(1e6) / 1e6, asymptote, atol=1e-4)


def test_no_excitation_gives_poisson_counts():
    process = Hawkes([2.0], [[0.0]], 1.0)
    counts = np.histogram(process.simulate(20_000.0, rng=8).times, np.arange(20_001))[0]
    assert counts.mean() == pytest.approx(2.0, abs=0.05)
    assert counts.var() == pytest.approx(2.0, abs=0.12)


def test_an_earlier_end_keeps_the_events_before_it():
    process = PROCESSES["two"]
    long, short = process.simulate(900.0, rng=2), process.simulate(300.0, rng=2)
    n = len(short.times)
    np.testing.assert_array_equal(long.times[:n], short.times)
    np.testing.assert_array_equal(long.components[:n], short.components)
    assert short.times[-1] <= 300.0 < long.times[n]


@pytest.mark.parametrize("decay", [None, 2.0], ids=["decay fitted", "decay known"])
def test_a_fit_is_a_maximum_and_finds_the_truth(decay):
    truth = PROCESSES["two"]
    events = truth.simulate(8000.0, rng=9)
    fitted = fit_hawkes(events, 2, decay=decay)
    np.testing.assert_allclose(fitted.baseline, truth.baseline, atol=0.06)
    np.testing.assert_allclose(fitted.adjacency, truth.adjacency, atol=0.06)
    assert fitted.decay == pytest.approx(2.0, rel=0.1)
    gradient = fitted.log_likelihood_gradient(events)[: 7 if decay is None else 6]
    assert np.abs(gradient).max() < 1e-4 * len(events.times)
    assert fitted.log_likelihood(events) > truth.log_likelihood(events)


def test_an_event_that_cannot_happen_has_likelihood_zero():
    process = Hawkes([1.0, 0.0], [[0.0, 0.0], [0.5, 0.0]], 1.0)
    assert process.log_likelihood(merged_events([[2.0], [1.0]], 3.0)) == -math.inf
    assert math.isfinite(process.log_likelihood(merged_events([[1.0], [2.0]], 3.0)))


def test_no_events_have_the_likelihood_of_silence():
    nothing = Events(np.empty(0), np.empty(0, int), 4.0)
    assert PROCESSES["two"].log_likelihood(nothing) == pytest.approx(-4.0 * 1.3)


ONE, EVENTS = PROCESSES["one"], merged_events([[1.0, 2.0]], 3.0)
UNSTABLE = Hawkes([1.0], [[1.0]], 1.0)
BAD = {
    "baseline": (lambda: Hawkes([-1.0], [[0.5]], 1.0), ValueError, "baseline must not be neg"),
    "no baseline": (lambda: Hawkes([0.0], [[0.5]], 1.0), ValueError, "nor all zero"),
    "shape": (lambda: Hawkes([1.0], [[0.5, 0.5]], 1.0), ValueError, r"a \(1, 1\) matrix"),
    "inhibition": (lambda: Hawkes([1.0], [[-0.5]], 1.0), ValueError, "without negative"),
    "decay": (lambda: Hawkes([1.0], [[0.5]], 0.0), ValueError, "decay must be positive"),
    "unstable": (lambda: UNSTABLE.simulate(1.0), ValueError, "spectral radius below 1, got 1"),
    "unstable mean": (lambda: UNSTABLE.mean_intensity(), ValueError, "spectral radius below 1"),
    "end": (lambda: ONE.simulate(-1.0), ValueError, "end must be positive"),
    "many": (lambda: ONE.simulate(99.0, max_events=2), ValueError, "max_events = 2"),
    "duration": (lambda: ONE.count_covariance(0.0), ValueError, "duration must be positive"),
    "no Events": (lambda: ONE.log_likelihood([1.0]), TypeError, "events must be an Events"),
    "order": (
        lambda: ONE.log_likelihood(Events([2.0, 1.0], [0, 0], 3.0)),
        ValueError,
        "events.times must ascend",
    ),
    "component": (
        lambda: ONE.log_likelihood(Events([1.0], [1], 3.0)),
        ValueError,
        "events.components must be from 0 to 0",
    ),
    "marks": (lambda: ONE.log_likelihood(Events([1.0], [0.5], 3.0)), ValueError, "1 integers"),
    "late": (lambda: merged_events([[4.0]], 3.0), ValueError, "from 0 to events.end = 3"),
    "none": (lambda: merged_events([], 3.0), ValueError, "at least one component"),
    "grid": (lambda: ONE.intensity(EVENTS, [2.0, 1.0]), ValueError, "t must ascend"),
    "few": (
        lambda: ONE.time_change_test(merged_events([[1.0]], 3.0)),
        ValueError,
        "at least two, got 1",
    ),
    "silent component": (lambda: fit_hawkes(EVENTS, 2), ValueError, "each of 2 components"),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
