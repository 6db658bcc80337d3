"""Crossings, passages and persistence against what is known of them in closed form."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import kstest

from labcore import processes, random, sde
from labcore.processes import excursions


@settings(deadline=None)  # the first call compiles
@given(st.lists(st.integers(-3, 3), min_size=2, max_size=12))
def test_first_passage_is_the_first_crossing(values):
    """Of paths that do not touch the level, whose crossings every convention counts alike."""
    t, x = np.linspace(0.0, 1.0, len(values)) ** 2, np.array(values) + 0.5
    times = excursions.crossing_times(t, x)
    first = excursions.first_passage_times(t, x)[0]
    assert first == (times[0] if len(times) else np.inf)
    assert len(times) == (np.diff(np.sign(x)) != 0).sum()
    np.testing.assert_allclose(np.interp(times, t, x), 0.0, atol=1e-12)


def test_a_path_that_starts_on_the_level_is_on_the_side_it_goes_to():
    t = np.arange(4.0)
    x = [[0.0, 1.0, 2.0, -2.0], [0.0, -1.0, -2.0, 2.0]]
    np.testing.assert_allclose(excursions.first_passage_times(t, x), [2.5, 2.5])


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_rices_formula_counts_the_crossings_of_a_smooth_process(level):
    """Matern 7/2, -r''(0) = nu / (nu - 1): 300 paths of length 100, steps of 0.01; within 4
    standard errors, which are 2 per cent."""
    process = processes.matern_process(3.5)
    t = np.linspace(0.0, 100.0, 10_001)
    x = process.sample(t, 300, rng=1) @ process.measurement
    counts = np.array([len(excursions.crossing_times(t, path, level)) for path in x]) / 100
    rate = excursions.rice_rate(1.0, 3.5 / 2.5, level)
    error = counts.std() / np.sqrt(300)
    assert error < 0.02 * rate
    assert abs(counts.mean() - rate) < 4 * error


def test_a_diffusion_crosses_like_one_over_the_root_of_the_step():
    x = sde.brownian_paths(1.0, 4096, 400, rng=1)
    counts = []
    for every in (64, 4):
        t = np.linspace(0.0, 1.0, 4096 // every + 1)
        crossings = [len(excursions.crossing_times(t, path[::every])) for path in x]
        counts.append(np.mean(crossings))
    assert counts[1] / counts[0] == pytest.approx(4.0, rel=0.15)


@pytest.mark.parametrize("drift", [-0.7, 0.0, 0.9])
def test_the_density_of_first_passage_is_minus_the_slope_of_survival(drift):
    options = {"drift": drift, "diffusion": 1.3}
    for t in (0.3, 1.0, 4.0):
        later = excursions.brownian_survival(t + 1e-5, 0.8, **options)
        earlier = excursions.brownian_survival(t - 1e-5, 0.8, **options)
        density = excursions.brownian_first_passage_density(t, 0.8, **options)
        assert (earlier - later) / 2e-5 == pytest.approx(density, rel=1e-7)


@pytest.mark.parametrize("drift", [-0.7, 0.9])
def test_the_law_of_first_passage_is_defective_against_the_drift(drift):
    def density(t):
        return excursions.brownian_first_passage_density(t, 0.8, drift=drift)

    total = quad(density, 0, 2)[0] + quad(density, 2, np.inf)[0]
    assert total == pytest.approx(min(1.0, np.exp(2 * 0.8 * drift)), rel=1e-8)
    never = excursions.brownian_survival(1e6, 0.8, drift=drift)
    assert never == pytest.approx(1.0 - total, abs=1e-7)


def test_survival_without_drift_is_an_error_function_with_exponent_one_half():
    t = np.array([1e4, 1e6])
    s = excursions.brownian_survival(t, 1.0)
    assert np.log(s[0] / s[1]) / np.log(100.0) == pytest.approx(0.5, abs=1e-4)
    late = excursions.brownian_survival(2.0, 50.0, drift=30.0)  # exp(2 a b) alone would overflow
    assert 0.0 < late < 1.0


def test_survival_of_brownian_motion_between_the_points_of_a_grid():
    """20,000 paths of 16 steps: bridges give the survival probability, within 4 standard errors;
    counting paths on the grid is wrong by 20 of them."""
    n, t = 20_000, np.linspace(0.0, 1.0, 17)
    x = 0.4 * t + 0.8 * sde.brownian_paths(1.0, 16, n, rng=1)
    exact = excursions.brownian_survival(t[1:], 0.5, drift=0.4, diffusion=0.8)
    s = excursions.bridge_survival(t, x, 0.5, diffusion=0.8)
    assert (s[:, 0] == 1.0).all()
    error = s[:, 1:].std(axis=0) / np.sqrt(n)
    assert (np.abs(s[:, 1:].mean(axis=0) - exact) < 4 * error + 1e-12).all()
    counted = (excursions.first_passage_times(t, x, 0.5) > 1.0).mean()
    assert counted - exact[-1] > 20 * error[-1]


def test_the_time_that_brownian_motion_spends_above_zero_has_the_arcsine_law():
    """2000 paths, Kolmogorov-Smirnov at 0.001, which sees a uniform law."""
    t = np.linspace(0.0, 1.0, 2049)
    part = excursions.occupation_fractions(t, sde.brownian_paths(1.0, 2048, 2000, rng=3))

    def arcsine(u):
        return 2 / np.pi * np.arcsin(np.sqrt(u))

    assert kstest(part, arcsine).pvalue > 0.001
    assert kstest(part, "uniform").pvalue < 1e-10


def test_occupation_is_the_integral_of_being_above():
    t = np.array([0.0, 1.0, 3.0, 4.0])
    x = np.array([2.0, -1.0, 1.0, 1.0])
    fine = np.linspace(0.0, 4.0, 400_001)
    expected = (np.interp(fine, t, x) > 0.5).mean()
    assert excursions.occupation_fractions(t, x, 0.5)[0] == pytest.approx(expected, abs=1e-4)


# ---------------------------------------------------------------------------------- persistence


def test_the_ornstein_uhlenbeck_process_keeps_its_sign_with_arcsine_probability():
    """P(no zero before t) = (2 / pi) arcsin(e^-t); by bridges, 10,000 stationary paths, within 4
    standard errors and the error of the bridges."""
    t = np.linspace(0.0, 2.0, 401)
    x = processes.stationary_paths(lambda s: np.exp(-s), 401, 10_000, time_step=0.005, rng=1)
    s = excursions.bridge_survival(t, x, diffusion=np.sqrt(2.0))[:, 100::100]
    exact = 2 / np.pi * np.arcsin(np.exp(-t[100::100]))
    assert (np.abs(s.mean(axis=0) - exact) < 4 * s.std(axis=0) / 100 + 0.003).all()


def passages(paths, t_end):
    return excursions.first_passage_times(np.linspace(0.0, t_end, paths.shape[1]), paths)


def test_persistence_exponents_of_brownian_and_integrated_brownian_motion():
    """Zero from a start on it. 1/2 and 1/4, within 4 standard errors and 0.02 for the grid."""
    n = 4000
    brownian = passages(sde.brownian_paths(1.0, 2048, n, rng=1), 2048.0)
    process = processes.integrated_brownian_motion()
    t = np.arange(2049.0)
    integrated = passages(process.sample(t, n, rng=1) @ process.measurement, 2048.0)
    for times, exact in ((brownian, 0.5), (integrated, 0.25)):
        fit = excursions.persistence_exponent(times, 16.0, 2048.0)
        assert fit.error < 0.03
        assert abs(fit.exponent - exact) < 4 * fit.error + 0.02


@pytest.mark.parametrize("hurst", [0.3, 0.7])
def test_the_persistence_exponent_of_fractional_brownian_motion_is_one_minus_h(hurst):
    times = passages(processes.fractional_brownian(hurst, 1.0, 4096, 4000, rng=2), 4096.0)
    fit = excursions.persistence_exponent(times, 32.0, 4096.0)
    assert fit.error < 0.04
    assert abs(fit.exponent - (1 - hurst)) < 4 * fit.error + 0.02


@pytest.mark.parametrize("decay", ["power", "exponential"])
def test_exponents_are_estimated_with_the_stated_error(decay):
    """500 samples of 400 times with censoring: (estimate - theta) / error has mean 0, spread 1."""
    z = []
    for i in range(500):
        u = random.uniform(400, rng=i)
        times = u ** (-1 / 0.4) if decay == "power" else 1.0 - np.log(u) / 0.4
        fit = excursions.persistence_exponent(times, 1.0, 6.0, decay=decay)
        z.append((fit.exponent - 0.4) / fit.error)
    assert abs(np.mean(z)) < 4 / np.sqrt(500)
    assert abs(np.std(z) - 1.0) < 4 / np.sqrt(1000)


def diffusion(d):
    """Correlation and slope of the field of d-dimensional diffusion, in logarithmic time."""
    return (
        lambda t: np.cosh(t / 2) ** (-d / 2),
        lambda t: -d / 4 * np.tanh(t / 2) * np.cosh(t / 2) ** (-d / 2),
        d / 8,
    )


RANDOM_ACCELERATION = (
    lambda t: 1.5 * np.exp(-t / 2) - 0.5 * np.exp(-1.5 * t),
    lambda t: -0.75 * np.exp(-t / 2) + 0.75 * np.exp(-1.5 * t),
    0.75,
)


@pytest.mark.parametrize(
    ("process", "published"),
    [
        pytest.param(diffusion(1), 0.1203, id="diffusion-1"),
        pytest.param(diffusion(2), 0.1862, id="diffusion-2"),
        pytest.param(diffusion(3), 0.2358, id="diffusion-3"),
        pytest.param(RANDOM_ACCELERATION, 0.2647, id="random-acceleration"),
    ],
)
def test_exponents_of_independent_intervals(process, published):
    theta = excursions.independent_interval_exponent(*process)
    assert theta == pytest.approx(published, abs=1e-4)


T, X = np.arange(3.0), np.ones((2, 3))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: excursions.crossing_times(T, X), ValueError, "x must be one path, got 2"),
        (lambda: excursions.crossing_times(T, [1.0]), ValueError, "a value for each of the 3"),
        (lambda: excursions.first_passage_times([0.0], [1.0]), ValueError, "at least two times"),
        (lambda: excursions.first_passage_times(T[::-1], X), ValueError, "two times and increase"),
        (lambda: excursions.first_passage_times(T, X, np.nan), ValueError, "level must be finite"),
        (lambda: excursions.occupation_fractions(T, X * np.inf), ValueError, "x must be finite"),
        (lambda: excursions.bridge_survival(T, X, diffusion=0), ValueError, "diffusion must be"),
        (lambda: excursions.rice_rate(0.0, 1.0), ValueError, "variance must be positive"),
        (lambda: excursions.rice_rate(1.0, np.inf), ValueError, "slope_variance must be finite"),
        (lambda: excursions.brownian_survival(0.0, 1.0), ValueError, "t must be positive"),
        (lambda: excursions.brownian_survival(1.0, -1.0), ValueError, "distance must be positive"),
        (
            lambda: excursions.brownian_first_passage_density(1.0, 1.0, diffusion=0.0),
            ValueError,
            "diffusion must be positive",
        ),
        (lambda: excursions.persistence_exponent([np.nan], 1, 2), ValueError, "without nan"),
        (lambda: excursions.persistence_exponent([1.0], 2, 1), ValueError, "end must be later"),
        (lambda: excursions.persistence_exponent([9.0], 1, 2), ValueError, "must have a passage"),
        (
            lambda: excursions.persistence_exponent([1.5], 1, 2, decay="slow"),
            ValueError,
            "decay must be",
        ),
        (
            lambda: excursions.independent_interval_exponent(
                lambda t: np.cos(t), lambda t: -np.sin(t), 1.0
            ),
            ValueError,
            "mean sign E must be positive and decrease",
        ),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
