"""From noise to data: particles carried by an ODE or an SDE, and what each point averages."""

import math

from numba import uint64

from labcore._compile import compiled
from labcore._math import exp, log, sin_cos_2pi
from labcore.live.export import Export
from labcore.random import normal_pair, uniform_at

_VARIANCE = 0.09  # of each component of the ring
_RADIUS = 3.0  # of the circle that they lie on


@compiled
def _ring(components, weights, means):
    """Equal components on a circle, the first at the top."""
    for k in range(components):
        angle = 2.0 * math.pi * k / components
        weights[k] = 1.0 / components
        means[k, 0] = _RADIUS * math.sin(angle)
        means[k, 1] = _RADIUS * math.cos(angle)


@compiled
def _mean_centre(t, x, y, weights, means, components, within, gamma_squared, responsibilities):
    """Mean of the target component's centre given I_t = (x, y), and the variance of I_t within one.

    The components have the variance `within`; their `responsibilities` are left with a common
    factor. The last result is the logarithm of the density without the normal law's factor.
    """
    variance = (1.0 - t) ** 2 + t * t * within + gamma_squared
    scale, highest = -0.5 / variance, -math.inf
    for k in range(components):
        dx, dy = x - t * means[k, 0], y - t * means[k, 1]
        responsibilities[k] = scale * (dx * dx + dy * dy)
        highest = max(highest, responsibilities[k])
    total, a, b = 0.0, 0.0, 0.0
    for k in range(components):
        r = weights[k] * exp(responsibilities[k] - highest)
        responsibilities[k] = r
        total += r
        a += r * means[k, 0]
        b += r * means[k, 1]
    return a / total, b / total, variance, highest + log(total)


@compiled(inline=True)
def _half_variance_rate(t, within, noise):
    """Half the rate of the variance within a component, gamma^2 being `noise` t (1 - t)."""
    return -(1.0 - t) + t * within + 0.5 * noise * (1.0 - 2.0 * t)


@compiled
def _particles(
    seed,
    epsilon,
    bias,
    components,
    n_steps,
    groups,
    means,
    weights,
    responsibilities,
    ode,
    sde,
    target,
    numbers,
):
    r"""Particles from a normal law to a ring, by the ODE and by the SDE of the same velocity.

    I_t = (1 - t) x0 + t x1. Both move by Euler steps, from the same start, and are shown at equal
    times, straight lines joining the steps. Of the `groups` into which they fall in order, every
    other one starts on the left, the rest on the right: drawn in order, no side hides the other.
    With `bias` b the velocity is wrong by b (-y, x): it turns. `numbers`: mean distance of each to
    its nearest component (ODE, SDE, exact draws), and the correlation of start and end, averaged
    over the coordinates (ODE, SDE).
    """
    n_rows, n = ode.shape[0] - 1, ode.shape[1]
    h = 1.0 / n_steps
    _ring(components, weights, means)
    for i in range(n):
        stream = uint64(i)
        a, b = normal_pair(seed, stream, 0)
        a = -abs(a) if i * groups // n % 2 == 0 else abs(a)
        for which in range(2):
            moved, diffusion = (ode, 0.0) if which == 0 else (sde, epsilon)
            kick = math.sqrt(2.0 * diffusion * h)
            x, y, row = a, b, 1
            moved[0, i, 0], moved[0, i, 1] = x, y
            for step in range(n_steps):
                t = step * h
                p, q, variance, _ = _mean_centre(
                    t, x, y, weights, means, components, _VARIANCE, 0.0, responsibilities
                )
                pull = (_half_variance_rate(t, _VARIANCE, 0.0) - diffusion) / variance
                dx = h * (p + pull * (x - t * p) - bias * y)
                dy = h * (q + pull * (y - t * q) + bias * x)
                if kick > 0.0:
                    z, w = normal_pair(seed, stream, 1 + step)
                    dx, dy = dx + kick * z, dy + kick * w
                while row * n_steps <= (step + 1) * n_rows:
                    share = row * n_steps / n_rows - step
                    moved[row, i, 0], moved[row, i, 1] = x + share * dx, y + share * dy
                    row += 1
                x, y = x + dx, y + dy
        stream = uint64(n + i)
        k = min(components - 1, int(components * uniform_at(seed, stream, 0)))
        z, w = normal_pair(seed, stream, 1)
        target[i, 0] = means[k, 0] + math.sqrt(_VARIANCE) * z
        target[i, 1] = means[k, 1] + math.sqrt(_VARIANCE) * w
    numbers[0] = _mean_distance(ode[n_rows], means, components)
    numbers[1] = _mean_distance(sde[n_rows], means, components)
    numbers[2] = _mean_distance(target, means, components)
    numbers[3], numbers[4] = 0.0, 0.0
    for k in range(2):
        _, memory = _spread_and_memory(ode[0, :, k], ode[n_rows, :, k])
        numbers[3] += 0.5 * memory
        _, memory = _spread_and_memory(sde[0, :, k], sde[n_rows, :, k])
        numbers[4] += 0.5 * memory


