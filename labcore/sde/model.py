r"""What a stochastic differential equation is, and what a solver of it is.

:math:`dX_t = b(t, X_t)\,dt + \sigma(t, X_t)\,dW_t`. The state is a number, or a tuple of d numbers;
then sigma is a tuple of d numbers for diagonal noise (component k has a Brownian motion of its own)
or a matrix, a tuple of d rows of m numbers each.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from numba.core.dispatcher import Dispatcher

from labcore._compile import compiled
from labcore.sde.components import add, as_floats, drift_correction, multiply

INTERPRETATIONS = ("ito", "stratonovich")


class Model(NamedTuple):
    r"""A stochastic differential equation, and what is known of its solution.

    The compiled functions take ``(t, x, parameters)``; write your own with ``numba.njit``. With
    `dimension` d they are given x as a tuple of d floats and return tuples.

    Parameters
    ----------
    name : str
        What messages call it.
    drift, diffusion : compiled functions
        The coefficients b and sigma. Of a state with d components, `drift` returns a tuple of d
        numbers, `diffusion` a tuple of d numbers (diagonal noise) or of d tuples of m numbers (a
        matrix that acts on m noises).
    diffusion_derivative : compiled function, optional
        The derivative of sigma in x, which Milstein's method needs, and a change of interpretation.
        For diagonal noise a tuple of :math:`\partial \sigma_k / \partial x_k`, where
        :math:`\sigma_k` must depend on t and :math:`x_k` alone.
    transition : compiled function, optional
        ``transition(t, x, h, dw, parameters)``: the state at t + h given the state x at t, with the
        exact law if ``dw`` is normal with variance h. What `labcore.sde.EXACT` uses.
    parameters : tuple of float
        Passed to the compiled functions.
    interpretation : {"ito", "stratonovich"}
        Which integral the equation means. Where sigma does not depend on x they are the same.
    mean, variance : callables, optional
        ``mean(t, x0)`` and ``variance(t, x0)``, the moments of X_t, for arrays t. Of a state with d
        components the mean has d along the last axis, and the variance is the covariance matrix,
        along the last two.
    solution : callable, optional
        ``solution(t, x0, w)``: X_t where it is a function of W_t = w.
    dimension : int, optional
        The number of components of the state. Without it the state is a number.
    additive : bool, default False
        Whether sigma depends on t alone.
    stationary_density : callable, optional
        ``stationary_density(x)``: the density of the law that the equation keeps, for arrays x;
        components along the last axis.
    drift_derivative : compiled function, optional
        The derivative of b in x, for implicit methods: a number, or a tuple of d rows, row i with
        the derivatives of :math:`b_i`.
    force : compiled function, optional
        Of the underdamped Langevin equation, ``force(t, q, parameters)`` for a tuple q of
        positions, a tuple: what `labcore.sde.BAOAB` needs. The state is then the positions and
        after them the momenta; the first two parameters are friction and temperature.
    transition_draw : compiled function, optional
        ``transition_draw(t, x, h, seed, stream, index, parameters)``: a draw of the state at t + h
        from the random bits at that address. What `labcore.sde.EXACT_DRAW` uses.
    horizon : float, default inf
        The equation holds up to this time.
    """

    name: str
    drift: Callable
    diffusion: Callable
    diffusion_derivative: Callable | None = None
    transition: Callable | None = None
    parameters: tuple[float, ...] = ()
    interpretation: str = "ito"
    mean: Callable | None = None
    variance: Callable | None = None
    solution: Callable | None = None
    dimension: int | None = None
    additive: bool = False
    stationary_density: Callable | None = None
    drift_derivative: Callable | None = None
    force: Callable | None = None
    transition_draw: Callable | None = None
    horizon: float = math.inf


class Solver(NamedTuple):
    r"""A one-step method: ``step(coefficients, t, x, h, dw)`` is the state at t + h.

    Parameters
    ----------
    name : str
        What messages call it.
    interpretation : {"ito", "stratonovich"}
        Of which integral `step` takes a step.
    strong_order : float
        :math:`p` in :math:`\E\abs{X_T - X_T^h} = O(h^p)`, both on the same Brownian path. For a
        matrix of noises it is 1/2 unless they commute,
        :math:`\sum_l \sigma_{li} \partial_l \sigma_{kj} =
        \sum_l \sigma_{lj} \partial_l \sigma_{ki}` (one noise, diagonal and additive noise do):
        beyond that a method would need the areas that the noises sweep between one another.
    weak_order : float
        :math:`p` in :math:`\abs{\E f(X_T) - \E f(X_T^h)} = O(h^p)`, for smooth f.
    step : compiled function
        Inlined in the loop of `labcore.sde.solve`.
    needs : tuple of str
        The optional fields of a `Model` that `step` calls.
    form : {"general", "diagonal", "additive"}
        The noises for which it is made; "diagonal" includes a state and noise of one dimension.
    noise : {"increments", "integrals", "addresses"}
        What `step` gets as ``dw``: the increments of the noise; a pair, these and their integrals
        over the step (see `brownian_integrals`); or where its random bits are.
    """

    name: str
    interpretation: str
    strong_order: float
    weak_order: float
    step: Callable
    needs: tuple[str, ...] = ()
    form: str = "general"
    noise: str = "increments"


class Coefficients(NamedTuple):
    """What the compiled loops see of a model. `special` is what only some solvers call: the model's
    transition, its force or the derivative of its drift.
    """

    drift: Any
    diffusion: Any
    diffusion_derivative: Any
    special: Any
    parameters: tuple[float, ...]
    correction: float


@compiled(inline=True)
def drift_at(c, t, x):
    r"""The drift in the solver's interpretation: :math:`b + \kappa\,\sigma\,\partial_x\sigma`.

    The correction kappa is 0 where solver and model mean the same integral, 1/2 from Stratonovich
    to Ito, and -1/2 back.
    """
    b = as_floats(c.drift(t, x, c.parameters))
    if c.correction != 0.0:
        slope = c.diffusion_derivative(t, x, c.parameters)
        product = drift_correction(c.diffusion(t, x, c.parameters), slope)
        b = add(b, multiply(c.correction, product))
    return b


@compiled(inline=True)
def no_derivative(t, x, parameters):
    """Stands in for a derivative that is not known and not needed."""
    return 0.0


@compiled(inline=True)
def no_transition(t, x, h, dw, parameters):
    """Stands in for a transition that is not known and not needed."""
    return x


def coefficients_of(model: Model, solver: Solver) -> Coefficients:
    """What the loop needs of a model, in the interpretation of the solver."""
    if model.interpretation not in INTERPRETATIONS:
        raise ValueError(
            f"model.interpretation must be one of {INTERPRETATIONS}, got {model.interpretation!r}"
        )
    for field in {"drift", "diffusion", "diffusion_derivative", *solver.needs}:
        function = getattr(model, field)
        if function is None and field in solver.needs:
            raise ValueError(f"{solver.name} needs model.{field}, which the {model.name} lacks")
        if function is not None and not isinstance(function, Dispatcher):
            raise TypeError(f"model.{field} must be compiled by numba.njit, got {function!r}")
    if solver.form == "additive" and not model.additive:
        raise ValueError(f"{solver.name} is for additive noise: model.additive must say so")
    special = [getattr(model, field) for field in solver.needs if field != "diffusion_derivative"]
    return Coefficients(
        model.drift,
        model.diffusion,
        model.diffusion_derivative or no_derivative,
        special[0] if special else no_transition,
        tuple(float(value) for value in model.parameters),
        correction_of(model, solver),
    )


def correction_of(model: Model, solver: Solver) -> float:
    """The factor of sigma times its derivative in the drift of the solver's interpretation."""
    is_exact = {"transition", "transition_draw"} & set(solver.needs)
    if model.interpretation == solver.interpretation or model.additive or is_exact:
        return 0.0
    if model.diffusion_derivative is None:
        raise ValueError(
            f"{solver.name} solves equations of {solver.interpretation}'s kind: for the "
            f"{model.name} it needs model.diffusion_derivative to change the drift"
        )
    return 0.5 if solver.interpretation == "ito" else -0.5
