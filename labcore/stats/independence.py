"""The Hilbert-Schmidt independence criterion: how dependent two variables are, and a test."""

import numpy as np

from labcore import _validate as validate
from labcore import random
from labcore._compile import compiled
from labcore.kernels import Gaussian, Kernel
from labcore.stats._gram import BLOCK, blocks, samples
from labcore.stats._radial import lane_sum
from labcore.stats.mmd import median_lengthscale
from labcore.stats.resampling import KernelTest, p_values, permutations


def hsic(
    kernel_x: Kernel,
    kernel_y: Kernel,
    x: np.ndarray,
    y: np.ndarray,
    *,
    biased: bool = False,
    progress: bool = True,
) -> float:
    r"""An estimate of the dependence of X and Y from n pairs (x_i, y_i).

    HSIC is the squared maximum mean discrepancy, for the product kernel, between the joint law and
    the product of the marginal laws. With (X', Y') an independent copy of (X, Y), and X'', Y''
    independent of all,

    .. math::

        \mathrm{HSIC} = \mathbb{E}\,k(X, X')\,l(Y, Y') + \mathbb{E}\,k(X, X')\,\mathbb{E}\,l(Y, Y')
        - 2\,\mathbb{E}\,k(X, X')\,l(Y, Y'').

    The biased estimate is :math:`\operatorname{tr}(K H L H) / n^2` with
    :math:`H = I - \tfrac1n \mathbf{1}\mathbf{1}^\top`. The unbiased one is, with the diagonals of
    :math:`\tilde K, \tilde L` set to zero,

    .. math::

        \frac{1}{n (n-3)} \left[ \operatorname{tr}(\tilde K \tilde L)
        + \frac{\mathbf{1}^\top \tilde K \mathbf{1}\; \mathbf{1}^\top \tilde L \mathbf{1}}
        {(n-1)(n-2)} - \frac{2}{n-2} \mathbf{1}^\top \tilde K \tilde L \mathbf{1} \right].

    Parameters
    ----------
    kernel_x, kernel_y : Kernel
        k and l.
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (n, e) or (n,)
    biased : bool, default False
        Which of the two.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    float
        The unbiased estimate may be negative, the biased one not.

    Raises
    ------
    ValueError
        If there are fewer than four pairs, or x and y differ in length or are not finite.

    Notes
    -----
    Costs :math:`n^2` evaluations of each kernel; no matrix is stored. Its size means nothing by
    itself: it depends on the scale of the kernels, and shrinks where they are almost constant on
    the data or almost zero off the diagonal.

    References
    ----------
    A. Gretton, O. Bousquet, A. Smola, B. Schölkopf, "Measuring statistical dependence with
    Hilbert-Schmidt norms", ALT 2005. doi:10.1007/11564089_7
    L. Song, A. Smola, A. Gretton, J. Bedo, K. Borgwardt, "Feature selection via dependence
    maximization", Journal of Machine Learning Research 13 (2012), equation 5.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> x = [0.0, 1.0, 2.0, 3.0, 4.0]
    >>> round(hsic(Gaussian(1.0), Gaussian(1.0), x, x), 4)
    0.1081
    """
    x, y = _pairs(x, y)
    n = len(x)
    k_diagonal, l_diagonal = kernel_x.diagonal(x), kernel_y.diagonal(y)
    product, k_sums, l_sums = 0.0, np.zeros(n), np.zeros(n)
    for start, stop in blocks(n, BLOCK, progress):
        k, l = kernel_x(x[start:stop], x), kernel_y(y[start:stop], y)
        k_sums[start:stop], l_sums[start:stop] = k.sum(axis=1), l.sum(axis=1)
        product += float(np.vdot(k, l))
    if biased:
        both = float(k_sums.sum() * l_sums.sum()) / n**2
        return (product + both - 2.0 * float(k_sums @ l_sums) / n) / n**2
    product -= float(k_diagonal @ l_diagonal)
    k_sums -= k_diagonal
    l_sums -= l_diagonal
    both = float(k_sums.sum() * l_sums.sum()) / ((n - 1) * (n - 2))
    return (product + both - 2.0 * float(k_sums @ l_sums) / (n - 2)) / (n * (n - 3))


