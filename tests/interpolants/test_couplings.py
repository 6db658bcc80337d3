"""Couplings: their ends are the points given, and each has the cost that its law prescribes."""

import itertools

import numpy as np
import pytest

from labcore import random
from labcore.interpolants import (
    between,
    given_pairs,
    independent_pairs,
    linear,
    minibatch_pairs,
    mixture,
    optimal_pairs,
    schrodinger_pairs,
)

ONE_TO_ONE = {
    "given": given_pairs,
    "independent": independent_pairs,
    "optimal": optimal_pairs,
    "minibatch": lambda x0, x1, rng=None: minibatch_pairs(x0, x1, size=16, rng=rng),
}
ALL = {**ONE_TO_ONE, "schrodinger": lambda *x, rng=None: schrodinger_pairs(*x, noise=0.5, rng=rng)}


def clouds(n, d):
    x0 = random.normal((n, d), rng=1)
    return x0, 0.5 * random.normal((n, d), rng=2) + 3.0


def cost(pairs):
    return ((pairs.x1 - pairs.x0) ** 2).sum(axis=1).mean()


def ordered(x):
    return x[np.lexsort(x.T)]


@pytest.mark.parametrize("coupling", ONE_TO_ONE.values(), ids=ONE_TO_ONE.keys())
def test_the_ends_of_the_pairs_are_the_points(coupling):
    x0, x1 = clouds(50, 3)
    copies = x0.copy(), x1.copy()
    pairs = coupling(x0, x1, rng=4)
    assert (ordered(pairs.x0) == ordered(x0)).all()
    assert (ordered(pairs.x1) == ordered(x1)).all()
    assert (x0 == copies[0]).all()
    assert (x1 == copies[1]).all()


