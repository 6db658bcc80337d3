r"""Hawkes processes with general delays: simulation by clusters, and a fit on a grid of times.

G. Staerman, C. Allain, A. Gramfort, T. Moreau, "FaDIn: Fast discretized inference for Hawkes
processes with general parametric kernels", ICML 2023. arXiv:2210.04635
"""

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from labcore import _validate as validate
from labcore import random
from labcore.processes.delays import Delay
from labcore.processes.events import Events, checked, merged_events
from labcore.processes.hawkes import Hawkes

_GENERATIONS = 10_000


class DiscretisedFit(NamedTuple):
    """A Hawkes process with general delays: ``delays[i][j]`` from an event of j to one of i."""

    baseline: np.ndarray
    adjacency: np.ndarray
    delays: tuple[tuple[Delay, ...], ...]
    loss: float


def simulate_clusters(
    baseline: np.ndarray,
    adjacency: np.ndarray,
    delays: Delay | Sequence[Sequence[Delay]],
    end: float,
    *,
    rng: int | np.random.Generator | None = None,
) -> Events:
    r"""Events on [0, end] of a Hawkes process with any delays, as a forest of clusters.

    Events that none causes form a Poisson process with the rates :math:`\mu`. Each event of
    component j causes :math:`\mathrm{Poisson}(A_{ij})` events of i, with independent delays of the
    density :math:`f_{ij}`: the intensities are
    :math:`\lambda_i(t) = \mu_i + \sum_{t_k < t} A_{i c_k} f_{i c_k}(t - t_k)`.

    Parameters
    ----------
    baseline : array_like, shape (d,)
    adjacency : array_like, shape (d, d)
    delays : Delay, or d sequences of d of them
        ``delays[i][j]``, or one for all pairs.
    end : float
    rng : int, numpy.random.Generator or None
        The seed.

    Returns
    -------
    Events

    Raises
    ------
    ValueError, TypeError
        If the process is not stable, or an argument out of its range.

    Notes
    -----
    Time O(n). Exact in law, with nothing before 0. The nearer the spectral radius to 1, the more
    generations there are.

    References
    ----------
    A. G. Hawkes, D. Oakes, "A cluster process representation of a self-exciting process", Journal
    of Applied Probability 11 (1974). doi:10.2307/3212693

    Examples
    --------
    >>> from labcore.processes import Kumaraswamy
    >>> events = simulate_clusters([1.0], [[0.5]], Kumaraswamy(2.0, 3.0, 1.0), 1000.0, rng=1)
    >>> bool(abs(len(events.times) - 2000) < 300)
    True
    """
    process = Hawkes(baseline, adjacency, 1.0)  # checks them
    process.mean_intensity()  # refuses what is not stable
    d, end, seed = len(process.baseline), validate.positive("end", end), random.seed_from(rng)
    laws = _laws(delays, d)
    streams = iter(range(2 * d + 2 * d * d * _GENERATIONS))

    def uniform(n: int) -> np.ndarray:
        return random.uniform(n, rng=int(seed), stream=next(streams))

    def poisson(mean: float, n: int) -> np.ndarray:
        return random.poisson(mean, n, rng=int(seed), stream=next(streams))

    newest = [end * uniform(int(poisson(rate * end, 1)[0])) for rate in process.baseline]
    found = [[times] for times in newest]
    while any(len(times) for times in newest):
        children = []
        for i in range(d):
            born = [np.empty(0)]
            for j in range(d):
                numbers = poisson(process.adjacency[i, j], len(newest[j]))
                parents = np.repeat(newest[j], numbers)
                born.append(parents + laws[i][j].quantile(uniform(len(parents))))
            together = np.concatenate(born)
            children.append(together[together <= end])
            found[i].append(children[i])
        newest = children
    return merged_events([np.concatenate(times) for times in found], end)


