r"""Gaussian mixtures: density, score, samples, and averages over the component a point is from.

The compiled loops here do the work of everything in closed form: given which component a point came
from, all conditional means of jointly Gaussian variables are affine in the point, so that
:math:`\sum_k r_k(x)\,[c_k + A_k (x - m_k)]` is a score, a velocity or a denoiser, depending on
:math:`c` and :math:`A`.
"""

import math
from typing import NamedTuple

import numpy as np
from numba import uint64

from labcore._compile import compiled
from labcore._math import exp, log
from labcore._validate import array, integer, points
from labcore.random import normal_pair, seed_from, uniform_at


class Mixture(NamedTuple):
    r"""A mixture :math:`\sum_k w_k\,\N(m_k, C_k)` of K Gaussians in d dimensions; see `mixture`."""

    weights: np.ndarray
    means: np.ndarray
    covariances: np.ndarray

    @property
    def dimension(self) -> int:
        """d."""
        return self.means.shape[1]

    def mean(self) -> np.ndarray:
        """Its mean, of shape (d,)."""
        return self.weights @ self.means

    def covariance(self) -> np.ndarray:
        """Its covariance, of shape (d, d): the mean one within plus that between components."""
        centred = self.means - self.mean()
        within = np.tensordot(self.weights, self.covariances, 1)
        return within + np.einsum("k,ka,kb->ab", self.weights, centred, centred)

    def log_density(self, x: np.ndarray) -> np.ndarray:
        r"""The logarithm of the density, of shape (n,).

        .. math::
            \rho(x) = \sum_k w_k\, (2\pi)^{-d/2} \abs{C_k}^{-1/2}
                e^{-(x - m_k)^\T C_k^{-1} (x - m_k)/2}

        Parameters
        ----------
        x : array of shape (n, d), or (n,) on the line

        Notes
        -----
        Far from all components it falls quadratically: nothing underflows.
        """
        return assign(self, x).log_density

    def score(self, x: np.ndarray) -> np.ndarray:
        r"""The gradient of the log density, :math:`-\sum_k r_k(x)\,C_k^{-1}(x - m_k)`, (n, d)."""
        x = _points_of(self, x)
        assigned = assign(self, x)
        zero = np.zeros_like(self.means)
        return average_affine(self, assigned, x, zero, -assigned.precisions)

    def sample(
        self, n: int, *, rng: int | np.random.Generator | None = None, first_stream: int = 0
    ) -> np.ndarray:
        """Draws of the mixture, an array of shape (n, d).

        Parameters
        ----------
        n : int
        rng : int, numpy.random.Generator or None
            The seed (see `labcore.random.seed_from`).
        first_stream : int, default 0
            Draw i is made from stream `first_stream` + i: the first draws of a longer sample are
            those of a shorter one.
        """
        out = np.empty((integer("n", n), self.dimension))
        factors = np.linalg.cholesky(self.covariances)
        cumulative = np.cumsum(self.weights)
        stream = np.uint64(integer("first_stream", first_stream))
        _sample(seed_from(rng), stream, cumulative, self.means, factors, out)
        return out


def mixture(
    means: np.ndarray,
    covariances: float | np.ndarray = 1.0,
    weights: np.ndarray | None = None,
) -> Mixture:
    """A Gaussian mixture from its parts.

    Parameters
    ----------
    means : array of shape (K, d), or (K,) on the line
    covariances : float, array of shape (K,) or array of shape (K, d, d), default 1
        One variance for all components, one for each, or the matrices themselves.
    weights : array of shape (K,), optional
        Positive numbers, which are divided by their sum; equal ones if left out.

    Raises
    ------
    ValueError
        If the shapes do not fit, a weight is not positive, or a covariance is not symmetric
        positive definite.

    Examples
    --------
    >>> from labcore.interpolants import mixture
    >>> mixture([-2.0, 2.0], 0.25).covariance()
    array([[4.25]])
    """
    means = points("means", means)
    count, d = means.shape
    if count == 0 or d == 0:
        raise ValueError(f"means must hold at least one mean, got shape {means.shape}")
    weights = array("weights", np.ones(count) if weights is None else weights, 1)
    if weights.shape != (count,) or not (weights > 0.0).all():
        raise ValueError(f"weights must be {count} positive numbers, got {weights.tolist()}")
    covariances = array("covariances", covariances, (0, 1, 3))
    if covariances.ndim < 3:
        if covariances.ndim == 1 and covariances.shape != (count,):
            raise ValueError(f"covariances must be {count} variances, got {covariances.size}")
        covariances = np.ones(count)[:, None, None] * np.eye(d) * covariances.reshape(-1, 1, 1)
    if covariances.shape != (count, d, d):
        raise ValueError(f"covariances must have shape {(count, d, d)}, got {covariances.shape}")
    if not np.allclose(covariances, covariances.swapaxes(1, 2), rtol=1e-12, atol=0.0):
        raise ValueError("covariances must be symmetric")
    lowest = np.linalg.eigvalsh(covariances).min(axis=1)
    if not (lowest > 0.0).all():
        k = int(lowest.argmin())
        raise ValueError(
            f"covariances must be positive definite, but number {k} has eigenvalue {lowest[k]:g}"
        )
    return Mixture(weights / weights.sum(), means, covariances)


class Assigned(NamedTuple):
    """Which component each point is from: probabilities (n, K), the log density they sum to (n,),
    and the inverse covariances (K, d, d) that both were computed with."""

    responsibilities: np.ndarray
    log_density: np.ndarray
    precisions: np.ndarray


