"""Filter and smoother are conditional laws of one large normal vector."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import solve_discrete_are
from scipy.stats import multivariate_normal

from labcore.processes import (
    LinearGaussian,
    kalman_filter,
    kalman_log_likelihood,
    kalman_smoother,
    sample_states,
    simulate,
)

T = 7


def spd(generator, n, rank=None):
    root = generator.standard_normal((n, rank or n))
    return root @ root.T


def constant_model(seed=0, d=3, p=2):
    g = np.random.default_rng(seed)
    return LinearGaussian(
        0.5 * g.standard_normal((d, d)),
        spd(g, d),
        g.standard_normal((p, d)),
        spd(g, p),
        g.standard_normal(d),
        spd(g, d),
    )


def varying_model(seed=0, d=3, p=2):
    g = np.random.default_rng(seed)
    return LinearGaussian(
        g.standard_normal((T - 1, d, d)),
        np.array([spd(g, d, rank=1) for _ in range(T - 1)]),
        g.standard_normal((T, p, d)),
        np.array([spd(g, p) for _ in range(T)]),
        g.standard_normal(d),
        spd(g, d, rank=2),
    )


def without_noise_of_the_state():
    return constant_model()._replace(
        transition_noise=np.zeros((3, 3)), covariance=np.diag([1.0, 0.0, 2.0])
    )


MODELS = [
    pytest.param(constant_model(), id="constant"),
    pytest.param(constant_model(1, d=1, p=1), id="scalar"),
    pytest.param(constant_model(2, d=2, p=4), id="more-observations-than-states"),
    pytest.param(varying_model(), id="varying, singular noises"),
    pytest.param(without_noise_of_the_state(), id="deterministic"),
]


def at(matrices, t):
    return matrices[t] if np.ndim(matrices) == 3 else np.asarray(matrices)


def joint(model, n=T):
    """Mean and covariance of all states and all observations, by their linear maps of noises."""
    d, p = len(model.mean), np.shape(model.measurement)[-2]
    maps, mean = np.zeros((n, d, n * d)), np.zeros((n, d))
    noise = np.zeros((n * d, n * d))
    for t in range(n):
        if t == 0:
            mean[0], noise[:d, :d] = model.mean, model.covariance
        else:
            a = at(model.transition, t - 1)
            mean[t], maps[t] = a @ mean[t - 1], a @ maps[t - 1]
            block = slice(t * d, (t + 1) * d)
            noise[block, block] = at(model.transition_noise, t - 1)
        maps[t, :, t * d : (t + 1) * d] += np.eye(d)
    maps = maps.reshape(n * d, n * d)
    states = maps @ noise @ maps.T
    h, r = np.zeros((n * p, n * d)), np.zeros((n * p, n * p))
    for t in range(n):
        h[t * p : (t + 1) * p, t * d : (t + 1) * d] = at(model.measurement, t)
        r[t * p : (t + 1) * p, t * p : (t + 1) * p] = at(model.measurement_noise, t)
    return mean.ravel(), states, h, r


def dense(model, y, known):
    """Means and covariances of the states given the observations `known`, and their density."""
    mean, states, h, r = joint(model)
    h, r, y = h[known], r[np.ix_(known, known)], y[known]
    s = h @ states @ h.T + r
    gain = np.linalg.solve(s, h @ states).T
    law = multivariate_normal(h @ mean, s) if len(y) else None
    log_density = law.logpdf(y) if len(y) else 0.0
    return mean + gain @ (y - h @ mean), states - gain @ h @ states, log_density


def some_observations(model, missing=True):
    p = np.shape(model.measurement)[-2]
    y = simulate(model, T, rng=3).observations[0]
    if missing:
        y[2] = np.nan
        y[4, p - 1] = np.nan
    return y


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("missing", [False, True])
def test_filter_and_smoother_condition_the_joint_law(model, missing):
    d = len(model.mean)
    y = some_observations(model, missing)
    known = ~np.isnan(y)
    filtered = kalman_filter(model, y)
    smoothed = kalman_smoother(model, filtered)
    everything = dense(model, y.ravel(), np.flatnonzero(known))
    scale = np.abs(joint(model)[1]).max()
    for t in range(T):
        now = slice(t * d, (t + 1) * d)
        so_far = np.flatnonzero(known[: t + 1])
        before = np.flatnonzero(known[:t])
        for name, conditioned, mean, covariance in (
            ("filtered", so_far, filtered.mean, filtered.covariance),
            ("predicted", before, filtered.predicted_mean, filtered.predicted_covariance),
            ("smoothed", None, smoothed.mean, smoothed.covariance),
        ):
            law = everything if conditioned is None else dense(model, y.ravel(), conditioned)
            np.testing.assert_allclose(mean[t], law[0][now], atol=1e-8 * scale, err_msg=name)
            np.testing.assert_allclose(
                covariance[t], law[1][now, now], atol=1e-9 * scale, err_msg=name
            )
    assert filtered.log_likelihood == pytest.approx(everything[2], rel=1e-9)
    assert kalman_log_likelihood(model, y) == filtered.log_likelihood


def test_nothing_observed_says_nothing():
    model = constant_model()
    filtered = kalman_filter(model, np.full((T, 2), np.nan))
    assert filtered.log_likelihood == 0.0
    assert np.array_equal(filtered.mean, filtered.predicted_mean)
    np.testing.assert_allclose(
        kalman_smoother(model, filtered).covariance, filtered.covariance, rtol=1e-9
    )


def test_the_covariance_tends_to_the_solution_of_riccatis_equation():
    model = constant_model()
    filtered = kalman_filter(model, np.zeros((300, 2)))
    limit = solve_discrete_are(
        model.transition.T, model.measurement.T, model.transition_noise, model.measurement_noise
    )
    np.testing.assert_allclose(filtered.predicted_covariance[-1], limit, rtol=1e-9)


def test_a_settled_filter_gives_what_one_that_goes_on_gives():
    """The same model written as one that changes with time never settles; with a gap that unsettles
    the other again."""
    n = 400
    model = constant_model()._replace(transition=np.diag([0.99, 0.9, -0.5]))
    y = simulate(model, n, rng=1).observations[0]
    y[200] = y[301, 0] = np.nan
    goes_on = model._replace(transition=np.broadcast_to(model.transition, (n - 1, 3, 3)))
    one, other = kalman_filter(model, y), kalman_filter(goes_on, y)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-11)
    # it did settle: the covariance is the same to the last bit from some time on
    assert (one.predicted_covariance[150] == one.predicted_covariance[190]).all()
    assert not (one.predicted_covariance[201] == one.predicted_covariance[190]).all()


def test_variances_stay_positive_where_the_noise_is_tiny():
    """A position at unknown constant speed, the noise 18 orders below the prior: the textbook form
    of the update, P - K H P, makes a negative variance here."""
    n, noise = 60, 1e-10
    a, h = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([[1.0, 0.3]])
    model = LinearGaussian(a, np.zeros((2, 2)), h, [[noise]], np.zeros(2), 1e8 * np.eye(2))
    filtered = kalman_filter(model, np.arange(n) + 0.3)
    smoothed = kalman_smoother(model, filtered)
    for law in (filtered, smoothed):
        assert np.diagonal(law.covariance, axis1=1, axis2=2).min() > 0.0
    p, worst = model.covariance, np.inf
    for _ in range(n):
        p = p - p @ h.T / (h @ p @ h.T + noise) @ h @ p
        worst = min(worst, np.diag(p).min())
        p = a @ p @ a.T
    assert worst < -1e-9
    np.testing.assert_allclose(filtered.mean[-1], [n - 1.0, 1.0], atol=1e-6)


@settings(deadline=None)  # the first call compiles
@given(seed=st.integers(0, 10**6), d=st.integers(1, 4), p=st.integers(1, 3))
def test_smoothing_never_adds_variance_and_the_last_state_is_filtered(seed, d, p):
    model = constant_model(seed, d, p)
    filtered = kalman_filter(model, np.zeros((5, p)))
    smoothed = kalman_smoother(model, filtered)
    assert np.array_equal(smoothed.mean[-1], filtered.mean[-1])
    scale = np.abs(filtered.covariance).max()
    gap = filtered.covariance - smoothed.covariance
    assert np.linalg.eigvalsh(gap).min() > -1e-8 * scale


def test_draws_of_a_model_have_its_joint_law():
    """20,000 draws: entries of the covariance within 5.5 standard errors; 588 entries."""
    model, n = varying_model(), 20_000
    states, seen = simulate(model, T, n, rng=2)
    mean, covariance, h, r = joint(model)
    everything = np.hstack([states.reshape(n, -1), seen.reshape(n, -1)])
    cross = h @ covariance
    full = np.block([[covariance, cross.T], [cross, cross @ h.T + r]])
    means = np.concatenate([mean, h @ mean])
    variances = np.diag(full)
    assert (np.abs(everything.mean(axis=0) - means) <= 5 * np.sqrt(variances / n)).all()
    error = np.sqrt((np.outer(variances, variances) + full**2) / n)
    assert (np.abs(np.cov(everything.T) - full) <= 5.5 * error + 1e-12).all()


def test_sampled_states_have_the_smoothed_law_across_times():
    """8000 draws: covariances of all pairs of states, through time, within 5.5 standard errors."""
    model, n = varying_model(), 8000
    y = some_observations(model)
    draws = sample_states(model, y, n, rng=1).reshape(n, -1)
    mean, covariance, _ = dense(model, y.ravel(), np.flatnonzero(~np.isnan(y)))
    variances = np.maximum(np.diag(covariance), 0)
    rounding = 1e-8 * np.abs(joint(model)[1]).max()
    gap = np.abs(draws.mean(axis=0) - mean)
    assert (gap < 5 * np.sqrt(variances / n) + rounding).all()
    error = np.sqrt((np.outer(variances, variances) + covariance**2) / n)
    assert (np.abs(np.cov(draws.T) - covariance) < 5.5 * error + rounding).all()


def test_draws_belong_to_their_streams():
    model = constant_model()
    many = simulate(model, T, 5, rng=1)
    for few, all_of_them in zip(simulate(model, T, 2, rng=1), many, strict=True):
        assert np.array_equal(few, all_of_them[:2])
    y = some_observations(model)
    assert np.array_equal(sample_states(model, y, 2, rng=1), sample_states(model, y, 5, rng=1)[:2])


MODEL = constant_model()
Y = np.zeros((4, 2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"transition": np.eye(2)}, r"model.transition must have shape \(3, 3\)"),
        ({"transition": np.zeros((5, 3, 3))}, "or 3 such matrices"),
        ({"transition": np.full((3, 3), np.nan)}, "model.transition must be finite"),
        ({"transition_noise": -np.eye(3)}, "model.transition_noise must be positive semidef"),
        ({"transition_noise": np.eye(3, k=1)}, "model.transition_noise must be symmetric"),
        ({"measurement": np.zeros((2, 4))}, r"model.measurement must have shape \(p, 3\)"),
        ({"measurement_noise": np.eye(3)}, r"model.measurement_noise must have shape \(2, 2\)"),
        ({"measurement_noise": [[1.0, 2.0], [2.0, 1.0]]}, "measurement_noise must be positive"),
        ({"measurement_noise": [[0.0, 1.0], [1.0, 5.0]]}, "measurement_noise must be positive"),
        ({"covariance": np.zeros((2, 3, 3))}, "model.covariance must have shape"),
        ({"mean": 0.0}, "model.mean must have 1 dimensions"),
    ],
)
def test_models_that_do_not_fit_are_named(change, message):
    for use in (kalman_filter, kalman_log_likelihood, sample_states):
        with pytest.raises(ValueError, match=message):
            use(MODEL._replace(**change), Y)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: kalman_filter(MODEL, np.zeros((4, 3))), ValueError, "y must have 2 columns"),
        (lambda: kalman_filter(MODEL, np.zeros((0, 2))), ValueError, "T at least 1"),
        (lambda: kalman_filter(MODEL, np.zeros((1, 1, 2))), ValueError, "y must have shape"),
        (lambda: kalman_filter(MODEL, [[np.inf, 0.0]]), ValueError, "nan where an observation"),
        (
            lambda: kalman_smoother(constant_model(d=2), kalman_filter(MODEL, Y)),
            ValueError,
            "filtered must be of the model, with 2 dimensions, got 3",
        ),
        (
            lambda: kalman_filter(
                MODEL._replace(measurement=np.ones((2, 3)), measurement_noise=np.zeros((2, 2))), Y
            ),
            np.linalg.LinAlgError,
            r"prediction of y\[0\] is not positive definite",
        ),
        (lambda: simulate(MODEL, 0), ValueError, "n_times must be at least 1"),
        (lambda: simulate(MODEL, 2, 0), ValueError, "n_paths must be at least 1"),
        (lambda: sample_states(MODEL, Y, 0), ValueError, "n_paths must be at least 1"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
