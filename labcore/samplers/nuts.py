r"""NUTS: Hamiltonian Monte Carlo whose trajectories end where they turn back.

M. D. Hoffman, A. Gelman, "The No-U-Turn sampler", JMLR 15 (2014), arXiv:1111.4246; with the
multinomial choice and the criterion of M. Betancourt, "A conceptual introduction to Hamiltonian
Monte Carlo" (2017), arXiv:1701.02434, appendix A.
"""

from dataclasses import dataclass

import numpy as np

from labcore._compile import compiled
from labcore._math import exp, log, squared_length
from labcore._validate import integer
from labcore.samplers.grammar import (
    Info,
    Sampler,
    State,
    diverges,
    further_uniforms,
)
from labcore.samplers.hmc import HMC
from labcore.samplers.integrators import leapfrog_steps
from labcore.samplers.metrics import stretch_transposed

__all__ = ["NUTS", "Info", "State"]

_DEEPEST = 16
_FIRST_LEAF = 2 * _DEEPEST  # the further uniforms before are two for each doubling
_LARGEST = 700.0  # weights are at most exp of this, so that a sum of 2^16 does not overflow


@compiled(inline=True)
def turns_back(first, last, total):
    r"""The generalised U-turn criterion, on the momenta p of a piece of trajectory.

    Whether :math:`p_- \cdot \rho \le 0` or :math:`p_+ \cdot \rho \le 0`, with `first` :math:`p_-`,
    `last` :math:`p_+`, and :math:`\rho` their integral over time by the trapezoidal rule: the sum
    `total` of all momenta, the ends counted half.
    """
    n = first.size
    a0 = a1 = a2 = a3 = 0.0
    b0 = b1 = b2 = b3 = 0.0
    for i in range(0, n - 3, 4):  # four lanes: sums in one fixed order that can be vectorised
        c0 = total[i] - 0.5 * (first[i] + last[i])
        c1 = total[i + 1] - 0.5 * (first[i + 1] + last[i + 1])
        c2 = total[i + 2] - 0.5 * (first[i + 2] + last[i + 2])
        c3 = total[i + 3] - 0.5 * (first[i + 3] + last[i + 3])
        a0 += first[i] * c0
        a1 += first[i + 1] * c1
        a2 += first[i + 2] * c2
        a3 += first[i + 3] * c3
        b0 += last[i] * c0
        b1 += last[i + 1] * c1
        b2 += last[i + 2] * c2
        b3 += last[i + 3] * c3
    for i in range(n - n % 4, n):
        c0 = total[i] - 0.5 * (first[i] + last[i])
        a0 += first[i] * c0
        b0 += last[i] * c0
    return (a0 + a1) + (a2 + a3) <= 0.0 or (b0 + b1) + (b2 + b3) <= 0.0


@compiled(inline=True)
def _copy(source, target):
    for i in range(source.size):
        target[i] = source[i]


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
    """Double the trajectory, in a random direction, until it turns back.

    The half that is added is a balanced binary tree whose leaves come one after another. To test
    its subtrees without building them, the momentum at the first leaf of each that is still
    incomplete is kept, and the sum of those before: leaf n begins one if n is even, and its place
    is the number of ones in n / 2; an odd leaf ends as many subtrees as it has ones at its end.
    """
    d = position.size
    max_depth = int(settings[1])
    total, part, candidate, candidate_gradient = work[0], work[1], work[2], work[3]
    x, p, g, force = work[4], work[5], work[6], work[7]
    ends = work[8:14]  # position, momentum and force at the left end, and at the right
    firsts, sums = work[14 : 14 + max_depth], work[14 + max_depth : 14 + 2 * max_depth]
    stretch_transposed(factor, gradient, force)
    _copy(normals, momentum)
    _copy(normals, total)
    for end in (0, 3):
        _copy(position, ends[end])
        _copy(normals, ends[end + 1])
        _copy(force, ends[end + 2])
    energy = 0.5 * squared_length(normals) - value
    weight, acceptance, leaves = 1.0, 0.0, 0
    accepted, divergent, turned = False, False, False
    for depth in range(max_depth):
        u_direction, u_half = further_uniforms(key, depth)
        forward = u_direction < 0.5
        end = 3 if forward else 0
        step_size = settings[0] if forward else -settings[0]
        _copy(ends[end], x)
        _copy(ends[end + 1], p)
        _copy(ends[end + 2], force)
        for i in range(d):
            part[i] = 0.0
        part_weight, candidate_value = 0.0, value
        u, u_next = 0.0, 0.0
        for leaf in range(1 << depth):
            leaf_value = leapfrog_steps(
                log_density, parameters, step_size, 1, factor, x, p, g, force, value
            )
            leaves += 1
            log_weight = energy + leaf_value - 0.5 * squared_length(p)
            if diverges(log_weight) or not abs(leaf_value) < np.inf:
                divergent = True
                break
            leaf_weight = exp(min(log_weight, _LARGEST))
            acceptance += min(1.0, leaf_weight)
            part_weight += leaf_weight
            if leaf % 2 == 0:
                block = _FIRST_LEAF + ((1 << depth) + leaf) // 2
                u, u_next = further_uniforms(key, block)
            else:
                u = u_next
            if u * part_weight < leaf_weight:
                _copy(x, candidate)
                _copy(g, candidate_gradient)
                candidate_value = leaf_value
            place, ones = 0, leaf >> 1
            while ones:
                place += ones & 1
                ones >>= 1
            if leaf % 2 == 0:
                _copy(p, firsts[place])
                _copy(part, sums[place])
                for i in range(d):
                    part[i] += p[i]
            else:
                ending = leaf
                while ending & 1 and not turned:
                    for i in range(d):  # `g` has served: it holds the sum over the subtree
                        g[i] = (part[i] + p[i]) - sums[place, i]
                    turned = turns_back(firsts[place], p, g)
                    place -= 1
                    ending >>= 1
                if turned:
                    break
                for i in range(d):
                    part[i] += p[i]
        if divergent or turned:
            break
        if u_half * weight < part_weight:
            _copy(candidate, position)
            _copy(candidate_gradient, gradient)
            value = candidate_value
            accepted = True
        weight += part_weight
        _copy(x, ends[end])
        _copy(p, ends[end + 1])
        _copy(force, ends[end + 2])
        for i in range(d):
            total[i] += part[i]
        if turns_back(ends[1], ends[4], total):
            break
    log_ratio = log(acceptance / leaves) if acceptance > 0.0 else -np.inf
    return value, log_ratio, accepted, divergent, energy, leaves


