r"""Kernel density estimation, and how wide the kernel should be."""

import math
from dataclasses import dataclass, field

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.kernels import Gaussian
from labcore.stats._gram import row_sums, same_dimension, samples
from labcore.stats._radial import kernel_values, lane_sum, profile

# Beyond so many bandwidths a kernel is zero, to rounding.
_REACH = {"gaussian": 9.0, "epanechnikov": 1.0}
_BINS_PER_BANDWIDTH = 50


@dataclass(frozen=True, eq=False)
class KernelDensity:
    r"""A density estimated from points. Made by `kernel_density`."""

    x: np.ndarray = field(repr=False)
    bandwidth: np.ndarray
    kernel: str

    def __call__(self, points: np.ndarray) -> np.ndarray:
        """The density at m points, (m, d) or (m,), as an array (m,). Costs n m d operations."""
        points = samples("points", points, 0)
        same_dimension(x=self.x, points=points)
        scaled, centres = points / self.bandwidth, self.x / self.bandwidth
        if self.kernel == "gaussian":
            sums = row_sums(Gaussian(1.0), scaled, centres)
            unit = (2.0 * math.pi) ** (-0.5 * self.x.shape[1])
        else:
            sums = np.empty(len(points))
            row = np.empty(len(self.x))
            _epanechnikov_sums(scaled, np.ascontiguousarray(centres.T), row, sums)
            unit = 0.75 ** self.x.shape[1]
        return sums * (unit / (len(self.x) * float(self.bandwidth.prod())))

    def on_grid(self, low: float, high: float, count: int) -> np.ndarray:
        r"""The density at ``np.linspace(low, high, count)``, for points on the line.

        The points are spread over the two nearest nodes of a grid at least 50 times as fine as the
        bandwidth, and these weights convolved with the kernel by the fast Fourier transform. The
        error of a Gaussian estimate is below :math:`10^{-4}` times its largest value (it is of
        second order in the width of a bin over the bandwidth), of an Epanechnikov one, whose kernel
        has a kink, below :math:`10^{-2}`. Costs O(n + N log N) for N nodes, at least 50 to a
        bandwidth between `low` and `high`.

        Raises
        ------
        ValueError
            If the points are not on the line, or the interval is empty.
        """
        from scipy.fft import irfft, next_fast_len, rfft

        if self.x.shape[1] != 1:
            raise ValueError(f"x must lie on the line, got {self.x.shape[1]} dimensions")
        low, high = validate.real("low", low), validate.real("high", high)
        count = validate.integer("count", count, 2)
        if not low < high:
            raise ValueError(f"low must be below high, got {low:g} and {high:g}")
        h = float(self.bandwidth[0])
        fine = math.ceil(_BINS_PER_BANDWIDTH * (high - low) / ((count - 1) * h))
        step = (high - low) / ((count - 1) * fine)
        # Nodes of the grid, and on either side as many as the kernel reaches.
        margin = math.ceil(_REACH[self.kernel] * h / step)
        nodes = (count - 1) * fine + 1 + 2 * margin
        weights = np.zeros(nodes)
        _spread(self.x[:, 0], low - margin * step, 1.0 / step, weights)
        size = next_fast_len(nodes + 2 * margin, real=True)
        u = np.arange(-margin, margin + 1) * (step / h)
        if self.kernel == "gaussian":
            bump = np.exp(-0.5 * u * u) / math.sqrt(2.0 * math.pi)
        else:
            bump = 0.75 * np.maximum(1.0 - u * u, 0.0)
        values = irfft(rfft(weights, size) * rfft(bump, size), size)
        inside = values[2 * margin : 2 * margin + (count - 1) * fine + 1 : fine]
        return np.maximum(inside, 0.0) / (len(self.x) * h)


