r"""Regression with a kernel: ridge regression, and the Gaussian process of which it is the mean.

Both solve :math:`(K + \lambda I)\alpha = y`. The ridge calls :math:`\lambda` a penalty; for the
Gaussian process it is the variance of the noise, and the same factorisation also gives error bars,
the likelihood of the hyperparameters and the leave-one-out errors.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.linalg import solve_triangular

from labcore import _validate as validate
from labcore.kernels._cholesky import (
    inverse,
    inverse_factor,
    positive_cholesky,
    solve,
    trace_of_product,
)
from labcore.kernels.draws import sample_normal
from labcore.kernels.kernel import Kernel


@dataclass(frozen=True, eq=False)
class KernelRidge:
    r"""A function of the kernel's Hilbert space, :math:`f = \sum_i \alpha_i k(x_i, \cdot)`.

    Made by `kernel_ridge`.
    """

    kernel: Kernel
    x: np.ndarray = field(repr=False)
    coefficients: np.ndarray = field(repr=False)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The values at m points: (m,), or (m, q) if q functions were fitted."""
        return _expansion(self, points)

    def norm(self) -> np.ndarray:
        r"""The norm in the Hilbert space, :math:`\sqrt{\alpha^\top K \alpha}`, of each function."""
        squares = (self.coefficients * self.kernel.matvec(self.x, self.coefficients)).sum(axis=0)
        return np.sqrt(np.maximum(squares, 0.0))


def kernel_ridge(kernel: Kernel, x: np.ndarray, y: np.ndarray, *, penalty: float) -> KernelRidge:
    r"""The least :math:`\sum_i (y_i - f(x_i))^2 + \lambda \|f\|^2` over the kernel's Hilbert space.

    By the representer theorem the minimiser is :math:`\sum_i \alpha_i k(x_i, \cdot)` with
    :math:`\alpha = (K + \lambda I)^{-1} y`.

    Parameters
    ----------
    kernel : Kernel
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (n,) or (n, q)
        Values, or q columns of values that are fitted independently.
    penalty : float
        :math:`\lambda \ge 0`. Not divided by n: some books write :math:`n\lambda` for it.

    Returns
    -------
    KernelRidge

    Raises
    ------
    ValueError
        If x and y differ in length, are empty or not finite, or the penalty is negative.
    numpy.linalg.LinAlgError
        If :math:`K + \lambda I` is not positive definite to rounding: repeated points without
        penalty, or a smooth kernel whose lengthscale is large beside the spacing.

    Notes
    -----
    Costs :math:`n^3/3` operations and n^2 numbers: about 10,000 points at most.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> f = kernel_ridge(Gaussian(1.0), [0.0, 1.0], [0.0, 1.0], penalty=0.1)
    >>> f([0.5]).round(3)
    array([0.517])
    """
    x, y = regression_data(x, y, (1, 2))
    penalty = validate.non_negative("penalty", penalty)
    factor = positive_cholesky(kernel(x), penalty, advice="Use a larger penalty.", overwrite=True)
    return KernelRidge(kernel, x, solve(factor, y))


class LeaveOneOut(NamedTuple):
    """What the other n - 1 points predict for each y_i.

    Parameters
    ----------
    mean : ndarray, shape (n,)
        The predicted value; ``y - mean`` are the leave-one-out residuals.
    sd : ndarray, shape (n,)
        The standard deviation of the prediction, noise included.
    log_density : ndarray, shape (n,)
        The log density at y_i of that prediction. The sum is the score by which leave-one-out
        cross-validation compares models.
    """

    mean: np.ndarray
    sd: np.ndarray
    log_density: np.ndarray


