r"""Optimal transport between normal laws: distance, map, geodesic, barycentre.

With factors :math:`\Sigma_i = A_i A_i^\top` the distance of the covariances is
:math:`\min_U |A_1 - A_2 U|` over orthogonal U: everything follows from the U where it is reached,
also for singular covariances.

R. Bhatia, T. Jain, Y. Lim, "On the Bures-Wasserstein distance between positive definite matrices",
*Expo. Math.* 37 (2019), theorem 1. arXiv:1712.01504
"""

import warnings
from typing import NamedTuple

import numpy as np

from labcore import _validate as validate
from labcore.transport._weights import weights as checked_weights

_ROUNDING = 1e-10  # relative: what a covariance may lack in symmetry, or below zero


class Normal(NamedTuple):
    """A normal law.

    Parameters
    ----------
    mean : array_like, shape (d,)
    covariance : array_like, shape (d, d)
        Symmetric, without negative eigenvalues; it may be singular.
    """

    mean: np.ndarray
    covariance: np.ndarray


class AffineMap(NamedTuple):
    """The map x -> offset + matrix x.

    Parameters
    ----------
    matrix : ndarray, shape (d, d)
    offset : ndarray, shape (d,)
    """

    matrix: np.ndarray
    offset: np.ndarray

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The images of points, an (n, d) array."""
        return self.offset + validate.array("x", x, 2) @ self.matrix.T


class Barycentre(NamedTuple):
    """A barycentre, and how it was found.

    Parameters
    ----------
    law : Normal
    iterations : int
    change : float
        The relative change of the covariance in the last iteration.
    """

    law: Normal
    iterations: int
    change: float


def bures_wasserstein(p: Normal, q: Normal) -> float:
    r"""The distance :math:`W_2` of two normal laws,

    .. math:: W_2^2 = |m_p - m_q|^2 + \operatorname{tr} \Sigma_p + \operatorname{tr} \Sigma_q
        - 2 \operatorname{tr} \big(\Sigma_p^{1/2} \Sigma_q \Sigma_p^{1/2}\big)^{1/2}.

    Parameters
    ----------
    p, q : Normal
        Or pairs of a mean (d,) and a covariance (d, d).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If something is not finite, shapes do not fit, or a covariance is not symmetric or has a
        negative eigenvalue.

    Notes
    -----
    Computed as :math:`\min_U |A_p - A_q U|`, not by the formula, whose terms cancel: near laws keep
    their digits. Three decompositions of d x d matrices.

    References
    ----------
    M. Gelbrich, "On a formula for the L2 Wasserstein metric between measures on Euclidean and
    Hilbert spaces", *Math. Nachr.* 147 (1990). doi:10.1002/mana.19901470121

    Examples
    --------
    >>> from labcore.transport import bures_wasserstein
    >>> bures_wasserstein(([0.0], [[1.0]]), ([3.0], [[25.0]]))
    5.0
    """
    (m_p, a_p), (m_q, a_q) = _factors(p=p, q=q)
    gap = a_p - a_q @ _alignment(a_q, a_p)
    return float(np.sqrt(((m_p - m_q) ** 2).sum() + (gap**2).sum()))


def gaussian_map(p: Normal, q: Normal) -> AffineMap:
    r"""The optimal map from one normal law to another: :math:`m_q + T (x - m_p)` with

    .. math:: T = \Sigma_p^{-1/2} \big(\Sigma_p^{1/2} \Sigma_q \Sigma_p^{1/2}\big)^{1/2}
        \Sigma_p^{-1/2}.

    Parameters
    ----------
    p, q : Normal
        Or pairs of a mean (d,) and a covariance (d, d).

    Returns
    -------
    AffineMap
        Its matrix is symmetric and has no negative eigenvalue.

    Raises
    ------
    ValueError
        As `bures_wasserstein`; and if there is no such map, because :math:`\Sigma_p` is singular in
        directions that a map would have to spread: then only a plan is optimal.

    Notes
    -----
    Directions in which p varies by less than 1e-7 of its largest standard deviation count as
    singular.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.transport import gaussian_map
    >>> transport = gaussian_map(([0.0, 0.0], np.eye(2)), ([1.0, 0.0], [[4.0, 0.0], [0.0, 1.0]]))
    >>> transport([[1.0, 1.0]])
    array([[3., 1.]])
    """
    (m_p, a_p), (m_q, a_q) = _factors(p=p, q=q)
    image = a_q @ _alignment(a_q, a_p)
    matrix = image @ np.linalg.pinv(a_p, rcond=1e-7)
    size = max(np.abs(a_q).max() ** 2, np.finfo(float).tiny)
    matrix = 0.5 * (matrix + matrix.T)
    reached = matrix @ a_p
    if np.abs(reached @ reached.T - a_q @ a_q.T).max() > 1e-6 * size:
        raise ValueError("p is singular where q is not: no map takes the one to the other")
    return AffineMap(matrix, m_q - matrix @ m_p)


def gaussian_geodesic(p: Normal, q: Normal, t: float) -> Normal:
    r"""The law of :math:`(1 - t) X + t Y` for the optimal plan (X, Y) of two normal laws.

    For fixed ends :math:`W_2` of two of these laws is :math:`|t - s|\, W_2(p, q)`.

    Parameters
    ----------
    p, q : Normal
        Or pairs of a mean (d,) and a covariance (d, d).
    t : float
        From 0 (p) to 1 (q).

    Returns
    -------
    Normal

    Raises
    ------
    ValueError
        As `bures_wasserstein`, and if t is not between 0 and 1.

    Examples
    --------
    >>> from labcore.transport import gaussian_geodesic
    >>> gaussian_geodesic(([0.0], [[1.0]]), ([2.0], [[9.0]]), 0.5)  # deviations 1, 3: 2
    Normal(mean=array([1.]), covariance=array([[4.]]))
    """
    t = validate.real("t", t)
    if not 0.0 <= t <= 1.0:
        raise ValueError(f"t must be between 0 and 1, got {t:g}")
    (m_p, a_p), (m_q, a_q) = _factors(p=p, q=q)
    factor = (1.0 - t) * a_p + t * a_q @ _alignment(a_q, a_p)
    return Normal((1.0 - t) * m_p + t * m_q, factor @ factor.T)


def gaussian_barycentre(
    laws: list[Normal],
    weights: np.ndarray | None = None,
    *,
    tolerance: float = 1e-10,
    max_iterations: int = 1000,
) -> Barycentre:
    r"""The law p of least :math:`\sum_i w_i W_2^2(p, p_i)`, for normal laws: a normal law.

    Its mean is the mean of the means. Its covariance is the fixed point of

    .. math:: S \leftarrow S^{-1/2} \Big(\sum_i w_i
        \big(S^{1/2} \Sigma_i S^{1/2}\big)^{1/2}\Big)^2 S^{-1/2},

    here as an iteration of factors, :math:`A \leftarrow \sum_i w_i A_i U_i` with the orthogonal
    :math:`U_i` that bring :math:`A_i U_i` nearest to A, which inverts nothing.

    Parameters
    ----------
    laws : sequence of Normal
        Or pairs of a mean (d,) and a covariance (d, d).
    weights : array_like, shape (k,), optional
        Not negative; divided by their sum (default: equal).
    tolerance : float, default 1e-10
        Ends when the covariance changes by at most this part of its norm.
    max_iterations : int, default 1000

    Returns
    -------
    Barycentre
        If it has not converged, it warns and returns the law it has reached.

    Raises
    ------
    ValueError
        As `bures_wasserstein` for each of the laws; if there are none, or weights are negative or
        all zero.

    Notes
    -----
    If one of the covariances with positive weight is regular, the barycentre is unique, regular,
    and found from the start used here. If all are singular the iteration may stop at a law that
    is not the best.

    References
    ----------
    P. C. Álvarez-Esteban, E. del Barrio, J. A. Cuesta-Albertos, C. Matrán, "A fixed-point approach
    to barycenters in Wasserstein space", *J. Math. Anal. Appl.* 441 (2016), theorem 4.2.
    arXiv:1511.05355

    Examples
    --------
    >>> from labcore.transport import gaussian_barycentre
    >>> result = gaussian_barycentre([([0.0], [[1.0]]), ([4.0], [[9.0]])], [3, 1])
    >>> result.law  # the deviation is (3 * 1 + 1 * 3) / 4
    Normal(mean=array([1.]), covariance=array([[2.25]]))
    """
    laws = list(laws)
    w = checked_weights("weights", weights, len(laws))
    w = w / w.sum()
    tolerance = validate.positive("tolerance", tolerance)
    max_iterations = validate.integer("max_iterations", max_iterations, 1)
    means, factors = zip(
        *_factors(**{f"laws[{i}]": law for i, law in enumerate(laws)}), strict=True
    )
    mean = sum(share * m for share, m in zip(w, means, strict=True))
    factor = sum(share * a for share, a in zip(w, factors, strict=True))
    covariance, change, iterations = factor @ factor.T, np.inf, 0
    while change > tolerance and iterations < max_iterations:
        factor = sum(share * a @ _alignment(a, factor) for share, a in zip(w, factors, strict=True))
        before, covariance = covariance, factor @ factor.T
        size = max(np.linalg.norm(covariance), np.finfo(float).tiny)
        change = float(np.linalg.norm(covariance - before) / size)
        iterations += 1
    if change > tolerance:
        warnings.warn(
            f"the barycentre still changed by {change:.1e} after {iterations} iterations",
            stacklevel=2,
        )
    return Barycentre(Normal(mean, covariance), iterations, change)


def _factors(**laws) -> list[tuple[np.ndarray, np.ndarray]]:
    """The mean of each law, and the square root of its covariance."""
    checked = [_factor(name, law) for name, law in laws.items()]
    dimensions = {len(mean) for mean, _ in checked}
    if len(dimensions) > 1:
        raise ValueError(f"laws must have the same dimension, got {sorted(dimensions)}")
    return checked


def _factor(name: str, law) -> tuple[np.ndarray, np.ndarray]:
    mean, covariance = law
    mean = validate.array(f"{name}.mean", mean, 1)
    covariance = validate.array(f"{name}.covariance", covariance, 2)
    if not len(mean) or covariance.shape != (len(mean), len(mean)):
        raise ValueError(
            f"{name}.covariance must have shape ({len(mean)}, {len(mean)}), at least 1, "
            f"got {covariance.shape}"
        )
    size = np.abs(covariance).max()
    if np.abs(covariance - covariance.T).max() > _ROUNDING * size:
        raise ValueError(f"{name}.covariance must be symmetric")
    values, vectors = np.linalg.eigh(covariance)
    if values[0] < -_ROUNDING * size:
        raise ValueError(
            f"{name}.covariance must not have negative eigenvalues, got {values[0]:.3g}"
        )
    return mean, (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T


def _alignment(a: np.ndarray, target: np.ndarray) -> np.ndarray:
    """The orthogonal U of least |target - a U|: the polar factor of a^T target."""
    left, _, right = np.linalg.svd(a.T @ target)
    return left @ right
