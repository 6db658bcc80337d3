r"""The kernel Stein discrepancy: how far a sample is from a law known by its score alone."""

import math

import numpy as np

from labcore import _validate as validate
from labcore import random
from labcore._compile import compiled
from labcore._math import exp
from labcore.kernels import Gaussian, Kernel, RationalQuadratic
from labcore.samplers.targets import Target, evaluate
from labcore.stats._gram import blocks, quadratic_forms, samples
from labcore.stats._radial import lane_sum
from labcore.stats.resampling import KernelTest, p_values

_TILE = 512  # pairs that a loop works on at once: they lie in the first-level cache
_AT_ONCE = 2**25  # evaluations between two looks at the keyboard, a tenth of a second


@compiled(inline=True)
def _gaussian(squared, scale):
    """phi, phi' and phi'' as functions of the squared distance; `scale` is 1 / lengthscale^2."""
    value = exp(-0.5 * scale * squared)
    return value, -0.5 * scale * value, 0.25 * scale * scale * value


@compiled(inline=True)
def _inverse_multiquadric(squared, scale):
    u = 1.0 / (1.0 + scale * squared)
    value = math.sqrt(u)
    slope = -0.5 * scale * u * value
    return value, slope, -1.5 * scale * u * slope


def stein_gram(kernel: Kernel, x: np.ndarray, score: np.ndarray | Target) -> np.ndarray:
    r"""The Gram matrix of the Langevin Stein kernel of a law with score s.

    For a base kernel :math:`k(x, y) = \varphi(|x - y|^2)`,

    .. math::

        k_s(x, y) &= s(x)^\top s(y)\,k + s(x)^\top \nabla_y k + s(y)^\top \nabla_x k
        + \operatorname{tr} \nabla_x \nabla_y^\top k \\
        &= \varphi\, s(x)^\top s(y) - 2 \varphi' \big[ (s(x) - s(y))^\top (x - y) + d \big]
        - 4 \varphi'' |x - y|^2.

    Its mean over the law is zero in each argument (Stein's identity), whatever the normalising
    constant of the density.

    Parameters
    ----------
    kernel : Gaussian, or RationalQuadratic with alpha 1/2
        The latter is the inverse multiquadric :math:`(1 + |x - y|^2/\ell^2)^{-1/2}`. Its tails are
        heavy enough for the discrepancy to see mass that escapes to infinity, which that of a
        Gaussian kernel misses from dimension 3 on (Gorham and Mackey 2017, theorems 6 and 8).
    x : array_like, shape (n, d) or (n,)
    score : array_like of the shape of x, or Target
        :math:`s(x_i) = \nabla \log p(x_i)`, or the target whose score it is.

    Returns
    -------
    numpy.ndarray, shape (n, n)

    Raises
    ------
    TypeError
        If the kernel is another one.
    ValueError
        If x and the score differ in shape, are empty, or not finite.

    References
    ----------
    C. J. Oates, M. Girolami, N. Chopin, "Control functionals for Monte Carlo integration", Journal
    of the Royal Statistical Society B 79 (2017), theorem 1. doi:10.1111/rssb.12185

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> stein_gram(Gaussian(1.0), [0.0, 1.0], [0.0, -1.0]).round(4)
    array([[ 1.    , -0.6065],
           [-0.6065,  2.    ]])
    """
    sample = _Sample(kernel, x, score, 1)
    return sample.rows(0, len(sample.x))


def ksd_squared(
    kernel: Kernel,
    x: np.ndarray,
    score: np.ndarray | Target,
    *,
    biased: bool = False,
    progress: bool = True,
) -> float:
    r"""An estimate of the squared kernel Stein discrepancy between a sample's law and a score's.

    .. math:: \mathrm{KSD}^2 = \mathbb{E}\,k_s(X, X'),

    with the Stein kernel :math:`k_s` of `stein_gram`. It is zero if X has the law of the score.
    The unbiased estimate (a U-statistic) is the mean over pairs i != j. The biased one (a
    V-statistic), over all pairs, is not negative: it is the discrepancy of the points themselves,
    the one to compare samples by.

    Parameters
    ----------
    kernel, x, score
        As in `stein_gram`; at least two points.
    biased : bool, default False
        Which of the two.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    float

    Raises
    ------
    TypeError, ValueError
        As `stein_gram`.

    Notes
    -----
    Costs :math:`n^2 / 2` evaluations of the kernel, :math:`8d` operations each, and memory O(n).
    It fails to see what the score does not tell: how probable well separated modes are. A sample
    of one mode alone has almost the discrepancy of a sample of all.

    References
    ----------
    Q. Liu, J. Lee, M. Jordan, "A kernelized Stein discrepancy for goodness-of-fit tests", ICML
    2016, definition 3.2 and equation 14.
    J. Gorham, L. Mackey, "Measuring sample quality with kernels", ICML 2017.

    Examples
    --------
    >>> from labcore import random
    >>> x = random.normal(500, rng=1)
    >>> round(ksd_squared(RationalQuadratic(alpha=0.5), x, -x), 4)  # the score of the normal law
    -0.0006
    >>> round(ksd_squared(RationalQuadratic(alpha=0.5), x + 1, -(x + 1)), 4)
    0.6775
    """
    sample = _Sample(kernel, x, score, 2)
    n = len(sample.x)
    total = sample.off_diagonal_sum(progress)
    if biased:
        return (total + float(sample.diagonal().sum())) / n**2
    return total / (n * (n - 1))


