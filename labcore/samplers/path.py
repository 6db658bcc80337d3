r"""A path of distributions from one that is easy to sample to the target.

Parallel tempering and sequential Monte Carlo move along it. A point of the path is a `Target` like
any other, so every sampler moves on it.
"""

from functools import cache

import numpy as np
from numba import njit
from numba.core.dispatcher import Dispatcher

from labcore._compile import compiled
from labcore._validate import real
from labcore.samplers.targets import Target, gaussian, target_parameters

_DIAGONAL_GAUSSIAN = gaussian(np.ones(1)).log_density


def tempered(target: Target, inverse_temperature: float, reference: Target | None = None) -> Target:
    r"""The distribution at inverse temperature :math:`\beta` between a reference and a target.

    .. math:: \log \pi_\beta(x) = \beta \log \pi(x) + (1 - \beta) \log \pi_0(x).

    Without a reference, :math:`\log \pi_0 = 0`: the target flattened to a power,
    :math:`\pi_\beta \propto \pi^\beta`.

    Parameters
    ----------
    target : Target
        :math:`\pi`, at :math:`\beta = 1`.
    inverse_temperature : float
        :math:`\beta`, from 0 (reference) to 1 (target).
    reference : Target, optional
        :math:`\pi_0`: a normal distribution with independent coordinates, from
        ``gaussian(variances, mean)``.

    Returns
    -------
    Target
        Its density is compiled once for each `target.log_density`, in about 0.2 s; another
        :math:`\beta`, reference or parameters of the target compile nothing.

    Raises
    ------
    ValueError
        If `inverse_temperature` is not in [0, 1], or the reference is no such normal distribution
        in the target's dimension.

    Notes
    -----
    A power :math:`\pi^\beta` need not have a finite integral when :math:`\pi` has heavy tails:
    :math:`(1 + x^2)^{-\beta}` has none for :math:`\beta \le 1/2`. With a reference the path is
    proper throughout for every bounded :math:`\pi / \pi_0`.

    Examples
    --------
    >>> from labcore.samplers import evaluate, gaussian, tempered
    >>> warm = tempered(gaussian([1.0]), 0.25)  # a normal distribution of variance 4
    >>> evaluate(warm, [[2.0]])[1]
    array([[-0.5]])
    """
    beta = real("inverse_temperature", inverse_temperature)
    if not 0.0 <= beta <= 1.0:
        raise ValueError(f"inverse_temperature must be in [0, 1], got {beta:g}")
    parameters = np.concatenate([[beta], _reference_parameters(target, reference)])
    return Target(
        f"{target.name} at inverse temperature {beta:g}",
        target.dimension,
        _tempered_density(target.log_density),
        np.concatenate([parameters, target_parameters(target)]),
    )


def _reference_parameters(target: Target, reference: Target | None) -> np.ndarray:
    """Constant, mean and precisions of the reference: zero without one."""
    d = target.dimension
    if reference is None:
        return np.zeros(1 + 2 * d)
    if reference.dimension != d or reference.log_density is not _DIAGONAL_GAUSSIAN:
        raise ValueError(
            f"reference must be gaussian(variances, mean) in {d} dimensions, "
            f"got {reference.name!r} in {reference.dimension}"
        )
    return target_parameters(reference)


@cache
def _tempered_density(log_density: Dispatcher) -> Dispatcher:
    """The tempered density of a target's: of parameters (beta, the reference's, the target's)."""

    @njit(error_model="numpy", nogil=True)
    def density(x, parameters, gradient):
        d = x.size
        beta = parameters[0]
        value = log_density(x, parameters[2 + 2 * d :], gradient)
        if beta == 0.0:  # the reference reaches where the target has no density: 0 * inf is nan
            value = 0.0
            for i in range(d):
                gradient[i] = 0.0
        return mix(beta, value, x, parameters[1 : 2 + 2 * d], gradient)

    return density


@compiled(inline=True)
def reference_value(x, reference):
    """log pi_0(x)."""
    d = x.size
    value = reference[0]
    for i in range(d):
        difference = x[i] - reference[1 + i]
        value -= 0.5 * reference[1 + d + i] * difference * difference
    return value


@compiled(inline=True)
def mix(beta, value, x, reference, gradient):
    """Turn value and gradient of log pi into those at inverse temperature `beta`."""
    d = x.size
    for i in range(d):
        away = reference[1 + d + i] * (x[i] - reference[1 + i])
        gradient[i] = beta * gradient[i] - (1.0 - beta) * away
    return beta * value + (1.0 - beta) * reference_value(x, reference)


@compiled(inline=True)
def unmix(beta, value, x, reference, gradient):
    """The inverse of `mix`, for `beta` > 0: value and gradient of log pi itself."""
    d = x.size
    for i in range(d):
        away = reference[1 + d + i] * (x[i] - reference[1 + i])
        gradient[i] = (gradient[i] + (1.0 - beta) * away) / beta
    return (value - (1.0 - beta) * reference_value(x, reference)) / beta