def hsic_test(
    kernel_x: Kernel | None,
    kernel_y: Kernel | None,
    x: np.ndarray,
    y: np.ndarray,
    *,
    n_permutations: int = 999,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> KernelTest:
    r"""Test whether X and Y are independent, from n pairs, by permutations.

    The statistic is the unbiased estimate of `hsic`; under the null hypothesis the pairing means
    nothing, and the y are permuted at random against the x. The p-value and its exact level are
    those of `mmd_test`.

    Parameters
    ----------
    kernel_x, kernel_y : Kernel or None
        None is the Gaussian kernel at `median_lengthscale` of that variable. Kernels chosen by
        looking at which x belongs to which y make the test invalid.
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (n, e) or (n,)
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
        As `hsic`, or if there is no permutation.

    Notes
    -----
    Two matrices of n^2 numbers, and :math:`n^2 / 2` multiplications with random access for each
    permutation. The test fails (its level is wrong) for time series, whose points depend on each
    other.

    References
    ----------
    A. Gretton, K. Fukumizu, C. H. Teo, L. Song, B. Schölkopf, A. Smola, "A kernel statistical test
    of independence", NIPS 2007.

    Examples
    --------
    >>> from labcore import random
    >>> angle = 2 * np.pi * random.uniform(100, rng=1)
    >>> x, y = np.cos(angle), np.sin(angle)  # uncorrelated, and far from independent
    >>> hsic_test(None, None, x, y, rng=2).p_value
    0.006
    """
    x, y = _pairs(x, y)
    count = validate.integer("n_permutations", n_permutations, 1)
    n = len(x)
    kernel_x = Gaussian(median_lengthscale(x)) if kernel_x is None else kernel_x
    kernel_y = Gaussian(median_lengthscale(y)) if kernel_y is None else kernel_y
    k, l = _centred(kernel_x(x)), kernel_y(y)
    orders = np.empty((1 + count, n), np.uint64)
    orders[0] = np.arange(n)
    orders[1:] = permutations(n, count, random.seed_from(rng))
    statistics = np.empty(1 + count)
    room = 1 << (n - 1).bit_length()
    lanes = np.empty(room)
    for start, stop in blocks(1 + count, 2**26 // n**2 + 1, progress, "permutations"):
        _permuted_products(k, l, orders[start:stop], lanes, statistics[start:stop])
    statistics *= 2.0 / (n * (n - 3))
    resolution = 1e-12 * float(kernel_x.diagonal(x).mean() * kernel_y.diagonal(y).mean())
    p = p_values(statistics[0], statistics[1:], resolution)
    return KernelTest(float(statistics[0]), float(p), statistics[1:])


def _pairs(x, y) -> tuple[np.ndarray, np.ndarray]:
    x, y = samples("x", x, 4), samples("y", y, 4)
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, got {len(x)} and {len(y)}")
    return x, y


def _centred(gram: np.ndarray) -> np.ndarray:
    r"""The U-centred matrix: zero diagonal, row sums zero, the same off-diagonal interactions.

    Its product with the other Gram matrix, over the pairs i != j, is the bracket of the unbiased
    estimate (G. J. Szekely, M. L. Rizzo, Annals of Statistics 42, 2014, doi:10.1214/14-AOS1255).
    """
    n = len(gram)
    np.fill_diagonal(gram, 0.0)
    means = gram.sum(axis=1) / (n - 2)
    gram -= means
    gram -= means[:, None]
    gram += means.sum() / (n - 1)
    np.fill_diagonal(gram, 0.0)
    return gram


@compiled
def _permuted_products(k, l, orders, lanes, out):
    """out[b] = sum of k[i, j] l[p_i, p_j] over j < i, for each order p."""
    n = k.shape[0]
    for b in range(out.size):
        order = orders[b]
        for j in range(lanes.size):
            lanes[j] = 0.0
        for i in range(n):
            left, right = k[i], l[order[i]]
            for j in range(i):
                lanes[j] += left[j] * right[order[j]]
        out[b] = lane_sum(lanes)
