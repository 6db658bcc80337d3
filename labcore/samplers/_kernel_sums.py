"""Sums over all pairs of points, weighted with the Gaussian kernel: half of the kernel at a time.

Points are columns, padded with zeros to whole tiles. A tile of kernel values lies in the
first-level cache; it serves its rows, and its mirror image the columns.
"""

from numba import int64

from labcore._compile import compiled
from labcore._math import bits_from_float, exp, float_from_bits

TILE = 48  # two tiles and the points' columns stay in the first-level cache
BINS = 2**16


@compiled(inline=True)
def _tile_of_exponents(x, half, top, left, tile):
    """tile[a, b] = -|x_(top + a) - x_(left + b)|^2 / 2, with `half` the halved squared norms.

    By the product x.y, a third cheaper than differences; the error is that of the norms.
    """
    halves = half[left : left + TILE]
    fours = x.shape[0] - x.shape[0] % 4
    for a in range(0, TILE, 2):
        row, next_row = tile[a], tile[a + 1]
        own, next_own = half[top + a], half[top + a + 1]
        for b in range(TILE):
            row[b] = -own - halves[b]
            next_row[b] = -next_own - halves[b]
        for c in range(0, fours, 4):
            x0, x1, x2, x3 = x[c, top + a], x[c + 1, top + a], x[c + 2, top + a], x[c + 3, top + a]
            z0, z1 = x[c, top + a + 1], x[c + 1, top + a + 1]
            z2, z3 = x[c + 2, top + a + 1], x[c + 3, top + a + 1]
            y0, y1 = x[c, left : left + TILE], x[c + 1, left : left + TILE]
            y2, y3 = x[c + 2, left : left + TILE], x[c + 3, left : left + TILE]
            for b in range(TILE):
                row[b] += (x0 * y0[b] + x1 * y1[b]) + (x2 * y2[b] + x3 * y3[b])
                next_row[b] += (z0 * y0[b] + z1 * y1[b]) + (z2 * y2[b] + z3 * y3[b])
        for c in range(fours, x.shape[0]):
            x0, z0, y0 = x[c, top + a], x[c, top + a + 1], x[c, left : left + TILE]
            for b in range(TILE):
                row[b] += x0 * y0[b]
                next_row[b] += z0 * y0[b]


@compiled(inline=True)
def _accumulate(tile, values, top, total, left):
    """total[c, left + b] += sum over a of tile[a, b] values[c, top + a]."""
    for c in range(0, values.shape[0], 2):
        out, other = total[c, left : left + TILE], total[c + 1, left : left + TILE]
        for a in range(0, TILE, 4):
            v0, v1 = values[c, top + a], values[c, top + a + 1]
            v2, v3 = values[c, top + a + 2], values[c, top + a + 3]
            w0, w1 = values[c + 1, top + a], values[c + 1, top + a + 1]
            w2, w3 = values[c + 1, top + a + 2], values[c + 1, top + a + 3]
            r0, r1, r2, r3 = tile[a], tile[a + 1], tile[a + 2], tile[a + 3]
            for b in range(TILE):
                out[b] += (r0[b] * v0 + r1[b] * v1) + (r2[b] * v2 + r3[b] * v3)
                other[b] += (r0[b] * w0 + r1[b] * w1) + (r2[b] * w2 + r3[b] * w3)


@compiled
def gaussian_sums(x, half, values, tile, mirrored, total):
    """total[c, i] = sum over j of exp(-|x_i - x_j|^2 / 2) values[c, j], for an even number of c."""
    n = x.shape[1]
    for c in range(total.shape[0]):
        for i in range(n):
            total[c, i] = 0.0
    for top in range(0, n, TILE):
        for left in range(0, top + 1, TILE):
            _tile_of_exponents(x, half, top, left, tile)
            for a in range(TILE):
                row = tile[a]
                for b in range(TILE):
                    row[b] = exp(row[b])
            _accumulate(tile, values, top, total, left)
            if left < top:
                for a in range(0, TILE, 4):
                    r0, r1, r2, r3 = tile[a], tile[a + 1], tile[a + 2], tile[a + 3]
                    for b in range(TILE):
                        column = mirrored[b]
                        column[a], column[a + 1] = r0[b], r1[b]
                        column[a + 2], column[a + 3] = r2[b], r3[b]
                _accumulate(mirrored, values, left, total, top)


@compiled
def median_half_square(x, half, n, tile, counts):
    """The median of |x_i - x_j|^2 / 2 over the pairs of the first n points, to a part in 10^6.

    Positive doubles are ordered like their bits. One pass counts the pairs by the leading 16 bits
    after the sign, a second those of the median's bin by the next 16.
    """
    remaining = (n * (n - 1) // 2 + 1) // 2  # the rank of the lower median
    prefix = int64(0)
    for shift in (47, 31):
        for k in range(BINS):
            counts[k] = 0
        for top in range(0, n, TILE):
            for left in range(0, top + 1, TILE):
                _tile_of_exponents(x, half, top, left, tile)
                for a in range(min(TILE, n - top)):
                    for b in range(min(TILE, top + a - left)):
                        bits = bits_from_float(max(-tile[a, b], 0.0))
                        if (bits >> (shift + 16)) == prefix:
                            counts[(bits >> shift) & (BINS - 1)] += 1
        k = 0
        while counts[k] < remaining:
            remaining -= counts[k]
            k += 1
        prefix = (prefix << 16) | k
    return float_from_bits((prefix << int64(31)) + int64(1 << 30)) if prefix else 0.0
