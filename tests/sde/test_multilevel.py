"""Multilevel Monte Carlo: unbiased by telescoping, as accurate as it is told, and cheap."""

import numba
import numpy as np
import pytest
from numba import njit
from scipy import stats

from labcore import sde
from labcore.sde.model import coefficients_of
from labcore.sde.multilevel import _payoffs
from tests.samplers.alarm import interrupted

R, SIGMA = 0.05, 0.6
MODEL = sde.geometric_brownian(R, SIGMA)
D = (R + SIGMA**2 / 2) / SIGMA
CALL = np.exp(R) * stats.norm.cdf(D) - stats.norm.cdf(D - SIGMA)  # Black and Scholes, undiscounted


def end(paths):
    return paths.x[:, -1]


def call(paths):
    return np.maximum(paths.x[:, -1] - 1.0, 0.0)


def run(
    solver=sde.MILSTEIN, payoff=call, tolerance=0.01, model=MODEL, x0=1.0, t_end=1.0, **options
):
    options = {"rng": 1, "progress": False} | options
    return sde.multilevel(model, solver, x0, t_end, payoff, tolerance, **options)


def corrections(level, done, n, solver=sde.MILSTEIN, n_steps=1, whole_path=False, payoff=call):
    c = coefficients_of(MODEL, solver)
    return _payoffs(solver, c, np.uint64(5), 1.0, 1.0, payoff, n_steps, whole_path, level, done, n)


def test_both_paths_of_a_pair_are_driven_by_one_brownian_path():
    """Of an explicit solution of each method: the product of the factors of its steps."""
    level, n, stream = 3, 40, 3 << 48
    for done in (0, 32):
        dw = np.sqrt(1 / 3) * np.array(
            [normals(stream + done + i, 3) for i in range(n)]
        )  # the coarsest grid of three steps; the finer ones are refined by Levy's midpoints
        w = np.concatenate([np.zeros((n, 1)), np.cumsum(dw, axis=1)], axis=1)
        for k in (3, 6, 12):
            z = np.array([normals(stream + done + i, k, start=k) for i in range(n)])
            middle = 0.5 * (w[:, :-1] + w[:, 1:]) + 0.5 * np.sqrt(1 / k) * z
            w = np.insert(w, np.arange(1, k + 1), middle, axis=1)
        values = []
        for every in (1, 2):
            steps = np.diff(w[:, ::every])
            values.append(np.prod(1 + R * every / 24 + SIGMA * steps, axis=1))
        found = corrections(level, done, n, sde.EULER_MARUYAMA, 3, payoff=end)
        np.testing.assert_allclose(found, values[0] - values[1], atol=1e-13)


def normals(stream, n, start=0):
    from labcore.random import normal

    return normal(n, rng=5, stream=stream, start=start)


@pytest.mark.parametrize("solver", [sde.EULER_MARUYAMA, sde.MILSTEIN], ids=["euler", "milstein"])
def test_the_finer_path_of_a_level_has_the_law_of_the_coarser_of_the_next(solver):
    """E P_l from the sum of corrections and directly, within 4 standard errors of 0.003."""
    n = 40_000
    levels = [corrections(level, 0, n, solver) for level in range(4)]
    direct = call(sde.solve(MODEL, solver, 1.0, 1.0, 8, n, save_every=8, rng=77))
    error = np.sqrt(sum(y.var() for y in levels) / n + direct.var() / n)
    assert error < 0.0045
    assert abs(sum(y.mean() for y in levels) - direct.mean()) < 4 * error


@pytest.mark.parametrize(
    ("solver", "rate"),
    [(sde.EULER_MARUYAMA, 1.0), (sde.MILSTEIN, 2.0)],
    ids=["euler", "milstein"],
)
def test_the_variance_of_a_correction_falls_at_twice_the_strong_order(solver, rate):
    variances = [corrections(level, 0, 20_000, solver).var() for level in range(3, 9)]
    slope = -np.polyfit(range(3, 9), np.log2(variances), 1)[0]
    assert slope == pytest.approx(rate, abs=0.12)


def test_the_root_mean_squared_error_is_below_the_tolerance():
    """40 seeds: the root of the mean square is known to 11 %."""
    for solver, tolerance in ((sde.EULER_MARUYAMA, 0.01), (sde.MILSTEIN, 0.004)):
        results = [run(solver, tolerance=tolerance, rng=seed) for seed in range(40)]
        errors = np.array([r.estimate for r in results]) - CALL
        assert np.sqrt(np.mean(errors**2)) < 1.1 * tolerance
        assert np.sqrt(np.mean(errors**2)) > 0.3 * tolerance  # and no work is wasted
        assert all(r.bias <= tolerance / np.sqrt(2) for r in results)
        assert all(r.standard_error <= 1.02 * tolerance / np.sqrt(2) for r in results)


def test_the_standard_error_is_that_of_repetition():
    """60 seeds with as many levels: the deviation is known to 9 %."""
    results = [run(tolerance=0.01, rng=seed) for seed in range(60)]
    results = [r for r in results if r.levels.steps.size == 3]
    assert len(results) > 30
    deviation = np.std([r.estimate for r in results])
    assert np.mean([r.standard_error for r in results]) == pytest.approx(deviation, rel=0.35)


