r"""The interpolant between two Gaussian mixtures, in closed form.

For independent ends :math:`I_t = \alpha x_0 + \beta x_1 + \gamma z` is a mixture over pairs of
components, with means :math:`\alpha m_i + \beta m_j` and covariances
:math:`\alpha^2 C_i + \beta^2 C_j + \gamma^2 I`. Velocity, score and denoiser are averages over the
pairs.
"""

from typing import NamedTuple

import numpy as np

from labcore._validate import integer, real
from labcore.interpolants.mixtures import (
    Assigned,
    Mixture,
    assign,
    average_affine,
    average_divergence,
    mixture,
)
from labcore.interpolants.schedules import Coefficients, Schedule
from labcore.random import seed_from

# Ends and latent noise of one seed come from streams that do not meet.
_TARGET_STREAM = 1 << 61
LATENT_STREAM = 1 << 62


class Draws(NamedTuple):
    """Independent draws of the source, the target and the latent noise, each (n, d)."""

    x0: np.ndarray
    x1: np.ndarray
    z: np.ndarray


class MixtureInterpolant(NamedTuple):
    """Law, velocity, score and denoiser of the interpolant of two mixtures; see `between`.

    Pairs of components are numbered with the target's component running fastest. A field is a
    function of (t, x) with `x` of shape (n, d), which is what the solvers of
    `labcore.interpolants.flow` take.
    """

    source: Mixture
    target: Mixture
    schedule: Schedule

    def law(self, t: float) -> Mixture:
        """The law of the interpolant at time `t`."""
        return self._law(t)[1]

    def draw(self, n: int, *, rng: int | np.random.Generator | None = None) -> Draws:
        """n independent draws of the two ends and of the noise, to be put into a schedule."""
        seed, n = int(seed_from(rng)), integer("n", n)
        white = mixture(np.zeros((1, self.source.dimension)))
        return Draws(
            self.source.sample(n, rng=seed),
            self.target.sample(n, rng=seed, first_stream=_TARGET_STREAM),
            white.sample(n, rng=seed, first_stream=LATENT_STREAM),
        )

    def log_density(self, t: float, x: np.ndarray) -> np.ndarray:
        r""":math:`\log \rho_t(x)`, of shape (n,)."""
        return self.law(t).log_density(x)

    def score(self, t: float, x: np.ndarray) -> np.ndarray:
        r""":math:`s(t, x) = \nabla \log \rho_t(x)`, of shape (n, d)."""
        return self.law(t).score(x)

    def velocity(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The velocity :math:`v(t, x) = \E[\dot I_t \mid I_t = x]`, of shape (n, d).

        .. math:: v(t, x) = \sum_k r_k(x)\,[\dot m_k + \tfrac12 \dot C_k C_k^{-1} (x - m_k)]

        with the sum over pairs of components, and dots for time derivatives.
        """
        return average_affine(*self._velocity_parts(t, x))

    def divergence(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The divergence :math:`\nabla \cdot v(t, x)`: the exact trace of its Jacobian, (n,)."""
        return average_divergence(*self._velocity_parts(t, x))

    def denoise(self, t: float, x: np.ndarray) -> Draws:
        r"""What the draws were on average: :math:`\E[x_0 \mid I_t = x]`, and so for x1 and z.

        Notes
        -----
        :math:`\E[x_1 \mid I_t = x] = \sum_k r_k [m_j + \beta C_j C_k^{-1}(x - m_k)]`, likewise for
        :math:`x_0`, and :math:`\E[z \mid I_t = x] = -\gamma(t)\,s(t, x)`.
        """
        c, law = self._law(t)
        assigned, x = self._assigned(law, x)
        first, second = self._pairs()
        x0 = c.alpha * self.source.covariances[first] @ assigned.precisions
        x1 = c.beta * self.target.covariances[second] @ assigned.precisions
        zero = np.zeros_like(law.means)
        return Draws(
            average_affine(law, assigned, x, self.source.means[first], x0),
            average_affine(law, assigned, x, self.target.means[second], x1),
            average_affine(law, assigned, x, zero, c.gamma * assigned.precisions),
        )

    def _pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """For each pair the number of its source component, and of its target component."""
        shape = len(self.source.weights), len(self.target.weights)
        return np.unravel_index(np.arange(shape[0] * shape[1]), shape)

    def _law(self, t: float) -> tuple[Coefficients, Mixture]:
        c = self.schedule.at(real("t", t))
        if c.alpha == c.beta == c.gamma == 0.0:
            raise ValueError(f"the schedule is 0 at t = {t:g}: the law has no density there")
        first, second = self._pairs()
        # Not by `mixture`, whose checks take longer than the field: the sum is positive definite.
        return c, Mixture(
            self.source.weights[first] * self.target.weights[second],
            c.alpha * self.source.means[first] + c.beta * self.target.means[second],
            c.alpha**2 * self.source.covariances[first]
            + c.beta**2 * self.target.covariances[second]
            + c.gamma**2 * np.eye(self.source.dimension),
        )

    def _velocity_parts(self, t: float, x: np.ndarray):
        """Law, responsibilities, points, and the constants and matrices of the velocity."""
        c, law = self._law(t)
        assigned, x = self._assigned(law, x)
        first, second = self._pairs()
        mean_rates = (
            c.alpha_rate * self.source.means[first] + c.beta_rate * self.target.means[second]
        )
        half_covariance_rates = (
            c.alpha * c.alpha_rate * self.source.covariances[first]
            + c.beta * c.beta_rate * self.target.covariances[second]
            + 0.5 * c.gamma_squared_rate * np.eye(self.source.dimension)
        )
        return law, assigned, x, mean_rates, half_covariance_rates @ assigned.precisions

    @staticmethod
    def _assigned(law: Mixture, x: np.ndarray) -> tuple[Assigned, np.ndarray]:
        assigned = assign(law, x)
        return assigned, np.asarray(x, float).reshape(-1, law.dimension)


def between(source: Mixture, target: Mixture, schedule: Schedule) -> MixtureInterpolant:
    """The interpolant of two mixtures whose ends are drawn independently.

    Parameters
    ----------
    source, target : Mixture
        The laws at t = 0 and t = 1, of one dimension d.
    schedule : Schedule

    Raises
    ------
    ValueError
        If the dimensions differ.

    Notes
    -----
    A field at n points costs O(n K d^2) with K the product of the numbers of components. M. S.
    Albergo, N. M. Boffi, E. Vanden-Eijnden, arXiv:2303.08797, whose b is the velocity here.

    Examples
    --------
    >>> from labcore.interpolants import between, linear, mixture
    >>> path = between(mixture([0.0]), mixture([4.0]), linear())
    >>> path.velocity(0.5, [2.0])
    array([[4.]])
    """
    if source.dimension != target.dimension:
        raise ValueError(
            f"target must have the source's dimension {source.dimension}, got {target.dimension}"
        )
    return MixtureInterpolant(source, target, schedule)
