r"""Targets: a compiled log-density with its gradient, and a gallery with known moments.

A log-density is a function compiled by ``numba.njit``,

    ``log_density(x, parameters, gradient) -> float``

of three contiguous float64 arrays. It returns :math:`\log \pi(x)` up to a constant and writes
:math:`\nabla \log \pi(x)` into `gradient` (a target that only `Metropolis` samples may leave it).
What the density depends on, be it a correlation or a data set, goes into `parameters`: another
value of it then compiles nothing.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
from numba import errors, types
from numba.core.dispatcher import Dispatcher
from numba.core.types.function_type import CompileResultWAP

from labcore._compile import compiled
from labcore._math import exp, log
from labcore._validate import array, integer, positive, real
from labcore.random import normal, seed_from, uniform

_ARRAY = types.float64[::1]
# All targets have this one type, so a sampler's loop is compiled once for all of them.
LOG_DENSITY = types.FunctionType(types.float64(_ARRAY, _ARRAY, _ARRAY))
# Exact draws come from streams that no chain owns: with equal seeds, points that start the chains
# would otherwise be made of the very numbers that move them.
_FIRST_STREAM = 2**62
_LOG_2PI = math.log(2.0 * math.pi)


class Target(NamedTuple):
    """A distribution to sample from.

    Parameters
    ----------
    name : str
        What plots and messages call it.
    dimension : int
        Number of coordinates d.
    log_density : callable
        The compiled function ``(x, parameters, gradient) -> float`` described above.
    parameters : ndarray, shape (p,)
        Handed to `log_density`.
    mean : ndarray, shape (d,), optional
        The exact mean, where known.
    covariance : ndarray, shape (d, d), optional
        The exact covariance, where known.
    draw : callable, optional
        ``draw(n, rng)`` gives n independent exact draws, shape (n, d), where that is possible.
    """

    name: str
    dimension: int
    log_density: Callable
    parameters: np.ndarray = np.empty(0)
    mean: np.ndarray | None = None
    covariance: np.ndarray | None = None
    draw: Callable | None = None


def first_class(name: str, function: Dispatcher, kind: types.FunctionType) -> CompileResultWAP:
    """`function`, compiled to the one signature of `kind`, as a value that loops take as argument.

    Raises
    ------
    TypeError
        If `function` is not compiled by numba, or does not have that signature; it is called
        `name`.
    """
    arguments, returned = kind.signature.args, kind.signature.return_type
    if not isinstance(function, Dispatcher):
        raise TypeError(f"{name} must be a function compiled by numba.njit, got {function!r}")
    try:
        function.compile(arguments)
    except (errors.NumbaError, TypeError) as error:
        expected = ", ".join(str(argument) for argument in arguments)
        raise TypeError(f"{name} must take arguments ({expected}): {error}") from None
    result = function.overloads[arguments]
    if result.signature.return_type != returned:
        raise TypeError(
            f"{name} must return {returned} for every input, "
            f"got {function.__name__} returning {result.signature.return_type}"
        )
    return CompileResultWAP(result)


@cache
def compiled_density(log_density: Dispatcher) -> CompileResultWAP:
    """A target's log-density as the loops take it."""
    return first_class("log_density", log_density, LOG_DENSITY)


def evaluate(target: Target, points) -> tuple[np.ndarray, np.ndarray]:
    """The log-density and its gradient at n points.

    Parameters
    ----------
    target : Target
        Whose density.
    points : array_like, shape (n, d)
        Where.

    Returns
    -------
    values : ndarray, shape (n,)
        The log-densities.
    gradients : ndarray, shape (n, d)
        Their gradients.

    Raises
    ------
    ValueError
        If `points` do not have the target's dimension.

    Examples
    --------
    >>> from labcore.samplers import evaluate, gaussian
    >>> values, gradients = evaluate(gaussian([1.0]), [[0.0], [2.0]])
    >>> values.round(4), gradients.ravel()
    (array([-0.9189, -2.9189]), array([-0., -2.]))
    """
    points = array("points", points, 2)
    if points.shape[1] != target.dimension:
        raise ValueError(
            f"points must have shape (n, {target.dimension}) for target {target.name!r}, "
            f"got {points.shape}"
        )
    values, gradients = np.empty(len(points)), np.zeros(points.shape)
    density = compiled_density(target.log_density)
    _evaluate(density, points, target_parameters(target), values, gradients)
    return values, gradients


