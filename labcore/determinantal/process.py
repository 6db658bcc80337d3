r"""Determinantal point processes: random subsets whose items repel each other.

J. B. Hough, M. Krishnapur, Y. Peres, B. Virág, "Determinantal processes and independence",
Probability Surveys 3 (2006). doi:10.1214/154957806000000078
"""

from dataclasses import dataclass

import numpy as np
from scipy import linalg
from tqdm.auto import tqdm

from labcore._validate import array, integer
from labcore.determinantal._projection import (
    choose_independently,
    choose_of_size,
    polynomial_ratios,
    sample_projection,
)
from labcore.random import seed_from

_ROUNDING = 1e-10  # eigenvalues beyond their range by less are taken for the end of the range


@dataclass(frozen=True, eq=False)
class DPP:
    r"""A determinantal point process, by the eigendecomposition of its marginal kernel.

    It is the law of a random subset Y of the items 0, ..., n - 1 with

    .. math:: P(A \subseteq Y) = \det K_A

    for every set A of items. Made by `l_ensemble`, `marginal_kernel` or `projection`.

    Parameters
    ----------
    eigenvalues : ndarray, shape (r,)
        Those of K that are not zero, in (0, 1].
    eigenvectors : ndarray, shape (n, r)
        Orthonormal columns.
    """

    eigenvalues: np.ndarray
    eigenvectors: np.ndarray

    @property
    def kernel(self) -> np.ndarray:
        """The marginal kernel K, shape (n, n)."""
        return (self.eigenvectors * self.eigenvalues) @ self.eigenvectors.T

    @property
    def expected_size(self) -> float:
        """The mean number of items in Y, the trace of K."""
        return float(self.eigenvalues.sum())

    def sample(
        self,
        n_samples: int,
        *,
        rng: int | np.random.Generator | None = None,
        progress: bool = True,
    ) -> list[np.ndarray]:
        r"""Exact independent draws.

        Each eigenvector is taken with its eigenvalue as probability; then items one by one from the
        projection process on what was taken, by the chain rule with accept-reject. Sample number s
        owns stream s of the seed. Costs :math:`O(n k + k^3 \log k)` for a sample of k items.

        Parameters
        ----------
        n_samples : int
            How many subsets.
        rng : int, numpy.random.Generator or None
            The seed.
        progress : bool, default True
            Show a progress bar if it takes more than two seconds.

        Returns
        -------
        list of ndarray of int
            Each subset's items, in ascending order. It can be empty.
        """

        def choose(seed, stream, chosen):
            return choose_independently(self.eigenvalues, seed, stream, chosen)

        return _samples(choose, self.eigenvectors, n_samples, rng, progress)

    def inclusion(self, items) -> float:
        r"""The probability :math:`\det K_A` that all the given items are in Y."""
        rows = self.eigenvectors[_items(items, len(self.eigenvectors))]
        return float(np.linalg.det((rows * self.eigenvalues) @ rows.T))

    def log_probability(self, items) -> float:
        r"""The logarithm of the probability that Y is exactly the given set.

        :math:`P(Y = A) = |\det(K - I_{\bar A})|` with the projection :math:`I_{\bar A}` on the
        coordinates outside A; for an L-ensemble that is :math:`\det L_A / \det(I + L)`. It is -inf
        for a set that cannot come out (or comes out less often than rounding can tell).
        Costs :math:`O(n^3)`.
        """
        items = _items(items, len(self.eigenvectors))
        outside = np.ones(len(self.eigenvectors))
        outside[items] = 0.0
        sign, log_determinant = np.linalg.slogdet(self.kernel - np.diag(outside))
        possible = sign == (-1.0) ** outside.sum()
        return float(log_determinant) if possible else -np.inf


def l_ensemble(likelihood_kernel) -> DPP:
    r"""The process with :math:`P(Y = A) = \det L_A / \det(I + L)`.

    Its marginal kernel is :math:`K = L (I + L)^{-1}`.

    Parameters
    ----------
    likelihood_kernel : array_like, shape (n, n)
        L, symmetric and positive semi-definite: for example a Gram matrix. Scaling it up makes the
        subsets larger.

    Raises
    ------
    ValueError
        If L is not square, symmetric, finite and positive semi-definite.

    Notes
    -----
    The eigendecomposition costs :math:`O(n^3)`, once. The expected size cannot be set directly: it
    is :math:`\sum_i \lambda_i / (1 + \lambda_i)`; for a fixed size see `k_dpp`.

    References
    ----------
    A. Borodin, E. M. Rains, "Eynard-Mehta theorem, Schur process, and their pfaffian analogs",
    J. Stat. Phys. 121 (2005). doi:10.1007/s10955-005-7583-z

    Examples
    --------
    >>> from labcore.determinantal import l_ensemble
    >>> process = l_ensemble([[1.0, 0.9], [0.9, 1.0]])
    >>> round(process.inclusion([0]), 4), round(process.inclusion([0, 1]), 4)
    (0.373, 0.0596)
    """
    values, vectors = positive_spectrum("likelihood_kernel", likelihood_kernel)
    return DPP(values / (1.0 + values), vectors)


