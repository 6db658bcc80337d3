r"""Training: steps of Adam on the mean squared error of batches, watched and resumable."""

import math
import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numba import prange
from tqdm.auto import tqdm

from labcore._compile import compiled
from labcore._validate import integer, points, real
from labcore.nets._layers import LANES, backward, forward, load, workspace
from labcore.nets.activations import ACTIVATIONS
from labcore.nets.adam import Adam, AdamState, adam_step, clip
from labcore.nets.mlp import Network, worthwhile_threads
from labcore.random import permutations, seed_from

Batches = Callable[[int], tuple[np.ndarray, np.ndarray]]


class Diverged(ArithmeticError):
    """The loss of a training step is not a finite number."""


class Validation(NamedTuple):
    """What was found on validation data so far.

    Parameters
    ----------
    losses : tuple of float
        One every `validate_every` steps.
    best : ndarray, shape (n,)
        The parameters of the least.
    """

    losses: tuple[float, ...]
    best: np.ndarray


class Training(NamedTuple):
    """A network after training, and all that is needed to go on. Made by `train`.

    Parameters
    ----------
    network : Network
        The result: with the parameters of the least validation loss, if there is validation data;
        else with the running average, if there is one; else with the last parameters.
    state : AdamState
        The optimiser's: the last parameters among it, and the number of steps.
    average : ndarray, shape (n,) or (0,)
        The running average of the parameters; empty if there is none.
    losses, lengths : ndarray, shape (n_steps,)
        The loss of each step's batch, and the length of its gradient before clipping.
    validation : Validation
    """

    network: Network
    state: AdamState
    average: np.ndarray
    losses: np.ndarray
    lengths: np.ndarray
    validation: Validation

    def save(self, path: str | os.PathLike) -> None:
        """Write everything to one file (.npz): `load_training` reads it.

        The file is complete at any time: an interruption leaves the older one.
        """
        path = Path(path)
        beside = path.with_name(path.name + ".part")
        with open(beside, "wb") as file:
            np.savez(
                file,
                sizes=self.network.sizes,
                activation=self.network.activation,
                network=self.network.parameters,
                parameters=self.state.parameters,
                mean=self.state.mean,
                square=self.state.square,
                step=self.state.step,
                average=self.average,
                losses=self.losses,
                lengths=self.lengths,
                validation_losses=np.array(self.validation.losses),
                best=self.validation.best,
            )
        os.replace(beside, path)


def load_training(path: str | os.PathLike) -> Training:
    """Read what `Training.save` wrote, to use it or to go on with `train`.

    Raises
    ------
    ValueError
        If the file is not one of these.

    Examples
    --------
    >>> import tempfile, os
    >>> from labcore.nets import load_training, minibatches, mlp, train
    >>> batches = minibatches([[0.0], [1.0]], [[1.0], [0.0]], 2, rng=1)
    >>> half = train(mlp([1, 8, 1], rng=1), batches, 50)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     half.save(os.path.join(folder, "half.npz"))
    ...     again = load_training(os.path.join(folder, "half.npz"))
    >>> whole = train(mlp([1, 8, 1], rng=1), batches, 100)
    >>> bool((train(again, batches, 100).losses == whole.losses).all())
    True
    """
    with np.load(path) as file:
        try:
            stored = {name: file[name] for name in file.files}
            state = AdamState(
                stored["parameters"], stored["mean"], stored["square"], int(stored["step"])
            )
            network = Network(
                tuple(stored["sizes"].tolist()),
                str(stored["activation"]),
                stored["network"],
                trained=state.step > 0,
            )
            losses = tuple(stored["validation_losses"].tolist())
            validation = Validation(losses, stored["best"])
            arrays = (stored["average"], stored["losses"], stored["lengths"])
        except KeyError as missing:
            raise ValueError(f"{path} is no saved training: {missing} is missing") from None
    return Training(network, state, *arrays, validation)