def fit_discretised_hawkes(
    events: Events, d: int, delays: Delay | Sequence[Sequence[Delay]], *, step: float
) -> DiscretisedFit:
    r"""Fit baselines, adjacency and delays by least squares on a grid (FaDIn).

    Events are moved to the nearest of the times :math:`s \Delta`; with their numbers
    :math:`z_j[s]`, the intensities are
    :math:`\lambda_i[s] = \mu_i + \sum_j A_{ij} \sum_{\tau=1}^{W/\Delta} f_{ij}(\tau\Delta)\,
    z_j[s - \tau]`, and the loss, divided by the number of events, is

    .. math:: \sum_i \Big( \Delta \sum_s \lambda_i[s]^2 - 2 \sum_s z_i[s]\, \lambda_i[s] \Big).

    All sums over events are taken once, before the search: then the loss and its gradient cost
    :math:`(d W / \Delta)^2` operations for each i, however many events there are.

    Parameters
    ----------
    events : Events
    d : int
        The number of components.
    delays : Delay, or d sequences of d of them
        Where the search begins; all of one support W.
    step : float
        :math:`\Delta`, at most W / 2.

    Returns
    -------
    DiscretisedFit

    Raises
    ------
    ValueError, TypeError
        If supports differ, `step` is too large, or a component has no events.

    Warns
    -----
    RuntimeWarning
        If a search (L-BFGS-B) has not converged.

    Notes
    -----
    The grid biases estimates by O(:math:`\Delta`), as delays below :math:`\Delta / 2` are lost:
    take it far below the width of the delays. The loss is not convex in the parameters of the
    delays: a beginning far from all of them may end in a local minimum. Unlike in the reference,
    the sums are exact at the end of the interval too. Memory for :math:`(d W / \Delta)^2` numbers.

    Examples
    --------
    >>> from labcore.processes import TruncatedGaussian
    >>> law = TruncatedGaussian(0.5, 0.1, 1.0)
    >>> events = simulate_clusters([1.0], [[0.6]], law, 2000.0, rng=1)
    >>> fit = fit_discretised_hawkes(events, 1, TruncatedGaussian(0.3, 0.3, 1.0), step=0.02)
    >>> bool(abs(fit.delays[0][0].mean - 0.5) < 0.02 and abs(fit.adjacency[0, 0] - 0.6) < 0.1)
    True
    """
    d, step = validate.integer("d", d, 1), validate.positive("step", step)
    events, laws = checked(events, d), _laws(delays, d)
    support = laws[0][0].support
    if any(law.support != support for row in laws for law in row):
        raise ValueError("delays must have one support")
    if step > 0.5 * support:
        raise ValueError(f"step must be at most half the support, {0.5 * support:g}, got {step:g}")
    if not np.bincount(events.components, minlength=d).all():
        raise ValueError(f"events must include each of {d} components")
    sums = precomputed(events, d, step, round(support / step))
    rows = [_fit_row(sums, i, laws[i], step) for i in range(d)]
    baseline, adjacency, fitted, losses = zip(*rows, strict=True)
    return DiscretisedFit(np.array(baseline), np.array(adjacency), fitted, float(sum(losses)))


class Sums(NamedTuple):
    """What the loss needs of the events, on a grid of `size` times; (j, lag) are flattened."""

    size: int
    counts: np.ndarray  # (d,)
    before: np.ndarray  # (d * lags,): how many events of j come lag steps before a time of the grid
    pairs: np.ndarray  # (d, d * lags): how often one of j comes lag steps before one of i
    gram: np.ndarray  # (d * lags, d * lags): sum over s of z_j[s - lag] z_k[s - other lag]


