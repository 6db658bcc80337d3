"""Gram matrices and their products with vectors, tile by tile and on all threads.

Tiles are computed by compiled loops that release the interpreter's lock, so that ordinary threads
run them side by side. Every number is computed in the same order whatever the number of threads.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numba
import numpy as np
from tqdm.auto import tqdm

from labcore._compile import compiled
from labcore.kernels._pairs import Tile

_ROWS = 32  # of a block of the Gram matrix: short enough to be in the cache when it is mirrored
_CACHE = 1 << 16  # numbers of a tile, or of the points it reads: half of a second-level cache
_SIDE = 512  # of the square blocks of a product
_SMALL = 1 << 18  # pairs of points, below which starting threads costs more than it gains


def fill(tile: Tile, out: np.ndarray, d: int, *, symmetric: bool) -> None:
    """All of a Gram matrix; if `symmetric`, its lower half and the mirror image of that."""
    n, m = out.shape
    width = max(256, _CACHE // max(d, 1) // 64 * 64)

    def block(i: int) -> None:
        start, stop = i * _ROWS, min((i + 1) * _ROWS, n)
        last = stop if symmetric else m
        for first in range(0, last, width):
            count = min(width, last - first)
            tile(slice(start, stop), first, out[start:stop], first, count)
        if symmetric:
            _mirror(out, start, stop)

    with _workers(n * m) as run:
        run(block, range(-(-n // _ROWS))[::-1])  # the longest rows first


def multiply(
    tile: Tile, v: np.ndarray, n: int, *, symmetric: bool, progress: bool = False
) -> np.ndarray:
    """The product of the n-row matrix of `tile` with the vectors v, (r, m), as an (r, n) array.

    If `symmetric`, a tile off the diagonal serves for its mirror image too. In each round every
    block of the result receives at most one tile, so that the order of summation is fixed.
    """
    m = v.shape[1]
    out = np.zeros((v.shape[0], n))
    rows, columns = -(-n // _SIDE), -(-m // _SIDE)

    def pair(index: tuple[int, int]) -> None:
        i, j = index
        first, count = j * _SIDE, min(_SIDE, m - j * _SIDE)
        scratch, sums = np.empty((_CACHE // _SIDE, count)), np.empty(count // 4)
        for start in range(i * _SIDE, min((i + 1) * _SIDE, n), len(scratch)):
            stop = min(start + len(scratch), n)
            tile(slice(start, stop), first, scratch, 0, count)
            _multiply(scratch, v, first, out, start, stop, sums)
            if symmetric and i != j:
                _multiply_transposed(scratch, v, start, stop, out, first)

    if symmetric:  # as in a tournament: in round r, block i meets block r - i
        rounds = [
            [(i, (r - i) % rows) for i in range(rows) if (r - i) % rows <= i] for r in range(rows)
        ]
    else:
        rounds = [[(i, (r + i) % columns) for i in range(rows)] for r in range(columns)]
    bar = tqdm(total=sum(map(len, rounds)), delay=2.0, unit="blocks", disable=not progress)
    with bar, _workers(n * m) as run:
        for pairs in rounds:
            run(pair, pairs)
            bar.update(len(pairs))
    return out


@contextmanager
def _workers(pairs: int) -> Iterator[Callable]:
    """A function that calls a task with each of its arguments, on threads if it is worth it."""
    if pairs < _SMALL or numba.get_num_threads() < 2:
        yield lambda task, arguments: [task(argument) for argument in arguments]
        return
    with ThreadPoolExecutor(numba.get_num_threads()) as pool:
        try:
            yield lambda task, arguments: list(pool.map(task, arguments))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


@compiled
def _mirror(out, start, stop):
    """Copy rows `start` to `stop` of the lower triangle to the upper one."""
    for left in range(0, start, 64):
        for j in range(left, min(left + 64, start)):
            for i in range(start, stop):
                out[j, i] = out[i, j]
    for i in range(start, stop):
        for j in range(i + 1, stop):
            out[i, j] = out[j, i]


@compiled
def _multiply(tile, v, first, out, start, stop, sums):
    """out[c, start + i] += sum over j of tile[i, j] v[c, first + j]."""
    count = tile.shape[1]
    quarter = count // 4
    for i in range(stop - start):
        row = tile[i]
        a0, a1 = row[:quarter], row[quarter : 2 * quarter]
        a2, a3 = row[2 * quarter : 3 * quarter], row[3 * quarter : 4 * quarter]
        for c in range(v.shape[0]):
            b = v[c, first : first + count]
            b0, b1 = b[:quarter], b[quarter : 2 * quarter]
            b2, b3 = b[2 * quarter : 3 * quarter], b[3 * quarter : 4 * quarter]
            for j in range(quarter):
                sums[j] = (a0[j] * b0[j] + a1[j] * b1[j]) + (a2[j] * b2[j] + a3[j] * b3[j])
            left = quarter
            while left > 8 and left % 2 == 0:  # halve it by adding its second half to the first
                left //= 2
                upper = sums[left : 2 * left]
                for j in range(left):
                    sums[j] += upper[j]
            total = 0.0
            for j in range(left):
                total += sums[j]
            for j in range(4 * quarter, count):
                total += row[j] * b[j]
            out[c, start + i] += total


@compiled
def _multiply_transposed(tile, v, start, stop, out, first):
    """out[c, first + j] += sum over i of tile[i, j] v[c, start + i]."""
    count, rows = tile.shape[1], stop - start
    for c in range(v.shape[0]):
        row = out[c, first : first + count]
        for i in range(0, rows - rows % 4, 4):  # four rows for each load and store of the sum
            f0, f1 = v[c, start + i], v[c, start + i + 1]
            f2, f3 = v[c, start + i + 2], v[c, start + i + 3]
            a0, a1, a2, a3 = tile[i], tile[i + 1], tile[i + 2], tile[i + 3]
            for j in range(count):
                row[j] = (((row[j] + f0 * a0[j]) + f1 * a1[j]) + f2 * a2[j]) + f3 * a3[j]
        for i in range(rows - rows % 4, rows):
            factor, a = v[c, start + i], tile[i]
            for j in range(count):
                row[j] += factor * a[j]