def kernel_density(
    x: np.ndarray, *, bandwidth: str | float | np.ndarray = "silverman", kernel: str = "gaussian"
) -> KernelDensity:
    r"""Estimate a density from n points, with a bump on each of them.

    .. math::

        \hat f(t) = \frac{1}{n} \sum_{i=1}^n \prod_{k=1}^d \frac{1}{h_k}
        \kappa\!\left(\frac{t_k - x_{ik}}{h_k}\right)

    with :math:`\kappa(u) = e^{-u^2/2} / \sqrt{2\pi}` (Gaussian) or
    :math:`\tfrac34 (1 - u^2)_+` (Epanechnikov).

    Parameters
    ----------
    x : array_like, shape (n, d) or (n,)
    bandwidth : str, float or array_like of shape (d,), default "silverman"
        The h, in the unit of the points: a number for all coordinates, one for each, or the rule
        that finds them, "scott", "silverman", "least_squares" or "improved_sheather_jones" (see the
        functions of these names, such as `silverman_bandwidth`). The rules are for the Gaussian
        kernel; for the other they are multiplied by 2.214, which makes the two kernels smooth
        equally.
    kernel : {"gaussian", "epanechnikov"}, default "gaussian"

    Returns
    -------
    KernelDensity
        A function of points: ``density(points)``; on the line also ``density.on_grid``.

    Raises
    ------
    ValueError
        If there are no points, the bandwidth is not positive, or a rule finds none.

    Notes
    -----
    On the line the mean integrated squared error falls as :math:`n^{-4/5}` if h falls as
    :math:`n^{-1/5}` and the density has two derivatives. It fails at a boundary: where a density
    jumps to zero, as the exponential's at 0, the estimate is half of it at the edge and puts mass
    outside; reflect the points, or transform them first. It fails in high dimension: the error
    falls as :math:`n^{-4/(4+d)}`. It fails for points that are rounded: the rules that look for
    detail find the lattice.

    References
    ----------
    B. W. Silverman, *Density Estimation for Statistics and Data Analysis*, Chapman and Hall 1986.
    M. P. Wand, M. C. Jones, *Kernel Smoothing*, Chapman and Hall 1995, section 4.5 for 2.214.

    Examples
    --------
    >>> density = kernel_density([0.0, 1.0, 3.0], bandwidth=0.5)
    >>> density([0.0, 2.0]).round(4)
    array([0.302 , 0.0721])
    >>> density.on_grid(0.0, 2.0, 3).round(4)
    array([0.302 , 0.302 , 0.0721])
    """
    x = samples("x", x, 1)
    if kernel not in _REACH:
        raise ValueError(f"kernel must be 'gaussian' or 'epanechnikov', got {kernel!r}")
    if isinstance(bandwidth, str):
        if bandwidth not in _RULES:
            names = ", ".join(_RULES)
            raise ValueError(f"bandwidth must be a number or one of {names}, got {bandwidth!r}")
        h = np.atleast_1d(_RULES[bandwidth](x))
        if kernel == "epanechnikov":
            h = 2.214 * h
    else:
        h = validate.array("bandwidth", bandwidth, (0, 1))
        if h.ndim and len(h) != x.shape[1]:
            raise ValueError(f"bandwidth must have shape ({x.shape[1]},), got {h.shape}")
        if not (h > 0.0).all():
            raise ValueError(f"bandwidth must be positive, got {h.min():g}")
        h = np.broadcast_to(h, x.shape[1:]).copy()
    return KernelDensity(x, h, kernel)


def scott_bandwidth(x: np.ndarray) -> np.ndarray:
    r"""Scott's rule, :math:`h_k = \hat\sigma_k\, n^{-1/(d+4)}` with the standard deviations.

    Parameters
    ----------
    x : array_like, shape (n, d) or (n,)

    Returns
    -------
    numpy.ndarray, shape (d,)

    Raises
    ------
    ValueError
        If there are fewer than two points, or all have the same value of a coordinate.

    References
    ----------
    D. W. Scott, *Multivariate Density Estimation*, Wiley 1992, equation 6.42.

    Examples
    --------
    >>> scott_bandwidth([0.0, 1.0, 3.0]).round(4)
    array([1.2262])
    """
    x = samples("x", x, 2)
    n, d = x.shape
    return _deviations(x) * n ** (-1.0 / (d + 4))


def silverman_bandwidth(x: np.ndarray) -> np.ndarray:
    r"""Silverman's rule, :math:`h_k = \hat\sigma_k \big(\tfrac{4}{(d + 2) n}\big)^{1/(d+4)}`.

    The best bandwidth if the points are normal with independent coordinates. It is far too large
    for a mixture of separated modes, which it smears into one.

    Parameters and result as in `scott_bandwidth`.

    References
    ----------
    B. W. Silverman, *Density Estimation for Statistics and Data Analysis*, Chapman and Hall 1986,
    equation 4.14.

    Examples
    --------
    >>> silverman_bandwidth([0.0, 1.0, 3.0]).round(4)
    array([1.2988])
    """
    x = samples("x", x, 2)
    n, d = x.shape
    return _deviations(x) * (4.0 / ((d + 2.0) * n)) ** (1.0 / (d + 4))


