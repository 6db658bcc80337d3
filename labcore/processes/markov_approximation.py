r"""Fractional Brownian motion as a sum of Ornstein-Uhlenbeck processes with one common noise.

R. Daems, M. Opper, G. Crevecoeur, T. Birdal, "Variational inference for SDEs driven by fractional
noise", ICLR 2024. arXiv:2310.12975
"""

import math
from dataclasses import dataclass, field

import numpy as np

from labcore._validate import array, integer, positive
from labcore.processes.fractional import hurst_index
from labcore.processes.state_space import StateSpace, Transition

_KINDS = ("I", "II")
_SINGULAR = 1e-14  # eigenvalues below this part of the largest say nothing about the weights
_RANGE = (-20.0, 16.0)  # of log(speed * t_end), where speeds are looked for
_ASYMPTOTIC = 60.0  # from where the divergent series has all digits of a double


@dataclass(frozen=True, eq=False)
class MarkovApproximation:
    r"""A process with K-dimensional Markov state that is nearly fractional Brownian motion.

    Made by `markov_approximation`. With one Brownian motion W in all of them,

    .. math:: \hat B_t = \sum_{k=1}^K \omega_k\,(Y^k_t - Y^k_0), \qquad
              dY^k_t = -\gamma_k Y^k_t\,dt + dW_t.

    So it can drive an equation: :math:`d\hat B = -\sum_k \omega_k \gamma_k Y^k\,dt + (\sum_k
    \omega_k)\,dW`.

    Parameters
    ----------
    hurst : float
        H.
    kind : {"I", "II"}
        I: the Y are stationary; II: they start at zero.
    speeds, weights : ndarray, shape (K,)
        :math:`\gamma` and :math:`\omega`.
    relative_error : float
        :math:`\int_0^T \E(\hat B_t - B_t)^2 dt \,/ \int_0^T \E B_t^2\,dt`.
    """

    hurst: float
    kind: str
    speeds: np.ndarray = field(repr=False)
    weights: np.ndarray = field(repr=False)
    relative_error: float

    @property
    def process(self) -> StateSpace:
        r"""The linear equation of the state, for exact draws and for filters.

        The state is Y, and for kind I after it the constant :math:`\sum_k \omega_k Y^k_0`.
        """
        gamma, omega = self.speeds, self.weights
        pairs = np.add.outer(gamma, gamma)

        def transition(durations: np.ndarray) -> Transition:
            h = durations[:, None, None]
            matrix = np.exp(-gamma * h) * np.eye(len(gamma))
            return Transition(matrix, -np.expm1(-pairs * h) / pairs)

        at_rest = self.kind == "II"
        start = np.zeros_like(pairs) if at_rest else 1.0 / pairs
        driver = StateSpace(-np.diag(gamma), np.ones((len(gamma), 1)), start, omega, transition)
        return driver if at_rest else _less_its_start(driver)


