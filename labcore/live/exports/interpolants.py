"""From noise to data: particles carried by an ODE or an SDE, and what each point averages."""

import math

from numba import uint64

from labcore._compile import compiled
from labcore._math import exp, log
from labcore.live.export import Export
from labcore.random import normal_pair, uniform_at

_VARIANCE = 0.09  # of each component of the target
_RADIUS = 3.0  # of the circle that they lie on


@compiled
def _ring(components, weights, means):
    """Equal components on a circle, the first at the top."""
    for k in range(components):
        angle = 2.0 * math.pi * k / components
        weights[k] = 1.0 / components
        means[k, 0] = _RADIUS * math.sin(angle)
        means[k, 1] = _RADIUS * math.cos(angle)


@compiled(inline=True)
def _mean_end(t, x, y, means, components, gamma_squared, responsibilities):
    """Mean of the target's component given I_t = (x, y), and the variance of I_t within one."""
    variance = (1.0 - t) ** 2 + t * t * _VARIANCE + gamma_squared
    highest = -math.inf
    for k in range(components):
        dx, dy = x - t * means[k, 0], y - t * means[k, 1]
        responsibilities[k] = -0.5 * (dx * dx + dy * dy) / variance
        highest = max(highest, responsibilities[k])
    total, a, b = 0.0, 0.0, 0.0
    for k in range(components):
        r = exp(responsibilities[k] - highest)
        responsibilities[k] = r
        total += r
        a += r * means[k, 0]
        b += r * means[k, 1]
    for k in range(components):
        responsibilities[k] /= total
    return a / total, b / total, variance, highest + log(total)


@compiled(inline=True)
def _half_variance_rate(t, noise):
    """Half the rate of the variance within a component, gamma^2 being `noise` t (1 - t)."""
    return -(1.0 - t) + t * _VARIANCE + 0.5 * noise * (1.0 - 2.0 * t)


