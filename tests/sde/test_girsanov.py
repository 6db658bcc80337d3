"""Girsanov weights turn paths of one drift into paths of another."""

import numpy as np
import pytest
from numba import njit
from scipy import stats

from labcore import sde


@njit
def _drift(t, x, parameters):
    return np.sin(x) + t


@njit
def _other_drift(t, x, parameters):
    return 0.4 * np.cos(2.0 * x) - 0.3 * x


@njit
def _diffusion(t, x, parameters):
    return 0.8 + 0.3 * np.sin(x) ** 2


@njit
def _slope(t, x, parameters):
    return 0.3 * np.sin(2.0 * x)


@njit
def _square(t, x, parameters):
    return x * x


MODEL = sde.Model("one", _drift, _diffusion, _slope)
OTHER = sde.Model("other", _other_drift, _diffusion, _slope)


def solved(model, n_steps=8, n_paths=20_000, x0=0.2, t_end=1.0, rng=1):
    return sde.solve(model, sde.EULER_MARUYAMA, x0, t_end, n_steps, n_paths, rng=rng)


@pytest.mark.parametrize("interpretation", ["ito", "stratonovich"])
def test_the_weight_is_the_ratio_of_the_densities_of_euler_maruyama(interpretation):
    model, other = (m._replace(interpretation=interpretation) for m in (MODEL, OTHER))
    t, x = paths = solved(model, n_paths=50)
    correction = 0.5 * _diffusion(0, x, ()) * _slope(0, x, ()) * (interpretation != "ito")
    log_densities = []
    for drift in (_drift, _other_drift):
        mean = x + (drift(t, x, ()) + correction) / 8
        steps = stats.norm.logpdf(x[:, 1:], mean[:, :-1], _diffusion(0, x[:, :-1], ()) / np.sqrt(8))
        log_densities.append(np.cumsum(steps, axis=1))
    log_weights = sde.girsanov_log_weights(paths, model, other)
    assert (log_weights[:, 0] == 0.0).all()
    np.testing.assert_allclose(log_weights[:, 1:], log_densities[1] - log_densities[0], atol=1e-12)


def test_weights_have_mean_one_at_every_time():
    """20,000 paths: standard errors below 0.01, so that a drift term wrong by a tenth is seen."""
    weights = np.exp(sde.girsanov_log_weights(solved(MODEL), MODEL, OTHER))[:, 1:]
    errors = weights.std(axis=0) / np.sqrt(len(weights))
    assert errors.max() < 0.01
    assert (np.abs(weights.mean(axis=0) - 1.0) < 4.0 * errors).all()


def test_weighted_paths_have_the_moments_of_the_other_equation():
    paths, direct = solved(MODEL), solved(OTHER, rng=2)
    log_weights = sde.girsanov_log_weights(paths, MODEL, OTHER)[:, -1]
    for f in (lambda x: x[:, -1], lambda x: x[:, -1] ** 2, lambda x: x.max(axis=1)):
        weighted, plain = sde.weighted_mean(f(paths.x), log_weights), f(direct.x)
        error = np.hypot(weighted.standard_error, plain.std() / np.sqrt(plain.size))
        assert error < 0.03
        assert abs(weighted.mean - plain.mean()) < 4.0 * error
        assert abs(f(paths.x).mean() - plain.mean()) > 8.0 * error  # it needed the weights


def test_forth_and_back_is_weight_one():
    paths = solved(MODEL, n_paths=30)
    forth = sde.girsanov_log_weights(paths, MODEL, OTHER)
    back = sde.girsanov_log_weights(paths, OTHER, MODEL)
    np.testing.assert_allclose(forth, -back, atol=1e-12)


def test_weights_at_a_stopping_time_have_mean_one_too():
    """Stopped when the path first exceeds 1/2, and at the end if it does not."""
    paths = solved(MODEL, n_steps=16)
    weights = np.exp(sde.girsanov_log_weights(paths, MODEL, OTHER))
    above = paths.x > 0.5
    stop = np.where(above.any(axis=1), above.argmax(axis=1), 16)
    stopped = weights[np.arange(len(weights)), stop]
    assert abs(stopped.mean() - 1.0) < 4.0 * stopped.std() / np.sqrt(len(stopped)) < 0.05


