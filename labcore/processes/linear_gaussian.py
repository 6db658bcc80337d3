r"""Linear Gaussian models in discrete time: a hidden Markov process seen through noise."""

from typing import NamedTuple

import numpy as np
from numba import uint64

from labcore._compile import compiled
from labcore._validate import array, integer
from labcore.processes._matrices import first_indefinite, product, semidefinite_root
from labcore.random import normal_pair, seed_from


class LinearGaussian(NamedTuple):
    r"""A linear Gaussian state-space model,

    .. math::

        x_0 \sim N(m, P), \qquad x_{t+1} = A_t x_t + N(0, Q_t), \qquad y_t = H_t x_t + N(0, R_t).

    The first observation is of the first state: nothing is predicted before it. A matrix that
    changes with time has one more axis, in front.

    Parameters
    ----------
    transition : array_like, shape (d, d) or (T - 1, d, d)
        A.
    transition_noise : array_like, shape (d, d) or (T - 1, d, d)
        Q, positive semidefinite: zero where the state moves without noise.
    measurement : array_like, shape (p, d) or (T, p, d)
        H.
    measurement_noise : array_like, shape (p, p) or (T, p, p)
        R, positive semidefinite.
    mean : array_like, shape (d,)
        m.
    covariance : array_like, shape (d, d)
        P, positive semidefinite.
    """

    transition: np.ndarray
    transition_noise: np.ndarray
    measurement: np.ndarray
    measurement_noise: np.ndarray
    mean: np.ndarray
    covariance: np.ndarray


class Trajectories(NamedTuple):
    """Draws of a model.

    Parameters
    ----------
    states : ndarray, shape (n_paths, T, d)
    observations : ndarray, shape (n_paths, T, p)
    """

    states: np.ndarray
    observations: np.ndarray


def simulate(
    model: LinearGaussian,
    n_times: int,
    n_paths: int = 1,
    *,
    rng: int | np.random.Generator | None = None,
) -> Trajectories:
    """Draws of the states and of the observations of a linear Gaussian model.

    Parameters
    ----------
    model : LinearGaussian
    n_times : int
        T.
    n_paths : int, default 1
        Path i is drawn from stream i, however many are asked for.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.

    Returns
    -------
    Trajectories

    Raises
    ------
    ValueError, TypeError
        If the shapes of the model do not fit, or a covariance is not positive semidefinite.

    Notes
    -----
    Costs some :math:`2 d^2 + p d` operations and d + p normal numbers a time and path.

    Examples
    --------
    >>> walk = LinearGaussian([[1.0]], [[0.5]], [[1.0]], [[0.1]], [0.0], [[0.0]])
    >>> draws = simulate(walk, 11, 10_000, rng=1)
    >>> float(draws.states[:, -1].var().round(1)), float(draws.observations[:, 0].var().round(1))
    (4.9, 0.1)
    """
    n_times, n_paths = integer("n_times", n_times, least=1), integer("n_paths", n_paths, least=1)
    model = checked(model, n_times)
    p, d = model.measurement.shape[1:]
    states, observations = np.empty((n_paths, n_times, d)), np.empty((n_paths, n_times, p))
    z = np.empty(d + p + (d + p) % 2)
    factors = np.empty((d, d)), np.empty((p, p))
    work, order = np.empty(max(d, p)), np.empty(max(d, p), np.int64)
    _simulate(seed_from(rng), model, z, *factors, work, order, states, observations)
    return Trajectories(states, observations)


@compiled
def _simulate(seed, model, z, of_state, of_measurement, work, order, states, observations):
    """Time after time, all paths: a factor of a covariance is for all of them.

    Path j takes z.size numbers of stream j at each time.
    """
    n_paths, n_times, d = states.shape
    p = observations.shape[2]
    blocks = z.size // 2
    n_noises, n_measurements = len(model.transition_noise), len(model.measurement)
    n_matrices, n_errors = len(model.transition), len(model.measurement_noise)
    for t in range(n_times):
        if t == 0:
            semidefinite_root(model.covariance, of_state, order)
        elif t == 1 or n_noises > 1:
            semidefinite_root(model.transition_noise[t - 1], of_state, order)
        if t == 0 or n_errors > 1:
            semidefinite_root(model.measurement_noise[t], of_measurement, order)
        h = model.measurement[min(t, n_measurements - 1)]
        for j in range(n_paths):
            for block in range(blocks):
                index = uint64(t * blocks + block)
                z[2 * block], z[2 * block + 1] = normal_pair(seed, uint64(j), index)
            x, y = states[j, t], observations[j, t]
            if t == 0:
                for i in range(d):
                    x[i] = model.mean[i]
            else:
                product(model.transition[min(t - 1, n_matrices - 1)], states[j, t - 1], x)
            product(of_state, z[:d], work)
            for i in range(d):
                x[i] += work[i]
            product(h, x, y)
            product(of_measurement, z[d : d + p], work)
            for i in range(p):
                y[i] += work[i]


def checked(model: LinearGaussian, n_times: int) -> LinearGaussian:
    """The model with arrays of which all that may change with time have a first axis."""
    mean = array("model.mean", model.mean, 1)
    d = mean.size
    measurement = _varying("model.measurement", model.measurement, n_times, (None, d))
    p = measurement.shape[1]
    transition = _varying("model.transition", model.transition, n_times - 1, (d, d))
    noise = _covariances("model.transition_noise", model.transition_noise, n_times - 1, d)
    error = _covariances("model.measurement_noise", model.measurement_noise, n_times, p)
    covariance = _covariances("model.covariance", model.covariance, 1, d)[0]
    return LinearGaussian(transition, noise, measurement, error, mean, covariance)


def _varying(name: str, value, n: int, shape: tuple[int | None, int]) -> np.ndarray:
    value = array(name, value, (2, 3))
    rows, columns = shape
    fits = value.shape[-1] == columns and rows in (None, value.shape[-2])
    if not fits or (value.ndim == 3 and len(value) not in (1, n)):
        expected = f"({rows or 'p'}, {columns})"
        raise ValueError(
            f"{name} must have shape {expected}, or {n} such matrices, got {value.shape}"
        )
    return value if value.ndim == 3 else value[None]


def _covariances(name: str, value, n: int, size: int) -> np.ndarray:
    value = _varying(name, value, n, (size, size))
    asymmetry = np.abs(value - value.transpose(0, 2, 1)).max(initial=0.0)
    if asymmetry > 1e-9 * np.abs(value).max(initial=0.0):
        raise ValueError(f"{name} must be symmetric")
    failed = first_indefinite(value, np.empty((size, size)), np.empty(size, np.int64))
    if failed >= 0:
        raise ValueError(
            f"{name} must be positive semidefinite, got {value[failed].tolist()} at {failed}"
        )
    return value
