r"""Gaussian-process regression on the line in linear time, by the Kalman filter and smoother."""

from dataclasses import dataclass, field

import numpy as np

from labcore._validate import array, non_negative
from labcore.processes.kalman import kalman_filter, kalman_log_likelihood
from labcore.processes.linear_gaussian import LinearGaussian
from labcore.processes.smoother import kalman_smoother, sample_states
from labcore.processes.state_space import StateSpace


@dataclass(frozen=True, eq=False)
class MarkovPosterior:
    r"""A process given data :math:`y_i = f(t_i) + \varepsilon_i`. Made by `condition`.

    Every question runs filter and smoother through the data and the times asked for, together: ask
    for many times at once.
    """

    process: StateSpace
    t: np.ndarray = field(repr=False)
    y: np.ndarray = field(repr=False)
    noise_variance: float

    def mean(self, points: np.ndarray) -> np.ndarray:
        """The posterior mean of f at times (m,), in any order."""
        model, y, where = self._with(points)
        return kalman_smoother(model, kalman_filter(model, y)).mean[where] @ self._h

    def sd(self, points: np.ndarray) -> np.ndarray:
        """The posterior standard deviation of f (the noise of a new measurement is not in it)."""
        model, y, where = self._with(points)
        covariance = kalman_smoother(model, kalman_filter(model, y)).covariance[where]
        return np.sqrt(np.maximum(covariance @ self._h @ self._h, 0.0))

    def sample(
        self, points: np.ndarray, count: int = 1, *, rng: int | np.random.Generator | None = None
    ) -> np.ndarray:
        """Draws of f from the posterior, as a (count, m) array. Draw i is made of stream i."""
        model, y, where = self._with(points)
        return sample_states(model, y, count, rng=rng)[:, where] @ self._h

    def log_marginal_likelihood(self) -> float:
        """The log density of the data under the prior, all functions averaged."""
        return kalman_log_likelihood(self.process.discretised(self.t, self.noise_variance), self.y)

    @property
    def _h(self) -> np.ndarray:
        return self.process.measurement

    def _with(self, points: np.ndarray) -> tuple[LinearGaussian, np.ndarray, np.ndarray]:
        """Model and data at all times in order, and where the points are among them."""
        points = array("points", points, 1)
        if not self.process.is_stationary and points.size and points.min() < self.t[0]:
            raise ValueError(
                f"points must not lie before the first time, {self.t[0]:g}, where the process "
                f"starts, got {points.min():g}"
            )
        t = np.concatenate([self.t, points])
        y = np.concatenate([self.y, np.full(len(points), np.nan)])
        order = np.argsort(t, kind="stable")
        where = np.empty(len(t), int)
        where[order] = np.arange(len(t))
        model = self.process.discretised(t[order], self.noise_variance)
        return model, y[order], where[len(self.t) :]


def condition(
    process: StateSpace, t: np.ndarray, y: np.ndarray, *, noise_variance: float
) -> MarkovPosterior:
    r"""A Gaussian process on the line, given noisy values of it: exact, in linear time.

    The law is that of `labcore.kernels.condition` with the covariance of the process; mean,
    standard deviation and likelihood agree with it to rounding.

    Parameters
    ----------
    process : StateSpace
        The prior, with mean zero: subtract yours from `y`.
    t : array_like, shape (n,)
        Times, in any order. A process that is not stationary starts at the first.
    y : array_like, shape (n,)
        :math:`y_i = f(t_i) + \varepsilon_i` with independent normal noise.
    noise_variance : float
        :math:`\sigma^2 \ge 0`.

    Returns
    -------
    MarkovPosterior

    Raises
    ------
    ValueError
        If t and y differ in length, are empty or not finite, or the variance is negative.
    numpy.linalg.LinAlgError
        From its methods, if a time is repeated and there is no noise.

    Notes
    -----
    Costs some :math:`12 d^3` operations for each time, where d is the dimension of the process: a
    million points of a Matern process take seconds. The dense regression is faster for a few dozen
    points, and for processes of dimension 50.

    References
    ----------
    S. Särkkä, A. Solin, *Applied Stochastic Differential Equations*, Cambridge 2019, section 12.4.
    doi:10.1017/9781108186735

    Examples
    --------
    Fit a lengthscale to data by maximum likelihood, then predict.

    >>> from scipy.optimize import minimize_scalar
    >>> from labcore import random
    >>> from labcore.processes import matern_process
    >>> t = np.linspace(0.0, 200.0, 2000)
    >>> process = matern_process(1.5, lengthscale=2.0)
    >>> noise = 0.1 * random.normal(2000, rng=2)
    >>> y = process.sample(t, rng=1)[0] @ process.measurement + noise
    >>> def loss(log_lengthscale):
    ...     process = matern_process(1.5, np.exp(log_lengthscale))
    ...     return -condition(process, t, y, noise_variance=0.01).log_marginal_likelihood()
    >>> lengthscale = np.exp(minimize_scalar(loss, bounds=(-2.0, 3.0)).x)
    >>> float(lengthscale.round(1))
    2.0
    >>> posterior = condition(matern_process(1.5, lengthscale), t, y, noise_variance=0.01)
    >>> posterior.mean([10.0, 10.025]).shape
    (2,)
    """
    t, y = array("t", t, 1), array("y", y, 1)
    if len(t) != len(y):
        raise ValueError(f"t and y must have the same length, got {len(t)} and {len(y)}")
    if not len(t):
        raise ValueError("t must hold at least one time, got none")
    noise_variance = non_negative("noise_variance", noise_variance)
    order = np.argsort(t, kind="stable")
    return MarkovPosterior(process, t[order], y[order], noise_variance)
