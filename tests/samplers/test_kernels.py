"""Markov kernels leave their target invariant; those that do not are off by what they say."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from labcore.samplers import (
    HMC,
    MALA,
    NUTS,
    ULA,
    Metropolis,
    Slice,
    Target,
    banana,
    funnel,
    gaussian,
    leapfrog,
    sample,
    two_modes,
)

REVERSIBLE = [Metropolis(0.8), MALA(0.9), HMC(0.35, 5)]
SAMPLERS = [*REVERSIBLE, NUTS(0.5, max_depth=5), Slice(2.0)]
TARGETS = [
    gaussian([[1.0, 0.8], [0.8, 1.0]]),
    gaussian(np.linspace(0.5, 2.0, 5)),
    banana(),
    funnel(3),
    funnel(3, centring=0.0),
    two_modes(distance=4.0, weight=0.3),
]


def name(x) -> str:
    return f"{x.name}-{x.dimension}d" if isinstance(x, Target) else type(x).__name__


def with_metric(sampler, target):
    """The sampler with a dense metric that is not the target's covariance."""
    d = target.dimension
    return replace(sampler, metric=0.3 * np.ones((d, d)) + np.diag(np.linspace(0.5, 1.5, d)))


def invariance_z(sampler, target, n_chains=20_000, n_samples=10):
    """z-scores of the change of bounded statistics over chains that start from the exact law.

    The pairs (first, last) are independent between chains, so each mean change over its standard
    error is standard normal if the kernel leaves the target invariant.
    """
    start = target.draw(n_chains, 11)
    end = sample(sampler, target, n_samples, start=start, rng=12, progress=False).samples[:, -1]
    scale = np.median(np.abs(start - np.median(start, axis=0)), axis=0)

    def statistics(x):
        y = x / scale
        products = np.tanh(y[:, :1] * y[:, 1:])
        return np.column_stack([np.tanh(y), np.tanh(y**2), products])

    change = statistics(end) - statistics(start)
    return np.abs(change.mean(axis=0)) / change.std(axis=0) * np.sqrt(n_chains)


@pytest.mark.parametrize("target", TARGETS, ids=name)
@pytest.mark.parametrize("sampler", SAMPLERS, ids=name)
def test_kernel_leaves_its_target_invariant(sampler, target):
    """20,000 chains from the exact law, 10 steps, at most 14 statistics a case: |z| < 4.5.

    Right kernels fail one of the 30 cases with probability about 2e-3 (over all of them). A
    statistic that moves by 5% of its standard deviation is seen with probability 0.99.
    """
    assert invariance_z(sampler, target).max() < 4.5


@pytest.mark.parametrize("target", TARGETS[:4], ids=name)
@pytest.mark.parametrize("sampler", SAMPLERS, ids=name)
def test_any_metric_leaves_the_target_invariant(sampler, target):
    assert invariance_z(with_metric(sampler, target), target, n_samples=5).max() < 4.5


def test_the_test_of_invariance_sees_a_kernel_without_its_correction():
    assert invariance_z(ULA(0.9), TARGETS[0]).max() > 10.0


@njit
def _wrong_sign(x, parameters, gradient):
    value = 0.0
    for i in range(x.size):
        gradient[i] = x[i]
        value -= 0.5 * x[i] * x[i]
    return value


@pytest.mark.parametrize("sampler", [MALA(0.9), HMC(0.35, 5)], ids=name)
def test_a_wrong_gradient_costs_acceptance_and_not_the_law(sampler):
    """Any field makes the proposal reversible and volume-preserving: |z| < 4.5 as above."""
    right = gaussian(np.ones(2))
    wrong = right._replace(log_density=_wrong_sign)
    assert invariance_z(sampler, wrong).max() < 4.5
    runs = [sample(sampler, target, 500, rng=13, progress=False) for target in (right, wrong)]
    assert runs[1].acceptance.mean() < runs[0].acceptance.mean() - 0.05


def flow_z(sampler, target, edges, n_chains=200_000):
    """z-scores of the flows between bins: as many chains cross from i to j as from j to i."""
    start = target.draw(n_chains, 21)
    end = sample(sampler, target, 1, start=start, rng=22, progress=False).samples[:, 0]
    before, after = np.digitize(start[:, 0], edges), np.digitize(end[:, 0], edges)
    counts = np.zeros((len(edges) + 1, len(edges) + 1))
    np.add.at(counts, (before, after), 1)
    flows = np.triu(counts + counts.T, 1)
    i, j = np.nonzero(flows > 100)
    return (counts[i, j] - counts[j, i]) / np.sqrt(flows[i, j])


