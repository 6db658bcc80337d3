r"""Thinning: few points that stand for many, better than as many drawn at random.

Of n points of a sample, :math:`\sqrt n` chosen by kernel thinning have a maximum mean discrepancy
to the sample of order :math:`n^{-1/2}` up to logarithms; as many taken at random, or every
:math:`\sqrt n`-th state of a chain, have :math:`n^{-1/4}`.
"""

import math

import numpy as np

from labcore import _validate as validate
from labcore import random
from labcore._compile import compiled
from labcore.kernels import Kernel
from labcore.stats._gram import blocks, off_diagonal_sum, row_sums, samples, symmetric_row_sums
from labcore.stats._radial import kernel_values, lane_sum, profile

_TILE = 256  # pairs that a loop works on at once: they lie in the first-level cache
_COMPRESS_STREAM = 2**32  # the halvings of `kernel_thinning` own the streams below


def kernel_thinning(
    kernel: Kernel,
    x: np.ndarray,
    halvings: int,
    *,
    split_kernel: Kernel | None = None,
    delta: float = 0.5,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> np.ndarray:
    r"""Choose :math:`s = \lfloor n / 2^m \rfloor` of n points, by kernel thinning.

    *Split*: a set of points is halved, pair by pair in the order given. With the signs
    :math:`\eta = \pm 1` of the points already kept and dropped, of a pair (a, b) a is kept with
    probability :math:`\tfrac12 (1 - \alpha / \theta)`, clipped to [0, 1], where

    .. math:: \alpha = \sum_j \eta_j \big( k(x_j, a) - k(x_j, b) \big)

    and the threshold is :math:`\theta = \max(b\sigma\sqrt{2 \log(2 / \delta_0)}, b^2)` with
    :math:`b^2 = k(a, a) + k(b, b) - 2 k(a, b)` and the running variance
    :math:`\sigma^2 \leftarrow \sigma^2 + b^2 (1 + (b^2 - 2\theta) \sigma^2 / \theta^2)_+`. Both
    halves are halved again, m times. *Swap*: of the :math:`2^m` sets so made and every
    :math:`2^m`-th point, the one with the smallest discrepancy to all points is improved: each of
    its points in turn is exchanged for the one of all points that makes the discrepancy least.

    Parameters
    ----------
    kernel : Gaussian or Matern
        In whose discrepancy the result is good. A factor in front of it would change nothing.
    x : array_like, shape (n, d) or (n,)
        Points in any order; for a Markov chain in its own.
    halvings : int
        m, at least 1.
    split_kernel : Gaussian or Matern, optional
        The kernel of the first stage, by default the same ("target" kernel thinning). The square
        root of the kernel, for a Gaussian one that of lengthscale :math:`\ell/\sqrt 2`, makes the
        result good for functions outside the Hilbert space too.
    delta : float, default 0.5
        The probability that some pair is clipped is at most this; each of the pairs has
        :math:`\delta_0`, an equal share.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    numpy.ndarray of int, shape (s,)
        Indices of the chosen points. One may come twice: the result is a set of equal weights.

    Raises
    ------
    TypeError
        If a kernel is another one.
    ValueError
        If there are fewer than :math:`2^m` points or they are not finite, or delta is not between
        0 and 1.

    Notes
    -----
    About :math:`2 n^2` evaluations of the kernel, memory O(n): a minute for :math:`10^5` points;
    see `compress_plus_plus` for more. If n is not a multiple of :math:`2^m` the first stage
    leaves out the last points, the second one does not. Gains little where the kernel's lengthscale
    is below the spacing of the chosen points: no set of that size is then much better than a
    random one, as in high dimension.

    References
    ----------
    R. Dwivedi, L. Mackey, "Kernel thinning", Journal of Machine Learning Research 25 (2024),
    algorithms 1 and 2. arXiv:2105.05842
    R. Dwivedi, L. Mackey, "Generalized kernel thinning", ICLR 2022. arXiv:2110.01593

    Examples
    --------
    >>> from labcore import random
    >>> from labcore.kernels import Gaussian
    >>> from labcore.stats import mmd_squared
    >>> x = random.normal((1024, 2), rng=1)
    >>> chosen = kernel_thinning(Gaussian(1.0), x, 5, rng=2)
    >>> mmd = [mmd_squared(Gaussian(1.0), x, y, biased=True) ** 0.5 for y in (x[chosen], x[:32])]
    >>> len(chosen), np.round(mmd, 4)
    (32, array([0.0174, 0.1104]))
    """
    x = samples("x", x, 2)
    halvings = validate.integer("halvings", halvings, 1)
    if len(x) < 2**halvings:
        raise ValueError(f"x must hold at least 2**halvings = {2**halvings} points, got {len(x)}")
    swap_profile = _profile("kernel", kernel)
    split_profile = swap_profile
    if split_kernel is not None:
        split_profile = _profile("split_kernel", split_kernel)
    seed = random.seed_from(rng)
    return _thin(kernel, swap_profile, split_profile, x, halvings, _fraction(delta), seed, progress)


def compress_plus_plus(
    kernel: Kernel,
    x: np.ndarray,
    *,
    oversampling: int = 4,
    delta: float = 0.5,
    rng: int | np.random.Generator | None = None,
    progress: bool = True,
) -> np.ndarray:
    r"""Choose :math:`\sqrt n` of :math:`n = 4^k` points in near-linear time, by Compress++.

    Blocks of :math:`4^g` points are compressed from the bottom up: four neighbouring sets are
    joined and halved by the first stage of `kernel_thinning` (keeping, by a fair coin, one half or
    the other). The last four sets together hold :math:`2^{g + 1} \sqrt n` points; `kernel_thinning`
    brings them to :math:`\sqrt n`.

    Parameters
    ----------
    kernel : Gaussian or Matern
    x : array_like, shape (n, d) or (n,)
        :math:`4^k` points, k at least 1, in any order; for a Markov chain in its own.
    oversampling : int, default 4
        g: how many halvings the sets are larger than they must be. Each multiplies the time by four
        and brings the result closer to that of `kernel_thinning`; from about
        :math:`\log_2 \log n` on the difference is small.
    delta, rng, progress
        As in `kernel_thinning`.

    Returns
    -------
    numpy.ndarray of int, shape (2^k,)
        Indices of the chosen points. One may come twice.

    Raises
    ------
    TypeError, ValueError
        As `kernel_thinning`, or if the number of points is not a power of four.

    Notes
    -----
    About :math:`2 \cdot 4^g n (k - g)` evaluations of the kernel, and :math:`8 \cdot 4^g n` for the
    last thinning; memory O(n). If :math:`g + 1 \ge k` this is `kernel_thinning` of all points.

    References
    ----------
    A. Shetty, R. Dwivedi, L. Mackey, "Distribution compression in near-linear time", ICLR 2022,
    algorithms 1 and 2. arXiv:2111.07941

    Examples
    --------
    >>> from labcore import random
    >>> from labcore.kernels import Gaussian
    >>> x = random.normal((4**5, 2), rng=1)
    >>> compress_plus_plus(Gaussian(1.0), x, oversampling=1, rng=2).shape
    (32,)
    """
    x = samples("x", x, 4)
    n = len(x)
    k = (n.bit_length() - 1) // 2
    if n != 4**k:
        raise ValueError(
            f"x must hold a power of four of points, got {n}: give every so many of them, "
            f"x[np.linspace(0, {n - 1}, {4**k}).astype(int)]"
        )
    g = validate.integer("oversampling", oversampling)
    delta = _fraction(delta)
    found = _profile("kernel", kernel)
    seed = random.seed_from(rng)
    if g + 1 >= k:
        return _thin(kernel, found, found, x, k, delta, seed, progress)
    room = 2 ** (g + k)  # points of the largest set that is halved
    chosen = np.arange(n)
    columns = np.ascontiguousarray(x.T)
    slack = _slack(0.5 * delta, (k - g) * n // 2)  # more pairs than there are
    draws = random.uniform(2 * n, rng=int(seed), stream=_COMPRESS_STREAM)
    aside, buffers = np.empty(room, np.int64), _buffers(x.shape[1], room)
    used = 0  # of the draws
    for level, _ in blocks(k - g - 1, 1, progress, "halvings"):
        size = 4 * 2 ** (2 * g + level)
        used = _compress(*found, columns, chosen, size, slack, draws, used, aside, *buffers)
        chosen = chosen[: len(chosen) // 2]
    return chosen[_thin(kernel, found, found, x[chosen], g + 1, 0.5 * delta, seed, progress)]


def _thin(kernel, swap_profile, split_profile, x, halvings, delta, seed, progress) -> np.ndarray:
    n, sets = len(x), 2**halvings
    size = n // sets
    columns = np.ascontiguousarray(x.T)
    slack = _slack(delta, halvings * size * sets // 2)
    buffers = _buffers(x.shape[1], size * sets)
    candidates = [np.arange(size * sets)]
    for _ in blocks(halvings, 1, progress, "halvings"):
        halves = []
        for part in candidates:
            stream = len(candidates) + len(halves) // 2  # from 2^level on, below 2^(level + 1)
            draws = random.uniform(len(part) // 2, rng=int(seed), stream=stream)
            _halve(*split_profile, columns, part, slack, draws, *buffers)
            signs = buffers[1][0, : len(part)]
            halves += [part[signs > 0.0], part[signs < 0.0]]
        candidates = halves
    means = (symmetric_row_sums(kernel, x, progress) + kernel.diagonal(x)) / n
    best = min(
        [*candidates, np.arange(0, size * sets, sets)],
        key=lambda c: off_diagonal_sum(kernel, x[c]) / size**2 - 2.0 * float(means[c].mean()),
    )
    signs = np.full(n, -1.0)
    signs[best] = 1.0
    gap = row_sums(kernel, x, x[best]) / size - means
    _swap(*swap_profile, columns, signs, gap, 1.0 / size, np.empty(n))
    return np.flatnonzero(signs > 0.0)


def _profile(name: str, kernel: Kernel) -> tuple:
    found = profile(kernel)
    if found is None:
        raise TypeError(f"{name} must be a Gaussian or Matern kernel, got {kernel}")
    return found


def _fraction(delta: float) -> float:
    delta = validate.positive("delta", delta)
    if delta >= 1.0:
        raise ValueError(f"delta must be below 1, got {delta:g}")
    return delta


def _slack(delta: float, pairs: int) -> float:
    """sqrt(2 log(2 / delta_0)): so many deviations bound alpha with probability 1 - delta_0."""
    return math.sqrt(2.0 * math.log(2.0 * pairs / delta))


def _buffers(d: int, room: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For a set that is halved: its coordinates; signs, gap and two rows; lanes to sum in."""
    room = -(-room // 8) * 8
    return np.zeros((d, room)), np.empty((4, room)), np.empty((2, _TILE))


@compiled
def _halve(phi, parameters, x, indices, slack, draws, local, rows, lanes):
    """Give each of the points `indices` a sign: 1 if it is kept, -1 if it is dropped.

    The signs are ``rows[0]``; ``rows[1]`` is the gap, the sum of sign_j k(x_j, z) at each of the
    points z; ``local`` their coordinates. Loops run over whole vectors of eight numbers: a point
    without a sign yet has the sign zero, and its gap is set when it gets one.
    """
    signs, gap, to_a, to_b = rows[0], rows[1], rows[2], rows[3]
    tile = 8
    for k in range(x.shape[0]):
        for r in range(indices.size):
            local[k, r] = x[k, indices[r]]
    for r in range(signs.size):
        signs[r] = 0.0
    self_value, variance = phi(0.0, parameters), 0.0
    for pair in range(indices.size // 2):
        a, b = 2 * pair, 2 * pair + 1
        while tile < min(a, lanes.shape[1]):
            tile *= 2
        lanes_a, lanes_b = lanes[0, :tile], lanes[1, :tile]
        for j in range(tile):
            lanes_a[j] = 0.0
            lanes_b[j] = 0.0
        for start in range(0, a, tile):
            width = min(tile, (a - start + 7) & ~7)
            values_a, values_b = to_a[start : start + width], to_b[start : start + width]
            kernel_values(phi, parameters, local, a, local, start, width, values_a)
            kernel_values(phi, parameters, local, b, local, start, width, values_b)
            sign = signs[start : start + width]
            for j in range(width):
                lanes_a[j] += sign[j] * values_a[j]
                lanes_b[j] += sign[j] * values_b[j]
        at_a, at_b = lane_sum(lanes_a), lane_sum(lanes_b)
        kernel_values(phi, parameters, local, a, local, b, 1, lanes_a)
        between = lanes_a[0]
        square = 2.0 * (self_value - between)
        threshold = max(math.sqrt(square * variance) * slack, square)
        probability = 0.5  # of two equal points either may go
        if threshold > 0.0:
            probability = 0.5 * (1.0 - (at_a - at_b) / threshold)
            growth = 1.0 + (square - 2.0 * threshold) * variance / (threshold * threshold)
            variance += square * max(growth, 0.0)
        sign_a = 1.0 if draws[pair] < probability else -1.0
        for j in range((a + 7) & ~7):
            gap[j] += sign_a * (to_a[j] - to_b[j])
        gap[a] = at_a + sign_a * (self_value - between)
        gap[b] = at_b - sign_a * (self_value - between)
        signs[a], signs[b] = sign_a, -sign_a


@compiled
def _compress(phi, parameters, x, chosen, size, slack, draws, used, aside, local, rows, lanes):
    """Halve each set of `size` neighbours; those kept come to the front of `chosen`."""
    for first in range(0, chosen.size, size):
        part = chosen[first : first + size]
        _halve(phi, parameters, x, part, slack, draws[used:], local, rows, lanes)
        signs, gap = rows[0, :size], rows[1, :size]
        _swap(phi, parameters, local, signs, gap, 2.0, rows[2])
        used += size // 2
        _partition(part, signs, 1.0 if draws[used] < 0.5 else -1.0, aside)
        used += 1
        for r in range(size // 2):
            chosen[first // 2 + r] = part[r]
    return used


@compiled
def _partition(part, signs, first, aside):
    """Bring those whose sign is `first` to the front, keeping the order."""
    kept, dropped = 0, 0
    for r in range(part.size):
        if signs[r] == first:
            part[kept] = part[r]
            kept += 1
        else:
            aside[dropped] = part[r]
            dropped += 1
    for r in range(dropped):
        part[kept + r] = aside[r]


@compiled
def _swap(phi, parameters, x, signs, gap, weight, row):
    """Exchange each chosen point, of sign 1, for the one that makes the discrepancy least.

    `gap` is the mean of the kernel over the chosen points less that over all, times a constant, and
    `weight` what one point contributes to the first. Without point c it is gap - weight k(x_c, .),
    and as a function of the point that comes instead the squared discrepancy is twice that and a
    constant.
    """
    n = signs.size
    for c in range(n):
        if signs[c] < 0.0:
            continue
        kernel_values(phi, parameters, x, c, x, 0, n, row)
        for j in range(n):
            gap[j] -= weight * row[j]
        best = c
        for j in range(n):
            if gap[j] < gap[best] and signs[j] < 0.0:
                best = j
        if best != c:
            signs[c], signs[best] = -1.0, 1.0
            kernel_values(phi, parameters, x, best, x, 0, n, row)
        for j in range(n):
            gap[j] += weight * row[j]
