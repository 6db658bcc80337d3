r"""The Kalman filter: the law of a hidden Gaussian state, and the likelihood of what is seen.

R. E. Kalman, "A new approach to linear filtering and prediction problems", J. Basic Eng. 82 (1960).
doi:10.1115/1.3662552
"""

import math
from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore._math import log
from labcore.processes._matrices import cholesky, congruence, product
from labcore.processes.linear_gaussian import LinearGaussian, checked

_LOG_2PI = math.log(2.0 * math.pi)
# Covariances that change by less, in units of the standard deviations, have reached their limit.
_SETTLED = 1e-15


class Filtered(NamedTuple):
    """What a Kalman filter says of the states.

    Parameters
    ----------
    mean : ndarray, shape (T, d)
        Of each state, given the observations up to its time.
    covariance : ndarray, shape (T, d, d)
        Of each state, given the same.
    predicted_mean : ndarray, shape (T, d)
        Of each state, given the observations before its time.
    predicted_covariance : ndarray, shape (T, d, d)
        Of each state, given the same.
    log_likelihood : float
        The log density of all observations that are not missing.
    """

    mean: np.ndarray
    covariance: np.ndarray
    predicted_mean: np.ndarray
    predicted_covariance: np.ndarray
    log_likelihood: float


class _Workspace(NamedTuple):
    mean: np.ndarray
    updated_mean: np.ndarray
    covariance: np.ndarray
    previous: np.ndarray
    updated: np.ndarray
    innovation: np.ndarray
    observed: np.ndarray
    s: np.ndarray
    factor: np.ndarray
    gain: np.ndarray
    error: np.ndarray
    square: np.ndarray
    second: np.ndarray
    wide: np.ndarray


def _workspace(d: int, p: int) -> _Workspace:
    return _Workspace(
        np.empty(d),
        np.empty(d),
        np.empty((d, d)),
        np.empty((d, d)),
        np.empty((d, d)),
        np.empty(p),
        np.empty(p, np.int64),
        np.empty((p, p)),
        np.empty((p, p)),
        np.empty((d, p)),
        np.empty((p, p)),
        np.empty((d, d)),
        np.empty((d, d)),
        np.empty((d, p)),
    )


@compiled
def _predict(a, q, w):
    """Mean and covariance of the next state, from the updated ones of this."""
    product(a, w.updated_mean, w.mean)
    d = a.shape[0]
    congruence(a, w.updated, w.square, w.covariance)
    for i in range(d):
        for j in range(d):
            w.covariance[i, j] += q[i, j]


@compiled
def _settled(w):
    """Whether the predicted covariance is that of the time before, up to rounding."""
    p, before = w.covariance, w.previous
    still = True
    for i in range(p.shape[0]):
        for j in range(i + 1):
            scale = p[i, i] * p[j, j]
            change = p[i, j] - before[i, j]
            still = still and change * change <= _SETTLED * _SETTLED * scale
    return still


