"""Conditioned diffusions: against closed forms, against rejection, and with exact weights."""

import numpy as np
import pytest
from numba import njit
from scipy import stats

from labcore import sde
from labcore.sde.bridges import _mean_between
from labcore.stats import mmd_test

BROWNIAN = sde.brownian_motion(0.3, 0.8)
OU = sde.ornstein_uhlenbeck(1.5, 0.2, 0.8)
LINEAR = [pytest.param(BROWNIAN, id="brownian"), pytest.param(OU, id="ornstein-uhlenbeck")]
WELL = sde.double_well()


def covariance(model, s, t, x0):
    """Of X_s and X_t, s <= t, given X_0: the variance at s, times the slope of the mean."""
    slope = model.mean(t - s, 1.0) - model.mean(t - s, 0.0)
    return model.variance(s, x0) * slope


@pytest.mark.parametrize("model", LINEAR)
def test_bridges_have_the_mean_and_covariance_of_gaussian_conditioning(model):
    """20,000 paths to (T, y) = (2, -0.7): moments within 4.5 standard errors of about 0.004."""
    x0, y, t_end, n = 0.9, -0.7, 2.0, 20_000
    bridge = sde.condition_on_point(model, y, t_end)
    t, x = sde.solve(bridge, sde.EXACT, x0, t_end, 5, n, rng=1)
    assert (x[:, -1] == y).all() or np.allclose(x[:, -1], y, atol=1e-12)
    to_end = np.array([covariance(model, s, t_end, x0) for s in t[1:-1]])
    variance = model.variance(t_end, x0)
    mean = model.mean(t[1:-1], x0) + to_end / variance * (y - model.mean(t_end, x0))
    joint = np.array(
        [[covariance(model, min(a, b), max(a, b), x0) for a in t[1:-1]] for b in t[1:-1]]
    )
    joint -= np.outer(to_end, to_end) / variance
    spread = np.sqrt(np.diag(joint) / n)
    assert (np.abs(x[:, 1:-1].mean(axis=0) - mean) < 4.5 * spread).all()
    np.testing.assert_allclose(np.cov(x[:, 1:-1].T), joint, atol=4.5 * joint.max() * 1.5 / n**0.5)


@pytest.mark.parametrize("model", LINEAR)
def test_the_drift_to_a_point_is_the_derivative_of_the_log_density(model):
    y, t_end, t, eps = 0.4, 1.7, 0.6, 1e-5
    bridge = sde.condition_on_point(model, y, t_end)
    sigma = model.parameters[-1]
    for x in (-1.2, 0.4, 2.0):
        log_h = [
            stats.norm.logpdf(y, model.mean(t_end - t, z), model.variance(t_end - t, z) ** 0.5)
            for z in (x - eps, x + eps)
        ]
        expected = model.drift(t, x, model.parameters) + sigma**2 * np.diff(log_h)[0] / (2 * eps)
        assert bridge.drift(t, x, bridge.parameters) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("model", LINEAR)
@pytest.mark.parametrize(("low", "high"), [(0.5, 1.1), (-np.inf, 0.1), (2.0, np.inf)])
def test_the_drift_to_an_interval_is_the_derivative_of_the_log_probability(model, low, high):
    t_end, t, eps = 1.7, 0.6, 1e-5
    conditioned = sde.condition_on_interval(model, low, high, t_end)
    sigma = model.parameters[-1]
    for x in (-1.0, 0.3, 1.5):
        h = []
        for z in (x - eps, x + eps):
            law = stats.norm(model.mean(t_end - t, z), model.variance(t_end - t, z) ** 0.5)
            h.append(law.cdf(high) - law.cdf(low) if np.isfinite(low) else law.cdf(high))
        expected = model.drift(t, x, model.parameters) + sigma**2 * np.diff(np.log(h))[0] / 2 / eps
        found = conditioned.drift(t, x, conditioned.parameters)
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("a", "b"),
    [(-1.0, 2.0), (0.3, 0.4), (4.9, 5.1), (-2.0, -1.0), (7.0, np.inf), (-np.inf, -30.0), (0, 1e9)],
)
def test_the_mean_of_a_normal_variable_between_two_bounds(a, b):
    expected = stats.truncnorm(a, b).mean()
    assert _mean_between(float(a), float(b)) == pytest.approx(expected, rel=1e-9)


