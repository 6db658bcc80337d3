r"""Particle filters: hidden Markov models of any form, by weighted and resampled simulations.

N. J. Gordon, D. J. Salmond, A. F. M. Smith, "Novel approach to nonlinear/non-Gaussian Bayesian
state estimation", IEE Proc. F 140 (1993). doi:10.1049/ip-f-2.1993.0015
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numba import uint64
from numba.core.dispatcher import Dispatcher
from tqdm.auto import tqdm

from labcore._compile import compiled
from labcore._math import exp_of_negative, log
from labcore._validate import integer, real
from labcore.random import normal_pair, seed_from, uniform

_LANES = 16
_RESAMPLING_STREAM = 2**63  # no particle has a number as large


class HiddenMarkov(NamedTuple):
    r"""A hidden Markov model, as functions compiled by ``numba.njit`` that treat all particles.

    Each loops over the rows of its arrays: x and `out` (n, d), z (n, m) of standard normal numbers.

    Parameters
    ----------
    dimension, n_normals : int
        d, and m: how many normal numbers a particle needs for one draw.
    initial : compiled function
        ``initial(z, parameters, out)`` writes draws of :math:`x_0`.
    transition : compiled function
        ``transition(t, x, z, parameters, out)`` writes draws of :math:`x_t` given x at t - 1.
    log_observation : compiled function
        ``log_observation(t, x, y, parameters, out)`` writes :math:`\log g(y_t \mid x_t)` for each
        particle into `out` (n,); y is row t of the observations.
    parameters : tuple of float
        Passed to all.
    """

    dimension: int
    n_normals: int
    initial: Callable
    transition: Callable
    log_observation: Callable
    parameters: tuple[float, ...] = ()


class ParticleFilter(NamedTuple):
    """What a particle filter says of the states.

    Parameters
    ----------
    mean, variance : ndarray, shape (T, d)
        Of each state given the observations up to its time.
    log_likelihood : float
        The logarithm of an unbiased estimate of the density of the observations.
    effective_sizes : ndarray, shape (T,)
        Of the weighted particles at each time.
    paths : ndarray, shape (lag + 1, n, d)
        The last states of the paths that the particles came by, equally weighted draws; the last
        row are the particles at the last time.
    """

    mean: np.ndarray
    variance: np.ndarray
    log_likelihood: float
    effective_sizes: np.ndarray
    paths: np.ndarray


def particle_filter(
    model: HiddenMarkov,
    y: np.ndarray,
    n_particles: int,
    *,
    lag: int = 0,
    threshold: float = 0.5,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> ParticleFilter:
    r"""Estimate the states of a hidden Markov model, and the likelihood, by simulation.

    The bootstrap filter: particles move by the model's transition and are weighted by the
    density of the observation, :math:`w_i \leftarrow w_i\, g(y_t \mid x^i_t)`; where the effective
    size :math:`1 / \sum_i w_i^2` of the normalised weights falls below a part of n, systematic
    resampling replaces them by equal ones. The product over time of
    :math:`\sum_i w_i\, g(y_t \mid x^i_t)` has the likelihood as its mean, whatever n.

    Parameters
    ----------
    model : HiddenMarkov
    y : array_like, shape (T, p), or (T,) for p = 1
        Observations. nan is passed on: a model may take it for missing, with log density 0.
    n_particles : int
        n. Particle i moves by the numbers of stream i, m at a time.
    lag : int, default 0
        How many states before the last to keep of every particle's path: T - 1 keeps all.
    threshold : float, default 0.5
        Resample where the effective size is below this part of n; 1 resamples wherever
        weights differ.
    rng : int, numpy.random.Generator or None
        A seed, or where to take one from.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    ParticleFilter

    Raises
    ------
    ValueError, TypeError
        If an argument is out of range or a function is not compiled; if all weights are zero at
        some time, or a log density is nan or infinite.

    Notes
    -----
    The error of means, and the relative error of the likelihood, fall like :math:`n^{-1/2}`; n must
    grow with T to keep the latter. It fails, with an effective size near 1, where observations are
    far more precise than the transition: few particles land where they are needed. Paths have
    few different ancestors some hundred times back, and say little about states so long ago.

    Examples
    --------
    Stochastic volatility: the logarithm of a variance is an autoregression.

    >>> import math
    >>> from numba import njit
    >>> @njit
    ... def initial(z, parameters, out):
    ...     for i in range(len(out)):
    ...         out[i, 0] = z[i, 0]
    >>> @njit
    ... def transition(t, x, z, parameters, out):
    ...     for i in range(len(out)):
    ...         out[i, 0] = parameters[0] * x[i, 0] + parameters[1] * z[i, 0]
    >>> @njit
    ... def log_observation(t, x, y, parameters, out):
    ...     for i in range(len(out)):
    ...         out[i] = -0.5 * (math.log(2 * math.pi) + x[i, 0] + y[0] ** 2 * math.exp(-x[i, 0]))
    >>> model = HiddenMarkov(1, 1, initial, transition, log_observation, (0.9, 0.4))
    >>> found = particle_filter(model, [0.1, 3.0, -4.0], 10_000, rng=1)
    >>> bool(found.mean[0, 0] < 0.0 < found.mean[2, 0])  # calm at first, then not
    True
    """
    from labcore.samplers.smc import systematic_indices

    functions = (model.initial, model.transition, model.log_observation)
    for name, function in zip(HiddenMarkov._fields[2:5], functions, strict=True):
        if not isinstance(function, Dispatcher):
            raise TypeError(f"model.{name} must be compiled by numba.njit, got {function!r}")
    d = integer("model.dimension", model.dimension, least=1)
    m = integer("model.n_normals", model.n_normals, least=1)
    parameters = tuple(real(f"parameters[{i}]", p) for i, p in enumerate(model.parameters))
    y = np.asarray(y, float)
    if y.ndim not in (1, 2) or len(y) == 0:
        raise ValueError(f"y must have shape (T, p) or (T,), T at least 1, got {y.shape}")
    y = np.ascontiguousarray(y.reshape(len(y), -1))
    n_times, n = len(y), integer("n_particles", n_particles, least=1)
    lag, threshold = integer("lag", lag), real("threshold", threshold)
    if lag >= n_times:
        raise ValueError(f"lag must be below the number of times, {n_times}, got {lag}")
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"threshold must be from 0 to 1, got {threshold:g}")
    seed = seed_from(rng)
    z, log_density, weights = np.empty((2, n, m)), np.empty(n), np.empty(n)
    recent = [np.empty((n, d))]
    log_weights, log_likelihood = np.full(n, -np.log(n)), 0.0
    mean, variance, sizes = np.empty((n_times, d)), np.empty((n_times, d)), np.empty(n_times)
    pair, lanes = np.empty((2, n)), np.empty((3, _LANES))
    for t in tqdm(range(n_times), unit="time", delay=2.0, disable=not progress):
        if t % 2 == 0:
            _fill_normals(seed, t, pair, z)
        if t == 0:
            model.initial(z[0], parameters, recent[0])
        else:
            after = np.empty((n, d))
            model.transition(t, recent[-1], z[t % 2], parameters, after)
            recent = [*recent, after][-lag - 1 :]
        model.log_observation(t, recent[-1], y[t], parameters, log_density)
        largest, log_sum, sizes[t] = _weigh(log_density, log_weights, weights, lanes)
        if not np.isfinite(largest):
            raise ValueError(
                f"model.log_observation must be finite for some particle and not nan, got "
                f"{largest} at time {t}"
            )
        log_likelihood += log_sum
        _moments(weights, recent[-1], mean[t], variance[t])
        if sizes[t] < threshold * n or t == n_times - 1:
            u = uniform(1, rng=int(seed), stream=_RESAMPLING_STREAM, start=t)[0]
            chosen = systematic_indices(weights, n, u)
            recent = [states[chosen] for states in recent]
            log_weights[:] = -np.log(n)
    return ParticleFilter(mean, variance, float(log_likelihood), sizes, np.array(recent))


@compiled
def _fill_normals(seed, t, pair, z):
    """Numbers for times t, even, and t + 1: particle i takes m whole blocks of stream i.

    The buffer `pair` has the shape (2, n).
    """
    _, n, m = z.shape
    first, second = pair[0], pair[1]
    for block in range(m):
        index = uint64(t // 2 * m + block)
        for i in range(n):
            first[i], second[i] = normal_pair(seed, uint64(i), index)
        for k in range(2):
            time, column = divmod(2 * block + k, m)
            for i in range(n):
                z[time, i, column] = pair[k, i]


@compiled
def _weigh(log_density, log_weights, weights, lanes):
    """Multiply weights by densities, and divide them by their sum.

    Returns the largest logarithm before the division, nan if one is nan, the logarithm of the sum,
    and the effective size. Sums and maxima run in parallel lanes, in a fixed order.
    """
    n, nans = weights.size, 0
    last = n - n % _LANES
    tops, sums, squares = lanes[0], lanes[1], lanes[2]
    for k in range(_LANES):
        tops[k] = -math.inf
        sums[k] = squares[k] = 0.0
    for i in range(n):
        log_weights[i] += log_density[i]
        nans += log_weights[i] != log_weights[i]
    for start in range(0, last, _LANES):
        part = log_weights[start : start + _LANES]
        for k in range(_LANES):
            tops[k] = max(tops[k], part[k])
    for i in range(last, n):
        tops[0] = max(tops[0], log_weights[i])
    largest = math.nan if nans else tops.max()
    if not abs(largest) < math.inf:
        return largest, 0.0, 0.0
    for i in range(n):
        weights[i] = exp_of_negative(log_weights[i] - largest)
    for start in range(0, last, _LANES):
        part = weights[start : start + _LANES]
        for k in range(_LANES):
            sums[k] += part[k]
            squares[k] += part[k] * part[k]
    for i in range(last, n):
        sums[0] += weights[i]
        squares[0] += weights[i] * weights[i]
    total = sums.sum()
    log_sum = largest + log(total)
    for i in range(n):
        weights[i] /= total
        log_weights[i] -= log_sum
    return largest, log_sum, total * total / squares.sum()


@compiled
def _moments(weights, x, mean, variance):
    """Mean and variance of each coordinate."""
    for a in range(x.shape[1]):
        even = odd = 0.0
        for i in range(0, weights.size - 1, 2):
            even += weights[i] * x[i, a]
            odd += weights[i + 1] * x[i + 1, a]
        if weights.size % 2:
            even += weights[-1] * x[-1, a]
        centre = even + odd
        even = odd = 0.0
        for i in range(0, weights.size - 1, 2):
            even += weights[i] * (x[i, a] - centre) ** 2
            odd += weights[i + 1] * (x[i + 1, a] - centre) ** 2
        if weights.size % 2:
            even += weights[-1] * (x[-1, a] - centre) ** 2
        mean[a], variance[a] = centre, even + odd
