"""Markov kernels: the gallery of samplers and targets, a trajectory, and a walk that forgets."""

import math

from numba import uint64

from labcore._compile import compiled
from labcore._math import exp
from labcore.live.export import Export
from labcore.random import uniform_at
from labcore.samplers import grammar, hmc, integrators, targets

_BANANA, _FUNNEL, _TWO_MODES = 0, 1, 2  # and 3, the ridge
_METROPOLIS, _HMC = 0, 2  # and 1, MALA
_BLIND = 1.0


@compiled
def _density(x, parameters, gradient):
    """The target that parameters[4] names; its gradient is hidden if parameters[5] says so."""
    kind = parameters[4]
    if kind == _BANANA:
        value = targets._banana(x, parameters, gradient)
    elif kind == _FUNNEL:
        value = targets._funnel(x, parameters, gradient)
    elif kind == _TWO_MODES:
        value = targets._two_modes(x, parameters, gradient)
    else:
        value = _ridge(x, parameters, gradient)
    if parameters[5] == _BLIND:
        gradient[0] = gradient[1] = 0.0
    return value


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
def _set_target(target, difficulty, parameters):
    """`difficulty`, from 0 to 1, bends the banana, centres the funnel (of scale 2), parts the modes
    (of width 0.7, up to a distance of 6) and narrows the ridge (up to a correlation of 0.98)."""
    parameters[4] = target
    parameters[0] = difficulty
    if target == _BANANA:
        parameters[1] = 1.0
    elif target == _FUNNEL:
        parameters[1] = 2.0
    elif target == _TWO_MODES:
        parameters[0], parameters[1], parameters[2] = 6.0 * difficulty, 0.7, 0.5
    else:
        parameters[0] = 0.98 * difficulty


@compiled
def _heights(span, parameters, position, gradient, height):
    """The log-density on a grid from -`span` to `span`, less its greatest value there."""
    rows, columns = height.shape
    greatest = -math.inf
    for i in range(rows):
        for j in range(columns):
            position[0] = -span + 2.0 * span * j / (columns - 1)
            position[1] = -span + 2.0 * span * i / (rows - 1)
            height[i, j] = _density(position, parameters, gradient)
            greatest = max(greatest, height[i, j])
    for i in range(rows):
        for j in range(columns):
            height[i, j] -= greatest


@compiled
def _normal_density(x, mean, deviation):
    z = (x - mean) / deviation
    return exp(-0.5 * z * z) / (deviation * math.sqrt(2.0 * math.pi))


@compiled
def _gallery(
    seed,
    sampler,
    target,
    difficulty,
    step_size,
    n_steps,
    span,
    x,
    parameters,
    settings,
    work,
    path,
    samples,
    lost,
    own_height,
    height,
    marginal,
    numbers,
):
    """A chain on a target of the gallery, from (0, 0).

    `sampler` is 0 for Metropolis, 1 for MALA, 2 for HMC with `n_steps` leapfrog steps. `path` is
    the chain in the coordinates it moves in; `samples` the same in those of the target: they
    differ for a funnel that is not centred (`difficulty` < 1). `lost` has the samples from which a
    trajectory diverged, the others being nan. `own_height` and `height` are the log-density on a
    grid in the one and the other coordinates, `marginal` the density of the first coordinate at
    `x`. `numbers`: mean acceptance probability, effective sample size of the first coordinate, root
    mean square of log ratio, effective draws per 1000 gradients, mean of the first coordinate, and
    the share of steps that diverged.
    """
    _set_target(target, difficulty, parameters)
    # MALA is HMC with a single leapfrog step, and Metropolis is that without the gradient. So one
    # loop serves all three: three loops would take a third longer to compile.
    gradients = n_steps if sampler == _HMC else 1
    settings[0], settings[1] = step_size, gradients
    if sampler == _METROPOLIS:
        parameters[5] = _BLIND
    position, gradient, normals, momentum, factor = work[4], work[5], work[6], work[7], work[8:9]
    position[0], position[1] = 0.0, 0.0
    factor[0, 0] = factor[0, 1] = 1.0
    value = _density(position, parameters, gradient)
    n = samples.shape[0]
    acceptance, square, diverged = 0.0, 0.0, 0
    for i in range(n):
        lost[i, 0] = lost[i, 1] = math.nan
        before, above = position[0], position[1]
        stream, index = uint64(0), uint64(i)
        grammar.step_normals(seed, stream, index, normals)
        value, log_ratio, _, _, _, _ = hmc._step(
            _density,
            parameters,
            settings,
            factor,
            (seed, stream, index),
            normals,
            grammar.step_log_uniform(seed, stream, index, 2),
            position,
            value,
            gradient,
            momentum,
            work,
        )
        if grammar.diverges(log_ratio):
            diverged += 1
            lost[i, 0], lost[i, 1] = before, _stretch(target, difficulty, before) * above
        if log_ratio == log_ratio:
            acceptance += exp(min(log_ratio, 0.0))
            square += min(log_ratio * log_ratio, 1e6)
        else:
            square += 1e6
        path[i, 0], path[i, 1] = position[0], position[1]
        samples[i, 0] = position[0]
        samples[i, 1] = _stretch(target, difficulty, position[0]) * position[1]
    numbers[0] = acceptance / n
    numbers[1] = _effective_size(samples)
    numbers[2] = math.sqrt(square / n)
    numbers[3] = 1000.0 * numbers[1] / (n * gradients)
    numbers[4], _ = _moments(samples, 0, n)
    numbers[5] = diverged / n
    for grid in (own_height, height):
        _heights(span, parameters, position, gradient, grid)
        if target == _FUNNEL:
            _set_target(target, 1.0, parameters)
    for i in range(x.size):
        if target == _TWO_MODES:
            away, width = 0.5 * parameters[0], parameters[1]
            left, right = _normal_density(x[i], -away, width), _normal_density(x[i], away, width)
            marginal[i] = 0.5 * (left + right)
        else:
            marginal[i] = _normal_density(x[i], 0.0, 2.0 if target == _FUNNEL else 1.0)


