"""The particle filter's estimates are those of the Kalman filter, where there is one."""

import math

import numpy as np
import pytest
from numba import njit

from labcore import random
from labcore.processes import (
    HiddenMarkov,
    LinearGaussian,
    kalman_filter,
    kalman_smoother,
    particle_filter,
    simulate,
)

# x_0 ~ N(0, (s^2, 1)), both coordinates autoregressive and mixed, the sum observed with noise r.
A, S, R = 0.8, 0.6, 0.5


@njit
def _initial(z, parameters, out):
    for i in range(len(out)):
        out[i, 0], out[i, 1] = parameters[1] * z[i, 0], z[i, 1]


@njit
def _transition(t, x, z, parameters, out):
    a, s, _ = parameters
    for i in range(len(out)):
        out[i, 0] = a * x[i, 0] + 0.1 * x[i, 1] + s * z[i, 0]
        out[i, 1] = 0.5 * x[i, 1] + s * z[i, 1]


@njit
def _log_observation(t, x, y, parameters, out):
    r = parameters[2]
    for i in range(len(out)):
        out[i] = 0.0
        if y[0] == y[0]:
            out[i] -= 0.5 * ((y[0] - x[i, 0] - x[i, 1]) ** 2 / r + math.log(2 * math.pi * r))


MODEL = HiddenMarkov(2, 2, _initial, _transition, _log_observation, (A, S, R))
EXACT = LinearGaussian(
    [[A, 0.1], [0.0, 0.5]], S**2 * np.eye(2), [[1.0, 1.0]], [[R]], np.zeros(2), np.diag([S**2, 1.0])
)
Y = simulate(EXACT, 12, rng=1).observations[0]
Y[4] = np.nan


def run(n=200, y=Y, model=MODEL, **options):
    return particle_filter(model, y, n, **({"rng": 1, "progress": False} | options))


@pytest.mark.parametrize("threshold", [0.2, 0.5, 1.0])
def test_the_likelihood_is_unbiased_whenever_one_resamples(threshold):
    """300 runs of 100 particles: the mean within 4 standard errors of Kalman's, and these below
    0.05: a likelihood that is off by a fifth is seen."""
    exact = kalman_filter(EXACT, Y).log_likelihood
    ratio = np.exp(
        [run(100, rng=i, threshold=threshold).log_likelihood - exact for i in range(300)]
    )
    error = ratio.std() / np.sqrt(300)
    assert error < 0.05
    assert abs(ratio.mean() - 1.0) < 4 * error


def test_filtered_means_and_variances_are_kalmans():
    exact, found = kalman_filter(EXACT, Y), run(200_000)
    variances = np.diagonal(exact.covariance, axis1=1, axis2=2)
    assert (np.abs(found.mean - exact.mean) < 0.02 * np.sqrt(variances)).all()
    np.testing.assert_allclose(found.variance, variances, rtol=0.03)
    assert found.log_likelihood == pytest.approx(exact.log_likelihood, abs=0.03)


def test_errors_fall_like_one_over_the_root_of_the_particles():
    exact = kalman_filter(EXACT, Y).mean
    small, large = (
        np.sqrt(np.mean([(run(n, rng=i).mean - exact) ** 2 for i in range(60)])) for n in (50, 800)
    )
    assert 3.0 < small / large < 5.5


def test_paths_are_draws_from_the_smoothed_law():
    """100,000 particles, twelve times back; lineages coalesce, so a tolerance of 4 per cent."""
    found = run(100_000, lag=len(Y) - 1)
    exact = kalman_smoother(EXACT, kalman_filter(EXACT, Y))
    sd = np.sqrt(np.diagonal(exact.covariance, axis1=1, axis2=2))
    assert found.paths.shape == (12, 100_000, 2)
    assert (np.abs(found.paths.mean(axis=1) - exact.mean) < 0.04 * sd).all()
    np.testing.assert_allclose(found.paths.std(axis=1), sd, rtol=0.04)