@compiled
def _evaluate(log_density, points, parameters, values, gradients):
    for i in range(len(points)):
        values[i] = log_density(points[i], parameters, gradients[i])


def target_parameters(target: Target) -> np.ndarray:
    """A target's parameters as the loops take them."""
    return array("parameters", target.parameters, 1)


def gradient_error(target: Target, position, *, spacing: float = 1e-5) -> float:
    r"""How far a target's gradient is from central differences of its log-density at one point.

    The largest of :math:`|g_i - (f(x + h e_i) - f(x - h e_i)) / 2h|` over the coordinates,
    relative to :math:`1 + \max_i |g_i|`. A right gradient gives about 1e-9 for densities of
    moderate curvature, a wrong one about 1.

    Examples
    --------
    >>> from labcore.samplers import banana, gradient_error
    >>> gradient_error(banana(), [0.5, 1.0]) < 1e-7
    True
    """
    shifts = positive("spacing", spacing) * np.eye(target.dimension)
    position = array("position", position, 1)
    gradient = evaluate(target, position[None])[1][0]
    rise = evaluate(target, position + shifts)[0] - evaluate(target, position - shifts)[0]
    return float(np.abs(gradient - rise / (2.0 * spacing)).max() / (1.0 + np.abs(gradient).max()))


def gaussian(covariance, mean=None) -> Target:
    r"""The normal distribution :math:`N(\mu, \Sigma)`.

    Parameters
    ----------
    covariance : array_like, shape (d, d) or (d,)
        The covariance matrix, or the variances of independent coordinates. The log-density costs
        :math:`d^2` operations in the first case, d in the second.
    mean : array_like, shape (d,), optional
        The mean (default 0).

    Raises
    ------
    ValueError
        If the covariance is not symmetric and positive definite, or shapes do not match.

    Examples
    --------
    >>> from labcore.samplers import gaussian
    >>> gaussian([1.0, 4.0]).covariance
    array([[1., 0.],
           [0., 4.]])
    """
    covariance = array("covariance", covariance, (1, 2))
    d = len(covariance)
    mean = np.zeros(d) if mean is None else array("mean", mean, 1)
    if mean.shape != (d,) or covariance.shape not in ((d,), (d, d)):
        raise ValueError(
            f"covariance must have shape (d,) or (d, d) and mean (d,), "
            f"got {covariance.shape} and {mean.shape}"
        )
    if covariance.ndim == 1:
        if d == 0 or covariance.min() <= 0.0:
            raise ValueError("covariance must have positive variances")
        deviations = np.sqrt(covariance)
        constant = -0.5 * d * _LOG_2PI - np.log(deviations).sum()
        parameters = np.concatenate([[constant], mean, 1.0 / covariance])
        return Target(
            f"Gaussian in {d} dimensions",
            d,
            _diagonal_gaussian,
            parameters,
            mean,
            np.diag(covariance),
            lambda n, rng=None: mean + deviations * _normals(n, d, rng),
        )
    if not np.allclose(covariance, covariance.T, rtol=1e-12, atol=0.0):
        raise ValueError("covariance must be symmetric")
    try:
        factor = np.linalg.cholesky(covariance)
    except np.linalg.LinAlgError:
        raise ValueError("covariance must be positive definite") from None
    constant = -0.5 * d * _LOG_2PI - np.log(np.diag(factor)).sum()
    parameters = np.concatenate([[constant], mean, np.linalg.inv(covariance).ravel()])
    return Target(
        f"Gaussian in {d} dimensions",
        d,
        _dense_gaussian,
        parameters,
        mean,
        covariance,
        lambda n, rng=None: mean + _normals(n, d, rng) @ factor.T,
    )


@compiled
def _diagonal_gaussian(x, parameters, gradient):
    d = x.size
    value = parameters[0]
    for i in range(d):
        difference = x[i] - parameters[1 + i]
        gradient[i] = -difference * parameters[1 + d + i]
        value += 0.5 * difference * gradient[i]
    return value


@compiled
def _dense_gaussian(x, parameters, gradient):
    d = x.size
    value = parameters[0]
    for i in range(d):
        gradient[i] = 0.0
        for j in range(d):
            gradient[i] -= parameters[1 + d + d * i + j] * (x[j] - parameters[1 + j])
        value += 0.5 * (x[i] - parameters[1 + i]) * gradient[i]
    return value


