r"""Entropic optimal transport between weighted points, by Sinkhorn's iteration.

M. Cuturi, "Sinkhorn distances: lightspeed computation of optimal transport", NeurIPS 2013.
arXiv:1306.0895
"""

import math
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from labcore import _validate as validate
from labcore.transport._iteration import PRECISIONS, Blocks, Cost, Iteration, fill, row_sums, run
from labcore.transport._weights import equal_masses, weights

_LARGEST = 1e12  # cost by epsilon: beyond, exponents are wrong by more than 1e-4


@dataclass(frozen=True, eq=False)
class EntropicPlan:
    r"""A plan :math:`P_{ij} = a_i b_j e^{(f_i + g_j - C_{ij})/\varepsilon}`. Made by `sinkhorn`.

    Parameters
    ----------
    f : ndarray, shape (n,)
        The potential of the first points, also of those of weight zero.
    g : ndarray, shape (m,)
        The potential of the second ones.
    a, b : ndarray, shape (n,) and (m,)
        The weights.
    epsilon : float
    marginal_penalty : float or None
    violation : float
        :math:`\sum_j |\sum_i P_{ij} - b_j|` divided by the mass :math:`\sum_j b_j`. The other
        marginal, a, is exact to rounding. With penalised marginals :math:`b_j` is replaced by
        :math:`b_j e^{-g_j/\rho}`, what it is at the optimum.
    iterations : int
    reason : {"converged", "iterations", "interrupted"}
    """

    f: np.ndarray = field(repr=False)
    g: np.ndarray = field(repr=False)
    a: np.ndarray = field(repr=False)
    b: np.ndarray = field(repr=False)
    epsilon: float
    marginal_penalty: float | None
    violation: float
    iterations: int
    reason: str
    _cost: Cost = field(repr=False)

    def plan(self) -> np.ndarray:
        """P, as an (n, m) array."""
        with np.errstate(divide="ignore"):
            phi, gamma = np.log(self.a), np.log(self.b)
        phi, gamma = phi + self.f / self.epsilon, gamma + self.g / self.epsilon
        out = np.empty(self._cost.shape)
        with Blocks(out.shape) as blocks:
            lowest = PRECISIONS["float64"].lowest
            fill(blocks, self._cost, 1.0 / self.epsilon, phi, gamma, lowest, out)
        return out

    @cached_property
    def transport_cost(self) -> float:
        r"""The cost of the plan without its entropy, :math:`\sum_{ij} P_{ij} C_{ij}`."""
        return float(self._sums(np.empty((len(self.b), 0)), self.a)[:, -1].sum())

    @cached_property
    def value(self) -> float:
        r"""The dual objective at the potentials: at the optimum the least regularised cost.

        .. math:: \sum_i a_i f_i + \sum_j b_j g_j
            - \varepsilon \Big(\sum_{ij} P_{ij} - \sum_i a_i \sum_j b_j\Big),

        with :math:`-\rho(e^{-f/\rho} - 1)` in place of f, and the same for g, where marginals are
        penalised. It is a lower bound of the least regularised cost, also before convergence.
        """
        rho = self.marginal_penalty
        f, g, rows = self.f, self.g, self.a
        if rho is not None:
            rows = self.a * np.exp(-self.f / rho)
            f, g = (-rho * np.expm1(-potential / rho) for potential in (f, g))
        entropy = rows.sum() - self.a.sum() * self.b.sum()
        return float((self.a * f).sum() + (self.b * g).sum() - self.epsilon * entropy)

    def barycentric_map(self, y: np.ndarray) -> np.ndarray:
        r"""Where the plan sends each of the first points on average.

        Parameters
        ----------
        y : array_like, shape (m, k) or (m,)
            The second points, or any values that they carry.

        Returns
        -------
        ndarray, shape (n, k)
            :math:`\sum_j P_{ij} y_j / \sum_j P_{ij}`: for large :math:`\varepsilon` the mean of y,
            for small the map of optimal transport.
        """
        sums = self._sums(self._values(y), np.ones_like(self.a))  # also where a is 0
        return sums[:, 1:-1] / sums[:, :1]

    def row_sums(self, y: np.ndarray) -> np.ndarray:
        r"""The sums :math:`\sum_j P_{ij}` and :math:`\sum_j P_{ij} y_j`, as an (n, 1 + k) array.

        Takes values y as `barycentric_map` does.
        """
        return self._sums(self._values(y), self.a)[:, :-1]

    def _values(self, y: np.ndarray) -> np.ndarray:
        y = validate.points("y", y)
        if len(y) != len(self.b):
            raise ValueError(f"y must hold {len(self.b)} points, got {len(y)}")
        return y

    def _sums(self, y: np.ndarray, a: np.ndarray) -> np.ndarray:
        """The sums over each row of the plan with weights a: of P, of P y, and last of P C."""
        phi, gamma = self.f / self.epsilon, self.g / self.epsilon
        targets = np.ascontiguousarray(y.T)
        return row_sums(self._cost, 1.0 / self.epsilon, phi, gamma, a, self.b, targets)


