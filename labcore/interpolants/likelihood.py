r"""The likelihood of a flow, and ways to the divergence of a velocity that it needs.

For a closed form the divergence is known (`MixtureInterpolant.divergence`). For any other field it
is the trace of a Jacobian that only its products with vectors are cheap of:

.. math:: \nabla \cdot v = \tr J = \sum_a e_a^\T J e_a
    = \E\,\xi^\T J \xi \quad \text{for } \E\,\xi\xi^\T = I.
"""

from collections.abc import Callable

import numpy as np

from labcore._validate import integer, points, positive
from labcore.interpolants.fields import Field
from labcore.interpolants.flow import RK4, OdeMethod, fill_noise, shaped, solve_ode
from labcore.random import seed_from

Divergence = Callable[[float, np.ndarray], np.ndarray]
_PROBE_STREAM = np.uint64(3 << 62)  # not those of particles, nor those of the noise of an SDE


def log_likelihood(
    velocity: Field,
    divergence: Divergence,
    source_log_density: Callable[[np.ndarray], np.ndarray],
    x: np.ndarray,
    *,
    steps: int = 50,
    method: OdeMethod = RK4,
    progress: bool = True,
) -> np.ndarray:
    r"""The log density at t = 1 of the law that the ODE carries the source to.

    .. math:: \log \rho_1(x) = \log \rho_0(X_0) - \int_0^1 \nabla \cdot v(t, X_t)\,\dd t,
        \qquad X_1 = x.

    Parameters
    ----------
    velocity, divergence : callable
        ``velocity(t, x)`` of shape (n, d), and its divergence of shape (n,): exact, by
        `divergence_by_differences` or by `hutchinson_divergence`.
    source_log_density : callable
        :math:`\log\rho_0` of points (n, d), of shape (n,).
    x : array of shape (n, d), or (n,) on the line
    steps : int, default 50
        Steps from t = 1 to t = 0.
    method : OdeMethod, default RK4
        Trajectory and integral are computed together, both to the order of the method.
    progress : bool, default True
        Show a progress bar if it takes more than two seconds.

    Returns
    -------
    array of shape (n,)

    Raises
    ------
    ValueError
        As in `solve_ode`, and if the divergence has the wrong shape.

    Notes
    -----
    It is the density of what the *exact* ODE makes of the source: that of a fitted velocity's
    samples, which need not be near the target. It takes the velocity up to t = 1, where some are
    not defined. With an unbiased estimate of the divergence it is unbiased itself, and the density
    is not: by Jensen's inequality that is overestimated. R. T. Q. Chen, Y. Rubanova, J.
    Bettencourt, D. Duvenaud, "Neural ordinary differential equations", NeurIPS 2018, theorem 1.
    arXiv:1806.07366.

    Examples
    --------
    >>> from labcore.interpolants import between, linear, mixture
    >>> path = between(mixture([0.0]), mixture([4.0]), linear())
    >>> source = path.source.log_density
    >>> log_likelihood(path.velocity, path.divergence, source, [4.0]).round(6)
    array([-0.918939])
    """
    x = points("x", x)
    divergence = shaped(divergence, (len(x),), "divergence")

    def both(t, y):
        position = np.ascontiguousarray(y[:, :-1])
        return np.column_stack([velocity(t, position), divergence(t, position)])

    start = np.column_stack([x, np.zeros(len(x))])
    end = solve_ode(both, start, (1.0, 0.0), steps=steps, method=method, progress=progress)[:, -1]
    source = np.ascontiguousarray(end[:, :-1])
    return source_log_density(source) + end[:, -1]  # time ran down: minus the integral


