r"""Adam: stochastic gradient descent with a step size for each parameter; and rates that change.

D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015. arXiv:1412.6980

I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019. arXiv:1711.05101
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore._math import squared_length
from labcore._validate import integer, non_negative, positive, real

Rate = Callable[[int], float]


class AdamState(NamedTuple):
    """Parameters, and what Adam remembers of their gradients.

    Parameters
    ----------
    parameters, mean, square : ndarray, shape (n,)
        The parameters, and running means of their gradients and of the squares of these.
    step : int
        How many steps were made.
    """

    parameters: np.ndarray
    mean: np.ndarray
    square: np.ndarray
    step: int


@compiled
def clip(gradient, longest):
    """Make the gradient no longer than `longest`; how long it was."""
    length = math.sqrt(squared_length(gradient))
    if length > longest:
        factor = longest / length
        for i in range(gradient.size):
            gradient[i] *= factor
    return length


@compiled
def adam_step(p, mean, square, gradient, settings):
    """One step, in place; `settings` as `Adam.settings` says."""
    b1, c1, b2, c2, rate, unbias, epsilon, decay = settings
    for i in range(p.size):
        g = gradient[i]
        mean[i] = b1 * mean[i] + c1 * g
        square[i] = b2 * square[i] + c2 * g * g
        p[i] -= rate * mean[i] / (math.sqrt(unbias * square[i]) + epsilon) + decay * p[i]


@dataclass(frozen=True)
class Adam:
    r"""Adam, with decoupled weight decay (AdamW) and clipping of the gradient.

    Step t = 1, 2, ... with the gradient g is

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1) g, \qquad
        u \leftarrow \beta_2 u + (1 - \beta_2) g^2, \\
        \theta &\leftarrow \theta - \eta_t \left(\frac{m / (1 - \beta_1^t)}
            {\sqrt{u / (1 - \beta_2^t)} + \epsilon} + \lambda \theta\right).

    Parameters
    ----------
    rate : float or callable, default 1e-3
        :math:`\eta`; or a function of the number of steps that were made before, such as `cosine`.
    betas : tuple of two floats, default (0.9, 0.999)
        :math:`\beta_1` and :math:`\beta_2`, from 0 up to below 1.
    epsilon : float, default 1e-8
    decay : float, default 0
        :math:`\lambda`.
    clip : float, optional
        A gradient that is longer (in the Euclidean norm) is made as long as this.

    Raises
    ------
    ValueError
        If a number is out of range, or a rate is negative when its step comes.

    Notes
    -----
    A parameter moves by about :math:`\eta` a step whatever the size of its gradient: the rate, not
    the scale of the loss, says how far. Near a minimum it does not settle while the rate stays as
    it is. There are convex problems on which it does not converge, when rare large gradients carry
    the information.

    Examples
    --------
    >>> import numpy as np
    >>> adam = Adam(rate=0.1)
    >>> state = adam.start([3.0, -1.0])
    >>> for _ in range(500):
    ...     state = adam.update(state, 2 * state.parameters)  # the gradient of |x|^2
    >>> bool(np.abs(state.parameters).max() < 1e-3), state.step
    (True, 500)
    """

    rate: float | Rate = 1e-3
    betas: tuple[float, float] = (0.9, 0.999)
    epsilon: float = 1e-8
    decay: float = 0.0
    clip: float | None = None

    def __post_init__(self) -> None:
        if not callable(self.rate):
            non_negative("rate", self.rate)
        if len(self.betas) != 2:
            raise ValueError(f"betas must be two numbers, got {self.betas!r}")
        for i, beta in enumerate(self.betas):
            if not 0.0 <= real(f"betas[{i}]", beta) < 1.0:
                raise ValueError(f"betas[{i}] must be from 0 up to below 1, got {beta:g}")
        positive("epsilon", self.epsilon)
        non_negative("decay", self.decay)
        if self.clip is not None:
            positive("clip", self.clip)

    @property
    def longest(self) -> float:
        """The length to which gradients are clipped: infinite without clipping."""
        return math.inf if self.clip is None else self.clip

    def settings(self, step: int, dtype: np.dtype) -> tuple:
        r"""What the loop is told at a step: :math:`\beta_1, 1 - \beta_1, \beta_2, 1 - \beta_2`,
        :math:`\eta / (1 - \beta_1^t)`, :math:`1 / (1 - \beta_2^t)`, :math:`\epsilon` and
        :math:`\eta \lambda`, with t = `step` + 1.
        """
        rate = non_negative(f"rate({step})", self.rate(step)) if callable(self.rate) else self.rate
        b1, b2 = self.betas
        settings = (
            *(b1, 1.0 - b1, b2, 1.0 - b2),
            *(rate / (1.0 - b1 ** (step + 1)), 1.0 / (1.0 - b2 ** (step + 1))),
            *(self.epsilon, rate * self.decay),
        )
        return tuple(map(np.dtype(dtype).type, settings))

    def start(self, parameters: np.ndarray) -> AdamState:
        """The state before the first step: the means are 0. It has a copy of the parameters."""
        p = np.array(parameters)
        if p.dtype not in (np.float32, np.float64) or p.ndim != 1 or not np.isfinite(p).all():
            raise ValueError(
                "parameters must be finite float32 or float64 numbers of shape (n,), got "
                f"{p.dtype} of shape {p.shape}"
            )
        return AdamState(p, np.zeros_like(p), np.zeros_like(p), 0)

    def update(self, state: AdamState, gradient: np.ndarray) -> AdamState:
        """The state after one more step; the one given is left as it is."""
        p, mean, square = (part.copy() for part in state[:3])
        g = np.array(gradient, p.dtype)
        if g.shape != p.shape or not np.isfinite(g).all():
            raise ValueError(f"gradient must be finite numbers of shape {p.shape}, got {g}")
        clip(g, self.longest)
        adam_step(p, mean, square, g, self.settings(state.step, p.dtype))
        return AdamState(p, mean, square, state.step + 1)


class Cosine(NamedTuple):
    """A rate that rises and falls. Made by `cosine`; call it with the number of a step."""

    peak: float
    n_steps: int
    warmup: int
    last: float

    def __call__(self, step: int) -> float:
        if step < self.warmup:
            return self.peak * (step + 1) / self.warmup
        done = min(1.0, (step - self.warmup) / max(1, self.n_steps - self.warmup))
        return self.last + 0.5 * (self.peak - self.last) * (1.0 + math.cos(math.pi * done))


def cosine(peak: float, n_steps: int, *, warmup: int = 0, last: float = 0.0) -> Cosine:
    r"""A rate that rises on a line to its peak and falls on half a cosine.

    .. math:: \eta(k) = \eta_{peak} \frac{k + 1}{w} \quad (k < w), \qquad
        \eta(k) = \eta_{last} + \frac{\eta_{peak} - \eta_{last}}{2}
            \left(1 + \cos \pi \frac{k - w}{n - w}\right) \quad (w \le k \le n).

    Parameters
    ----------
    peak : float
    n_steps : int
        n, when the fall ends. After it the rate stays at `last`.
    warmup : int, default 0
        w, the steps of the rise. The first steps of Adam go by the signs of very few gradients;
        small ones do less harm.
    last : float, default 0

    Returns
    -------
    Cosine

    Raises
    ------
    ValueError
        If a rate is negative, or the warm-up longer than everything.

    References
    ----------
    I. Loshchilov, F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017,
    equation 5. arXiv:1608.03983

    Examples
    --------
    >>> rate = cosine(1e-2, 1000, warmup=10)
    >>> [round(rate(step), 6) for step in (0, 9, 505, 1000)]
    [0.001, 0.01, 0.005, 0.0]
    """
    n_steps, warmup = integer("n_steps", n_steps, least=1), integer("warmup", warmup)
    if warmup > n_steps:
        raise ValueError(f"warmup must be at most n_steps = {n_steps}, got {warmup}")
    return Cosine(non_negative("peak", peak), n_steps, warmup, non_negative("last", last))
