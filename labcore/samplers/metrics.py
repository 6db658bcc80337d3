r"""Metrics: the linear map by which a sampler stretches its noise and its momenta.

A metric is an estimate :math:`\Sigma` of the target's covariance: the inverse of what Hamiltonian
Monte Carlo calls the mass matrix. Its factor L, :math:`L L^\top = \Sigma`, takes standard normal
noise to noise of the target's shape. A sampler with metric :math:`\Sigma` moves as the sampler
without one does on the density of :math:`L^{-1} X`; so momenta are kept standard normal, and L
appears where they move the position and where the gradient moves them.

Loops get L as an array of shape (1, d), its diagonal, or (d, d), lower triangular.
"""

import numpy as np

from labcore._compile import compiled
from labcore._validate import array


def checked_metric(metric) -> np.ndarray:
    """`metric` as an array, if it is one of variances or a covariance matrix.

    Raises
    ------
    ValueError
        If it is neither of shape (d,) and positive nor of shape (d, d) and positive definite.
    """
    metric = array("metric", metric, (1, 2))
    if metric.ndim == 1:
        if metric.size == 0 or metric.min() <= 0.0:
            raise ValueError(f"metric must have positive variances, got {metric.tolist()}")
    elif metric.shape[0] != metric.shape[1] or not np.allclose(metric, metric.T):
        raise ValueError(f"metric must be a symmetric matrix, got shape {metric.shape}")
    else:
        try:
            np.linalg.cholesky(metric)
        except np.linalg.LinAlgError:
            raise ValueError("metric must be positive definite") from None
    return metric


def metric_factor(metric: np.ndarray | None, dimension: int) -> np.ndarray:
    """The factor L of a metric as the loops take it; of the identity where there is none."""
    if metric is None:
        return np.ones((1, dimension))
    if len(metric) != dimension:
        raise ValueError(
            f"metric must be of the target's dimension {dimension}, got shape {metric.shape}"
        )
    if metric.ndim == 1:
        return np.sqrt(metric)[None]
    return np.ascontiguousarray(np.linalg.cholesky(metric))


@compiled(inline=True)
def stretch(factor, x, out):
    """out = L x."""
    d = x.size
    if factor.shape[0] == 1:
        for i in range(d):
            out[i] = factor[0, i] * x[i]
    else:
        for i in range(d):
            total = 0.0
            for j in range(i + 1):
                total += factor[i, j] * x[j]
            out[i] = total


@compiled(inline=True)
def stretch_transposed(factor, x, out):
    """out = L^T x."""
    d = x.size
    if factor.shape[0] == 1:
        for i in range(d):
            out[i] = factor[0, i] * x[i]
    else:
        for j in range(d):
            out[j] = 0.0
        for i in range(d):
            for j in range(i + 1):
                out[j] += factor[i, j] * x[i]
