r"""Stein variational gradient descent: particles that move to where they stand for the target.

Q. Liu, D. Wang, "Stein variational gradient descent: a general purpose Bayesian inference
algorithm", NeurIPS 29 (2016). arXiv:1608.04471
"""

import math
import warnings
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from labcore._validate import array, integer, positive
from labcore.samplers._kernel_sums import BINS, TILE, gaussian_sums, median_half_square
from labcore.samplers.targets import Target, evaluate

_KERNELS = ("gaussian", "linear")


class Descent(NamedTuple):
    """Where the particles went.

    Parameters
    ----------
    particles : ndarray, shape (n, d)
        Where they are in the end.
    speeds : ndarray, shape (n_steps,)
        The root mean square over the particles of :math:`|\\phi|` at each step: 0 at rest.
    """

    particles: np.ndarray
    speeds: np.ndarray


def stein_direction(
    particles, scores, *, kernel: str = "gaussian", lengthscale: float | None = None
) -> np.ndarray:
    r"""The direction in which moving the particles brings them to the target fastest.

    With scores :math:`s_j = \nabla \log \pi(x_j)`,

    .. math:: \phi(x_i) = \frac1n \sum_{j=1}^n k(x_j, x_i)\,s_j + \nabla_{x_j} k(x_j, x_i):

    the first term drives the particles to high density, the second keeps them apart. Among the
    fields of unit norm in the kernel's space, :math:`\phi / \|\phi\|` lowers the Kullback-Leibler
    divergence to the target most; that rate is the kernel Stein discrepancy.

    Parameters
    ----------
    particles : array_like, shape (n, d)
        The :math:`x_i`.
    scores : array_like, shape (n, d)
        The :math:`s_i`.
    kernel : {'gaussian', 'linear'}
        :math:`k(x, y) = e^{-|x - y|^2 / 2 \ell^2}`, or
        :math:`k(x, y) = 1 + (x - \bar x) \cdot (y - \bar x)` with the particles' mean
        :math:`\bar x`.
    lengthscale : float, optional
        :math:`\ell` of the Gaussian kernel, in the unit of the particles. By default the median
        heuristic, :math:`\ell^2 = m^2 / (2 \log n)` with the median m of all distances between two
        particles (to a part in 10^6): a particle's neighbours then weigh about as much as itself.

    Returns
    -------
    ndarray, shape (n, d)

    Raises
    ------
    ValueError
        If shapes do not match, numbers are not finite, the lengthscale is not positive, or half
        of all distances are zero and none is given.

    Notes
    -----
    The Gaussian kernel costs :math:`n^2 / 2` exponentials and :math:`3 n^2 d` multiply-adds and
    stores no matrix; the median heuristic as many distances twice more. Kernel values are accurate
    to :math:`10^{-16} (1 + |x - \bar x|^2 / \ell^2)`. The linear kernel costs :math:`n d^2`.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import stein_direction
    >>> x = np.array([[0.0], [1.0]])
    >>> stein_direction(x, -x, lengthscale=1.0).round(4)  # towards 0, and apart
    array([[-0.6065],
           [-0.1967]])
    """
    x = array("particles", particles, 2)
    s = array("scores", scores, 2)
    if x.size == 0 or s.shape != x.shape:
        raise ValueError(
            f"particles and scores must have one shape (n, d), got {x.shape} and {s.shape}"
        )
    if kernel not in _KERNELS:
        raise ValueError(f"kernel must be one of {_KERNELS}, got {kernel!r}")
    if kernel == "linear":
        if lengthscale is not None:
            raise ValueError(f"lengthscale must be None for the linear kernel, got {lengthscale}")
        return _linear_direction(x, s)
    return _gaussian_direction(x, s, lengthscale)