def least_squares_bandwidth(x: np.ndarray) -> np.ndarray:
    r"""Least-squares cross-validation: the bandwidth of least estimated integrated squared error.

    Up to a constant the integrated squared error of the Gaussian estimate is estimated without bias
    by

    .. math::

        \int \hat f^2 - \frac{2}{n} \sum_i \hat f_{-i}(x_i) =
        \frac{1}{n^2} \sum_{i,j} \phi_{\sqrt2 h}(x_i - x_j)
        - \frac{2}{n (n-1)} \sum_{i \ne j} \phi_h(x_i - x_j),

    with :math:`\phi_h` the normal density of standard deviations h. It is minimised over
    :math:`h = c\,\hat\sigma` with one number c, from 1/100 to twice that of `scott_bandwidth`.

    Parameters and result as in `scott_bandwidth`.

    Raises
    ------
    ValueError
        As `scott_bandwidth`; or if the least value is at the smallest bandwidth tried: so it is for
        data with repeated or rounded points, where the estimate tends to minus infinity.

    Notes
    -----
    Costs :math:`n^2 / 2` exponentials for each of about 60 values of c. Makes no assumption about
    the density, and pays with a large variance: relative to the best bandwidth it errs by
    :math:`n^{-1/10}`.

    References
    ----------
    M. Rudemo, "Empirical choice of histograms and kernel density estimators", Scandinavian Journal
    of Statistics 9 (1982).
    A. W. Bowman, "An alternative method of cross-validation for the smoothing of density
    estimates", Biometrika 71 (1984). doi:10.1093/biomet/71.2.353

    Examples
    --------
    >>> from labcore import random
    >>> least_squares_bandwidth(random.normal(500, rng=1)).round(3)
    array([0.314])
    """
    from scipy.optimize import minimize_scalar

    x = samples("x", x, 2)
    n, d = x.shape
    deviations = _deviations(x)
    columns = np.ascontiguousarray((x / deviations).T)
    tile = np.empty((3, 512))

    def loss(log_c):
        c = math.exp(log_c)
        sums = np.empty(2)
        _cross_validation(*profile(Gaussian(math.sqrt(2.0) * c)), columns, tile, sums)
        convolved = (2.0 * sums[0] + n) / (n * n * 2.0 ** (0.5 * d))
        return (convolved - 4.0 * sums[1] / (n * (n - 1.0))) / c**d

    top = math.log(2.0 * n ** (-1.0 / (d + 4)))
    grid = np.linspace(top - math.log(200.0), top, 40)
    best = int(np.argmin([loss(u) for u in grid]))
    if best == 0:
        raise ValueError(
            "x must not have many equal or rounded points: cross-validation finds no bandwidth "
            f"above {math.exp(grid[0]):.2g} standard deviations"
        )
    bracket = grid[best - 1], grid[min(best + 1, len(grid) - 1)]
    found = minimize_scalar(loss, bounds=bracket, method="bounded", options={"xatol": 1e-5})
    return deviations * math.exp(found.x)


