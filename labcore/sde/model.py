r"""What a stochastic differential equation is, and what a solver of it is.

:math:`dX_t = b(t, X_t)\,dt + \sigma(t, X_t)\,dW_t`, with a state and a noise of one dimension.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from labcore._compile import compiled

INTERPRETATIONS = ("ito", "stratonovich")


class Model(NamedTuple):
    """A stochastic differential equation, and what is known of its solution.

    The compiled functions take ``(t, x, parameters)``; write your own with ``numba.njit``.

    Parameters
    ----------
    name : str
        What messages call it.
    drift, diffusion : compiled functions
        The coefficients b and sigma.
    diffusion_derivative : compiled function, optional
        The derivative of sigma in x, which Milstein's method needs, and a change of interpretation.
    transition : compiled function, optional
        ``transition(t, x, h, dw, parameters)``: the state at t + h given the state x at t, with the
        exact law if ``dw`` is normal with variance h. What `labcore.sde.EXACT` uses.
    parameters : tuple of float
        Passed to the compiled functions.
    interpretation : {"ito", "stratonovich"}
        Which integral the equation means.
    mean, variance : callables, optional
        ``mean(t, x0)`` and ``variance(t, x0)``, the moments of X_t, for arrays t.
    solution : callable, optional
        ``solution(t, x0, w)``: X_t where it is a function of W_t = w.
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


class Solver(NamedTuple):
    r"""A one-step method: ``step(coefficients, t, x, h, dw)`` is the state at t + h.

    Parameters
    ----------
    name : str
        What messages call it.
    interpretation : {"ito", "stratonovich"}
        Of which integral `step` takes a step.
    strong_order : float
        :math:`p` in :math:`\E\abs{X_T - X_T^h} = O(h^p)`, both on the same Brownian path.
    weak_order : float
        :math:`p` in :math:`\abs{\E f(X_T) - \E f(X_T^h)} = O(h^p)`, for smooth f.
    step : compiled function
        Inlined in the loop of `labcore.sde.solve`.
    needs : tuple of str
        The optional fields of a `Model` that `step` calls.
    """

    name: str
    interpretation: str
    strong_order: float
    weak_order: float
    step: Callable
    needs: tuple[str, ...] = ()


class Coefficients(NamedTuple):
    """What the compiled loops see of a model."""

    drift: Any
    diffusion: Any
    diffusion_derivative: Any
    transition: Any
    parameters: tuple[float, ...]
    correction: float


@compiled(inline=True)
def drift_at(c, t, x):
    r"""The drift in the solver's interpretation: :math:`b + \kappa\,\sigma\,\partial_x\sigma`.

    The correction kappa is 0 where solver and model mean the same integral, 1/2 from Stratonovich
    to Ito, and -1/2 back.
    """
    b = c.drift(t, x, c.parameters)
    if c.correction != 0.0:
        slope = c.diffusion_derivative(t, x, c.parameters)
        b += c.correction * c.diffusion(t, x, c.parameters) * slope
    return b


@compiled(inline=True)
def no_derivative(t, x, parameters):
    """Stands in for a derivative that is not known and not needed."""
    return 0.0


@compiled(inline=True)
def no_transition(t, x, h, dw, parameters):
    """Stands in for a transition that is not known and not needed."""
    return x