@compiled
def _observe(h, r, n, w):
    """Gain, factor of the innovations' covariance, and updated covariance in Joseph's form.

    For the n components in `w.observed`. Returns whether that covariance is positive definite.
    Joseph's form, (I - K H) P (I - K H)' + K R K', is a sum of squares: rounding cannot make a
    variance negative, and an error of the gain enters by its square.
    """
    d, p = h.shape[1], w.covariance
    for a in range(n):  # wide = P H'
        row = w.observed[a]
        for i in range(d):
            total = 0.0
            for k in range(d):
                total += p[i, k] * h[row, k]
            w.wide[i, a] = total
    for a in range(n):
        for b in range(a + 1):
            total = r[w.observed[a], w.observed[b]]
            for k in range(d):
                total += h[w.observed[a], k] * w.wide[k, b]
            w.s[a, b] = total
    definite = cholesky(w.s, n, w.factor)
    for i in range(d):  # gain = P H' S^-1, row by row
        for a in range(n):
            total = w.wide[i, a]
            for b in range(a):
                total -= w.factor[a, b] * w.gain[i, b]
            w.gain[i, a] = total / w.factor[a, a]
        for a in range(n - 1, -1, -1):
            total = w.gain[i, a]
            for b in range(a + 1, n):
                total -= w.factor[b, a] * w.gain[i, b]
            w.gain[i, a] = total / w.factor[a, a]
    for i in range(d):  # square = I - K H
        for j in range(d):
            total = 1.0 if i == j else 0.0
            for a in range(n):
                total -= w.gain[i, a] * h[w.observed[a], j]
            w.square[i, j] = total
    congruence(w.square, p, w.second, w.updated)
    for i in range(d):  # wide = K R
        for a in range(n):
            total = 0.0
            for b in range(n):
                total += w.gain[i, b] * r[w.observed[b], w.observed[a]]
            w.wide[i, a] = total
    for i in range(d):
        for j in range(i + 1):
            total = w.updated[i, j]
            for a in range(n):
                total += w.wide[i, a] * w.gain[j, a]
            w.updated[i, j] = w.updated[j, i] = total
    return definite


@compiled
def _filter(y, model, w, mean, covariance, predicted_mean, predicted_covariance):
    """Fill the laws, if there are rows for all times; the log-likelihood, and where it fails.

    If nothing changes with time the covariances tend to a limit. Once they have reached it, they
    and the gain are kept until an observation is missing.
    """
    n_times, p = y.shape
    d = w.mean.size
    last_a, last_q = len(model.transition) - 1, len(model.transition_noise) - 1
    last_h, last_r = len(model.measurement) - 1, len(model.measurement_noise) - 1
    constant = last_a == 0 and last_q == 0 and last_h == 0 and last_r == 0
    keep = mean.shape[0] > 0
    log_likelihood, log_det = 0.0, 0.0
    settled, complete = False, False
    for i in range(d):
        w.mean[i] = model.mean[i]
        for j in range(d):
            w.covariance[i, j] = model.covariance[i, j]
    for t in range(n_times):
        if t > 0:
            if settled:
                product(model.transition[0], w.updated_mean, w.mean)
            else:
                for i in range(d):
                    for j in range(d):
                        w.previous[i, j] = w.covariance[i, j]
                a, q = model.transition[min(t - 1, last_a)], model.transition_noise
                _predict(a, q[min(t - 1, last_q)], w)
                settled = constant and complete and _settled(w)
        h = model.measurement[min(t, last_h)]
        n = 0
        for a in range(p):
            if y[t, a] == y[t, a]:  # not missing
                w.observed[n] = a
                n += 1
        complete = n == p
        if not (settled and complete):
            settled = False
            if not _observe(h, model.measurement_noise[min(t, last_r)], n, w):
                return log_likelihood, t
            log_det = 0.0
            for a in range(n):
                log_det += log(w.factor[a, a])
        for i in range(d):
            w.updated_mean[i] = w.mean[i]
        log_likelihood -= log_det + 0.5 * n * _LOG_2PI
        for a in range(n):
            row = w.observed[a]
            total = y[t, row]
            for k in range(d):
                total -= h[row, k] * w.mean[k]
            for i in range(d):
                w.updated_mean[i] += w.gain[i, a] * total
            for b in range(a):
                total -= w.factor[a, b] * w.innovation[b]
            total /= w.factor[a, a]
            w.innovation[a] = total  # whitened
            log_likelihood -= 0.5 * total * total
        if keep:
            for i in range(d):
                mean[t, i] = w.updated_mean[i]
                predicted_mean[t, i] = w.mean[i]
                for j in range(d):
                    covariance[t, i, j] = w.updated[i, j]
                    predicted_covariance[t, i, j] = w.covariance[i, j]
    return log_likelihood, -1


