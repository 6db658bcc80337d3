"""Layers on a tile of samples: forward, along a tangent, and backward.

A tile holds `LANES` samples side by side: row i of its arrays is unit i of a layer, and column j is
sample j, so that the innermost loops run over samples and are vectorised whatever the widths of the
layers are. Sums over units run from the first to the last, for every sample alike: a result depends
neither on the tile that a sample is in, nor on the number of threads.

Layer l has its weights, of shape (n_in, n_out), and then its n_out biases in the flat array of
parameters, layer after layer.
"""

from typing import NamedTuple

import numpy as np

from labcore._compile import compiled
from labcore.nets.activations import activate, activate_with_slope

LANES = 128
GROUPS = 8  # of tiles: each has its own buffers and sums, whoever works on it


class Work(NamedTuple):
    """Buffers of all groups of tiles."""

    units: np.ndarray  # (groups, layers + 1, widest, LANES): what each layer gives
    slopes: np.ndarray  # (groups, layers + 1, widest, LANES): of its activation
    deltas: np.ndarray  # (groups, 2, widest, LANES): derivatives by what enters an activation
    transposed: np.ndarray  # (groups, LANES, widest)


def number_of_groups(n_samples: int) -> int:
    """As many groups as have something to do."""
    return max(1, min(GROUPS, -(-n_samples // LANES)))


def workspace(sizes: tuple[int, ...], n_samples: int, dtype: np.dtype) -> Work:
    """Buffers for so many samples."""
    groups = number_of_groups(n_samples)
    layers, widest = len(sizes), max(sizes)
    units = np.zeros((2, groups, layers, widest, LANES), dtype)
    deltas = np.zeros((groups, 2, widest, LANES), dtype)
    return Work(units[0], units[1], deltas, np.zeros((groups, LANES, widest), dtype))


@compiled
def add_product(w, first, step_in, step_out, n_in, n_out, a, z, width):
    """z[r] += sum_k w[first + k step_in + r step_out] a[k], rows of so many numbers.

    Four rows of z and four of a at a time: each number that is loaded is used four times.
    """
    whole_in, whole_out = n_in - n_in % 4, n_out - n_out % 4
    for r in range(0, whole_out, 4):
        z0, z1, z2, z3 = z[r], z[r + 1], z[r + 2], z[r + 3]
        o0 = first + r * step_out
        o1, o2, o3 = o0 + step_out, o0 + 2 * step_out, o0 + 3 * step_out
        for k in range(0, whole_in, 4):
            a0, a1, a2, a3 = a[k], a[k + 1], a[k + 2], a[k + 3]
            i0 = k * step_in
            i1, i2, i3 = i0 + step_in, i0 + 2 * step_in, i0 + 3 * step_in
            w00, w01, w02, w03 = w[o0 + i0], w[o0 + i1], w[o0 + i2], w[o0 + i3]
            w10, w11, w12, w13 = w[o1 + i0], w[o1 + i1], w[o1 + i2], w[o1 + i3]
            w20, w21, w22, w23 = w[o2 + i0], w[o2 + i1], w[o2 + i2], w[o2 + i3]
            w30, w31, w32, w33 = w[o3 + i0], w[o3 + i1], w[o3 + i2], w[o3 + i3]
            for j in range(width):
                x0, x1, x2, x3 = a0[j], a1[j], a2[j], a3[j]
                z0[j] = (((z0[j] + w00 * x0) + w01 * x1) + w02 * x2) + w03 * x3
                z1[j] = (((z1[j] + w10 * x0) + w11 * x1) + w12 * x2) + w13 * x3
                z2[j] = (((z2[j] + w20 * x0) + w21 * x1) + w22 * x2) + w23 * x3
                z3[j] = (((z3[j] + w30 * x0) + w31 * x1) + w32 * x2) + w33 * x3
        for k in range(whole_in, n_in):
            a0 = a[k]
            i0 = k * step_in
            w00, w10, w20, w30 = w[o0 + i0], w[o1 + i0], w[o2 + i0], w[o3 + i0]
            for j in range(width):
                z0[j] += w00 * a0[j]
                z1[j] += w10 * a0[j]
                z2[j] += w20 * a0[j]
                z3[j] += w30 * a0[j]
    for r in range(whole_out, n_out):
        z0 = z[r]
        for k in range(n_in):
            a0 = a[k]
            w00 = w[first + k * step_in + r * step_out]
            for j in range(width):
                z0[j] += w00 * a0[j]


@compiled
def load(x, tile, rows):
    """Samples of a tile, side by side; zeros where there are no more."""
    first = tile * LANES
    n = min(LANES, x.shape[0] - first)
    for i in range(x.shape[1]):
        row = rows[i]
        for j in range(n):
            row[j] = x[first + j, i]
        for j in range(n, LANES):
            row[j] = 0.0


@compiled
def unload(rows, tile, out):
    """Write what `load` would read."""
    first = tile * LANES
    for i in range(out.shape[1]):
        row = rows[i]
        for j in range(min(LANES, out.shape[0] - first)):
            out[first + j, i] = row[j]


@compiled
def forward(sizes, activation, p, bias, known, units, slopes, with_slopes):
    """What all layers give for the inputs units[0]; the last has no activation.

    The first `known` inputs are not there: what they add to the first layer is in its `bias`.
    """
    last = sizes.size - 1
    first = known * sizes[1]
    n_in = sizes[0] - known
    for l in range(last):
        n_out = sizes[l + 1]
        z = units[l + 1]
        for r in range(n_out):
            row = z[r]
            for j in range(LANES):
                row[j] = bias[r]
        add_product(p, first, n_out, 1, n_in, n_out, units[l], z, LANES)
        if l < last - 1:
            flat = z.reshape(-1)[: n_out * LANES]
            if with_slopes:
                activate_with_slope(activation, flat, slopes[l + 1].reshape(-1))
            else:
                activate(activation, flat)
            first += n_in * n_out + n_out
            n_in = n_out
            bias = p[first + n_in * sizes[l + 2] :]


@compiled
def along(sizes, p, first_input, slopes, tangents):
    """Derivative of the outputs in a direction: tangents[0], from input `first_input` on.

    After `forward` with slopes. It alternates between the two tiles `tangents`; the number of the
    one that holds the result is returned.
    """
    last = sizes.size - 1
    first = first_input * sizes[1]
    n_in = sizes[0] - first_input
    now = 0
    for l in range(last):
        n_out = sizes[l + 1]
        z = tangents[1 - now]
        flat = z.reshape(-1)
        for j in range(n_out * LANES):
            flat[j] = 0.0
        add_product(p, first, n_out, 1, n_in, n_out, tangents[now], z, LANES)
        if l < last - 1:
            slope = slopes[l + 1].reshape(-1)
            for j in range(n_out * LANES):
                flat[j] *= slope[j]
        first += n_in * n_out + n_out
        n_in = n_out
        now = 1 - now
    return now


@compiled
def backward(sizes, p, units, slopes, deltas, transposed, gradient, to_inputs):
    """From the outputs' cotangents deltas[0] add up the gradient by the parameters.

    After `forward` with slopes. It alternates between the two tiles `deltas`; with `to_inputs` the
    number of the one that holds the gradient by the inputs is returned.
    """
    end = p.size
    now = 0
    for l in range(sizes.size - 2, -1, -1):
        n_in, n_out = sizes[l], sizes[l + 1]
        delta, before = deltas[now], deltas[1 - now]
        first = end - n_out * (n_in + 1)
        bias_gradient = gradient[end - n_out : end]
        for j in range(LANES):
            row = transposed[j]
            for r in range(n_out):
                row[r] = delta[r, j]
                bias_gradient[r] += row[r]
        rows = gradient[first : end - n_out].reshape(n_in, n_out)
        flat = units[l].reshape(-1)
        add_product(flat, 0, 1, LANES, LANES, n_in, transposed, rows, n_out)
        if l > 0 or to_inputs:
            flat = before.reshape(-1)
            for j in range(n_in * LANES):
                flat[j] = 0.0
            add_product(p, first, 1, n_out, n_out, n_in, delta, before, LANES)
            if l > 0:
                slope = slopes[l].reshape(-1)
                for j in range(n_in * LANES):
                    flat[j] *= slope[j]
            now = 1 - now
        end = first
    return now
