"""The loops of the figures say what labcore says, found by its public functions."""

import dataclasses

import numpy as np
import pytest
from scipy import linalg, stats

from labcore import kernels, samplers, sde
from labcore.interpolants import between, linear, mixture
from labcore.live.exports import EXPORTS, linear_algebra
from tests.live.export_inputs import DATA, INPUTS

KINDS = {
    0: kernels.Gaussian(0.2),
    1: kernels.Matern(0.5, 0.2),
    2: kernels.Matern(1.5, 0.2),
    3: kernels.Matern(2.5, 0.2),
}


def run(name: str, case: int = 0, **changes) -> dict[str, np.ndarray]:
    return EXPORTS[name].run(**(INPUTS[name][case] | changes))


@pytest.mark.parametrize("kind", KINDS)
def test_the_posterior_is_that_of_gaussian_process_regression(kind):
    out = run("gp_posterior", kind=kind, data=DATA)
    x, y = np.array(DATA).T
    posterior = kernels.condition(KINDS[kind], x, y, noise_variance=0.01 + 1e-8)
    grid = np.array(INPUTS["gp_posterior"][0]["x"])
    np.testing.assert_allclose(out["mean"], posterior.mean(grid), atol=1e-9)
    half = 1.96 * posterior.sd(grid)
    np.testing.assert_allclose(out["high"] - out["mean"], half, atol=2e-7)
    np.testing.assert_allclose(out["mean"] - out["low"], half, atol=2e-7)
    np.testing.assert_allclose(out["numbers"][:2], scores(posterior), rtol=1e-9)
    inside = np.abs(posterior.mean(grid) - grid) < half  # the truth of the inputs is f(x) = x
    assert out["numbers"][2] == pytest.approx(inside.mean(), rel=1e-12)
    assert 0 < out["numbers"][2] < 1


def scores(posterior) -> tuple[float, float]:
    errors = posterior.leave_one_out().mean - posterior.y
    return posterior.log_marginal_likelihood(), np.sqrt(np.mean(errors**2))


@pytest.mark.parametrize("kind", [1, 2])
def test_draws_before_and_after_the_data_are_those_of_labcore(kind):
    out = run("gp_posterior", kind=kind, data=DATA, seed=5)
    grid = np.array(INPUTS["gp_posterior"][0]["x"])
    prior = kernels.sample_prior(KINDS[kind], grid, 3, rng=5, jitter=1e-8)
    np.testing.assert_allclose(out["prior"], prior, atol=1e-10)
    posterior = kernels.condition(KINDS[kind], *np.array(DATA).T, noise_variance=0.01 + 1e-8)
    # There the jitter is a share of the mean variance, here it is 1e-8.
    share = 1e-8 / np.mean(posterior.sd(grid) ** 2)
    draws = posterior.sample(grid, 3, rng=5, jitter=share)
    np.testing.assert_allclose(out["draws"], draws, atol=1e-8)


def test_prior_and_posterior_draws_have_their_covariances():
    """5000 draws: a standard deviation is known to 1 %, five of which are allowed."""
    grid = np.linspace(0, 1, 6)
    out = run("gp_posterior", count=5000, x=grid, truth=grid)
    np.testing.assert_allclose(out["prior"].std(axis=0), 1.0, atol=0.05)
    np.testing.assert_allclose(out["prior"].mean(axis=0), 0.0, atol=0.07)
    sd = (out["high"] - out["low"]) / (2 * 1.96)
    np.testing.assert_allclose(out["draws"].std(axis=0), sd, rtol=0.06)
    np.testing.assert_allclose(out["draws"].mean(axis=0), out["mean"], atol=0.07)
    gram = kernels.Gaussian(0.2)(grid)
    np.testing.assert_allclose(np.cov(out["prior"].T), gram, atol=0.08)


@pytest.mark.parametrize("kind", KINDS)
def test_criteria_at_each_lengthscale_are_those_of_the_regression(kind):
    out = run("gp_likelihood", kind)
    inputs = INPUTS["gp_likelihood"][kind]
    fits = [
        kernels.condition(
            dataclasses.replace(KINDS[kind], lengthscale=ell),
            *np.array(DATA).T,
            noise_variance=0.01 + 1e-8,
        )
        for ell in (*inputs["lengthscales"], inputs["lengthscale"])
    ]
    expected = np.array([scores(fit) for fit in fits])
    np.testing.assert_allclose(out["likelihood"], expected[:-1, 0], rtol=1e-8)
    np.testing.assert_allclose(out["error"], expected[:-1, 1], rtol=1e-8)
    np.testing.assert_allclose(out["numbers"][:2], expected[-1], rtol=1e-8)
    np.testing.assert_allclose(out["mean"], fits[-1].mean(np.array(inputs["x"])), atol=1e-8)
    likeliest, safest = np.argmax(expected[:-1, 0]), np.argmin(expected[:-1, 1])
    assert out["best"][0].tolist() == [inputs["lengthscales"][likeliest], out["likelihood"].max()]
    assert out["best"][1].tolist() == [inputs["lengthscales"][safest], out["error"].min()]