def ksd_test(
    kernel: Kernel,
    x: np.ndarray,
    score: np.ndarray | Target,
    *,
    n_bootstrap: int = 999,
    flip_probability: float = 0.5,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> KernelTest:
    r"""Test whether a sample comes from the law of a score, by the wild bootstrap.

    The statistic is the unbiased estimate of `ksd_squared`. Its law under the null hypothesis is
    imitated by :math:`\frac{1}{n(n-1)} \sum_{i \ne j} \varepsilon_i \varepsilon_j k_s(x_i, x_j)`
    with random signs :math:`\varepsilon`, and :math:`p = (1 + \#\{b : T_b \ge T\}) / (B + 1)`.

    Parameters
    ----------
    kernel : Gaussian, or RationalQuadratic with alpha 1/2
    x, score
        As in `stein_gram`; at least two points.
    n_bootstrap : int, default 999
        B. The smallest p-value that can come out is 1 / (B + 1).
    flip_probability : float, default 0.5
        The signs are a Markov chain that flips with this probability from point to point. At 0.5
        they are independent, for independent points. The states of a Markov chain, in its order,
        need a smaller one: signs must stay the same for longer than the chain remembers.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    KernelTest

    Raises
    ------
    TypeError, ValueError
        As `stein_gram`, or if `flip_probability` is not between 0 and 0.5.

    Notes
    -----
    The level is right in the limit of large n, and close to it from some fifty independent points
    on. One pass over half of the Gram matrix, which is not stored, and :math:`n^2 B` operations of
    a matrix product; memory O(nB). Where the test has no power: see `ksd_squared`.

    References
    ----------
    K. Chwialkowski, H. Strathmann, A. Gretton, "A kernel test of goodness of fit", ICML 2016,
    section 3.

    Examples
    --------
    >>> from labcore import random
    >>> x = random.normal(200, rng=1)
    >>> ksd_test(RationalQuadratic(alpha=0.5), x, -x, rng=2).p_value
    0.506
    >>> ksd_test(RationalQuadratic(alpha=0.5), 1.5 * x, -1.5 * x, rng=2).p_value
    0.001
    """
    sample = _Sample(kernel, x, score, 2)
    n = len(sample.x)
    signs = _signs(n, n_bootstrap, flip_probability, rng)
    statistics = quadratic_forms(sample.rows, n, signs, progress)[0] / (n * (n - 1))
    resolution = 1e-12 * float(sample.diagonal().mean())
    p = p_values(statistics[0], statistics[1:], resolution)
    return KernelTest(float(statistics[0]), float(p), statistics[1:])


class _Sample:
    """Points with their scores, by coordinates, and the sums over their Stein kernel."""

    def __init__(self, kernel, x, score, least):
        match kernel:
            case Gaussian():
                self.profile = _gaussian
            case RationalQuadratic(alpha=0.5):
                self.profile = _inverse_multiquadric
            case _:
                raise TypeError(
                    f"kernel must be Gaussian, or RationalQuadratic with alpha = 0.5, got {kernel}"
                )
        if not isinstance(kernel.lengthscale, float):
            raise TypeError(f"kernel must have one lengthscale, got {kernel}")
        self.scale = 1.0 / kernel.lengthscale**2
        self.x = samples("x", x, least)
        if isinstance(score, Target):
            score = evaluate(score, self.x)[1]
        self.score = validate.points("score", score)
        if self.score.shape != self.x.shape:
            raise ValueError(
                f"score must have the shape of x, {self.x.shape}, got {self.score.shape}"
            )
        self._columns = np.ascontiguousarray(self.x.T), np.ascontiguousarray(self.score.T)

    def diagonal(self) -> np.ndarray:
        value, slope, _ = self.profile(0.0, self.scale)
        return value * (self.score**2).sum(axis=1) - 2.0 * self.x.shape[1] * slope

    def rows(self, start: int, stop: int) -> np.ndarray:
        """Rows `start` to `stop` of the Gram matrix, up to column `stop`."""
        out = np.empty((stop - start, stop))
        _fill_rows(self.profile, self.scale, *self._columns, start, np.empty((3, _TILE)), out)
        return out

    def off_diagonal_sum(self, progress: bool) -> float:
        n, tile = len(self.x), np.empty((4, _TILE))
        sums = np.empty(n)
        for start, stop in blocks(n, _AT_ONCE // n + 1, progress):
            _sum_rows(self.profile, self.scale, *self._columns, start, tile, sums[start:stop])
        return 2.0 * float(sums.sum())


@compiled(inline=True)
def _products(x, s, i, start, width, squared, scores, mixed):
    """Of point i with `width` others: |x_i - x_j|^2, s_i.s_j and (s_i - s_j).(x_i - x_j)."""
    d = x.shape[0]
    for j in range(width):
        squared[j] = 0.0
        scores[j] = 0.0
        mixed[j] = 0.0
    if d % 2:
        xi, si = x[0, i], s[0, i]
        xs, ss = x[0, start : start + width], s[0, start : start + width]
        for j in range(width):
            u = xi - xs[j]
            squared[j] = u * u
            scores[j] = si * ss[j]
            mixed[j] = (si - ss[j]) * u
    for k in range(d % 2, d, 2):  # two coordinates at a time: fewer passes over the three rows
        xi, si, yi, ti = x[k, i], s[k, i], x[k + 1, i], s[k + 1, i]
        xs, ss = x[k, start : start + width], s[k, start : start + width]
        ys, ts = x[k + 1, start : start + width], s[k + 1, start : start + width]
        for j in range(width):
            u, v = xi - xs[j], yi - ys[j]
            squared[j] += u * u + v * v
            scores[j] += si * ss[j] + ti * ts[j]
            mixed[j] += (si - ss[j]) * u + (ti - ts[j]) * v


@compiled(inline=True)
def _stein(phi, scale, d, squared, scores, mixed):
    value, slope, curvature = phi(squared, scale)
    return value * scores - 2.0 * slope * (mixed + d) - 4.0 * curvature * squared


@compiled
def _fill_rows(phi, scale, x, s, first, tile, out):
    d = float(x.shape[0])
    squared, scores, mixed = tile[0], tile[1], tile[2]
    for i in range(out.shape[0]):
        for start in range(0, out.shape[1], squared.size):
            width = min(squared.size, out.shape[1] - start)
            _products(x, s, first + i, start, width, squared, scores, mixed)
            row = out[i, start : start + width]
            for j in range(width):
                row[j] = _stein(phi, scale, d, squared[j], scores[j], mixed[j])


@compiled
def _sum_rows(phi, scale, x, s, first, tile, out):
    """out[r] = sum over j < i of the Stein kernel, for row i = first + r."""
    d = float(x.shape[0])
    squared, scores, mixed, lanes = tile[0], tile[1], tile[2], tile[3]
    for r in range(out.size):
        i = first + r
        for j in range(lanes.size):
            lanes[j] = 0.0
        for start in range(0, i, squared.size):
            width = min(squared.size, i - start)
            _products(x, s, i, start, width, squared, scores, mixed)
            for j in range(width):
                lanes[j] += _stein(phi, scale, d, squared[j], scores[j], mixed[j])
        out[r] = lane_sum(lanes)


def _signs(n: int, n_bootstrap: int, flip_probability: float, rng) -> np.ndarray:
    """Column 0 is all ones, the others are Markov chains of signs, (n, 1 + B).

    The sign that a chain begins with does not matter: a quadratic form is the same for -v.
    """
    count = validate.integer("n_bootstrap", n_bootstrap, 1)
    flip = validate.positive("flip_probability", flip_probability)
    if flip > 0.5:
        raise ValueError(f"flip_probability must be at most 0.5, got {flip:g}")
    draws = random.uniform((count, n), rng=rng)
    flips = np.where(draws < flip, -1.0, 1.0)
    return np.concatenate([np.ones((1, n)), np.cumprod(flips, axis=1)]).T.copy()
