r"""Linear systems with matrices that are not stored: preconditioned conjugate gradients.

For :math:`(K + \lambda I)\alpha = y` the number of iterations grows with the square root of the
condition number :math:`(\sigma_1 + \lambda)/\lambda`. A preconditioner that knows the m largest
eigenvalues makes it :math:`(\sigma_{m+1} + \lambda)/\lambda`.
"""

import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy.linalg import qr, svd
from tqdm.auto import tqdm

from labcore import _validate as validate
from labcore.kernels.kernel import Kernel
from labcore.kernels.landmarks import pivoted_cholesky
from labcore.kernels.regression import KernelRidge, regression_data

Operator = Callable[[np.ndarray], np.ndarray]


class Solution(NamedTuple):
    """What conjugate gradients found, and why they stopped.

    Parameters
    ----------
    x : ndarray, shape (n,) or (n, q)
        The iterate.
    residuals : ndarray, shape (iterations + 1,)
        The relative residual :math:`|b - A x| / |b|` of the worst column, before each iteration and
        at the end.
    reason : {"converged", "iterations", "breakdown", "interrupted"}
        "breakdown": the matrix or the preconditioner is not positive definite to rounding.
    """

    x: np.ndarray
    residuals: np.ndarray
    reason: str

    @property
    def iterations(self) -> int:
        """How many products with the matrix were made."""
        return len(self.residuals) - 1


def conjugate_gradients(
    operator: Operator,
    b: np.ndarray,
    *,
    preconditioner: Operator | None = None,
    tolerance: float = 1e-8,
    max_iterations: int = 1000,
    progress: bool = True,
) -> Solution:
    r"""Solve A x = b for a symmetric positive definite A known by its products.

    Parameters
    ----------
    operator : callable
        Takes v, of shape (n,) or (n, q) as b, to A v.
    b : array_like, shape (n,) or (n, q)
        With q columns, q systems are solved side by side: each has its own search direction, and
        they share products, which cost little more for many columns than for one.
    preconditioner : callable, optional
        Takes v to P v, for P symmetric positive definite and close to the inverse of A: for
        example a `LowRankPreconditioner`.
    tolerance : float, default 1e-8
        Ends when :math:`|b - A x| \le \text{tolerance} \cdot |b|` in each column.
    max_iterations : int, default 1000
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    Solution
        Interrupted (Ctrl-C), it warns and returns the iterate; so it does if it has not converged
        after `max_iterations`, or if p . A p <= 0 shows that A is not positive definite.

    Raises
    ------
    ValueError
        If b is not finite, the operator returns another shape, or an option is out of range.

    Notes
    -----
    With :math:`\kappa` the condition number of P A, the error in the norm of A falls at least like
    :math:`2 \left((\sqrt\kappa - 1)/(\sqrt\kappa + 1)\right)^t`, and eigenvalues that lie alone
    cost one iteration each. The residual is that of the recurrence: with a condition number near
    1/eps the true one stops falling before.

    References
    ----------
    M. R. Hestenes, E. Stiefel, "Methods of conjugate gradients for solving linear systems", *J.
    Res. Nat. Bur. Standards* 49 (1952) 409-436. Y. Saad, *Iterative Methods for Sparse Linear
    Systems*, 2nd edition, SIAM 2003, algorithm 9.1 and equation 6.128.

    Examples
    --------
    >>> import numpy as np
    >>> a = np.array([[4.0, 1.0], [1.0, 3.0]])
    >>> x, residuals, reason = conjugate_gradients(lambda v: a @ v, [1.0, 2.0])
    >>> x.round(4), reason
    (array([0.0909, 0.6364]), 'converged')
    """
    b = validate.array("b", b, (1, 2))
    tolerance = validate.positive("tolerance", tolerance)
    max_iterations = validate.integer("max_iterations", max_iterations)
    x, residual = np.zeros_like(b), b.copy()
    size = np.sqrt((b * b).sum(axis=0))
    size = np.where(size > 0, size, 1.0)
    z = residual if preconditioner is None else _applied("preconditioner", preconditioner, residual)
    direction = z.copy()
    product_rz = (residual * z).sum(axis=0)
    residuals = [_worst(residual, size)]
    reason = "iterations"
    with tqdm(total=max_iterations, unit="steps", delay=2.0, disable=not progress) as bar:
        try:
            while len(residuals) <= max_iterations and residuals[-1] > tolerance:
                image = _applied("operator", operator, direction)
                curvature = (direction * image).sum(axis=0)
                if (~(curvature > 0) & (product_rz != 0)).any() or (product_rz < 0).any():
                    reason = "breakdown"
                    break
                # A column that is solved has direction zero: it stays where it is.
                alpha = _quotient(product_rz, curvature)
                x += alpha * direction
                residual -= alpha * image
                z = residual
                if preconditioner is not None:
                    z = _applied("preconditioner", preconditioner, residual)
                before, product_rz = product_rz, (residual * z).sum(axis=0)
                direction *= _quotient(product_rz, before)
                direction += z
                residuals.append(_worst(residual, size))
                bar.set_postfix_str(f"residual {residuals[-1]:.1e}", False)
                bar.update()
        except KeyboardInterrupt:
            reason = "interrupted"
    if residuals[-1] <= tolerance and reason != "interrupted":
        reason = "converged"
    else:
        warnings.warn(
            f"conjugate gradients stopped ({reason}) after {len(residuals) - 1} iterations at "
            f"relative residual {residuals[-1]:.1e}, not {tolerance:.1e}",
            stacklevel=2,
        )
    return Solution(x, np.array(residuals), reason)


