"""The loops of the figures say what labcore says, found by its public functions."""

import numpy as np
import pytest
from scipy import stats

from labcore import kernels, samplers, sde
from labcore.interpolants import between, linear, mixture
from labcore.live.exports import EXPORTS, linear_algebra
from tests.live.export_inputs import DATA, INPUTS

KINDS = {
    0: kernels.Gaussian(0.2),
    1: kernels.Matern(0.5, 0.2),
    2: kernels.Matern(1.5, 0.2),
    3: kernels.Matern(2.5, 0.2),
    4: kernels.Periodic(0.2, 1.0),
}


def run(name: str, case: int = 0, **changes) -> dict[str, np.ndarray]:
    return EXPORTS[name].run(**(INPUTS[name][case] | changes))


@pytest.mark.parametrize("kind", KINDS)
def test_the_posterior_is_that_of_gaussian_process_regression(kind):
    out = run("gp_posterior", kind=kind, data=DATA)
    x, y = np.array(DATA).T
    posterior = kernels.condition(KINDS[kind], x, y, noise_variance=0.01 + 1e-8)
    grid = np.linspace(0, 1, 40)
    np.testing.assert_allclose(out["mean"], posterior.mean(grid), atol=1e-9)
    np.testing.assert_allclose(out["sd"], posterior.sd(grid), atol=1e-7)
    loo = posterior.leave_one_out()
    expected = posterior.log_marginal_likelihood(), np.sqrt(np.mean((loo.mean - y) ** 2)), 0.0
    np.testing.assert_allclose(out["numbers"], expected, rtol=1e-9)


def test_prior_and_posterior_draws_have_their_covariances():
    """5000 draws: a standard deviation is known to 1 %, five of which are allowed."""
    out = run("gp_posterior", count=5000, m=6)
    np.testing.assert_allclose(out["prior"].std(axis=0), 1.0, atol=0.05)
    np.testing.assert_allclose(out["prior"].mean(axis=0), 0.0, atol=0.07)
    np.testing.assert_allclose(out["draws"].std(axis=0), out["sd"], rtol=0.06)
    np.testing.assert_allclose(out["draws"].mean(axis=0), out["mean"], atol=0.07)
    gram = kernels.Gaussian(0.2)(np.linspace(0, 1, 6))
    np.testing.assert_allclose(np.cov(out["prior"].T), gram, atol=0.08)


def test_likelihood_curve_is_the_likelihood_at_each_lengthscale():
    out = run("gp_likelihood")
    x, y = np.array(DATA).T
    for j in (0, 7, 19):
        kernel = kernels.Gaussian(out["lengthscales"][j])
        posterior = kernels.condition(kernel, x, y, noise_variance=0.01 + 1e-8)
        assert out["likelihood"][j] == pytest.approx(posterior.log_marginal_likelihood(), rel=1e-8)


def test_exponential_of_a_power_is_a_kernel_up_to_two_and_not_above():
    for power in (0.5, 1.0, 1.9, 2.0):
        assert run("is_it_a_kernel", power=power)["eigenvalues"].min() > -1e-12
    out = run("is_it_a_kernel", power=3.0)
    assert out["eigenvalues"].min() < -1e-3
    np.testing.assert_allclose(
        out["eigenvalues"], np.linalg.eigvalsh(out["matrix"])[::-1], atol=1e-12
    )


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
    0: (samplers.banana(1.0, 1.0), 1.0),
    1: (samplers.funnel(2, 0.4, 1.5), 0.4),
    2: (samplers.two_modes(2, distance=4.0, width=0.7), 4.0),
    3: (samplers.gaussian([[1.0, 0.9], [0.9, 1.0]]), 0.9),
}
SAMPLERS = {
    0: samplers.Metropolis(0.4),
    1: samplers.MALA(0.4),
    2: samplers.HMC(0.4, 6),
}