def assign(law: Mixture, x: np.ndarray) -> Assigned:
    r"""The posterior probabilities :math:`r_k(x) = w_k \N(x; m_k, C_k) / \rho(x)`.

    Parameters
    ----------
    law : Mixture
    x : array of shape (n, d), or (n,) on the line

    Notes
    -----
    Computed relative to the largest term, so that a point far from everything gets exact
    probabilities. Cost O(n K d^2).
    """
    x = _points_of(law, x)
    precisions = np.linalg.inv(law.covariances)
    precisions = 0.5 * (precisions + precisions.swapaxes(1, 2))
    log_determinants = np.linalg.slogdet(law.covariances)[1]
    constant = 0.5 * (law.dimension * math.log(2 * math.pi) + log_determinants)
    responsibilities = np.empty((len(x), len(law.weights)))
    log_density = np.empty(len(x))
    _assign(x, np.log(law.weights) - constant, law.means, precisions, responsibilities, log_density)
    return Assigned(responsibilities, log_density, precisions)


def average_affine(
    law: Mixture,
    assigned: Assigned,
    x: np.ndarray,
    constants: np.ndarray,
    matrices: np.ndarray,
) -> np.ndarray:
    r"""The average :math:`\sum_k r_k(x)\,[c_k + A_k (x - m_k)]`, of shape (n, p).

    Parameters
    ----------
    law : Mixture
    assigned : Assigned
        What `assign` found for `x`.
    x : array of shape (n, d)
    constants, matrices : arrays of shape (K, p) and (K, p, d)
        :math:`c` and :math:`A`.
    """
    out = np.empty((len(x), constants.shape[1]))
    _average_affine(x, assigned.responsibilities, law.means, constants, matrices, out)
    return out


def average_divergence(
    law: Mixture,
    assigned: Assigned,
    x: np.ndarray,
    constants: np.ndarray,
    matrices: np.ndarray,
) -> np.ndarray:
    r"""The divergence of `average_affine`, :math:`\sum_k r_k [\tr A_k + u_k \cdot (s_k - s)]`.

    There :math:`u_k = c_k + A_k (x - m_k)`, :math:`s_k = -C_k^{-1}(x - m_k)` is the score of
    component k and s that of the mixture, because :math:`\nabla r_k = r_k (s_k - s)`. Shape (n,).
    """
    score = average_affine(law, assigned, x, np.zeros_like(law.means), -assigned.precisions)
    out = np.empty(len(x))
    r, precisions = assigned.responsibilities, assigned.precisions
    _average_divergence(x, r, law.means, constants, matrices, precisions, score, out)
    return out


def _points_of(law: Mixture, x: np.ndarray) -> np.ndarray:
    x = points("x", x)
    if x.shape[1] != law.dimension:
        raise ValueError(f"x must have {law.dimension} columns, got shape {x.shape}")
    return x


@compiled
def _assign(x, log_weights, means, precisions, responsibilities, log_density):
    n, d = x.shape
    count = means.shape[0]
    for i in range(n):
        highest = -math.inf
        for k in range(count):
            square = 0.0
            for a in range(d):
                row = 0.0
                for b in range(d):
                    row += precisions[k, a, b] * (x[i, b] - means[k, b])
                square += row * (x[i, a] - means[k, a])
            responsibilities[i, k] = log_weights[k] - 0.5 * square
            highest = max(highest, responsibilities[i, k])
        total = 0.0
        for k in range(count):
            responsibilities[i, k] = exp(responsibilities[i, k] - highest)
            total += responsibilities[i, k]
        for k in range(count):
            responsibilities[i, k] /= total
        log_density[i] = highest + log(total)


@compiled
def _average_affine(x, responsibilities, means, constants, matrices, out):
    n, p = out.shape
    count, d = means.shape
    for i in range(n):
        for a in range(p):
            out[i, a] = 0.0
        for k in range(count):
            r = responsibilities[i, k]
            for a in range(p):
                value = constants[k, a]
                for b in range(d):
                    value += matrices[k, a, b] * (x[i, b] - means[k, b])
                out[i, a] += r * value


@compiled
def _average_divergence(x, responsibilities, means, constants, matrices, precisions, score, out):
    n, d = x.shape
    for i in range(n):
        total = 0.0
        for k in range(means.shape[0]):
            inner = 0.0
            for a in range(d):
                value = constants[k, a]
                own_score = 0.0
                for b in range(d):
                    value += matrices[k, a, b] * (x[i, b] - means[k, b])
                    own_score -= precisions[k, a, b] * (x[i, b] - means[k, b])
                inner += matrices[k, a, a] + value * (own_score - score[i, a])
            total += responsibilities[i, k] * inner
        out[i] = total


@compiled
def _sample(seed, first_stream, cumulative, means, factors, out):
    """Draw i from its own stream: number 0 chooses the component, blocks from 1 on are normal."""
    n, d = out.shape
    for i in range(n):
        stream = first_stream + uint64(i)
        u = uniform_at(seed, stream, 0)
        k = 0
        while k < cumulative.size - 1 and u > cumulative[k]:
            k += 1
        for a in range(d):
            out[i, a] = means[k, a]
        for b in range(0, d, 2):
            pair = normal_pair(seed, stream, 1 + b // 2)
            for a in range(b, d):
                out[i, a] += factors[k, a, b] * pair[0]
                if b + 1 <= a:
                    out[i, a] += factors[k, a, b + 1] * pair[1]
