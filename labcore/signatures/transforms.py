"""Coordinates that are added to a path before its signature is taken."""

import numpy as np

from labcore import _validate as validate


def time_augmented(paths: np.ndarray, t: np.ndarray | None = None) -> np.ndarray:
    r"""The paths :math:`(t, x_t)`: with time as coordinate 0.

    The signature then also sees how fast a path is run through, and no part is retraced: it
    determines the path up to its starting point.

    Parameters
    ----------
    paths : array_like, shape (..., L, d)
    t : array_like, shape (L,), optional
        Increasing times (default: L of them, evenly spaced from 0 to 1).

    Returns
    -------
    numpy.ndarray, shape (..., L, d + 1)

    Raises
    ------
    ValueError
        If `t` does not increase or has not one time for each point.

    Notes
    -----
    The unit of time is a choice: a coordinate that grows far more than the others hides them.

    Examples
    --------
    >>> time_augmented([[5.0], [7.0], [6.0]])
    array([[0. , 5. ],
           [0.5, 7. ],
           [1. , 6. ]])
    """
    paths = _points_in_order(paths)
    length = paths.shape[-2]
    t = np.linspace(0.0, 1.0, length) if t is None else validate.array("t", t, 1)
    if len(t) != length or (np.diff(t) <= 0.0).any():
        raise ValueError(f"t must be {length} increasing times, got {t}")
    times = np.broadcast_to(t[:, None], (*paths.shape[:-1], 1))
    return np.concatenate([times, paths], axis=-1)


def lead_lag(paths: np.ndarray) -> np.ndarray:
    r"""The paths in twice the dimension of which one half runs ahead of the other by a point.

    From :math:`(x_k, x_k)` the path goes to :math:`(x_{k+1}, x_k)` and then to
    :math:`(x_{k+1}, x_{k+1})`: the first d coordinates lead, the last d lag. The signature's
    coefficients of lag i and lead j, one way round minus the other, are the quadratic variation
    :math:`\sum_k \Delta x^i_k \Delta x^j_k`, which no signature of x alone holds.

    Parameters
    ----------
    paths : array_like, shape (..., L, d)

    Returns
    -------
    numpy.ndarray, shape (..., 2 L - 1, 2 d)

    Raises
    ------
    ValueError
        If a path is not finite or has no points.

    References
    ----------
    G. Flint, B. Hambly, T. Lyons, "Discretely sampled signals and the rough Hoff process",
    Stochastic Processes and their Applications 126 (2016). doi:10.1016/j.spa.2016.02.011

    Examples
    --------
    >>> lead_lag([[0.0], [3.0]])
    array([[0., 0.],
           [3., 0.],
           [3., 3.]])
    """
    paths = _points_in_order(paths)
    twice = np.repeat(paths, 2, axis=-2)
    return np.concatenate([twice[..., 1:, :], twice[..., :-1, :]], axis=-1)


def _points_in_order(paths: np.ndarray) -> np.ndarray:
    paths = validate.array("paths", paths, tuple(range(2, 9)))
    if 0 in paths.shape[-2:]:
        raise ValueError(f"paths must have points, got shape {paths.shape}")
    return paths
