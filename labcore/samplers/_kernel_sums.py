"""Sums over all pairs of points, weighted with the Gaussian kernel: half of the kernel at a time.

Points are columns, padded with zeros to whole tiles. A tile of kernel values lies in the
first-level cache; it serves its rows, and its mirror image the columns.
"""

from numba import int64

from labcore._compile import compiled
from labcore._math import bits_from_float, exp, float_from_bits

TILE = 64
BINS = 2**16


@compiled(inline=True)
def _tile_of_exponents(x, half, top, left, tile):
    """tile[a, b] = -|x_(top + a) - x_(left + b)|^2 / 2, with `half` the halved squared norms.

    By the product x.y, a third cheaper than differences; the error is that of the norms.
    """
    halves = half[left : left + TILE]
    fours = x.shape[0] - x.shape[0] % 4
    for a in range(TILE):
        row = tile[a]
        own = half[top + a]
        for b in range(TILE):
            row[b] = -own - halves[b]
        for c in range(0, fours, 4):
            x0, x1, x2, x3 = x[c, top + a], x[c + 1, top + a], x[c + 2, top + a], x[c + 3, top + a]
            y0, y1 = x[c, left : left + TILE], x[c + 1, left : left + TILE]
            y2, y3 = x[c + 2, left : left + TILE], x[c + 3, left : left + TILE]
            for b in range(TILE):
                row[b] += (x0 * y0[b] + x1 * y1[b]) + (x2 * y2[b] + x3 * y3[b])
        for c in range(fours, x.shape[0]):
            x0, y0 = x[c, top + a], x[c, left : left + TILE]
            for b in range(TILE):
                row[b] += x0 * y0[b]


@compiled(inline=True)
def _accumulate(tile, values, top, total, left):
    """total[c, left + b] += sum over a of tile[a, b] values[c, top + a]."""
    for c in range(values.shape[0]):
        out = total[c, left : left + TILE]
        for a in range(0, TILE, 8):
            v0, v1 = values[c, top + a], values[c, top + a + 1]
            v2, v3 = values[c, top + a + 2], values[c, top + a + 3]
            v4, v5 = values[c, top + a + 4], values[c, top + a + 5]
            v6, v7 = values[c, top + a + 6], values[c, top + a + 7]
            r0, r1, r2, r3 = tile[a], tile[a + 1], tile[a + 2], tile[a + 3]
            r4, r5, r6, r7 = tile[a + 4], tile[a + 5], tile[a + 6], tile[a + 7]
            for b in range(TILE):
                low = (r0[b] * v0 + r1[b] * v1) + (r2[b] * v2 + r3[b] * v3)
                high = (r4[b] * v4 + r5[b] * v5) + (r6[b] * v6 + r7[b] * v7)
                out[b] += low + high


@compiled
def gaussian_sums(x, half, values, tile, mirrored, total):
    """total[c, i] = sum over j of exp(-|x_i - x_j|^2 / 2) values[c, j]."""
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
                    row[b] = exp(min(row[b], 0.0))
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