def test_the_mean_far_in_the_tail_is_that_of_its_asymptotic_series():
    for a in (20.0, 1e3, 1e8):
        series = a + 1 / a - 2 / a**3 + 10 / a**5 - 74 / a**7
        assert _mean_between(a, np.inf) == pytest.approx(series, rel=1e-8)
        assert _mean_between(-np.inf, -a) == pytest.approx(-series, rel=1e-8)


def test_paths_conditioned_on_an_interval_are_those_that_rejection_keeps():
    """MMD at three times, 600 against 600: the unconditioned paths are told from them at once."""
    n = 600
    conditioned = sde.condition_on_interval(OU, 0.6, 1.0, 1.0)
    x = sde.solve(conditioned, sde.EULER_MARUYAMA, 0.0, 1.0, 512, n, save_every=128, rng=1).x
    free = sde.solve(OU, sde.EXACT, 0.0, 1.0, 4, 8000, rng=2).x
    kept = free[(free[:, -1] > 0.6) & (free[:, -1] < 1.0)][:n]
    assert len(kept) == n
    assert mmd_test(None, x[:, 1:4], kept[:, 1:4], rng=3, progress=False).p_value > 0.01
    assert mmd_test(None, x[:, 1:4], free[:n, 1:4], rng=3, progress=False).p_value < 0.01
    assert stats.ks_2samp(x[:, -1], kept[:, -1]).statistic < 0.1


def meander_drift(t, x, t_end):
    s = np.sqrt(t_end - t)
    return 2 * stats.norm.pdf(x / s) / s / (2 * stats.norm.cdf(x / s) - 1)


def positive_h(model, t_end, n, n_steps, top=6.0):
    x = np.arange(1, n + 1) * (top / n)
    ends = ("absorbing", "reflecting")
    return sde.backward_kolmogorov(model, np.ones(n), x, t_end, n_steps, theta=1, boundary=ends)


def test_the_drift_from_a_grid_converges_to_the_meander_s_at_second_order():
    """With time steps so short that the grid decides; away from zero, and at half of the time."""
    brownian, x = sde.brownian_motion(), np.linspace(0.7, 2.0, 200)
    errors = []
    for n in (40, 80, 160):
        meander = sde.doob_transform(brownian, positive_h(brownian, 0.5, n, 4000))
        found = np.array([meander.drift(0.25, z, meander.parameters) for z in x])
        errors.append(np.abs(found - meander_drift(0.25, x, 0.5)).max())
    assert errors[-1] < 0.005
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2.0, abs=0.3)


def test_a_linear_h_gives_the_drift_of_the_bessel_process():
    """h = x is harmonic for Brownian motion: conditioned never to hit zero it gains 1/x."""
    x = np.arange(1, 51) / 10
    h = sde.GridFunction(np.linspace(0.0, 1.0, 5), x, np.tile(x, (5, 1)))
    bessel = sde.doob_transform(sde.brownian_motion(0.0, 0.5), h)
    for t in (0.0, 0.33, 0.9):
        for z in x[:-1]:
            assert bessel.drift(t, z, bessel.parameters) == pytest.approx(0.25 / z, rel=1e-9)


def test_paths_that_stay_positive_have_the_law_of_those_that_rejection_keeps():
    """The meander's end from 1/2, whose density is a difference of two normal ones: KS of 4000
    values, which sees a distance of 0.03 (and Brownian motion's law has 0.2)."""
    meander = sde.doob_transform(
        sde.brownian_motion(), positive_h(sde.brownian_motion(), 1, 300, 600)
    )
    end = sde.solve(meander, sde.EULER_MARUYAMA, 0.5, 1.0, 2000, 4000, save_every=2000, rng=1).x
    norm = stats.norm.cdf(0.5) - stats.norm.cdf(-0.5)

    def cdf(y):
        upper = stats.norm.cdf(y - 0.5) - stats.norm.cdf(y + 0.5)
        return (upper - stats.norm.cdf(-0.5) + stats.norm.cdf(0.5)) / norm

    assert stats.kstest(end[:, -1], cdf).pvalue > 0.01
    assert (end[:, -1] > 0).mean() > 0.999