def sinkhorn(
    cost: np.ndarray,
    epsilon: float,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    *,
    marginal_penalty: float | None = None,
    tolerance: float | None = None,
    max_iterations: int = 10_000,
    start: np.ndarray | None = None,
    first_epsilon: float | None = None,
    dtype: type = np.float64,
    progress: bool = True,
) -> EntropicPlan:
    r"""Entropic optimal transport for a matrix of costs.

    .. math:: \min_P \sum_{ij} P_{ij} C_{ij} + \varepsilon\, \mathrm{KL}(P \,|\, a b^\top),
        \qquad \sum_j P_{ij} = a_i, \quad \sum_i P_{ij} = b_j,

    where :math:`\mathrm{KL}(p\,|\,q) = \sum p \log(p/q) - p + q`. The solution has the form
    :math:`P_{ij} = a_i b_j e^{(f_i + g_j - C_{ij})/\varepsilon}`, and the iteration makes one
    marginal right after the other:

    .. math:: f_i = -\varepsilon \log \sum_j b_j e^{(g_j - C_{ij})/\varepsilon}, \qquad
        g_j = -\varepsilon \log \sum_i a_i e^{(f_i - C_{ij})/\varepsilon}.

    With `marginal_penalty` :math:`\rho` the marginals are not prescribed but cost
    :math:`\rho\,\mathrm{KL}(P 1\,|\,a) + \rho\,\mathrm{KL}(P^\top 1\,|\,b)`. Both updates are then
    multiplied by :math:`\rho / (\rho + \varepsilon)`, and after each pair of them

    .. math:: \lambda = \frac\rho2 \log \frac{\sum_i a_i e^{-f_i/\rho}}{\sum_j b_j e^{-g_j/\rho}}

    is subtracted from g: the best constant to exchange with f. Masses may differ, and mass that
    would have to go further than :math:`C \approx 2\rho` is destroyed here and created there.

    Parameters
    ----------
    cost : array_like, shape (n, m)
        C, finite; it may be negative.
    epsilon : float
        :math:`\varepsilon > 0`, in the unit of the costs.
    a : array_like, shape (n,), optional
        Weights, not negative (default: 1/n).
    b : array_like, shape (m,), optional
        Weights of the same sum (default: 1/m).
    marginal_penalty : float, optional
        :math:`\rho > 0`, in the unit of the costs: *unbalanced* transport.
    tolerance : float, optional
        Ends when the marginal is wrong by at most this part of the mass: see
        `EntropicPlan.violation`. Default: 1e-6, and 1e-5 in single precision. With 0 it makes
        `max_iterations`, and does not warn.
    max_iterations : int, default 10000
    start : array_like, shape (m,), optional
        A potential g to start from: of a similar problem, or of this one to go on with it.
    first_epsilon : float, optional
        Begin with this epsilon and halve it until it is `epsilon`, to a violation of 1e-2 each
        time: the number of iterations then grows more slowly as epsilon becomes small.
    dtype : numpy.float64 or numpy.float32
        Of the stored kernel. Single precision halves its memory and time, and finds marginals
        to about 1e-6; potentials are double.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    EntropicPlan
        Interrupted (Ctrl-C) or not converged, it warns and returns the plan as it is.

    Raises
    ------
    ValueError
        If the cost is not finite, weights are negative, all zero or of different sums, an option is
        out of range, or :math:`\varepsilon` is below 1e-12 of the largest cost.

    Notes
    -----
    Most iterations multiply with a stored kernel: one reading of n m numbers each, and the time
    that takes. The kernel is made of the potentials of a moment; where these change by more than a
    factor of :math:`10^{80}` (single precision: :math:`10^8`) allows, iterations are made in the
    log domain, which no cost breaks, and it is made anew. Memory: the costs and the kernel, n m
    numbers each.

    Convergence is linear: in Hilbert's metric each half of an iteration contracts by
    :math:`\tanh(\Delta / 4\varepsilon)` or better, with :math:`\Delta` the largest
    :math:`C_{ij} + C_{kl} - C_{il} - C_{kj}`. For :math:`\varepsilon \ll \Delta` that is no
    promise, and the number of iterations grows like :math:`1/\varepsilon`. The plan is blurred by
    :math:`\varepsilon`: its cost exceeds that of the best plan, by at most
    :math:`\varepsilon \log \min(n, m)` for equal weights.

    References
    ----------
    G. Peyre, M. Cuturi, "Computational optimal transport", *Foundations and Trends in Machine
    Learning* 11 (2019), sections 4.2 (Hilbert's metric), 4.4 (log domain) and 10.2 (unbalanced).
    arXiv:1803.00567
    B. Schmitzer, "Stabilized sparse scaling algorithms for entropy regularized transport problems",
    *SIAM J. Sci. Comput.* 41 (2019), sections 3.1 and 3.2. arXiv:1610.06519
    T. Séjourné, F.-X. Vialard, G. Peyré, "Faster unbalanced optimal transport: translation
    invariant Sinkhorn and 1-D Frank-Wolfe", AISTATS 2022. arXiv:2201.00730 (the constant)

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.transport import sinkhorn
    >>> x, y = np.array([0.0, 1.0]), np.array([0.0, 1.0, 3.0])
    >>> result = sinkhorn((x[:, None] - y) ** 2, 0.5, [0.5, 0.5], [0.25, 0.25, 0.5])
    >>> result.plan().round(3)
    array([[0.25 , 0.244, 0.006],
           [0.   , 0.006, 0.494]])
    >>> round(result.transport_cost, 3), result.reason
    (2.276, 'converged')
    """
    cost = validate.array("cost", cost, 2)
    return _solve(
        Cost.of_matrix(cost),
        epsilon,
        a,
        b,
        marginal_penalty,
        tolerance,
        max_iterations,
        start,
        first_epsilon,
        np.dtype(dtype),
        progress,
    )


