r"""Volume sampling: rows of a matrix, by the volume that they span."""

from dataclasses import dataclass

import numpy as np

from labcore._validate import array, integer
from labcore.determinantal.process import FixedSizeDPP, of_fixed_size
from labcore.random import seed_from, uniform

_EXTRA_STREAM = 2**63  # the first of as many as there are samples


@dataclass(frozen=True, eq=False)
class VolumeSampling:
    """A k-DPP, and items added uniformly. Made by `volume_sampling`.

    Parameters
    ----------
    process : FixedSizeDPP
        Draws the first min(k, d) items.
    extra : int
        How many are added.
    """

    process: FixedSizeDPP
    extra: int

    def sample(
        self,
        n_samples: int,
        *,
        rng: int | np.random.Generator | None = None,
        progress: bool = True,
    ) -> np.ndarray:
        """Exact independent draws: ndarray of int, shape (n_samples, k), each row ascending."""
        seed = int(seed_from(rng))
        subsets = self.process.sample(n_samples, rng=seed, progress=progress)
        if not self.extra:
            return subsets
        n = len(self.process.eigenvectors)
        added = np.empty((len(subsets), self.extra), dtype=np.int64)
        for s, subset in enumerate(subsets):
            keys = uniform(n, rng=seed, stream=_EXTRA_STREAM + s)
            keys[subset] = 2.0
            added[s] = np.argpartition(keys, self.extra - 1)[: self.extra]
        return np.sort(np.concatenate([subsets, added], axis=1), axis=1)


def volume_sampling(rows, size: int) -> VolumeSampling:
    r"""Sets S of k rows of an n x d matrix A, with probability proportional to their volume.

    For :math:`k \le d` the squared volume that the rows span, :math:`\det(A_S A_S^\top)`: the k-DPP
    with :math:`L = A A^\top`. For :math:`k \ge d` that of the columns,

    .. math:: P(S) = \frac{\det(A_S^\top A_S)}{\binom{n-d}{k-d} \det(A^\top A)}.

    Parameters
    ----------
    rows : array_like, shape (n, d)
        A.
    size : int
        k, from 1 to n.

    Returns
    -------
    VolumeSampling
        Its ``sample(n_samples, rng=...)`` draws.

    Raises
    ------
    ValueError
        If A is not finite, has not full column rank with :math:`k \ge d`, or k is out of range.

    Notes
    -----
    Least squares on the sampled rows alone is unbiased for the solution with all rows,
    :math:`\mathbb{E}\, A_S^+ b_S = A^+ b`, whatever b is (Dereziński and Warmuth, theorem 5); for
    k rows, :math:`k \le d`, the span of a sample approximates A within a factor k + 1 of the best
    rank k in expected squared error (Deshpande et al., theorem 1.3). By the Cauchy-Binet formula a
    sample with :math:`k > d` is one of d rows with :math:`k - d` others, uniformly drawn: so most
    of a large sample does not know of A.

    References
    ----------
    A. Deshpande, L. Rademacher, S. Vempala, G. Wang, "Matrix approximation and projective
    clustering via volume sampling", Theory of Computing 2 (2006). doi:10.4086/toc.2006.v002a012

    M. Dereziński, M. K. Warmuth, "Reverse iterative volume sampling for linear regression", JMLR 19
    (2018). arXiv:1806.01969

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.determinantal import volume_sampling
    >>> x = np.linspace(-1.0, 1.0, 30)
    >>> A, y = np.column_stack([np.ones(30), x]), np.exp(x)
    >>> fits = [np.linalg.lstsq(A[S], y[S])[0] for S in volume_sampling(A, 4).sample(4000, rng=1)]
    >>> bool(np.allclose(np.mean(fits, axis=0), np.linalg.lstsq(A, y)[0], atol=0.01))
    True
    """
    rows = array("rows", rows, 2)
    if rows.size == 0:
        raise ValueError(f"rows must be an n x d matrix, got shape {rows.shape}")
    n, d = rows.shape
    size = integer("size", size, least=1)
    if size > n:
        raise ValueError(f"size must be at most the {n} rows, got {size}")
    vectors, singular, _ = np.linalg.svd(rows, full_matrices=False)
    rank = int((singular > singular[0] * max(n, d) * np.finfo(float).eps).sum())
    if rank < min(size, d):
        raise ValueError(f"rows must have rank at least {min(size, d)}, got {rank}")
    # Ascending, as eigh has them: the largest are then looked at first and the search ends early.
    order = slice(rank - 1, None, -1)
    values = singular[order] ** 2
    process = of_fixed_size(values, np.asfortranarray(vectors[:, order]), min(size, d))
    return VolumeSampling(process, size - min(size, d))
