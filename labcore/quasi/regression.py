r"""Gaussian-process regression on lattices and digital nets, in :math:`O(n \log n)`.

As in `labcore.kernels.regression`, with the Gram matrix replaced by the transform of one of its
columns.
"""

import math
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from labcore import _validate as validate
from labcore.quasi.fast_kernels import DigitallyShiftInvariant, ShiftInvariant

_BLOCK = 2**20  # entries of the cross-Gram matrix that are held at once


class Integral(NamedTuple):
    """The posterior mean and standard deviation of the integral over the unit cube."""

    mean: float
    sd: float


@dataclass(frozen=True, eq=False)
class FastGaussianProcess:
    r"""A Gaussian process given values on a lattice or net. Made by `condition`.

    The eigenvalues :math:`\lambda` of the Gram matrix are the transform of its first column; with
    the noise they are those of :math:`A = K + \sigma^2 I`, and :math:`\alpha = A^{-1} y`.
    """

    kernel: ShiftInvariant | DigitallyShiftInvariant
    x: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    noise_variance: float
    eigenvalues: np.ndarray = field(repr=False)
    excess: float = field(repr=False)
    coefficients: np.ndarray = field(repr=False)

    def mean(self, points: np.ndarray) -> np.ndarray:
        r"""The posterior mean at m points, :math:`\sum_i \alpha_i k(x_i, x)`, in time O(mnd)."""
        parts = [cross @ self.coefficients for cross in self._cross(points)]
        return np.concatenate(parts)

    def sd(self, points: np.ndarray) -> np.ndarray:
        r"""The posterior standard deviation of the function at m points, by m transforms.

        The variance :math:`k(x, x) - k(x, X) A^{-1} k(X, x)` loses digits where it is small beside
        k(x, x); below about :math:`10^{-14} k(x, x)` it is returned as 0.
        """
        n = len(self.x)
        precision = self.kernel.multiplicity(n) / (n * self.eigenvalues)
        parts = []
        for cross in self._cross(points):
            parts.append((np.abs(self.kernel.transform(cross)) ** 2) @ precision)
        zero = np.zeros((1, self.x.shape[1]))
        variance = self.kernel(zero)[0, 0] - np.concatenate(parts)
        return np.sqrt(np.maximum(variance, 0.0))

    def log_marginal_likelihood(self) -> float:
        r"""The log density of the values under the prior,

        .. math:: \log p(y) = -\tfrac12 y^\top A^{-1} y - \tfrac12 \log\det A - \tfrac n2 \log 2\pi.
        """
        n = len(self.y)
        fit = float(self.y @ self.coefficients)
        volume = float(self.kernel.multiplicity(n) @ np.log(self.eigenvalues))
        return -0.5 * (fit + volume + n * math.log(2 * math.pi))

    def integral(self) -> Integral:
        r"""The integral of the function over the unit cube, with an error bar.

        Constants are eigenvectors, of eigenvalue :math:`\lambda_0`, and k integrates to s, so that
        the mean is :math:`s \sum_i y_i / (\lambda_0 + \sigma^2)` and the variance
        :math:`s\,(\lambda_0 + \sigma^2 - sn) / (\lambda_0 + \sigma^2)`. The difference is computed
        without cancellation. The bar is honest where the function looks like a draw of the process:
        fit the kernel's scale and weight first.
        """
        s = self.kernel.scale
        mean = s * float(self.y.sum()) / float(self.eigenvalues[0])
        variance = s * self.excess / float(self.eigenvalues[0])
        return Integral(mean, math.sqrt(max(variance, 0.0)))

    def _cross(self, points: np.ndarray):
        """The cross-Gram matrix of the points with x, some rows at a time."""
        points = self.kernel.points("points", points)
        if points.shape[1] != self.x.shape[1]:
            raise ValueError(
                f"points must have dimension {self.x.shape[1]}, got shape {points.shape}"
            )
        rows = max(_BLOCK // len(self.x), 1)
        for first in range(0, len(points), rows):
            part = points[first : first + rows]
            yield self.kernel.scale * (1.0 + self.kernel.centred(part, self.x))


def condition(
    kernel: ShiftInvariant | DigitallyShiftInvariant,
    x: np.ndarray,
    y: np.ndarray,
    *,
    noise_variance: float = 0.0,
) -> FastGaussianProcess:
    r"""Condition a Gaussian process of mean zero on :math:`y_i = f(x_i) + \varepsilon_i`.

    Parameters
    ----------
    kernel : ShiftInvariant or DigitallyShiftInvariant
    x : array_like, shape (n, d)
        For a `ShiftInvariant` kernel all points of a `lattice`; for a `DigitallyShiftInvariant` one
        those of a `digital_net`; in their order, with any shift.
    y : array_like, shape (n,)
    noise_variance : float, default 0
        :math:`\sigma^2 \ge 0`.

    Returns
    -------
    FastGaussianProcess

    Raises
    ------
    ValueError
        If the points have not the structure, or the arguments do not fit.
    numpy.linalg.LinAlgError
        If an eigenvalue is not positive to rounding: a smooth kernel, many points and no noise.

    Notes
    -----
    Time :math:`O(n (d + \log n))`, memory :math:`O(nd)`: a million points take a second, where a
    Cholesky factor would need eight terabytes.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore import quasi
    >>> x = quasi.lattice(256, 2, rng=1)
    >>> f = np.exp(np.sin(2 * np.pi * x)).prod(axis=1)
    >>> posterior = quasi.condition(quasi.fit(quasi.ShiftInvariant(order=2), x, f), x, f)
    >>> np.round(posterior.integral(), 6)
    array([1.602923e+00, 4.600000e-05])
    """
    x, y = _data(kernel, x, y)
    noise_variance = validate.non_negative("noise_variance", noise_variance)
    return _condition(kernel, x, y, noise_variance, _spectrum(kernel, x))


def fit(
    kernel: ShiftInvariant | DigitallyShiftInvariant, x: np.ndarray, y: np.ndarray
) -> ShiftInvariant | DigitallyShiftInvariant:
    r"""The kernel with the scale and the common factor of its weights that make y most likely.

    For given weights the best scale is :math:`\hat s = y^\top K_1^{-1} y / n`, with :math:`K_1` the
    Gram matrix of scale 1. The factor, from :math:`10^{-6}` to :math:`10^6`, is searched for by
    Brent's method on its logarithm.

    Parameters
    ----------
    kernel, x, y
        As in `condition`; the kernel's scale is of no influence.

    Returns
    -------
    ShiftInvariant or DigitallyShiftInvariant

    Raises
    ------
    ValueError
        As `condition`, and if all values are zero.

    Notes
    -----
    About thirty evaluations of :math:`O(n (d + \log n))`. The values are taken to be exact.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore import quasi
    >>> x = quasi.digital_net(256, 1, rng=1)
    >>> kernel = quasi.fit(quasi.DigitallyShiftInvariant(), x, np.exp(x[:, 0]))
    >>> round(kernel.scale, 3)
    2.952
    """
    from scipy.optimize import minimize_scalar

    x, y = _data(kernel, x, y)
    if not y.any():
        raise ValueError("y must not be all zero: no scale makes that most likely")

    def with_factor(log_factor: float) -> tuple[ShiftInvariant | DigitallyShiftInvariant, float]:
        weights = np.asarray(kernel.weights) * math.exp(log_factor)
        weights = tuple(weights.tolist()) if weights.ndim else float(weights)
        unit = replace(kernel, scale=1.0, weights=weights)
        try:
            posterior = _condition(unit, x, y, 0.0, _spectrum(unit, x))
        except np.linalg.LinAlgError:
            return unit, math.inf
        scale = float(y @ posterior.coefficients) / len(y)
        volume = float(unit.multiplicity(len(y)) @ np.log(posterior.eigenvalues))
        return replace(unit, scale=scale), 0.5 * (len(y) * math.log(scale) + volume)

    found = minimize_scalar(
        lambda t: with_factor(t)[1],
        bounds=(-6 * math.log(10), 6 * math.log(10)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return with_factor(found.x)[0]


def _data(kernel, x, y) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(kernel, ShiftInvariant | DigitallyShiftInvariant):
        raise TypeError(
            f"kernel must be ShiftInvariant or DigitallyShiftInvariant, got {type(kernel)}"
        )
    x, y = kernel.points("x", x), validate.array("y", y, 1)
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, got {len(x)} and {len(y)}")
    kernel.check(x)
    return x, y


def _spectrum(kernel, x: np.ndarray) -> np.ndarray:
    """The eigenvalues of the centred Gram matrix, that of k / s - 1."""
    return kernel.transform(kernel.centred(x[:1], x)[0]).real


def _condition(kernel, x, y, noise_variance, spectrum) -> FastGaussianProcess:
    n, s = len(x), kernel.scale
    excess = s * spectrum[0] + noise_variance
    eigenvalues = s * spectrum + noise_variance
    eigenvalues[0] += s * n
    rounding = 4 * np.finfo(float).eps * s * np.abs(spectrum).max()
    if eigenvalues.min() <= rounding:
        raise np.linalg.LinAlgError(
            f"the Gram matrix has an eigenvalue of {eigenvalues.min():.1e}, not positive to "
            f"rounding: use a noise_variance of at least {10 * rounding:.1e}"
        )
    coefficients = kernel.inverse(kernel.transform(y) / eigenvalues, n)
    return FastGaussianProcess(
        kernel, x, y, noise_variance, eigenvalues, float(excess), coefficients
    )
