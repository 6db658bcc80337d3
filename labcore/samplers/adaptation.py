r"""Warm-up: learn a sampler's step size and metric while its chains find the target.

Step sizes by the dual averaging of M. D. Hoffman and A. Gelman, "The No-U-Turn sampler", JMLR 15
(2014), arXiv:1111.4246, section 3.2; metrics over windows that double, as in Stan (Reference
manual, "Hamiltonian Monte Carlo sampling").
"""

import warnings
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from tqdm.auto import tqdm

from labcore._validate import integer, positive
from labcore.samplers.chains import Chains, Machine, collect
from labcore.samplers.grammar import Sampler
from labcore.samplers.targets import Target

# The steps of warm-up have numbers that no sampling uses, so that the same seed serves both.
_FIRST_INDEX = 2**31
_PROBE_STREAM = 2**60
_SETTLE, _FIRST_WINDOW, _LAST = 75, 25, 50  # steps: Stan's
_METRICS = ("diagonal", "dense", None)


class Warmup(NamedTuple):
    """What warm-up leaves.

    Parameters
    ----------
    sampler : Sampler
        The sampler with the step size and the metric that were learnt.
    position : ndarray, shape (n_chains, d)
        Where the chains are.
    chains : Chains
        The steps of the warm-up: no sample, but a picture of how it went.
    """

    sampler: Sampler
    position: np.ndarray
    chains: Chains


def warmup(
    sampler: Sampler,
    target: Target,
    n_steps: int = 500,
    *,
    start=None,
    n_chains: int = 4,
    target_acceptance: float | None = None,
    metric: str | None = "diagonal",
    rng: int | np.random.Generator | None = None,
    n_threads: int | None = None,
    progress: bool = True,
) -> Warmup:
    r"""Learn a sampler's step size and metric.

    After each step, each chain's log step size is set to

    .. math:: \log \varepsilon_{t+1} = \mu - \frac{\sqrt t}{0.05} \bar H_t, \qquad
       \bar H_t = \bar H_{t-1} + \frac{(\delta - \alpha_t) - \bar H_{t-1}}{t + 10},

    :math:`\alpha_t` being the step's acceptance probability, :math:`\delta` the one wanted and
    :math:`\mu = \log 10 \varepsilon_0`. What counts in the end is an average of :math:`\log
    \varepsilon_t` with weights that favour the last steps, and over the chains. The metric is the
    mean over chains of their variances in a window, shrunk towards :math:`10^{-3}` by five draws'
    worth: :math:`\tfrac{n}{n + 5} \Sigma + \tfrac{5}{n + 5} 10^{-3} I`. Windows are of 25, 50, 100,
    ... steps, after 75 to settle and before 50 for the step size alone; of fewer than 150 steps, a
    part of 0.15 settles, and 0.1 comes last. All chains end with one and the same sampler.

    Parameters
    ----------
    sampler : Sampler
        Where to begin; its kind is kept. A first guess of the step size is made by halving or
        doubling it until the mean acceptance of one step (of one leapfrog step, for HMC and NUTS)
        crosses :math:`\delta`.
    target : Target
        What will be sampled.
    n_steps : int, default 500
        Steps of each chain.
    start, n_chains, rng, n_threads, progress
        As in `sample`.
    target_acceptance : float, optional
        :math:`\delta`, between 0 and 1 (default: the sampler's: 0.234 for `Metropolis`, 0.574 for
        `MALA`, 0.8 for `HMC` and `NUTS`). Nearer to 1 for fewer divergences.
    metric : {"diagonal", "dense", None}, default "diagonal"
        Learn variances, or a covariance (for no more than some hundred dimensions: each gradient
        then costs :math:`2 d^2` operations more), or keep the sampler's metric.

    Returns
    -------
    Warmup
        With the same seed, ``sample(w.sampler, target, n, start=w.position)`` goes on as
        ``sample(..., tune=n_steps)`` does. Interrupted (Ctrl-C), it warns and returns what it
        knows.

    Raises
    ------
    ValueError
        If the sampler has no acceptance to tune by (`ULA`, `Langevin`, `Slice`), if the log-density
        is not finite where a chain begins, or if no step size is accepted: the gradient is not that
        of the log-density then, or is nan.

    Notes
    -----
    The acceptance that results is above :math:`\delta` by up to 0.15: at an average step size it is
    higher than the average over the step sizes that were tried.

    It fails where no single step size or metric fits: funnels, and modes of different shape. Chains
    that have not found the bulk of the target in time leave a metric of where they were.

    Examples
    --------
    >>> from labcore.samplers import HMC, gaussian, sample, warmup
    >>> target = gaussian([1.0, 100.0])
    >>> warm = warmup(HMC(0.1, 5), target, 400, rng=1)
    >>> (warm.sampler.metric.round(-1) + 0.0).tolist()
    [0.0, 90.0]
    >>> chains = sample(warm.sampler, target, 1000, start=warm.position, rng=1)
    """
    n_steps = integer("n_steps", n_steps, least=1)
    if sampler.target_acceptance is None:
        raise ValueError(
            f"sampler must have an acceptance to be tuned by, got {type(sampler).__name__}"
        )
    wanted = positive("target_acceptance", target_acceptance or sampler.target_acceptance)
    if wanted >= 1.0:
        raise ValueError(f"target_acceptance must be between 0 and 1, got {wanted:g}")
    if metric not in _METRICS:
        raise ValueError(f"metric must be 'diagonal', 'dense' or None, got {metric!r}")
    machine = Machine(target, start, n_chains, rng, n_threads)
    with tqdm(total=n_steps, unit="steps", desc="warm-up", delay=2.0, disable=not progress) as bar:
        return _warm_up(machine, sampler, n_steps, wanted, metric, bar.update)