@pytest.mark.parametrize("target", GALLERY)
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_the_gallery_runs_the_samplers_themselves(sampler, target):
    law, shape = GALLERY[target]
    out = run("sampler_gallery", sampler=sampler, target=target, shape=shape, step_size=0.4)
    chains = samplers.sample(
        SAMPLERS[sampler], law, 200, start=[0.0, 0.0], n_chains=1, rng=3, progress=False
    )
    np.testing.assert_allclose(out["path"], chains.samples[0], atol=1e-7)
    assert out["numbers"][0] == pytest.approx(chains.acceptance[0], rel=1e-6)
    size = samplers.effective_sample_size(chains.samples[:, :, 0])
    assert out["numbers"][1] == pytest.approx(size, rel=1e-6)


def test_a_funnel_is_shown_in_its_own_coordinates():
    out = run("sampler_gallery", sampler=2, target=1, shape=0.0)
    stretched = out["path"][:, 1] * np.exp(0.5 * out["path"][:, 0])
    np.testing.assert_allclose(out["samples"][:, 1], stretched, rtol=1e-12)


def test_a_trajectory_is_the_leapfrog_of_labcore():
    out = run("hmc_trajectory")
    law = samplers.banana(0.9, 1.0)
    expected = samplers.leapfrog(law, [1.0, 0.5], [1.0, 0.5], step_size=0.1, n_steps=29)
    np.testing.assert_allclose(out["path"], expected.positions, atol=1e-12)
    np.testing.assert_allclose(out["energy"], expected.energies - expected.energies[0], atol=1e-10)


def test_the_walk_forgets_at_the_rate_of_its_second_eigenvalue():
    out = run("markov_forgetting")
    matrix, weight = out["matrix"], out["weight"]
    np.testing.assert_allclose(matrix.sum(axis=1), 1.0, atol=1e-14)
    np.testing.assert_allclose(weight[:, None] * matrix, (weight[:, None] * matrix).T, atol=1e-15)
    second = np.sort(np.linalg.eigvals(matrix).real)[-2]
    assert out["next_law"][0] == pytest.approx(second, rel=1e-9)
    law = np.eye(20)[0] @ np.linalg.matrix_power(matrix, 100)
    assert out["distance"][100] == pytest.approx(0.5 * np.abs(law - weight).sum(), rel=1e-9)
    assert set(np.diff(out["walk"])) <= {-1.0, 0.0, 1.0}


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


def test_the_drawn_path_is_the_solver_s_with_straight_lines_between():
    out = run("strong_error")
    paths = sde.solve(sde.geometric_brownian(0.5, 1.0), sde.MILSTEIN, 1.0, 1.0, 8, rng=1)
    np.testing.assert_allclose(
        out["milstein"], np.interp(out["t"], paths.t, paths.x[0]), rtol=1e-12
    )


@pytest.mark.parametrize("point", [0.0, 0.3, 0.5, 1.0])
def test_sums_tend_to_the_integral_of_their_point(point):
    """The error of a sum with n steps is of order 1 / sqrt(2 n), here 0.03."""
    out = run("stochastic_integral", point=point, n_steps=512, points=513)
    assert abs(out["sums"][-1] - out["limit"][-1]) < 0.12
    w = sde.brownian_paths(1.0, 512, rng=1)[0]
    middle = (1 - point) * w[:-1] + point * w[1:]
    assert out["sums"][-1] == pytest.approx((middle * np.diff(w)).sum(), abs=1e-12)


def test_the_double_well_s_ends_follow_the_stationary_density():
    """Kolmogorov-Smirnov on 2000 ends; the step biases the law by far less than the noise."""
    out = run("double_well", t_end=30.0, n_steps=1024, points=1025, n_paths=2000, bins=601)
    spacing = out["grid"][1] - out["grid"][0]
    cumulative = np.cumsum(out["density"]) * spacing - 0.5 * out["density"] * spacing
    result = stats.kstest(out["ends"], lambda x: np.interp(x, out["grid"], cumulative))
    assert result.pvalue > 1e-3
    np.testing.assert_array_equal(out["paths"][:, -1], out["ends"][:3])


def test_a_path_that_explodes_is_nan_from_there_on():
    out = run("double_well", 1)
    assert np.isnan(out["ends"]).any()
    assert np.isnan(out["t"][21:]).all()


