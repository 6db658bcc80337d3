r"""Control variates from scores: functions of known mean zero that take up the noise of an average.

For a density :math:`\pi` with score :math:`s = \nabla \log \pi` and a function g that is smooth and
does not grow too fast, :math:`\Delta g + s \cdot \nabla g` has mean zero under :math:`\pi`
(Stein's identity), whatever the normalising constant.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import linalg
from scipy.spatial.distance import pdist

from labcore._validate import array, integer, non_negative, positive


class Controlled(NamedTuple):
    """An average with less noise.

    Parameters
    ----------
    mean : ndarray, shape (m,), or float
        The estimates of the means, shaped like one sample's values.
    values : ndarray, shape (n, m) or (n,)
        The values less their control variates: their mean is `mean`, and what varies in them is
        the error that is left.
    """

    mean: np.ndarray | float
    values: np.ndarray


def polynomial_control(values, samples, scores, *, degree: int = 1) -> Controlled:
    r"""Zero-variance control variates: the Stein operator on polynomials, fitted by least squares.

    .. math:: f(x) - \Delta P(x) - s(x) \cdot \nabla P(x)

    has the mean of f for every polynomial P; its coefficients are chosen to make it as constant as
    can be on the samples. With degree 1 the control variates are the components of s; with
    degree 2 also :math:`x_i s_i + 1` and :math:`x_i s_j + x_j s_i`.

    Parameters
    ----------
    values : array_like, shape (n,) or (n, m)
        f, or m functions, at the samples.
    samples, scores : array_like, shape (n, d)
        Points from :math:`\pi`, independent or from a Markov chain, and their scores (the
        gradients of `evaluate`).
    degree : {1, 2}
        Of P.

    Returns
    -------
    Controlled
        For the error of the mean, treat its `values` like those of the chain.

    Raises
    ------
    ValueError
        If shapes do not match, numbers are not finite, or there are no more samples than
        coefficients.

    Notes
    -----
    On a normal target, degree 2 makes the variance of every quadratic f exactly zero. Elsewhere it
    keeps the rate :math:`n^{-1/2}` with a smaller constant; the fit on the same samples adds a bias
    of order 1 / n. Costs :math:`O(n p^2)` with :math:`p = d` or :math:`d (d + 3) / 2`
    coefficients. It fails where Stein's identity does, on densities that do not vanish at the
    border of their support; and with p near n it interpolates noise.

    References
    ----------
    A. Mira, R. Solgi, D. Imparato, "Zero variance Markov chain Monte Carlo for Bayesian
    estimators", Statistics and Computing 23 (2013). doi:10.1007/s11222-012-9344-6

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import evaluate, gaussian, polynomial_control
    >>> target = gaussian([1.0, 4.0], [3.0, 0.0])
    >>> x = target.draw(10, rng=1)
    >>> f = x[:, 0] ** 2 + x[:, 0] * x[:, 1]
    >>> round(polynomial_control(f, x, evaluate(target, x)[1], degree=2).mean, 10)
    10.0
    """
    f, x, s = _matching(values, samples, scores)
    degree = integer("degree", degree, least=1)
    if degree > 2:
        raise ValueError(f"degree must be 1 or 2, got {degree}")
    variates = s
    if degree == 2:
        y = x - x.mean(axis=0)  # changes P by polynomials of lower degree, and is better posed
        i, j = np.triu_indices(x.shape[1])
        variates = np.concatenate(
            [s, y[:, i] * s[:, j] + y[:, j] * s[:, i] + 2.0 * (i == j)], axis=1
        )
    n, p = variates.shape
    if n <= p + 1:
        raise ValueError(f"samples must be more than the {p + 1} coefficients, got {n}")
    size = np.sqrt((variates**2).mean(axis=0))
    variates = variates / np.where(size > 0.0, size, 1.0)
    design = np.concatenate([np.ones((n, 1)), variates], axis=1)
    coefficients = linalg.lstsq(design, f)[0]
    controlled = f - variates @ coefficients[1:]
    mean = controlled.mean(axis=0)
    return Controlled(mean if f.ndim == 2 else float(mean), controlled)


class KernelMean(NamedTuple):
    """An average with weights.

    Parameters
    ----------
    mean : ndarray, shape (m,), or float
        The weighted means of the values.
    weights : ndarray, shape (n,)
        They sum to 1; some can be negative. They do not depend on the values.
    discrepancy : float
        The kernel Stein discrepancy of the weighted samples: the largest error of the mean over
        all f that differ from a constant by a function of unit norm.
    """

    mean: np.ndarray | float
    weights: np.ndarray
    discrepancy: float


def control_functional(
    values,
    samples,
    scores,
    *,
    lengthscale: float | None = None,
    regularisation: float = 1e-10,
) -> KernelMean:
    r"""Control functionals: means by interpolation with functions of known mean zero.

    The Gaussian kernel with the Stein operator applied to both arguments,

    .. math:: k_0(x, y) = e^{-|x - y|^2 / 2 \ell^2} \Bigl(s_x \cdot s_y
       + \frac{(s_x - s_y) \cdot (x - y)}{\ell^2} + \frac{d}{\ell^2}
       - \frac{|x - y|^2}{\ell^4}\Bigr),

    reproduces a space of functions that all have mean zero under :math:`\pi`. The mean of f is
    estimated by the constant of the smoothest interpolation of f by a constant and such a function,

    .. math:: \sum_i w_i f(x_i), \qquad w = \frac{K_0^{-1} 1}{1^\top K_0^{-1} 1}.

    Parameters
    ----------
    values : array_like, shape (n,) or (n, m)
        f, or m functions, at the samples.
    samples, scores : array_like, shape (n, d)
        Different points, and the scores of :math:`\pi` there. The points need not be drawn from
        :math:`\pi`.
    lengthscale : float, optional
        :math:`\ell`. By default the median of all distances between two samples.
    regularisation : float, default 1e-10
        Added to the diagonal of :math:`K_0`, as a part of its mean. Raise it where the values
        carry noise, or Cholesky's factorisation fails.

    Returns
    -------
    KernelMean

    Raises
    ------
    ValueError
        If shapes do not match, numbers are not finite, the lengthscale is not positive, or
        :math:`K_0` is singular to rounding (samples that coincide, as in a Markov chain that
        rejects: keep each once, or regularise).

    Notes
    -----
    Costs :math:`O(n^2 d + n^3)`. For smooth f in few dimensions the error decays faster than
    :math:`n^{-1/2}`, at a rate that improves with smoothness; in ten or more dimensions hardly
    anything is gained. It is biased where the points leave out part of :math:`\pi`.

    References
    ----------
    C. J. Oates, M. Girolami, N. Chopin, "Control functionals for Monte Carlo integration",
    J. R. Stat. Soc. B 79 (2017). doi:10.1111/rssb.12185

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import control_functional, evaluate, gaussian
    >>> target = gaussian([1.0])
    >>> x = target.draw(50, rng=1)
    >>> estimate = control_functional(np.cos(x[:, 0]), x, evaluate(target, x)[1]).mean
    >>> bool(abs(estimate - np.exp(-0.5)) < 1e-3)  # plain averages: 0.06
    True
    """
    f, x, s = _matching(values, samples, scores)
    if lengthscale is None:
        lengthscale = float(np.median(pdist(x))) if len(x) > 1 else 1.0
    K = stein_gram(x, s, positive("lengthscale", lengthscale))
    mean_diagonal = K.trace() / len(K)
    K[np.diag_indices(len(K))] += non_negative("regularisation", regularisation) * mean_diagonal
    try:
        weights = linalg.cho_solve(linalg.cho_factor(K), np.ones(len(K)))
    except linalg.LinAlgError:
        raise ValueError(
            f"samples must differ for their kernel matrix to be regular: remove duplicates, or "
            f"raise regularisation, got {regularisation:g}"
        ) from None
    total = weights.sum()
    weights /= total
    mean = weights @ f
    return KernelMean(mean if f.ndim == 2 else float(mean), weights, 1.0 / math.sqrt(total))


def stein_gram(x: np.ndarray, s: np.ndarray, lengthscale: float) -> np.ndarray:
    """The matrix of k_0 between points with scores (see `control_functional`)."""
    precision = lengthscale**-2
    x = x - x.mean(axis=0)
    inner, cross = x @ x.T, s @ x.T
    norms, own = np.diag(inner), np.diag(cross)
    squares = np.maximum(norms[:, None] + norms - 2.0 * inner, 0.0) * precision
    slopes = (own[:, None] + own - cross - cross.T) * precision
    return np.exp(-0.5 * squares) * (s @ s.T + slopes + precision * (x.shape[1] - squares))


def _matching(values, samples, scores) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    f = array("values", values, (1, 2))
    x, s = array("samples", samples, 2), array("scores", scores, 2)
    if x.size == 0 or s.shape != x.shape or len(f) != len(x):
        raise ValueError(
            f"values, samples and scores must have shapes (n,) or (n, m), (n, d) and (n, d), got "
            f"{f.shape}, {x.shape} and {s.shape}"
        )
    return f, x, s