def test_the_likelihood_may_have_two_maxima():
    """Pairs of points that differ by more than the noise, on a slow wave."""
    x = np.sort([*np.arange(-0.6, 6.6, 1.4), *np.arange(0.0, 7.2, 1.4)])
    data = np.stack([x, np.sin(0.6 * (x - 1)) + 0.3 * (-1.0) ** np.arange(x.size)], axis=1)
    changes = {"noise": 0.2, "data": data, "lengthscales": np.geomspace(0.05, 5, 81)}
    out = run("gp_likelihood", **changes)
    inner = out["likelihood"][1:-1]
    is_top = (inner > out["likelihood"][:-2]) & (inner > out["likelihood"][2:])
    assert out["numbers"][2] == is_top.sum() == 2


def test_exponential_of_a_power_is_a_kernel_up_to_two_and_not_above():
    for power in (0.5, 1.0, 1.9, 2.0):
        out = run("is_it_a_kernel", power=power)
        assert out["smallest"] >= 0
        assert np.isnan(out["negative"]).all()
    assert run("is_it_a_kernel", power=2.1)["smallest"] < -1e-3
    out = run("is_it_a_kernel", power=3.0)
    expected = np.linalg.eigvalsh(out["matrix"])[::-1]
    size = np.where(expected > 0, out["positive"], -out["negative"])
    np.testing.assert_allclose(size, expected, atol=1e-12)
    assert out["smallest"] == pytest.approx(expected[-1], abs=1e-12)
    grid = np.linspace(0, 3, 20)
    np.testing.assert_allclose(
        out["matrix"], np.exp(-(np.abs(grid[:, None] - grid) ** 3)), rtol=1e-13
    )
    np.testing.assert_allclose(out["profile"], np.exp(-(np.abs(out["r"]) ** 3)), rtol=1e-13)


@pytest.mark.parametrize("kind", range(4))
def test_draws_and_spectra_are_those_of_the_kernel(kind):
    out = run("kernel_smoothness", kind)
    inputs = INPUTS["kernel_smoothness"][kind]
    kernel = dataclasses.replace(KINDS[kind], lengthscale=0.5)
    grid, omega = np.array(inputs["x"]), np.array(inputs["omega"])
    spectrum = kernel.spectral_density(omega)
    np.testing.assert_allclose(out["density"], spectrum, rtol=1e-12, atol=1e-300)
    draws = kernels.sample_prior(kernel, grid, 3, rng=2, jitter=1e-8)
    np.testing.assert_allclose(out["draws"], draws, atol=1e-6)
    weights = np.array([-1.0, 3.0, -3.0, 1.0])  # of a third difference
    fine, coarse = (weights @ kernel(grid[: 3 * h + 1 : h]) @ weights for h in (1, 2))
    assert out["exponent"] == pytest.approx(np.log2(coarse / fine), abs=1e-6)


@pytest.mark.parametrize("n", [1, 2, 5, 30])
def test_eigenvectors_diagonalise(n):
    generator = np.random.default_rng(n)
    a = generator.normal(size=(n, n))
    a = a + a.T
    work, vectors = a.copy(), np.empty((n, n))
    linear_algebra.symmetric_eigen(work, vectors)
    np.testing.assert_allclose(vectors.T @ a @ vectors, np.diag(np.diag(work)), atol=1e-12 * n)
    np.testing.assert_allclose(vectors.T @ vectors, np.eye(n), atol=1e-13 * n)


def test_cholesky_solves_and_refuses():
    generator = np.random.default_rng(0)
    a = generator.normal(size=(6, 6))
    a = a @ a.T
    factor, b = a.copy(), generator.normal(size=6)
    assert linear_algebra.cholesky(factor)
    x = b.copy()
    linear_algebra.forward_solve(factor, x)
    linear_algebra.backward_solve(factor, x)
    np.testing.assert_allclose(a @ x, b, atol=1e-10)
    assert not linear_algebra.cholesky(np.diag([1.0, -1.0]))


GALLERY = {
    0: (samplers.banana(0.8, 1.0), 0.8),
    1: (samplers.funnel(2, 0.4, 2.0), 0.4),
    2: (samplers.two_modes(2, distance=3.6, width=0.7), 0.6),
    3: (samplers.gaussian([[1.0, 0.49], [0.49, 1.0]]), 0.5),
}
SAMPLERS = {
    0: samplers.Metropolis(0.4),
    1: samplers.MALA(0.4),
    2: samplers.HMC(0.4, 6),
}


@pytest.mark.parametrize("target", GALLERY)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_gallery_runs_the_samplers_themselves(sampler, target):
    law, difficulty = GALLERY[target]
    changes = {"sampler": sampler, "target": target, "difficulty": difficulty, "step_size": 0.4}
    out = run("sampler_gallery", **changes)
    chains = samplers.sample(
        SAMPLERS[sampler], law, 200, start=[0.0, 0.0], n_chains=1, rng=3, progress=False
    )
    np.testing.assert_allclose(out["path"], chains.samples[0], atol=1e-7)
    assert out["numbers"][0] == pytest.approx(chains.acceptance[0], rel=1e-6)
    size = samplers.effective_sample_size(chains.samples[:, :, 0])
    assert out["numbers"][1] == pytest.approx(size, rel=1e-6)
    square = np.minimum(chains.log_ratio[0] ** 2, 1e6).mean()
    assert out["numbers"][2] == pytest.approx(np.sqrt(square), rel=1e-6)
    assert out["numbers"][3] == pytest.approx(1000 * size / chains.evaluations.sum(), rel=1e-6)
    assert out["numbers"][4] == pytest.approx(chains.samples[0, :, 0].mean(), rel=1e-6)


