"""Noise in continuous time: paths and integrals, solvers and their errors, wells and densities."""

import math

from labcore._compile import compiled
from labcore._math import exp, log
from labcore.live.export import Export
from labcore.sde import euler_maruyama, milstein
from labcore.sde.brownian import fill_brownian
from labcore.sde.model import Coefficients
from labcore.sde.models import (
    _double_well_diffusion,
    _double_well_drift,
    _growing_derivative,
    _growing_diffusion,
    _growing_drift,
    _growing_transition,
    _restoring_diffusion,
    _restoring_drift,
    _restoring_transition,
    _zero,
)


@compiled
def _brownian_zoom(seed, stream, doublings, w, z, t, path, smooth, numbers):
    """The start of the Brownian path of `stream` and of a sine, time stretched c = 2^`doublings`
    times and heights sqrt(c) times.

    `numbers` holds the sums of the increments' sizes and of their squares for the path shown, then
    the same for the smooth curve, and c.
    """
    fine = w.shape[0] - 1
    shown = t.size - 1
    magnification = exp(doublings * math.log(2.0))
    height = math.sqrt(magnification)
    numbers[4] = magnification
    fill_brownian(seed, stream, 1.0, w, z)
    for i in range(shown + 1):
        k = min(fine, int(i * fine / (shown * magnification) + 0.5))
        now = k / fine
        t[i] = now * magnification
        path[i] = height * w[k, 0]
        smooth[i] = height * 0.7 * math.sin(4.0 * math.pi * now)
        if i > 0:
            move, slide = path[i] - path[i - 1], smooth[i] - smooth[i - 1]
            numbers[0] += abs(move)
            numbers[1] += move * move
            numbers[2] += abs(slide)
            numbers[3] += slide * slide