def test_a_pushed_path_finds_a_rare_event_with_a_thousandth_of_the_variance():
    """P(max of a 64-step Brownian path > 4), about 5e-5; plain sampling has variance p (1 - p)."""
    pushed, brownian = sde.brownian_motion(drift=4.0), sde.brownian_motion()
    paths = solved(pushed, n_steps=64, x0=0.0)
    hit = paths.x.max(axis=1) > 4.0
    log_weights = sde.girsanov_log_weights(paths, pushed, brownian)[:, -1]
    estimate = sde.weighted_mean(hit, log_weights)
    # With the correction of Broadie, Glasserman and Kou for the discrete maximum.
    p = 2 * stats.norm.sf(4.0 + 0.5826 / 8.0)
    assert estimate.standard_error < 0.03 * p
    assert abs(estimate.mean - p) < 4.0 * estimate.standard_error + 0.03 * p
    assert p * (1 - p) > 1000 * len(hit) * estimate.standard_error**2


def test_where_the_other_equation_explodes_the_mean_falls_short_of_one():
    """dX = X^2 dt + dW explodes: of 20,000 weights on a fine grid none stands for the paths that
    do, and what their mean finds is the probability of the others."""
    brownian = sde.brownian_motion()
    explosive = sde.Model("explosive", _square, brownian.diffusion, parameters=(0.0, 1.0))
    paths = solved(brownian, n_steps=400, x0=1.0)
    log_weights = sde.girsanov_log_weights(paths, brownian, explosive)[:, -1]
    estimate = sde.weighted_mean(np.ones(len(paths.x)), log_weights)
    assert estimate.mean + 10 * estimate.standard_error < 1.0


def test_weighted_mean_by_hand():
    values, weights = np.array([1.0, 2.0, 4.0]), np.array([0.5, 1.0, 2.0])
    plain = sde.weighted_mean(values, np.log(weights))
    assert plain.mean == pytest.approx(10.5 / 3)
    assert plain.standard_error == pytest.approx(np.std([0.5, 2.0, 8.0], ddof=1) / np.sqrt(3))
    assert plain.effective_size == pytest.approx(3.5**2 / 5.25)
    shares = weights / 3.5
    normalised = sde.weighted_mean(values, np.log(weights), normalise=True)
    assert normalised.mean == pytest.approx(3.0)
    assert normalised.standard_error == pytest.approx(np.sqrt(shares**2 @ (values - 3.0) ** 2))
    far = sde.weighted_mean(values, np.log(weights) + 2000.0, normalise=True)
    assert far == pytest.approx(normalised)


def test_the_standard_errors_are_those_of_repetition():
    """Their mean over 200 repetitions within 15 % of the deviation, which is known to 5 %."""
    rng = np.random.default_rng(1)
    for normalise in (False, True):
        results = []
        for _ in range(200):
            x = rng.standard_normal(400)
            results.append(sde.weighted_mean(x, 0.7 * x - 0.245, normalise=normalise))
        means, errors = np.array([r[:2] for r in results]).T
        assert errors.mean() == pytest.approx(means.std(), rel=0.15)


PATHS = solved(MODEL, n_paths=3)


@njit
def _flat(t, x, parameters):
    return 0.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: sde.girsanov_log_weights(PATHS, MODEL, sde.brownian_motion()),
            "other must have the diffusion of the one",
        ),
        (
            lambda: sde.girsanov_log_weights(
                PATHS, sde.Model("a", _drift, _flat), sde.Model("b", _other_drift, _flat)
            ),
            "and one that is not zero, got another at t = 0, x = 0.2",
        ),
        (
            lambda: sde.girsanov_log_weights(sde.Paths(PATHS.t[1:], PATHS.x), MODEL, OTHER),
            "paths.x must have a column for each of 8 times",
        ),
        (
            lambda: sde.girsanov_log_weights(sde.Paths(PATHS.t[::-1], PATHS.x), MODEL, OTHER),
            "paths.t must increase",
        ),
        (lambda: sde.weighted_mean([1.0], [0.0]), "must be as many, at least 2, got 1 and 1"),
        (lambda: sde.weighted_mean([1.0, 2.0], [0.0]), "must be as many"),
        (lambda: sde.weighted_mean([1.0, 2.0], [0.0, np.inf]), "log_weights must be finite"),
    ],
    ids=range(7),
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