@dataclass(frozen=True, eq=False)
class NUTS(Sampler):
    r"""The No-U-Turn sampler: Hamiltonian Monte Carlo that finds the length of its trajectories.

    A momentum :math:`p \sim N(0, I)` is drawn, and the trajectory through (x, p) is doubled,
    forwards or backwards in time at random, by `leapfrog` steps, until it or one of its balanced
    subtrees turns back (:math:`p_\pm \cdot \rho \le 0` for the momenta at its ends and their
    integral :math:`\rho`). The next state is one of the trajectory's, with weights :math:`e^{-H}`;
    later halves are preferred, by :math:`\min(1, W_\text{new} / W_\text{old})`. Nothing is rejected
    as a whole.

    A step costs up to :math:`2^\text{max depth} - 1` gradients; on a normal law about
    :math:`2 \sigma_\max / \varepsilon`, and twice or half that.

    It fails as HMC does: where curvature varies (a `funnel`), trajectories with a step size that
    fits elsewhere are unstable. They are counted in `Chains.divergent`, and near them samples are
    missing; no longer run brings them, but a smaller step or other coordinates may. It hardly ever
    changes between modes that are far apart, and says nothing of it.

    Parameters
    ----------
    step_size : float, default 0.1
        :math:`\varepsilon`, the time of one leapfrog step: where warm-up begins.
    max_depth : int, default 10
        Doublings at most, from 1 to 16.
    metric : array_like, shape (d,) or (d, d), optional
        The inverse of the mass matrix, an estimate of the target's variances or covariance
        (default: the identity; warm-up learns it).

    Examples
    --------
    >>> from labcore.samplers import NUTS, gaussian, sample
    >>> chains = sample(NUTS(), gaussian([1.0, 100.0]), 1000, tune=300, rng=1)
    >>> chains.samples.std(axis=(0, 1)).round(0).tolist(), int(chains.divergent.sum())
    ([1.0, 10.0], 0)
    """

    step_size: float = 0.1
    max_depth: int = 10
    metric: np.ndarray | None = None

    loop = staticmethod(_step)
    work_rows = 15  # and two for each doubling
    target_acceptance = 0.8
    has_energy = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if integer("max_depth", self.max_depth, least=1) > _DEEPEST:
            raise ValueError(f"max_depth must be at most {_DEEPEST}, got {self.max_depth}")

    @property
    def evaluations(self) -> None:
        """None: the number of gradients varies; `Chains.evaluations` has it."""
        return None

    def settings(self) -> np.ndarray:
        """What the loop is told: step size and number of doublings."""
        return np.array([self.step_size, self.max_depth])

    def workspace(self, dimension: int) -> np.ndarray:
        """Vectors for the loop to work in."""
        return np.empty((self.work_rows + 2 * self.max_depth, dimension))

    def probe(self) -> HMC:
        """A single leapfrog step: what the first guess of the step size is tried with."""
        return HMC(self.step_size, 1, self.metric)