def sinkhorn_of_points(
    x: np.ndarray,
    y: np.ndarray,
    epsilon: float,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    *,
    marginal_penalty: float | None = None,
    tolerance: float | None = None,
    max_iterations: int = 10_000,
    start: np.ndarray | None = None,
    first_epsilon: float | None = None,
    progress: bool = True,
) -> EntropicPlan:
    r"""Entropic optimal transport of points, for the cost :math:`C_{ij} = |x_i - y_j|^2`.

    As `sinkhorn`, but no matrix is ever stored: memory O(n + m).

    Parameters
    ----------
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (m, d) or (m,)
    epsilon, a, b, marginal_penalty, tolerance, max_iterations, start, first_epsilon, progress
        As in `sinkhorn`. Note that the cost is not halved: with it :math:`\sqrt{\varepsilon/2}` is
        the length of the blur.

    Returns
    -------
    EntropicPlan
        Its method ``plan`` does make an (n, m) array; ``transport_cost`` and ``barycentric_map`` do
        not.

    Raises
    ------
    ValueError
        If points are not finite or of different dimensions, and as in `sinkhorn`.

    Notes
    -----
    Each iteration costs n m distances and exponentials, about 2 ns a pair on one core: two to three
    times as long as with a stored kernel, where that fits.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.transport import sinkhorn_of_points
    >>> x = np.linspace(0.0, 1.0, 200)
    >>> result = sinkhorn_of_points(x, x + 2.0, 0.01)
    >>> float(np.abs(result.barycentric_map(x + 2.0)[:, 0] - x - 2.0).max().round(3))
    0.049
    """
    x, y = validate.points("x", x), validate.points("y", y)
    if x.shape[1] != y.shape[1] or not x.shape[1]:
        raise ValueError(
            f"x and y must have the same dimension, at least 1, got {x.shape[1]} and {y.shape[1]}"
        )
    return _solve(
        Cost.of_points(x, y),
        epsilon,
        a,
        b,
        marginal_penalty,
        tolerance,
        max_iterations,
        start,
        first_epsilon,
        None,
        progress,
    )


