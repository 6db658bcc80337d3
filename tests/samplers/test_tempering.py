"""The path from reference to target, and parallel tempering along it."""

import numpy as np
import pytest
from numba import njit
from scipy.special import gammaincinv

from labcore.samplers import (
    HMC,
    MALA,
    Metropolis,
    Target,
    banana,
    effective_sample_size,
    equalised_ladder,
    evaluate,
    gaussian,
    gradient_error,
    parallel_tempering,
    sample,
    tempered,
    two_modes,
)
from labcore.samplers.tempering import _sweeps
from tests.samplers.alarm import interrupted

LADDER = np.geomspace(0.05, 1.0, 6)
REFERENCE = gaussian([9.0, 4.0], [1.0, -0.5])


def temper(sampler=None, target=None, ladder=LADDER, n_samples=100, **options):
    options = {"rng": 1, "progress": False} | options
    sampler = sampler or [Metropolis(1.0 / np.sqrt(beta)) for beta in ladder]
    target = target or two_modes(distance=12.0, weight=0.8)
    return parallel_tempering(sampler, target, ladder, n_samples, **options)


@pytest.mark.parametrize("reference", [None, REFERENCE])
@pytest.mark.parametrize("beta", [0.0, 0.3, 1.0])
def test_a_tempered_density_is_its_formula(beta, reference):
    target, x = banana(), np.random.default_rng(1).normal(size=(20, 2))
    log_pi, slope = evaluate(target, x)
    log_0, slope_0 = evaluate(reference, x) if reference else (0.0, 0.0)
    value, gradient = evaluate(tempered(target, beta, reference), x)
    np.testing.assert_allclose(value, beta * log_pi + (1 - beta) * log_0, rtol=1e-12)
    np.testing.assert_allclose(gradient, beta * slope + (1 - beta) * slope_0, rtol=1e-12)


def test_a_tempered_gradient_is_the_derivative():
    assert gradient_error(tempered(banana(), 0.4, REFERENCE), [0.3, -0.7]) < 1e-8


def test_a_normal_law_flattened_has_its_variance_divided():
    """N(m, v)^beta is N(m, v / beta): the slope of its log-density is -(x - m) beta / v."""
    gradient = evaluate(tempered(gaussian([2.0], [1.0]), 0.25), [[5.0]])[1]
    assert gradient[0, 0] == pytest.approx(-4.0 * 0.25 / 2.0)


@njit
def _half_line(x, parameters, gradient):
    gradient[0] = -1.0
    return -x[0] if x[0] > 0.0 else -np.inf


EXPONENTIAL = Target("exponential", 1, _half_line)


def test_at_temperature_zero_the_reference_reaches_beyond_the_target():
    reference = gaussian([1.0])
    points = [[-1.0], [1.0]]
    values = evaluate(tempered(EXPONENTIAL, 0.0, reference), points)[0]
    np.testing.assert_array_equal(values, evaluate(reference, points)[0])
    assert evaluate(tempered(EXPONENTIAL, 0.1, reference), points)[0][0] == -np.inf


@pytest.mark.parametrize("reference", [None, REFERENCE])
@pytest.mark.parametrize("sampler", [Metropolis(0.8), MALA(0.7), HMC(0.3, 3)])
def test_the_product_of_all_rungs_is_left_invariant(sampler, reference):
    """20,000 ladders from the exact laws, 7 sweeps: bounded statistics of 4 rungs, |z| < 4.5.

    The laws are normal: N(m, v / beta) flattened, and the product of both with a reference. A
    statistic that moves by 5% of its standard deviation has |z| = 7.
    """
    ladder, n = np.array([0.2, 0.4, 0.7, 1.0]), 20_000
    mean, variance = np.array([0.5, -1.0]), np.array([1.0, 2.0])
    target = gaussian(variance, mean)
    start = np.empty((n, 4, 2))
    for k, beta in enumerate(ladder):
        precision, weighted = beta / variance, beta * mean / variance
        if reference:
            v0 = np.diag(reference.covariance)
            precision = precision + (1 - beta) / v0
            weighted = weighted + (1 - beta) * reference.mean / v0
        start[:, k] = gaussian(1 / precision, weighted / precision).draw(n, k)
    run = temper(sampler, target, ladder, 7, start=start, rng=99, reference=reference)

    def statistics(x):
        return np.concatenate([np.tanh(x), np.tanh(x**2), np.tanh(x[..., :1] * x[..., 1:])], axis=2)

    change = statistics(run.positions) - statistics(start)
    z = change.mean(axis=0) / change.std(axis=0) * np.sqrt(n)
    assert np.abs(z).max() < 4.5
    assert (run.swap_rates > 0.3).all()


