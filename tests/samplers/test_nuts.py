"""NUTS: its criterion on known trajectories, its trees, its moments."""

import numpy as np
import pytest

from labcore.samplers import (
    NUTS,
    banana,
    effective_sample_size,
    funnel,
    gaussian,
    monte_carlo_error,
    ridge,
    sample,
)
from labcore.samplers.nuts import turns_back


@pytest.mark.parametrize("d", [1, 2, 3, 7])
@pytest.mark.parametrize("angle", [0.5, 2.0, 3.0, 3.3, 4.0, 6.0])
def test_a_trajectory_of_the_oscillator_turns_back_after_half_a_period(d, angle):
    """p(t) = -sin t in each coordinate, from the turning point x = cos 0: back at angle > pi.

    There p_- = 0, so the start is moved by a little.
    """
    t = np.linspace(1e-3, angle, 2001)
    momenta = -np.sin(t)[:, None] * np.ones(d)
    turned = turns_back(momenta[0].copy(), momenta[-1].copy(), momenta.sum(axis=0))
    assert turned == (angle > np.pi)


def test_the_criterion_does_not_depend_on_the_direction_of_time():
    generator = np.random.default_rng(1)
    seen = set()
    for _ in range(50):
        momenta = generator.standard_normal((5, 6)) + 0.5
        a = turns_back(momenta[0].copy(), momenta[-1].copy(), momenta.sum(axis=0))
        b = turns_back(-momenta[-1], -momenta[0], -momenta.sum(axis=0))
        assert a == b
        total = momenta.sum(axis=0) - 0.5 * (momenta[0] + momenta[-1])
        assert a == (min(momenta[0] @ total, momenta[-1] @ total) <= 0)
        seen.add(a)
    assert seen == {True, False}


@pytest.mark.parametrize("d", [1, 10, 100])
def test_moments_of_a_gaussian_after_warm_up(d):
    """Each of 2 d moments within 4.7 of its errors: all pass with probability above 0.999.

    A variance that is off by 10 % has a z-score of about 5 for 5000 effective draws.
    """
    variances = np.logspace(-2, 1, d)
    target = gaussian(variances, mean=np.linspace(-1, 1, d))
    chains = sample(NUTS(), target, 2500, tune=300, rng=2, progress=False)
    x = (chains.samples - target.mean) / np.sqrt(variances)
    for moment, exact in ((x, 0.0), (x**2, 1.0)):
        z = (moment.mean(axis=(0, 1)) - exact) / monte_carlo_error(moment)
        assert np.abs(z).max() < 4.7
    assert effective_sample_size(x).min() > 2000
    assert not chains.divergent.any()


def test_half_the_step_size_takes_twice_the_gradients():
    """On N(0, I) trajectories have a length of about half a period, whatever the step."""
    target = gaussian(np.ones(20))
    start = target.draw(4, 3)
    gradients = [
        sample(NUTS(e), target, 300, start=start, rng=3, progress=False).evaluations.mean()
        for e in (0.2, 0.1, 0.05)
    ]
    lengths = np.array(gradients) * [0.2, 0.1, 0.05]
    assert (lengths > 2.0).all()
    assert (lengths < 2 * np.pi).all()


@pytest.mark.parametrize("max_depth", [1, 2, 4])
def test_a_tree_has_at_most_two_to_the_depth_states(max_depth):
    chains = sample(NUTS(1e-3, max_depth=max_depth), banana(), 50, rng=4, progress=False)
    assert (chains.evaluations == 2**max_depth - 1).all()


def test_rank_of_the_truth_among_posterior_draws_is_uniform():
    """Data from the prior predictive law: the truth's rank among thinned draws is uniform.

    x ~ N(0, 1), y | x ~ N(x, 1), posterior N(y / 2, 1 / 2); 2000 posteriors by one chain each,
    started at the truth, 20 steps of which each second is ranked: chi-squared in 11 bins < 33
    (probability 3e-4 of more).
    """
    generator = np.random.default_rng(5)
    truth = generator.standard_normal(2000)
    y = truth + generator.standard_normal(2000)
    # One target for all: z = x - y / 2 has the same law N(0, 1 / 2) in each.
    chains = sample(
        NUTS(0.9), gaussian([0.5]), 20, start=(truth - y / 2)[:, None], rng=6, progress=False
    )
    draws = chains.samples[:, 1::2, 0]
    ranks = (draws < (truth - y / 2)[:, None]).sum(axis=1)
    counts = np.bincount(ranks, minlength=11)
    expected = 2000 / 11
    statistic = ((counts - expected) ** 2 / expected).sum()
    assert statistic < 33.0
    assert abs(ranks.mean() - 5.0) < 4.5 * np.sqrt(10.0 / 2000)


def test_the_neck_of_the_funnel_is_flagged():
    chains = sample(NUTS(), funnel(10), 1000, tune=500, rng=7, progress=False)
    assert chains.divergent.sum() > 0
    flat = sample(NUTS(), funnel(10, centring=0.0), 1000, tune=500, rng=7, progress=False)
    assert flat.divergent.sum() == 0


def test_a_ridge_is_no_ridge_for_its_own_metric():
    target = ridge(5, correlation=0.99)
    runs = [
        sample(NUTS(0.5, metric=metric), target, 300, start=np.zeros(5), rng=8, progress=False)
        for metric in (target.covariance, 0.01 * np.ones(5))
    ]
    sizes = [effective_sample_size(r.samples).min() / r.evaluations.sum() for r in runs]
    assert sizes[0] > 5 * sizes[1]


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="max_depth must be at most 16, got 17"):
        NUTS(max_depth=17)
    with pytest.raises(ValueError, match="max_depth must be at least 1"):
        NUTS(max_depth=0)
    with pytest.raises(ValueError, match="metric must have positive variances"):
        NUTS(metric=[1.0, 0.0])
    with pytest.raises(ValueError, match="metric must be positive definite"):
        NUTS(metric=[[1.0, 2.0], [2.0, 1.0]])
    with pytest.raises(ValueError, match="metric must be a symmetric matrix"):
        NUTS(metric=[[1.0, 0.5], [0.0, 1.0]])
    with pytest.raises(ValueError, match="metric must be of the target's dimension 2"):
        sample(NUTS(metric=[1.0]), banana(), 1, progress=False)