def test_a_lag_keeps_the_end_of_the_paths_and_changes_nothing_else():
    everything, some, none = run(lag=11), run(lag=3), run()
    assert np.array_equal(everything.paths[-4:], some.paths)
    assert np.array_equal(everything.paths[-1:], none.paths)
    assert np.array_equal(everything.mean, none.mean)


def test_without_observations_every_weight_stays_equal():
    found = run(5000, y=np.full((6, 1), np.nan))
    np.testing.assert_allclose(found.effective_sizes, 5000)
    assert found.log_likelihood == pytest.approx(0.0, abs=1e-12)


def test_the_effective_size_is_that_of_the_weights():
    found = run(1000, y=Y[:1])
    x = run(1000, y=np.full((1, 1), np.nan)).paths[0]
    w = np.exp(-0.5 * (Y[0, 0] - x.sum(axis=1)) ** 2 / R)
    assert found.effective_sizes[0] == pytest.approx(w.sum() ** 2 / (w @ w), rel=1e-9)
    assert found.mean[0, 0] == pytest.approx(w @ x[:, 0] / w.sum(), rel=1e-9)


def test_a_particle_moves_by_the_numbers_of_its_own_stream():
    blank = np.full((5, 1), np.nan)
    few, many = run(7, y=blank, lag=4), run(50, y=blank, lag=4)
    unmoved = [particle_filter(MODEL, blank, n, lag=4, threshold=0.0, rng=1) for n in (7, 50)]
    assert np.array_equal(few.paths, unmoved[0].paths)
    assert np.array_equal(few.paths, many.paths[:, :7])


@njit
def _anew(t, x, z, parameters, out):
    out[:] = z


@njit
def _draw(z, parameters, out):
    out[:] = z


@pytest.mark.parametrize("m", [1, 2, 3])
def test_a_particle_takes_m_numbers_of_its_stream_at_a_time(m):
    model = HiddenMarkov(m, m, _draw, _anew, _log_observation, (A, S, R))
    found = particle_filter(
        model, np.full((5, 1), np.nan), 40, lag=4, threshold=0.0, rng=3, progress=False
    )
    for i in (0, 17, 39):
        draws = random.normal(5 * m, rng=3, stream=i).reshape(5, m)
        np.testing.assert_array_equal(found.paths[:, i], draws)


@njit
def _undefined_for_one(t, x, y, parameters, out):
    out[:] = 0.0
    out[t] = np.nan


@njit
def _hopeless(t, x, y, parameters, out):
    out[:] = -np.inf


@njit
def _undefined(t, x, y, parameters, out):
    out[:] = np.nan


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: run(0), ValueError, "n_particles must be at least 1"),
        (lambda: run(lag=12), ValueError, "lag must be below the number of times, 12"),
        (lambda: run(lag=-1), ValueError, "lag must be at least 0"),
        (lambda: run(threshold=1.5), ValueError, "threshold must be from 0 to 1"),
        (lambda: run(y=np.zeros((0, 1))), ValueError, "T at least 1"),
        (lambda: run(model=MODEL._replace(dimension=0)), ValueError, "model.dimension must be"),
        (lambda: run(model=MODEL._replace(n_normals=0)), ValueError, "model.n_normals must be"),
        (
            lambda: run(model=MODEL._replace(initial=_initial.py_func)),
            TypeError,
            "model.initial must be compiled by numba.njit",
        ),
        (
            lambda: run(model=MODEL._replace(parameters=(A, S, np.nan))),
            ValueError,
            r"parameters\[2\] must be finite",
        ),
        (
            lambda: run(model=MODEL._replace(log_observation=_hopeless)),
            ValueError,
            "log_observation must be finite for some particle and not nan, got -inf at time 0",
        ),
        (lambda: run(model=MODEL._replace(log_observation=_undefined)), ValueError, "got nan"),
        (
            lambda: run(model=MODEL._replace(log_observation=_undefined_for_one)),
            ValueError,
            "got nan at time 0",
        ),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
