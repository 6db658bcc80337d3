"""What the methods for a state of one dimension ask of a model, a solver and a start."""

import numpy as np

from labcore.sde.model import Coefficients, Model, Solver, coefficients_of
from labcore.sde.solve import starts_of


def scalar_coefficients(model: Model, solver: Solver, t_end: float) -> Coefficients:
    """What a loop needs of a model whose state is a number, up to time `t_end`."""
    if model.dimension is not None:
        raise ValueError(
            f"model must have a state that is a number; that of the {model.name} has "
            f"{model.dimension} components"
        )
    if solver.noise != "increments":
        raise ValueError(
            f"solver must be driven by the increments of the noise; {solver.name} needs its "
            f"{solver.noise}"
        )
    if t_end > model.horizon:
        raise ValueError(
            f"t_end must be at most {model.horizon:g}, up to where the {model.name} is defined, "
            f"got {t_end:g}"
        )
    return coefficients_of(model, solver)


def scalar_starts(x0: float | np.ndarray, n_paths: int) -> np.ndarray:
    """`x0` as an array of shape (n_paths,), if it is a number or that."""
    return starts_of(x0, n_paths, None)[:, 0].copy()
