r"""The interpolant of two ends whose joint law is a Gaussian mixture, in closed form.

With :math:`(x_0, x_1)` from component k normal, of mean :math:`(m_k^0, m_k^1)` and of the
covariance C, the interpolant is normal too, and its rate is affine in it: velocity, score and
denoiser are averages over the components, as for independent ends, with one component for each pair
that the coupling joins, and with the covariance of the ends in each.
"""

from typing import NamedTuple

import numpy as np

from labcore._validate import integer, points, real
from labcore.interpolants.between_mixtures import LATENT_STREAM, Draws
from labcore.interpolants.mixtures import (
    Mixture,
    assign,
    average_affine,
    average_divergence,
    mixture,
)
from labcore.interpolants.schedules import Coefficients, Schedule
from labcore.random import seed_from


class CoupledInterpolant(NamedTuple):
    """Law, velocity, score and denoiser of the interpolant of coupled ends; see
    `between_coupled`."""

    joint: Mixture
    schedule: Schedule

    @property
    def dimension(self) -> int:
        """d, half of the dimension of the joint law."""
        return self.joint.dimension // 2

    def law(self, t: float) -> Mixture:
        """The law of the interpolant at time `t`."""
        return self._law(self.schedule.at(real("t", t)), t)

    def draw(self, n: int, *, rng: int | np.random.Generator | None = None) -> Draws:
        """n draws of the two ends, in pairs, and of the noise."""
        seed, n, d = int(seed_from(rng)), integer("n", n), self.dimension
        ends = self.joint.sample(n, rng=seed)
        white = mixture(np.zeros((1, d)))
        latent = white.sample(n, rng=seed, first_stream=LATENT_STREAM)
        return Draws(ends[:, :d].copy(), ends[:, d:].copy(), latent)

    def log_density(self, t: float, x: np.ndarray) -> np.ndarray:
        r""":math:`\log \rho_t(x)`, of shape (n,)."""
        return self.law(t).log_density(x)

    def score(self, t: float, x: np.ndarray) -> np.ndarray:
        r""":math:`s(t, x) = \nabla \log \rho_t(x)`, of shape (n, d)."""
        return self.law(t).score(x)

    def velocity(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The velocity :math:`v(t, x) = \E[\dot I_t \mid I_t = x]`, of shape (n, d).

        .. math:: v(t, x) = \sum_k r_k(x)\,\big[\dot A m_k + (\dot A C_k A^\T
            + \tfrac12 \dot{(\gamma^2)} I)\,\Sigma_k^{-1} (x - A m_k)\big]

        with :math:`A = (\alpha I, \beta I)` and :math:`\Sigma_k = A C_k A^\T + \gamma^2 I`.
        """
        return average_affine(*self._velocity_parts(t, x))

    def divergence(self, t: float, x: np.ndarray) -> np.ndarray:
        r"""The divergence :math:`\nabla \cdot v(t, x)`: the exact trace of its Jacobian, (n,)."""
        return average_divergence(*self._velocity_parts(t, x))

    def denoise(self, t: float, x: np.ndarray) -> Draws:
        r"""What the draws were on average: :math:`\E[x_0 \mid I_t = x]`, and so for x1 and z."""
        c = self.schedule.at(real("t", t))
        law, d = self._law(c, t), self.dimension
        x, assigned = points("x", x), assign(law, x)
        with_ends = self._with_interpolant(c.alpha, c.beta) @ assigned.precisions
        means, zero = self.joint.means, np.zeros_like(law.means)
        return Draws(
            average_affine(law, assigned, x, means[:, :d], with_ends[:, :d].copy()),
            average_affine(law, assigned, x, means[:, d:], with_ends[:, d:].copy()),
            average_affine(law, assigned, x, zero, c.gamma * assigned.precisions),
        )

    def _law(self, c: Coefficients, t: float) -> Mixture:
        if c.alpha == c.beta == c.gamma == 0.0:
            raise ValueError(f"the schedule is 0 at t = {t:g}: the law has no density there")
        covariances = _combined(self._with_interpolant(c.alpha, c.beta), c.alpha, c.beta)
        covariances += c.gamma**2 * np.eye(self.dimension)
        return Mixture(self.joint.weights, self._mean(c.alpha, c.beta), covariances)

    def _mean(self, alpha: float, beta: float) -> np.ndarray:
        d = self.dimension
        return alpha * self.joint.means[:, :d] + beta * self.joint.means[:, d:]

    def _with_interpolant(self, alpha: float, beta: float) -> np.ndarray:
        """The covariances of both ends with alpha x0 + beta x1, (K, 2d, d)."""
        d = self.dimension
        return alpha * self.joint.covariances[:, :, :d] + beta * self.joint.covariances[:, :, d:]

    def _velocity_parts(self, t: float, x: np.ndarray):
        """Law, responsibilities, points, and the constants and matrices of the velocity."""
        c = self.schedule.at(real("t", t))
        law = self._law(c, t)
        x, assigned = points("x", x), assign(law, x)
        with_ends = self._with_interpolant(c.alpha, c.beta)
        covariances = _combined(with_ends, c.alpha_rate, c.beta_rate)
        covariances += 0.5 * c.gamma_squared_rate * np.eye(self.dimension)
        mean_rates = self._mean(c.alpha_rate, c.beta_rate)
        return law, assigned, x, mean_rates, covariances @ assigned.precisions


def between_coupled(joint: Mixture, schedule: Schedule) -> CoupledInterpolant:
    r"""The interpolant of ends that are drawn together, from a Gaussian mixture in 2d dimensions.

    Parameters
    ----------
    joint : Mixture
        The law of :math:`(x_0, x_1)`: the first d coordinates are those of the source. A component
        for each pair of modes that are coupled, its weight the pair's.
    schedule : Schedule

    Raises
    ------
    ValueError
        If the dimension of the joint law is odd.

    Notes
    -----
    A field at n points costs O(n K d^2). For independent ends it is `between`, whose K components
    are all pairs. Optimal transport of two Gaussians has a singular joint covariance, which
    `mixture` refuses: correlations have to be less than 1. Schrodinger's coupling of two Gaussians
    is regular: on the line, for the variance rate a, the covariance of the ends is

    .. math:: c = \tfrac12 \Big(\sqrt{4 \sigma_0^2 \sigma_1^2 + a^2} - a\Big),

    and with ``linear(noise=a)`` and the diffusion a/2 the SDE is Schrodinger's bridge. C. Bunne,
    Y.-P. Hsieh, M. Cuturi, A. Krause, "The Schrodinger bridge between Gaussian measures has a
    closed form", AISTATS 2023. arXiv:2202.05722.

    Examples
    --------
    >>> from labcore.interpolants import between_coupled, linear, mixture
    >>> joint = mixture([[0.0, 4.0]], [[[1.0, 0.9], [0.9, 1.0]]])
    >>> path = between_coupled(joint, linear())
    >>> path.velocity(0.5, [3.0]), path.law(0.5).covariance().round(6)
    (array([[4.]]), array([[0.95]]))
    """
    if joint.dimension % 2:
        raise ValueError(f"joint must have an even dimension, 2d, got {joint.dimension}")
    return CoupledInterpolant(joint, schedule)


def _combined(with_ends: np.ndarray, alpha: float, beta: float) -> np.ndarray:
    """alpha x0 + beta x1 in place of both ends: (K, 2d, d) to (K, d, d)."""
    d = with_ends.shape[2]
    return alpha * with_ends[:, :d] + beta * with_ends[:, d:]