def banana(curvature: float = 1.0, width: float = 1.0) -> Target:
    r"""A normal distribution bent along a parabola, after Haario, Saksman and Tamminen.

    :math:`X_1 \sim N(0, w^2)` and :math:`X_2 \mid X_1 \sim N(c\,(X_1^2 - w^2), 1)`, with
    `curvature` c and `width` w. The mean is 0, the covariance
    :math:`\operatorname{diag}(w^2, 1 + 2 c^2 w^4)`: uncorrelated, and far from independent.

    References
    ----------
    H. Haario, E. Saksman, J. Tamminen, "Adaptive proposal distribution for random walk
    Metropolis algorithm", Computational Statistics 14 (1999). doi:10.1007/s001800050022

    Examples
    --------
    >>> from labcore.samplers import banana
    >>> banana().draw(3, rng=1).shape
    (3, 2)
    """
    c, w = real("curvature", curvature), positive("width", width)

    def draw(n: int, rng=None) -> np.ndarray:
        x = _normals(n, 2, rng)
        x[:, 0] *= w
        x[:, 1] += c * (x[:, 0] ** 2 - w**2)
        return x

    covariance = np.diag([w**2, 1.0 + 2.0 * c**2 * w**4])
    return Target("banana", 2, _banana, np.array([c, w]), np.zeros(2), covariance, draw)


@compiled
def _banana(x, parameters, gradient):
    c, w = parameters[0], parameters[1]
    difference = x[1] - c * (x[0] * x[0] - w * w)
    gradient[0] = -x[0] / (w * w) + 2.0 * c * x[0] * difference
    gradient[1] = -difference
    return -0.5 * (x[0] * x[0] / (w * w) + difference * difference) - _LOG_2PI - log(w)


def funnel(dimension: int = 2, centring: float = 1.0, scale: float = 3.0) -> Target:
    r"""Neal's funnel, in coordinates from centred to non-centred.

    The funnel is :math:`V \sim N(0, s^2)` and :math:`X_i \mid V \sim N(0, e^V)` for the other
    :math:`d - 1` coordinates, with `scale` s. Sampled are :math:`V` and
    :math:`\tilde X_i = e^{-(1 - c) V / 2} X_i`, that is :math:`\tilde X_i \mid V \sim N(0, e^{cV})`
    with `centring` c: 1 is the funnel itself, 0 the non-centred form, which is Gaussian. The mean
    is 0, the covariance diagonal with entries :math:`s^2` and :math:`e^{c^2 s^2 / 2}`.

    References
    ----------
    R. M. Neal, "Slice sampling", Annals of Statistics 31 (2003), section 8.
    doi:10.1214/aos/1056562461

    Examples
    --------
    >>> from labcore.samplers import funnel
    >>> funnel(3).dimension
    3
    """
    d = integer("dimension", dimension, least=2)
    c, s = real("centring", centring), positive("scale", scale)

    def draw(n: int, rng=None) -> np.ndarray:
        x = _normals(n, d, rng)
        x[:, 0] *= s
        x[:, 1:] *= np.exp(0.5 * c * x[:, :1])
        return x

    covariance = np.diag([s**2] + [math.exp(0.5 * (c * s) ** 2)] * (d - 1))
    return Target("funnel", d, _funnel, np.array([c, s]), np.zeros(d), covariance, draw)


@compiled
def _funnel(x, parameters, gradient):
    c, s = parameters[0], parameters[1]
    d = x.size
    precision = exp(-c * x[0])
    square = 0.0
    for i in range(1, d):
        gradient[i] = -precision * x[i]
        square += x[i] * x[i]
    gradient[0] = -x[0] / (s * s) + 0.5 * c * (precision * square - (d - 1))
    quadratic = x[0] * x[0] / (s * s) + precision * square + c * (d - 1) * x[0]
    return -0.5 * (quadratic + d * _LOG_2PI) - log(s)