@pytest.mark.parametrize("target", GALLERY)
def test_the_gallery_shows_the_targets_themselves(target):
    law, difficulty = GALLERY[target]
    out = run("sampler_gallery", target=target, difficulty=difficulty)
    rows, columns = np.mgrid[-5:5:9j, -5:5:11j]
    grid = np.stack([columns.ravel(), rows.ravel()], axis=1)
    value = samplers.evaluate(law, grid)[0].reshape(9, 11)
    np.testing.assert_allclose(out["own_height"], value - value.max(), atol=1e-9)
    if target == 1:  # shown as it is, whatever coordinates the chain moves in
        value = samplers.evaluate(samplers.funnel(2, 1.0, 2.0), grid)[0].reshape(9, 11)
    np.testing.assert_allclose(out["height"], value - value.max(), atol=1e-9)


@pytest.mark.parametrize("target", GALLERY)
def test_the_marginal_is_that_of_exact_draws(target):
    """Of 100,000 draws; a distribution function is then known to 0.0016."""
    law, difficulty = GALLERY[target]
    x = np.linspace(-9, 9, 2001)
    density = run("sampler_gallery", target=target, difficulty=difficulty, x=x)["marginal"]
    cumulative = np.cumsum(density) * (x[1] - x[0])
    first = np.sort(law.draw(100_000, 1)[:, 0])
    found = np.searchsorted(first, x, side="right") / len(first)
    assert cumulative[-1] == pytest.approx(1.0, abs=1e-4)
    np.testing.assert_allclose(cumulative, found, atol=0.008)


def test_a_funnel_is_shown_in_its_own_coordinates():
    out = run("sampler_gallery", sampler=2, target=1, difficulty=0.0)
    stretched = out["path"][:, 1] * np.exp(0.5 * out["path"][:, 0])
    np.testing.assert_allclose(out["samples"][:, 1], stretched, rtol=1e-12)


def test_divergences_are_shown_where_they_began():
    changes = {"sampler": 2, "target": 1, "difficulty": 1.0, "step_size": 1.2, "n_steps": 10}
    out = run("sampler_gallery", n=2000, **changes)
    chains = samplers.sample(
        samplers.HMC(1.2, 10),
        samplers.funnel(2, 1.0, 2.0),
        2000,
        start=[0.0, 0.0],
        n_chains=1,
        rng=3,
        progress=False,
    )
    lost = np.isfinite(out["lost"]).all(axis=1)
    assert 0 < lost.sum() == chains.divergent.sum()
    assert out["numbers"][5] == pytest.approx(chains.divergent.mean())
    before = np.concatenate([[[0.0, 0.0]], out["samples"][:-1]])
    np.testing.assert_array_equal(out["lost"][lost], before[lost])


def test_a_trajectory_is_the_leapfrog_of_labcore():
    out = run("hmc_trajectory")
    law = samplers.banana(0.9, 1.0)
    expected = samplers.leapfrog(law, [1.0, 0.5], [1.0, 0.5], step_size=0.1, n_steps=29)
    error = expected.energies - expected.energies[0]
    np.testing.assert_allclose(out["path"][:30], expected.positions, atol=1e-12)
    np.testing.assert_allclose(out["energy"][:30], error, atol=1e-10)
    assert np.isnan(out["path"][30:]).all()
    numbers = np.exp(min(-error[-1], 0.0)), np.abs(error).max(), 2.9, 1.0, 0.5
    np.testing.assert_allclose(out["numbers"], numbers, rtol=1e-9)
    fine = samplers.leapfrog(law, [1.0, 0.5], [1.0, 0.5], step_size=0.001, n_steps=2900)
    np.testing.assert_allclose(out["exact"][:30], fine.positions[::100], atol=1e-12)


def test_a_trajectory_that_explodes_is_not_accepted():
    out = run("hmc_trajectory", step_size=3.0)
    assert out["numbers"][0] == 0.0
    assert out["numbers"][1] == np.inf
    assert np.isnan(out["path"][29]).all()


def test_the_walk_forgets_at_the_rate_of_its_second_eigenvalue():
    out = run("markov_forgetting")
    matrix, weight = out["matrix"], out["weight"]
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-14)
    np.testing.assert_allclose(weight[:, None] * matrix, (weight[:, None] * matrix).T, atol=1e-15)
    second = np.sort(np.linalg.eigvals(matrix).real)[-2]
    assert out["numbers"][0] == pytest.approx(1.0 - second, rel=1e-9)
    assert out["numbers"][0] == pytest.approx(samplers.spectrum(matrix).gap, rel=1e-9)
    law = np.eye(20)[5] @ np.linalg.matrix_power(matrix, 100)
    np.testing.assert_allclose(out["law"], law, atol=1e-12)
    assert out["distance"][100] == pytest.approx(0.5 * np.abs(law - weight).sum(), rel=1e-9)
    assert (out["distance"] <= out["bound"]).all()
    steps = np.diff(out["walk"]) / (4.0 / 19)
    assert set(np.round(steps, 9)) <= {-1.0, 0.0, 1.0}
    assert out["numbers"][2] == np.mean(out["walk"][:100] > 0.0)


