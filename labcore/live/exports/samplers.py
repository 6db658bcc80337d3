"""Markov kernels: the gallery of samplers and targets, and a walk that forgets."""

import math

from numba import uint64

from labcore._compile import compiled
from labcore._math import exp
from labcore.live.export import Export
from labcore.random import uniform_at
from labcore.samplers import hmc, mala, metropolis, targets


@compiled
def _density(x, parameters, gradient):
    """The target that parameters[4] names: banana, funnel, two modes, ridge; else their own."""
    kind = parameters[4]
    if kind == 0.0:
        return targets._banana(x, parameters, gradient)
    if kind == 1.0:
        return targets._funnel(x, parameters, gradient)
    if kind == 2.0:
        return targets._two_modes(x, parameters, gradient)
    return _ridge(x, parameters, gradient)


@compiled
def _ridge(x, parameters, gradient):
    """A normal law with unit variances and correlation parameters[0]."""
    correlation = parameters[0]
    free = 1.0 - correlation * correlation
    gradient[0] = -(x[0] - correlation * x[1]) / free
    gradient[1] = -(x[1] - correlation * x[0]) / free
    value = 0.5 * (x[0] * gradient[0] + x[1] * gradient[1])
    return value - math.log(2.0 * math.pi) - 0.5 * math.log(free)


@compiled
def _set_target(target, shape, parameters):
    """`shape` bends the banana, centres the funnel, parts the modes and narrows the ridge."""
    parameters[4] = target
    parameters[0] = shape
    if target == 0:
        parameters[1] = 1.0
    elif target == 1:
        parameters[1] = 1.5
    elif target == 2:
        parameters[1], parameters[2] = 0.7, 0.5


@compiled
def _gallery(
    seed,
    sampler,
    target,
    shape,
    step_size,
    n_steps,
    span,
    parameters,
    settings,
    work,
    path,
    samples,
    energy_error,
    density,
    numbers,
):
    """A chain on a target of the gallery, from (0, 0).

    `sampler` is 0 for Metropolis, 1 for MALA, 2 for HMC with `n_steps` leapfrog steps. `path` is
    the chain in the coordinates it moves in; `samples` the same in those of the target: they
    differ for a funnel that is not centred (`shape` < 1). `density` is on a grid from -`span` to
    `span`, in the target's coordinates. `numbers`: mean acceptance probability, effective sample
    size of the first coordinate, root mean square of log ratio, mean of the first coordinate and
    its standard deviation.
    """
    _set_target(target, shape, parameters)
    settings[0], settings[1] = step_size, n_steps
    position, gradient = work[4], work[5]
    position[0], position[1] = 0.0, 0.0
    value = _density(position, parameters, gradient)
    n = samples.shape[0]
    acceptance, square = 0.0, 0.0
    for i in range(n):
        stream, index = uint64(0), uint64(i)
        if sampler == 0:
            value, log_ratio, _ = metropolis._step(
                _density, parameters, settings, seed, stream, index, position, value, gradient, work
            )
        elif sampler == 1:
            value, log_ratio, _ = mala._step(
                _density, parameters, settings, seed, stream, index, position, value, gradient, work
            )
        else:
            value, log_ratio, _ = hmc._step(
                _density, parameters, settings, seed, stream, index, position, value, gradient, work
            )
        if log_ratio == log_ratio:
            acceptance += exp(min(log_ratio, 0.0))
            square += min(log_ratio * log_ratio, 1e6)
        energy_error[i] = -log_ratio
        stretch = exp(0.5 * (1.0 - shape) * position[0]) if target == 1 else 1.0
        path[i, 0], path[i, 1] = position[0], position[1]
        samples[i, 0], samples[i, 1] = position[0], stretch * position[1]
    numbers[0] = acceptance / n
    numbers[1] = _effective_size(samples)
    numbers[2] = math.sqrt(square / n)
    numbers[3], numbers[4] = _moments(samples, 0, n)
    if target == 1:
        _set_target(target, 1.0, parameters)
    rows, columns = density.shape
    for i in range(rows):
        for j in range(columns):
            position[0] = -span + 2.0 * span * j / (columns - 1)
            position[1] = -span + 2.0 * span * i / (rows - 1)
            density[i, j] = exp(_density(position, parameters, gradient))


