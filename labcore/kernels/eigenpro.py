r"""EigenPro: stochastic gradient descent in the kernel's Hilbert space, preconditioned.

Gradient descent learns the direction of eigenvalue :math:`\sigma` at a rate proportional to it, and
the largest eigenvalue limits the step. EigenPro flattens the top of the spectrum, as seen on a
subsample, and steps as far as the next eigenvalue allows.
"""

import warnings
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh
from tqdm.auto import tqdm

from labcore import _validate as validate
from labcore import random
from labcore.kernels.kernel import Kernel
from labcore.kernels.regression import KernelRidge, regression_data

_SAFETY = 0.95  # part of the longest step: its bound is estimated on the subsample
_DIVERGED = 10.0  # times the mean square of y
_SUBSAMPLE_STREAM = 2**63  # no epoch has a number as large


class EigenProFit(NamedTuple):
    """A function, and how it was found.

    Parameters
    ----------
    function : KernelRidge
    errors : ndarray, shape (epochs,)
        Mean square error of each epoch, over its batches as they were before their steps.
    reason : {"converged", "epochs", "diverged", "interrupted"}
    batch_size : int
    step : float
        The step size, for the mean gradient of a batch.
    """

    function: KernelRidge
    errors: np.ndarray
    reason: str
    batch_size: int
    step: float


class _Preconditioner(NamedTuple):
    """The subsample, and what takes its kernel values at a batch to the correction."""

    chosen: np.ndarray
    vectors: np.ndarray
    weights: np.ndarray
    next_eigenvalue: float
    largest_diagonal: float


