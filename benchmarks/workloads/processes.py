"""Gaussian and Markov processes in time."""

import math

import numpy as np
from numba import njit

from benchmarks.workload import Cost, Ways, peer, workload
from labcore import processes

HURST = 0.3


def same_variances(ours: np.ndarray, theirs: np.ndarray) -> None:
    """The last values of the paths have one variance, within what so many draws allow."""
    n = len(ours)
    np.testing.assert_allclose(theirs[:, -1].var(), ours[:, -1].var(), rtol=6.0 * np.sqrt(2.0 / n))


@workload(
    small={"n_paths": 400, "n_steps": 256},
    agree=same_variances,
    aim=4.0,
    cost=lambda n_paths, n_steps: Cost(normals=2 * n_paths * n_steps),
)
def fractional_brownian(n_paths: int = 500, n_steps: int = 4096) -> Ways:
    """Paths of fractional Brownian motion, by circulant embedding."""
    from scipy import fft

    lags = np.arange(n_steps + 1)
    r = 0.5 * ((lags + 1.0) ** (2 * HURST) - 2.0 * lags ** (2 * HURST))
    r += 0.5 * np.abs(lags - 1.0) ** (2 * HURST)
    eigenvalues = fft.fft(np.concatenate([r, r[-2:0:-1]])).real
    amplitude = np.sqrt(np.maximum(eigenvalues, 0.0) / (2 * n_steps))

    def ours():
        return processes.fractional_brownian(HURST, float(n_steps), n_steps, n_paths, rng=1)[:, 1:]

    def two_paths_a_transform():
        generator = np.random.default_rng(1)
        shape = n_paths // 2, 2 * n_steps
        z = generator.standard_normal(shape) + 1j * generator.standard_normal(shape)
        noise = fft.fft(z * amplitude)[:, :n_steps]
        return np.concatenate([noise.real.cumsum(axis=1), noise.imag.cumsum(axis=1)])

    ways = {"labcore": ours, "numpy and scipy.fft": two_paths_a_transform}
    if fbm := peer("fbm"):

        def path_by_path():
            one = fbm.FBM(n=n_steps, hurst=HURST, length=n_steps, method="daviesharte")
            return np.array([one.fbm()[1:] for _ in range(n_paths)])

        ways["fbm"] = path_by_path
    return ways


@workload(small={"n_times": 200}, aim=4.0)
def kalman(n_times: int = 20_000) -> Ways:
    """Log-likelihood of a series of pairs under a Kalman filter with four states."""
    a = np.array([[1, 1, 0.5, 0], [0, 1, 1, 0], [0, 0, 1, 0], [0, 0, 0, 0.9]])
    h = np.array([[1.0, 0, 0, 0], [0, 0, 0, 1]])
    q, r = 0.01 * np.eye(4), 0.5 * np.eye(2)
    y = np.random.default_rng(0).standard_normal((n_times, 2)).cumsum(axis=0)
    model = processes.LinearGaussian(a, q, h, r, np.zeros(4), np.eye(4))

    def ours():
        return np.array(processes.kalman_log_likelihood(model, y))

    def textbook():
        m, p, total = np.zeros(4), np.eye(4), 0.0
        for t in range(n_times):
            if t:
                m, p = a @ m, a @ p @ a.T + q
            s, v = h @ p @ h.T + r, y[t] - h @ m
            gain = np.linalg.solve(s, h @ p).T
            total -= 0.5 * (v @ np.linalg.solve(s, v) + np.linalg.slogdet(2 * np.pi * s)[1])
            m, p = m + gain @ v, p - gain @ s @ gain.T
        return np.array(total)

    ways = {"labcore": ours, "numpy": textbook}
    if filters := peer("statsmodels.tsa.statespace.kalman_filter"):

        def by_statsmodels():
            f = filters.KalmanFilter(
                2, 4, transition=a, design=h, state_cov=q, obs_cov=r, selection=np.eye(4)
            )
            f.bind(y.copy())
            f.initialize_known(np.zeros(4), np.eye(4))
            return np.array(f.loglike())

        ways["statsmodels"] = by_statsmodels
    return ways


@njit
def _initial(z, parameters, out):
    for i in range(len(out)):
        out[i, 0] = z[i, 0]


@njit
def _transition(t, x, z, parameters, out):
    for i in range(len(out)):
        out[i, 0] = 0.95 * x[i, 0] + 0.3 * z[i, 0]


@njit
def _log_volatility(t, x, y, parameters, out):
    for i in range(len(out)):
        out[i] = -0.5 * (math.log(2 * math.pi) + x[i, 0] + y[0] * y[0] * math.exp(-x[i, 0]))


def same_likelihood(ours: np.ndarray, theirs: np.ndarray) -> None:
    """Both estimate one log-likelihood, with a standard error far below one."""
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=3.0)


@workload(small={"n_times": 50, "n_particles": 500}, agree=same_likelihood)
def particle_filter(n_times: int = 500, n_particles: int = 2000) -> Ways:
    """Log-likelihood of a stochastic volatility by the bootstrap filter."""
    y = 1.5 * np.random.default_rng(0).standard_normal(n_times)
    model = processes.HiddenMarkov(1, 1, _initial, _transition, _log_volatility)

    def ours():
        found = processes.particle_filter(model, y, n_particles, rng=1, progress=False)
        return np.array(found.log_likelihood)

    def in_step():
        generator, total = np.random.default_rng(1), 0.0
        x, log_w = generator.standard_normal(n_particles), np.zeros(n_particles)
        for t in range(n_times):
            if t:
                x = 0.95 * x + 0.3 * generator.standard_normal(n_particles)
            log_w = log_w - 0.5 * (np.log(2 * np.pi) + x + y[t] ** 2 * np.exp(-x))
            largest = log_w.max()
            w = np.exp(log_w - largest)
            total += largest + np.log(w.mean())
            w /= w.sum()
            log_w = np.log(w * n_particles)
            if 1.0 / (w @ w) < 0.5 * n_particles:
                u = (np.arange(n_particles) + generator.random()) / n_particles
                x = x[np.minimum(np.searchsorted(np.cumsum(w), u), n_particles - 1)]
                log_w = np.zeros(n_particles)
        return np.array(total)

    return {"labcore": ours, "numpy, particles in step": in_step}


WORKLOADS = (fractional_brownian, kalman, particle_filter)