@compiled
def _mean_distance(points, means, components):
    """Mean distance of the points to the nearest centre."""
    total = 0.0
    for i in range(points.shape[0]):
        nearest = math.inf
        for k in range(components):
            dx, dy = points[i, 0] - means[k, 0], points[i, 1] - means[k, 1]
            nearest = min(nearest, dx * dx + dy * dy)
        total += math.sqrt(nearest)
    return total / points.shape[0]


@compiled
def _spread_and_memory(starts, ends):
    """Standard deviation of the ends, and their correlation with the starts."""
    n = starts.size
    a, b = 0.0, 0.0
    for i in range(n):
        a += starts[i] / n
        b += ends[i] / n
    aa, bb, ab = 0.0, 0.0, 0.0
    for i in range(n):
        x, y = starts[i] - a, ends[i] - b
        aa += x * x / n
        bb += y * y / n
        ab += x * y / n
    product = math.sqrt(aa * bb)
    # One step may bring all to one point; what rounding leaves of them is no memory.
    return math.sqrt(bb), ab / product if product > 1e-12 else 0.0


@compiled
def _line(
    seed,
    noise,
    epsilon,
    error,
    n_steps,
    modes,
    shares,
    within,
    means,
    responsibilities,
    t,
    density,
    ode,
    sde,
    numbers,
):
    """From one bump to several on the line: the density at each time, and paths of ODE and SDE.

    The target's components lie at `modes`, with the weights `shares` and the variance `within`;
    gamma^2 is `noise` t (1 - t). The velocity is wrong by `error` sin 3x. Row j of `density`
    belongs to a point of a grid from -4 to 4, column i to time t[i]; row i of `ode` and `sde` is
    particle i. Row i of `numbers`, at time t[i]: the standard deviation of ODE, SDE and rho_t, the
    correlation with the start of ODE and SDE, and the root mean square distance to the nearest
    mode of ODE and SDE.
    """
    n_rows, components = t.size - 1, modes.size
    h = 1.0 / n_steps
    for k in range(components):
        means[k, 0] = modes[k]
    for i in range(n_rows + 1):
        t[i] = i / n_rows
        gamma_squared = noise * t[i] * (1.0 - t[i])
        for j in range(density.shape[0]):
            x = -4.0 + 8.0 * j / (density.shape[0] - 1)
            _, _, variance, log_sum = _mean_centre(
                t[i], x, 0.0, shares, means, components, within, gamma_squared, responsibilities
            )
            density[j, i] = exp(log_sum) / math.sqrt(2.0 * math.pi * variance)
    for i in range(ode.shape[0]):
        start, _ = normal_pair(seed, uint64(i), 0)
        for which in range(2):
            moved, diffusion = (ode, 0.0) if which == 0 else (sde, epsilon)
            kick = math.sqrt(2.0 * diffusion * h)
            x, row = start, 1
            moved[i, 0] = x
            for step in range(n_steps):
                now = step * h
                gamma_squared = noise * now * (1.0 - now)
                p, _, variance, _ = _mean_centre(
                    now, x, 0.0, shares, means, components, within, gamma_squared, responsibilities
                )
                pull = (_half_variance_rate(now, within, noise) - diffusion) / variance
                sine, _ = sin_cos_2pi(1.5 / math.pi * x)
                dx = h * (p + pull * (x - now * p) + error * sine)
                if kick > 0.0:
                    z, _ = normal_pair(seed, uint64(i), 1 + step)
                    dx += kick * z
                while row * n_steps <= (step + 1) * n_rows:
                    moved[i, row] = x + (row * n_steps / n_rows - step) * dx
                    row += 1
                x += dx
    _describe(noise, modes, shares, within, t, ode, sde, numbers)