@pytest.mark.parametrize("barrier", [0.5, 2.0, 6.0])
def test_the_walk_is_metropolis_on_the_double_well(barrier):
    out = run("markov_forgetting", barrier=barrier, n=41, start=10)
    states = np.linspace(-2, 2, 41)
    neighbours = 0.5 * (np.eye(41, k=1) + np.eye(41, k=-1))
    neighbours[0, 0] = neighbours[-1, -1] = 0.5
    weight = np.exp(-barrier * (states**2 - 1) ** 2)
    expected = samplers.metropolis_matrix(neighbours, weight)
    np.testing.assert_allclose(out["matrix"], expected, atol=1e-13)
    assert out["numbers"][0] == pytest.approx(samplers.spectrum(expected).gap, rel=1e-6)


def test_the_walk_comes_to_the_stationary_law():
    """A long walk: its 20,000 states are worth some hundreds, so 0.1 is several deviations."""
    out = run("markov_forgetting", barrier=0.5, n=10, n_steps=20_000, start=2, shown=20_000 - 1)
    share = np.mean(out["walk"] > 0.0)
    assert share == pytest.approx(0.5, abs=0.1)
    assert share == pytest.approx(out["numbers"][2], abs=1e-3)


@pytest.mark.parametrize(("case", "doublings"), [(0, 0), (2, 4)])
def test_the_magnified_path_is_the_start_of_the_same_path(case, doublings):
    out = run("brownian_zoom", case)
    w = sde.brownian_paths(1.0, 1024, rng=1)[0]
    stride = 16 >> doublings
    shown = w[: 64 * stride + 1 : stride] * 2.0 ** (doublings / 2)
    np.testing.assert_allclose(out["path"], shown, rtol=1e-14)
    moves = np.diff(shown)
    assert out["numbers"][:2] == pytest.approx([np.abs(moves).sum(), (moves**2).sum()])


def test_magnified_a_smooth_curve_goes_flat():
    """Its squared increments fall with the magnification c like 1 / c, here 16.

    A sine's mean squared slope is 1/2 of the greatest over its periods, and 1/2 + 1/pi over the
    eighth of one that is left at c = 16.
    """
    steep, flat = (run("brownian_zoom", case)["numbers"][3] for case in (0, 2))
    greatest = (0.7 * 4 * np.pi) ** 2
    assert steep == pytest.approx(greatest / 2 / 64, rel=0.01)
    assert flat == pytest.approx(greatest * (0.5 + 1 / np.pi) / 64 / 16, rel=0.01)


@pytest.mark.parametrize(("row", "solver"), [(0, sde.EULER_MARUYAMA), (1, sde.MILSTEIN)])
def test_strong_errors_are_those_of_the_solvers(row, solver):
    out = run("strong_error")
    model = sde.geometric_brownian(0.5, 1.0)
    for j, h in enumerate(out["h"]):
        n_steps = round(1 / h)
        paths = sde.solve(model, solver, 1.0, 1.0, n_steps, 64, rng=1)
        w = sde.brownian_paths(1.0, n_steps, 64, rng=1)[:, -1]
        error = np.abs(paths.x[:, -1] - model.solution(1.0, 1.0, w)).mean()
        assert out["error"][row, j] == pytest.approx(error, rel=1e-9)
    slope = np.polyfit(np.log(out["h"]), np.log(out["error"][row]), 1)[0]
    assert out["orders"][row] == pytest.approx(slope, rel=1e-9)
    guide = np.polyfit(np.log(out["h"]), np.log(out["guide"][row]), 1)[0]
    assert guide == pytest.approx([0.5, 1.0][row], rel=1e-9)


def test_the_drawn_path_is_the_solver_s():
    out = run("strong_error")
    paths = sde.solve(sde.geometric_brownian(0.5, 1.0), sde.MILSTEIN, 1.0, 1.0, 8, rng=1)
    np.testing.assert_allclose(out["milstein"][:9], paths.x[0], rtol=1e-12)
    np.testing.assert_array_equal(out["times"][:9], paths.t)
    assert np.isnan(out["times"][9:]).all()


@pytest.mark.parametrize("point", [0.0, 0.25, 0.5, 1.0])
def test_sums_tend_to_the_integral_of_their_point(point):
    """Over 1000 paths the mean gap to Ito's integral is known to 0.004: four of these."""
    out = run("stochastic_integral", point=point, n_steps=32, n_paths=1000)
    assert out["numbers"][0] == pytest.approx(point, abs=0.016)
    assert out["numbers"] == pytest.approx([out["gaps"].mean(), out["gaps"].std()], rel=1e-9)
    w = sde.brownian_paths(1.0, 128, rng=1)[0]
    values = w[round(4 * point) :: 4][:32]
    sums = np.concatenate([[0.0], np.cumsum(values * np.diff(w[::4]))])
    np.testing.assert_allclose(out["sums"], sums, atol=1e-13)
    np.testing.assert_allclose(out["stratonovich"] - out["ito"], out["t"] / 2, atol=1e-14)
    assert out["gaps"][0] == pytest.approx(sums[-1] - out["ito"][-1], abs=1e-13)


