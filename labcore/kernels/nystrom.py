r"""Nystrom's approximation, and ridge regression on features: its own, or random ones.

The columns of a Gram matrix that belong to m landmarks give an approximation of rank m, as inner
products of explicit features. Regression on features costs :math:`n m^2`, and no matrix of n rows
is stored.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from labcore import _validate as validate
from labcore.kernels._cholesky import inverse_factor, positive_cholesky, solve
from labcore.kernels.kernel import Kernel
from labcore.kernels.regression import regression_data

_TILE = 2**19  # numbers: rows of features that are in memory at a time

Features = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class NystromFeatures:
    r"""The map :math:`\phi(x) = R^{-1} k(Z, x)`, with :math:`R R^\top = k(Z, Z) + \varepsilon I`.

    Made by `nystrom_features`. Call it with points to get their features.

    Parameters
    ----------
    kernel : Kernel
    landmarks : ndarray, shape (m, d)
        Z.
    jitter : float
        :math:`\varepsilon`, what was added to the diagonal.
    """

    kernel: Kernel
    landmarks: np.ndarray = field(repr=False)
    jitter: float
    _inverse: np.ndarray = field(repr=False)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The features of n points, as an (n, m) array L, with L L^T close to their Gram matrix."""
        return self.kernel(x, self.landmarks) @ self._inverse.T

    def trace_error(self, x: np.ndarray) -> float:
        r"""The trace of :math:`K - L L^\top` at n points, which bounds every norm of the error.

        The error is a positive semidefinite matrix. Costs :math:`2 n m^2` operations.
        """
        x = validate.points("x", x)
        explained = sum(float((block**2).sum()) for _, block in _blocks(self, x))
        return float(self.kernel.diagonal(x).sum()) - explained


def nystrom_features(
    kernel: Kernel, landmarks: np.ndarray, *, jitter: float = 1e-10
) -> NystromFeatures:
    r"""Features whose inner products are Nystrom's approximation of a kernel,

    .. math:: \phi(x) \cdot \phi(y) = k(x, Z)\left(k(Z, Z) + \varepsilon I\right)^{-1} k(Z, y).

    For :math:`\varepsilon = 0` it is exact if x or y is a landmark, and the orthogonal projection
    of :math:`k(x, \cdot)` on the span of the landmarks' functions else.

    Parameters
    ----------
    kernel : Kernel
    landmarks : array_like, shape (m, d) or (m,)
        Z: some of the data, as `sample_landmarks` or `pivoted_cholesky` chooses them, or any other
        points.
    jitter : float, default 1e-10
        :math:`\varepsilon` as a fraction of the mean of the diagonal. It keeps the factorisation
        possible for landmarks that lie close together or are repeated, and bounds what rounding
        does to features; the approximation stays below the kernel in the sense of matrices.

    Returns
    -------
    NystromFeatures

    Raises
    ------
    ValueError
        If there are no landmarks, they are not finite, or `jitter` is negative.
    numpy.linalg.LinAlgError
        If :math:`k(Z, Z) + \varepsilon I` is not positive definite to rounding.

    Notes
    -----
    The features of n points cost :math:`2 n m^2` operations. With good landmarks the error falls
    as fast as the eigenvalues of the Gram matrix; where these decay slowly, as for rough kernels,
    short lengthscales or high dimension, m has to be of the order of n.

    References
    ----------
    C. K. I. Williams, M. Seeger, "Using the Nystrom method to speed up kernel machines", NeurIPS
    2000.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.kernels import Gaussian
    >>> x = np.linspace(0, 1, 200)
    >>> features = nystrom_features(Gaussian(0.5), x[::20])
    >>> bool(np.abs(features(x) @ features(x).T - Gaussian(0.5)(x)).max() < 1e-6)
    True
    """
    landmarks = validate.points("landmarks", landmarks)
    if not len(landmarks):
        raise ValueError("landmarks must hold at least one point, got none")
    jitter = validate.non_negative("jitter", jitter)
    gram = kernel(landmarks)
    shift = jitter * float(np.diagonal(gram).mean())
    factor = positive_cholesky(gram, shift, advice="Use a larger jitter.", overwrite=True)
    return NystromFeatures(kernel, landmarks, shift, inverse_factor(factor))