@pytest.mark.parametrize("sampler", [Metropolis(1.5), MALA(1.5), HMC(0.7, 3)], ids=name)
def test_detailed_balance_on_a_discretised_target(sampler):
    """Flows between 8 bins of 200,000 stationary chains are symmetric: each |z| < 4.2.

    A pair of bins between which 1000 chains move, out of balance by 20%, has |z| = 6.
    """
    z = flow_z(sampler, two_modes(1, distance=4.0, weight=0.3), np.linspace(-3, 3, 7))
    assert len(z) > 12
    assert np.abs(z).max() < 4.2


def test_the_test_of_detailed_balance_sees_a_kernel_that_lacks_it():
    z = flow_z(ULA(1.5), two_modes(1, distance=4.0, weight=0.3), np.linspace(-3, 3, 7))
    assert np.abs(z).max() > 10.0


@pytest.mark.parametrize("step_size", [0.5, 2.4, 6.0])
def test_metropolis_acceptance_on_the_normal_line_is_an_arctangent(step_size):
    """E[acceptance] = (2 / pi) arctan(2 / step size); 50,000 independent steps, error < 4.5 sd."""
    check_acceptance(Metropolis(step_size), 2.0 / np.pi * np.arctan(2.0 / step_size))


@pytest.mark.parametrize("step_size", [0.8, 1.4, 1.9])
def test_hmc_acceptance_on_the_normal_line_agrees_with_quadrature(step_size):
    """On N(0, 1) leapfrog is the linear map of (x, p) written here, integrated on a grid."""
    e = step_size
    once = np.array([[1 - e**2 / 2, e], [-e + e**3 / 4, 1 - e**2 / 2]])
    check_acceptance(HMC(e, 3), expected_acceptance(np.linalg.matrix_power(once, 3)))
    check_acceptance(MALA(e), expected_acceptance(once))


def check_acceptance(sampler, expected):
    target = gaussian([1.0])
    chains = sample(sampler, target, 1, start=target.draw(50_000, 31), rng=32, progress=False)
    probability = chains.acceptance
    error = probability.std() / np.sqrt(len(probability))
    assert abs(probability.mean() - expected) < 4.5 * error + 1e-9
    spread = np.sqrt(expected * (1 - expected) / len(probability))
    assert abs(chains.accepted.mean() - expected) < 4.5 * spread


def expected_acceptance(step):
    grid = np.linspace(-9, 9, 1201)
    x, p = np.meshgrid(grid, grid)
    x_end, p_end = step[0, 0] * x + step[0, 1] * p, step[1, 0] * x + step[1, 1] * p
    ratio = np.exp(np.minimum(0.0, 0.5 * (x**2 + p**2 - x_end**2 - p_end**2)))
    weight = np.exp(-0.5 * (x**2 + p**2)) / (2 * np.pi) * (grid[1] - grid[0]) ** 2
    return float((weight * ratio).sum())


def test_metropolis_acceptance_in_high_dimension():
    r"""Steps of size l / sqrt(d) on N(0, I_d) are accepted with probability -> 2 Phi(-l / 2)."""
    target = gaussian(np.ones(400))
    chains = sample(
        Metropolis(2.38 / 20), target, 1, start=target.draw(20_000, 41), rng=42, progress=False
    )
    assert chains.acceptance.mean() == pytest.approx(0.234, abs=0.01)


def test_one_leapfrog_step_of_hmc_is_mala():
    kwargs = {"start": [0.5, -0.5], "n_chains": 4, "rng": 51, "progress": False}
    a = sample(HMC(0.7, 1), banana(), 200, **kwargs)
    b = sample(MALA(0.7), banana(), 200, **kwargs)
    np.testing.assert_allclose(a.samples, b.samples, rtol=0, atol=1e-9)
    np.testing.assert_allclose(a.log_ratio, b.log_ratio, rtol=0, atol=1e-9)


POINTS = st.tuples(*[st.floats(-2, 2) for _ in range(4)])


