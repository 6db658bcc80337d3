r"""The signature kernel: inner products of untruncated signatures, from a hyperbolic equation.

C. Salvi, T. Cass, J. Foster, T. Lyons, W. Yang, "The signature kernel is the solution of a Goursat
PDE", SIAM Journal on Mathematics of Data Science 3 (2021). doi:10.1137/20M1366794
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numba import get_num_threads
from tqdm.auto import tqdm

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.kernels import Kernel

_LANES = 16  # pairs of paths that are solved side by side, by vector instructions
_ROWS = 16  # paths of a task of a thread
_SMALL = 1 << 20  # cells, below which starting threads costs more than it gains


@compiled
def _linear_row(x, y, s, scale, row):
    """row[t, lane] = scale <x_s, y_t>: x (n, d) increments, y (d, m * lanes) those of the lanes."""
    d = x.shape[1]
    rest = (d - 1) % 3 + 1
    y0, a0 = y[0], scale * x[s, 0]
    if rest == 1:
        for j in range(row.size):
            row[j] = a0 * y0[j]
    elif rest == 2:
        y1, a1 = y[1], scale * x[s, 1]
        for j in range(row.size):
            row[j] = a0 * y0[j] + a1 * y1[j]
    else:
        y1, y2, a1, a2 = y[1], y[2], scale * x[s, 1], scale * x[s, 2]
        for j in range(row.size):
            row[j] = a0 * y0[j] + a1 * y1[j] + a2 * y2[j]
    for k in range(rest, d, 3):
        y0, y1, y2 = y[k], y[k + 1], y[k + 2]
        a0, a1, a2 = scale * x[s, k], scale * x[s, k + 1], scale * x[s, k + 2]
        for j in range(row.size):
            row[j] += a0 * y0[j] + a1 * y1[j] + a2 * y2[j]


@compiled
def _lifted_row(gram, y, s, scale, row):
    """The same in a kernel's space: differences of its values at the points, (n + 1, (m + 1) l)."""
    lanes = gram.shape[1] - row.size
    before, after = gram[s], gram[s + 1]
    before_next, after_next = before[lanes:], after[lanes:]
    for j in range(row.size):
        row[j] = scale * ((after_next[j] - after[j]) - (before_next[j] - before[j]))


@compiled
def _two_rows(first, second, halvings, k, left):
    r"""Carry the solution over two rows of cells: k[t + 1, lane] at their lower, then upper edge.

    With h half the increment of a cell and q = h^2 / 3, the cell's last corner is
    (left + below) (1 + h + q) - corner (1 - q).
    """
    for lane in range(_LANES):
        left[0, lane] = 1.0
        left[1, lane] = 1.0
        left[2, lane] = 1.0
    for t in range(k.shape[0] - 1):
        cell = t >> halvings
        for lane in range(_LANES):
            below, start = k[t + 1, lane], left[0, lane]
            h = first[cell, lane]
            q = h * h * (1.0 / 3.0)
            middle = (start + below) * (1.0 + h + q) - left[2, lane] * (1.0 - q)
            h = second[cell, lane]
            q = h * h * (1.0 / 3.0)
            above = (left[1, lane] + middle) * (1.0 + h + q) - start * (1.0 - q)
            left[2, lane] = below
            left[0, lane] = middle
            left[1, lane] = above
            k[t + 1, lane] = above