def improved_sheather_jones_bandwidth(x: np.ndarray) -> np.ndarray:
    r"""The plug-in rule of Botev, Grotowski and Kroese, for points on the line.

    The best bandwidth is :math:`h = (2 n \sqrt\pi\,\|f''\|^2)^{-1/5}`, and the best one to estimate
    :math:`\|f^{(j)}\|^2` depends on :math:`\|f^{(j+1)}\|^2`. The chain is started at j = 7 from h
    itself and the resulting equation solved for h, the norms by the cosine transform of a histogram
    of :math:`2^{14}` bins. No density is assumed to be normal anywhere: the rule finds narrow modes
    that `silverman_bandwidth` smears.

    Parameters
    ----------
    x : array_like, shape (n,) or (n, 1)

    Returns
    -------
    numpy.ndarray, shape (1,)

    Raises
    ------
    ValueError
        As `scott_bandwidth`; if the points are not on the line; or if the equation has no solution,
        as for few points.

    Notes
    -----
    Costs O(n) and one transform. It fails for heavy tails: one far point makes the bins wide.

    References
    ----------
    Z. I. Botev, J. F. Grotowski, D. P. Kroese, "Kernel density estimation via diffusion", Annals of
    Statistics 38 (2010), algorithm 1. doi:10.1214/10-AOS799

    Examples
    --------
    >>> from labcore import random
    >>> improved_sheather_jones_bandwidth(random.normal(500, rng=1)).round(3)
    array([0.31])
    """
    from scipy.fft import dct
    from scipy.optimize import brentq

    x = samples("x", x, 2)
    if x.shape[1] != 1:
        raise ValueError(f"x must lie on the line, got {x.shape[1]} dimensions")
    _deviations(x)
    bins, n = 2**14, len(np.unique(x))
    low, high = float(x.min()), float(x.max())
    width = 1.2 * (high - low)  # a tenth of the range on either side, for the bumps at the ends
    counts, _ = np.histogram(x, bins, (low - width / 12.0, low - width / 12.0 + width))
    frequencies = np.arange(1.0, bins) ** 2
    terms = [(0.5 * dct(counts / len(x))[1:]) ** 2]  # frequencies^j times the squared coefficients
    for _ in range(7):
        terms.append(frequencies * terms[-1])

    def derivative_norm(j, t):  # squared, of the j-th derivative of the estimate of bandwidth^2 t
        last = int(math.sqrt(700.0 / t) / math.pi) + 1  # beyond, exp is zero
        damping = np.exp(-(math.pi**2 * t) * frequencies[:last])
        return 2.0 * math.pi ** (2 * j) * float(terms[j][:last] @ damping)

    def excess(t):  # of the squared bandwidth t over what the chain started there finds
        norm = derivative_norm(7, t)
        for j in range(6, 1, -1):
            double_factorial = math.prod(range(1, 2 * j, 2))
            slope = (1.0 + 0.5 ** (j + 0.5)) / 3.0 * double_factorial / math.sqrt(0.5 * math.pi)
            norm = derivative_norm(j, (slope / (n * norm)) ** (2.0 / (3.0 + 2.0 * j)))
        return t - (2.0 * n * math.sqrt(math.pi) * norm) ** (-0.4)

    # t is in units of the width: below a bin it means nothing, above a tenth no shape is left.
    grid = np.geomspace(bins**-2.0, 0.1, 60)
    values = np.array([excess(t) for t in grid])
    rises = np.flatnonzero((values[:-1] < 0.0) & (values[1:] >= 0.0))
    if not len(rises):
        raise ValueError(f"x must hold more points: no bandwidth solves the equation for these {n}")
    t = brentq(excess, grid[rises[0]], grid[rises[0] + 1], xtol=1e-14)
    return np.array([math.sqrt(t) * width])


_RULES = {
    "scott": scott_bandwidth,
    "silverman": silverman_bandwidth,
    "least_squares": least_squares_bandwidth,
    "improved_sheather_jones": improved_sheather_jones_bandwidth,
}


def _deviations(x: np.ndarray) -> np.ndarray:
    """The standard deviations of the coordinates, none of them zero."""
    deviations = x.std(axis=0, ddof=1)
    if not (deviations > 0.0).all():
        k = int(np.argmin(deviations))
        raise ValueError(f"x must vary, got {x[0, k]:g} in coordinate {k} of every point")
    return deviations


@compiled
def _epanechnikov_sums(points, columns, row, out):
    d, n = columns.shape
    for i in range(out.size):
        for j in range(n):
            row[j] = 1.0
        for k in range(d):
            centre, c = points[i, k], columns[k]
            for j in range(n):
                u = centre - c[j]
                row[j] *= max(1.0 - u * u, 0.0)
        total = 0.0
        for j in range(n):
            total += row[j]
        out[i] = total


@compiled
def _spread(x, low, per_step, weights):
    """Share each point among the two nodes beside it, in proportion; leave out those outside."""
    last = weights.size - 1
    for i in range(x.size):
        position = (x[i] - low) * per_step
        if position >= 0.0 and position < last:
            node = int(position)
            part = position - node
            weights[node] += 1.0 - part
            weights[node + 1] += part


@compiled
def _cross_validation(phi, parameters, columns, tile, out):
    """Over pairs j < i, the sums of phi_h convolved with itself, and of phi_h.

    Up to constants the first is phi = exp(-r^2 / 4 h^2), the second its square.
    """
    n = columns.shape[1]
    values, wide, narrow = tile[0], tile[1], tile[2]
    for j in range(wide.size):
        wide[j] = 0.0
        narrow[j] = 0.0
    for i in range(n):
        for start in range(0, i, values.size):
            width = min(values.size, i - start)
            kernel_values(phi, parameters, columns, i, columns, start, width, values)
            for j in range(width):
                wide[j] += values[j]
                narrow[j] += values[j] * values[j]
    out[0], out[1] = lane_sum(wide), lane_sum(narrow)