class LowRankPreconditioner:
    r"""An approximate inverse of :math:`K + \lambda I`, from a factor of low rank of K.

    With the singular values :math:`s_i` and left singular vectors U of the factor L,

    .. math:: P v = U \operatorname{diag}\left(\frac{s_m^2 + \lambda}{s_i^2 + \lambda}\right)
        U^\top v + (I - U U^\top) v,

    which makes all m eigenvalues that L knows equal to the smallest of them.

    Parameters
    ----------
    factor : array_like, shape (n, m)
        L with :math:`K \approx L L^\top`: of `pivoted_cholesky`, or `NystromFeatures` at the
        points.
    penalty : float
        :math:`\lambda > 0`.

    Raises
    ------
    ValueError
        If the factor has more columns than rows or none, or the penalty is not positive.

    Notes
    -----
    Costs :math:`6 n m^2` operations once, 4 n m for each product, and n m numbers.

    References
    ----------
    Z. Frangella, J. A. Tropp, M. Udell, "Randomized Nystrom preconditioning", *SIAM J. Matrix Anal.
    Appl.* 44 (2023) 718-752, equation 1.3. doi:10.1137/21M1466244

    Examples
    --------
    >>> import numpy as np
    >>> p = LowRankPreconditioner(np.array([[3.0], [0.0]]), 1.0)
    >>> p(np.array([1.0, 1.0]))
    array([1., 1.])
    """

    def __init__(self, factor: np.ndarray, penalty: float):
        factor = validate.array("factor", factor, 2)
        penalty = validate.positive("penalty", penalty)
        if not 1 <= factor.shape[1] <= factor.shape[0]:
            raise ValueError(
                f"factor must have from one to n = {factor.shape[0]} columns, got {factor.shape[1]}"
            )
        q, r = qr(factor, mode="economic", check_finite=False)
        u, s, _ = svd(r, check_finite=False)
        self._basis = q @ u
        self._shrink = 1.0 - (s[-1] ** 2 + penalty) / (s**2 + penalty)

    def __call__(self, v: np.ndarray) -> np.ndarray:
        """P v, for v of shape (n,) or (n, q)."""
        components = self._basis.T @ v
        return v - self._basis @ (components.T * self._shrink).T


