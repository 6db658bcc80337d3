r"""The family of spectral algorithms: regression that filters the spectrum of the Gram matrix.

With eigenvalues :math:`\sigma_i` and eigenvectors :math:`u_i` of K, each of them fits
:math:`\alpha = \sum_i g(\sigma_i)\,(u_i \cdot y)\,u_i`. Where the filter g is close to
:math:`1/\sigma` it interpolates; where it is close to zero it ignores.
"""

import math
from dataclasses import dataclass, field

import numpy as np
from scipy.linalg import eigh

from labcore import _validate as validate
from labcore.kernels.kernel import Kernel
from labcore.kernels.regression import KernelRidge, regression_data


class SpectralFilter:
    r"""A filter: a function g of an eigenvalue that stands for :math:`1/\sigma`.

    Its *qualification* is the largest q for which
    :math:`\sup_\sigma \sigma^q\,|1 - \sigma g(\sigma)|` falls like :math:`\lambda^q` in the
    strength :math:`\lambda` of the regularisation. A method makes use of smoothness up to its
    qualification: that of the ridge is one, and it gains nothing from smoother functions.

    Examples
    --------
    >>> from labcore.kernels import Ridge
    >>> float(Ridge(1.0)([3.0])[0])  # 1 / (3 + 1)
    0.25
    """

    qualification: float = math.inf

    def __call__(self, eigenvalues: np.ndarray) -> np.ndarray:
        r""":math:`g(\sigma)` at eigenvalues that are not negative, all those of one matrix.

        Raises
        ------
        ValueError
            If one is negative, or the iteration that the filter stands for would diverge.
        """
        values = validate.array("eigenvalues", eigenvalues, 1)
        if len(values) and values.min() < 0:
            raise ValueError(f"eigenvalues must not be negative, got {values.min():g}")
        return self._filter(values)

    def residual(self, eigenvalues: np.ndarray) -> np.ndarray:
        r"""What is left of each component of the data, :math:`r(\sigma) = 1 - \sigma g(\sigma)`."""
        return 1.0 - np.asarray(eigenvalues, dtype=float) * self(eigenvalues)

    def _filter(self, values: np.ndarray) -> np.ndarray:
        raise NotImplementedError


@dataclass(frozen=True)
class Ridge(SpectralFilter):
    r"""Tikhonov's filter, :math:`g(\sigma) = 1 / (\sigma + \lambda)`: kernel ridge regression.

    Parameters
    ----------
    penalty : float
        :math:`\lambda > 0`, not divided by n.

    Examples
    --------
    >>> Ridge(0.5)([0.0, 0.5])
    array([2., 1.])
    """

    penalty: float
    qualification = 1.0

    def __post_init__(self):
        validate.positive("penalty", self.penalty)

    def _filter(self, values):
        return 1.0 / (values + self.penalty)


@dataclass(frozen=True)
class IteratedRidge(SpectralFilter):
    r"""Iterated Tikhonov: fit with a ridge, fit what is left, t times, and add up.

    .. math:: 1 - \sigma g(\sigma) = \left(\frac{\lambda}{\sigma + \lambda}\right)^t.

    Parameters
    ----------
    penalty : float
        :math:`\lambda > 0`.
    iterations : int
        :math:`t \ge 1`, the qualification; 1 is the ridge.

    Examples
    --------
    >>> IteratedRidge(0.5, 2).residual([0.5])
    array([0.25])
    """

    penalty: float
    iterations: int

    def __post_init__(self):
        validate.positive("penalty", self.penalty)
        validate.integer("iterations", self.iterations, 1)

    @property
    def qualification(self) -> float:
        """The number of iterations."""
        return float(self.iterations)

    def _filter(self, values):
        powers = -np.expm1(-self.iterations * np.log1p(values / self.penalty))
        return _divided(powers, values, self.iterations / self.penalty)


