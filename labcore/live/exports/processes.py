"""Noise in continuous time: sums that become integrals, solvers and their errors, stiff steps."""

import math

from labcore._compile import compiled
from labcore._math import exp
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
def _stochastic_integral(seed, point, n_steps, w, z, t, path, sums, limit):
    """Sums of W dW on [0, 1] with W taken a fraction `point` of the way through each step.

    `path` is Brownian motion on the grid of `t`, `sums` the sum up to each time with `n_steps`
    steps in all (constant between them), `limit` what it tends to, (W^2 + (2 point - 1) t) / 2.
    """
    fine = w.shape[0] - 1
    stride = fine // n_steps
    fill_brownian(seed, 0, 1.0, w, z)
    total = 0.0
    for i in range(fine + 1):
        t[i] = i / fine
        path[i] = w[i, 0]
        if i > 0 and i % stride == 0:
            left, right = w[i - stride, 0], w[i, 0]
            total += ((1.0 - point) * left + point * right) * (right - left)
        sums[i] = total
        limit[i] = 0.5 * (path[i] * path[i] + (2.0 * point - 1.0) * t[i])


@compiled
def _strong_error(
    seed, growth, volatility, level, n_paths, w, z, t, exact, euler, milstein_path, h, error
):
    """Euler-Maruyama and Milstein against the solution of geometric Brownian motion on [0, 1].

    Path 0 with 2^`level` steps is written down, straight lines between the steps; `error` is the
    mean of |X_1 - approximation| over the paths of each solver (row) and step size (column) `h`.
    """
    fine = w.shape[0] - 1
    width = w.shape[1]
    c = Coefficients(
        _growing_drift,
        _growing_diffusion,
        _growing_derivative,
        _growing_transition,
        (growth, volatility),
        0.0,
    )
    rounds = max(1, n_paths // width)
    for block in range(rounds):
        fill_brownian(seed, block * width, 1.0, w, z)
        for j in range(h.size):
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
    for j in range(h.size):
        error[0, j] /= rounds * width
        error[1, j] /= rounds * width
    fill_brownian(seed, 0, 1.0, w, z)
    stride = fine >> level
    step_size = 1.0 / (1 << level)
    euler[0] = milstein_path[0] = 1.0
    for i in range(fine + 1):
        t[i] = i / fine
        exact[i] = _growing_transition(0.0, 1.0, t[i], w[i, 0], c.parameters)
    for i in range(1 << level):
        a, b = i * stride, (i + 1) * stride
        dw = w[b, 0] - w[a, 0]
        euler[b] = euler_maruyama._step(c, t[a], euler[a], step_size, dw)
        milstein_path[b] = milstein._step(c, t[a], milstein_path[a], step_size, dw)
        for k in range(a + 1, b):
            share = (k - a) / stride
            euler[k] = (1.0 - share) * euler[a] + share * euler[b]
            milstein_path[k] = (1.0 - share) * milstein_path[a] + share * milstein_path[b]


@compiled
def _double_well(seed, diffusion, t_end, n_steps, n_paths, w, z, t, paths, ends, grid, density):
    """Euler-Maruyama in a double well from X = -1, and the stationary density on `grid`.

    The paths of `paths` are written down whole, of all `n_paths` only the ends. A path that leaves
    the range of numbers stays there as nan, and so is what lies beyond the last step.
    """
    width = w.shape[1]
    noise = w[: n_steps + 1]
    c = Coefficients(
        _double_well_drift, _double_well_diffusion, _zero, _restoring_transition, (diffusion,), 0.0
    )
    h = t_end / n_steps
    for i in range(t.size):
        t[i] = i * h if i <= n_steps else math.nan
        for path in range(paths.shape[0]):
            paths[path, i] = math.nan
    for first in range(0, n_paths, width):
        fill_brownian(seed, first, t_end, noise, z)
        for lane in range(min(width, n_paths - first)):
            x = -1.0
            for i in range(n_steps + 1):
                if i > 0:
                    x = euler_maruyama._step(c, t[i - 1], x, h, noise[i, lane] - noise[i - 1, lane])
                    if not abs(x) < 1e100:
                        x = math.nan
                if first + lane < paths.shape[0]:
                    paths[first + lane, i] = x
            ends[first + lane] = x
    spacing = (grid.size - 1) / 6.0
    total = 0.0
    for i in range(grid.size):
        grid[i] = -3.0 + i / spacing
        square = grid[i] * grid[i]
        density[i] = exp((square - 0.5 * square * square) / (diffusion * diffusion))
        total += density[i] / spacing
    for i in range(grid.size):
        density[i] /= total


@compiled
def _restoring(seed, rate, diffusion, n_steps, w, z, t, euler, exact, mean, sd, numbers):
    """Ornstein-Uhlenbeck from X = 3 on [0, 4]: Euler-Maruyama beside the exact transition.

    `numbers` holds the standard deviations at the end over all paths (Euler's, the exact draws',
    the closed form) and the factor 1 - h rate by which an Euler step multiplies. What lies beyond
    the last step is nan.
    """
    t_end, start = 4.0, 3.0
    n_paths, width = euler.shape[0], w.shape[1]
    noise = w[: n_steps + 1]
    c = Coefficients(
        _restoring_drift,
        _restoring_diffusion,
        _zero,
        _restoring_transition,
        (rate, 0.0, diffusion),
        0.0,
    )
    h = t_end / n_steps
    for i in range(n_steps + 1, t.size):
        t[i] = mean[i] = sd[i] = math.nan
        for path in range(n_paths):
            euler[path, i] = exact[path, i] = math.nan
    for i in range(n_steps + 1):
        t[i] = i * h
        decay = exp(-rate * t[i])
        mean[i] = start * decay
        sd[i] = diffusion * math.sqrt((1.0 - decay * decay) / (2.0 * rate))
    for first in range(0, n_paths, width):
        fill_brownian(seed, first, t_end, noise, z)
        for lane in range(min(width, n_paths - first)):
            x, y = start, start
            for i in range(n_steps + 1):
                if i > 0:
                    dw = noise[i, lane] - noise[i - 1, lane]
                    x = euler_maruyama._step(c, t[i - 1], x, h, dw)
                    y = _restoring_transition(t[i - 1], y, h, dw, c.parameters)
                euler[first + lane, i] = x
                exact[first + lane, i] = y
    numbers[0] = _deviation(euler, n_steps)
    numbers[1] = _deviation(exact, n_steps)
    numbers[2] = sd[n_steps]
    numbers[3] = 1.0 - h * rate


@compiled
def _deviation(paths, column):
    """Standard deviation of a column."""
    n = paths.shape[0]
    mean, square = 0.0, 0.0
    for i in range(n):
        mean += paths[i, column] / n
    for i in range(n):
        square += (paths[i, column] - mean) ** 2 / n
    return math.sqrt(square)


_NOISE = {"w": "float64[points, 32]", "z": "float64[2, 32]", "t": "float64[points]"}

EXPORTS = [
    Export(
        "stochastic_integral",
        _stochastic_integral,
        {"seed": "uint64", "point": "float64", "n_steps": "int64"}
        | _NOISE
        | {"path": "float64[points]", "sums": "float64[points]", "limit": "float64[points]"},
        ("w", "z", "t", "path", "sums", "limit"),
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
            "exact": "float64[points]",
            "euler": "float64[points]",
            "milstein": "float64[points]",
            "h": "float64[levels]",
            "error": "float64[2, levels]",
        },
        ("w", "z", "t", "exact", "euler", "milstein", "h", "error"),
    ),
    Export(
        "double_well",
        _double_well,
        {
            "seed": "uint64",
            "diffusion": "float64",
            "t_end": "float64",
            "n_steps": "int64",
            "n_paths": "int64",
        }
        | _NOISE
        | {
            "paths": "float64[shown, points]",
            "ends": "float64[n_paths]",
            "grid": "float64[bins]",
            "density": "float64[bins]",
        },
        ("w", "z", "t", "paths", "ends", "grid", "density"),
    ),
    Export(
        "restoring",
        _restoring,
        {"seed": "uint64", "rate": "float64", "diffusion": "float64", "n_steps": "int64"}
        | _NOISE
        | {
            "euler": "float64[n_paths, points]",
            "exact": "float64[n_paths, points]",
            "mean": "float64[points]",
            "sd": "float64[points]",
            "numbers": "float64[4]",
        },
        ("w", "z", "t", "euler", "exact", "mean", "sd", "numbers"),
    ),
]