def test_restoring_draws_have_the_closed_form_s_spread():
    out = run("restoring", n_paths=4000)
    assert out["numbers"][1] == pytest.approx(out["numbers"][2], rel=0.05)
    np.testing.assert_allclose(out["exact"][:, :33].std(axis=0)[1:], out["sd"][1:33], rtol=0.06)
    h, factor = 4 / 32, out["numbers"][3]
    assert out["numbers"][0] == pytest.approx(np.sqrt(h / (1 - factor**2)), rel=0.05)


def ring(components: int):
    angle = 2 * np.pi * np.arange(components) / components
    means = 3.0 * np.column_stack([np.sin(angle), np.cos(angle)])
    return mixture(means, 0.09)


def test_the_field_is_the_velocity_of_the_mixtures():
    out = run("interpolant_field", 1)
    path = between(mixture(np.zeros((1, 2))), ring(4), linear(noise=0.2))
    x = np.column_stack([out["x"], out["y"]])
    velocity = np.column_stack([out["u"], out["v"]])
    np.testing.assert_allclose(velocity, path.velocity(0.6, x), atol=1e-10)
    grid = np.linspace(-4.5, 4.5, 9)
    points = np.array([(a, b) for b in grid for a in grid])
    expected = np.exp(path.log_density(0.6, points)).reshape(9, 9)
    np.testing.assert_allclose(out["density"], expected, rtol=1e-9, atol=1e-300)
    np.testing.assert_allclose(out["at"][:2], path.velocity(0.6, [[1.0, 0.5]])[0], atol=1e-12)


def test_ode_and_sde_arrive_at_the_target():
    """Mean distance to the nearest centre of the ring: sqrt(pi / 2) 0.3 = 0.376 for the target."""
    out = run("interpolant_particles", 1, n=4000, n_steps=400, n_times=3, bias=0.0)
    np.testing.assert_allclose(out["numbers"], np.sqrt(np.pi / 2) * 0.3, rtol=0.04)
    for particles in (out["ode"][-1], out["sde"][-1], out["target"]):
        np.testing.assert_allclose(particles.mean(axis=0), 0.0, atol=0.2)
        np.testing.assert_allclose(np.cov(particles.T), ring(5).covariance(), atol=0.35)


def test_a_wrong_velocity_hurts_the_ode_more_than_the_sde():
    out = run("interpolant_particles", 1, n=2000, n_steps=400, n_times=3, bias=1.0, epsilon=2.0)
    ode, sde_, exact = out["numbers"]
    assert ode - exact > 3 * abs(sde_ - exact)


def test_density_on_the_line_is_that_of_the_interpolant():
    out = run("interpolant_line")
    path = between(mixture([0.0]), mixture([-2.0, 2.0], 0.09), linear(noise=0.5))
    x = np.linspace(-4, 4, 31)
    for i in (0, 9, 20):
        expected = np.exp(path.log_density(out["t"][i], x))
        np.testing.assert_allclose(out["density"][:, i], expected, rtol=1e-9, atol=1e-300)


def test_five_senses_of_one_matrix():
    out = run("five_senses")
    x = np.linspace(0, 1, 40)
    gram = kernels.Gaussian(0.1)(x)
    np.testing.assert_allclose(out["matrix"], gram, atol=1e-15)
    values, vectors = np.linalg.eigh(gram / 40)
    np.testing.assert_allclose(out["eigenvalues"], values[::-1][:8], atol=1e-14)
    cosines = np.abs(out["eigenfunctions"] @ vectors[:, ::-1][:, :3]) / np.sqrt(40)
    np.testing.assert_allclose(cosines, np.eye(3), atol=1e-9)
    weights = gram / gram.sum(axis=1, keepdims=True)
    np.testing.assert_allclose(out["blurred"], weights @ out["signal"], atol=1e-14)
    assert set(np.round(39 * out["walk"])) <= set(range(40))


def test_variances_add_when_gaussians_are_composed():
    out = run("compose_gaussians")
    assert out["numbers"][0] < 1e-8
    assert out["numbers"][1] == pytest.approx(np.hypot(0.4, 0.6), rel=1e-6)


def test_the_timed_loop_fills_the_gram_matrix():
    out = run("gram_timing")
    expected = kernels.Gaussian(0.7)(out["points"])
    np.testing.assert_allclose(out["gram"], expected, atol=1e-15)
    assert out["checksum"][0] == pytest.approx(expected.mean())