def test_the_double_well_conditioned_to_cross_is_what_rejection_keeps():
    """No closed form: 800 paths from the left well that end in the right one."""
    x = np.linspace(-3.0, 3.0, 301)
    terminal = (x > 0).astype(float)
    h = sde.backward_kolmogorov(WELL, terminal, x, 3.0, 3000, theta=1)
    crossing = sde.doob_transform(WELL, h)
    paths = sde.solve(crossing, sde.EULER_MARUYAMA, -1.0, 3.0, 1536, 800, save_every=384, rng=1).x
    free = sde.solve(WELL, sde.EULER_MARUYAMA, -1.0, 3.0, 1536, 8000, save_every=384, rng=2).x
    kept = free[free[:, -1] > 0][:800]
    assert len(kept) == 800
    assert mmd_test(None, paths[:, 1:], kept[:, 1:], rng=3, progress=False).p_value > 0.01
    assert mmd_test(None, paths[:, 1:], free[:800, 1:], rng=3, progress=False).p_value < 0.01
    assert (paths[:, -1] > -0.1).mean() > 0.99


@njit
def _wavy_diffusion(t, x, parameters):
    return 0.6 + 0.2 * np.sin(2 * x)


@njit
def _wavy_drift(t, x, parameters):
    return np.cos(x) - 0.5 * x + t


WAVY = sde.Model("wavy", _wavy_drift, _wavy_diffusion)


def test_weights_are_the_ratio_of_the_documented_densities():
    n, t_end, y = 6, 1.2, 0.5
    h = t_end / n
    t, x, log_weights = sde.guided_bridges(WAVY, -0.2, y, t_end, n, 40, rng=1)
    assert (x[:, -1] == y).all()
    dw = np.diff(sde.brownian_paths(t_end, n, 40, rng=1))
    total = np.zeros(40)
    for i in range(n):
        sigma = _wavy_diffusion(t[i], x[:, i], ())
        mean = x[:, i] + _wavy_drift(t[i], x[:, i], ()) * h
        total += stats.norm.logpdf(x[:, i + 1], mean, sigma * np.sqrt(h))
        if i < n - 1:
            narrow = np.sqrt((n - i - 1) / (n - i))
            guided = x[:, i] + (y - x[:, i]) / (n - i)
            np.testing.assert_allclose(x[:, i + 1], guided + sigma * narrow * dw[:, i], atol=1e-12)
            total -= stats.norm.logpdf(x[:, i + 1], guided, sigma * narrow * np.sqrt(h))
    np.testing.assert_allclose(log_weights, total, atol=1e-10)


@pytest.mark.parametrize("n", [1, 2, 15])
def test_the_mean_weight_is_the_transition_density_of_euler_maruyama(n):
    """For the Ornstein-Uhlenbeck process it is normal; 20,000 weights, within 4 errors of 2 %."""
    h, factor = 1 / n, 1 - 1.5 / n
    mean = 0.2 + (1.0 - 0.2) * factor**n
    variance = 0.64 * h * np.sum(factor ** (2 * np.arange(n)))
    weights = sde.guided_bridges(OU, 1.0, 0.3, 1.0, n, 20_000, rng=2).log_weights
    estimate = sde.weighted_mean(np.ones(20_000), weights)
    expected = stats.norm.pdf(0.3, mean, np.sqrt(variance))
    assert estimate.standard_error < 0.02 * expected
    assert abs(estimate.mean - expected) <= 4 * estimate.standard_error + 1e-12


def test_the_mean_weight_tends_to_the_transition_density_of_the_double_well():
    """By the forward equation on a grid."""
    x = np.linspace(-3.0, 3.0, 1201)
    density = sde.fokker_planck(WELL, -1.0, x, 2.0, 800).values[-1]
    weights = sde.guided_bridges(WELL, -1.0, 1.0, 2.0, 256, 20_000, rng=1).log_weights
    estimate = sde.weighted_mean(np.ones(20_000), weights)
    expected = np.interp(1.0, x, density)
    assert abs(estimate.mean - expected) < 4 * estimate.standard_error + 0.005 * expected
    assert estimate.standard_error < 0.01 * expected


