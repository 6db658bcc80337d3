r"""The smoother of Rauch, Tung and Striebel: what all observations say of every state.

H. E. Rauch, F. Tung, C. T. Striebel, "Maximum likelihood estimates of linear dynamic systems", AIAA
J. 3 (1965). doi:10.2514/3.3166
"""

from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore.processes._matrices import (
    congruence,
    product,
    semidefinite_root,
    solve_semidefinite,
)
from labcore.processes.kalman import Filtered, kalman_filter, observations
from labcore.processes.linear_gaussian import LinearGaussian, checked, simulate


class Smoothed(NamedTuple):
    """What all observations say of the states.

    Parameters
    ----------
    mean : ndarray, shape (T, d)
    covariance : ndarray, shape (T, d, d)
    """

    mean: np.ndarray
    covariance: np.ndarray


def kalman_smoother(model: LinearGaussian, filtered: Filtered) -> Smoothed:
    r"""The law of each state given all observations, from what the filter found.

    Backwards, with :math:`G = P_t A^\top \bar P_{t+1}^{-1}`,

    .. math::

        m^s_t = m_t + G\,(m^s_{t+1} - \bar m_{t+1}), \qquad
        P^s_t = (I - G A)\,P_t\,(I - G A)^\top + G\,(P^s_{t+1} + Q)\,G^\top,

    which equals :math:`P_t + G (P^s_{t+1} - \bar P_{t+1}) G^\top` but for rounding.

    Parameters
    ----------
    model : LinearGaussian
        The same.
    filtered : Filtered
        Made by `kalman_filter`.

    Returns
    -------
    Smoothed

    Raises
    ------
    ValueError
        If the model and the laws have other dimensions.

    Notes
    -----
    Costs about :math:`7 d^3` operations a time. A singular predicted covariance (states that move
    without noise) is taken with a generalised inverse, which gives the same law.

    Examples
    --------
    >>> walk = LinearGaussian([[1.0]], [[0.5]], [[1.0]], [[0.5]], [0.0], [[0.5]])
    >>> kalman_smoother(walk, kalman_filter(walk, [1.0, 2.0, np.nan])).mean[:, 0]
    array([0.8, 1.4, 1.4])
    """
    n_times, d = np.shape(filtered.mean)
    model = checked(model, n_times)
    if model.mean.size != d:
        raise ValueError(
            f"filtered must be of the model, with {model.mean.size} dimensions, got {d}"
        )
    mean, covariance = np.array(filtered.mean), np.array(filtered.covariance)
    work = [np.empty((d, d)) for _ in range(5)]
    _smooth(model, filtered, *work, np.empty(d), np.empty(d, np.int64), mean, covariance)
    return Smoothed(mean, covariance)


@compiled
def _smooth(model, filtered, root, gain, rest, work, part, change, order, mean, covariance):
    n_times, d = mean.shape
    last_a, last_q = len(model.transition) - 1, len(model.transition_noise) - 1
    for t in range(n_times - 2, -1, -1):
        a, q = model.transition[min(t, last_a)], model.transition_noise[min(t, last_q)]
        p = filtered.covariance[t]
        semidefinite_root(filtered.predicted_covariance[t + 1], root, order)
        for i in range(d):  # gain = P A' (A P A' + Q)^-1, row by row
            product(a, p[i], gain[i])
            solve_semidefinite(root, order, gain[i], change)
        for i in range(d):
            change[i] = mean[t + 1, i] - filtered.predicted_mean[t + 1, i]
            for j in range(d):
                total = 1.0 if i == j else 0.0
                for k in range(d):
                    total -= gain[i, k] * a[k, j]
                rest[i, j] = total
                part[i, j] = covariance[t + 1, i, j] + q[i, j]
        product(gain, change, mean[t])
        congruence(rest, p, work, covariance[t])
        congruence(gain, part, work, rest)
        for i in range(d):
            mean[t, i] += filtered.mean[t, i]
            for j in range(d):
                covariance[t, i, j] += rest[i, j]


def sample_states(
    model: LinearGaussian,
    y: np.ndarray,
    n_paths: int = 1,
    *,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    r"""Draws of all states together, given all observations.

    A draw :math:`(x^+, y^+)` of the model is corrected by what the smoother makes of the
    difference: :math:`x^+ + \E[x \mid y] - \E[x \mid y^+]` has the law of x given y.

    Parameters
    ----------
    model : LinearGaussian
    y : array_like, shape (T, p), or (T,) for p = 1
        The observations, nan where one is missing.
    n_paths : int, default 1
        Draw i is made of stream i, however many are asked for.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.

    Returns
    -------
    numpy.ndarray, shape (n_paths, T, d)

    Raises
    ------
    ValueError, TypeError, numpy.linalg.LinAlgError
        As `kalman_filter`.

    Notes
    -----
    Costs a pass of filter and smoother for each draw.

    References
    ----------
    J. Durbin, S. J. Koopman, "A simple and efficient simulation smoother for state space time
    series analysis", Biometrika 89 (2002) 603-616. doi:10.1093/biomet/89.3.603

    Examples
    --------
    >>> walk = LinearGaussian([[1.0]], [[0.5]], [[1.0]], [[0.5]], [0.0], [[0.5]])
    >>> draws = sample_states(walk, [1.0, 2.0, np.nan], 4000, rng=1)
    >>> draws.mean(axis=0)[:, 0].round(1)
    array([0.8, 1.4, 1.4])
    """
    y = observations(y)
    draws, imagined = simulate(model, len(y), n_paths, rng=rng)
    centred = model._replace(mean=np.zeros(np.shape(model.mean)))
    for states, of_states in zip(draws, imagined, strict=True):
        # smoothing is affine in mean and data: this is E[x | y] - E[x | y+]
        states += kalman_smoother(centred, kalman_filter(centred, y - of_states)).mean
    return draws