@dataclass(frozen=True)
class GradientDescent(SpectralFilter):
    r"""Landweber's iteration: t steps of gradient descent on the squared error, from zero,

    .. math::

        \alpha \leftarrow \alpha + \eta\,(y - K \alpha), \qquad
        1 - \sigma g(\sigma) = (1 - \eta\sigma)^t.

    Early stopping is the regularisation, with :math:`\lambda = 1 / \eta t`.

    Parameters
    ----------
    iterations : int
        :math:`t \ge 0`.
    step : float, optional
        :math:`\eta > 0`, below 2 over the largest eigenvalue. Default: 1 over it.

    Examples
    --------
    >>> GradientDescent(2).residual([1.0, 0.5, 0.1])
    array([0.  , 0.25, 0.81])
    """

    iterations: int
    step: float | None = None

    def __post_init__(self):
        validate.integer("iterations", self.iterations)
        if self.step is not None:
            validate.positive("step", self.step)

    def _filter(self, values):
        largest = values.max(initial=0.0)
        step = _inverse_of_largest(values) if self.step is None else self.step
        if step * largest >= 2:
            raise ValueError(
                f"step must be below 2 over the largest eigenvalue, {2 / largest:.3g}, got {step:g}"
            )
        moved = step * values
        small = np.minimum(moved, 0.5)  # here 1 - (1 - z)^t cancels
        powers = np.where(
            moved < 0.5,
            -np.expm1(self.iterations * np.log1p(-small)),
            1.0 - (1.0 - moved) ** self.iterations,
        )
        return _divided(powers, values, self.iterations * step)


@dataclass(frozen=True)
class CutOff(SpectralFilter):
    r"""Spectral cut-off: :math:`g(\sigma) = 1/\sigma` for :math:`\sigma \ge \lambda`, else zero.

    Least squares on the leading kernel principal components.

    Parameters
    ----------
    threshold : float
        :math:`\lambda > 0`.

    Examples
    --------
    >>> CutOff(0.5)([1.0, 0.5, 0.4])
    array([1., 2., 0.])
    """

    threshold: float

    def __post_init__(self):
        validate.positive("threshold", self.threshold)

    def _filter(self, values):
        return np.where(values >= self.threshold, 1.0 / np.maximum(values, self.threshold), 0.0)


@dataclass(frozen=True)
class NuMethod(SpectralFilter):
    r"""Brakhage's nu-method: gradient descent with momentum, of which t steps do as :math:`t^2`.

    With :math:`\eta = 1 / \sigma_{\max}`, from :math:`\alpha_0 = 0`,

    .. math::

        \alpha_k = \alpha_{k-1} + \mu_k (\alpha_{k-1} - \alpha_{k-2})
        + \omega_k \eta\,(y - K \alpha_{k-1}),

    and the residual is Jacobi's polynomial
    :math:`P_t^{(2\nu - 1/2,\,-1/2)}(1 - 2\eta\sigma)`, divided by its value at :math:`\sigma = 0`.
    The strength of the regularisation is :math:`\lambda = \sigma_{\max} / t^2`.

    Parameters
    ----------
    iterations : int
        :math:`t \ge 0`.
    nu : float, default 1
        :math:`\nu > 0`, the qualification.

    Examples
    --------
    >>> NuMethod(2).residual([1.0, 0.5, 0.0]).round(4)
    array([ 0.0857, -0.0286,  1.    ])
    """

    iterations: int
    nu: float = 1.0

    def __post_init__(self):
        validate.integer("iterations", self.iterations)
        validate.positive("nu", self.nu)

    @property
    def qualification(self) -> float:
        r""":math:`\nu`."""
        return float(self.nu)

    def _filter(self, values):
        step = _inverse_of_largest(values)
        nu, before, g = self.nu, np.zeros_like(values), np.zeros_like(values)
        for k in range(1, self.iterations + 1):
            mu, omega = 0.0, (4 * nu + 2) / (4 * nu + 1)
            if k > 1:
                below = (k + 2 * nu - 1) * (2 * k + 4 * nu - 1)
                mu = (k - 1) * (2 * k - 3) * (2 * k + 2 * nu - 1) / (below * (2 * k + 2 * nu - 3))
                omega = 4 * (2 * k + 2 * nu - 1) * (k + nu - 1) / below
            before, g = g, g + mu * (g - before) + omega * step * (1.0 - values * g)
        return g