@compiled
def _solve(fill_row, xs, y, n, halvings, rows, k, left, out):
    """out[i, lane] = the kernel of path i of xs and of the path in each lane of y."""
    first, second = rows[0], rows[1]
    flat_first, flat_second = first.reshape(first.size), second.reshape(second.size)
    scale = 0.5 / (1 << (2 * halvings))
    for i in range(xs.shape[0]):
        x = xs[i]
        for t in range(k.shape[0]):
            for lane in range(_LANES):
                k[t, lane] = 1.0
        if halvings == 0:
            for s in range(0, n - 1, 2):
                fill_row(x, y, s, scale, flat_first)
                fill_row(x, y, s + 1, scale, flat_second)
                _two_rows(first, second, 0, k, left)
            if n % 2 == 1:  # the last row, and one of increments zero, over which k stays the same
                fill_row(x, y, n - 1, scale, flat_first)
                for j in range(flat_second.size):
                    flat_second[j] = 0.0
                _two_rows(first, second, 0, k, left)
        else:
            for s in range(n):
                fill_row(x, y, s, scale, flat_first)
                for _ in range(1 << (halvings - 1)):
                    _two_rows(first, first, halvings, k, left)
        for lane in range(_LANES):
            out[i, lane] = k[k.shape[0] - 1, lane]


def signature_kernel(
    x: np.ndarray,
    y: np.ndarray | None = None,
    *,
    static: Kernel | None = None,
    halvings: int = 0,
    progress: bool = True,
) -> np.ndarray:
    r"""The Gram matrix of the signature kernel of piecewise linear paths.

    :math:`k(x, y) = \langle S(x), S(y) \rangle`, the inner product of all levels of the signatures,
    is the value at the end of the solution of

    .. math::

        \frac{\partial^2 k}{\partial s\,\partial t} = \langle \dot x_s, \dot y_t \rangle\, k(s, t),
        \qquad k(0, \cdot) = k(\cdot, 0) = 1.

    On a cell of the grid of segments, with
    :math:`c = \langle \Delta x_i, \Delta y_j \rangle`, the scheme of second order is

    .. math::

        k_{i+1,j+1} = (k_{i+1,j} + k_{i,j+1}) \Big(1 + \frac c2 + \frac{c^2}{12}\Big)
        - k_{ij} \Big(1 - \frac{c^2}{12}\Big).

    Parameters
    ----------
    x : array_like, shape (n, L, d)
        n paths of L points.
    y : array_like, shape (m, M, d), optional
        Others. Without them the Gram matrix of x, of which half is computed.
    static : Kernel, optional
        A kernel :math:`\kappa` on points lifts the paths into its space: c is the second
        difference :math:`\kappa(x_{i+1}, y_{j+1}) - \kappa(x_{i+1}, y_j)`
        :math:`{} - \kappa(x_i, y_{j+1}) + \kappa(x_i, y_j)`. None is the linear one.
    halvings : int, default 0
        How many times each segment is halved: the error falls like :math:`4^{-\text{halvings}}`,
        and the cost grows like :math:`4^{\text{halvings}}`.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    numpy.ndarray, shape (n, m)

    Raises
    ------
    ValueError, TypeError
        If paths have fewer than two points, differ in dimension or are not finite, or `halvings`
        is not an integer from 0 to 10.
    OverflowError
        If a value exceeds the range of numbers.

    Notes
    -----
    Costs :math:`L M 4^{\text{halvings}}` cells a pair, of about a nanosecond each, on all of
    numba's threads; the numbers do not depend on how many there are. A lift adds the evaluations
    of :math:`\kappa` at all pairs of points. The kernel grows like the exponential of the product
    of the lengths of the paths (it is at most :math:`I_0(2\sqrt{\ell_x \ell_y})`). Where c is not
    small against 1 the scheme is wrong, and says so only by a Gram matrix that may have negative
    eigenvalues: scale the paths down, or halve until the values stay. A bounded lift such as
    `Gaussian` bounds c too.

    Examples
    --------
    >>> import numpy as np
    >>> line, corner = [[0.0, 0.0], [0.5, 0.5], [1.0, 1.0]], [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]]
    >>> signature_kernel(np.array([line, corner]), halvings=5).round(4)
    array([[4.2524, 4.2524],
           [4.2524, 5.1967]])
    """
    x = _paths("x", x)
    symmetric = y is None
    y = x if symmetric else _paths("y", y)
    if x.shape[2] != y.shape[2]:
        raise ValueError(f"x and y must have one dimension, got {x.shape[2]} and {y.shape[2]}")
    if static is not None and not isinstance(static, Kernel):
        raise TypeError(f"static must be a Kernel of labcore.kernels, got {static!r}")
    halvings = validate.integer("halvings", halvings)
    if halvings > 10:
        raise ValueError(f"halvings must be at most 10, got {halvings}")
    n, m = len(x), len(y)
    segments = (x.shape[1] - 1, y.shape[1] - 1)
    solve = (
        _linear_solver(x, y, halvings) if static is None else _lifted_solver(static, x, y, halvings)
    )
    out = np.empty((n, m))

    def task(corner: tuple[int, int]) -> None:
        i, j = corner
        stop = min(i + _ROWS, n)
        out[i:stop, j : j + _LANES] = solve(i, stop, j)[:, : m - j]

    corners = [
        (i, j)
        for j in range(0, m, _LANES)
        for i in range(0, n, _ROWS)
        if not symmetric or i < j + _LANES
    ]
    cells = len(corners) * _ROWS * _LANES * segments[0] * segments[1] << (2 * halvings)
    bar = tqdm(total=len(corners), delay=2.0, unit="blocks", disable=not progress)
    threads = get_num_threads() if cells > _SMALL else 1
    with bar, ThreadPoolExecutor(threads) as pool:
        try:
            for _ in pool.map(task, corners):
                bar.update()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    if symmetric:
        out = np.triu(out) + np.triu(out, 1).T
    if not np.isfinite(out).all():
        i, j = np.argwhere(~np.isfinite(out))[0]
        raise OverflowError(f"the kernel of paths {i} and {j} overflowed: scale the paths down")
    return out