def divergence_by_differences(velocity: Field, *, step: float = 1e-5) -> Divergence:
    r"""The divergence of a velocity by central differences, one for each coordinate.

    .. math:: \nabla\cdot v(t, x) \approx \sum_{a=1}^d \frac{v_a(t, x + h e_a) - v_a(t, x - h e_a)}
        {2h}

    Parameters
    ----------
    velocity : callable
        ``velocity(t, x)`` of shape (n, d).
    step : float, default 1e-5
        h, in the units of x.

    Returns
    -------
    callable
        ``divergence(t, x)`` of shape (n,).

    Notes
    -----
    Costs 2 d evaluations. The error is :math:`O(h^2)` by the curvature and 1e-16/h by rounding:
    about 1e-10 for a velocity of unit size and scale. In single precision take h = 0.01. A velocity
    that varies on a scale below h, as near t = 1 towards narrow modes, is out of reach.

    Examples
    --------
    >>> divergence = divergence_by_differences(lambda t, x: x * [1.0, 2.0])
    >>> divergence(0.0, [[3.0, 4.0]]).round(6)
    array([3.])
    """
    step = positive("step", step)

    def divergence(t, x):
        x = points("x", x)
        field = shaped(velocity, x.shape)
        total = np.zeros(len(x))
        for a in range(x.shape[1]):
            shift = np.zeros(x.shape[1])
            shift[a] = step
            total += (field(t, x + shift) - field(t, x - shift))[:, a]
        return total / (2.0 * step)

    return divergence


def hutchinson_divergence(
    velocity: Field,
    *,
    probes: int = 1,
    law: str = "rademacher",
    rng: int | np.random.Generator | None = None,
    step: float = 1e-5,
) -> Divergence:
    r"""An unbiased estimate of the divergence, from random directions.

    .. math:: \nabla\cdot v(t, x) \approx \frac1m \sum_{k=1}^m \xi_k^\T J \xi_k, \qquad
        J \xi \approx \frac{v(t, x + h\xi) - v(t, x - h\xi)}{2h}.

    With the symmetric part :math:`S = (J + J^\T)/2` its variance is

    .. math:: \frac2m \Big(\norm{S}_F^2 - \sum_a S_{aa}^2\Big) \text{ for signs},
        \qquad \frac2m \norm{S}_F^2 \text{ for normal directions}.

    Parameters
    ----------
    velocity : callable
        ``velocity(t, x)`` of shape (n, d).
    probes : int, default 1
        m, the number of directions.
    law : {"rademacher", "normal"}, default "rademacher"
        Of the coordinates of a direction: signs, or standard normal numbers.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`). Particle i keeps its directions at all times, so
        that along a path the estimate is smooth, and the order of an ODE method is kept.
    step : float, default 1e-5
        h, as in `divergence_by_differences`.

    Returns
    -------
    callable
        ``divergence(t, x)`` of shape (n,).

    Raises
    ------
    ValueError
        If the law is another, there is no probe, or the step is not positive.

    Notes
    -----
    Costs 2 m evaluations: for d up to about 10, `divergence_by_differences` is as cheap and exact.
    Signs have the smaller variance, none at all for diagonal S: on the line, or for a field that
    acts on each coordinate by itself. M. F. Hutchinson, "A stochastic estimator of the trace of the
    influence matrix for Laplacian smoothing splines", Communications in Statistics 19 (1990).
    doi:10.1080/03610919008812866. W. Grathwohl et al., "FFJORD", ICLR 2019. arXiv:1810.01367.

    Examples
    --------
    >>> divergence = hutchinson_divergence(lambda t, x: x * [1.0, 2.0], rng=0)
    >>> divergence(0.0, [[3.0, 4.0]]).round(6)
    array([3.])
    """
    probes, step = integer("probes", probes, 1), positive("step", step)
    if law not in ("rademacher", "normal"):
        raise ValueError(f"law must be rademacher or normal, got {law!r}")
    seed = seed_from(rng)

    def divergence(t, x):
        x = points("x", x)
        field = shaped(velocity, x.shape)
        direction, total = np.empty_like(x), np.zeros(len(x))
        for number in range(probes):
            fill_noise(seed, _PROBE_STREAM, number, direction)
            if law == "rademacher":
                np.copysign(1.0, direction, out=direction)
            shift = step * direction
            change = field(t, x + shift) - field(t, x - shift)
            total += np.einsum("na,na->n", change, direction)
        return total / (2.0 * step * probes)

    return divergence
