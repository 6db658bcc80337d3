r"""Slice sampling: a uniform draw under the graph of the density, one direction after another.

R. M. Neal, "Slice sampling", Annals of Statistics 31 (2003). doi:10.1214/aos/1056562461
"""

import math
from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore._math import log
from labcore._validate import integer
from labcore.samplers.grammar import Info, Sampler, State, further_uniforms

__all__ = ["Info", "Slice", "State"]


@compiled(inline=True)
def _step(
    log_density,
    parameters,
    settings,
    factor,
    key,
    normals,
    log_uniform,
    position,
    value,
    gradient,
    momentum,
    work,
):
    """Neal's figures 3 and 5: stepping out and shrinkage, along each column of L."""
    d = position.size
    direction, x = work[0], work[1]
    pairs, evaluations = 0, 0
    for axis in range(d):
        for i in range(d):
            direction[i] = 0.0
        if factor.shape[0] == 1:
            direction[axis] = settings[0] * factor[0, axis]
        else:
            for i in range(axis, d):
                direction[i] = settings[0] * factor[i, axis]
        u, v = further_uniforms(key, pairs)
        left, _ = further_uniforms(key, pairs + 1)
        pairs += 2
        level = value + log(u)
        low, high = -left, 1.0 - left
        to_the_left = int(settings[1] * v)
        for side in range(2):
            steps = to_the_left if side == 0 else int(settings[1]) - 1 - to_the_left
            while steps > 0:
                t = low if side == 0 else high
                for i in range(d):
                    x[i] = position[i] + t * direction[i]
                evaluations += 1
                if not log_density(x, parameters, gradient) > level:
                    break
                steps -= 1
                if side == 0:
                    low -= 1.0
                else:
                    high += 1.0
        second = 0.0
        draws = 0
        while True:
            if draws % 2 == 0:
                u, second = further_uniforms(key, pairs)
                pairs += 1
            else:
                u = second
            draws += 1
            t = low + u * (high - low)
            for i in range(d):
                x[i] = position[i] + t * direction[i]
            proposal_value = log_density(x, parameters, gradient)
            evaluations += 1
            # With equality it ends, as the interval shrinks to t = 0, whatever the density.
            if level <= proposal_value < np.inf:
                break
            if t < 0.0:
                low = t
            else:
                high = t
        value = proposal_value
        for i in range(d):
            position[i] = x[i]
    return value, 0.0, True, False, math.nan, evaluations


@dataclass(frozen=True, eq=False)
class Slice(Sampler):
    r"""Slice sampling of one coordinate after another, with stepping out and shrinkage.

    For each coordinate: a level :math:`y \sim U(0, \pi(x))`; an interval of width w placed at
    random round x, extended by w at a time, up to `max_width` widths, until its ends lie below the
    level; then uniform draws from it, which shrink it to x while they lie below. A step is a sweep
    over all d coordinates. With a metric, widths are those of the coordinates; with a dense one the
    sweep goes along the columns of its Cholesky factor.

    It uses no gradient, nothing is rejected, and a width that is wrong by a factor of ten costs a
    few evaluations: about 3 log-densities a coordinate at best, more by :math:`\log_2` of a width
    that is too large and in proportion to one that is too small. It is exact for any width. Where
    coordinates are correlated it needs many sweeps, as Gibbs sampling does.

    Parameters
    ----------
    step_size : float
        w, the width of the first interval: about a standard deviation or two.
    max_width : int, default 100
        The most widths that an interval is extended to.
    metric : array_like, shape (d,) or (d, d), optional
        Variances or covariance that give each direction its length (default: the identity).

    Examples
    --------
    >>> from labcore.samplers import Slice, gaussian, sample
    >>> chains = sample(Slice(2.0), gaussian([1.0, 4.0]), 5000, rng=1)
    >>> chains.samples.var(axis=(0, 1)).round(1).tolist()
    [1.0, 4.0]
    """

    max_width: int = 100
    metric: np.ndarray | None = None

    loop = staticmethod(_step)
    work_rows = 3

    def __post_init__(self) -> None:
        super().__post_init__()
        integer("max_width", self.max_width, least=1)

    @property
    def evaluations(self) -> None:
        """None: the number of evaluations varies; `Chains.evaluations` has it."""
        return None

    def settings(self) -> np.ndarray:
        """What the loop is told: the width, and how many at most."""
        return np.array([self.step_size, self.max_width])