@compiled
def _particles(
    seed,
    noise,
    epsilon,
    bias,
    components,
    n_steps,
    means,
    weights,
    responsibilities,
    ode,
    sde,
    target,
    numbers,
):
    r"""Particles from a normal law to a ring, by the ODE and by the SDE of the same velocity.

    I_t = (1 - t) x0 + t x1 + gamma z with gamma^2 = `noise` t (1 - t). Both move by Euler steps,
    from the same start. With `bias` b the velocity is wrong by b (-y, x): it turns.
    `numbers`: mean distance of each to its nearest component (ODE, SDE, exact draws).
    """
    n_times, n = ode.shape[0], ode.shape[1]
    every = n_steps // (n_times - 1)
    h = 1.0 / n_steps
    kick = math.sqrt(2.0 * epsilon * h)
    _ring(components, weights, means)
    for i in range(n):
        stream = uint64(i)
        a, b = normal_pair(seed, stream, 0)
        x, y, u, v = a, b, a, b
        ode[0, i, 0], ode[0, i, 1] = x, y
        sde[0, i, 0], sde[0, i, 1] = u, v
        for step in range(n_steps):
            t = step * h
            gamma_squared = noise * t * (1.0 - t)
            rate = _half_variance_rate(t, noise)
            p, q, variance, _ = _mean_end(
                t, x, y, means, components, gamma_squared, responsibilities
            )
            dx = p + rate / variance * (x - t * p) - bias * y
            dy = q + rate / variance * (y - t * q) + bias * x
            x, y = x + h * dx, y + h * dy
            p, q, variance, _ = _mean_end(
                t, u, v, means, components, gamma_squared, responsibilities
            )
            z, w = normal_pair(seed, stream, 1 + step)
            du = p + (rate - epsilon) / variance * (u - t * p) - bias * v
            dv = q + (rate - epsilon) / variance * (v - t * q) + bias * u
            u, v = u + h * du + kick * z, v + h * dv + kick * w
            if (step + 1) % every == 0:
                row = (step + 1) // every
                ode[row, i, 0], ode[row, i, 1] = x, y
                sde[row, i, 0], sde[row, i, 1] = u, v
        k = min(components - 1, int(components * uniform_at(seed, stream, 2 * (n_steps + 2))))
        z, w = normal_pair(seed, stream, n_steps + 3)
        target[i, 0] = means[k, 0] + math.sqrt(_VARIANCE) * z
        target[i, 1] = means[k, 1] + math.sqrt(_VARIANCE) * w
    numbers[0] = _mean_distance(ode[n_times - 1], means, components)
    numbers[1] = _mean_distance(sde[n_times - 1], means, components)
    numbers[2] = _mean_distance(target, means, components)


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
def _line(seed, noise, epsilon, gap, n_steps, means, responsibilities, t, density, ode, sde):
    """Two bumps out of one, on the line: the density at each time, and paths of ODE and SDE.

    The target's bumps lie at -`gap` and `gap`. Row j of `density` belongs to a point of a grid
    from -4 to 4, column i to time t[i]; row i of `ode` and `sde` is particle i.
    """
    n_times = t.size
    every = n_steps // (n_times - 1)
    h = 1.0 / n_steps
    kick = math.sqrt(2.0 * epsilon * h)
    means[0, 0], means[1, 0] = -gap, gap
    for i in range(n_times):
        t[i] = i / (n_times - 1)
        gamma_squared = noise * t[i] * (1.0 - t[i])
        for j in range(density.shape[0]):
            x = -4.0 + 8.0 * j / (density.shape[0] - 1)
            _, _, variance, log_sum = _mean_end(
                t[i], x, 0.0, means, 2, gamma_squared, responsibilities
            )
            density[j, i] = 0.5 * exp(log_sum) / math.sqrt(2.0 * math.pi * variance)
    for i in range(ode.shape[0]):
        start, _ = normal_pair(seed, uint64(i), 0)
        x, u = start, start
        ode[i, 0], sde[i, 0] = x, u
        for step in range(n_steps):
            now = step * h
            gamma_squared = noise * now * (1.0 - now)
            rate = _half_variance_rate(now, noise)
            p, _, variance, _ = _mean_end(now, x, 0.0, means, 2, gamma_squared, responsibilities)
            x += h * (p + rate / variance * (x - now * p))
            p, _, variance, _ = _mean_end(now, u, 0.0, means, 2, gamma_squared, responsibilities)
            z, _ = normal_pair(seed, uint64(i), 1 + step)
            u += h * (p + (rate - epsilon) / variance * (u - now * p)) + kick * z
            if (step + 1) % every == 0:
                ode[i, (step + 1) // every] = x
                sde[i, (step + 1) // every] = u


@compiled
def _field(t, noise, components, probe, weights, means, responsibilities, density, x, y, u, v, at):
    """Density and velocity at time `t`, and what the velocity at the point `probe` averages.

    `density` is on a grid from -4.5 to 4.5, row by row from below; the arrows (u, v) at (x, y) are
    on a coarser one. `at` holds the velocity at the probe, then the mean end point there;
    `responsibilities` are the probabilities of the components given I_t = probe.
    """
    _ring(components, weights, means)
    gamma_squared = noise * t * (1.0 - t)
    rate = _half_variance_rate(t, noise)
    rows, columns = density.shape
    for i in range(rows):
        for j in range(columns):
            a, b = -4.5 + 9.0 * j / (columns - 1), -4.5 + 9.0 * i / (rows - 1)
            _, _, variance, log_sum = _mean_end(
                t, a, b, means, components, gamma_squared, responsibilities
            )
            density[i, j] = exp(log_sum) / (components * 2.0 * math.pi * variance)
    side = int(math.sqrt(x.size) + 0.5)
    for k in range(x.size):
        x[k] = -4.0 + 8.0 * (k % side) / (side - 1)
        y[k] = -4.0 + 8.0 * (k // side) / (side - 1)
        p, q, variance, _ = _mean_end(
            t, x[k], y[k], means, components, gamma_squared, responsibilities
        )
        u[k] = p + rate / variance * (x[k] - t * p)
        v[k] = q + rate / variance * (y[k] - t * q)
    a, b = probe[0, 0], probe[0, 1]
    p, q, variance, _ = _mean_end(t, a, b, means, components, gamma_squared, responsibilities)
    at[0], at[1] = p + rate / variance * (a - t * p), q + rate / variance * (b - t * q)
    at[2], at[3] = p, q


_TARGET = {"means": "float64[room, 2]", "weights": "float64[room]"}

EXPORTS = [
    Export(
        "interpolant_particles",
        _particles,
        {
            "seed": "uint64",
            "noise": "float64",
            "epsilon": "float64",
            "bias": "float64",
            "components": "int64",
            "n_steps": "int64",
        }
        | _TARGET
        | {
            "responsibilities": "float64[room]",
            "ode": "float64[n_times, n, 2]",
            "sde": "float64[n_times, n, 2]",
            "target": "float64[n, 2]",
            "numbers": "float64[3]",
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
            "gap": "float64",
            "n_steps": "int64",
            "means": "float64[2, 2]",
            "responsibilities": "float64[2]",
            "t": "float64[n_times]",
            "density": "float64[rows, n_times]",
            "ode": "float64[n, n_times]",
            "sde": "float64[n, n_times]",
        },
        ("means", "responsibilities", "t", "density", "ode", "sde"),
    ),
    Export(
        "interpolant_field",
        _field,
        {
            "t": "float64",
            "noise": "float64",
            "components": "int64",
            "probe": "float64[1, 2]",
        }
        | {"weights": "float64[room]", "means": "float64[room, 2]"}
        | {
            "responsibilities": "float64[room]",
            "density": "float64[rows, columns]",
            "x": "float64[arrows]",
            "y": "float64[arrows]",
            "u": "float64[arrows]",
            "v": "float64[arrows]",
            "at": "float64[4]",
        },
        ("weights", "means", "responsibilities", "density", "x", "y", "u", "v", "at"),
    ),
]