def _solve(
    cost, epsilon, a, b, penalty, tolerance, max_iterations, start, first_epsilon, dtype, progress
) -> EntropicPlan:
    epsilon = validate.positive("epsilon", epsilon)
    n, m = cost.shape
    a, b = weights("a", a, n), weights("b", b, m)
    if not cost.largest() < _LARGEST * epsilon:
        raise ValueError(
            f"epsilon must be above {1 / _LARGEST:g} of the costs, which reach "
            f"{cost.largest():g}, got {epsilon:g}"
        )
    if penalty is None:
        equal_masses(a, b, "or give a marginal_penalty")
    else:
        penalty = validate.positive("marginal_penalty", penalty)
    if dtype is not None and dtype.name not in PRECISIONS:
        raise ValueError(f"dtype must be float64 or float32, got {dtype}")
    if tolerance is None:
        tolerance = 1e-5 if dtype == np.float32 else 1e-6
    tolerance = validate.non_negative("tolerance", tolerance)
    max_iterations = validate.integer("max_iterations", max_iterations)
    epsilons = _epsilons(epsilon, first_epsilon)
    start = np.zeros(m) if start is None else validate.array("start", start, 1)
    if len(start) != m:
        raise ValueError(f"start must hold {m} numbers, got {len(start)}")
    rows, columns = a > 0.0, b > 0.0
    part = cost.part(rows, columns)
    with Blocks(part.shape) as blocks:
        iteration = Iteration(part, a[rows], b[columns], penalty, dtype, blocks)
        iteration.gamma = start[columns]
        reason = run(iteration, epsilons, tolerance, max_iterations, progress)
    f, g = epsilon * iteration.phi, epsilon * iteration.gamma
    if not rows.all():
        f = _completed(cost, rows, columns, b, f, g, epsilon, penalty)
    if not columns.all():
        g = _completed(cost.transposed(), columns, rows, a, g, f[rows], epsilon, penalty)
    return EntropicPlan(
        *(f, g, a, b, epsilon, penalty),
        *(float(iteration.violation), iteration.iterations, reason, cost),
    )


def _epsilons(epsilon: float, first: float | None) -> list[float]:
    """From `first`, if there is one, by halves to epsilon."""
    if first is None:
        return [epsilon]
    first = validate.positive("first_epsilon", first)
    if first < epsilon:
        raise ValueError(f"first_epsilon must be at least epsilon = {epsilon:g}, got {first:g}")
    halvings = math.ceil(math.log2(first / epsilon))
    return [epsilon * 2.0**k for k in range(halvings, -1, -1)]


def _completed(cost, rows, columns, b, f, g, epsilon, penalty) -> np.ndarray:
    """f of all first points: those of weight zero get the best for g, which is that of the rest."""
    part = cost.part(~rows, columns)
    with Blocks(part.shape) as blocks:
        rest = Iteration(part, np.ones(len(part.x)), b[columns], penalty, None, blocks)
        rest.gamma = g
        rest.use(epsilon)
        rest.update_rows()
    completed = np.empty(len(rows))
    completed[rows], completed[~rows] = f, epsilon * rest.phi
    return completed
