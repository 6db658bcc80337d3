r"""Girsanov's theorem: paths of one drift, weighted so that they count as paths of another.

I. V. Girsanov, "On transforming a certain class of stochastic processes by absolutely continuous
substitution of measures", Theory Probab. Appl. 5 (1960). doi:10.1137/1105027
"""

from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore._validate import array
from labcore.sde.euler_maruyama import EULER_MARUYAMA
from labcore.sde.model import Model, drift_at
from labcore.sde.scalar import scalar_coefficients
from labcore.sde.solve import Paths


class WeightedMean(NamedTuple):
    """A mean over weighted draws.

    Parameters
    ----------
    mean, standard_error : float
    effective_size : float
        How many draws of equal weight would be as many: :math:`(\\sum w_i)^2 / \\sum w_i^2`.
    """

    mean: float
    standard_error: float
    effective_size: float


@compiled
def _log_ratios(c, other, t, x, out):
    """Returns the first path and step at which the diffusions differ, or (-1, -1)."""
    n_paths, n_saved = x.shape
    bad_path, bad_step = -1, -1
    for p in range(n_paths):
        total = 0.0
        out[p, 0] = 0.0
        for i in range(n_saved - 1):
            h = t[i + 1] - t[i]
            b, b_other = drift_at(c, t[i], x[p, i]), drift_at(other, t[i], x[p, i])
            sigma = c.diffusion(t[i], x[p, i], c.parameters)
            sigma_other = other.diffusion(t[i], x[p, i], other.parameters)
            same = abs(sigma - sigma_other) <= 1e-12 * abs(sigma)
            if not (same and (sigma != 0.0 or b == b_other)) and bad_path < 0:
                bad_path, bad_step = p, i
            if sigma != 0.0:
                u = (b_other - b) / sigma
                total += u * (x[p, i + 1] - x[p, i] - b * h) / sigma - 0.5 * u * u * h
            out[p, i + 1] = total
    return bad_path, bad_step


def girsanov_log_weights(paths: Paths, model: Model, other: Model) -> np.ndarray:
    r"""The log likelihood ratio of another drift to that with which paths were solved.

    For paths of :math:`dX = b\,dt + \sigma\,dW` solved by Euler-Maruyama, with all steps saved,

    .. math:: \log L_k = \sum_{i < k} u_i \frac{X_{i+1} - X_i - b_i h_i}{\sigma_i}
              - \tfrac12 u_i^2 h_i, \qquad u_i = \frac{\tilde b_i - b_i}{\sigma_i},

    is exactly the log ratio of the density of the values up to :math:`t_k` under Euler-Maruyama
    with the drift :math:`\tilde b` to that with b. So :math:`\E[L_k f(X_0, \dots, X_k)] =
    \tilde\E f(X_0, \dots, X_k)` with no error of the step. As the step tends to zero it becomes
    Girsanov's :math:`\exp(\int u\,dW - \tfrac12 \int u^2\,dt)`.

    Parameters
    ----------
    paths : Paths
        From ``solve(model, EULER_MARUYAMA, ...)``, with ``save_every=1``.
    model : Model
        The equation that was solved.
    other : Model
        The equation whose law is wanted: another drift, the same diffusion.

    Returns
    -------
    numpy.ndarray of shape (n_paths, n_saved)
        :math:`\log L` at the times of the paths: zero at the start. Its exponential is a
        martingale, so that weights may be taken at the end or at any stopping time.

    Raises
    ------
    ValueError
        If the diffusions differ somewhere on the paths, or vanish where the drifts differ: neither
        law then has a density with respect to the other.

    Notes
    -----
    Of paths from another solver, or thinned, the weights are those of Girsanov's theorem up to an
    error of the step. The variance of the weights grows exponentially with
    :math:`\int u^2\,dt`: their effective size (see `weighted_mean`) tells how many paths are left.

    The exact ratio on a grid has mean 1 for all drifts. The limit has only if the other equation
    does not explode, for which Novikov's condition :math:`\E \exp(\tfrac12 \int u^2\,dt) < \infty`
    suffices. For :math:`b = 0,\ \tilde b = x^2,\ \sigma = 1` it fails: the mean of L is the
    probability that the other process has not exploded, and on a grid what is missing sits in
    weights too rare to be drawn. An effective size that falls as the step is refined shows this.

    Examples
    --------
    Brownian paths, weighted to drift upwards at rate 1:

    >>> import numpy as np
    >>> from labcore import sde
    >>> brownian, drifting = sde.brownian_motion(), sde.brownian_motion(drift=1.0)
    >>> paths = sde.solve(brownian, sde.EULER_MARUYAMA, 0.0, 1.0, 10, 4000, rng=1)
    >>> log_weights = sde.girsanov_log_weights(paths, brownian, drifting)
    >>> bool(np.allclose(log_weights, paths.x - paths.t / 2))
    True
    >>> end = sde.weighted_mean(paths.x[:, -1], log_weights[:, -1])
    >>> abs(end.mean - 1.0) < 3 * end.standard_error
    True
    """
    t, x = array("paths.t", paths.t, 1), array("paths.x", paths.x, 2)
    if t.size != x.shape[1]:
        raise ValueError(
            f"paths.x must have a column for each of {t.size} times, got shape {x.shape}"
        )
    if t.size > 1 and np.diff(t).min() <= 0.0:
        raise ValueError(f"paths.t must increase, got {t}")
    out = np.empty(x.shape)
    c, c_other = (scalar_coefficients(m, EULER_MARUYAMA, t[-1]) for m in (model, other))
    path, step = _log_ratios(c, c_other, t, x, out)
    if path >= 0:
        raise ValueError(
            f"other must have the diffusion of the {model.name}, and one that is not zero, got "
            f"another at t = {t[step]:g}, x = {x[path, step]:g} (the {other.name})"
        )
    return out