@dataclass(frozen=True, eq=False)
class GramSpectrum:
    """Eigenvalues and eigenvectors of a Gram matrix. Made by `gram_spectrum`.

    Parameters
    ----------
    kernel : Kernel
    x : ndarray, shape (n, d)
    eigenvalues : ndarray, shape (n,)
        In decreasing order; what rounding made negative is zero.
    eigenvectors : ndarray, shape (n, n)
        In columns.
    """

    kernel: Kernel
    x: np.ndarray = field(repr=False)
    eigenvalues: np.ndarray = field(repr=False)
    eigenvectors: np.ndarray = field(repr=False)

    def fit(self, y: np.ndarray, spectral_filter: SpectralFilter) -> KernelRidge:
        r"""The function with coefficients :math:`\alpha = \sum_i g(\sigma_i)\,(u_i\cdot y)\,u_i`.

        Parameters
        ----------
        y : array_like, shape (n,) or (n, q)
        spectral_filter : SpectralFilter

        Returns
        -------
        KernelRidge

        Notes
        -----
        Costs 4 n^2 operations: many filters and many y for one decomposition.
        """
        _, y = regression_data(self.x, y, (1, 2))
        g = spectral_filter(self.eigenvalues)
        components = self.eigenvectors.T @ y
        scaled = (components.T * g).T
        return KernelRidge(self.kernel, self.x, self.eigenvectors @ scaled)

    def degrees_of_freedom(self, spectral_filter: SpectralFilter) -> float:
        r"""The trace of the map from y to fitted values, :math:`\sum_i \sigma_i g(\sigma_i)`."""
        return float(self.eigenvalues @ spectral_filter(self.eigenvalues))


def gram_spectrum(kernel: Kernel, x: np.ndarray) -> GramSpectrum:
    r"""The spectrum of the Gram matrix, on which spectral algorithms work.

    Parameters
    ----------
    kernel : Kernel
    x : array_like, shape (n, d) or (n,)

    Returns
    -------
    GramSpectrum

    Raises
    ------
    ValueError
        If there are no points, or they are not finite.

    Notes
    -----
    Costs about :math:`9 n^3` operations and 2 n^2 numbers. The filters act on the eigenvalues of K,
    those of the integral operator times n: a penalty :math:`\lambda` here is what much of the
    literature writes as :math:`n \lambda`.

    References
    ----------
    L. Lo Gerfo, L. Rosasco, F. Odone, E. De Vito, A. Verri, "Spectral algorithms for supervised
    learning", *Neural Computation* 20 (2008) 1873-1897. doi:10.1162/neco.2008.05-07-517. H. W.
    Engl, M. Hanke, A. Neubauer, *Regularization of Inverse Problems*, Kluwer 1996, chapters 4 to 6.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> spectrum = gram_spectrum(Gaussian(1.0), [0.0, 1.0, 3.0])
    >>> for f in (Ridge(0.1), GradientDescent(20), CutOff(0.1)):
    ...     print(spectrum.fit([0.0, 1.0, 0.0], f)([0.5]).round(3))
    [0.522]
    [0.557]
    [0.557]
    """
    x = validate.points("x", x)
    if not len(x):
        raise ValueError("x must hold at least one point, got none")
    values, vectors = eigh(kernel(x), overwrite_a=True, check_finite=False)
    return GramSpectrum(kernel, x, np.maximum(values[::-1], 0.0), vectors[:, ::-1])


def _inverse_of_largest(values: np.ndarray) -> float:
    largest = values.max(initial=0.0)
    return 1.0 / largest if largest > 0 else 1.0


def _divided(powers: np.ndarray, values: np.ndarray, limit: float) -> np.ndarray:
    """``powers / values``, and its limit where the value is zero or too small to divide by."""
    regular = values > np.finfo(float).tiny
    return np.where(regular, powers / np.where(regular, values, 1.0), limit)
