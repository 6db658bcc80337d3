r"""Gaussian processes that are one component of a linear stochastic differential equation.

.. math:: dX_t = F X_t\,dt + L\,dW_t, \qquad f(t) = H X_t.

Such a process is Markov in X, so that regression costs a multiple of the number of points, where
the covariance matrix costs its cube (`labcore.processes.condition`).
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from labcore._validate import array, non_negative
from labcore.processes.linear_gaussian import LinearGaussian, simulate


class Transition(NamedTuple):
    r"""The law of the state a while later, :math:`X_{t+h} \mid X_t = x \sim N(A x, Q)`.

    Parameters
    ----------
    matrix : ndarray, shape (n, d, d)
        A, for each of n durations.
    noise : ndarray, shape (n, d, d)
        Q.
    """

    matrix: np.ndarray
    noise: np.ndarray


@dataclass(frozen=True, eq=False)
class StateSpace:
    r"""A Gaussian process as a linear equation. Made by `matern_process` and its neighbours.

    ``a + b`` is the sum of two independent processes, and ``a * b`` the stationary process whose
    covariance is the product of theirs: its equation has the state :math:`X \otimes Y`.

    Parameters
    ----------
    drift : ndarray, shape (d, d)
        F.
    diffusion : ndarray, shape (d, m)
        L.
    covariance : ndarray, shape (d, d)
        Of the state at the first time: if the process is stationary, at all times.
    measurement : ndarray, shape (d,)
        H.
    exact_transition : callable
        Makes a `Transition` of an array of durations.
    """

    drift: np.ndarray
    diffusion: np.ndarray
    covariance: np.ndarray
    measurement: np.ndarray
    exact_transition: Callable[[np.ndarray], Transition] = field(repr=False)

    @property
    def dimension(self) -> int:
        """d, the number of components of the state."""
        return len(self.measurement)

    @property
    def is_stationary(self) -> bool:
        r"""Whether :math:`F P + P F^\top + L L^\top = 0` for the covariance P, to rounding."""
        flow = self.drift @ self.covariance
        noise = self.diffusion @ self.diffusion.T
        scale = np.abs(flow).max() + np.abs(noise).max()
        return bool(np.abs(flow + flow.T + noise).max() <= 1e-12 * scale)

    def transition(self, durations: np.ndarray) -> Transition:
        r"""The law after each duration, :math:`A = e^{F h}` and :math:`Q = \int_0^h e^{F s} L
        L^\top e^{F^\top s}\,ds`, in closed form."""
        durations = array("durations", np.atleast_1d(durations), 1)
        if durations.size and durations.min() < 0.0:
            raise ValueError(f"durations must not be negative, got {durations.min():g}")
        return self.exact_transition(durations)

    def autocovariance(self, lags: np.ndarray) -> np.ndarray:
        r"""The covariance of f at two times so far apart, :math:`H e^{F |\tau|} P H^\top`."""
        self._need_stationarity("a covariance that is a function of the lag")
        matrix = self.transition(np.abs(np.atleast_1d(lags)).astype(float)).matrix
        return matrix @ self.covariance @ self.measurement @ self.measurement

    def discretised(self, t: np.ndarray, noise_variance: float) -> LinearGaussian:
        """The states at increasing times (n,), f observed with noise: for filter and smoother."""
        t = array("t", t, 1)
        if t.size == 0 or (np.diff(t) < 0.0).any():
            raise ValueError("t must hold at least one time and not decrease")
        variance = non_negative("noise_variance", noise_variance)
        steps, which = np.unique(np.diff(t), return_inverse=True)
        matrix, noise = self.transition(steps)
        if len(steps) > 1:
            matrix, noise = matrix[which], noise[which]
        elif len(steps) == 0:
            matrix = noise = np.zeros((1, self.dimension, self.dimension))
        return LinearGaussian(
            matrix,
            noise,
            self.measurement[None],
            np.array([[variance]]),
            np.zeros(self.dimension),
            self.covariance,
        )

    def sample(
        self, t: np.ndarray, n_paths: int = 1, *, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draws of the state at increasing times: (n_paths, n, d). Path i is made of stream i.

        The values of the process are ``states @ process.measurement``.
        """
        t = array("t", t, 1)
        return simulate(self.discretised(t, 0.0), len(t), n_paths, rng=rng).states

    def __add__(self, other: "StateSpace") -> "StateSpace":
        if not isinstance(other, StateSpace):
            return NotImplemented

        def transition(durations: np.ndarray) -> Transition:
            left, right = self.exact_transition(durations), other.exact_transition(durations)
            return Transition(*(_blocks(a, b) for a, b in zip(left, right, strict=True)))

        return StateSpace(
            _blocks(self.drift, other.drift),
            _blocks(self.diffusion, other.diffusion),
            _blocks(self.covariance, other.covariance),
            np.concatenate([self.measurement, other.measurement]),
            transition,
        )

    def __mul__(self, other: "StateSpace") -> "StateSpace":
        if not isinstance(other, StateSpace):
            return NotImplemented
        for factor in (self, other):
            factor._need_stationarity("a product with another process")
        p, q = self.covariance, other.covariance

        def transition(durations: np.ndarray) -> Transition:
            left, right = self.exact_transition(durations), other.exact_transition(durations)
            # P (x) Q - A P A' (x) B Q B', as a sum of positive terms
            noise = _kronecker(p, right.noise) + _kronecker(left.noise, q - right.noise)
            return Transition(_kronecker(left.matrix, right.matrix), noise)

        one, two = np.eye(self.dimension), np.eye(other.dimension)
        return StateSpace(
            np.kron(self.drift, two) + np.kron(one, other.drift),
            np.hstack([np.kron(_root(p), other.diffusion), np.kron(self.diffusion, _root(q))]),
            np.kron(p, q),
            np.kron(self.measurement, other.measurement),
            transition,
        )

    def _need_stationarity(self, what: str) -> None:
        if not self.is_stationary:
            raise ValueError(f"the process must be stationary for {what}")


def _blocks(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """The matrices a (..., m, n) and b (..., p, q) along the diagonal of larger ones."""
    (m, n), (p, q) = a.shape[-2:], b.shape[-2:]
    out = np.zeros((*a.shape[:-2], m + p, n + q))
    out[..., :m, :n], out[..., m:, n:] = a, b
    return out


def _kronecker(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    out = np.einsum("...ij,...kl->...ikjl", a, b)
    d = a.shape[-1] * b.shape[-1]
    return out.reshape(*out.shape[:-4], d, d)


def _root(p: np.ndarray) -> np.ndarray:
    """A square root of a covariance, which may be singular."""
    values, vectors = np.linalg.eigh(p)
    return vectors * np.sqrt(np.maximum(values, 0.0))