def eigenpro(
    kernel: Kernel,
    x: np.ndarray,
    y: np.ndarray,
    *,
    epochs: int = 20,
    rank: int = 100,
    subsample: int = 1000,
    batch_size: int | None = None,
    tolerance: float = 1e-6,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> EigenProFit:
    r"""Fit by preconditioned stochastic gradient descent; early stopping is the regularisation.

    With the eigenvalues :math:`\sigma_i` and eigenvectors :math:`e_i` of the Gram matrix of s
    subsampled points :math:`r_j`, and :math:`\psi_i = \sigma_i^{-1/2} \sum_j e_{ij} k(r_j, \cdot)`,
    a step on a batch B of m points is

    .. math::

        f \leftarrow f - \eta\,P\,\frac1m \sum_{b \in B} (f(x_b) - y_b)\,k(x_b, \cdot), \qquad
        P = I - \sum_{i=1}^q \left(1 - \frac{\sigma_{q+1}}{\sigma_i}\right) \psi_i \otimes \psi_i.

    It changes only the coefficients of the batch and of the subsample. The step is
    :math:`\eta = m / (\beta + (m - 1) \sigma_{q+1} / s)`, with :math:`\beta` the largest
    :math:`k(x, x) - \sum_{i \le q} (1 - \sigma_{q+1}/\sigma_i)\,\psi_i(x)^2`, times 0.95.

    Parameters
    ----------
    kernel : Kernel
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (n,) or (n, q)
        Values, or columns of values that are fitted independently.
    epochs : int, default 20
        Passes through the data, at most.
    rank : int, default 100
        q, how many eigenvalues are flattened; 0 is plain stochastic gradient descent. At most a
        tenth of a subsample is used: further eigenvalues of it are not those of the data, and the
        step would be too long.
    subsample : int, default 1000
        s; all points, where there are fewer.
    batch_size : int, optional
        m, at most n. Default: :math:`\beta s / \sigma_{q+1}`, rounded; larger batches do not take
        fewer steps, smaller ones waste what is computed together.
    tolerance : float, default 1e-6
        Ends after an epoch whose mean square error is below this part of the mean square of y.
    rng : int, numpy.random.Generator or None
        The seed, for the subsample and the batches (see `labcore.random.seed_from`).
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    EigenProFit
        Interrupted (Ctrl-C), or if the error grows, it warns and returns what there is.

    Raises
    ------
    ValueError
        If x and y differ in length, are empty or not finite, the batch is larger than the data, or
        an option is out of range.

    Notes
    -----
    An epoch costs n^2 evaluations of the kernel and :math:`2 n^2` operations for each column; the
    preconditioner :math:`9 s^3` operations, once. Nothing larger than m n numbers is stored.

    There is no penalty: run to the end it interpolates, noise included, and takes long to do so
    where the spectrum decays fast, as that of the Gaussian kernel. For a given penalty use
    `iterative_kernel_ridge`.

    References
    ----------
    S. Ma, M. Belkin, "Kernel machines that adapt to GPUs for effective large batch training", MLSys
    2019, algorithm 1. arXiv:1806.06144. S. Ma, R. Bassily, M. Belkin, "The power of interpolation",
    ICML 2018, theorem 4 (the step). arXiv:1712.06559

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.kernels import Matern
    >>> x = np.linspace(0, 20, 2000)
    >>> fit = eigenpro(Matern(1.5, 1.0), x, np.sin(x), tolerance=1e-4, rng=0)
    >>> fit.reason, fit.function([1.0]).round(2)
    ('converged', array([0.85]))
    """
    x, y = regression_data(x, y, (1, 2))
    n = len(x)
    epochs, rank = validate.integer("epochs", epochs, 1), validate.integer("rank", rank)
    subsample = min(n, validate.integer("subsample", subsample, 1))
    tolerance = validate.non_negative("tolerance", tolerance)
    seed = int(random.seed_from(rng))
    preconditioner = _preconditioner(kernel, x, rank, subsample, seed)
    beta, above = preconditioner.largest_diagonal, preconditioner.next_eigenvalue / subsample
    if beta <= 0 or above <= 0:
        raise ValueError(f"rank must leave a part of the spectrum, got {rank}: nothing is left")
    if batch_size is None:
        batch_size = min(n, max(1, round(beta / above)))
    elif validate.integer("batch_size", batch_size, 1) > n:
        raise ValueError(f"batch_size must be at most {n}, got {batch_size}")
    step = _SAFETY * batch_size / (beta + (batch_size - 1) * above)
    coefficients = np.zeros_like(y)
    scale = float((y * y).mean()) or 1.0
    errors: list[float] = []
    reason = "epochs"
    with tqdm(total=epochs, unit="epochs", delay=2.0, disable=not progress) as bar:
        try:
            for epoch in range(epochs):
                order = np.argsort(random.uniform(n, rng=seed, stream=epoch))
                errors.append(
                    _epoch(kernel, x, y, order, batch_size, step, preconditioner, coefficients)
                )
                bar.set_postfix_str(f"mean square error {errors[-1]:.1e}", False)
                bar.update()
                if errors[-1] <= tolerance * scale:
                    reason = "converged"
                    break
                if not errors[-1] <= _DIVERGED * scale:
                    reason = "diverged"
                    break
        except KeyboardInterrupt:
            reason = "interrupted"
    if reason in ("diverged", "interrupted"):
        warnings.warn(f"eigenpro {reason} after {len(errors)} epochs", stacklevel=2)
    function = KernelRidge(kernel, x, coefficients)
    return EigenProFit(function, np.array(errors), reason, batch_size, step)


def _preconditioner(
    kernel: Kernel, x: np.ndarray, rank: int, subsample: int, seed: int
) -> _Preconditioner:
    draws = random.uniform(len(x), rng=seed, stream=_SUBSAMPLE_STREAM)
    chosen = np.argsort(draws)[:subsample]
    gram = kernel(x[chosen])
    rank = min(rank, len(x) - 1 if subsample == len(x) else subsample // 10)
    values, vectors = eigh(gram, subset_by_index=[subsample - rank - 1, subsample - 1])
    next_eigenvalue, values, vectors = float(values[0]), values[1:], vectors[:, 1:]
    weights = (1.0 - next_eigenvalue / values) / values
    known = (gram @ vectors) ** 2 @ weights
    largest = float((np.diagonal(gram) - known).max())
    return _Preconditioner(chosen, vectors, weights, next_eigenvalue, largest)


def _epoch(
    kernel: Kernel,
    x: np.ndarray,
    y: np.ndarray,
    order: np.ndarray,
    batch_size: int,
    step: float,
    preconditioner: _Preconditioner,
    coefficients: np.ndarray,
) -> float:
    """One pass: changes the coefficients and returns the mean square error on the way."""
    chosen, vectors, weights = preconditioner[:3]
    buffer, total = np.empty((batch_size, len(x))), 0.0
    for start in range(0, len(x), batch_size):
        batch = order[start : start + batch_size]
        block = buffer[: len(batch)]
        kernel(x[batch], x, out=block)
        error = block @ coefficients - y[batch]
        total += float((error * error).sum())
        # A last batch that is smaller takes a step that is smaller in proportion.
        error *= step / batch_size
        coefficients[batch] -= error
        components = vectors.T @ (block[:, chosen].T @ error)
        coefficients[chosen] += vectors @ (components.T * weights).T
    return total / y.size