Solver = Callable[[int, int, int], np.ndarray]


def _linear_solver(x: np.ndarray, y: np.ndarray, halvings: int) -> Solver:
    """``solve(start, stop, j)``: the kernels of x[start:stop] and of the lanes from y[j] on."""
    dx, lanes = np.diff(x, axis=1), _in_lanes(np.diff(y, axis=1))

    def solve(start: int, stop: int, j: int) -> np.ndarray:
        columns = lanes[j // _LANES]
        return _solved(_linear_row, dx[start:stop], columns, dx.shape[1], y.shape[1] - 1, halvings)

    return solve


def _lifted_solver(static: Kernel, x: np.ndarray, y: np.ndarray, halvings: int) -> Solver:
    """As `_linear_solver`, with the values of the static kernel at all points, a path at a time."""
    lanes = _in_lanes(y)

    def solve(start: int, stop: int, j: int) -> np.ndarray:
        columns = lanes[j // _LANES]
        points = columns.T
        kernels = [
            _solved(
                _lifted_row,
                static(x[i], points)[None],
                columns,
                x.shape[1] - 1,
                y.shape[1] - 1,
                halvings,
            )
            for i in range(start, stop)
        ]
        return np.concatenate(kernels)

    return solve


def _solved(fill_row, xs, columns, n: int, m: int, halvings: int) -> np.ndarray:
    rows = np.empty((2, m, _LANES))
    k, left = np.empty(((m << halvings) + 1, _LANES)), np.empty((3, _LANES))
    out = np.empty((len(xs), _LANES))
    _solve(fill_row, xs, columns, n, halvings, rows, k, left, out)
    return out


def _in_lanes(paths: np.ndarray) -> np.ndarray:
    """Blocks of paths, (blocks, d, length * lanes): neighbours in memory belong to other paths."""
    n, length, d = paths.shape
    blocks = -(-n // _LANES)
    padded = np.zeros((blocks * _LANES, length, d))
    padded[:n] = paths
    lanes = padded.reshape(blocks, _LANES, length, d).transpose(0, 3, 2, 1)
    return np.ascontiguousarray(lanes).reshape(blocks, d, length * _LANES)


def _paths(name: str, value: np.ndarray) -> np.ndarray:
    value = validate.array(name, value, 3)
    if value.shape[1] < 2 or 0 in value.shape:
        raise ValueError(f"{name} must be paths of two points or more, got shape {value.shape}")
    return value