@dataclass(frozen=True, eq=False)
class GaussianProcess:
    r"""A Gaussian process given data :math:`y_i = f(x_i) + \varepsilon_i`. Made by `condition`.

    With :math:`A = K + \sigma^2 I = L L^\top` and :math:`\alpha = A^{-1} y`.
    """

    kernel: Kernel
    x: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    noise_variance: float
    factor: np.ndarray = field(repr=False)
    coefficients: np.ndarray = field(repr=False)

    def mean(self, points: np.ndarray) -> np.ndarray:
        r"""The posterior mean of f, :math:`m(x) = \sum_i \alpha_i k(x_i, x)`."""
        return _expansion(self, points)

    def covariance(self, points: np.ndarray) -> np.ndarray:
        r"""The posterior covariance of f, :math:`k(x, x') - k(x, X)\,A^{-1} k(X, x')`."""
        whitened = self._whitened(points)
        return self.kernel(points) - whitened.T @ whitened

    def sd(self, points: np.ndarray) -> np.ndarray:
        """The posterior standard deviation of f (the noise of a new measurement is not in it)."""
        variance = self.kernel.diagonal(points) - (self._whitened(points) ** 2).sum(axis=0)
        return np.sqrt(np.maximum(variance, 0.0))

    def sample(
        self,
        points: np.ndarray,
        count: int = 1,
        *,
        rng: int | np.random.Generator | None = None,
        jitter: float = 1e-10,
    ) -> np.ndarray:
        """Draws of f from the posterior, as a (count, m) array. Options as in `sample_prior`."""
        return sample_normal(
            self.mean(points), self.covariance(points), count, rng=rng, jitter=jitter
        )

    def log_marginal_likelihood(self) -> float:
        r"""The log density of the data under the prior, all functions averaged,

        .. math:: \log p(y) = -\tfrac12 y^\top A^{-1} y - \tfrac12 \log\det A - \tfrac n2 \log 2\pi.
        """
        n = len(self.y)
        fit = 0.5 * float(self.y @ self.coefficients)
        volume = float(np.log(np.diagonal(self.factor)).sum())
        return -fit - volume - 0.5 * n * math.log(2 * math.pi)

    def log_likelihood_gradient(self) -> np.ndarray:
        r"""The slopes of the log marginal likelihood in the logarithms of the parameters.

        With :math:`A_j = \partial A / \partial \log \theta_j`, for the kernel's `parameters` and
        then the noise variance,

        .. math::

            \frac{\partial \log p(y)}{\partial \log\theta_j}
            = \tfrac12 \alpha^\top A_j \alpha - \tfrac12 \operatorname{tr}(A^{-1} A_j).

        Returns
        -------
        numpy.ndarray, shape (p + 1,)

        Notes
        -----
        Costs :math:`2n^3/3` operations, for the inverse, and :math:`n^2` for each parameter.
        """
        return likelihood_slopes(self, information=False)[0]

    def fisher_information(self) -> np.ndarray:
        r"""Fisher's information of the logarithms of the parameters, the noise variance's last,

        .. math:: F_{jk} = \tfrac12 \operatorname{tr}(A^{-1} A_j A^{-1} A_k).

        The square roots of the diagonal of its inverse are the relative standard errors of
        parameters that maximise the likelihood, where these are well determined.

        Returns
        -------
        numpy.ndarray, shape (p + 1, p + 1)

        Notes
        -----
        Costs :math:`2n^3` operations and :math:`n^2` numbers for each of the kernel's parameters.
        """
        return likelihood_slopes(self, information=True)[1]

    def leave_one_out(self) -> LeaveOneOut:
        r"""What the other points predict for each measurement, without a second factorisation.

        The mean is :math:`y_i - \alpha_i / (A^{-1})_{ii}` and the variance
        :math:`1 / (A^{-1})_{ii}`; it includes the noise. Costs :math:`n^3/3` operations.
        """
        precision = (inverse_factor(self.factor) ** 2).sum(axis=0)
        residual, variance = self.coefficients / precision, 1 / precision
        log_density = -0.5 * (residual**2 / variance + np.log(2 * math.pi * variance))
        return LeaveOneOut(self.y - residual, np.sqrt(variance), log_density)

    def _whitened(self, points: np.ndarray) -> np.ndarray:
        cross = self.kernel(self.x, points)
        return solve_triangular(self.factor, cross, lower=True, overwrite_b=True)


def condition(
    kernel: Kernel, x: np.ndarray, y: np.ndarray, *, noise_variance: float
) -> GaussianProcess:
    r"""The Gaussian process with mean zero and covariance `kernel`, given noisy values of it.

    Parameters
    ----------
    kernel : Kernel
        Covariance of the prior. The prior mean is zero: subtract yours from `y`.
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (n,)
        :math:`y_i = f(x_i) + \varepsilon_i` with independent normal noise.
    noise_variance : float
        :math:`\sigma^2 \ge 0`, the variance of the noise.

    Returns
    -------
    GaussianProcess

    Raises
    ------
    ValueError, numpy.linalg.LinAlgError
        As `kernel_ridge`.

    Notes
    -----
    Costs :math:`n^3/3` operations, then n for each mean and n^2 for each variance.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
    algorithm 2.1 and equations 2.25, 2.26, 2.30, 5.10 to 5.12.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> posterior = condition(Gaussian(1.0), [0.0, 1.0], [0.0, 1.0], noise_variance=0.1)
    >>> posterior.mean([0.5]).round(3), posterior.sd([0.5]).round(3)
    (array([0.517]), array([0.295]))
    """
    x, y = regression_data(x, y, 1)
    noise_variance = validate.non_negative("noise_variance", noise_variance)
    factor = positive_cholesky(
        kernel(x), noise_variance, advice="Use a larger noise_variance.", overwrite=True
    )
    return GaussianProcess(kernel, x, y, noise_variance, factor, solve(factor, y))


def likelihood_slopes(
    posterior: GaussianProcess, *, information: bool
) -> tuple[np.ndarray, np.ndarray | None]:
    """The gradient of the log likelihood and, if asked for, Fisher's information.

    The noise variance comes last. Its A_j is a multiple of the identity, and costs no product.
    """
    alpha, noise = posterior.coefficients, posterior.noise_variance
    a_inverse = inverse(posterior.factor)
    slopes = posterior.kernel._gradients(posterior.x)[1]
    gradient = [alpha @ (slope @ alpha) - np.vdot(a_inverse, slope) for slope in slopes]
    gradient.append(noise * (alpha @ alpha - np.trace(a_inverse)))
    if not information:
        return 0.5 * np.array(gradient), None
    weighted = [a_inverse @ slope for slope in slopes]
    weighted.append(noise * a_inverse)
    fisher = np.empty((len(weighted), len(weighted)))
    for j, left in enumerate(weighted):
        for k, right in enumerate(weighted[: j + 1]):
            fisher[j, k] = fisher[k, j] = trace_of_product(left, right)
    return 0.5 * np.array(gradient), 0.5 * fisher


def _expansion(fit: KernelRidge | GaussianProcess, points: np.ndarray) -> np.ndarray:
    points = validate.points("points", points)
    if points.shape[1] != fit.x.shape[1]:
        raise ValueError(
            f"points must have the dimension of the data, {fit.x.shape[1]}, got {points.shape[1]}"
        )
    return fit.kernel.matvec(points, fit.coefficients, fit.x)


def regression_data(x, y, ndim) -> tuple[np.ndarray, np.ndarray]:
    """Points and values, validated: as many of the one as of the other, and at least one."""
    x = validate.points("x", x)
    y = validate.array("y", y, ndim)
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, got {len(x)} and {len(y)}")
    if not len(x):
        raise ValueError("x must hold at least one point, got none")
    return x, y
