r"""Sinkhorn's divergence: entropic transport without its bias, and its gradient.

J. Feydy, T. Séjourné, F.-X. Vialard, S. Amari, A. Trouvé, G. Peyré, "Interpolating between optimal
transport and MMD using Sinkhorn divergences", AISTATS 2019. arXiv:1810.08278
"""

import warnings
from typing import NamedTuple

import numpy as np

from labcore import _validate as validate
from labcore.transport._iteration import Blocks, Cost, Iteration, run_symmetric
from labcore.transport._weights import weights
from labcore.transport.sinkhorn import EntropicPlan, sinkhorn_of_points


class Divergence(NamedTuple):
    """A divergence of weighted points x from others, and how it changes with x.

    Parameters
    ----------
    value : float
    gradient : ndarray, shape (n, d)
        Of the value with respect to the points x.
    """

    value: float
    gradient: np.ndarray


def sinkhorn_divergence(
    x: np.ndarray,
    y: np.ndarray,
    epsilon: float,
    a: np.ndarray | None = None,
    b: np.ndarray | None = None,
    *,
    marginal_penalty: float | None = None,
    tolerance: float = 1e-6,
    max_iterations: int = 10_000,
    progress: bool = True,
) -> Divergence:
    r"""Sinkhorn's divergence of two weighted sets of points, for the cost :math:`|x - y|^2`.

    .. math:: S_\varepsilon(\alpha, \beta) = T_\varepsilon(\alpha, \beta)
        - \tfrac12 T_\varepsilon(\alpha, \alpha) - \tfrac12 T_\varepsilon(\beta, \beta)
        + \tfrac\varepsilon2 \Big(\sum_i a_i - \sum_j b_j\Big)^2,

    where :math:`T_\varepsilon` is the least regularised cost of `sinkhorn`. It is not negative, and
    zero only for equal measures. It tends to :math:`W_2^2` as :math:`\varepsilon \to 0`, and for
    equal masses to the squared distance of the means as :math:`\varepsilon \to \infty`.

    Parameters
    ----------
    x : array_like, shape (n, d) or (n,)
    y : array_like, shape (m, d) or (m,)
    epsilon : float
        :math:`\varepsilon > 0`, in the unit of squared distances.
    a, b, marginal_penalty, max_iterations, progress
        As in `sinkhorn`.
    tolerance : float, default 1e-6
        Of the marginals of all three plans. The error of the value is about this times the costs.

    Returns
    -------
    Divergence
        Its gradient is that of the potentials held fixed (they are optimal, so their change does
        not count): :math:`2 \sum_j (P^{xx}_{ij} x_j - P^{xy}_{ij} y_j)` for prescribed marginals.

    Raises
    ------
    ValueError
        As `sinkhorn_of_points` does.

    Notes
    -----
    Costs the iterations of `sinkhorn_of_points` and, for each of the sets, a few dozen more: a
    problem between a measure and itself converges fast. Below
    :math:`\varepsilon \approx \text{tolerance}` times the squared distances the three terms differ
    by less than their errors.

    References
    ----------
    T. Séjourné, J. Feydy, F.-X. Vialard, A. Trouvé, G. Peyré, "Sinkhorn divergences for unbalanced
    optimal transport", 2019. arXiv:1910.12958

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.transport import sinkhorn_divergence
    >>> x = np.linspace(0.0, 1.0, 50)
    >>> value, gradient = sinkhorn_divergence(x, x + 2.0, 0.1)
    >>> round(value, 4), (50 * gradient[:2, 0]).round(2)  # a translation by 2
    (4.0, array([-4., -4.]))
    """
    x, y = validate.points("x", x), validate.points("y", y)
    a, b = weights("a", a, len(x)), weights("b", b, len(y))
    options = {"tolerance": tolerance, "max_iterations": max_iterations}
    between = sinkhorn_of_points(
        x, y, epsilon, a, b, marginal_penalty=marginal_penalty, progress=progress, **options
    )
    kept = a > 0.0
    within_x = _own_plan(x[kept], a[kept], between, **options)
    within_y = _own_plan(y[b > 0.0], b[b > 0.0], between, **options)
    value = between.value - 0.5 * within_x.value - 0.5 * within_y.value
    value += 0.5 * between.epsilon * (a.sum() - b.sum()) ** 2
    gradient = _force(between, x, y)
    gradient[kept] -= _force(within_x, x[kept], x[kept])
    return Divergence(float(value), gradient)


def _own_plan(x, a, between: EntropicPlan, tolerance, max_iterations) -> EntropicPlan:
    """The plan of weighted points and themselves, with the other options of another plan."""
    epsilon, penalty = between.epsilon, between.marginal_penalty
    cost = Cost.of_points(x, x)
    with Blocks(cost.shape) as blocks:
        iteration = Iteration(cost, a, a, penalty, None, blocks)
        converged = run_symmetric(iteration, epsilon, tolerance, max_iterations)
    reason = "converged" if converged else "iterations"
    violation = float(iteration.violation / a.sum())
    if not converged and tolerance > 0.0:
        warnings.warn(
            f"Sinkhorn's iteration between a measure and itself stopped at violation "
            f"{violation:.1e}, not {tolerance:.1e}",
            stacklevel=3,
        )
    f, g = epsilon * iteration.phi, epsilon * iteration.gamma
    steps = iteration.iterations
    return EntropicPlan(f, g, a, a, epsilon, penalty, violation, steps, reason, cost)


def _force(plan: EntropicPlan, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The sums over j of P_ij 2 (x_i - y_j)."""
    sums = plan.row_sums(y)
    return 2.0 * (sums[:, :1] * x - sums[:, 1:])
