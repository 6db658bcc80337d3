r"""Hyperparameters by maximum likelihood: Fisher's scoring, in the logarithms of the parameters."""

import math
import warnings
from collections.abc import Callable, Iterator

import numpy as np
from tqdm.auto import tqdm

from labcore import _validate as validate
from labcore.kernels.kernel import Kernel
from labcore.kernels.regression import (
    GaussianProcess,
    condition,
    likelihood_slopes,
    regression_data,
)

_GAIN = 1e-8  # the log likelihood left to gain at which a climb ends: statistically, nothing
_STEPS = 100
_LONGEST = 2.0  # step of a logarithm
_SAME_PLACE = 0.1  # a step of the logarithms after which the information is still the same
_LEAST_DAMPING, _MOST_DAMPING = 0.1, 1e8
_REGULAR = 1e-9


def maximise_likelihood(
    kernel: Kernel,
    x: np.ndarray,
    y: np.ndarray,
    *,
    noise_variance: float,
    factor: float = 1e3,
    progress: bool = True,
) -> GaussianProcess:
    r"""The posterior under the hyperparameters that give the data the largest likelihood.

    Starts from the kernel and the noise variance given and climbs in the logarithms of all their
    positive numbers :math:`\theta_j` by Fisher's scoring: Newton's method with the information
    :math:`F` in place of the Hessian (see `GaussianProcess.fisher_information` and
    `GaussianProcess.log_likelihood_gradient`). With the gradient g a step is

    .. math::

        \log\theta_j \leftarrow \log\theta_j + \log(1 + s_j), \qquad
        (F + \mu \operatorname{diag} F)\,s = g,

    where :math:`\mu` is zero unless a step failed to gain (Levenberg and Marquardt's damping), and
    no logarithm moves by more than 2. For data that are pure noise one such step finds the
    variance. After short steps F is not computed anew, but updated by the change of the gradient
    (BFGS). It ends when :math:`\tfrac12 g^\top F^{-1} g`, what there is left to gain, is below
    1e-8.

    Parameters
    ----------
    kernel, x, y, noise_variance
        As in `condition`; the noise variance must be positive.
    factor : float, default 1000
        No parameter moves from its start by more than this factor.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    GaussianProcess
        With the best kernel and noise variance found. Interrupted (Ctrl-C), or after 100 steps, it
        warns and returns the best until then.

    Raises
    ------
    ValueError, numpy.linalg.LinAlgError
        As `condition`, at the start.

    Notes
    -----
    The likelihood may have several maxima (a short lengthscale with little noise and a long one
    with much explain the same data): the one found depends on the start. It has none where the
    data say nothing about a parameter, or push one to zero or infinity; `factor` ends the climb
    there.

    A step costs :math:`n^3` operations, a long one :math:`2 p n^3` more, and p n^2 numbers for p
    parameters; five to thirty steps.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
    equation 5.9. K. V. Mardia, R. J. Marshall, "Maximum likelihood estimation of models for
    residual covariance in spatial regression", *Biometrika* 71 (1984) 135-146, section 3.
    doi:10.1093/biomet/71.1.135

    Examples
    --------
    >>> import numpy as np
    >>> from labcore import random
    >>> from labcore.kernels import Gaussian
    >>> x = np.linspace(0, 10, 40)
    >>> y = np.sin(x) + 0.1 * random.normal(40, rng=0)
    >>> best = maximise_likelihood(Gaussian(1.0), x, y, noise_variance=1.0)
    >>> str(best.kernel), round(best.noise_variance, 4)
    ('Gaussian(1.84)', 0.0157)
    """
    x, y = regression_data(x, y, 1)
    start = np.log(
        np.append(kernel.parameters, validate.positive("noise_variance", noise_variance))
    )
    reach = math.log(validate.positive("factor", factor))
    if reach < 0:
        raise ValueError(f"factor must be at least 1, got {factor:g}")

    def model(logs: np.ndarray) -> GaussianProcess:
        values = np.exp(logs)
        return condition(kernel.with_parameters(values[:-1]), x, y, noise_variance=values[-1])

    best = model(start)
    climb = _climb(model, best, start, reach)
    with tqdm(total=_STEPS, unit="steps", delay=2.0, disable=not progress) as bar:
        try:
            for steps, best in enumerate(climb, 1):
                bar.set_postfix_str(f"log likelihood {best.log_marginal_likelihood():.3f}", False)
                bar.update()
                if steps == _STEPS:
                    warnings.warn(f"not at the maximum after {_STEPS} steps", stacklevel=2)
                    break
        except KeyboardInterrupt:
            warnings.warn("interrupted before the maximum was reached", stacklevel=2)
    return best


def _climb(
    model: Callable[[np.ndarray], GaussianProcess],
    best: GaussianProcess,
    start: np.ndarray,
    reach: float,
) -> Iterator[GaussianProcess]:
    """Better and better posteriors, until there is nothing left to gain."""
    logs, damping, change = start, 0.0, np.full_like(start, math.inf)
    while True:
        if np.abs(change).max() > _SAME_PLACE:
            gradient, information = likelihood_slopes(best, information=True)
        else:
            before, gradient = gradient, likelihood_slopes(best, information=False)[0]
            information = _secant(information, change, before - gradient)
        blocked = np.where(gradient > 0, logs >= start + reach, logs <= start - reach)
        if 0.5 * gradient @ _step(gradient, information, blocked, 0.0) < _GAIN:
            return
        while True:
            step = _step(gradient, information, blocked, damping)
            stretch = np.log1p(np.clip(step, math.expm1(-_LONGEST), math.expm1(_LONGEST)))
            trial = np.clip(logs + stretch, start - reach, start + reach)
            candidate = _model_or_none(model, trial)
            if candidate is not None and _gains(candidate, best):
                break
            damping = max(10 * damping, _LEAST_DAMPING)
            if damping > _MOST_DAMPING:
                return
        change = trial - logs
        best, logs = candidate, trial
        damping = damping / 10 if damping > _LEAST_DAMPING else 0.0
        yield best


def _step(
    gradient: np.ndarray, information: np.ndarray, blocked: np.ndarray, damping: float
) -> np.ndarray:
    """The damped step of scoring, zero for the parameters that may not move further."""
    free = ~blocked
    diagonal = np.diagonal(information)
    # A parameter of which the data say nothing has no information: its share keeps F regular.
    share = (damping + _REGULAR) * diagonal + _REGULAR**2 * diagonal.max()
    matrix = (information + np.diag(share))[np.ix_(free, free)]
    step = np.zeros(len(gradient))
    step[free] = np.linalg.solve(matrix, gradient[free])
    return step


def _secant(matrix: np.ndarray, change: np.ndarray, slope_change: np.ndarray) -> np.ndarray:
    """The matrix updated so that it maps `change` to `slope_change` (Powell's damped BFGS)."""
    product = matrix @ change
    square = change @ product
    if square <= 0.0:
        return matrix
    along = change @ slope_change
    weight = 1.0 if along >= 0.2 * square else 0.8 * square / (square - along)
    target = weight * slope_change + (1 - weight) * product
    return (
        matrix - np.outer(product, product) / square + np.outer(target, target) / (change @ target)
    )


def _gains(candidate: GaussianProcess, best: GaussianProcess) -> bool:
    return candidate.log_marginal_likelihood() > best.log_marginal_likelihood()


def _model_or_none(model, logs: np.ndarray) -> GaussianProcess | None:
    """The model, or None where its matrix is not positive definite."""
    try:
        return model(logs)
    except np.linalg.LinAlgError:
        return None
