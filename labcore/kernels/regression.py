r"""Regression with a kernel: ridge regression, and the Gaussian process of which it is the mean.

Both solve :math:`(K + \lambda I)\alpha = y`. The ridge calls :math:`\lambda` a penalty; for the
Gaussian process it is the variance of the noise, and the same factorisation also gives error bars,
the likelihood of the hyperparameters and the leave-one-out errors.
"""

import math
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.linalg import cho_solve, solve_triangular
from scipy.optimize import minimize

from labcore import _validate as validate
from labcore.kernels.draws import positive_cholesky, sample_normal
from labcore.kernels.kernel import Kernel

_SLOPE = 2e-3  # of the log likelihood, at which a climb ends: statistically, nothing


@dataclass(frozen=True, eq=False)
class KernelRidge:
    r"""A function of the kernel's Hilbert space, :math:`f = \sum_i \alpha_i k(x_i, \cdot)`."""

    kernel: Kernel
    x: np.ndarray = field(repr=False)
    coefficients: np.ndarray = field(repr=False)

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The values at m points: (m,), or (m, q) if q functions were fitted."""
        return self.kernel(points, self.x) @ self.coefficients

    def norm(self) -> np.ndarray:
        r"""The norm in the Hilbert space, :math:`\sqrt{\alpha^\top K \alpha}`, of each function."""
        squares = (self.coefficients * (self.kernel(self.x) @ self.coefficients)).sum(axis=0)
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
    x, y = _data(x, y, (1, 2))
    penalty = validate.non_negative("penalty", penalty)
    factor = positive_cholesky(kernel(x), penalty, advice="Use a larger penalty.")
    return KernelRidge(kernel, x, cho_solve((factor, True), y, check_finite=False))


class LeaveOneOut(NamedTuple):
    """What the other n - 1 points predict for each y_i: the mean, and the sd with noise."""

    mean: np.ndarray
    sd: np.ndarray


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
        return self.kernel(points, self.x) @ self.coefficients

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

    def leave_one_out(self) -> LeaveOneOut:
        r"""What the other points predict for each measurement, without a second factorisation.

        The mean is :math:`y_i - \alpha_i / (A^{-1})_{ii}` and the variance
        :math:`1 / (A^{-1})_{ii}`; it includes the noise.
        """
        inverse = solve_triangular(self.factor, np.eye(len(self.y)), lower=True)
        precision = (inverse**2).sum(axis=0)
        return LeaveOneOut(self.y - self.coefficients / precision, 1 / np.sqrt(precision))

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
    x, y = _data(x, y, 1)
    noise_variance = validate.non_negative("noise_variance", noise_variance)
    factor = positive_cholesky(kernel(x), noise_variance, advice="Use a larger noise_variance.")
    coefficients = cho_solve((factor, True), y, check_finite=False)
    return GaussianProcess(kernel, x, y, noise_variance, factor, coefficients)


def maximise_likelihood(
    kernel: Kernel,
    x: np.ndarray,
    y: np.ndarray,
    *,
    noise_variance: float,
    factor: float = 1e3,
) -> GaussianProcess:
    r"""The posterior under the hyperparameters that give the data the largest likelihood.

    Starts from the kernel and the noise variance given and climbs in the logarithms of all their
    positive numbers :math:`\theta_j`, by Newton steps in a trust region with Fisher's information
    in place of the Hessian. With :math:`A_j = \partial A / \partial \log \theta_j` the gradient and
    the information are

    .. math::

        \frac{\partial \log p(y)}{\partial \log\theta_j} = \tfrac12 \alpha^\top A_j \alpha
        - \tfrac12 \operatorname{tr}(A^{-1} A_j), \qquad
        F_{jk} = \tfrac12 \operatorname{tr}(A^{-1} A_j A^{-1} A_k).

    Parameters
    ----------
    kernel, x, y, noise_variance
        As in `condition`; the noise variance must be positive.
    factor : float, default 1000
        No parameter moves from its start by more than this factor.

    Returns
    -------
    GaussianProcess
        With the best kernel and noise variance found.

    Raises
    ------
    ValueError, numpy.linalg.LinAlgError
        As `condition`.

    Notes
    -----
    The likelihood may have several maxima (a short lengthscale with little noise and a long one
    with much explain the same data): the one found depends on the start. It has none where the
    data say nothing about a parameter, or push one to zero or infinity; `factor` ends the climb
    there. A step costs 2 p n^3 operations and p n^2 numbers for p parameters; ten to fifty steps.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
    equation 5.9.
    """
    x, y = _data(x, y, 1)
    start = np.append(kernel.parameters, validate.positive("noise_variance", noise_variance))
    reach = math.log(validate.positive("factor", factor))

    def model(u):  # u is the change of the logarithms, squeezed to stay within reach
        values = start * np.exp(reach * np.tanh(u / reach))
        return condition(kernel.with_parameters(values[:-1]), x, y, noise_variance=values[-1])

    def loss(u):
        posterior, squeeze = model(u), 1 - np.tanh(u / reach) ** 2
        gradient = squeeze * _likelihood_gradient(posterior)
        return -posterior.log_marginal_likelihood(), -gradient

    def information(u):
        squeeze = 1 - np.tanh(u / reach) ** 2
        return np.outer(squeeze, squeeze) * _fisher_information(model(u))

    result = minimize(
        loss,
        np.zeros(len(start)),
        jac=True,
        hess=information,
        method="trust-exact",
        options={"gtol": _SLOPE, "maxiter": 200},
    )
    return model(result.x)


def _slopes(posterior: GaussianProcess) -> np.ndarray:
    """The derivatives of A = K + noise variance in the logarithms of all parameters."""
    of_noise = posterior.noise_variance * np.eye(len(posterior.y))
    return np.concatenate([posterior.kernel.parameter_gradients(posterior.x), of_noise[None]])


def _likelihood_gradient(posterior: GaussianProcess) -> np.ndarray:
    alpha = posterior.coefficients
    inverse = cho_solve((posterior.factor, True), np.eye(len(alpha)), overwrite_b=True)
    return 0.5 * np.tensordot(_slopes(posterior), np.outer(alpha, alpha) - inverse, axes=2)


def _fisher_information(posterior: GaussianProcess) -> np.ndarray:
    slopes = _slopes(posterior)
    weighted = [cho_solve((posterior.factor, True), s, check_finite=False) for s in slopes]
    return 0.5 * np.array([[np.vdot(a, b.T) for b in weighted] for a in weighted])


def _data(x, y, ndim) -> tuple[np.ndarray, np.ndarray]:
    x = validate.points("x", x)
    y = validate.array("y", y, ndim)
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, got {len(x)} and {len(y)}")
    if not len(x):
        raise ValueError("x must hold at least one point, got none")
    return x, y
