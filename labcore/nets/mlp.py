r"""Multilayer perceptrons: values, derivatives and divergences, compiled.

.. math:: f(x) = W_L^\top \sigma(\dots \sigma(W_1^\top x + b_1) \dots) + b_L
"""

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numba import get_num_threads, uint64

from labcore._compile import compiled
from labcore._validate import integer, points
from labcore.nets._layers import (
    LANES,
    along,
    backward,
    forward,
    load,
    number_of_groups,
    unload,
    workspace,
)
from labcore.nets.activations import ACTIVATIONS
from labcore.random import bits_at, normal, seed_from

_WORTH_A_THREAD = 3e6  # multiplications: what takes a good deal longer than starting a thread


class Pullback(NamedTuple):
    r"""Values, and the gradient of :math:`\sum_i c_i \cdot f(x_i)`.

    Parameters
    ----------
    values : ndarray, shape (n, q)
        :math:`f(x_i)`.
    inputs : ndarray, shape (n, p)
        The gradient by each input.
    parameters : ndarray, shape (n_parameters,)
        The gradient by the parameters.
    """

    values: np.ndarray
    inputs: np.ndarray
    parameters: np.ndarray


class Pushforward(NamedTuple):
    r"""Values, and derivatives in one direction at each point.

    Parameters
    ----------
    values : ndarray, shape (n, q)
        :math:`f(x_i)`.
    tangents : ndarray, shape (n, q)
        :math:`Df(x_i)\,u_i`.
    """

    values: np.ndarray
    tangents: np.ndarray