def test_the_left_sums_spread_as_the_theory_of_squares_says():
    """The gap of a left sum is (1 - sum of squares) / 2, of variance 1 / (2 n)."""
    out = run("stochastic_integral", point=0.0, n_steps=32, n_paths=1000)
    assert out["numbers"][1] == pytest.approx(np.sqrt(1 / 64), rel=0.07)


def test_the_double_well_s_ends_follow_the_stationary_density():
    """Kolmogorov-Smirnov on 2000 ends; the step biases the law by far less than the noise."""
    out = run("double_well", t_end=30.0, step_size=0.03, points=1025, n_paths=2000, bins=601)
    spacing = out["grid"][1] - out["grid"][0]
    cumulative = np.cumsum(out["density"]) * spacing - 0.5 * out["density"] * spacing
    result = stats.kstest(out["ends"], lambda x: np.interp(x, out["grid"], cumulative))
    assert result.pvalue > 1e-3
    np.testing.assert_array_equal(out["paths"][:, -1], out["ends"][:3])
    shares = np.mean(out["ends"] > 0), np.mean(abs(out["ends"]) < 0.5)
    np.testing.assert_allclose(out["law"][:3], [0, *shares], rtol=1e-12)
    inside = np.interp([-0.5, 0.5], out["grid"] + spacing / 2, np.cumsum(out["density"]) * spacing)
    assert out["law"][3] == pytest.approx(np.diff(inside)[0], abs=1e-4)
    assert out["law"][2] == pytest.approx(out["law"][3], abs=0.03)  # 2000 ends: three times 0.01


def test_a_longer_step_sees_the_same_noise():
    out = run("double_well", 1)
    w = sde.brownian_paths(12.8, 128, rng=1)[0]
    for times, x, every in (
        (out["t"][:43], out["paths"][0, :43], 3),
        (out["time"], out["fine"], 1),
    ):
        dw = np.diff(w[::every])
        assert dw.size == times.size - 1
        expected = x[:-1] + (x[:-1] - x[:-1] ** 3) * 0.1 * every + 0.7 * dw
        np.testing.assert_allclose(x[1:], expected, atol=1e-12)
        np.testing.assert_allclose(times, 0.1 * every * np.arange(times.size), atol=1e-12)


def test_a_path_that_explodes_is_nan_from_there_on():
    out = run("double_well", 2)
    gone = np.isnan(out["ends"])
    assert 0 < gone.sum() == out["law"][0]
    assert out["law"][1] == pytest.approx(np.mean(out["ends"][~gone] > 0))
    assert np.isnan(out["t"][9:]).all()


def test_the_density_is_that_of_the_hopping_walker():
    """The exponential of the walker's rates, written down as a matrix."""
    out = run("double_well_law", n_steps=512, points=513)
    grid, delta = out["grid"], out["grid"][1] - out["grid"][0]
    spread, slide = 0.49 / (2 * delta**2), (grid - grid**3) / (2 * delta)
    hops = np.diag((spread + slide)[:-1], 1) + np.diag((spread - slide)[1:], -1)
    rates = hops - np.diag(hops.sum(axis=1))
    start = np.argmin(abs(grid + 1))
    for frame in (1, 4, 16):
        expected = linalg.expm(out["t"][frame] * rates)[start] / delta
        np.testing.assert_allclose(out["density"][frame], expected, atol=2e-3)
    np.testing.assert_allclose(out["density"].sum(axis=1) * delta, 1.0, rtol=1e-9)
    assert out["density"].min() > -1e-12


def test_particles_and_density_agree_and_forget_the_start():
    """Shares of 16,000 particles are known to 0.004: four of these."""
    out = run("double_well_law", t_end=25.6, n_steps=1024, points=1025, n_paths=16_000)
    assert np.abs(out["right"][0] - out["right"][1]).max() < 0.016
    np.testing.assert_allclose(out["right"][0], (out["positions"] > 0).mean(axis=1), atol=1e-9)
    assert out["right"][1, -1] == pytest.approx(0.5, abs=0.02)
    np.testing.assert_allclose(out["density"][-1], out["stationary"], atol=0.03)


def test_restoring_draws_have_the_closed_form_s_spread():
    out = run("restoring", n_paths=4000, shown=4000)
    t, exact = out["t"][:33], out["exact"][:, :33]
    model = sde.ornstein_uhlenbeck(1.0, 0.0, 1.0)
    deviation = np.sqrt(model.variance(t, 3.0))
    np.testing.assert_allclose(exact.std(axis=0)[1:], deviation[1:], rtol=0.06)
    np.testing.assert_allclose(out["mean"][::4], model.mean(t, 3.0), rtol=1e-12)
    np.testing.assert_allclose(out["high"][::4] - out["low"][::4], 3.92 * deviation, atol=1e-12)
    assert out["numbers"][:2] == pytest.approx(out["ends"].std(axis=1), rel=1e-9)
    assert out["numbers"][2] == pytest.approx(deviation[-1], rel=1e-12)
    h, factor = 1 / 8, out["numbers"][3]
    assert out["numbers"][0] == pytest.approx(np.sqrt(h / (1 - factor**2)), rel=0.05)