def test_weighted_bridges_are_the_paths_that_end_near_the_point():
    """Of free paths of the double well, those that end within 0.03 of 1: moments half-way."""
    paths = sde.guided_bridges(WELL, -1.0, 1.0, 2.0, 64, 20_000, rng=1)
    free = sde.solve(WELL, sde.EULER_MARUYAMA, -1.0, 2.0, 64, 200_000, save_every=32, rng=2).x
    near = free[np.abs(free[:, -1] - 1.0) < 0.03, 1]
    for f in (lambda x: x, np.square, lambda x: x > 0.5):
        middle = sde.weighted_mean(f(paths.x[:, 32]), paths.log_weights, normalise=True)
        error = np.hypot(middle.standard_error, f(near).std() / np.sqrt(near.size))
        assert error < 0.04
        assert abs(middle.mean - f(near).mean()) < 4 * error


def test_a_path_does_not_depend_on_the_others():
    many, few = (sde.guided_bridges(WELL, -1.0, 1.0, 1.0, 10, n, rng=1) for n in (70, 33))
    assert np.array_equal(many.x[:33], few.x)
    assert np.array_equal(many.log_weights[:33], few.log_weights)


H = sde.GridFunction(np.linspace(0.0, 1.0, 3), np.arange(3.0), np.ones((3, 3)))


@njit
def _still(t, x, parameters):
    return 0.0


def bridges(x0=0.0, end=1.0, t_end=1.0, n_steps=4, n_paths=2):
    return sde.guided_bridges(WELL, x0, end, t_end, n_steps, n_paths, rng=1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: sde.condition_on_point(WELL, 0.0, 1.0), ValueError, "model must be .*double well"),
        (lambda: sde.condition_on_point(OU, np.inf, 1.0), ValueError, "end must be finite"),
        (lambda: sde.condition_on_point(OU, 0.0, 0.0), ValueError, "t_end must be positive"),
        (lambda: sde.condition_on_interval(OU, 1.0, 1.0, 1.0), ValueError, "low must be less than"),
        (
            lambda: sde.condition_on_interval(OU, -np.inf, np.inf, 1.0),
            ValueError,
            "one of them finite",
        ),
        (lambda: sde.condition_on_interval(OU, np.nan, 1.0, 1.0), ValueError, "low must be less"),
        (lambda: sde.condition_on_interval(OU, 0.0, 1.0, -1.0), ValueError, "t_end must be"),
        (
            lambda: sde.doob_transform(WELL, H._replace(values=np.zeros((3, 3)))),
            ValueError,
            "h.values must be positive before the last time, got 0 at t = 0, x = 0",
        ),
        (
            lambda: sde.doob_transform(WELL, H._replace(values=np.ones((3, 2)))),
            ValueError,
            "h.values must have shape",
        ),
        (
            lambda: sde.doob_transform(WELL, H._replace(x=np.array([0.0, 1.0, 3.0]))),
            ValueError,
            "h.x must be increasing and equally spaced",
        ),
        (
            lambda: sde.doob_transform(WELL, H._replace(t=np.array([0.0, 1.0, 3.0]))),
            ValueError,
            "h.t must be increasing and equally spaced",
        ),
        (lambda: bridges(end=np.nan), ValueError, "end must be finite"),
        (lambda: bridges(t_end=0.0), ValueError, "t_end must be positive"),
        (lambda: bridges(n_steps=0), ValueError, "n_steps must be at least 1"),
        (lambda: bridges(n_paths=0), ValueError, "n_paths must be at least 1"),
        (lambda: bridges(x0=np.ones(3)), ValueError, "x0 must be a number or have shape"),
        (
            lambda: sde.guided_bridges(sde.Model("s", _wavy_drift, _still), 0.0, 1.0, 1.0, 4),
            sde.Exploded,
            "1 of 1 bridges of the s have no finite weight",
        ),
    ],
    ids=range(17),
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()