def test_cost_grows_like_the_inverse_square_of_the_tolerance_and_not_its_cube():
    tolerances = np.array([0.008, 0.004, 0.002, 0.001])
    results = [run(tolerance=e, n_first=100) for e in tolerances]
    cost = [r.levels.cost.sum() for r in results]
    assert -np.polyfit(np.log(tolerances), np.log(cost), 1)[0] == pytest.approx(2.0, abs=0.25)
    # Of as many paths of the finest level as have the same standard error:
    variance = call(sde.solve(MODEL, sde.MILSTEIN, 1.0, 1.0, 8, 10_000, rng=1)).var()
    plain = [variance / r.standard_error**2 * r.levels.steps[-1] for r in results]
    assert -np.polyfit(np.log(tolerances), np.log(plain), 1)[0] > 2.6
    assert plain[-1] > 10 * cost[-1]


def test_the_allocation_minimises_the_cost():
    """N_l proportional to the root of V_l / C_l, and variances that add up to half the square."""
    result = run(tolerance=0.002)
    levels = result.levels
    pair = levels.cost / levels.samples
    np.testing.assert_allclose(pair, levels.steps * np.where(levels.steps > 1, 1.5, 1.0))
    many = levels.samples > 2000  # beyond those that each level begins with
    assert many.sum() >= 3
    ratio = levels.samples[many] / np.sqrt(levels.variance[many] / pair[many])
    np.testing.assert_allclose(ratio, ratio[0], rtol=0.03)
    assert result.standard_error == pytest.approx(np.sqrt((levels.variance / levels.samples).sum()))


def test_moments_of_the_levels_are_those_of_the_corrections():
    levels = run(tolerance=0.05, n_first=50, rng=5).levels
    for level in range(3):
        y = corrections(level, 0, levels.samples[level])
        assert levels.mean[level] == pytest.approx(y.mean(), rel=1e-9)
        assert levels.variance[level] == pytest.approx(y.var(ddof=1), rel=1e-9)
        assert levels.kurtosis[level] == pytest.approx(stats.kurtosis(y, fisher=False), rel=1e-9)


def test_a_payoff_of_the_whole_path():
    """The time average of geometric Brownian motion has mean (e^r - 1) / r."""

    def average(paths):
        assert paths.x.shape[1] == paths.t.size
        return np.trapezoid(paths.x, paths.t, axis=1)

    result = run(payoff=average, tolerance=0.01, n_steps=3, whole_path=True)
    assert result.estimate == pytest.approx(np.expm1(R) / R, abs=0.03)
    assert result.levels.steps[0] == 3


def test_an_exact_solver_has_no_bias_to_correct():
    result = run(sde.EXACT, tolerance=0.005)
    assert result.bias == pytest.approx(0.0, abs=1e-12)
    assert result.levels.steps.size == 3
    assert result.estimate == pytest.approx(CALL, abs=0.02)


def test_a_weak_order_that_is_lower_asks_for_more_levels():
    assert (
        run(tolerance=0.002, weak_order=0.4).levels.steps.size
        > run(tolerance=0.002).levels.steps.size
    )


def test_result_does_not_depend_on_the_number_of_threads():
    threads = numba.get_num_threads()
    many = run()
    try:
        numba.set_num_threads(1)
        alone = run()
    finally:
        numba.set_num_threads(threads)
    assert many[:3] == alone[:3]


def test_levels_that_do_not_suffice_are_reported():
    with pytest.warns(UserWarning, match="3 levels do not reach the tolerance 0.003: the bias is"):
        result = run(sde.EULER_MARUYAMA, end, 0.003, sde.geometric_brownian(1.0, 0.2), max_levels=3)
    assert result.bias > 0.003 / np.sqrt(2)
    assert result.levels.steps.tolist() == [1, 2, 4]


def test_an_interruption_returns_what_there_is():
    run()  # compiled before the alarm is set
    result = interrupted(lambda: run(tolerance=1e-6), "interrupted after [0-9]+ samples")
    assert abs(result.estimate - CALL) < 5 * result.standard_error + 5 * result.bias


@njit
def _cubic(t, x, parameters):
    return -(x**3)


SPRING = sde.Model("cubic spring", _cubic, sde.brownian_motion().diffusion, parameters=(0.0, 1.0))


@pytest.mark.parametrize(
    ("call_it", "error", "message"),
    [
        (lambda: run(tolerance=0.0), ValueError, "tolerance must be positive"),
        (lambda: run(t_end=-1.0), ValueError, "t_end must be positive"),
        (lambda: run(x0=[1.0, 2.0]), TypeError, "x0 must be a real number"),
        (lambda: run(n_steps=0), ValueError, "n_steps must be at least 1"),
        (lambda: run(n_first=1), ValueError, "n_first must be at least 2"),
        (lambda: run(max_levels=2), ValueError, "max_levels must be at least 3"),
        (lambda: run(weak_order=-1.0), ValueError, "weak_order must be positive"),
        (lambda: run(payoff=lambda p: p.x), ValueError, r"payoff must return .* shape \(1000,\)"),
        (
            lambda: run(payoff=lambda p: np.log(p.x[:, -1] * 0 - 1.0)),
            sde.Exploded,
            "payoff must be finite, got nan",
        ),
        (
            lambda: run(sde.EULER_MARUYAMA, end, model=SPRING, x0=50.0, n_steps=8),
            sde.Exploded,
            "start with more steps",
        ),
        (lambda: run(model=SPRING), ValueError, "Milstein needs model.diffusion_derivative"),
    ],
    ids=range(11),
)
@pytest.mark.filterwarnings("ignore:invalid value")
def test_bad_input_is_named(call_it, error, message):
    with pytest.raises(error, match=message):
        call_it()
