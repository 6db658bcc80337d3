r"""The maximum mean discrepancy: a distance between laws, and the two-sample test made of it."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from labcore import _validate as validate
from labcore import random
from labcore.kernels import Gaussian, Kernel
from labcore.stats._gram import (
    off_diagonal_sum,
    quadratic_forms,
    row_sums,
    rows_of,
    same_dimension,
    samples,
)
from labcore.stats.resampling import KernelTest, p_values, permutations


def median_lengthscale(x: np.ndarray, *, max_points: int = 1000, rng=0) -> float:
    r"""The median heuristic: the median of the distances :math:`|x_i - x_j|`, i < j.

    Parameters
    ----------
    x : array_like, shape (n, d) or (n,)
        Points; for a two-sample test those of both samples, ``np.concatenate([x, y])``.
    max_points : int, default 1000
        Of more points than this, as many drawn at random without replacement stand for all.
    rng : int, numpy.random.Generator or None, default 0
        The seed of that draw.

    Returns
    -------
    float
        To be the lengthscale of a kernel.

    Raises
    ------
    ValueError
        If there are fewer than two points, or more than half of the pairs coincide: the median is
        then zero.

    Notes
    -----
    It fails where the laws differ on a scale far below the spread of the data, such as two
    mixtures with many narrow modes: a test at the median lengthscale then has no power.
    See `mmd_aggregated_test`. Costs :math:`d m^2` operations for :math:`m \le` `max_points`.

    References
    ----------
    D. Garreau, W. Jitkrittum, M. Kanagawa, "Large sample analysis of the median heuristic", 2017.
    arXiv:1707.07269

    Examples
    --------
    >>> median_lengthscale([0.0, 1.0, 3.0])
    2.0
    """
    from scipy.spatial.distance import pdist

    x = samples("x", x, 2)
    max_points = validate.integer("max_points", max_points, 2)
    if len(x) > max_points:
        x = x[permutations(len(x), 1, rng)[0, :max_points]]
    median = float(np.median(pdist(x)))
    if median == 0.0:
        raise ValueError("x must have distinct points, got more than half of the pairs equal")
    return median


def mmd_squared(
    kernel: Kernel, x: np.ndarray, y: np.ndarray, *, biased: bool = False, progress: bool = True
) -> float:
    r"""An estimate of the squared maximum mean discrepancy of the laws P of x and Q of y.

    .. math::

        \mathrm{MMD}^2(P, Q) = \mathbb{E}\,k(X, X') + \mathbb{E}\,k(Y, Y') - 2\,\mathbb{E}\,k(X, Y)
        = \sup_{\|f\| \le 1} \big(\mathbb{E} f(X) - \mathbb{E} f(Y)\big)^2.

    The unbiased estimate (a U-statistic) leaves out the pairs of a point with itself,

    .. math::

        \frac{1}{n(n-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m(m-1)} \sum_{i \ne j} k(y_i, y_j)
        - \frac{2}{nm} \sum_{i,j} k(x_i, y_j);

    the biased one (a V-statistic) takes the means over all pairs: it is the exact squared
    discrepancy of the two empirical laws, and not negative.

    Parameters
    ----------
    kernel : Kernel
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (m, d) or (m,)
    biased : bool, default False
        Which of the two.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    float
        The unbiased estimate may be negative; its square root is then no distance.

    Raises
    ------
    ValueError
        If there are fewer than two points, or x and y differ in dimension or are not finite.

    Notes
    -----
    Costs :math:`(n + m)^2 / 2` evaluations of the kernel and no matrix: memory is O(n + m).

    References
    ----------
    A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schölkopf, A. Smola, "A kernel two-sample test",
    Journal of Machine Learning Research 13 (2012), equations 3 and 5.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> round(mmd_squared(Gaussian(1.0), [0.0, 1.0], [0.0, 2.0]), 4)
    -0.4323
    >>> round(mmd_squared(Gaussian(1.0), [0.0, 1.0], [0.0, 2.0], biased=True), 4)
    0.1967
    """
    x, y = _two_samples(x, y)
    n, m = len(x), len(y)
    xx, yy = off_diagonal_sum(kernel, x, progress), off_diagonal_sum(kernel, y, progress)
    xy = float(row_sums(kernel, x, y, progress).sum())
    if biased:
        xx += float(kernel.diagonal(x).sum())
        yy += float(kernel.diagonal(y).sum())
        return xx / n**2 + yy / m**2 - 2.0 * xy / (n * m)
    return _unbiased(xx, yy, xy, n, m)


def witness(kernel: Kernel, x: np.ndarray, y: np.ndarray, points: np.ndarray) -> np.ndarray:
    r"""The function that tells two samples apart best, up to scale, at given points.

    .. math:: f(t) = \frac1n \sum_i k(x_i, t) - \frac1m \sum_j k(y_j, t)

    It is the difference of the mean embeddings; its norm in the Hilbert space is the biased
    estimate of the discrepancy. Positive where x is denser, negative where y is.

    Parameters
    ----------
    kernel : Kernel
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (m, d) or (m,)
    points : array_like, shape (p, d) or (p,)

    Returns
    -------
    numpy.ndarray, shape (p,)

    Raises
    ------
    ValueError
        If the three differ in dimension, are empty or not finite.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> witness(Gaussian(1.0), [0.0], [2.0], [0.0, 1.0, 2.0]).round(4)
    array([ 0.8647,  0.    , -0.8647])
    """
    x, y, points = samples("x", x, 1), samples("y", y, 1), samples("points", points, 1)
    same_dimension(x=x, y=y)
    same_dimension(x=x, points=points)
    return row_sums(kernel, points, x) / len(x) - row_sums(kernel, points, y) / len(y)


def mmd_test(
    kernel: Kernel | None,
    x: np.ndarray,
    y: np.ndarray,
    *,
    n_permutations: int = 999,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> KernelTest:
    r"""Test whether two samples come from one law, by permutations.

    The statistic T is the unbiased estimate of `mmd_squared`. Under the null hypothesis the labels
    "x" and "y" mean nothing: :math:`T_1, \dots, T_B` are computed with the labels permuted at
    random, and :math:`p = (1 + \#\{b : T_b \ge T\}) / (B + 1)`. The level is exact, for samples of
    any size: :math:`\mathbb{P}(p \le \alpha) \le \alpha`, with equality if
    :math:`\alpha (B + 1)` is an integer and there are no ties.

    Parameters
    ----------
    kernel : Kernel or None
        None is the Gaussian kernel at `median_lengthscale` of both samples together (which does
        not see the labels, so that the level remains exact). A kernel chosen by looking at which
        point belongs to which sample makes the test invalid.
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (m, d) or (m,)
    n_permutations : int, default 999
        B. The smallest p-value that can come out is 1 / (B + 1).
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    KernelTest

    Raises
    ------
    ValueError, TypeError
        As `mmd_squared`, or if there is no permutation.

    Notes
    -----
    One pass over half of the Gram matrix of all N = n + m points, which is not stored, and
    :math:`N^2 B` operations of a matrix product; memory O(NB). The test fails (its level is wrong)
    when the points of a sample depend on each other, as those of a Markov chain do.

    References
    ----------
    A. Gretton, K. M. Borgwardt, M. J. Rasch, B. Schölkopf, A. Smola, "A kernel two-sample test",
    Journal of Machine Learning Research 13 (2012).
    B. Phipson, G. K. Smyth, "Permutation p-values should never be zero", Statistical Applications
    in Genetics and Molecular Biology 9 (2010). doi:10.2202/1544-6115.1585

    Examples
    --------
    >>> from labcore import random
    >>> x, y = random.normal(100, rng=1), random.normal(100, rng=2)
    >>> mmd_test(None, x, y, rng=3).p_value, mmd_test(None, x, y + 1, rng=3).p_value
    (0.073, 0.001)
    """
    x, y = _two_samples(x, y)
    pooled = np.concatenate([x, y])
    if kernel is None:
        kernel = Gaussian(median_lengthscale(pooled))
    labels = _labels(len(x), len(y), n_permutations, rng)
    statistics = _statistics(kernel, pooled, labels, progress)
    resolution = 1e-12 * float(kernel.diagonal(pooled).mean())
    p = p_values(statistics[0], statistics[1:], resolution)
    return KernelTest(float(statistics[0]), float(p), statistics[1:])


class AggregatedTest(NamedTuple):
    """The result of a test with several kernels: the p-value of all, and what each says alone."""

    p_value: float
    statistics: np.ndarray
    p_values: np.ndarray


def mmd_aggregated_test(
    kernels: Sequence[Kernel] | None,
    x: np.ndarray,
    y: np.ndarray,
    *,
    n_permutations: int = 999,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> AggregatedTest:
    r"""The two-sample test with several kernels at once, where nobody knows the right lengthscale.

    Each kernel's p-value is computed for the data and for every permutation of the labels, the
    same ones for all kernels. The statistic is the smallest over the kernels; its own permutations
    give its p-value. The level is exact as in `mmd_test`, with no correction for the number of
    kernels, and the power close to that of the best of them.

    Parameters
    ----------
    kernels : sequence of Kernel, or None
        None is seven Gaussian kernels, at :math:`2^{-3}, \dots, 2^3` times `median_lengthscale`.
    x, y, n_permutations, rng, progress
        As in `mmd_test`.

    Returns
    -------
    AggregatedTest

    Raises
    ------
    ValueError, TypeError
        As `mmd_test`, or if there is no kernel.

    Notes
    -----
    Costs as much as `mmd_test` for each kernel.

    References
    ----------
    A. Schrab, I. Kim, M. Albert, B. Laurent, B. Guedj, A. Gretton, "MMD aggregated two-sample
    test", Journal of Machine Learning Research 24 (2023). (There quantiles are calibrated by
    bisection on a second set of permutations; here ranks within one set, after P. H. Westfall,
    S. S. Young, *Resampling-Based Multiple Testing*, Wiley 1993.)

    Examples
    --------
    >>> from labcore import random
    >>> x = random.normal(200, rng=1)
    >>> y = np.round(random.normal(200, rng=2) / 0.4) * 0.4  # the same law, on a lattice
    >>> mmd_aggregated_test(None, x, y, rng=3).p_value, mmd_test(None, x, y, rng=3).p_value
    (0.004, 0.646)
    """
    x, y = _two_samples(x, y)
    pooled = np.concatenate([x, y])
    if kernels is None:
        median = median_lengthscale(pooled)
        kernels = [Gaussian(median * 2.0**k) for k in range(-3, 4)]
    if not len(kernels):
        raise ValueError("kernels must hold at least one kernel, got none")
    labels = _labels(len(x), len(y), n_permutations, rng)
    statistics = np.array([_statistics(kernel, pooled, labels, progress) for kernel in kernels])
    p = np.empty_like(statistics)
    for row, kernel in enumerate(kernels):
        resolution = 1e-12 * float(kernel.diagonal(pooled).mean())
        # With itself among them, rank / (B + 1) is the p-value of each permutation as of the data.
        order = np.sort(statistics[row])
        below = np.searchsorted(order, statistics[row] - resolution)
        p[row] = (len(order) - below) / len(order)
    smallest = p.min(axis=0)
    return AggregatedTest(
        float(p_values(-smallest[0], -smallest[1:], 1e-12)), statistics[:, 0], p[:, 0]
    )


def _two_samples(x, y) -> tuple[np.ndarray, np.ndarray]:
    x, y = samples("x", x, 2), samples("y", y, 2)
    same_dimension(x=x, y=y)
    return x, y


def _unbiased(xx, yy, xy, n, m):
    return xx / (n * (n - 1)) + yy / (m * (m - 1)) - 2.0 * xy / (n * m)


def _labels(n: int, m: int, n_permutations: int, rng) -> np.ndarray:
    """Which points count as x, (n + m, 1 + B): column 0 as observed, the others permuted."""
    count = validate.integer("n_permutations", n_permutations, 1)
    labels = np.zeros((n + m, 1 + count))
    labels[:n, 0] = 1.0
    chosen = permutations(n + m, count, random.seed_from(rng))[:, :n]
    np.put_along_axis(labels[:, 1:], chosen.T, 1.0, axis=0)
    return labels


def _statistics(
    kernel: Kernel, pooled: np.ndarray, labels: np.ndarray, progress: bool
) -> np.ndarray:
    """The unbiased estimate under each labelling, in one pass over the Gram matrix."""
    xx, sums = quadratic_forms(rows_of(kernel, pooled), len(pooled), labels, progress)
    from_x = sums @ labels  # sum of k(x_i, z_j) over points x_i and all others z_j
    n = int(labels[:, 0].sum())
    return _unbiased(xx, sums.sum() - 2.0 * from_x + xx, from_x - xx, n, len(pooled) - n)