def _warm_up(machine: Machine, sampler, n_steps, wanted, metric, advanced) -> Warmup:
    sampler = _first_guess(machine, sampler, wanted)
    windows = _windows(n_steps) if metric else [(n_steps, 0)]
    parts, done = [], 0
    for length, used in windows:
        averaging = np.zeros((machine.n_chains, 5))
        averaging[:, 3:] = np.log(10.0 * sampler.step_size), wanted
        before = machine.state.position.copy()
        record, complete = machine.run(
            sampler, _FIRST_INDEX + done, length, advanced, averaging=averaging
        )
        done += complete
        parts.append(collect(record, complete, sampler))
        if complete < length:
            position = record.samples[:, complete - 1] if complete else before
            warnings.warn(f"interrupted after {done} of {n_steps} steps of warm-up", stacklevel=4)
            break
        position = machine.state.position.copy()
        sampler = replace(sampler, step_size=float(np.exp(averaging[:, 2].mean())))
        if used:
            sampler = replace(sampler, metric=_estimate(record.samples[:, -used:], metric))
            sampler = _first_guess(machine, sampler, wanted)
    arrays = [np.concatenate(field, axis=1) for field in zip(*(p[:-1] for p in parts), strict=True)]
    return Warmup(sampler, position, Chains(*arrays, sampler))


def _windows(n_steps: int) -> list[tuple[int, int]]:
    """Lengths of windows, and how many of its last steps each one's metric is learnt from."""
    settle, last = _SETTLE, _LAST
    if n_steps < settle + _FIRST_WINDOW + last:
        settle, last = int(0.15 * n_steps), int(0.1 * n_steps)
    left = n_steps - settle - last
    lengths = []
    while left > 0:
        length = min(_FIRST_WINDOW * 2 ** len(lengths), left)
        if left - length < 2 * length:  # what is left would not fill the next
            length = left
        lengths.append(length)
        left -= length
    windows = [(n, n) for n in lengths]
    windows[0] = (settle + lengths[0], lengths[0])
    return windows + [(last, 0)] * (last > 0)


def _estimate(samples: np.ndarray, metric: str) -> np.ndarray:
    """The metric of a window's samples, shape (n_chains, n, d)."""
    n = samples.shape[0] * samples.shape[1]
    deviations = samples - samples.mean(axis=1, keepdims=True)
    freedom = max(n - samples.shape[0], 1)
    if metric == "dense":
        flat = deviations.reshape(n, -1)
        covariance, prior = flat.T @ flat / freedom, 1e-3 * np.eye(flat.shape[1])
    else:
        covariance, prior = (deviations**2).sum(axis=(0, 1)) / freedom, 1e-3
    return n / (n + 5.0) * covariance + 5.0 / (n + 5.0) * prior


def _first_guess(machine: Machine, sampler: Sampler, wanted: float) -> Sampler:
    """The sampler with its step size halved or doubled until the acceptance crosses `wanted`."""

    def acceptance(step_size: float) -> float:
        state, probe = machine.state, replace(sampler, step_size=step_size).probe()
        machine.state = type(state)(*(x.copy() for x in state))
        record, _ = machine.run(probe, 0, 1, lambda _: None, first_stream=_PROBE_STREAM)
        machine.state = state
        return float(collect(record, 1, probe).acceptance.mean())

    step_size = sampler.step_size
    grow = acceptance(step_size) > wanted
    while 1e-12 < step_size < 1e12:
        step_size *= 2.0 if grow else 0.5
        if (acceptance(step_size) > wanted) != grow:
            return replace(sampler, step_size=step_size)
    reason = "every step is accepted" if grow else "no step is accepted, however small"
    raise ValueError(
        f"target {machine.target.name!r} has no step size to find: {reason}. Is it a proper "
        "density, and its gradient right (see gradient_error)?"
    )