def precomputed(events: Events, d: int, step: float, lags: int) -> Sums:
    """The sums over all events, by one correlation for each pair of components."""
    from scipy.linalg import toeplitz
    from scipy.signal import correlate

    size = round(events.end / step) + 1
    z = np.zeros((d, size))
    np.add.at(z, (events.components, np.rint(events.times / step).astype(int)), 1.0)
    padded = np.concatenate([np.zeros((d, lags)), z, np.zeros((d, lags))], axis=1)
    before = np.cumsum(padded, axis=1)[:, size - 1 : size - 1 + lags][:, ::-1]
    pairs, gram = np.empty((d, d, lags)), np.empty((d, lags, d, lags))
    # Rows s = size, ... of z_j[s - lag]: the responses after the end, which do not count.
    after = np.empty((lags, d, lags))
    for lag in range(1, lags + 1):
        start = lags + size - lag
        after[:, :, lag - 1] = padded[:, start : start + lags].T
    for j in range(d):
        for k in range(d):
            full = np.rint(correlate(z[k], z[j], mode="full", method="fft"))
            centre = size - 1  # full[centre + lag] = sum over u of z_k[u + lag] z_j[u]
            ends = np.zeros(2 * lags + 1)
            reach = min(lags, size - 1)
            ends[lags - reach : lags + reach + 1] = full[centre - reach : centre + reach + 1]
            pairs[k, j] = ends[lags + 1 :]
            gram[j, :, k, :] = toeplitz(ends[lags : 2 * lags], ends[lags:0:-1])
    n = d * lags
    after = after.reshape(lags, n)
    return Sums(
        size,
        z.sum(axis=1),
        np.ascontiguousarray(before).reshape(n),
        pairs.reshape(d, n),
        gram.reshape(n, n) - after.T @ after,
    )


def row_loss(sums: Sums, i: int, mu: float, v: np.ndarray, step: float):
    """The part of the loss of component i with the kernels v, and its derivatives in mu and v."""
    smooth = sums.gram @ v
    square = sums.size * mu * mu + 2.0 * mu * (sums.before @ v) + v @ smooth
    value = step * square - 2.0 * (mu * sums.counts[i] + sums.pairs[i] @ v)
    in_mu = 2.0 * step * (sums.size * mu + sums.before @ v) - 2.0 * sums.counts[i]
    return value, in_mu, 2.0 * step * (mu * sums.before + smooth) - 2.0 * sums.pairs[i]


def _fit_row(sums: Sums, i: int, laws: Sequence[Delay], step: float):
    from scipy.optimize import minimize

    d, n = len(laws), sums.counts.sum()
    t = step * np.arange(1, sums.before.size // d + 1)
    ends = np.cumsum([0, *(len(law.parameters) for law in laws)]) + 1 + d
    rate = sums.counts[i] / (sums.size * step)

    def unpacked(theta):
        parts = [
            law.with_parameters(theta[a:b])
            for law, a, b in zip(laws, ends[:-1], ends[1:], strict=True)
        ]
        return theta[0] * rate, theta[1 : 1 + d], parts

    def loss(theta):
        mu, weights, parts = unpacked(theta)
        densities = np.array([law.density(t) for law in parts])
        value, in_mu, in_v = row_loss(sums, i, mu, (weights[:, None] * densities).ravel(), step)
        in_v = in_v.reshape(d, -1)
        inner = [weights[j] * (law.density_gradient(t) @ in_v[j]) for j, law in enumerate(parts)]
        gradient = np.concatenate([[in_mu * rate], (densities * in_v).sum(axis=1), *inner])
        return value / n, gradient / n

    start = np.concatenate([[0.5], np.full(d, 0.5 / d), *(law.parameters for law in laws)])
    bounds = [(0.0, None)] * (1 + d) + [bound for law in laws for bound in law.bounds()]
    options = {"maxiter": 2000, "ftol": 1e-11, "gtol": 1e-7}
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)
    if not found.success:
        warnings.warn(f"the fit has not converged: {found.message}", RuntimeWarning, stacklevel=3)
    mu, weights, parts = unpacked(found.x)
    return mu, weights, tuple(parts), found.fun


def _laws(delays: Delay | Sequence[Sequence[Delay]], d: int) -> list[list[Delay]]:
    laws = [[delays] * d] * d if isinstance(delays, Delay) else [list(row) for row in delays]
    if [len(row) for row in laws] != [d] * d or not all(
        isinstance(law, Delay) for row in laws for law in row
    ):
        raise TypeError(f"delays must be a Delay, or {d} sequences of {d}, got {delays!r}")
    return laws