def marginal_kernel(kernel) -> DPP:
    r"""The process with :math:`P(A \subseteq Y) = \det K_A`.

    Parameters
    ----------
    kernel : array_like, shape (n, n)
        K, symmetric with eigenvalues in [0, 1].

    Raises
    ------
    ValueError
        If K is not square, symmetric and finite, or an eigenvalue lies outside [0, 1] by more than
        1e-10: there is no such process then.

    References
    ----------
    O. Macchi, "The coincidence approach to stochastic point processes", Advances in Applied
    Probability 7 (1975). doi:10.2307/1425855

    Examples
    --------
    >>> from labcore.determinantal import marginal_kernel
    >>> process = marginal_kernel([[0.5, 0.5], [0.5, 0.5]])  # one item of two, never both
    >>> sorted({tuple(subset.tolist()) for subset in process.sample(20, rng=1)})
    [(0,), (1,)]
    """
    values, vectors = positive_spectrum("kernel", kernel)
    if values.size and values[-1] > 1.0 + _ROUNDING:
        raise ValueError(f"kernel must have eigenvalues in [0, 1], got {values[-1]}")
    return DPP(np.minimum(values, 1.0), vectors)


def projection(basis) -> DPP:
    r"""The process whose marginal kernel projects on the span of given columns.

    It has exactly as many items as there are columns, and :math:`P(Y = A) = \det(A_Y)^2 /
    \det(A^\top A)` for the n x r matrix of columns :math:`A` with the rows :math:`A_Y`.

    Parameters
    ----------
    basis : array_like, shape (n, r)
        Linearly independent columns, orthonormal or not.

    Raises
    ------
    ValueError
        If the columns are not finite, more than n, or linearly dependent.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.determinantal import projection
    >>> x = np.linspace(-1.0, 1.0, 50)
    >>> process = projection(np.vander(x, 4))  # cubic polynomials
    >>> [len(subset) for subset in process.sample(3, rng=1)]
    [4, 4, 4]
    """
    basis = array("basis", basis, 2)
    n, r = basis.shape
    vectors, values, _ = np.linalg.svd(basis, full_matrices=False)
    if r == 0 or r > n or values[-1] <= values[0] * n * np.finfo(float).eps:
        raise ValueError(f"basis must have linearly independent columns, got {r} of rank below")
    return DPP(np.ones(r), np.asfortranarray(vectors))


@dataclass(frozen=True, eq=False)
class FixedSizeDPP:
    r"""A k-DPP, by the eigendecomposition of its L.

    It is the law of a random subset of k items with :math:`P(Y = A) = \det L_A / e_k(\lambda)`,
    where :math:`e_k` is the elementary symmetric polynomial of the eigenvalues. Made by `k_dpp`.

    Parameters
    ----------
    eigenvalues : ndarray, shape (r,)
        The positive ones of L, in ascending order.
    eigenvectors : ndarray, shape (n, r)
        Orthonormal columns.
    size : int
        k.
    ratios : ndarray, shape (r + 1, k)
        Row j has the quotients :math:`e_{i+1} / e_i` of the first j eigenvalues' polynomials.
    """

    eigenvalues: np.ndarray
    eigenvectors: np.ndarray
    size: int
    ratios: np.ndarray

    def sample(
        self,
        n_samples: int,
        *,
        rng: int | np.random.Generator | None = None,
        progress: bool = True,
    ) -> np.ndarray:
        r"""Exact independent draws.

        k eigenvectors are taken with probability proportional to the product of their eigenvalues,
        then items as in `DPP.sample`. Costs :math:`O(n k + k^3 \log k)` a sample.

        Parameters
        ----------
        n_samples, rng, progress
            As in `DPP.sample`.

        Returns
        -------
        ndarray of int, shape (n_samples, k)
            Each subset's items, in ascending order.
        """

        def choose(seed, stream, chosen):
            return choose_of_size(self.eigenvalues, self.ratios, seed, stream, chosen)

        subsets = _samples(choose, self.eigenvectors, n_samples, rng, progress)
        return np.array(subsets, dtype=np.int64).reshape(-1, self.size)

    def inclusion(self) -> np.ndarray:
        r"""Each item's probability to be in Y, shape (n,); they sum to k. Costs :math:`O(n r)`."""
        waiting = np.zeros(self.size)  # of which counts of eigenvectors still to take, how likely
        waiting[-1] = 1.0
        taken = np.empty(len(self.eigenvalues))
        for j in range(len(taken) - 1, -1, -1):
            x = self.eigenvalues[j]
            flow = waiting * (x / (self.ratios[j] + x))
            taken[j] = flow.sum()
            waiting -= flow
            waiting[:-1] += flow[1:]
        return self.eigenvectors**2 @ taken

    def log_probability(self, items) -> float:
        r"""The logarithm of :math:`\det L_A / e_k(\lambda)`: -inf unless A has k items."""
        items = _items(items, len(self.eigenvectors))
        if len(items) != self.size:
            return -np.inf
        rows = self.eigenvectors[items]
        sign, log_determinant = np.linalg.slogdet((rows * self.eigenvalues) @ rows.T)
        return float(log_determinant - np.log(self.ratios[-1]).sum()) if sign > 0.0 else -np.inf