@pytest.mark.parametrize("coupling", ALL.values(), ids=ALL.keys())
def test_the_seed_determines_the_pairs(coupling):
    x0, x1 = clouds(30, 2)
    for one, other in zip(coupling(x0, x1, rng=5), coupling(x0, x1, rng=5), strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("coupling", ALL.values(), ids=ALL.keys())
def test_bad_ends_are_refused(coupling):
    with pytest.raises(ValueError, match="x1 must hold as many points as x0, 3, got 4: pairs move"):
        coupling(np.zeros((3, 1)), np.zeros((4, 1)))
    with pytest.raises(ValueError, match="x1 must have 2 columns as x0, got 1"):
        coupling(np.zeros((3, 2)), np.zeros((3, 1)))
    with pytest.raises(ValueError, match="x0 must be finite, got nan"):
        coupling([np.nan], [0.0])


def test_bad_options_are_refused():
    with pytest.raises(ValueError, match="size must be at least 1, got 0"):
        minibatch_pairs([0.0], [1.0], size=0)
    with pytest.raises(ValueError, match="noise must be positive, got 0"):
        schrodinger_pairs([0.0], [1.0], noise=0.0)


def test_optimal_pairs_have_the_least_cost_of_all_permutations():
    x0, x1 = clouds(6, 2)
    costs = [
        ((x1[list(order)] - x0) ** 2).sum(axis=1).mean()
        for order in itertools.permutations(range(6))
    ]
    assert cost(optimal_pairs(x0, x1)) == pytest.approx(min(costs), rel=1e-12)


def test_on_the_line_optimal_pairs_keep_the_order():
    x0, x1 = clouds(100, 1)
    pairs = optimal_pairs(x0, x1)
    order = pairs.x0[:, 0].argsort()
    assert (np.diff(pairs.x1[order, 0]) > 0).all()


def test_the_straight_lines_of_optimal_pairs_are_monotone():
    """(x0_i - x0_j) . (x1_i - x1_j) >= 0 for all i, j: no two lines meet at one time."""
    pairs = optimal_pairs(*clouds(80, 2))
    inner = np.einsum("ija,ija->ij", pairs.x0[:, None] - pairs.x0, pairs.x1[:, None] - pairs.x1)
    assert inner.min() >= -1e-12


def test_larger_batches_cost_less():
    x0, x1 = clouds(512, 2)
    costs = [cost(minibatch_pairs(x0, x1, size=size, rng=3)) for size in (1, 8, 64, 512)]
    assert (np.diff(costs) < 0).all()
    assert costs[-1] == pytest.approx(cost(optimal_pairs(x0, x1)), rel=1e-12)
    assert cost(independent_pairs(x0, x1, rng=3)) > costs[1]


def test_costs_between_gaussians_are_the_closed_forms():
    """x0 of variance 1, x1 of 1/4 and mean 3, in the plane: 18 + 2 (1 - 1/2)^2 for the optimal map,
    18 + 2 (1 + 1/4) for chance. Pairs of 1,000: the mean has a standard error of 0.16."""
    x0, x1 = clouds(1000, 2)
    assert cost(optimal_pairs(x0, x1)) == pytest.approx(18.5, abs=0.7)
    # Against the shifted cloud the error of the mean falls out: what is left is the shape.
    centred = x0 - x0.mean(axis=0), x1 - x1.mean(axis=0)
    assert cost(optimal_pairs(*centred)) == pytest.approx(0.5, abs=0.05)
    assert cost(independent_pairs(*centred, rng=1)) == pytest.approx(2.5, abs=0.2)


def gaussian_schrodinger_covariance(s0, s1, noise):
    r"""The covariance of the ends: the joint precision has -1/a off its diagonal, and s0^2, s1^2
    for marginal variances."""
    return 0.5 * (np.sqrt(noise**2 + 4 * s0**2 * s1**2) - noise)


@pytest.mark.parametrize("noise", [0.2, 1.0, 5.0])
def test_schrodinger_pairs_of_gaussians_have_the_covariance_of_the_closed_form(noise):
    """800 points on the line, at the quantiles: the covariance over 800 drawn pairs has a standard
    error of at most 0.02 sqrt(2)."""
    from scipy.special import ndtri

    x = ndtri((np.arange(800) + 0.5) / 800)
    pairs = schrodinger_pairs(x, 0.5 * x + 3.0, noise=noise, rng=6)
    covariance = (pairs.x0 * (pairs.x1 - 3.0)).mean()
    expected = gaussian_schrodinger_covariance(1.0, 0.5, noise)
    assert covariance == pytest.approx(expected, abs=4.5 * 0.5 / np.sqrt(800))
    assert pairs.x1.mean() == pytest.approx(3.0, abs=4.5 * 0.5 / np.sqrt(800))


def test_schrodinger_pairs_go_from_optimal_to_independent():
    x0, x1 = clouds(200, 2)
    optimal, chance = cost(optimal_pairs(x0, x1)), cost(independent_pairs(x0, x1, rng=2))
    costs = [cost(schrodinger_pairs(x0, x1, noise=a, rng=2)) for a in (0.01, 0.3, 3.0, 100.0)]
    assert costs[0] == pytest.approx(optimal, rel=0.05)
    assert (np.diff(costs[:3]) > 0).all()
    assert costs[-1] == pytest.approx(chance, rel=0.1)


@pytest.mark.parametrize("coupling", ALL.values(), ids=ALL.keys())
def test_every_coupling_gives_interpolants_with_the_laws_at_the_ends(coupling):
    """Means and variances of 1,000 pairs, within 5 standard errors."""
    x0, x1 = clouds(1000, 1)
    pairs = coupling(x0, x1, rng=8)
    draws = between(mixture([0.0]), mixture([3.0], 0.25), linear()).draw(1000, rng=9)
    middle = linear(1.0).interpolate(1.0, *pairs, draws.z)
    for found, law in ((pairs.x0, (0.0, 1.0)), (middle, (3.0, 0.25))):
        assert abs(found.mean() - law[0]) < 5 * np.sqrt(law[1] / 1000)
        assert found.var() == pytest.approx(law[1], rel=5 * np.sqrt(2 / 1000))
