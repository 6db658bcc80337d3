r"""Hawkes processes with exponential kernels: events that make further events more likely.

A. G. Hawkes, "Spectra of some self-exciting and mutually exciting point processes", Biometrika 58
(1971). doi:10.1093/biomet/58.1.83
"""

import warnings
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from labcore import _validate as validate
from labcore.processes import _hawkes
from labcore.processes.events import Events, checked
from labcore.random import seed_from


class TimeChangeTest(NamedTuple):
    """The residuals of a Hawkes process, and how far they are from being exponential."""

    statistic: float
    p_value: float
    residuals: np.ndarray


@dataclass(frozen=True, eq=False)
class Hawkes:
    r"""The Hawkes process of d components with the intensities

    .. math::

        \lambda_i(t) = \mu_i + \sum_j \sum_{k:\, t_k < t,\, c_k = j}
        A_{ij}\, \beta\, e^{-\beta (t - t_k)}.

    Parameters
    ----------
    baseline : array_like, shape (d,)
        :math:`\mu`, not negative, and positive somewhere: the rates of events that no event causes.
    adjacency : array_like, shape (d, d)
        :math:`A_{ij} \ge 0` is how many events of component i an event of component j causes, on
        average and directly.
    decay : float
        :math:`\beta > 0`, one for all pairs, in inverse units of time.

    Raises
    ------
    ValueError
        If a number is out of its range, or the shapes do not match.

    Notes
    -----
    The process is stable, and has a stationary law, if the spectral radius of A is below 1;
    otherwise events breed faster than they die out. The one decay is what makes all computations
    linear in the number of events. Kernels whose excitation is delayed, or lasts with a
    power law, are not of this kind: `time_change_test` shows it.

    References
    ----------
    A. Dassios, H. Zhao, "Exact simulation of Hawkes process with exponentially decaying
    intensity", Electronic Communications in Probability 18 (2013). doi:10.1214/ECP.v18-2717

    Y. Ogata, "The asymptotic behaviour of maximum likelihood estimators for stationary point
    processes", Annals of the Institute of Statistical Mathematics 30 (1978).
    doi:10.1007/BF02480216

    Examples
    --------
    >>> process = Hawkes([0.5, 0.5], [[0.2, 0.4], [0.0, 0.5]], decay=2.0)
    >>> events = process.simulate(1000.0, rng=1)
    >>> process.mean_intensity()
    array([1.125, 1.   ])
    >>> bool(abs(len(events.times) / 1000.0 - 2.125) < 0.3)
    True
    >>> process.time_change_test(events).p_value > 0.01
    True
    """

    baseline: np.ndarray
    adjacency: np.ndarray
    decay: float

    def __post_init__(self):
        baseline = validate.array("baseline", self.baseline, 1)
        adjacency = validate.array("adjacency", self.adjacency, 2)
        d = len(baseline)
        if d == 0 or baseline.min() < 0.0 or not baseline.max() > 0.0:
            raise ValueError(f"baseline must not be negative, nor all zero, got {baseline}")
        if adjacency.shape != (d, d) or adjacency.min() < 0.0:
            raise ValueError(
                f"adjacency must be a ({d}, {d}) matrix without negative numbers, got "
                f"{adjacency.tolist()}"
            )
        object.__setattr__(self, "baseline", baseline)
        object.__setattr__(self, "adjacency", adjacency)
        object.__setattr__(self, "decay", validate.positive("decay", self.decay))

    @property
    def spectral_radius(self) -> float:
        """The largest modulus of the adjacency's eigenvalues: events that one causes, in the end
        per generation."""
        return float(np.abs(np.linalg.eigvals(self.adjacency)).max())

    def mean_intensity(self) -> np.ndarray:
        r"""The stationary intensities :math:`\Lambda = (I - A)^{-1} \mu`; needs stability."""
        self._require_stability()
        return np.linalg.solve(np.eye(len(self.baseline)) - self.adjacency, self.baseline)

    def count_covariance(self, duration: float) -> np.ndarray:
        r"""The covariance matrix of the numbers of events in an interval, when stationary.

        With :math:`F = -\beta (I - A)` and P, the covariance of the intensities, from
        :math:`F P + P F^\top + \beta^2 A\, \mathrm{diag}(\Lambda) A^\top = 0`, the covariance
        density at a lag :math:`\tau > 0` is :math:`e^{F \tau} Q`, with
        :math:`Q = P + \beta A\, \mathrm{diag}(\Lambda)`, and

        .. math::

            \mathrm{Cov}(N_h) = h\, \mathrm{diag}(\Lambda) + G + G^\top, \qquad
            G = F^{-2} (e^{F h} - I - F h)\, Q.

        It grows like :math:`h\,(I - A)^{-1} \mathrm{diag}(\Lambda) (I - A)^{-\top}`.

        Parameters
        ----------
        duration : float
            h.

        Returns
        -------
        numpy.ndarray, shape (d, d)

        Raises
        ------
        ValueError
            If the process is not stable, or `duration` not positive.
        """
        from scipy.linalg import expm, solve_continuous_lyapunov

        duration = validate.positive("duration", duration)
        rates, jumps = np.diag(self.mean_intensity()), self.decay * self.adjacency
        identity = np.eye(len(rates))
        drift = jumps - self.decay * identity
        intensities = solve_continuous_lyapunov(drift, -jumps @ rates @ jumps.T)
        integral = expm(drift * duration) - identity - drift * duration
        grown = np.linalg.solve(drift @ drift, integral) @ (intensities + jumps @ rates)
        return duration * rates + grown + grown.T

    def simulate(
        self,
        end: float,
        *,
        max_events: int = 10**8,
        rng: int | np.random.Generator | None = None,
    ) -> Events:
        """Events on [0, end], exactly in law, with nothing before 0.

        Parameters
        ----------
        end : float
        max_events : int, default 10**8
            An error is raised when more are met.
        rng : int, numpy.random.Generator or None
            The seed.

        Returns
        -------
        Events

        Raises
        ------
        ValueError
            If the process is not stable, `end` is not positive, or there are more events than
            `max_events`.

        Notes
        -----
        Time d for each event, and about 30 ns in one component. The intensity begins at the
        baseline: for a stationary process drop the events of a first while, several times
        :math:`1 / (\\beta (1 - \\rho))` long with the spectral radius :math:`\\rho`.
        """
        end = validate.positive("end", end)
        max_events = validate.integer("max_events", max_events, 1)
        expected = float(self.mean_intensity().sum()) * end
        d, block = len(self.baseline), _hawkes.BLOCK
        capacity = block * (1 + int(min(1.05 * expected + 1000.0, max_events)) // block)
        jumps = self.decay * self.adjacency.T.copy()
        draws, state, seed = np.empty((5, block)), np.zeros(2 + d), seed_from(rng)
        parts, total = [], 0
        while state[0] < end:
            times, components = np.empty(capacity), np.empty(capacity, np.int64)
            n = _hawkes.simulate(
                self.baseline, jumps, self.decay, end, seed, draws, state, times, components
            )
            parts.append((times[:n], components[:n]))
            total += n
            if total > max_events:
                raise ValueError(f"max_events = {max_events} were met before the end, {end:g}")
        if len(parts) == 1:
            return Events(*parts[0], end)
        times, components = zip(*parts, strict=True)
        return Events(np.concatenate(times), np.concatenate(components), end)

    def log_likelihood(self, events: Events) -> float:
        r"""The log-likelihood :math:`\sum_k \log \lambda_{c_k}(t_k) - \sum_i \int_0^T \lambda_i`.

        Parameters
        ----------
        events : Events

        Returns
        -------
        float
            -inf if an event happened where the intensity was zero.

        Raises
        ------
        ValueError, TypeError
            If the events are not in order or not of d components.

        Notes
        -----
        Time O(n d), about 20 ns an event in one component. It takes for granted that nothing
        happened before 0.
        """
        return self._likelihood(checked(events, len(self.baseline)))[0]

    def log_likelihood_gradient(self, events: Events) -> np.ndarray:
        """The derivatives of `log_likelihood` in the baselines, the rows of the adjacency, and the
        decay, in one array of d + d d + 1 numbers."""
        return self._likelihood(checked(events, len(self.baseline)))[1]

    def intensity(self, events: Events, t: np.ndarray) -> np.ndarray:
        """The intensities just before given times, ascending: shape (number of times, d)."""
        return self._follow(checked(events, len(self.baseline)), t)[0]

    def compensator(self, events: Events, t: np.ndarray) -> np.ndarray:
        r"""The compensators :math:`\int_0^t \lambda_i` at given times, ascending: (times, d)."""
        return self._follow(checked(events, len(self.baseline)), t)[1]

    def time_change_test(self, events: Events) -> TimeChangeTest:
        r"""Test by the theorem of time change whether events come from this process.

        In its own time, the compensator :math:`\Lambda_i(t) = \int_0^t \lambda_i`, each component
        is a Poisson process of rate 1: the differences of :math:`\Lambda_i` between its successive
        events are independent and exponential. Kolmogorov's and Smirnov's test compares them all
        with that law.

        Parameters
        ----------
        events : Events
            At least two.

        Returns
        -------
        TimeChangeTest

        Raises
        ------
        ValueError, TypeError
            As `log_likelihood`, or if there are fewer than two events.

        Notes
        -----
        For a process that was fitted to the same events the p-value is too large, as the fit has
        drawn the residuals towards the exponential law: keep some of the events for the test.

        References
        ----------
        E. N. Brown, R. Barbieri, V. Ventura, R. E. Kass, L. M. Frank, "The time-rescaling theorem
        and its application to neural spike train data analysis", Neural Computation 14 (2002).
        doi:10.1162/08997660252741149
        """
        from scipy.stats import kstest

        d = len(self.baseline)
        events = checked(events, d)
        if len(events.times) < 2:
            raise ValueError(f"events must be at least two, got {len(events.times)}")
        compensators = self._follow(events, events.times)[1]
        residuals = np.empty(len(events.times))
        for i in range(d):
            own = events.components == i
            residuals[own] = np.diff(compensators[own, i], prepend=0.0)
        found = kstest(residuals, "expon")
        return TimeChangeTest(float(found.statistic), float(found.pvalue), residuals)

    def _likelihood(self, events: Events) -> tuple[float, np.ndarray]:
        d, block = len(self.baseline), _hawkes.BLOCK
        gradient = np.zeros(d + d * d + 1)
        work, past, sums = np.empty((2, block)), np.empty((block, 2, d)), np.zeros((3, d))
        value = _hawkes.log_likelihood(
            *events, self.baseline, self.adjacency, self.decay, work, past, sums, gradient
        )
        counts = np.bincount(events.components, minlength=d)
        dark = (self.baseline == 0.0) & (counts > 0)
        if (
            dark.any()
            and (self.intensity(events, events.times) == 0.0)[
                np.arange(len(events.times)), events.components
            ].any()
        ):
            value = -np.inf  # where the loop's logarithm of zero is no number
        return float(value), gradient

    def _follow(self, events: Events, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        t = validate.array("t", t, 1)
        if len(t) and (t[0] < 0.0 or t[-1] > events.end or (np.diff(t) < 0.0).any()):
            raise ValueError(f"t must ascend from 0 to events.end = {events.end:g}, got {t}")
        d = len(self.baseline)
        intensity, compensator = np.empty((len(t), d)), np.empty((len(t) + 1, d))
        jumps = self.decay * self.adjacency.T.copy()
        _hawkes.follow(
            *events[:2], self.baseline, jumps, self.decay, t, np.empty(d), intensity, compensator
        )
        return intensity, compensator[:-1]

    def _require_stability(self) -> None:
        if (radius := self.spectral_radius) >= 1.0:
            raise ValueError(f"adjacency must have a spectral radius below 1, got {radius:.4g}")


def fit_hawkes(events: Events, d: int, *, decay: float | None = None) -> Hawkes:
    r"""The maximum likelihood estimate of a Hawkes process with exponential kernels.

    Parameters
    ----------
    events : Events
    d : int
        The number of components.
    decay : float, optional
        :math:`\beta`, if it is known. Otherwise it is fitted too.

    Returns
    -------
    Hawkes
        It need not be stable: see its `spectral_radius`.

    Raises
    ------
    ValueError, TypeError
        If a component has no events, or an argument is out of its range.

    Warns
    -----
    RuntimeWarning
        If the search (L-BFGS-B) has not converged.

    Notes
    -----
    The likelihood is concave in baseline and adjacency at a fixed decay, so that their maximum is
    global. In the decay it is not: the search begins at the overall rate of events, and may end
    elsewhere from another beginning. Where adjacency is near zero the decay is not determined. The
    error falls like :math:`1/\sqrt{n}`.

    References
    ----------
    T. Ozaki, "Maximum likelihood estimation of Hawkes' self-exciting point processes", Annals of
    the Institute of Statistical Mathematics 31 (1979). doi:10.1007/BF02480272

    Examples
    --------
    >>> truth = Hawkes([1.0], [[0.5]], decay=2.0)
    >>> fitted = fit_hawkes(truth.simulate(20_000.0, rng=1), 1)
    >>> bool(abs(fitted.adjacency[0, 0] - 0.5) < 0.02 and abs(fitted.decay - 2.0) < 0.2)
    True
    """
    from scipy.optimize import minimize

    d = validate.integer("d", d, 1)
    events = checked(events, d)
    counts = np.bincount(events.components, minlength=d)
    if (counts == 0).any():
        raise ValueError(f"events must include each of {d} components, got the numbers {counts}")
    n, rates = len(events.times), counts / events.end
    fixed = None if decay is None else validate.positive("decay", decay)

    def process(theta: np.ndarray) -> Hawkes:
        beta = float(np.exp(theta[-1])) if fixed is None else fixed
        return Hawkes(theta[:d] * rates, theta[d : d + d * d].reshape(d, d), beta)

    def loss(theta: np.ndarray) -> tuple[float, np.ndarray]:
        candidate = process(theta)
        value, gradient = candidate._likelihood(events)
        gradient[:d] *= rates
        gradient[-1] *= candidate.decay if fixed is None else 0.0
        return -value / n, -gradient / n

    start = np.concatenate([np.full(d, 0.5), np.full(d * d, 0.5 / d), [np.log(rates.sum())]])
    middle = start[-1]
    bounds = [(1e-8, None)] * d + [(0.0, None)] * (d * d) + [(middle - 12.0, middle + 12.0)]
    options = {"maxiter": 1000, "ftol": 1e-13, "gtol": 1e-7}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    if not found.success:
        warnings.warn(f"the fit has not converged: {found.message}", RuntimeWarning, stacklevel=2)
    return process(found.x)