def svgd(
    target: Target,
    particles,
    n_steps: int,
    *,
    step_size: float,
    kernel: str = "gaussian",
    lengthscale: float | None = None,
    progress: bool = True,
) -> Descent:
    r"""Stein variational gradient descent: :math:`x_i \leftarrow x_i + \varepsilon\,\phi(x_i)`.

    The particles follow the `stein_direction` at steps of length :math:`\varepsilon`. Nothing is
    random: at rest, :math:`\frac1n \sum_i \mathcal{A} f(x_i) = 0` with Stein's operator
    :math:`\mathcal{A} f = \nabla \log \pi \cdot f + \nabla \cdot f` for all fields
    :math:`f = k(\cdot, x_j)\,v`, so that expectations of their combinations are exact.

    Parameters
    ----------
    target : Target
        Gives the scores.
    particles : array_like, shape (n, d)
        Where to begin. They are not changed.
    n_steps : int
        How many steps.
    step_size : float
        :math:`\varepsilon`, a squared length. About the smallest variance of the target is safe;
        far above it the particles oscillate and diverge.
    kernel, lengthscale
        As in `stein_direction`; the median heuristic is renewed at each step.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    Descent
        Interrupted (Ctrl-C), it warns and returns the particles after the last complete step.

    Raises
    ------
    ValueError
        If the log-density is not finite at a particle, at the beginning or later.

    Notes
    -----
    With the linear kernel, particles on a normal target come to rest with exactly its mean and its
    covariance (Liu and Wang 2018), once there are more particles than dimensions. With the Gaussian
    kernel in high dimension the repulsion is too weak against the drift: the particles' variance
    collapses to about n / d of the target's for n < d (Ba et al. 2022). Modes between which no
    particle lies exchange nothing: their weights stay as they began.

    References
    ----------
    Q. Liu, D. Wang, "Stein variational gradient descent as moment matching", NeurIPS 31 (2018).
    arXiv:1810.11693

    J. Ba et al., "Understanding the variance collapse of SVGD in high dimensions", ICLR 2022.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.samplers import gaussian, svgd
    >>> x = np.linspace(-1.0, 0.0, 20)[:, None]
    >>> run = svgd(gaussian([4.0], [1.0]), x, 400, step_size=0.3, kernel="linear")
    >>> bool(np.isclose(run.particles.mean(), 1.0)), bool(np.isclose(run.particles.var(), 4.0))
    (True, True)
    """
    x = array("particles", particles, 2).copy()
    n_steps = integer("n_steps", n_steps)
    step_size = positive("step_size", step_size)
    speeds = np.empty(n_steps)
    done = 0
    try:
        for done in tqdm(range(n_steps), unit="steps", delay=2.0, disable=not progress):
            direction = stein_direction(
                x, _finite_scores(target, x, done), kernel=kernel, lengthscale=lengthscale
            )
            speeds[done] = math.sqrt((direction**2).sum() / len(x))
            x = x + step_size * direction
        done = n_steps
    except KeyboardInterrupt:
        warnings.warn(f"interrupted after {done} of {n_steps} steps", stacklevel=2)
    return Descent(x, speeds[:done])


def _finite_scores(target: Target, x: np.ndarray, step: int) -> np.ndarray:
    if not np.isfinite(x).all():
        raise ValueError(f"the particles diverged at step {step}: step_size is too large")
    values, scores = evaluate(target, x)
    bad = np.flatnonzero(~(np.isfinite(values) & np.isfinite(scores).all(axis=1)))
    if bad.size:
        raise ValueError(
            f"particles must have finite log-density and gradient, got {values[bad[0]]} and "
            f"{scores[bad[0]].tolist()} at {x[bad[0]].tolist()}, step {step}"
        )
    return scores


def _linear_direction(x: np.ndarray, s: np.ndarray) -> np.ndarray:
    centred = x - x.mean(axis=0)
    return s.mean(axis=0) + centred @ (centred.T @ s / len(x)) + centred


def _gaussian_direction(x: np.ndarray, s: np.ndarray, lengthscale: float | None) -> np.ndarray:
    n, d = x.shape
    padded = -(-n // TILE) * TILE
    centred = x - x.mean(axis=0)
    columns, half = np.zeros((d, padded)), np.zeros(padded)
    columns[:, :n] = centred.T
    half[:n] = 0.5 * (centred * centred).sum(axis=1)
    tile = np.empty((TILE, TILE))
    if lengthscale is None:
        precision = 1.0 / _median_variance(columns, half, n, tile)
    else:
        precision = positive("lengthscale", lengthscale) ** -2
    # sum_j k_ij (s_j + (x_i - x_j) / l^2) = sum_j k_ij (s_j - x_j / l^2) + x_i / l^2 sum_j k_ij
    values = np.zeros((d + 1 + (d + 1) % 2, padded))
    values[:d, :n] = s.T - precision * centred.T
    values[d, :n] = 1.0
    total = np.empty_like(values)
    columns *= math.sqrt(precision)
    gaussian_sums(columns, half * precision, values, tile, np.empty((TILE, TILE)), total)
    return (total[:d, :n].T + precision * centred * total[d, :n, None]) / n


def _median_variance(columns: np.ndarray, half: np.ndarray, n: int, tile: np.ndarray) -> float:
    """The squared lengthscale of the median heuristic."""
    if n < 2:
        raise ValueError("lengthscale must be given for a single particle")
    median = median_half_square(columns, half, n, tile, np.empty(BINS, dtype=np.int64))
    if not median > 0.0:
        raise ValueError("lengthscale must be given where half of all particles coincide")
    return median / math.log(n)