@dataclass(frozen=True, eq=False)
class FeatureRidge:
    r"""A function :math:`f(x) = \phi(x) \cdot w` of features. Made by `feature_ridge`."""

    features: Features
    weights: np.ndarray = field(repr=False)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The values at m points: (m,), or (m, q) if q functions were fitted."""
        points = validate.points("points", points)
        out = np.empty((len(points), *self.weights.shape[1:]))
        for part, block in _blocks(self.features, points):
            np.matmul(block, self.weights, out=out[part])
        return out


def feature_ridge(
    features: Features, x: np.ndarray, y: np.ndarray, *, penalty: float
) -> FeatureRidge:
    r"""The least :math:`\sum_i (y_i - \phi(x_i)\cdot w)^2 + \lambda |w|^2`: ridge on features.

    With :math:`\Phi` the n rows of features, :math:`w = (\Phi^\top\Phi + \lambda I)^{-1}\Phi^\top
    y`. With `NystromFeatures` this is kernel ridge regression restricted to functions
    :math:`\sum_j a_j k(z_j, \cdot)` of the landmarks; with random features it is kernel ridge
    regression with the approximate kernel.

    Parameters
    ----------
    features : callable
        Takes (n, d) points to (n, m) features: `nystrom_features`, `fourier_features`,
        `positive_features` or a function of yours.
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (n,) or (n, q)
        Values, or q columns of values that are fitted independently.
    penalty : float
        :math:`\lambda > 0`, not divided by n.

    Returns
    -------
    FeatureRidge

    Raises
    ------
    ValueError
        If x and y differ in length, are empty or not finite, the penalty is not positive, or there
        are more landmarks than points.
    numpy.linalg.LinAlgError
        If the penalty is lost in the rounding of :math:`\Phi^\top\Phi`.

    Notes
    -----
    Costs :math:`n m^2` operations beside the features, and m^2 numbers: rows of features are made
    some at a time. The normal equations square the condition of :math:`\Phi`; a penalty below
    about 1e-12 of the trace of K is lost.

    References
    ----------
    A. Rudi, R. Camoriano, L. Rosasco, "Less is more: Nystrom computational regularization", NeurIPS
    2015, equation 8. arXiv:1507.04717

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.kernels import Gaussian, nystrom_features
    >>> x = np.linspace(0, 6, 2000)
    >>> features = nystrom_features(Gaussian(1.0), x[::100])
    >>> f = feature_ridge(features, x, np.sin(x), penalty=1e-3)
    >>> f([1.0]).round(4)
    array([0.8414])
    """
    x, y = regression_data(x, y, (1, 2))
    penalty = validate.positive("penalty", penalty)
    if isinstance(features, NystromFeatures) and len(features.landmarks) > len(x):
        raise ValueError(
            f"there must not be more landmarks than points, got {len(features.landmarks)} "
            f"landmarks and {len(x)} points: use kernel_ridge"
        )
    normal = right = 0.0
    for part, block in _blocks(features, x):
        normal = normal + block.T @ block
        right = right + block.T @ y[part]
    factor = positive_cholesky(normal, penalty, advice="Use a larger penalty.", overwrite=True)
    return FeatureRidge(features, solve(factor, right))


def _blocks(features: Features, x: np.ndarray):
    """Rows of features, some at a time: a slice, and the features of its points."""
    first = features(x[:1])
    if first.ndim != 2 or len(first) != 1:
        raise ValueError(f"features must give (n, m) arrays, got shape {first.shape} for 1 point")
    rows = max(1, _TILE // max(first.shape[1], 1))
    for start in range(0, len(x), rows):
        part = slice(start, min(start + rows, len(x)))
        yield part, features(x[part])