@compiled
def _moments(samples, start, stop):
    """Mean and standard deviation (by n - 1) of the first coordinate."""
    n = stop - start
    mean, square = 0.0, 0.0
    for i in range(start, stop):
        mean += samples[i, 0] / n
    for i in range(start, stop):
        square += (samples[i, 0] - mean) ** 2 / (n - 1)
    return mean, math.sqrt(square)


@compiled
def _autocovariance(samples, start, stop, mean, lag):
    total = 0.0
    for i in range(start, stop - lag):
        total += (samples[i, 0] - mean) * (samples[i + lag, 0] - mean)
    return total / (stop - start)


@compiled
def _effective_size(samples):
    """As `labcore.samplers.effective_sample_size` of one chain's first coordinate."""
    half = samples.shape[0] // 2
    last = samples.shape[0] - half
    a, sd_a = _moments(samples, 0, half)
    b, sd_b = _moments(samples, last, samples.shape[0])
    within = 0.5 * (sd_a * sd_a + sd_b * sd_b)
    between = 0.5 * (a - b) ** 2
    total = (half - 1.0) / half * within + between
    if not total > 0.0:
        return math.nan
    time, smallest = -1.0, math.inf
    for pair in range(half // 2):
        correlation = 0.0
        for lag in range(2 * pair, 2 * pair + 2):
            covariance = _autocovariance(samples, 0, half, a, lag)
            covariance += _autocovariance(samples, last, samples.shape[0], b, lag)
            correlation += 1.0 if lag == 0 else 1.0 - (within - 0.5 * covariance) / total
        if correlation <= 0.0:
            break
        smallest = min(smallest, correlation)
        time += 2.0 * smallest
    return 2.0 * half / max(time, 1.0 / math.log10(2.0 * half))


@compiled
def _trajectory(target, shape, step_size, momentum, span, parameters, work, path, energy, density):
    """A leapfrog trajectory from (1, 0.5) with the momentum that `momentum` points to.

    `energy` is the energy along it minus that at its start; it stops where that is infinite.
    """
    _set_target(target, shape, parameters)
    position, velocity, gradient = work[0], work[1], work[2]
    position[0], position[1] = 1.0, 0.5
    velocity[0], velocity[1] = momentum[0, 0] - 1.0, momentum[0, 1] - 0.5
    value = _density(position, parameters, gradient)
    start = 0.5 * (velocity[0] ** 2 + velocity[1] ** 2) - value
    for i in range(path.shape[0]):
        if i > 0:
            value = hmc._leapfrog(
                _density, parameters, step_size, 1, position, velocity, gradient, value
            )
        path[i, 0], path[i, 1] = position[0], position[1]
        energy[i] = 0.5 * (velocity[0] ** 2 + velocity[1] ** 2) - value - start
        if not abs(energy[i]) < 1e6:
            for j in range(i, path.shape[0]):
                path[j, 0] = path[j, 1] = energy[j] = math.nan
            break
    rows, columns = density.shape
    for i in range(rows):
        for j in range(columns):
            position[0] = -span + 2.0 * span * j / (columns - 1)
            position[1] = -span + 2.0 * span * i / (rows - 1)
            density[i, j] = exp(_density(position, parameters, gradient))


@compiled
def _forget(seed, barrier, n_steps, weight, matrix, law, next_law, distance, rate, walk):
    """A Metropolis walk on a line of states with two hills, and how fast it forgets its start.

    The stationary law is proportional to exp(-`barrier` cos^2) with two maxima; a step proposes a
    neighbour. `distance` is the total variation between the law of the chain that started in
    state 0 and the stationary one, `rate` the geometric decay with the second eigenvalue of the
    transition matrix, which power iteration finds; `walk` is one chain.
    """
    n = weight.size
    total = 0.0
    for i in range(n):
        weight[i] = exp(barrier * math.cos(4.0 * math.pi * (i + 0.5) / n - math.pi))
        total += weight[i]
    for i in range(n):
        weight[i] /= total
    for i in range(n):
        stay = 1.0
        for j in range(n):
            matrix[i, j] = 0.0
        for j in (i - 1, i + 1):
            if 0 <= j < n:
                matrix[i, j] = 0.5 * min(1.0, weight[j] / weight[i])
                stay -= matrix[i, j]
        matrix[i, i] = stay
        law[i] = 1.0 if i == 0 else 0.0
    for step in range(n_steps):
        distance[step] = 0.0
        for i in range(n):
            distance[step] += 0.5 * abs(law[i] - weight[i])
        _apply(matrix, law, next_law)
    second = _second_eigenvalue(matrix, weight, next_law, n)
    for step in range(n_steps):
        rate[step] = distance[n_steps - 1] * second ** (step - n_steps + 1)
        if rate[step] > 1.0:
            rate[step] = math.nan
    state = 0
    for step in range(n_steps):
        walk[step] = state
        u = uniform_at(seed, uint64(0), step)
        for j in range(n):
            u -= matrix[state, j]
            if u < 0.0:
                state = j
                break
    # The law after n_steps is left in `law`; the eigenvalue goes where the workspace was.
    next_law[0] = second


@compiled
def _apply(matrix, law, next_law):
    """One step: the row vector `law` times the matrix, in place."""
    n = law.size
    for j in range(n):
        next_law[j] = 0.0
        for i in range(max(0, j - 1), min(n, j + 2)):
            next_law[j] += law[i] * matrix[i, j]
    for j in range(n):
        law[j] = next_law[j]


@compiled
def _second_eigenvalue(matrix, weight, vector, n):
    """The largest eigenvalue below 1 of a reversible tridiagonal chain, by bisection (Sturm)."""
    low, high = -1.0, 1.0 - 1e-13
    for _ in range(60):
        middle = 0.5 * (low + high)
        above, pivot = 0, 1.0
        for i in range(n):  # eigenvalues of the symmetrised matrix above `middle`
            coupling = matrix[i, i - 1] * matrix[i - 1, i] if i > 0 else 0.0
            pivot = matrix[i, i] - middle - (coupling / pivot if i > 0 else 0.0)
            if pivot == 0.0:
                pivot = 1e-300
            if pivot > 0.0:
                above += 1
        if above >= 2:
            low = middle
        else:
            high = middle
    return 0.5 * (low + high)


_TARGET = {"target": "int64", "shape": "float64", "step_size": "float64"}

EXPORTS = [
    Export(
        "sampler_gallery",
        _gallery,
        {"seed": "uint64", "sampler": "int64"}
        | _TARGET
        | {
            "n_steps": "int64",
            "span": "float64",
            "parameters": "float64[5]",
            "settings": "float64[2]",
            "work": "float64[6, 2]",
            "path": "float64[n, 2]",
            "samples": "float64[n, 2]",
            "energy_error": "float64[n]",
            "density": "float64[rows, columns]",
            "numbers": "float64[5]",
        },
        (
            "parameters",
            "settings",
            "work",
            "path",
            "samples",
            "energy_error",
            "density",
            "numbers",
        ),
    ),
    Export(
        "hmc_trajectory",
        _trajectory,
        _TARGET
        | {
            "momentum": "float64[1, 2]",
            "span": "float64",
            "parameters": "float64[5]",
            "work": "float64[3, 2]",
            "path": "float64[n, 2]",
            "energy": "float64[n]",
            "density": "float64[rows, columns]",
        },
        ("parameters", "work", "path", "energy", "density"),
    ),
    Export(
        "markov_forgetting",
        _forget,
        {
            "seed": "uint64",
            "barrier": "float64",
            "n_steps": "int64",
            "weight": "float64[n]",
            "matrix": "float64[n, n]",
            "law": "float64[n]",
            "next_law": "float64[n]",
            "distance": "float64[n_steps]",
            "rate": "float64[n_steps]",
            "walk": "float64[n_steps]",
        },
        ("weight", "matrix", "law", "next_law", "distance", "rate", "walk"),
    ),
]
