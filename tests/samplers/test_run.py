"""Running chains: reproducible, independent of threads, interruptible."""

import threading

import numpy as np
import pytest
from numba import njit

from labcore.samplers import HMC, Metropolis, Target, banana, funnel, gaussian, sample
from labcore.samplers.grammar import advance
from tests.samplers.alarm import interrupted


def run(n_samples=200, **options):
    options = {"rng": 1, "n_chains": 5, "progress": False} | options
    return sample(HMC(0.3, 3), banana(), n_samples, **options)


@pytest.mark.parametrize("n_threads", [2, 3, 8])
def test_result_does_not_depend_on_the_number_of_threads(n_threads):
    for a, b in zip(run(n_threads=1)[:-1], run(n_threads=n_threads)[:-1], strict=True):
        assert np.array_equal(a, b)


def test_a_longer_or_wider_run_begins_with_the_shorter():
    small = run().samples
    assert np.array_equal(run(n_samples=301).samples[:, :200], small)
    assert np.array_equal(run(n_chains=7).samples[:5], small)


def test_chains_differ_and_seeds_differ():
    samples = run(start=[0.0, 0.0]).samples
    assert len(np.unique(samples[:, -1, 0])) == 5
    assert not np.isin(run(start=[0.0, 0.0], rng=2).samples[:, -1], samples[:, -1]).any()


def test_a_generator_is_a_seed_and_is_advanced():
    a, b = np.random.default_rng(3), np.random.default_rng(3)
    assert np.array_equal(run(rng=a).samples, run(rng=b).samples)
    assert not np.array_equal(run(rng=a).samples, run(rng=1).samples)


def test_start_is_left_alone_and_says_how_many_chains():
    start = np.full((3, 2), 0.5)
    chains = run(start=start)
    assert chains.samples.shape == (3, 200, 2)
    assert (start == 0.5).all()


def test_evaluations_are_counted():
    assert (run().evaluations.sum(axis=1) == 600).all()


def test_the_density_is_evaluated_as_often_as_counted():
    @njit
    def counting(x, parameters, gradient):
        parameters[0] += 1.0
        gradient[0] = -x[0]
        return -0.5 * x[0] ** 2

    calls = np.zeros(1)
    target = Target("counted", 1, counting, calls)
    chains = sample(HMC(0.3, 4), target, 100, n_chains=1, rng=1, progress=False)
    assert calls[0] == chains.evaluations.sum() + 1  # and once where it starts


def test_a_new_target_compiles_no_loop():
    sample(Metropolis(1.0), banana(), 10, rng=1, progress=False)
    before = len(advance.signatures)

    @njit
    def quartic(x, parameters, gradient):
        gradient[0] = -(x[0] ** 3)
        return -0.25 * x[0] ** 4

    for target in (gaussian([1.0]), funnel(), Target("quartic", 1, quartic)):
        sample(Metropolis(1.0), target, 10, rng=1, progress=False)
    assert len(advance.signatures) == before


def test_an_interruption_returns_the_samples_that_are_complete():
    """A run of hours is interrupted after a second; what it returns is how the run begins."""
    assert threading.current_thread() is threading.main_thread()
    run()  # compiled before the alarm is set
    chains = interrupted(
        lambda: sample(HMC(0.01, 1000), banana(), 10**6, n_chains=2, rng=1, progress=False),
        "interrupted after",
    )
    n = chains.samples.shape[1]
    assert 0 < n < 10**6
    assert chains.log_ratio.shape == chains.accepted.shape == (2, n)
    assert chains.evaluations.sum() == 2 * 1000 * n
    again = sample(HMC(0.01, 1000), banana(), n, n_chains=2, rng=1, progress=False)
    assert np.array_equal(chains.samples, again.samples)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "n_samples must be at least 1"),
        ({"n_chains": 0}, "n_chains must be at least 1"),
        ({"start": [0.0]}, "start must have shape"),
        ({"start": np.zeros((3, 3))}, "start must have shape"),
        ({"start": np.zeros((0, 2))}, "start must have shape"),
        ({"start": [0.0, np.nan]}, "start must be finite"),
        ({"rng": -1}, "rng must be"),
    ],
)
def test_bad_input_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        run(**options)


def test_a_chain_must_not_start_outside_the_support():
    @njit
    def half_line(x, parameters, gradient):
        gradient[0] = -1.0
        return -x[0] if x[0] > 0.0 else -np.inf

    target = Target("exponential", 1, half_line)
    with pytest.raises(ValueError, match=r"start must have finite log-density, got -inf at \[-1"):
        sample(Metropolis(1.0), target, 10, start=[[1.0], [-1.0]], rng=1, progress=False)