def weighted_mean(
    values: np.ndarray, log_weights: np.ndarray, *, normalise: bool = False
) -> WeightedMean:
    r"""The mean of values that were drawn from another law, with its error.

    .. math:: \frac1n \sum_i w_i f_i \qquad\text{or, normalised,}\qquad
              \frac{\sum_i w_i f_i}{\sum_i w_i}.

    Parameters
    ----------
    values : array of shape (n,)
        f of each draw.
    log_weights : array of shape (n,)
        log w of each: the ratio of the law that is wanted to the one drawn from.
    normalise : bool, default False
        Divide by the sum of the weights: for ratios known up to a factor. Biased by the order of
        1/n.

    Returns
    -------
    WeightedMean
        The standard error is the sample's, normalised by the delta method.

    Raises
    ------
    ValueError
        If there are fewer than two values, or not as many as weights.

    Notes
    -----
    Mean and error both fail, without a sign in the error, where the weights have tails too heavy
    for n draws. Compare the effective size with n.

    Examples
    --------
    The probability that :math:`W_1 > 5`, which is 2.867e-7, from 10,000 paths that are pushed there
    and weighted back. Unpushed, a single such path takes 3.5 million on average.

    >>> from labcore import sde
    >>> pushed, brownian = sde.brownian_motion(drift=5.0), sde.brownian_motion()
    >>> paths = sde.solve(pushed, sde.EULER_MARUYAMA, 0.0, 1.0, 1, 10_000, rng=1)
    >>> log_weights = sde.girsanov_log_weights(paths, pushed, brownian)[:, -1]
    >>> above = sde.weighted_mean(paths.x[:, -1] > 5.0, log_weights)
    >>> print(f"{above.mean:.2e} +- {above.standard_error:.0e}")
    2.91e-07 +- 7e-09
    """
    values, log_weights = array("values", values, 1), array("log_weights", log_weights, 1)
    n = values.size
    if n < 2 or log_weights.size != n:
        raise ValueError(
            f"values and log_weights must be as many, at least 2, got {n} and {log_weights.size}"
        )
    largest = log_weights.max()
    w = np.exp(log_weights - largest)
    size = float(w.sum() ** 2 / (w @ w))
    if normalise:
        share = w / w.sum()
        mean = float(share @ values)
        return WeightedMean(mean, float(np.sqrt(np.sum((share * (values - mean)) ** 2))), size)
    scale = float(np.exp(largest))
    terms = w * values
    error = scale * float(terms.std(ddof=1)) / np.sqrt(n)
    return WeightedMean(scale * float(terms.mean()), float(error), size)
