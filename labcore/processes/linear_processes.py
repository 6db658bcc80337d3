r"""Gaussian processes that solve linear stochastic equations: Matern's, oscillations, splines."""

import math
from typing import TYPE_CHECKING

import numpy as np

from labcore._validate import integer, non_negative, positive
from labcore.processes.state_space import StateSpace, Transition

if TYPE_CHECKING:
    from labcore.kernels import Kernel


def matern_process(nu: float, lengthscale: float = 1.0, variance: float = 1.0) -> StateSpace:
    r"""The Gaussian process with the Matern kernel of smoothness 1/2, 3/2, 5/2, ...

    With :math:`\lambda = \sqrt{2 \nu} / \ell` and :math:`d = \nu + 1/2` it solves

    .. math:: \left(\frac{d}{dt} + \lambda\right)^d f = \text{white noise}.

    Component k of the state is :math:`\lambda^{-k}` times derivative k of f, :math:`0 \le k < d`.

    Parameters
    ----------
    nu : float
        The smoothness, d - 1/2 for a whole number d from 1 to 8.
    lengthscale : float, default 1
        :math:`\ell`, positive, in the unit of time.
    variance : float, default 1
        Of f, positive.

    Returns
    -------
    StateSpace

    Raises
    ------
    ValueError
        If `nu` is no such number, or another parameter is not positive.

    Notes
    -----
    Transitions are exact to rounding, entry by entry, however short: what Q has of the order
    :math:`h^{2d - 1}` comes from an incomplete gamma function and not from a difference.

    References
    ----------
    J. Hartikainen, S. Särkkä, "Kalman filtering and smoothing solutions to temporal Gaussian
    process regression models", IEEE MLSP 2010, section 4.1. doi:10.1109/MLSP.2010.5589113

    Examples
    --------
    >>> matern_process(1.5, lengthscale=2.0).autocovariance([0.0, 1.0]).round(4)
    array([1.    , 0.7849])
    """
    d = round(positive("nu", nu) + 0.5)
    if nu + 0.5 != d or d > 8:
        raise ValueError(f"nu must be 1/2, 3/2, ... or 15/2, got {nu:g}")
    rate = math.sqrt(2.0 * nu) / positive("lengthscale", lengthscale)
    variance = positive("variance", variance)
    drift = np.eye(d, k=1)
    drift[-1] = [-math.comb(d, k) for k in range(d)]
    # e^{drift z} = e^{-z} (1 + M z + ... + M^{d-1} z^{d-1} / (d-1)!), since M is nilpotent
    nilpotent = drift + np.eye(d)
    terms = np.array([np.linalg.matrix_power(nilpotent, k) / math.factorial(k) for k in range(d)])
    response = terms[:, :, -1]  # of the state to white noise: e^{-z} times a polynomial
    power = np.add.outer(np.arange(d), np.arange(d))
    integral = np.array([math.factorial(k) / 2.0 ** (k + 1) for k in range(2 * d - 1)])
    density = variance / (response[:, 0] @ integral[power] @ response[:, 0])

    def covariance(weights: np.ndarray) -> np.ndarray:
        """Of the integrals of the responses, for int_0^z u^k e^{-2u} du in the last axis."""
        return density * np.einsum("ki,lj,...kl->...ij", response, response, weights[..., power])

    def transition(durations: np.ndarray) -> Transition:
        from scipy.special import gammainc

        z = rate * durations[:, None]
        powers = np.exp(-z) * z ** np.arange(d)
        part = gammainc(np.arange(1, 2 * d), 2.0 * z)
        return Transition(np.einsum("nk,kij->nij", powers, terms), covariance(integral * part))

    diffusion = np.zeros((d, 1))
    diffusion[-1] = math.sqrt(density * rate)
    measurement = np.eye(d)[0]
    return StateSpace(rate * drift, diffusion, covariance(integral), measurement, transition)


def oscillation(frequency: float, variance: float = 1.0) -> StateSpace:
    r"""A sine wave of random amplitude and phase, with covariance :math:`s^2 \cos \omega \tau`.

    Its product with a Matern process is one that oscillates and forgets (a Hida-Matern process).

    Parameters
    ----------
    frequency : float
        :math:`\omega \ge 0`, in radians per unit of time. 0 is an unknown constant.
    variance : float, default 1
        :math:`s^2`, positive.

    Returns
    -------
    StateSpace

    Raises
    ------
    ValueError
        If the frequency is negative or the variance not positive.

    Examples
    --------
    >>> quasi_periodic = oscillation(np.pi) * matern_process(1.5, lengthscale=4.0)
    >>> quasi_periodic.autocovariance([1.0, 2.0]).round(4)
    array([-0.9294,  0.7849])
    """
    omega = non_negative("frequency", frequency)
    variance = positive("variance", variance)
    turn = np.array([[0.0, -1.0], [1.0, 0.0]]) if omega else np.zeros((1, 1))
    d = len(turn)

    def transition(durations: np.ndarray) -> Transition:
        angle = omega * durations[:, None, None]
        matrix = np.cos(angle) * np.eye(d) + np.sin(angle) * turn
        return Transition(matrix, np.zeros((len(durations), d, d)))

    return StateSpace(
        omega * turn, np.zeros((d, 1)), variance * np.eye(d), np.eye(d)[0], transition
    )