def two_modes(
    dimension: int = 2, *, distance: float = 6.0, width: float = 1.0, weight: float = 0.5
) -> Target:
    r"""Two normal distributions side by side along the first coordinate.

    :math:`w\,N(+\tfrac{a}{2} e_1, \tau^2 I) + (1 - w)\,N(-\tfrac{a}{2} e_1, \tau^2 I)` with
    `distance` a, `width` :math:`\tau` and `weight` w of the mode on the right. The mean is
    :math:`(w - \tfrac12) a e_1`, the covariance :math:`\tau^2 I + w (1 - w) a^2 e_1 e_1^\top`.

    Raises
    ------
    ValueError
        If `weight` is not between 0 and 1.

    Examples
    --------
    >>> from labcore.samplers import two_modes
    >>> target = two_modes(distance=8.0, weight=0.75)
    >>> target.mean
    array([2., 0.])
    """
    d = integer("dimension", dimension, least=1)
    a, tau, w = positive("distance", distance), positive("width", width), real("weight", weight)
    if not 0.0 < w < 1.0:
        raise ValueError(f"weight must be between 0 and 1, got {w:g}")

    def draw(n: int, rng=None) -> np.ndarray:
        seed = seed_from(rng)
        x = tau * _normals(n, d, int(seed))
        on_the_right = uniform(n, rng=int(seed), stream=_FIRST_STREAM + 1) < w
        x[:, 0] += np.where(on_the_right, 0.5 * a, -0.5 * a)
        return x

    mean = np.zeros(d)
    mean[0] = (w - 0.5) * a
    covariance = tau**2 * np.eye(d)
    covariance[0, 0] += w * (1.0 - w) * a**2
    return Target("two modes", d, _two_modes, np.array([a, tau, w]), mean, covariance, draw)


@compiled
def _two_modes(x, parameters, gradient):
    a, variance, w = parameters[0], parameters[1] ** 2, parameters[2]
    value = -0.5 * x.size * (_LOG_2PI + log(variance))
    for i in range(1, x.size):
        gradient[i] = -x[i] / variance
        value += 0.5 * x[i] * gradient[i]
    right = log(w) - 0.5 * (x[0] - 0.5 * a) ** 2 / variance
    left = log(1.0 - w) - 0.5 * (x[0] + 0.5 * a) ** 2 / variance
    larger = max(left, right)
    total = exp(left - larger) + exp(right - larger)
    gradient[0] = ((exp(right - larger) / total - 0.5) * a - x[0]) / variance
    return value + larger + log(total)


def ridge(dimension: int = 2, correlation: float = 0.98) -> Target:
    r"""A normal distribution with unit variances, all coordinates equally correlated.

    :math:`N(0, (1 - r) I + r 1 1^\top)`, `correlation` r: of length :math:`\sqrt{1 + (d - 1) r}`
    along the diagonal, of width :math:`\sqrt{1 - r}` across. What steps in all directions alike has
    to fit the width, and needs the square of their ratio to walk along; a dense metric makes it
    round.

    Raises
    ------
    ValueError
        If `correlation` is not between :math:`-1 / (d - 1)` and 1.

    Examples
    --------
    >>> from labcore.samplers import ridge
    >>> ridge().covariance.round(3)
    array([[1.  , 0.98],
           [0.98, 1.  ]])
    """
    d = integer("dimension", dimension, least=2)
    r = real("correlation", correlation)
    if not -1.0 / (d - 1) < r < 1.0:
        raise ValueError(f"correlation must be between {-1.0 / (d - 1):g} and 1, got {r:g}")
    return gaussian((1.0 - r) * np.eye(d) + r * np.ones((d, d)))._replace(name="ridge")


def logistic_regression(features, labels, *, scale: float = 1.0) -> Target:
    r"""The posterior of a logistic regression with normal prior.

    .. math:: \log \pi(w) = \sum_i \bigl(y_i\, x_i \cdot w - \log(1 + e^{x_i \cdot w})\bigr)
       - \frac{|w|^2}{2 s^2} + \text{const}

    for features :math:`x_i`, labels :math:`y_i \in \{0, 1\}` and prior standard deviation s. One
    evaluation reads the features twice: about :math:`4 n d` operations.

    Parameters
    ----------
    features : array_like, shape (n, d)
        One row for each observation; with a column of ones for an intercept. Standardise them:
        the prior is the same for all.
    labels : array_like, shape (n,)
        0 or 1.
    scale : float, default 1.0
        s.

    Returns
    -------
    Target
        Its moments are not known.

    Raises
    ------
    ValueError
        If shapes do not match, or a label is neither 0 nor 1.

    Examples
    --------
    >>> from labcore.samplers import NUTS, logistic_regression, sample
    >>> target = logistic_regression([[1.0, -1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1])
    >>> chains = sample(NUTS(), target, 500, tune=300, rng=1)
    >>> bool(chains.samples[:, :, 1].mean() > 0)
    True
    """
    X, y = array("features", features, 2), array("labels", labels, 1)
    s = positive("scale", scale)
    if len(X) != len(y) or X.size == 0:
        raise ValueError(
            f"features must have shape (n, d) and labels (n,), got {X.shape} and {y.shape}"
        )
    if not np.isin(y, (0.0, 1.0)).all():
        raise ValueError(f"labels must be 0 or 1, got {y[~np.isin(y, (0.0, 1.0))][0]:g}")
    parameters = np.concatenate([[1.0 / (s * s)], y, X.T.ravel()])
    return Target("logistic regression", X.shape[1], _logistic, parameters)