@compiled
def _evaluate(sizes, activation, p, work, x, out, group):
    units, slopes = work.units[group], work.slopes[group]
    bias = p[sizes[0] * sizes[1] :]
    for tile in range(group, (len(x) + LANES - 1) // LANES, len(work.units)):
        load(x, tile, units[0])
        forward(sizes, activation, p, bias, 0, units, slopes, False)
        unload(units[sizes.size - 1], tile, out)


@compiled
def _pull_back(sizes, activation, p, work, x, cotangents, values, inputs, gradients, group):
    units, slopes, deltas = work.units[group], work.slopes[group], work.deltas[group]
    bias = p[sizes[0] * sizes[1] :]
    for tile in range(group, (len(x) + LANES - 1) // LANES, len(work.units)):
        load(x, tile, units[0])
        forward(sizes, activation, p, bias, 0, units, slopes, True)
        unload(units[sizes.size - 1], tile, values)
        load(cotangents, tile, deltas[0])
        gradient, transposed = gradients[group], work.transposed[group]
        end = backward(sizes, p, units, slopes, deltas, transposed, gradient, True)
        unload(deltas[end], tile, inputs)


@compiled
def _push_forward(sizes, activation, p, work, x, directions, values, tangents, group):
    units, slopes, deltas = work.units[group], work.slopes[group], work.deltas[group]
    bias = p[sizes[0] * sizes[1] :]
    for tile in range(group, (len(x) + LANES - 1) // LANES, len(work.units)):
        load(x, tile, units[0])
        forward(sizes, activation, p, bias, 0, units, slopes, True)
        unload(units[sizes.size - 1], tile, values)
        load(directions, tile, deltas[0])
        end = along(sizes, p, 0, slopes, deltas)
        unload(deltas[end], tile, tangents)


@compiled
def _diverge(sizes, activation, p, work, x, n_probes, seed, out, group):
    """Without probes the trace of the Jacobian, else the mean of e^T J e over random signs e."""
    units, slopes, deltas = work.units[group], work.slopes[group], work.deltas[group]
    bias = p[sizes[0] * sizes[1] :]
    d = sizes[sizes.size - 1]
    probe = work.transposed[group].reshape(-1)[: d * LANES].reshape(d, LANES)
    for tile in range(group, (len(x) + LANES - 1) // LANES, len(work.units)):
        first = tile * LANES
        n = min(LANES, len(x) - first)
        load(x, tile, units[0])
        forward(sizes, activation, p, bias, 0, units, slopes, True)
        out[first : first + n] = 0.0
        for k in range(n_probes if n_probes else d):
            for i in range(d):
                for j in range(LANES):
                    probe[i, j] = 1.0 if i == k else 0.0
                    if n_probes:
                        sign = bits_at(seed, uint64(first + j), uint64(k * d + i)) & uint64(1)
                        probe[i, j] = 1.0 if sign else -1.0
                    deltas[0, i, j] = probe[i, j]
            end = along(sizes, p, sizes[0] - d, slopes, deltas)
            for i in range(d):
                for j in range(n):
                    out[first + j] += probe[i, j] * deltas[end, i, j]
        if n_probes:
            for j in range(n):
                out[first + j] /= n_probes


@dataclass(frozen=True, eq=False)
class Network:
    r"""A multilayer perceptron. Made by `mlp`; `train` returns another one with better parameters.

    Call it with points (n, p) for values (n, q), in the precision of its parameters. All its
    results are the same bits with any number of threads, and do not depend on which other points
    are given along.

    Parameters
    ----------
    sizes : tuple of int
        Numbers of inputs, of hidden units layer by layer, and of outputs.
    activation : str
        :math:`\sigma`, one of `ACTIVATIONS`; the last layer has none.
    parameters : ndarray of float32 or float64, shape (n_parameters,)
        For each layer its weights, of shape (n_in, n_out), and then its biases.
    trained : bool
        Whether a step of training was made: if not, the parameters are random.
    """

    sizes: tuple[int, ...]
    activation: str
    parameters: np.ndarray = field(repr=False)
    trained: bool = False

    @property
    def layers(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Views of each layer's weights, of shape (n_in, n_out), and biases, of shape (n_out,)."""
        views, first = [], 0
        for n_in, n_out in pairwise(self.sizes):
            weights = self.parameters[first : first + n_in * n_out].reshape(n_in, n_out)
            first += n_in * n_out + n_out
            views.append((weights, self.parameters[first - n_out : first]))
        return views

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """The values at n points, of shape (n, q)."""
        x = self._rows("x", x, self.sizes[0])
        out = np.empty((len(x), self.sizes[-1]), x.dtype)
        self._run(_evaluate, x, out)
        return out

    def vjp(self, x: np.ndarray, cotangents: np.ndarray) -> Pullback:
        r"""Vector-Jacobian products: the gradient of :math:`\sum_i c_i \cdot f(x_i)`.

        Costs three times as much as the values.

        Parameters
        ----------
        x : array_like, shape (n, p)
        cotangents : array_like, shape (n, q)
            :math:`c_i`.
        """
        x = self._rows("x", x, self.sizes[0])
        cotangents = self._rows("cotangents", cotangents, self.sizes[-1], len(x))
        values, inputs = np.empty_like(cotangents), np.empty_like(x)
        shape = (number_of_groups(len(x)), self.parameters.size)
        gradients = np.zeros(shape, x.dtype)
        self._run(_pull_back, x, cotangents, values, inputs, gradients)
        return Pullback(values, inputs, gradients.sum(axis=0))

    def jvp(self, x: np.ndarray, tangents: np.ndarray) -> Pushforward:
        r"""Jacobian-vector products :math:`Df(x_i)\,u_i`.

        Costs twice as much as the values.

        Parameters
        ----------
        x, tangents : array_like, shape (n, p)
            :math:`x_i` and :math:`u_i`.
        """
        x = self._rows("x", x, self.sizes[0])
        tangents = self._rows("tangents", tangents, self.sizes[0], len(x))
        values = np.empty((len(x), self.sizes[-1]), x.dtype)
        result = np.empty_like(values)
        self._run(_push_forward, x, tangents, values, result)
        return Pushforward(values, result)

    def divergence(
        self,
        x: np.ndarray,
        *,
        n_probes: int | None = None,
        rng: int | np.random.Generator | None = None,
    ) -> np.ndarray:
        r"""The divergence :math:`\sum_i \partial f_i / \partial x_i` by the last q inputs.

        Inputs before these, such as features of time, are held fixed.

        Parameters
        ----------
        x : array_like, shape (n, p)
        n_probes : int, optional
            Without it the result is exact, at the cost of q + 1 evaluations. With it the result is
            Hutchinson's estimate, the mean of :math:`\epsilon^\top J \epsilon` over so many vectors
            of random signs: unbiased, of variance
            :math:`\sum_{i < j} (J_{ij} + J_{ji})^2 / n_\mathrm{probes}`, at the cost of
            `n_probes` + 1 evaluations.
        rng : int, numpy.random.Generator or None
            The seed of the signs; point i has stream i.

        Returns
        -------
        ndarray, shape (n,)

        Raises
        ------
        ValueError
            If there are more outputs than inputs.
        """
        if self.sizes[-1] > self.sizes[0]:
            raise ValueError(
                f"a divergence needs at least as many inputs as outputs, got {self.sizes[0]} and "
                f"{self.sizes[-1]}"
            )
        n_probes = 0 if n_probes is None else integer("n_probes", n_probes, least=1)
        seed = seed_from(rng) if n_probes else np.uint64(0)
        x = self._rows("x", x, self.sizes[0])
        out = np.empty(len(x), x.dtype)
        self._run(_diverge, x, n_probes, seed, out)
        return out

    def _rows(self, name: str, value, columns: int, rows: int | None = None) -> np.ndarray:
        """`value` as points in the precision of the parameters, if it has the right shape."""
        value = points(name, value)
        if value.shape[1] != columns or (rows is not None and len(value) != rows):
            expected = f"({'n' if rows is None else rows}, {columns})"
            raise ValueError(f"{name} must have shape {expected}, got {value.shape}")
        return value.astype(self.parameters.dtype, copy=False)

    def _run(self, loop: Callable, x: np.ndarray, *arguments) -> None:
        """Call the loop for each group of tiles, in threads where that is worth it."""
        work = workspace(self.sizes, len(x), x.dtype)
        number = ACTIVATIONS.index(self.activation)
        sizes = np.array(self.sizes)
        task = partial(loop, sizes, number, self.parameters, work, x, *arguments)
        in_threads(task, len(work.units), len(x) * self.parameters.size)


def worthwhile_threads(n_tasks: int, multiplications: float) -> int:
    """How many threads so many tasks, with so much to do together, are worth."""
    return min(get_num_threads(), n_tasks, math.ceil(multiplications / _WORTH_A_THREAD))


def in_threads(task: Callable[[int], None], n_tasks: int, multiplications: float) -> None:
    """``task(0)``, ``task(1)``, ...: side by side if there is much to do."""
    n_threads = worthwhile_threads(n_tasks, multiplications)
    if n_threads <= 1:
        for i in range(n_tasks):
            task(i)
        return
    with ThreadPoolExecutor(n_threads) as threads:
        list(threads.map(task, range(n_tasks)))


def mlp(
    sizes: Sequence[int],
    *,
    activation: str = "silu",
    dtype: np.dtype | type = np.float32,
    rng: int | np.random.Generator | None = None,
) -> Network:
    r"""A multilayer perceptron with random parameters.

    .. math:: h_0 = x, \qquad h_l = \sigma(W_l^\top h_{l-1} + b_l), \qquad
        f(x) = W_L^\top h_{L-1} + b_L.

    The weights of a hidden layer are normal with variance :math:`c / n_\mathrm{in}`, which keeps
    the size of signals from layer to layer: :math:`c = 2` for ReLU (He) and SiLU, 1 for tanh
    (LeCun). Those of the last layer have variance :math:`1 / n_\mathrm{in}`, biases are 0.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of units of each hidden layer, and of outputs: ``[3, 64, 64, 2]``.
    activation : {"silu", "tanh", "relu"}
        SiLU and tanh are smooth, as velocities and their divergences should be; ReLU is the
        fastest, with a divergence that jumps.
    dtype : float32 or float64
        In single precision it is more than twice as fast, with errors of about 1e-6.
    rng : int, numpy.random.Generator or None
        The seed. Layer l draws from stream l.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If a size is below 1, there are fewer than two, or activation or dtype is not one of these.

    Notes
    -----
    A value costs one multiplication and addition for each weight. They are made for 128 samples
    side by side, so that one sample costs as much as 128. From depth 10 or so a plain perceptron is
    hard to train: signals and gradients drift apart from layer to layer.

    References
    ----------
    K. He, X. Zhang, S. Ren, J. Sun, "Delving deep into rectifiers", ICCV 2015, equation 10.
    arXiv:1502.01852

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.nets import mlp
    >>> network = mlp([2, 32, 1], rng=1)
    >>> network
    Network(sizes=(2, 32, 1), activation='silu', trained=False)
    >>> network(np.zeros((5, 2))).shape, network.parameters.size
    ((5, 1), 129)
    >>> network.vjp([[0.3, 0.1]], [[1.0]]).inputs.shape  # the gradient of the output
    (1, 2)
    """
    sizes = tuple(integer(f"sizes[{i}]", n, least=1) for i, n in enumerate(sizes))
    if len(sizes) < 2:
        raise ValueError(f"sizes must hold inputs and outputs at least, got {list(sizes)}")
    if activation not in ACTIVATIONS:
        raise ValueError(f"activation must be one of {ACTIVATIONS}, got {activation!r}")
    if np.dtype(dtype) not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {np.dtype(dtype)}")
    seed, parts = int(seed_from(rng)), []
    gain = 1.0 if activation == "tanh" else 2.0
    for l, (n_in, n_out) in enumerate(pairwise(sizes)):
        variance = (gain if l < len(sizes) - 2 else 1.0) / n_in
        parts += [math.sqrt(variance) * normal(n_in * n_out, rng=seed, stream=l), np.zeros(n_out)]
    return Network(sizes, activation, np.concatenate(parts).astype(dtype))