def integrated_brownian_motion(order: int = 1, diffusion: float = 1.0) -> StateSpace:
    r"""Brownian motion, integrated `order` times from zero: of order 1, random acceleration.

    .. math:: f^{(p + 1)} = \sigma \dot W, \qquad f(0) = \dots = f^{(p)}(0) = 0,

    and component k of the state is derivative k. It starts at zero at the first time, whichever
    that is. Its posterior mean is a spline of degree 2p + 1.

    Parameters
    ----------
    order : int, default 1
        p. Order 0 is Brownian motion.
    diffusion : float, default 1
        :math:`\sigma`, positive.

    Returns
    -------
    StateSpace

    Raises
    ------
    ValueError, TypeError
        If the order is negative or no integer, or `diffusion` is not positive.

    Examples
    --------
    >>> integrated_brownian_motion().transition(2.0).noise[0].round(4)
    array([[2.6667, 2.    ],
           [2.    , 2.    ]])
    """
    d = integer("order", order) + 1
    sigma = positive("diffusion", diffusion)
    ahead = np.subtract.outer(np.arange(d), np.arange(d)).T  # j - i
    factorial = np.array([math.factorial(k) for k in range(d)], float)
    left = d - 1 - np.arange(d)  # derivatives that a component lacks
    power = 1 + np.add.outer(left, left)
    scale = sigma**2 / (power * np.outer(factorial[left], factorial[left]))

    def transition(durations: np.ndarray) -> Transition:
        h = durations[:, None, None]
        taylor = h ** np.maximum(ahead, 0) / factorial[np.maximum(ahead, 0)]
        return Transition(np.where(ahead >= 0, taylor, 0.0), scale * h**power)

    return StateSpace(
        np.eye(d, k=1), sigma * np.eye(d)[:, -1:], np.zeros((d, d)), np.eye(d)[0], transition
    )


def state_space(kernel: "Kernel", *, harmonics: int = 8) -> StateSpace:
    r"""The process in time with a covariance kernel: sums, products and multiples of Matern's.

    Parameters
    ----------
    kernel : labcore.kernels.Kernel
        Made of `Matern` with smoothness 1/2, 3/2, 5/2, ..., `Periodic` and `Constant` by sums,
        products, powers and multiples.
    harmonics : int, default 8
        A periodic kernel of lengthscale :math:`\ell` becomes so many sine waves and a constant:
        the first terms of :math:`\sum_j q_j \cos(2 \pi j \tau / p)`, :math:`q_0 = e^{-a} I_0(a)`,
        :math:`q_j = 2 e^{-a} I_j(a)`, :math:`a = \ell^{-2}`. What is cut off is a variance of
        :math:`\sum_{j > J} q_j`, below 1e-6 for :math:`\ell \ge 1` at J = 8; a short lengthscale
        needs more.

    Returns
    -------
    StateSpace

    Raises
    ------
    TypeError
        If the kernel has no exact equation of finite dimension (`Gaussian` has none).
    ValueError
        If a lengthscale is for points in several dimensions.

    Notes
    -----
    The dimension of a sum is the sum of the dimensions, that of a product their product; the filter
    costs its cube a time.

    References
    ----------
    A. Solin, S. Särkkä, "Explicit link between periodic covariance functions and state space
    models", AISTATS 2014, equation 27.

    Examples
    --------
    >>> from labcore.kernels import Matern, Periodic
    >>> kernel = 2.0 * Matern(2.5, 10.0) * Periodic(1.0, 1.0) + Matern(0.5, 0.3)
    >>> process = state_space(kernel)
    >>> process.dimension
    52
    >>> gap = process.autocovariance([0.0, 0.3]) - kernel([0.0, 0.3])[0]
    >>> bool(np.abs(gap).max() < 1e-6)
    True
    """
    from labcore import kernels

    harmonics = integer("harmonics", harmonics)

    def made(kernel: "Kernel") -> StateSpace:
        match kernel:
            case kernels.Matern():
                if not isinstance(kernel.lengthscale, float):
                    raise ValueError(f"kernel must be of one dimension, got {kernel}")
                return matern_process(kernel.nu, kernel.lengthscale)
            case kernels.Periodic():
                return _periodic(kernel.lengthscale, kernel.period, harmonics)
            case kernels.Constant():
                return oscillation(0.0, kernel.value)
            case kernels.Sum():
                return made(kernel.left) + made(kernel.right)
            case kernels.Product():
                return made(kernel.left) * made(kernel.right)
            case kernels.Scaled():
                return oscillation(0.0, kernel.factor) * made(kernel.kernel)
            case kernels.Power():
                return math.prod([made(kernel.kernel)] * kernel.exponent, start=oscillation(0.0))
            case _:
                raise TypeError(f"kernel has no state space of finite dimension, got {kernel}")

    return made(kernel)


def _periodic(lengthscale: float, period: float, harmonics: int) -> StateSpace:
    from scipy.special import ive

    weights = ive(np.arange(harmonics + 1), lengthscale**-2.0)
    process = oscillation(0.0, weights[0])
    for j in range(1, harmonics + 1):
        process = process + oscillation(2.0 * math.pi * j / period, 2.0 * weights[j])
    return process