@compiled
def _logistic(w, parameters, gradient):
    d = w.size
    n = (parameters.size - 1) // (d + 1)
    y, columns = parameters[1 : n + 1], parameters[n + 1 :].reshape(d, n)
    rest = np.zeros(n)  # allocated: a target has no workspace, and threads share its parameters
    for k in range(0, d - 3, 4):  # four columns at once: `rest` is read and written less often
        a, b, c, e = columns[k], columns[k + 1], columns[k + 2], columns[k + 3]
        for i in range(n):
            rest[i] += (w[k] * a[i] + w[k + 1] * b[i]) + (w[k + 2] * c[i] + w[k + 3] * e[i])
    for k in range(d - d % 4, d):
        for i in range(n):
            rest[i] += w[k] * columns[k, i]
    logs = np.empty(n)
    for i in range(n):
        z = rest[i]
        q = exp(-abs(z))
        half = 1.0 / (1.0 + q)
        logs[i] = (y[i] * z - max(z, 0.0)) - log(1.0 + q)
        rest[i] = y[i] - (half if z >= 0.0 else q * half)
    value = _total(logs)
    for k in range(0, d - 3, 4):
        _four_products(columns[k : k + 4], rest, gradient[k : k + 4])
    for k in range(d - d % 4, d):
        gradient[k] = 0.0
        for i in range(n):
            gradient[k] += columns[k, i] * rest[i]
    for k in range(d):
        gradient[k] -= parameters[0] * w[k]
        value -= 0.5 * parameters[0] * w[k] * w[k]
    return value


@compiled(inline=True)
def _total(x):
    """The sum of x in four lanes: a fixed order that can be vectorised."""
    n = x.size
    s0 = s1 = s2 = s3 = 0.0
    for i in range(0, n - 3, 4):
        s0 += x[i]
        s1 += x[i + 1]
        s2 += x[i + 2]
        s3 += x[i + 3]
    for i in range(n - n % 4, n):
        s0 += x[i]
    return (s0 + s2) + (s1 + s3)


@compiled(inline=True)
def _four_products(rows, x, out):
    """Inner products of four rows with x, in four lanes each: the compiler vectorises sixteen."""
    n = x.size
    a, b, c, e = rows[0], rows[1], rows[2], rows[3]
    a0 = a1 = a2 = a3 = b0 = b1 = b2 = b3 = 0.0
    c0 = c1 = c2 = c3 = e0 = e1 = e2 = e3 = 0.0
    for i in range(0, n - 3, 4):
        x0, x1, x2, x3 = x[i], x[i + 1], x[i + 2], x[i + 3]
        a0, a1, a2, a3 = a0 + a[i] * x0, a1 + a[i + 1] * x1, a2 + a[i + 2] * x2, a3 + a[i + 3] * x3
        b0, b1, b2, b3 = b0 + b[i] * x0, b1 + b[i + 1] * x1, b2 + b[i + 2] * x2, b3 + b[i + 3] * x3
        c0, c1, c2, c3 = c0 + c[i] * x0, c1 + c[i + 1] * x1, c2 + c[i + 2] * x2, c3 + c[i + 3] * x3
        e0, e1, e2, e3 = e0 + e[i] * x0, e1 + e[i + 1] * x1, e2 + e[i + 2] * x2, e3 + e[i + 3] * x3
    for i in range(n - n % 4, n):
        a0, b0 = a0 + a[i] * x[i], b0 + b[i] * x[i]
        c0, e0 = c0 + c[i] * x[i], e0 + e[i] * x[i]
    out[0], out[1] = (a0 + a2) + (a1 + a3), (b0 + b2) + (b1 + b3)
    out[2], out[3] = (c0 + c2) + (c1 + c3), (e0 + e2) + (e1 + e3)


def _normals(n: int, d: int, rng) -> np.ndarray:
    return normal((integer("n", n), d), rng=rng, stream=_FIRST_STREAM)