@compiled
def _stochastic_integral(
    seed, point, n_steps, n_paths, w, z, t, sums, ito, stratonovich, gaps, numbers
):
    """Sums of W dW on [0, 1] with W taken a fraction `point` of the way through each step.

    `sums` is the sum up to each time with `n_steps` steps in all (constant between their ends) on
    path 0, beside the two integrals, (W^2 - t) / 2 and W^2 / 2. `gaps` is, for each path, the sum
    at time 1 less Ito's integral; `numbers` holds their mean and standard deviation.
    """
    fine = w.shape[0] - 1
    stride = fine // n_steps
    inside = int(point * stride + 0.5)
    each = fine // (t.size - 1)
    width = w.shape[1]
    for block in range((n_paths - 1) // width, -1, -1):  # path 0 last: its noise is used again
        first = block * width
        fill_brownian(seed, first, 1.0, w, z)
        for lane in range(min(width, n_paths - first)):
            total = 0.0
            for i in range(n_steps):
                a = i * stride
                total += w[a + inside, lane] * (w[a + stride, lane] - w[a, lane])
            gaps[first + lane] = total - 0.5 * (w[fine, lane] * w[fine, lane] - 1.0)
    numbers[0], numbers[1] = _mean_and_deviation(gaps)
    total = 0.0
    for i in range(fine + 1):
        if i > 0 and i % stride == 0:
            total += w[i - stride + inside, 0] * (w[i, 0] - w[i - stride, 0])
        if i % each == 0:
            k = i // each
            t[k] = i / fine
            sums[k] = total
            stratonovich[k] = 0.5 * w[i, 0] * w[i, 0]
            ito[k] = stratonovich[k] - 0.5 * t[k]


@compiled
def _strong_error(
    seed,
    growth,
    volatility,
    level,
    n_paths,
    w,
    z,
    t,
    exact,
    times,
    euler,
    milstein_path,
    h,
    error,
    guide,
    orders,
):
    """Euler-Maruyama and Milstein against the solution of geometric Brownian motion on [0, 1].

    Path 0 is written down in 2^`level` steps, at `times` (nan beyond the last). `error` is the mean
    of |X_1 - approximation| over the paths of each solver (row) and step size (column) `h`,
    `orders` the slopes of its logarithm by least squares, and `guide` has the slopes 1/2 and 1.
    """
    fine = w.shape[0] - 1
    width = w.shape[1]
    levels = h.size
    c = Coefficients(
        _growing_drift,
        _growing_diffusion,
        _growing_derivative,
        _growing_transition,
        (growth, volatility),
        0.0,
    )
    rounds = max(1, n_paths // width)
    for block in range(rounds - 1, -1, -1):  # path 0 last: its noise is used again
        fill_brownian(seed, block * width, 1.0, w, z)
        for j in range(levels):
            n_steps = 2 << j
            stride = fine // n_steps
            h[j] = 1.0 / n_steps
            for lane in range(width):
                x, y = 1.0, 1.0
                for i in range(n_steps):
                    dw = w[(i + 1) * stride, lane] - w[i * stride, lane]
                    x = euler_maruyama._step(c, i * h[j], x, h[j], dw)
                    y = milstein._step(c, i * h[j], y, h[j], dw)
                end = _growing_transition(0.0, 1.0, 1.0, w[fine, lane], c.parameters)
                error[0, j] += abs(x - end)
                error[1, j] += abs(y - end)
    middle = 0.5 * (levels - 1)
    spread = 0.0
    for j in range(levels):
        error[0, j] /= rounds * width
        error[1, j] /= rounds * width
        spread += (j - middle) * (j - middle)
        for row in range(2):
            orders[row] -= (j - middle) * log(max(error[row, j], 1e-300)) / math.log(2.0)
    for row in range(2):
        orders[row] /= spread
        for j in range(levels):
            ratio = h[j] / h[levels - 1]
            guide[row, j] = error[row, levels - 1] * (math.sqrt(ratio) if row == 0 else ratio)
    for i in range(fine + 1):
        t[i] = i / fine
        exact[i] = _growing_transition(0.0, 1.0, t[i], w[i, 0], c.parameters)
        times[i] = euler[i] = milstein_path[i] = math.nan
    n_steps = 1 << level
    stride = fine >> level
    times[0], euler[0], milstein_path[0] = 0.0, 1.0, 1.0
    for i in range(n_steps):
        dw = w[(i + 1) * stride, 0] - w[i * stride, 0]
        now = i / n_steps
        times[i + 1] = (i + 1) / n_steps
        euler[i + 1] = euler_maruyama._step(c, now, euler[i], 1.0 / n_steps, dw)
        milstein_path[i + 1] = milstein._step(c, now, milstein_path[i], 1.0 / n_steps, dw)


@compiled
def _double_well(
    seed, diffusion, step_size, t_end, n_paths, w, z, t, paths, time, fine, ends, grid, density, law
):
    """Euler-Maruyama in a double well from X = -1, and the stationary density on `grid`.

    The noise is drawn on the grid of `time`; a step takes as many of its intervals as fit into
    `step_size`, so every step sees the same noise. Of all `n_paths` only the `ends` are kept, the
    first ones are written down at the times `t` (nan beyond the last), and path 0 with the
    finest step as `fine`. A path that has left for good, beyond 10^6, is nan from there on. `law`
    holds the number that left and, of the other ends, the shares right of 0 and within 1/2 of 0,
    and what the stationary density has within 1/2 of 0.
    """
    width = w.shape[1]
    intervals = w.shape[0] - 1
    stride = max(1, int(step_size * intervals / t_end + 0.5))
    n_steps = intervals // stride
    h = t_end * stride / intervals
    c = Coefficients(
        _double_well_drift, _double_well_diffusion, _zero, _restoring_transition, (diffusion,), 0.0
    )
    for i in range(intervals + 1):
        time[i] = t_end * i / intervals
        t[i] = i * h if i <= n_steps else math.nan
        for path in range(paths.shape[0]):
            paths[path, i] = math.nan
    for first in range(0, n_paths, width):
        fill_brownian(seed, first, t_end, w, z)
        if first == 0:
            x = fine[0] = -1.0
            for i in range(intervals):
                x = euler_maruyama._step(c, time[i], x, time[1], w[i + 1, 0] - w[i, 0])
                fine[i + 1] = x
        for lane in range(min(width, n_paths - first)):
            x = -1.0
            for i in range(n_steps + 1):
                if i > 0:
                    dw = w[i * stride, lane] - w[(i - 1) * stride, lane]
                    x = euler_maruyama._step(c, t[i - 1], x, h, dw)
                    if not abs(x) < 1e6:
                        x = math.nan
                if first + lane < paths.shape[0]:
                    paths[first + lane, i] = x
            ends[first + lane] = x
    for i in range(n_paths):
        if ends[i] != ends[i]:
            law[0] += 1.0
        else:
            law[1] += 1.0 if ends[i] > 0.0 else 0.0
            law[2] += 1.0 if abs(ends[i]) < 0.5 else 0.0
    law[1] /= n_paths - law[0]
    law[2] /= n_paths - law[0]
    _fill_stationary(diffusion, 2.4, grid, density)
    spacing = grid[1] - grid[0]
    for i in range(grid.size):
        inside = (0.5 - abs(grid[i])) / spacing  # a cell counts as far as it lies inside
        law[3] += density[i] * spacing * min(1.0, max(0.0, inside + 0.5))


@compiled
def _double_well_law(
    seed,
    diffusion,
    t_end,
    n_steps,
    n_paths,
    w,
    z,
    work,
    t,
    positions,
    grid,
    density,
    stationary,
    right,
):
    """The law in a double well from X = -1: particles, and the Fokker-Planck equation.

    `positions` and `density` have a row for each time of `t`; `right` is the share right of 0, by
    the particles and by the density. A walker on `grid` hops to its neighbours at rates with the
    mean and the spread of the equation, and its law is followed by Crank and Nicolson's rule,
    after four implicit half-steps that smooth the start.
    """
    c = Coefficients(
        _double_well_drift, _double_well_diffusion, _zero, _restoring_transition, (diffusion,), 0.0
    )
    frames, cells = density.shape
    every = n_steps // (frames - 1)
    h = t_end / n_steps
    width = w.shape[1]
    for first in range(0, n_paths, width):
        fill_brownian(seed, first, t_end, w, z)
        for lane in range(min(width, n_paths - first)):
            x = -1.0
            positions[0, first + lane] = x
            for i in range(n_steps):
                x = euler_maruyama._step(c, i * h, x, h, w[i + 1, lane] - w[i, lane])
                if (i + 1) % every == 0:
                    positions[(i + 1) // every, first + lane] = x
    _fill_stationary(diffusion, 2.2, grid, stationary)
    delta = grid[1] - grid[0]
    law, rising, falling = work[0], work[1], work[2]  # the rates of hopping right and left
    spread = 0.5 * diffusion * diffusion / (delta * delta)
    for i in range(cells):
        x = grid[i]
        slide = (x - x * x * x) / (2.0 * delta)
        rising[i] = spread + slide if i < cells - 1 else 0.0
        falling[i] = spread - slide if i > 0 else 0.0
        law[i] = 0.0
    law[int((2.2 - 1.0) / delta + 0.5)] = 1.0 / delta
    for frame in range(frames):
        t[frame] = frame * every * h
        moves = every + 2 if frame == 1 else every  # the first two steps in halves
        for k in range(moves if frame > 0 else 0):
            half = frame == 1 and k < 4
            _hop(work, 0.5 * h if half else h, 1.0 if half else 0.5)
        for i in range(cells):
            density[frame, i] = law[i]
            share = 0.5 if grid[i] == 0.0 else 1.0
            right[1, frame] += share * law[i] * delta if grid[i] >= 0.0 else 0.0
        for path in range(n_paths):
            right[0, frame] += 1.0 / n_paths if positions[frame, path] > 0.0 else 0.0


@compiled
def _hop(work, h, implicit):
    """Let the law of a hopping walker move for `h`; a tridiagonal system, solved by elimination."""
    law, rising, falling, up, rest = work[0], work[1], work[2], work[3], work[4]
    cells = law.size
    later, now = implicit * h, (1.0 - implicit) * h
    for i in range(cells):
        rest[i] = law[i] - now * (rising[i] + falling[i]) * law[i]
        pivot = 1.0 + later * (rising[i] + falling[i])
        if i < cells - 1:
            rest[i] += now * falling[i + 1] * law[i + 1]
            up[i] = later * falling[i + 1]
        if i > 0:
            rest[i] += now * rising[i - 1] * law[i - 1] + later * rising[i - 1] * rest[i - 1]
            pivot -= later * rising[i - 1] * up[i - 1]
        up[i] /= pivot
        rest[i] /= pivot
    law[cells - 1] = rest[cells - 1]
    for i in range(cells - 2, -1, -1):
        law[i] = rest[i] + up[i] * law[i + 1]


@compiled
def _fill_stationary(diffusion, edge, grid, density):
    """The density in proportion to exp(-2 V / sigma^2) on a grid from -edge to edge."""
    spacing = 2.0 * edge / (grid.size - 1)
    total = 0.0
    for i in range(grid.size):
        grid[i] = spacing * (i - 0.5 * (grid.size - 1))
        square = grid[i] * grid[i]
        density[i] = exp((square - 0.5 * square * square) / (diffusion * diffusion))
        total += density[i] * spacing
    for i in range(grid.size):
        density[i] /= total


@compiled
def _restoring(
    seed, rate, diffusion, step_size, w, z, t, euler, exact, time, mean, low, high, ends, numbers
):
    """Ornstein-Uhlenbeck from X = 3 on [0, 4]: Euler-Maruyama beside the exact transition.

    Both take the same steps with the same noise, drawn on the grid of `time`; the first paths are
    written down at the times `t` (nan beyond the last), all `ends` are kept. `mean`, `low` and
    `high` are the closed form's mean and 95 % band. `numbers` holds the standard deviations of the
    ends (Euler's, the exact draws', the closed form) and the factor 1 - h rate of an Euler step.
    """
    t_end, start = 4.0, 3.0
    shown, n_paths, width = euler.shape[0], ends.shape[1], w.shape[1]
    intervals = w.shape[0] - 1
    stride = max(1, int(step_size * intervals / t_end + 0.5))
    n_steps = intervals // stride
    h = t_end * stride / intervals
    c = Coefficients(
        _restoring_drift,
        _restoring_diffusion,
        _zero,
        _restoring_transition,
        (rate, 0.0, diffusion),
        0.0,
    )
    for i in range(intervals + 1):
        time[i] = t_end * i / intervals
        decay = exp(-rate * time[i])
        deviation = diffusion * math.sqrt((1.0 - decay * decay) / (2.0 * rate))
        mean[i] = start * decay
        low[i] = mean[i] - 1.96 * deviation
        high[i] = mean[i] + 1.96 * deviation
        t[i] = i * h if i <= n_steps else math.nan
        for path in range(shown):
            euler[path, i] = exact[path, i] = math.nan
    for first in range(0, n_paths, width):
        fill_brownian(seed, first, t_end, w, z)
        for lane in range(min(width, n_paths - first)):
            x, y = start, start
            path = first + lane
            for i in range(n_steps + 1):
                if i > 0:
                    dw = w[i * stride, lane] - w[(i - 1) * stride, lane]
                    x = euler_maruyama._step(c, t[i - 1], x, h, dw)
                    y = _restoring_transition(t[i - 1], y, h, dw, c.parameters)
                if path < shown:
                    euler[path, i] = x
                    exact[path, i] = y
            ends[0, path] = x
            ends[1, path] = y
    numbers[0] = _mean_and_deviation(ends[0])[1]
    numbers[1] = _mean_and_deviation(ends[1])[1]
    decay = exp(-rate * n_steps * h)
    numbers[2] = diffusion * math.sqrt((1.0 - decay * decay) / (2.0 * rate))
    numbers[3] = 1.0 - h * rate


@compiled
def _mean_and_deviation(values):
    """Mean and standard deviation."""
    n = values.size
    mean, square = 0.0, 0.0
    for i in range(n):
        mean += values[i] / n
    for i in range(n):
        square += (values[i] - mean) * (values[i] - mean) / n
    return mean, math.sqrt(square)


_NOISE = {"w": "float64[points, 32]", "z": "float64[2, 32]"}

EXPORTS = [
    Export(
        "brownian_zoom",
        _brownian_zoom,
        {
            "seed": "uint64",
            "stream": "int64",
            "doublings": "float64",
            "w": "float64[points, 1]",
            "z": "float64[2, 1]",
            "t": "float64[shown]",
            "path": "float64[shown]",
            "smooth": "float64[shown]",
            "numbers": "float64[5]",
        },
        ("w", "z", "t", "path", "smooth", "numbers"),
    ),
    Export(
        "stochastic_integral",
        _stochastic_integral,
        {"seed": "uint64", "point": "float64", "n_steps": "int64", "n_paths": "int64"}
        | _NOISE
        | {
            "t": "float64[shown]",
            "sums": "float64[shown]",
            "ito": "float64[shown]",
            "stratonovich": "float64[shown]",
            "gaps": "float64[n_paths]",
            "numbers": "float64[2]",
        },
        ("w", "z", "t", "sums", "ito", "stratonovich", "gaps", "numbers"),
    ),
    Export(
        "strong_error",
        _strong_error,
        {
            "seed": "uint64",
            "growth": "float64",
            "volatility": "float64",
            "level": "int64",
            "n_paths": "int64",
        }
        | _NOISE
        | {
            "t": "float64[points]",
            "exact": "float64[points]",
            "times": "float64[points]",
            "euler": "float64[points]",
            "milstein": "float64[points]",
            "h": "float64[levels]",
            "error": "float64[2, levels]",
            "guide": "float64[2, levels]",
            "orders": "float64[2]",
        },
        (
            "w",
            "z",
            "t",
            "exact",
            "times",
            "euler",
            "milstein",
            "h",
            "error",
            "guide",
            "orders",
        ),
    ),
    Export(
        "double_well",
        _double_well,
        {
            "seed": "uint64",
            "diffusion": "float64",
            "step_size": "float64",
            "t_end": "float64",
            "n_paths": "int64",
        }
        | _NOISE
        | {
            "t": "float64[points]",
            "paths": "float64[shown, points]",
            "time": "float64[points]",
            "fine": "float64[points]",
            "ends": "float64[n_paths]",
            "grid": "float64[bins]",
            "density": "float64[bins]",
            "law": "float64[4]",
        },
        ("w", "z", "t", "paths", "time", "fine", "ends", "grid", "density", "law"),
    ),
    Export(
        "double_well_law",
        _double_well_law,
        {
            "seed": "uint64",
            "diffusion": "float64",
            "t_end": "float64",
            "n_steps": "int64",
            "n_paths": "int64",
        }
        | _NOISE
        | {
            "work": "float64[5, cells]",
            "t": "float64[frames]",
            "positions": "float64[frames, n_paths]",
            "grid": "float64[cells]",
            "density": "float64[frames, cells]",
            "stationary": "float64[cells]",
            "right": "float64[2, frames]",
        },
        ("w", "z", "work", "t", "positions", "grid", "density", "stationary", "right"),
    ),
    Export(
        "restoring",
        _restoring,
        {"seed": "uint64", "rate": "float64", "diffusion": "float64", "step_size": "float64"}
        | _NOISE
        | {
            "t": "float64[points]",
            "euler": "float64[shown, points]",
            "exact": "float64[shown, points]",
            "time": "float64[points]",
            "mean": "float64[points]",
            "low": "float64[points]",
            "high": "float64[points]",
            "ends": "float64[2, n_paths]",
            "numbers": "float64[4]",
        },
        (
            "w",
            "z",
            "t",
            "euler",
            "exact",
            "time",
            "mean",
            "low",
            "high",
            "ends",
            "numbers",
        ),
    ),
]