def test_a_step_beyond_its_limit_multiplies_the_deviation():
    out = run("restoring", 1, diffusion=0.0)
    np.testing.assert_allclose(out["euler"][0, :9], 3.0 * (-14.0) ** np.arange(9), rtol=1e-9)


def ring(components: int):
    angle = 2 * np.pi * np.arange(components) / components
    means = 3.0 * np.column_stack([np.sin(angle), np.cos(angle)])
    return mixture(means, 0.09)


def test_the_field_is_the_velocity_of_the_mixtures():
    out = run("interpolant_field", 1)
    path = between(mixture(np.zeros((1, 2))), ring(4), linear())
    x = np.column_stack([out["x"], out["y"]])
    velocity = np.column_stack([out["u"], out["v"]])
    np.testing.assert_allclose(velocity, path.velocity(0.6, x), atol=1e-10)
    grid = np.linspace(-4.5, 4.5, 9)
    points = np.array([(a, b) for b in grid for a in grid])
    expected = np.exp(path.log_density(0.6, points)).reshape(9, 9)
    np.testing.assert_allclose(out["density"], expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize("case", [0, 1, 2])
def test_the_velocity_is_the_mean_slope_of_the_lines_through_a_point(case):
    """Of 20,000 lines; five standard errors are allowed."""
    out = run("interpolant_field", case, n=20_000)
    t, probe = INPUTS["interpolant_field"][case]["t"], np.array([1.0, 0.5])
    path = between(mixture(np.zeros((1, 2))), ring(4), linear())
    velocity = path.velocity(t, probe[None])[0]
    np.testing.assert_allclose(out["at"][:2], velocity, atol=1e-12)
    np.testing.assert_allclose(out["at"][2:4], probe + (1 - t) * velocity, atol=1e-12)
    ends = np.stack([out["lines_x"], out["lines_y"]], axis=2)
    through = (1 - t) * ends[:, 0] + t * ends[:, 1]
    np.testing.assert_allclose(through, np.tile(probe, (20_000, 1)), atol=1e-12)
    slopes = ends[:, 1] - ends[:, 0]
    np.testing.assert_allclose(out["at"][4:], slopes.mean(axis=0), atol=1e-12)
    assert (np.abs(out["at"][4:] - velocity) < 5 * slopes.std(axis=0) / np.sqrt(20_000)).all()
    assert out["responsibilities"][:4].sum() == pytest.approx(1.0, rel=1e-12)
    distances = np.linalg.norm(ends[:, 1, None] - out["means"][:4], axis=2)
    shares = np.bincount(distances.argmin(axis=1), minlength=4) / 20_000
    np.testing.assert_allclose(shares, out["responsibilities"][:4], atol=0.02)


def test_ode_and_sde_arrive_at_the_target():
    """Mean distance to the nearest centre of the ring: sqrt(pi / 2) 0.3 = 0.376 for the target."""
    out = run("interpolant_particles", 1, n=4000, n_steps=400, n_times=3, bias=0.0)
    np.testing.assert_allclose(out["numbers"][:3], np.sqrt(np.pi / 2) * 0.3, rtol=0.04)
    for particles in (out["ode"][-1], out["sde"][-1], out["target"]):
        np.testing.assert_allclose(particles.mean(axis=0), 0.0, atol=0.2)
        np.testing.assert_allclose(np.cov(particles.T), ring(5).covariance(), atol=0.35)
    for memory, moved in zip(out["numbers"][3:], (out["ode"], out["sde"]), strict=True):
        each = [np.corrcoef(moved[0, :, k], moved[-1, :, k])[0, 1] for k in (0, 1)]
        assert memory == pytest.approx(np.mean(each), rel=1e-9)
    assert out["numbers"][3] > out["numbers"][4] + 0.2


def test_groups_start_on_alternate_sides():
    start = run("interpolant_particles", n=400)["ode"][0].reshape(4, 100, 2)
    assert (start[::2, :, 0] < 0).all()
    assert (start[1::2, :, 0] > 0).all()
    np.testing.assert_allclose(start.reshape(400, 2).std(axis=0), 1.0, atol=0.15)


def test_a_wrong_velocity_hurts_the_ode_more_than_the_sde():
    out = run("interpolant_particles", 1, n=2000, n_steps=400, n_times=3, bias=1.0, epsilon=2.0)
    ode, sde_, exact = out["numbers"][:3]
    assert ode - exact > 3 * abs(sde_ - exact)


def test_one_euler_step_puts_all_particles_on_the_mean_of_the_target():
    out = run("interpolant_particles", n_steps=1)
    np.testing.assert_allclose(out["ode"][-1], 0.0, atol=1e-14)
    assert out["numbers"][3] == 0.0
    out = run("interpolant_line", n_steps=1, noise=0.0)
    np.testing.assert_allclose(out["ode"][:, -1], 0.6, atol=1e-14)


def test_few_steps_are_joined_by_straight_lines():
    moved = run("interpolant_particles", 2)  # 4 steps, 10 intervals: corners at rows 0, 2.5, 5, ...
    for name in ("ode", "sde"):
        np.testing.assert_allclose(moved[name][6], (moved[name][5] + moved[name][7]) / 2)
    exact = run("interpolant_particles", 2, n_times=5)
    np.testing.assert_allclose(exact["sde"][2], moved["sde"][5], atol=1e-14)


@pytest.mark.parametrize("case", [0, 1])
def test_density_on_the_line_is_that_of_the_interpolant(case):
    out = run("interpolant_line", case)
    noise = INPUTS["interpolant_line"][case]["noise"]
    target = mixture([-1.5, 1.5], 0.15, weights=[0.3, 0.7])
    path = between(mixture([0.0]), target, linear(noise=noise))
    x = np.linspace(-4, 4, 31)
    for i in (0, 9, 20):
        expected = np.exp(path.log_density(out["t"][i], x))
        np.testing.assert_allclose(out["density"][:, i], expected, rtol=1e-9, atol=1e-300)


def test_ode_and_sde_on_the_line_have_the_interpolant_s_deviation():
    """Of 4000 particles it is known to 1.1 %; four of these are allowed."""
    out = run("interpolant_line", n=4000, n_steps=400, n_times=5, epsilon=1.0)
    numbers = out["numbers"]
    variance = (1 - out["t"]) ** 2 + out["t"] ** 2 * (0.15 + 0.21 * 9)
    np.testing.assert_allclose(numbers[:, 2] ** 2, variance + 0.5 * out["t"] * (1 - out["t"]))
    for which, paths in enumerate((out["ode"], out["sde"])):
        np.testing.assert_allclose(numbers[:, which], numbers[:, 2], rtol=0.045)
        np.testing.assert_allclose(numbers[:, which], paths.std(axis=0), rtol=1e-9)
        memory = [np.corrcoef(paths[:, 0], paths[:, i])[0, 1] for i in range(5)]
        np.testing.assert_allclose(numbers[:, 3 + which], memory, rtol=1e-9)
        width = np.sqrt(np.mean((np.abs(paths) - 1.5) ** 2, axis=0))
        np.testing.assert_allclose(numbers[:, 5 + which], width, rtol=1e-9)


def test_an_error_of_the_velocity_narrows_the_modes_of_the_ode_alone():
    """The target's modes have the width sqrt(0.15) = 0.387."""
    out = run("interpolant_line", 1, n=2000, n_steps=400, n_times=2, epsilon=5.0)
    assert out["numbers"][-1, 5] < 0.25
    assert out["numbers"][-1, 6] == pytest.approx(np.sqrt(0.15), rel=0.08)


def middles(n: int) -> np.ndarray:
    return (np.arange(n) + 0.5) / n


def test_five_senses_of_one_matrix():
    out = run("five_senses", 1)
    gram = kernels.Gaussian(0.1)(middles(40))
    np.testing.assert_allclose(out["matrix"], gram, atol=1e-15)
    values = np.linalg.eigvalsh(gram / 40)[::-1]
    np.testing.assert_allclose(out["eigenvalues"], values[:8], atol=1e-14)
    blur = gram / (40 * 0.1 * np.sqrt(2 * np.pi))
    np.testing.assert_allclose(out["blurred"], blur @ out["signal"], atol=1e-14)
    assert set(np.round(40 * out["walk"] - 0.5)) <= set(range(40))
    kept = gram > 1e-16
    np.testing.assert_allclose(out["exponents"][kept], np.log10(gram[kept]), atol=1e-12)
    assert np.isnan(out["exponents"][~kept]).all()


def test_each_sense_has_the_number_that_its_theory_says():
    """3000 draws and 20000 steps; of a walk's steps those near a wall are shorter."""
    out = run("five_senses", lengthscale=0.05, n=80, count=3000, n_steps=20_000, rank=1)
    changes, step, edge, modes, share = out["numbers"]
    x = middles(80)
    gram = kernels.Gaussian(0.05)(x)
    assert changes == pytest.approx(79 * np.arccos(gram[0, 1]) / np.pi, rel=0.02)
    assert step == pytest.approx(0.05, rel=0.12)
    assert edge == pytest.approx(np.sqrt(2 * np.pi) * 0.05, rel=1e-3)
    carried = np.cumsum(np.linalg.eigvalsh(gram / 80)[::-1])
    assert modes == np.searchsorted(carried, 0.99) + 1
    assert share == pytest.approx((gram > 1e-16).mean())


def test_a_draw_is_a_sum_of_eigenfunctions():
    out = run("karhunen_loeve")
    values, vectors = np.linalg.eigh(kernels.Gaussian(0.1)(middles(40)) / 40)
    values, vectors = values[::-1], vectors[:, ::-1]
    np.testing.assert_allclose(out["eigenvalues"], values[:20].clip(0), atol=1e-14)
    np.testing.assert_allclose(out["share"], np.cumsum(values)[:20], atol=1e-13)
    for m in (1, 5, 9):  # the first m terms are what is left of the whole in their span
        kept = vectors[:, :m]
        np.testing.assert_allclose(out["partial"][m - 1], kept @ (kept.T @ out["whole"]), atol=1e-9)


def test_draws_by_eigenfunctions_have_the_kernel_s_covariance():
    draws = np.array([run("karhunen_loeve", seed=seed, n=6)["whole"] for seed in range(3000)])
    np.testing.assert_allclose(np.cov(draws.T), kernels.Gaussian(0.1)(middles(6)), atol=0.1)


@pytest.mark.parametrize("case", range(4))
def test_variances_add_when_kernels_of_any_shape_are_composed(case):
    out = run("compose_kernels", case)
    deviation, predicted, _, mass = out["numbers"]
    assert predicted == pytest.approx(np.hypot(0.4, 0.6), rel=1e-14)
    # The interval ends at 4: of a one-sided exponential with standard deviation 0.6 that cuts off
    # 5e-4 of the mass and 2 % of the variance.
    assert deviation == pytest.approx(predicted, rel=0.015)
    assert mass == pytest.approx(1.0, abs=2e-3)


def test_composed_gaussians_are_gaussian_and_others_are_not():
    def gap(first, second, width=0.6):
        shapes = {"first_shape": first, "second_shape": second, "second": width}
        return run("compose_kernels", **shapes)["numbers"][2]

    assert gap(0, 0) < 1e-10
    assert gap(0, 1) > 0.01
    assert gap(1, 1) > 0.03


def test_variances_do_not_add_on_an_interval_that_is_too_short():
    out = run("compose_kernels", first=2.0, second=2.0, second_shape=0)
    deviation, predicted, gap, mass = out["numbers"]
    assert deviation < 0.75 * predicted
    assert gap > 0.02
    assert mass < 0.85


@pytest.mark.parametrize("shape", range(4))
def test_copies_are_composed_as_fourier_transforms_multiply(shape):
    out = run("compose_copies", shape)
    base = out["base"]
    positions = np.arange(base.size)
    mean = base @ positions
    deviation = np.sqrt(base @ (positions - mean) ** 2)
    assert base.sum() == pytest.approx(1.0, abs=1e-4)
    assert 0.1 * deviation == pytest.approx(1.0, rel=3e-3)
    for copies in (1, 2, 4):
        size = copies * base.size
        power = np.fft.irfft(np.fft.rfft(base, size) ** copies, size)
        z = (np.arange(size) - copies * mean) / (deviation * np.sqrt(copies))
        density = power * deviation * np.sqrt(copies)
        found = np.interp(out["positions"][copies - 1], z, density, left=0.0, right=0.0)
        np.testing.assert_allclose(out["densities"][copies - 1], found, atol=1e-9)
        half = 0.5 / (deviation * np.sqrt(copies))
        at_edges = np.cumsum(power) - stats.norm.cdf(z + half)
        at_middles = np.cumsum(power) - 0.5 * power - stats.norm.cdf(z)
        gap = max(np.abs(at_edges).max(), np.abs(at_middles).max())
        assert out["gaps"][copies - 1] == pytest.approx(gap, abs=5e-4)


@pytest.mark.parametrize("shape", [1, 2, 3])
def test_the_gap_to_the_normal_is_edgeworth_s_in_the_long_run(shape):
    out = run("compose_copies", shape, most=32, room=32 * 160, width=400)
    assert out["gaps"][-1] == pytest.approx(out["predicted"][-1], rel=0.5 if shape == 3 else 0.05)
    rate = -0.5 if shape == 2 else -1.0
    assert np.log(out["predicted"][31] / out["predicted"][7]) / np.log(4) == pytest.approx(rate)


@pytest.mark.parametrize("case", range(2))
def test_the_inverse_of_a_measurement_is_bayes_rule(case):
    values = INPUTS["bayesian_inverse"][case]
    out = run("bayesian_inverse", case)
    x = middles(50)
    kernel = kernels.Gaussian(values["noise"])(x)
    kernel /= kernel.sum(axis=1, keepdims=True)
    prior = stats.norm.pdf(x, 0.3, 0.06) * 0.06 + 0.6 * stats.norm.pdf(x, 0.75, 0.1) * 0.1
    prior /= prior.sum()
    joint = prior[:, None] * kernel
    inverse = (joint / joint.sum(axis=0)).T
    np.testing.assert_allclose(out["kernel"] ** 2, kernel, atol=1e-14)
    np.testing.assert_allclose(out["inverse"] ** 2, inverse, atol=1e-13)
    belief = inverse[min(int(values["datum"] * 50), 49)]
    np.testing.assert_allclose(out["belief"] / 50, belief, atol=1e-13)
    mean = belief @ x
    deviation = np.sqrt(belief @ (x - mean) ** 2)
    np.testing.assert_allclose(out["numbers"], [mean, deviation], atol=1e-12)


@pytest.mark.parametrize("method", range(4))
def test_the_timed_loops_compute_the_same(method):
    out = run("gram_timing", method)
    gram = kernels.Gaussian(0.3)(out["points"])
    rows = slice(None) if method < 3 else slice(50, None)  # the fused one keeps the last row
    np.testing.assert_allclose(out["gram"][rows], gram[rows], atol=1e-15)
    assert out["action"][0] == pytest.approx(gram[-1] @ out["signal"], rel=1e-13)