@compiled
def _stretch(target, centring, v):
    """What takes the second coordinate of a funnel's chain to the funnel's own."""
    return exp(0.5 * (1.0 - centring) * v) if target == _FUNNEL else 1.0


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
def _effective_size(samples):
    """As `labcore.samplers.effective_sample_size` of one chain's first coordinate."""
    half = samples.shape[0] // 2
    last = samples.shape[0] - half
    a, sd_a = _moments(samples, 0, half)
    b, sd_b = _moments(samples, last, samples.shape[0])
    within = 0.5 * (sd_a * sd_a + sd_b * sd_b)
    total = (half - 1.0) / half * within + 0.5 * (a - b) ** 2
    if not total > 0.0:
        return math.nan
    time, smallest = -1.0, math.inf
    for lag in range(0, 2 * (half // 2), 2):
        pair = 0.0
        for k in (lag, lag + 1):
            covariance = 0.0
            for i in range(half - k):
                covariance += (samples[i, 0] - a) * (samples[i + k, 0] - a)
                covariance += (samples[last + i, 0] - b) * (samples[last + i + k, 0] - b)
            pair += 1.0 if k == 0 else 1.0 - (within - 0.5 * covariance / half) / total
        if pair <= 0.0:
            break
        smallest = min(smallest, pair)
        time += 2.0 * smallest
    return 2.0 * half / max(time, 1.0 / math.log10(2.0 * half))


@compiled
def _trajectory(
    target,
    difficulty,
    step_size,
    n_steps,
    ends,
    span,
    parameters,
    work,
    path,
    exact,
    energy,
    height,
    numbers,
):
    """A leapfrog trajectory from ends[0], with the momentum that points from there to ends[1].

    `exact` is the same with a hundred times smaller steps. `energy` is the energy along `path` less
    that at its start. All stop after `n_steps` steps, the rest being nan, and where the energy
    explodes. `numbers`: the probability of accepting the end of `path`, its largest energy error,
    the time taken, and the two components of the momentum.
    """
    _set_target(target, difficulty, parameters)
    position, momentum, gradient, force, factor = work[0], work[1], work[2], work[3], work[4:5]
    factor[0, 0] = factor[0, 1] = 1.0
    for finer in (100, 1):  # energy and numbers are those of the last, the trajectory itself
        route = exact if finer == 100 else path
        for k in range(2):
            position[k] = ends[0, k]
            numbers[3 + k] = momentum[k] = ends[1, k] - ends[0, k]
        value = _density(position, parameters, gradient)
        start = 0.5 * (momentum[0] ** 2 + momentum[1] ** 2) - value
        force[0], force[1] = gradient[0], gradient[1]
        numbers[1] = 0.0
        for i in range(route.shape[0]):
            route[i, 0] = route[i, 1] = energy[i] = math.nan
            if i > n_steps:
                continue
            if i > 0:
                value = integrators.leapfrog_steps(
                    _density,
                    parameters,
                    step_size / finer,
                    finer,
                    factor,
                    position,
                    momentum,
                    gradient,
                    force,
                    value,
                )
            error = 0.5 * (momentum[0] ** 2 + momentum[1] ** 2) - value - start
            if abs(error) < 1e6:
                route[i, 0], route[i, 1], energy[i] = position[0], position[1], error
                numbers[0] = exp(min(-error, 0.0))
                numbers[1] = max(numbers[1], abs(error))
            else:
                numbers[0], numbers[1] = 0.0, math.inf
    numbers[2] = n_steps * step_size
    _heights(span, parameters, position, gradient, height)


@compiled
def _forget(
    seed,
    barrier,
    start,
    shown,
    weight,
    matrix,
    law,
    now,
    spare,
    distance,
    bound,
    walk,
    numbers,
):
    """A Metropolis walk between the wells of exp(-`barrier` (x^2 - 1)^2) on a grid from -2 to 2.

    A step proposes a neighbour. `weight` is the stationary law, `law` that of the chain after
    `shown` steps from state number `start`, `distance` their total variation after 0, 1, ... steps
    and `bound` what the spectral gap says of it; `walk` is one chain. `numbers`: the gap, its
    inverse, and the share of the first `shown` steps that the walk spent right of the middle.
    """
    n, n_steps = weight.size, distance.size
    total = 0.0
    for i in range(n):
        weight[i] = exp(-barrier * (_state(i, n) ** 2 - 1.0) ** 2)
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
    second = _second_eigenvalue(matrix, n)
    power = 0.5 / math.sqrt(weight[start])
    for i in range(n):
        now[i] = 1.0 if i == start else 0.0
    for step in range(n_steps):
        distance[step] = 0.0
        for i in range(n):
            distance[step] += 0.5 * abs(now[i] - weight[i])
        bound[step] = power
        power *= second
        if step == shown:
            for i in range(n):
                law[i] = now[i]
        _apply(matrix, now, spare)
    state, right = start, 0
    for step in range(n_steps):
        walk[step] = _state(state, n)
        if step < shown and walk[step] > 0.0:
            right += 1
        u = uniform_at(seed, uint64(0), step)
        for j in range(n):
            u -= matrix[state, j]
            if u < 0.0:
                state = j
                break
    numbers[0], numbers[1] = 1.0 - second, 1.0 / (1.0 - second)
    numbers[2] = right / max(shown, 1)


@compiled
def _state(i, n):
    return -2.0 + 4.0 * i / (n - 1.0)


@compiled
def _apply(matrix, law, spare):
    """One step: the row vector `law` times the matrix, in place."""
    n = law.size
    for j in range(n):
        spare[j] = 0.0
        for i in range(max(0, j - 1), min(n, j + 2)):
            spare[j] += law[i] * matrix[i, j]
    for j in range(n):
        law[j] = spare[j]


@compiled
def _second_eigenvalue(matrix, n):
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


_TARGET = {"target": "int64", "difficulty": "float64", "step_size": "float64"}

EXPORTS = [
    Export(
        "sampler_gallery",
        _gallery,
        {"seed": "uint64", "sampler": "int64"}
        | _TARGET
        | {
            "n_steps": "int64",
            "span": "float64",
            "x": "float64[m]",
            "parameters": "float64[6]",
            "settings": "float64[2]",
            "work": "float64[9, 2]",
            "path": "float64[n, 2]",
            "samples": "float64[n, 2]",
            "lost": "float64[n, 2]",
            "own_height": "float64[rows, columns]",
            "height": "float64[rows, columns]",
            "marginal": "float64[m]",
            "numbers": "float64[6]",
        },
        (
            "parameters",
            "settings",
            "work",
            "path",
            "samples",
            "lost",
            "own_height",
            "height",
            "marginal",
            "numbers",
        ),
    ),
    Export(
        "hmc_trajectory",
        _trajectory,
        _TARGET
        | {
            "n_steps": "int64",
            "ends": "float64[2, 2]",
            "span": "float64",
            "parameters": "float64[6]",
            "work": "float64[5, 2]",
            "path": "float64[n, 2]",
            "exact": "float64[n, 2]",
            "energy": "float64[n]",
            "height": "float64[rows, columns]",
            "numbers": "float64[5]",
        },
        ("parameters", "work", "path", "exact", "energy", "height", "numbers"),
    ),
    Export(
        "markov_forgetting",
        _forget,
        {
            "seed": "uint64",
            "barrier": "float64",
            "start": "int64",
            "shown": "int64",
            "weight": "float64[n]",
            "matrix": "float64[n, n]",
            "law": "float64[n]",
            "now": "float64[n]",
            "spare": "float64[n]",
            "distance": "float64[n_steps]",
            "bound": "float64[n_steps]",
            "walk": "float64[n_steps]",
            "numbers": "float64[3]",
        },
        (
            "weight",
            "matrix",
            "law",
            "now",
            "spare",
            "distance",
            "bound",
            "walk",
            "numbers",
        ),
    ),
]