def markov_approximation(
    hurst: float,
    n_processes: int,
    t_end: float = 1.0,
    *,
    kind: str = "I",
    speeds: np.ndarray | None = None,
) -> MarkovApproximation:
    r"""The best approximation of fractional Brownian motion by K Ornstein-Uhlenbeck processes.

    For :math:`a = H + \tfrac12`, a power is a mixture of exponentials, so that both kinds of motion
    are integrals over speeds of Ornstein-Uhlenbeck processes with one noise. Kind I is
    fractional Brownian motion, with variance :math:`t^{2H}`; kind II, of Riemann and Liouville,

    .. math:: B_t = \frac{1}{\Gamma(a)} \int_0^t (t - s)^{a - 1}\,dW_s,

    starts without a past and has variance :math:`t^{2H} / (2 H\,\Gamma(a)^2)`. Over a time T the
    weights solve the normal equations :math:`A \omega = b` of least squares,
    :math:`A_{ij} = \int_0^T \E[\tilde Y^i_t \tilde Y^j_t]\,dt`, :math:`b_i = \int_0^T \E[\tilde
    Y^i_t B_t]\,dt`, :math:`\tilde Y = Y - Y_0`. With :math:`x = \gamma T`,
    :math:`\varphi(x) = (e^{-x} - 1 + x) / x^2` and the incomplete gamma functions P and Q,

    .. math::

        A_{ij} &= T^2 \frac{x_i \varphi(x_i) + x_j \varphi(x_j)}{x_i + x_j}, \quad
        b_i = c\,\frac{2 x + e^{-x} - e^x Q(a, x) - x^a / \Gamma(a + 1)}{\gamma^{a + 1}}
        && \text{(I)},\\
        A_{ij} &= T^2 \varphi(x_i + x_j), \quad
        b_i = \frac{x P(a, x) - a P(a + 1, x)}{\gamma^{a + 1}} && \text{(II)},

    where :math:`c^2 = \Gamma(2 H + 1) \sin \pi H`.

    Parameters
    ----------
    hurst : float
        H, the Hurst index, 0 < H < 1.
    n_processes : int
        K.
    t_end : float, default 1
        T, positive.
    kind : {"I", "II"}, default "I"
        Which motion.
    speeds : array_like, shape (K,), optional
        :math:`\gamma`, positive and different. Without them a geometric sequence, whose ends
        minimise the error.

    Returns
    -------
    MarkovApproximation

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range, or the speeds are not K different positive numbers.

    Notes
    -----
    The error falls faster than every power of K until the fastest speed is as large as the search
    allows, 9e6 / T: for H = 0.1 it stays at 0.02. Kind II needs fewer processes, for H > 1/2 far
    fewer, as kind I must remember all the past. Below the time :math:`1/\max \gamma` its paths are
    as smooth as those of W, where those of B are rougher (H < 1/2) or smoother.
    Errors below 1e-9 are rounding. The search solves some 100 systems of K equations.

    Examples
    --------
    >>> for k in (1, 3, 5, 9):
    ...     print(k, f"{markov_approximation(0.3, k).relative_error:.0e}")
    1 1e-01
    3 1e-02
    5 3e-03
    9 2e-04
    """
    hurst, t_end = hurst_index(hurst), positive("t_end", t_end)
    n_processes = integer("n_processes", n_processes, least=1)
    if kind not in _KINDS:
        raise ValueError(f"kind must be one of {_KINDS}, got {kind!r}")
    if speeds is None:
        x = _best_sequence(hurst, n_processes, kind)
    else:
        x = t_end * array("speeds", speeds, 1)
        if x.shape != (n_processes,) or x.min() <= 0.0 or len(np.unique(x)) < n_processes:
            raise ValueError(
                f"speeds must be {n_processes} different positive numbers, got {speeds!r}"
            )
    weights, error = _least_squares(hurst, x, kind)
    # B over [0, T] is T^H times B over [0, 1], and so is Y over [0, T] for H = 1/2
    return MarkovApproximation(hurst, kind, x / t_end, t_end ** (hurst - 0.5) * weights, error)


def _least_squares(hurst: float, x: np.ndarray, kind: str) -> tuple[np.ndarray, float]:
    """Weights and relative error for T = 1."""
    from scipy.special import gammainc

    a = hurst + 0.5
    pairs = np.add.outer(x, x)
    if kind == "I":
        part = x * _phi(x)
        gram = np.add.outer(part, part) / pairs
        scale = math.sqrt(math.gamma(2.0 * hurst + 1.0) * math.sin(math.pi * hurst))
        cross = scale * _moment_of_kind_one(a, x)
        total = 1.0 / (2.0 * hurst + 1.0)
    else:
        gram = _phi(pairs)
        cross = x * gammainc(a, x) - a * gammainc(a + 1.0, x)
        total = 1.0 / (2.0 * hurst * (2.0 * hurst + 1.0) * math.gamma(a) ** 2)
    cross = cross / x ** (a + 1.0)
    unit = 1.0 / np.sqrt(np.diag(gram))
    values, vectors = np.linalg.eigh(unit[:, None] * gram * unit)
    seen = values > _SINGULAR * values[-1]
    basis = unit[:, None] * vectors[:, seen]
    weights = basis @ ((basis.T @ cross) / values[seen])
    return weights, float(abs(total - 2.0 * weights @ cross + weights @ gram @ weights) / total)


