r"""Draws of a Gaussian process: mean plus Cholesky factor times standard normal numbers."""

import numpy as np

from labcore import _validate as validate
from labcore import random
from labcore.kernels._cholesky import positive_cholesky
from labcore.kernels.kernel import Kernel


def sample_prior(
    kernel: Kernel,
    x: np.ndarray,
    count: int = 1,
    *,
    rng: int | np.random.Generator | None = None,
    jitter: float = 1e-10,
) -> np.ndarray:
    r"""Draws of the Gaussian process with mean zero and covariance `kernel`, at points.

    :math:`f = L z` with :math:`L L^\top = K + \varepsilon I` and z standard normal.

    Parameters
    ----------
    kernel : Kernel
    x : array_like, shape (n, d) or (n,)
        Where to draw.
    count : int, default 1
        How many functions. Number i uses stream i of the seed: it does not depend on `count`.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).
    jitter : float, default 1e-10
        :math:`\varepsilon` as a fraction of the mean of the diagonal. It is the variance of a white
        noise added to the draws, and it keeps the factorisation possible when K is singular to
        rounding, as that of a smooth kernel on a fine grid always is.

    Returns
    -------
    numpy.ndarray, shape (count, n)

    Raises
    ------
    numpy.linalg.LinAlgError
        If K plus jitter is not positive definite to rounding.

    Notes
    -----
    Costs :math:`n^3/3` operations and n^2 numbers.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> sample_prior(Gaussian(0.5), [0.0, 0.1, 5.0], count=2, rng=1).shape
    (2, 3)
    """
    return sample_normal(np.zeros(len(x)), kernel(x), count, rng=rng, jitter=jitter)


def sample_normal(
    mean: np.ndarray,
    covariance: np.ndarray,
    count: int = 1,
    *,
    rng: int | np.random.Generator | None = None,
    jitter: float = 1e-10,
) -> np.ndarray:
    r"""Draws of the normal law with this mean (n,) and covariance (n, n), as a (count, n) array.

    The options are those of `sample_prior`.

    Examples
    --------
    >>> draws = sample_normal([1.0, 2.0], np.eye(2), 10_000, rng=1)
    >>> draws.mean(axis=0).round(1)
    array([1., 2.])
    """
    count = validate.integer("count", count)
    jitter = validate.non_negative("jitter", jitter)
    factor = positive_cholesky(
        covariance, jitter * np.diagonal(covariance).mean(), advice="Use a larger jitter."
    )
    seed = random.seed_from(rng)
    n = len(mean)
    z = np.array([random.normal(n, rng=int(seed), stream=i) for i in range(count)])
    return mean + z.reshape(count, n) @ factor.T