@compiled
def _loss_gradient(sizes, activation, p, work, x, y, squares, gradients, g):
    """A group's sum of squared errors, and its part of the gradient of their mean over all."""
    n, last = len(x), sizes.size - 1
    bias = p[sizes[0] * sizes[1] :]
    units, slopes, deltas = work.units[g], work.slopes[g], work.deltas[g]
    gradient = gradients[g]
    for i in range(gradient.size):
        gradient[i] = 0.0
    total = 0.0
    for tile in range(g, (n + LANES - 1) // LANES, squares.size):
        load(x, tile, units[0])
        forward(sizes, activation, p, bias, 0, units, slopes, True)
        load(y, tile, deltas[0])
        here = min(LANES, n - tile * LANES)
        for i in range(sizes[last]):
            delta, values = deltas[0, i], units[last, i]
            for j in range(here):
                error = values[j] - delta[j]
                total += error * error
                delta[j] = (error + error) / n
            for j in range(here, LANES):
                delta[j] = 0.0
        backward(sizes, p, units, slopes, deltas, work.transposed[g], gradient, False)
    squares[g] = total


@compiled
def _in_turn(sizes, activation, p, work, x, y, squares, gradients):
    for g in range(squares.size):
        _loss_gradient(sizes, activation, p, work, x, y, squares, gradients, g)


@compiled(parallel=True)
def _side_by_side(sizes, activation, p, work, x, y, squares, gradients):
    for g in prange(squares.size):
        _loss_gradient(sizes, activation, p, work, x, y, squares, gradients, g)


@compiled
def _make_step(
    state, average, averaging, n, squares, gradients, longest, settings, step, losses, lengths
):
    """One step, unless its loss or gradient is not finite. All of it or nothing: step[0] counts.

    The running average comes nearer to the parameters by the part `averaging`.
    """
    p, mean, square = state
    loss = 0.0
    for g in range(squares.size):
        loss += squares[g]
    loss /= n
    gradient = gradients[0]
    for g in range(1, len(gradients)):
        other = gradients[g]
        for i in range(gradient.size):
            gradient[i] += other[i]
    length = clip(gradient, longest)
    losses[step[0]] = loss
    lengths[step[0]] = length
    if not (math.isfinite(loss) and math.isfinite(length)):
        return False
    adam_step(p, mean, square, gradient, settings)
    for i in range(average.size):
        average[i] += (p[i] - average[i]) * averaging
    step[0] += 1
    return True


def minibatches(
    x: np.ndarray,
    y: np.ndarray,
    size: int,
    *,
    rng: int | np.random.Generator | None = None,
) -> Batches:
    """Batches of a data set: in each epoch a new permutation, cut into batches of one size.

    Parameters
    ----------
    x, y : array_like, shapes (n, p) and (n, q), or (n,)
        Inputs, and what a network shall give for them.
    size : int
        Samples in a batch. What is left of an epoch, fewer than that, is left out.
    rng : int, numpy.random.Generator or None
        The seed. Epoch e takes its permutation number e.

    Returns
    -------
    callable
        ``batches(step)`` gives the batch (x, y) of a step, the same whenever it is called.

    Raises
    ------
    ValueError
        If the data are not finite, differ in length, or are fewer than `size`.

    Examples
    --------
    >>> batches = minibatches([0.0, 1.0, 2.0, 3.0], [0.0, 1.0, 4.0, 9.0], 2, rng=1)
    >>> [batches(step)[0].ravel().tolist() for step in range(3)]
    [[0.0, 1.0], [3.0, 2.0], [3.0, 1.0]]
    """
    x, y, size = points("x", x), points("y", y), integer("size", size, least=1)
    if len(x) != len(y):
        raise ValueError(f"x and y must have the same length, got {len(x)} and {len(y)}")
    if len(x) < size:
        raise ValueError(f"size must be at most the number of samples, {len(x)}, got {size}")
    seed, per_epoch = int(seed_from(rng)), len(x) // size
    order = {}

    def batch(step: int) -> tuple[np.ndarray, np.ndarray]:
        epoch, number = divmod(step, per_epoch)
        if epoch not in order:
            order.clear()
            order[epoch] = permutations(len(x), rng=seed, start=epoch)[0]
        rows = order[epoch][number * size : (number + 1) * size]
        return x[rows], y[rows]

    return batch


def train(
    start: Network | Training,
    batches: Batches,
    n_steps: int,
    *,
    optimiser: Adam | None = None,
    average: float | None = None,
    validation: tuple[np.ndarray, np.ndarray] | None = None,
    validate_every: int = 100,
    patience: int | None = None,
    checkpoint: str | os.PathLike | None = None,
    checkpoint_every: int = 1000,
    progress: bool = True,
) -> Training:
    r"""Fit a network to batches by Adam on the mean squared error.

    .. math:: \text{loss} = \frac1n \sum_{i=1}^n |f_\theta(x_i) - y_i|^2.

    With batches drawn anew at every step the least expected loss is at
    :math:`f(x) = \E[y \mid x]`, and it is the mean conditional variance: the loss need not
    approach 0.

    Parameters
    ----------
    start : Network or Training
        Where to begin; a `Training` goes on where it stopped. It is left as it is.
    batches : callable
        ``batches(step)`` gives inputs (n, p) and outputs (n, q). It should be a function of the
        number of the step alone, with draws from a stream of that number: then training gives the
        same bits again, interrupted or not. `minibatches` makes one of a data set.
    n_steps : int
        Number of steps at the end, those that `start` has made among them.
    optimiser : Adam, optional
        Default: ``Adam()``.
    average : float, optional
        Keep a running average of the parameters, :math:`a \leftarrow c a + (1 - c) \theta` with
        :math:`c = \min(\text{average}, (1 + k) / (10 + k))` at step k: it smooths what the noise
        of the batches does to the last parameters. The network returned has it.
    validation : tuple of two arrays, optional
        Inputs and outputs that are not trained on. Every `validate_every` steps their loss is found
        (with the running average, if there is one), and the network returned is that of the least.
    validate_every : int, default 100
    patience : int, optional
        Stop when so many validations in a row have not been below the least before.
    checkpoint : path, optional
        A file that is written every `checkpoint_every` steps, at the end and at an interruption;
        see `load_training`.
    checkpoint_every : int, default 1000
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    Training
        Interrupted (Ctrl-C), it warns and returns what was learned by the last complete step.

    Raises
    ------
    Diverged
        If a loss or its gradient is not finite; the message names the step. Parameters are not
        changed by such a step: a checkpoint before it can go on with another rate.
    ValueError
        If a batch has not the network's numbers of inputs and outputs, or is empty, if `start` has
        made more steps than `n_steps`, or an option is out of range.

    Notes
    -----
    A step costs three multiplications and additions a sample and weight, on several cores if there
    are millions of them, and more than 128 samples. The result is the same bits with any number of
    threads. It fails, with a loss that stays where it is, for rates that are too large or too small
    by a factor of ten; look at `Training.losses`, averaged over a hundred steps or so.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore import random
    >>> from labcore.nets import Adam, cosine, mlp, train
    >>> def batches(step):
    ...     x = 3 * random.normal((64, 1), rng=1, stream=step)
    ...     return x, np.sin(x)
    >>> adam = Adam(cosine(1e-2, 2000))
    >>> result = train(mlp([1, 64, 64, 1], rng=1), batches, 2000, optimiser=adam)
    >>> x = np.linspace(-3, 3, 7)
    >>> bool(np.abs(result.network(x)[:, 0] - np.sin(x)).max() < 0.03)
    True
    """
    n_steps = integer("n_steps", n_steps, least=1)
    run = _Run(start, n_steps, optimiser or Adam(), average, validation, validate_every, patience)
    checkpoint_every = integer("checkpoint_every", checkpoint_every, least=1)
    interrupted = False
    with tqdm(
        total=n_steps, initial=run.made, unit="steps", delay=2.0, disable=not progress
    ) as bar:
        try:
            while run.made < n_steps and not run.has_enough():
                run.make_step(batches)
                bar.update()
                if checkpoint is not None and run.made % checkpoint_every == 0:
                    run.result().save(checkpoint)
            run.validate()
        except KeyboardInterrupt:
            interrupted = True
    result = run.result()
    if checkpoint is not None:
        result.save(checkpoint)
    if interrupted:
        warnings.warn(f"interrupted after {run.made} of {n_steps} steps", stacklevel=2)
    return result


class _Run:
    """Training under way: what changes with every step, in buffers of its own."""

    def __init__(self, start, n_steps, optimiser, average, validation, validate_every, patience):
        if not isinstance(start, Network | Training):
            raise TypeError(f"start must be a Network or a Training, got {type(start)}")
        if isinstance(start, Network):
            start = _untrained(start, optimiser)
        self.network, self.optimiser = start.network, optimiser
        self.state = tuple(part.copy() for part in start.state[:3])
        self.step = np.array([start.state.step])
        if start.state.step > n_steps:
            raise ValueError(
                f"n_steps must be at least the {start.state.step} that were made, got {n_steps}"
            )
        self.average, self.averaging = start.average.copy(), average
        if average is not None:
            if not 0.0 < real("average", average) < 1.0:
                raise ValueError(f"average must be between 0 and 1, got {average:g}")
            if not self.average.size:
                self.average = self.state[0].copy()
        elif self.average.size:
            raise ValueError("start has a running average: average must be given to go on")
        # not filled: a run of many steps that is stopped early never touches the rest
        self.losses, self.lengths = np.empty(n_steps), np.empty(n_steps)
        self.losses[: len(start.losses)] = start.losses
        self.lengths[: len(start.lengths)] = start.lengths
        self.validate_every = integer("validate_every", validate_every, least=1)
        self.patience = None if patience is None else integer("patience", patience, least=1)
        if patience is not None and validation is None:
            raise ValueError("patience needs validation data, got none")
        self.validation_data = validation and self._checked("validation", *validation)
        self.validation = start.validation
        self.sizes = np.array(self.network.sizes)
        self.activation = ACTIVATIONS.index(self.network.activation)
        self.batch_size = 0

    @property
    def made(self) -> int:
        """How many steps are complete."""
        return int(self.step[0])

    def make_step(self, batches: Batches) -> None:
        """One step of Adam, all of it or, interrupted, nothing."""
        self.validate()
        made, dtype = self.made, self.average.dtype
        x, y = self._checked(f"batches({made})", *batches(made))
        if len(x) != self.batch_size:
            self.batch_size = len(x)
            self.work = workspace(self.network.sizes, len(x), dtype)
            groups = len(self.work.units)
            self.squares = np.empty(groups)
            self.gradients = np.empty((groups, self.state[0].size), dtype)
            # Threads that wait for each other at every step of a small network only cost.
            multiplications = 3 * len(x) * self.state[0].size
            several = worthwhile_threads(groups, multiplications) > 1
            self.loop = _side_by_side if several else _in_turn
        p, squares, gradients = self.state[0], self.squares, self.gradients
        self.loop(self.sizes, self.activation, p, self.work, x, y, squares, gradients)
        keep = min(self.averaging or 0.0, (1 + made) / (10 + made))
        finite = _make_step(
            self.state,
            self.average,
            dtype.type(1.0 - keep),
            len(x),
            squares,
            gradients,
            self.optimiser.longest,
            self.optimiser.settings(made, dtype),
            self.step,
            self.losses,
            self.lengths,
        )
        if not finite:
            raise Diverged(
                f"step {made} has a loss of {self.losses[made]:g} and a gradient of length "
                f"{self.lengths[made]:g}: take a smaller rate, or clip"
            )

    def validate(self) -> None:
        """Find the validation loss, if that is due. It may be done late: nothing is missed."""
        losses, best = self.validation
        due = self.made // self.validate_every
        if self.validation_data is None or len(losses) >= due:
            return
        x, y = self.validation_data
        parameters = self.average if self.average.size else self.state[0]
        values = self._with(parameters)(x)
        loss = float(((values - y).astype(float) ** 2).sum() / len(x))
        if not losses or loss < min(losses):
            best = parameters.copy()
        # one assignment: an interruption comes before it or after
        self.validation = Validation((*losses, loss), best)

    def has_enough(self) -> bool:
        """Whether patience is at an end."""
        losses = self.validation.losses
        if self.patience is None or not losses:
            return False
        return len(losses) - 1 - losses.index(min(losses)) >= self.patience

    def result(self) -> Training:
        """What was learned so far."""
        made, best = self.made, self.validation.best
        state = AdamState(*(part.copy() for part in self.state), made)
        average = self.average.copy()
        parameters = best if best.size else average if average.size else state.parameters
        losses, lengths = self.losses[:made].copy(), self.lengths[:made].copy()
        return Training(self._with(parameters), state, average, losses, lengths, self.validation)

    def _with(self, parameters: np.ndarray) -> Network:
        network = self.network
        return Network(network.sizes, network.activation, parameters, trained=self.made > 0)

    def _checked(self, name: str, x, y) -> tuple[np.ndarray, np.ndarray]:
        """Inputs and outputs in the network's precision, if they have its numbers of columns."""
        n_in, n_out = self.network.sizes[0], self.network.sizes[-1]
        x, y = (np.ascontiguousarray(part, self.average.dtype) for part in (x, y))
        if x.ndim != 2 or x.shape[1] != n_in or y.shape != (len(x), n_out) or not len(x):
            raise ValueError(
                f"{name} must be arrays of shapes (n, {n_in}) and (n, {n_out}), got {x.shape} and "
                f"{y.shape}"
            )
        return x, y


def _untrained(network: Network, optimiser: Adam) -> Training:
    """A training of no steps."""
    state = optimiser.start(network.parameters)
    nothing = np.empty(0, network.parameters.dtype)
    return Training(network, state, nothing, np.empty(0), np.empty(0), Validation((), nothing))