def _best_sequence(hurst: float, n: int, kind: str) -> np.ndarray:
    """The geometric sequence of n speeds with the least error for T = 1."""
    from scipy.optimize import minimize

    def sequence(ends: np.ndarray) -> np.ndarray:
        return np.exp(np.linspace(*ends, n) if n > 1 else ends[:1])

    def loss(ends: np.ndarray) -> float:
        if (
            ends[0] < _RANGE[0]
            or ends[-1] > _RANGE[1]
            or (n > 1 and ends[1] - ends[0] < 0.5 * (n - 1))
        ):
            return math.inf
        return math.log(_least_squares(hurst, sequence(ends), kind)[1] + 1e-15)

    simplex = (
        np.array([[-1.0, 4.0], [-6.0, 4.0], [-1.0, 8.0]]) if n > 1 else np.array([[1.0], [2.0]])
    )
    options = {"initial_simplex": simplex, "xatol": 1e-3}
    return sequence(minimize(loss, simplex[0], method="Nelder-Mead", options=options).x)


def _phi(x: np.ndarray) -> np.ndarray:
    """(exp(-x) - 1 + x) / x^2, by its series where the difference would lose digits."""
    series = np.zeros_like(x)
    for k in range(17, 1, -1):
        series = 1.0 / math.factorial(k) - x * series
    return np.where(x < 0.7, series, (np.expm1(-x) + x) / (x * x))


def _moment_of_kind_one(a: float, x: np.ndarray) -> np.ndarray:
    """2 x + exp(-x) - exp(x) Q(a, x) - x^a / Gamma(a + 1), without overflow and cancellation."""
    from scipy.special import gamma, gammaincc

    small, large = np.minimum(x, 1.0), np.maximum(x, _ASYMPTOTIC)
    near, far, term = np.zeros_like(x), np.zeros_like(x), np.ones_like(x)
    for k in range(1, 40):
        near += small ** (a + k) / gamma(a + k + 1.0)
        near -= 2.0 * small ** (2 * k + 1) / gamma(2.0 * k + 2.0)
        far += term
        term = term * (a - k) / large
    far = large ** (a - 1.0) / gamma(a) * far
    middle = np.exp(np.minimum(x, _ASYMPTOTIC)) * gammaincc(a, x)
    scaled = np.where(x < _ASYMPTOTIC, middle, far)
    direct = 2.0 * x + np.exp(-x) - scaled - x**a / gamma(a + 1.0)
    return np.where(x < 1.0, near, direct)


def _less_its_start(driver: StateSpace) -> StateSpace:
    """The process less its value at the first time, which is one more component of the state."""
    d, h, p = driver.dimension, driver.measurement, driver.covariance

    def wider(matrices: np.ndarray, corner: float) -> np.ndarray:
        out = np.zeros((*matrices.shape[:-2], d + 1, d + 1))
        out[..., :d, :d], out[..., d, d] = matrices, corner
        return out

    def transition(durations: np.ndarray) -> Transition:
        matrix, noise = driver.exact_transition(durations)
        return Transition(wider(matrix, 1.0), wider(noise, 0.0))

    covariance = wider(p, h @ p @ h)
    covariance[:d, d] = covariance[d, :d] = p @ h
    diffusion = np.vstack([driver.diffusion, np.zeros((1, driver.diffusion.shape[1]))])
    return StateSpace(
        wider(driver.drift, 0.0), diffusion, covariance, np.append(h, -1.0), transition
    )