@settings(max_examples=25, deadline=None)
@given(POINTS)
def test_leapfrog_run_backwards_returns(point):
    there = leapfrog(banana(), point[:2], point[2:], step_size=0.1, n_steps=10)
    back = leapfrog(banana(), there.positions[-1], -there.momenta[-1], step_size=0.1, n_steps=10)
    np.testing.assert_allclose(back.positions[::-1], there.positions, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(-back.momenta[::-1], there.momenta, rtol=1e-8, atol=1e-9)


@settings(max_examples=15, deadline=None)
@given(POINTS)
def test_leapfrog_preserves_volume(point):
    """The Jacobian of the map (x, p) -> (x', p'), by central differences, has determinant 1."""

    def flow(z):
        end = leapfrog(banana(), z[:2], z[2:], step_size=0.1, n_steps=5)
        return np.concatenate([end.positions[-1], end.momenta[-1]])

    z, h = np.array(point), 1e-5
    jacobian = np.array([(flow(z + h * e) - flow(z - h * e)) / (2 * h) for e in np.eye(4)])
    assert np.linalg.det(jacobian) == pytest.approx(1.0, abs=1e-5)


def test_energy_error_of_leapfrog_is_of_second_order():
    """Over a fixed time, halving the step divides the energy error by 4: slope 2 +- 0.05."""
    sizes = 0.1 / 2 ** np.arange(5)
    errors = []
    for h in sizes:
        energies = leapfrog(
            banana(), [0.5, 0.3], [0.7, -0.4], step_size=h, n_steps=round(2 / h)
        ).energies
        errors.append(np.abs(energies - energies[0]).max())
    slope = np.polyfit(np.log(sizes), np.log(errors), 1)[0]
    assert slope == pytest.approx(2.0, abs=0.05)


def test_leapfrog_on_an_oscillator_is_stable_below_step_two_only():
    line = gaussian([1.0])
    stable = leapfrog(line, [1.0], [0.0], step_size=1.99, n_steps=2000).energies
    unstable = leapfrog(line, [1.0], [0.0], step_size=2.01, n_steps=200).energies
    assert stable.max() - stable[0] < 100
    assert unstable[-1] > 1e6


@pytest.mark.parametrize("sampler", SAMPLERS, ids=name)
def test_step_by_step_is_the_run_bit_for_bit(sampler):
    target = banana()
    chains = sample(sampler, target, 30, start=[0.1, 0.2], n_chains=3, rng=61, progress=False)
    state = sampler.init([0.1, 0.2], target)
    for i in range(30):
        before = state.position.copy()
        following, info = sampler.step(state, target, rng=61, stream=2, index=i)
        assert np.array_equal(state.position, before)
        state = following
        assert np.array_equal(state.position, chains.samples[2, i])
        assert state.log_density == chains.log_density[2, i]
        assert info.log_ratio == chains.log_ratio[2, i]
        assert info.accepted == chains.accepted[2, i]


@pytest.mark.parametrize("outside", [-np.inf, np.inf, np.nan])
def test_no_chain_goes_where_the_density_is_not_finite(outside):
    """Uniform on (0, 1): 40,000 draws of 400 chains have mean 1/2 within 4.5 standard errors."""

    target = Target("uniform", 1, uniform_density(outside))
    for sampler in SAMPLERS:
        chains = sample(sampler, target, 200, start=np.full((400, 1), 0.5), rng=71, progress=False)
        assert chains.samples.min() > 0.0
        assert chains.samples.max() < 1.0
        means = chains.samples[:, 50:, 0].mean(axis=1)
        assert abs(means.mean() - 0.5) < 4.5 * means.std() / np.sqrt(400)


def uniform_density(value):
    @njit
    def log_density(x, parameters, gradient):
        gradient[0] = 0.0
        return 0.0 if 0.0 < x[0] < 1.0 else value

    return log_density


def test_divergent_trajectories_are_marked():
    chains = sample(
        HMC(2.5, 20), gaussian(np.full(2, 1.0)), 20, start=[1.0, 1.0], rng=81, progress=False
    )
    assert chains.divergent.all()
    assert not chains.accepted.any()
    assert (chains.acceptance == 0.0).all()


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Metropolis(0.0), ValueError, "step_size must be positive, got 0"),
        (lambda: MALA(np.inf), ValueError, "step_size must be finite"),
        (lambda: HMC(0.1, 0), ValueError, "n_steps must be at least 1, got 0"),
        (lambda: HMC(0.1, 2.5), TypeError, "n_steps must be an integer"),
        (
            lambda: leapfrog(banana(), [0.0, 0.0], [1.0], step_size=0.1, n_steps=1),
            ValueError,
            "momentum must have shape",
        ),
        (
            lambda: Metropolis(1.0).init([2.0], Target("u", 1, uniform_density(-np.inf))),
            ValueError,
            "finite log-density, got -inf",
        ),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
