r"""Fields of an interpolant by neural networks: what they learn from, and flows along them.

A network sees features of time and then the point,

.. math:: (t, \sin 2\pi f_1 t, \cos 2\pi f_1 t, \dots, \sin 2\pi f_m t, \cos 2\pi f_m t, x),

and is trained (`labcore.nets.train`) on the regression problems of `labcore.interpolants.examples`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

import numpy as np
from numba import uint64

from labcore._compile import compiled
from labcore._validate import array, integer, points, real
from labcore.interpolants.between_mixtures import Draws
from labcore.interpolants.flow import EULER, HEUN, RK4, OdeMethod, one_way
from labcore.interpolants.objectives import fill, number_of
from labcore.interpolants.schedules import Schedule
from labcore.nets import ACTIVATIONS, Network
from labcore.nets._layers import LANES, forward, workspace
from labcore.nets.mlp import in_threads
from labcore.random import bits_at, seed_from, uniform

_TIME_STREAM = 5 << 60  # of a step's seed: not those of draws, nor those of couplings
# Runge-Kutta methods whose stages need the slope of the one before only: how far each stage lies
# along it, and the weights of the slopes, in steps.
_STAGES = {
    EULER: ((0.0,), (1.0,)),
    HEUN: ((0.0, 1.0), (0.5, 0.5)),
    RK4: ((0.0, 0.5, 0.5, 1.0), (1 / 6, 1 / 3, 1 / 3, 1 / 6)),
}


class Untrained(ValueError):
    """A network with random parameters was to be used as a field."""


def time_features(t: np.ndarray, frequencies: np.ndarray = ()) -> np.ndarray:
    r"""What a network sees of time: t, and sine and cosine of :math:`2\pi f t` for each frequency.

    Parameters
    ----------
    t : array_like, shape (n,)
    frequencies : array_like, shape (m,), default none
        Any numbers: 1, 2, 4, ... for sinusoidal features, normal draws for random Fourier features.

    Returns
    -------
    ndarray, shape (n, 1 + 2 m)

    Notes
    -----
    For a field that changes smoothly over [0, 1], t alone is enough. Frequencies help where it
    changes fast, as near the ends; with too large ones the fit oscillates between the times that
    were drawn.

    Examples
    --------
    >>> time_features([0.0, 0.25], [1.0]).round(12)
    array([[0.  , 0.  , 1.  ],
           [0.25, 1.  , 0.  ]])
    """
    t, frequencies = array("t", t, 1), array("frequencies", frequencies, 1)
    out = np.empty((len(t), 1 + 2 * len(frequencies)))
    _put_features(t, frequencies, out)
    return out


def _put_features(t: np.ndarray, frequencies: np.ndarray, out: np.ndarray) -> None:
    out[:, 0] = t
    if len(frequencies):
        angles = 2 * np.pi * np.outer(t, frequencies)
        out[:, 1::2] = np.sin(angles)
        out[:, 2::2] = np.cos(angles)


def field_batches(
    schedule: Schedule,
    draw: Callable[..., Draws],
    size: int,
    *,
    of: str = "velocity",
    frequencies: np.ndarray = (),
    antithetic: bool = False,
    rng: int | np.random.Generator | None = None,
) -> Callable[[int], tuple[np.ndarray, np.ndarray]]:
    r"""Batches for `labcore.nets.train`, drawn anew at every step.

    Parameters
    ----------
    schedule : Schedule
    draw : callable
        ``draw(n, rng=seed)`` gives n rows of `Draws`: ends in pairs and standard normal noise,
        the same for the same seed (an int). ``path.draw`` of `between` is one.
    size : int
        Rows drawn for a batch. Times are uniform, one in each of so many equal parts of [0, 1].
    of, antithetic
        What is to be learned, and whether each row comes with its mirror image: see `examples`.
    frequencies : array_like, shape (m,), default none
        See `time_features`.
    rng : int, numpy.random.Generator or None
        The seed. Each step has its own, drawn from it.

    Returns
    -------
    callable
        ``batches(step)`` gives inputs (n, 1 + 2 m + d) and outputs (n, d).

    Raises
    ------
    TypeError, ValueError
        If a size or a seed is none, or `of` is not one of these; at a step, if draws have not the
        same shape of `size` rows or are not finite, or as `examples`.

    Examples
    --------
    >>> from labcore.interpolants import between, linear, mixture
    >>> path = between(mixture([[0.0, 0.0]]), mixture([[4.0, 0.0]]), linear())
    >>> x, y = field_batches(path.schedule, path.draw, 256, rng=1)(0)
    >>> x.shape, y.shape
    ((256, 3), (256, 2))
    """
    size, seed, wanted = integer("size", size, least=1), seed_from(rng), number_of(of)
    frequencies = array("frequencies", frequencies, 1)
    known, copies = 1 + 2 * len(frequencies), 2 if antithetic else 1
    parts = np.arange(size)

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        own = int(_bits(seed, np.uint64(step)))
        t = (parts + uniform(size, rng=own, stream=_TIME_STREAM)) / size
        draws = [np.ascontiguousarray(part, float) for part in draw(size, rng=own)]
        shape = draws[0].shape
        if len(shape) != 2 or any(part.shape != (size, shape[1]) for part in draws):
            raise ValueError(
                f"draw must give three arrays of shape ({size}, d), got "
                f"{', '.join(str(part.shape) for part in draws)}"
            )
        # The schedule's functions themselves: its checks of t take longer than all they compute.
        c = tuple(np.ascontiguousarray(function(t), float) for function in schedule[1:])
        inputs, outputs = (
            np.empty((copies * size, known + shape[1])),
            np.empty((copies * size, shape[1])),
        )
        for first in range(0, copies * size, size):
            _put_features(t, frequencies, inputs[first : first + size, :known])
        fill(c, t, *draws, wanted, inputs, outputs, known)
        if not np.isfinite(inputs).all():
            raise ValueError(f"draw must give finite numbers, got others at step {step}")
        return inputs, outputs

    return batch


@compiled
def _bits(seed, step):
    return bits_at(seed, step, uint64(0))


@dataclass(frozen=True, eq=False)
class NetworkField:
    r"""A trained network as a field of (t, x), for solvers and `Fields`.

    Parameters
    ----------
    network : Network
        Its inputs are `time_features` and then x, its outputs have the dimension of x.
    frequencies : array_like, shape (m,), default none
        Those of its training.

    Raises
    ------
    Untrained
        If the network's parameters are random still.
    ValueError
        If its numbers of inputs and outputs do not fit.

    Examples
    --------
    >>> from labcore.interpolants import between, linear, mixture
    >>> from labcore.nets import mlp, train
    >>> path = between(mixture([[0.0, 0.0]]), mixture([[4.0, 0.0]]), linear())
    >>> batches = field_batches(path.schedule, path.draw, 256, rng=1)
    >>> velocity = NetworkField(train(mlp([3, 32, 32, 2], rng=1), batches, 500).network)
    >>> end = velocity.flow(path.source.sample(2000, rng=2), steps=20)[:, -1]
    >>> bool(abs(end.mean(axis=0) - [4.0, 0.0]).max() < 0.2)
    True
    """

    network: Network
    frequencies: np.ndarray = field(default=(), repr=False)

    def __post_init__(self) -> None:
        frequencies = array("frequencies", self.frequencies, 1)
        object.__setattr__(self, "frequencies", frequencies)
        n_in, n_out = self.network.sizes[0], self.network.sizes[-1]
        if n_in != self._known + n_out:
            raise ValueError(
                f"network must have {self._known} inputs for time and {n_out} for x, got {n_in}"
            )
        if not self.network.trained:
            raise Untrained("network must be trained, got random parameters: see labcore.nets")

    @property
    def _known(self) -> int:
        """How many inputs are features of time."""
        return 1 + 2 * len(self.frequencies)

    def __call__(self, t: float, x: np.ndarray) -> np.ndarray:
        """The field at time t, of shape (n, d)."""
        return self.network(self._inputs(t, x)).astype(float)

    def divergence(
        self,
        t: float,
        x: np.ndarray,
        *,
        n_probes: int | None = None,
        rng: int | np.random.Generator | None = None,
    ) -> np.ndarray:
        """The divergence by x, of shape (n,): exact or by probes, see `Network.divergence`."""
        inputs = self._inputs(t, x)
        return self.network.divergence(inputs, n_probes=n_probes, rng=rng).astype(float)

    def flow(
        self,
        x: np.ndarray,
        times: np.ndarray = (0.0, 1.0),
        *,
        steps: int = 50,
        method: OdeMethod = RK4,
    ) -> np.ndarray:
        """Particles carried by the field: `solve_ode`, in one compiled loop and on all cores.

        Parameters
        ----------
        x : array_like, shape (n, d)
        times : array_like, shape (m,), default (0, 1)
        steps : int, default 50
            Steps from each time to the next.
        method : OdeMethod, default RK4
            `EULER`, `HEUN` or `RK4`.

        Returns
        -------
        ndarray, shape (n, m, d)
            As that of `solve_ode`, up to rounding: positions are kept in double precision.

        Raises
        ------
        ValueError
            If the times do not go one way, the method is another, or a position is not finite.
        """
        x, times, steps = self._points(x), one_way(times), integer("steps", steps, least=1)
        if method not in _STAGES:
            raise ValueError(f"method must be EULER, HEUN or RK4, got {method.name}")
        along, weights = map(np.array, _STAGES[method])
        network = self.network
        sizes, number = np.array(network.sizes), ACTIVATIONS.index(network.activation)
        d, dtype = network.sizes[-1], network.parameters.dtype
        work = workspace(network.sizes, len(x), dtype)
        groups = len(work.units)
        position = np.zeros((groups, 2, d, LANES))
        paths = np.empty((len(x), len(times), d))
        paths[:, 0] = x
        multiplications = len(x) * network.parameters.size * steps * len(along)
        for row in range(len(times) - 1):
            grid = np.linspace(times[row], times[row + 1], steps + 1)
            h = np.diff(grid)
            stages = (grid[:-1, None] + h[:, None] * along).ravel()
            biases = self._biases(stages)

            stop = np.empty_like(x)
            in_threads(
                partial(
                    _carry,
                    *(sizes, number, network.parameters, biases, self._known, work, position),
                    *(h, along, weights, x, stop),
                ),
                groups,
                multiplications,
            )
            x = paths[:, row + 1] = stop
            if not np.isfinite(paths[:, row + 1]).all():
                raise ValueError(
                    f"the solution is not finite at t = {times[row + 1]:g}: take smaller steps"
                )
        return paths

    def _biases(self, t: np.ndarray) -> np.ndarray:
        """What time adds to the first layer, with its bias, for each of several times."""
        (weights, bias), *_ = self.network.layers
        features = time_features(t, self.frequencies).astype(bias.dtype)
        out = np.tile(bias, (len(t), 1))
        for k in range(self._known):  # in the order of `forward`
            out += features[:, k, None] * weights[k]
        return out

    def _points(self, x: np.ndarray) -> np.ndarray:
        x, d = points("x", x), self.network.sizes[-1]
        if x.shape[1] != d:
            raise ValueError(f"x must have {d} columns, got shape {x.shape}")
        return x

    def _inputs(self, t: float, x: np.ndarray) -> np.ndarray:
        x = self._points(x)
        features = time_features([real("t", t)], self.frequencies)
        return np.hstack([np.tile(features, (len(x), 1)), x])


@compiled
def _carry(
    sizes,
    activation,
    p,
    biases,
    known,
    work,
    position,
    h,
    along,
    weights,
    start,
    stop,
    group,
):
    """Carry every tile of a group by all steps; row i of `biases` belongs to stage i of them."""
    n, d = start.shape
    n_stages = along.size
    units, slopes = work.units[group], work.slopes[group]
    inputs, slope = units[0], units[sizes.size - 1]
    x, total = position[group, 0], position[group, 1]
    for tile in range(group, (n + LANES - 1) // LANES, len(work.units)):
        first = tile * LANES
        for i in range(d):
            for j in range(LANES):
                x[i, j] = start[min(first + j, n - 1), i]
        for step in range(h.size):
            for stage in range(n_stages):
                for i in range(d):
                    here, sum_here, k, to = x[i], total[i], slope[i], inputs[i]
                    length = h[step] * along[stage]
                    if stage == 0:
                        for j in range(LANES):
                            sum_here[j] = here[j]
                            to[j] = here[j]
                    else:
                        for j in range(LANES):
                            to[j] = here[j] + length * k[j]
                bias = biases[step * n_stages + stage]
                forward(sizes, activation, p, bias, known, units, slopes, False)
                for i in range(d):
                    sum_here, k = total[i], slope[i]
                    weight = h[step] * weights[stage]
                    for j in range(LANES):
                        sum_here[j] += weight * k[j]
            for i in range(d):
                here, sum_here = x[i], total[i]
                for j in range(LANES):
                    here[j] = sum_here[j]
        for i in range(d):
            for j in range(min(LANES, n - first)):
                stop[first + j, i] = x[i, j]