def k_dpp(likelihood_kernel, size: int) -> FixedSizeDPP:
    r"""The process with :math:`P(Y = A) \propto \det L_A` on the sets of `size` items.

    Parameters
    ----------
    likelihood_kernel : array_like, shape (n, n)
        L, symmetric and positive semi-definite; its scale does not matter.
    size : int
        k, at most the rank of L.

    Raises
    ------
    ValueError
        If L is not square, symmetric, finite and positive semi-definite, or k exceeds its rank.

    Notes
    -----
    The eigendecomposition costs :math:`O(n^3)` and the polynomials :math:`O(n k)`, once. Unlike
    a DPP's, inclusion probabilities of sets are no determinants. When k nears the numerical rank,
    the last eigenvalues are noise, and with them which items are taken last.

    References
    ----------
    A. Kulesza, B. Taskar, "k-DPPs: fixed-size determinantal point processes", ICML 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.determinantal import k_dpp
    >>> from labcore.kernels import Gaussian
    >>> process = k_dpp(Gaussian(0.1)(np.linspace(0.0, 1.0, 101)), 5)
    >>> process.sample(2, rng=1).shape
    (2, 5)
    >>> round(float(process.inclusion().sum()), 6)
    5.0
    """
    values, vectors = positive_spectrum("likelihood_kernel", likelihood_kernel)
    return of_fixed_size(values, vectors, size)


def of_fixed_size(values: np.ndarray, vectors: np.ndarray, size: int) -> FixedSizeDPP:
    """The k-DPP of an L with given positive eigenvalues, ascending, and eigenvectors."""
    size = integer("size", size, least=1)
    if size > len(values):
        raise ValueError(f"size must be at most the rank {len(values)}, got {size}")
    ratios = np.empty((len(values) + 1, size))
    polynomial_ratios(values, ratios)
    return FixedSizeDPP(values, vectors, size, ratios)


def positive_spectrum(name: str, matrix) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues above rounding of a positive semi-definite matrix, and their vectors."""
    matrix = array(name, matrix, 2)
    if matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
        raise ValueError(f"{name} must be square, got shape {matrix.shape}")
    largest = np.abs(matrix).max()
    if np.abs(matrix - matrix.T).max() > 1e-10 * largest:
        raise ValueError(f"{name} must be symmetric")
    values, vectors = linalg.eigh(matrix, driver="evd", check_finite=False)
    if values[0] < -_ROUNDING * largest * len(values):
        raise ValueError(f"{name} must be positive semi-definite, got eigenvalue {values[0]:.3g}")
    first = int(np.searchsorted(values, values[-1] * len(values) * np.finfo(float).eps, "right"))
    return values[first:], vectors[:, first:]


def _samples(choose, vectors: np.ndarray, n_samples: int, rng, progress: bool) -> list[np.ndarray]:
    n_samples = integer("n_samples", n_samples)
    seed = seed_from(rng)
    vectors = np.ascontiguousarray(vectors.T)  # no copy: they are columns in memory
    r, n = vectors.shape
    chosen, out = np.empty(r, dtype=np.int64), np.empty(r, dtype=np.int64)
    leverage, cumulative, work = np.empty(n), np.empty(n), np.empty((3, r))
    basis = np.empty(0)

    def draw(size: int, stream: np.uint64) -> np.ndarray:
        nonlocal basis
        if basis.size < size * size:  # only as much as a sample needs: fresh memory is slow
            basis = np.empty(size * size)
        # The choice of eigenvectors used up r draws, which are at most as many blocks.
        sample_projection(
            vectors,
            chosen,
            size,
            seed,
            stream,
            np.uint64(r),
            leverage,
            cumulative,
            basis[: size * size].reshape(size, size),
            work,
            out,
        )
        return np.sort(out[:size])

    choose(seed, np.uint64(0), chosen)  # compiles before the clock of the progress bar starts
    draw(0, np.uint64(0))
    bar = tqdm(range(n_samples), unit="samples", delay=2.0, disable=not progress)
    return [draw(choose(seed, np.uint64(s), chosen), np.uint64(s)) for s in bar]


def _items(items, n: int) -> np.ndarray:
    items = np.asarray(items)
    if items.size == 0:
        return np.empty(0, dtype=np.int64)
    if items.ndim != 1 or items.dtype.kind not in "iu":
        raise TypeError(f"items must be a list of integers, got {items!r}")
    if items.min() < 0 or items.max() >= n or len(np.unique(items)) < len(items):
        raise ValueError(f"items must be different numbers from 0 to {n - 1}, got {items.tolist()}")
    return items