class IterativeFit(NamedTuple):
    """A function and how it was found.

    Parameters
    ----------
    function : KernelRidge
    solution : Solution
        Of the linear system; ``solution.reason`` says why the iteration stopped.
    """

    function: KernelRidge
    solution: Solution


def iterative_kernel_ridge(
    kernel: Kernel,
    x: np.ndarray,
    y: np.ndarray,
    *,
    penalty: float,
    rank: int | None = None,
    tolerance: float = 1e-6,
    max_iterations: int = 1000,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> IterativeFit:
    r"""Kernel ridge regression where the Gram matrix does not fit: `kernel_ridge` by iteration.

    Conjugate gradients on :math:`(K + \lambda I)\alpha = y` with products that never store K, and a
    `LowRankPreconditioner` from randomly pivoted Cholesky.

    Parameters
    ----------
    kernel, x, y
        As in `kernel_ridge`.
    penalty : float
        :math:`\lambda > 0`, not divided by n.
    rank : int, optional
        Of the preconditioner, at most n; 0 for none. Default: :math:`2 \sqrt n`, rounded, so that
        to make it costs as much as a few products.
    tolerance, max_iterations, progress
        As in `conjugate_gradients`.
    rng : int, numpy.random.Generator or None
        The seed, for the pivots (see `labcore.random.seed_from`). The answer depends on it only
        within the tolerance.

    Returns
    -------
    IterativeFit

    Raises
    ------
    ValueError
        If x and y differ in length, are empty or not finite, the penalty is not positive, or `rank`
        is larger than the number of points.

    Notes
    -----
    An iteration costs n^2 evaluations of the kernel and the whole takes n (rank + q) numbers. With
    a slowly decaying spectrum and a small penalty no rank helps: the number of iterations is about
    :math:`\tfrac12 \sqrt{1 + \sigma_{m+1}/\lambda}\,\log(2/\text{tolerance})`.

    References
    ----------
    M. Diaz, E. N. Epperly, Z. Frangella, J. A. Tropp, R. J. Webber, "Robust, randomized
    preconditioning for kernel ridge regression", 2023. arXiv:2304.12465

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.kernels import Gaussian
    >>> x = np.linspace(0, 20, 3000)
    >>> f, solution = iterative_kernel_ridge(Gaussian(1.0), x, np.sin(x), penalty=0.1, rng=0)
    >>> f([1.0]).round(4), solution.reason
    (array([0.8435]), 'converged')
    """
    x, y = regression_data(x, y, (1, 2))
    penalty = validate.positive("penalty", penalty)
    if rank is None:
        rank = min(len(x), round(2 * len(x) ** 0.5))
    preconditioner = None
    if validate.integer("rank", rank) > 0:
        factor = pivoted_cholesky(kernel, x, rank, random_pivots=True, rng=rng).factor
        if factor.size:
            preconditioner = LowRankPreconditioner(factor, penalty)
    solution = conjugate_gradients(
        lambda v: kernel.matvec(x, v) + penalty * v,
        y,
        preconditioner=preconditioner,
        tolerance=tolerance,
        max_iterations=max_iterations,
        progress=progress,
    )
    return IterativeFit(KernelRidge(kernel, x, solution.x), solution)


def _applied(name: str, operator: Operator, v: np.ndarray) -> np.ndarray:
    image = np.asarray(operator(v))
    if image.shape != v.shape:
        raise ValueError(f"{name} must return shape {v.shape}, got {image.shape}")
    return image


def _worst(residual: np.ndarray, size: np.ndarray) -> float:
    return float(np.max(np.sqrt((residual * residual).sum(axis=0)) / size, initial=0.0))


def _quotient(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    """The quotient, and zero where nothing is left to divide by."""
    usable = denominator > 0
    return np.where(usable, numerator / np.where(usable, denominator, 1.0), 0.0)