def test_without_tempering_the_far_mode_is_never_seen_and_with_it_has_its_weight():
    """4 ladders of 20,000 sweeps; 80 % of the mass lies behind 18 nats: |z| < 5."""
    start = [-6.0, 0.0]
    target = two_modes(distance=12.0, weight=0.8)
    alone = sample(Metropolis(1.0), target, 20_000, start=start, rng=1, progress=False)
    assert (alone.samples[..., 0] < 0.0).all()
    run = temper(n_samples=20_000, start=start)
    right = (run.samples[:, 1000:, :1] > 0.0).astype(float)
    error = np.sqrt(0.8 * 0.2 / effective_sample_size(right))[0]
    assert error < 0.015
    assert abs(right.mean() - 0.8) < 5.0 * error
    assert abs(run.samples[:, 1000:, 1].mean()) < 0.1
    assert run.restarts.min() > 1000


def test_swap_rate_between_flattened_normals_agrees_with_quadrature():
    """u = -x^2 / 2 at beta is -Gamma(d/2, beta): the mean of min(1, e^(gap (u_i - u_j)))."""
    ladder, d = np.array([0.3, 1.0]), 4
    grid = (np.arange(2000) + 0.5) / 2000
    hot, cold = (gammaincinv(d / 2, grid) / beta for beta in ladder)
    expected = np.minimum(1.0, np.exp(-0.7 * (hot[:, None] - cold))).mean()
    run = temper([Metropolis(2.0), Metropolis(1.1)], gaussian(np.ones(d)), ladder, 20_000)
    assert run.swap_rates[0] == pytest.approx(expected, abs=0.01)
    assert run.barrier == pytest.approx(1.0 - expected, abs=0.01)


def test_restarts_come_at_the_rate_of_the_non_reversible_scheme():
    """1 / (2 + 2 sum r / (1 - r)) a sweep (Syed et al., theorem 1), if rungs forget in a sweep."""
    run = temper(
        [HMC(0.7 / np.sqrt(beta), 2) for beta in LADDER],
        gaussian(np.ones(6)),
        n_samples=5000,
        n_moves=6,
    )
    r = 1.0 - run.swap_rates
    expected = 1.0 / (2.0 + 2.0 * (r / (1.0 - r)).sum())
    assert run.restarts.mean() / 5000 == pytest.approx(expected, rel=0.08)


def test_a_ladder_from_its_rates_swaps_equally_often():
    target, ladder = gaussian(np.ones(3)), np.array([0.01, 0.02, 0.04, 0.1, 0.8, 1.0])

    def rates(ladder):
        steps = [Metropolis(1.3 / np.sqrt(beta)) for beta in ladder]
        return temper(steps, target, ladder, 5000).swap_rates

    spread = [np.ptp(rates(ladder))]
    for _ in range(3):
        ladder = equalised_ladder(ladder, rates(ladder))
        spread.append(np.ptp(rates(ladder)))
    assert spread[0] > 0.4
    assert spread[-1] < 0.06
    # For normal laws the rates depend on the ratio of neighbours alone: the ladder is geometric.
    np.testing.assert_allclose(ladder, np.geomspace(0.01, 1.0, 6), rtol=0.1)


def test_an_equalised_ladder_cuts_the_cumulative_rejection_into_equal_parts():
    ladder, rates = np.array([0.02, 0.1, 0.5, 1.0]), np.array([0.3, 0.6, 0.9])
    cumulative = np.concatenate([[0.0], np.cumsum(1.0 - rates)])
    for n in (2, 4, 9):
        equal = equalised_ladder(ladder, rates, n)
        assert (equal[0], equal[-1], len(equal)) == (0.02, 1.0, n)
        parts = np.diff(np.interp(np.log(equal), np.log(ladder), cumulative))
        np.testing.assert_allclose(parts, cumulative[-1] / (n - 1))


def test_acceptance_is_counted_rung_by_rung():
    """Metropolis at step sizes in proportion to each rung's width accepts alike everywhere."""
    run = temper(target=gaussian([1.0]), n_samples=4000)
    expected = 2.0 / np.pi * np.arctan(2.0)
    np.testing.assert_allclose(run.acceptance, expected, atol=0.02)