@compiled
def _describe(noise, modes, shares, within, t, ode, sde, numbers):
    """The `numbers` of `_line`."""
    mean, square = 0.0, 0.0
    for k in range(modes.size):
        mean += shares[k] * modes[k]
        square += shares[k] * modes[k] * modes[k]
    between = square - mean * mean
    for i in range(t.size):
        variance = (1.0 - t[i]) ** 2 + t[i] ** 2 * (within + between)
        numbers[i, 2] = math.sqrt(variance + noise * t[i] * (1.0 - t[i]))
        for which in range(2):
            paths = ode if which == 0 else sde
            deviation, memory = _spread_and_memory(paths[:, 0], paths[:, i])
            numbers[i, which] = deviation
            numbers[i, 3 + which] = memory
            numbers[i, 5 + which] = _distance_to_modes(paths[:, i], modes)


@compiled
def _distance_to_modes(positions, modes):
    """Root mean square distance of the positions to the nearest mode."""
    total = 0.0
    for i in range(positions.size):
        nearest = math.inf
        for k in range(modes.size):
            nearest = min(nearest, (positions[i] - modes[k]) ** 2)
        total += nearest / positions.size
    return math.sqrt(total)


@compiled
def _field(
    t,
    seed,
    components,
    probe,
    weights,
    means,
    responsibilities,
    density,
    x,
    y,
    u,
    v,
    lines_x,
    lines_y,
    at,
):
    """Density and velocity at time `t` < 1, and what the velocity at the point `probe` averages.

    `density` is on a grid from -4.5 to 4.5, row by row from below; the arrows (u, v) at (x, y) are
    on a coarser one. `responsibilities` are the probabilities of the components given that
    I_t = (1 - t) x0 + t x1 is at the probe. Each row of `lines_x` and `lines_y` is a draw of the
    two ends given that. `at` holds the velocity at the probe, the mean of the end x1 there, and the
    mean slope of the lines drawn.
    """
    _ring(components, weights, means)
    rate = _half_variance_rate(t, _VARIANCE, 0.0)
    rows, columns = density.shape
    for i in range(rows):
        for j in range(columns):
            a, b = -4.5 + 9.0 * j / (columns - 1), -4.5 + 9.0 * i / (rows - 1)
            _, _, variance, log_sum = _mean_centre(
                t, a, b, weights, means, components, _VARIANCE, 0.0, responsibilities
            )
            density[i, j] = exp(log_sum) / (2.0 * math.pi * variance)
    side = int(math.sqrt(x.size) + 0.5)
    for k in range(x.size):
        x[k] = -4.0 + 8.0 * (k % side) / (side - 1)
        y[k] = -4.0 + 8.0 * (k // side) / (side - 1)
        p, q, variance, _ = _mean_centre(
            t, x[k], y[k], weights, means, components, _VARIANCE, 0.0, responsibilities
        )
        u[k] = p + rate / variance * (x[k] - t * p)
        v[k] = q + rate / variance * (y[k] - t * q)
    a, b = probe[0, 0], probe[0, 1]
    p, q, variance, _ = _mean_centre(
        t, a, b, weights, means, components, _VARIANCE, 0.0, responsibilities
    )
    total = 0.0
    for k in range(components):
        total += responsibilities[k]
    for k in range(components):
        responsibilities[k] /= total
    gain = t * _VARIANCE / variance  # of the mean of x1 on I_t, within a component
    at[0], at[1] = p + rate / variance * (a - t * p), q + rate / variance * (b - t * q)
    at[2], at[3] = p + gain * (a - t * p), q + gain * (b - t * q)
    deviation = (1.0 - t) * math.sqrt(_VARIANCE / variance)  # of x1 given I_t and the component
    at[4], at[5] = 0.0, 0.0
    n = lines_x.shape[0]
    for i in range(n):
        level, k = uniform_at(seed, uint64(i), 0), 0
        while k < components - 1 and level >= responsibilities[k]:
            level -= responsibilities[k]
            k += 1
        z, w = normal_pair(seed, uint64(i), 1)
        lines_x[i, 1] = means[k, 0] + gain * (a - t * means[k, 0]) + deviation * z
        lines_y[i, 1] = means[k, 1] + gain * (b - t * means[k, 1]) + deviation * w
        lines_x[i, 0] = (a - t * lines_x[i, 1]) / (1.0 - t)
        lines_y[i, 0] = (b - t * lines_y[i, 1]) / (1.0 - t)
        at[4] += (lines_x[i, 1] - lines_x[i, 0]) / n
        at[5] += (lines_y[i, 1] - lines_y[i, 0]) / n


EXPORTS = [
    Export(
        "interpolant_particles",
        _particles,
        {
            "seed": "uint64",
            "epsilon": "float64",
            "bias": "float64",
            "components": "int64",
            "n_steps": "int64",
            "groups": "int64",
            "means": "float64[room, 2]",
            "weights": "float64[room]",
            "responsibilities": "float64[room]",
            "ode": "float64[n_times, n, 2]",
            "sde": "float64[n_times, n, 2]",
            "target": "float64[n, 2]",
            "numbers": "float64[5]",
        },
        ("means", "weights", "responsibilities", "ode", "sde", "target", "numbers"),
    ),
    Export(
        "interpolant_line",
        _line,
        {
            "seed": "uint64",
            "noise": "float64",
            "epsilon": "float64",
            "error": "float64",
            "n_steps": "int64",
            "modes": "float64[components]",
            "shares": "float64[components]",
            "within": "float64",
            "means": "float64[components, 2]",
            "responsibilities": "float64[components]",
            "t": "float64[n_times]",
            "density": "float64[rows, n_times]",
            "ode": "float64[n, n_times]",
            "sde": "float64[n, n_times]",
            "numbers": "float64[n_times, 7]",
        },
        ("means", "responsibilities", "t", "density", "ode", "sde", "numbers"),
    ),
    Export(
        "interpolant_field",
        _field,
        {
            "t": "float64",
            "seed": "uint64",
            "components": "int64",
            "probe": "float64[1, 2]",
            "weights": "float64[room]",
            "means": "float64[room, 2]",
            "responsibilities": "float64[room]",
            "density": "float64[rows, columns]",
            "x": "float64[arrows]",
            "y": "float64[arrows]",
            "u": "float64[arrows]",
            "v": "float64[arrows]",
            "lines_x": "float64[n, 2]",
            "lines_y": "float64[n, 2]",
            "at": "float64[6]",
        },
        (
            "weights",
            "means",
            "responsibilities",
            "density",
            "x",
            "y",
            "u",
            "v",
            "lines_x",
            "lines_y",
            "at",
        ),
    ),
]