def kalman_filter(model: LinearGaussian, y: np.ndarray) -> Filtered:
    r"""The law of each state given the observations so far, and the likelihood of all.

    With the predicted mean :math:`\bar m` and covariance :math:`\bar P`, at each time

    .. math::

        S = H \bar P H^\top + R, \quad K = \bar P H^\top S^{-1}, \quad
        m = \bar m + K (y - H \bar m), \quad
        P = (I - K H) \bar P (I - K H)^\top + K R K^\top,

    and the next prediction is :math:`A m` with covariance :math:`A P A^\top + Q`. The log
    likelihood sums the log densities of :math:`y - H \bar m` under N(0, S).

    Parameters
    ----------
    model : LinearGaussian
    y : array_like, shape (T, p), or (T,) for p = 1
        The observations, nan where one is missing.

    Returns
    -------
    Filtered

    Raises
    ------
    ValueError, TypeError
        If shapes do not fit, or a covariance is not positive semidefinite.
    numpy.linalg.LinAlgError
        If S is singular: two observations without noise say the same.

    Notes
    -----
    Costs about :math:`5 d^3` operations a time. Where the model does not change with time, the
    covariances converge; when they have, to rounding, they are kept, and a time costs
    :math:`d^2 + 2 d p`. Joseph's form of P keeps variances positive where the noise is many orders
    smaller than the signal; the mean still loses digits there.

    Examples
    --------
    >>> walk = LinearGaussian([[1.0]], [[0.5]], [[1.0]], [[0.5]], [0.0], [[0.5]])
    >>> filtered = kalman_filter(walk, [1.0, 2.0, np.nan])
    >>> filtered.mean[:, 0]
    array([0.5, 1.4, 1.4])
    >>> filtered.covariance[:, 0, 0]
    array([0.25, 0.3 , 0.8 ])
    """
    model, y, w = _prepared(model, y)
    n_times, d = len(y), model.mean.size
    mean, predicted_mean = np.empty((n_times, d)), np.empty((n_times, d))
    covariance, predicted_covariance = np.empty((n_times, d, d)), np.empty((n_times, d, d))
    laws = (mean, covariance, predicted_mean, predicted_covariance)
    return Filtered(*laws, _run(y, model, w, *laws))


def kalman_log_likelihood(model: LinearGaussian, y: np.ndarray) -> float:
    """The log density of the observations: as `kalman_filter` has it, without keeping the laws.

    Parameters and errors as there.

    Examples
    --------
    >>> walk = LinearGaussian([[1.0]], [[0.5]], [[1.0]], [[0.5]], [0.0], [[0.5]])
    >>> round(kalman_log_likelihood(walk, [1.0, 2.0]), 4)
    -3.3494
    """
    model, y, w = _prepared(model, y)
    d = model.mean.size
    rows, matrices = np.empty((0, d)), np.empty((0, d, d))
    return _run(y, model, w, rows, matrices, rows, matrices)


def observations(y) -> np.ndarray:
    """The observations as an array (T, p), nan where one is missing."""
    y = np.asarray(y, float)
    if y.ndim not in (1, 2) or len(y) == 0:
        raise ValueError(f"y must have shape (T, p) or (T,), T at least 1, got {y.shape}")
    if np.isinf(y).any():
        raise ValueError("y must be finite, or nan where an observation is missing, got inf")
    return np.ascontiguousarray(y.reshape(len(y), -1))


def _prepared(model: LinearGaussian, y) -> tuple[LinearGaussian, np.ndarray, _Workspace]:
    y = observations(y)
    model = checked(model, len(y))
    p, d = model.measurement.shape[1:]
    if y.shape[1] != p:
        raise ValueError(f"y must have {p} columns, as model.measurement has rows, got {y.shape}")
    return model, y, _workspace(d, p)


def _run(y, model, w, *laws) -> float:
    log_likelihood, failed = _filter(y, model, w, *laws)
    if failed >= 0:
        raise np.linalg.LinAlgError(
            f"the covariance of the prediction of y[{failed}] is not positive definite: "
            "model.measurement_noise must be larger"
        )
    return log_likelihood