@pytest.mark.parametrize("n_threads", [2, 5])
def test_result_does_not_depend_on_the_number_of_threads(n_threads):
    for a, b in zip(temper(n_threads=1), temper(n_threads=n_threads), strict=True):
        assert np.array_equal(a, b)


def test_a_longer_or_wider_run_begins_with_the_shorter():
    start = [-6.0, 0.0]
    small = temper(start=start).samples
    assert np.array_equal(temper(start=start, n_samples=151).samples[:, :100], small)
    assert np.array_equal(temper(start=start, n_chains=6).samples[:4], small)


def test_a_new_target_compiles_no_loop():
    temper(HMC(0.2, 2))
    before = len(_sweeps.signatures)
    temper(HMC(0.2, 2), EXPONENTIAL, start=[1.0])
    temper(HMC(0.3, 3), banana(), reference=REFERENCE)
    assert len(_sweeps.signatures) == before


def test_rungs_may_have_metrics_of_either_kind():
    scales = [4.0, 1.0]
    diagonal = temper([Metropolis(0.5, metric=scales)] * 2, ladder=[0.5, 1.0])
    mixed = [Metropolis(0.5, metric=scales), Metropolis(0.5, metric=np.diag(scales))]
    assert np.array_equal(temper(mixed, ladder=[0.5, 1.0]).samples, diagonal.samples)


def test_an_interruption_returns_the_sweeps_that_are_complete():
    temper()  # compiled before the alarm is set
    run = interrupted(lambda: temper(n_samples=10**6, n_moves=1000), "interrupted after")
    n = run.samples.shape[1]
    assert 0 < n < 10**6
    assert np.array_equal(run.samples, temper(n_samples=n, n_moves=1000).samples)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: tempered(banana(), 1.5), ValueError, r"inverse_temperature must be in \[0, 1\]"),
        (lambda: tempered(banana(), np.nan), ValueError, "inverse_temperature must be finite"),
        (lambda: tempered(banana(), 0.5, gaussian([1.0])), ValueError, "in 2 dimensions, got"),
        (lambda: tempered(banana(), 0.5, banana()), ValueError, "reference must be gaussian"),
        (lambda: tempered(banana(), 0.5, gaussian(np.eye(2))), ValueError, "reference must be"),
        (lambda: temper(ladder=[1.0]), ValueError, "ladder must be two or more"),
        (lambda: temper(ladder=[0.5, 0.2, 1.0]), ValueError, "increasing to 1, got"),
        (lambda: temper(ladder=[0.5, 0.5, 1.0]), ValueError, "increasing to 1, got"),
        (lambda: temper(MALA(1.0), ladder=[0.0, 1.0]), ValueError, "positive and increasing"),
        (lambda: temper(ladder=[0.5, 0.9]), ValueError, "increasing to 1"),
        (lambda: temper(MALA(1.0), ladder=[0.5, np.nan]), ValueError, "ladder must be finite"),
        (lambda: temper(n_samples=0), ValueError, "n_samples must be at least 1"),
        (lambda: temper(n_moves=0), ValueError, "n_moves must be at least 1"),
        (lambda: temper(n_chains=0), ValueError, "n_chains must be at least 1"),
        (lambda: temper(start=[0.0]), ValueError, "start must have shape"),
        (lambda: temper(start=np.zeros((2, 3, 2))), ValueError, "start must have shape"),
        (lambda: temper(start=[0.0, np.inf]), ValueError, "start must be finite"),
        (lambda: temper([MALA(1.0)] * 5), ValueError, "one for each of 6 rungs"),
        (lambda: temper([MALA(1.0)] * 5 + [HMC(1.0, 2)]), ValueError, "of one class"),
        (
            lambda: temper(Metropolis(1.0), EXPONENTIAL, start=[-1.0]),
            ValueError,
            "start must have finite log-density, got -inf",
        ),
        (lambda: equalised_ladder([0.1, 1.0], [0.5, 0.5]), ValueError, "swap_rates must be 1"),
        (lambda: equalised_ladder([0.1, 1.0], [1.5]), ValueError, "swap_rates must be 1"),
        (lambda: equalised_ladder([0.1, 1.0], [0.5], 1), ValueError, "n_rungs must be at least 2"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
