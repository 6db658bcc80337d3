"""Checks of weights: what the subject calls a measure is points with these."""

import numpy as np

from labcore import _validate as validate

_SAME_MASS = 1e-9  # relative: what the sums of weights may differ by


def weights(name: str, value: np.ndarray | None, n: int) -> np.ndarray:
    """n weights that are not negative and not all zero; 1/n each for None."""
    if n == 0:
        raise ValueError(f"{name} must weigh at least one point, got none")
    if value is None:
        return np.full(n, 1.0 / n)
    value = validate.array(name, value, 1)
    if len(value) != n:
        raise ValueError(f"{name} must hold {n} weights, one for each point, got {len(value)}")
    if value.min() < 0.0:
        raise ValueError(f"{name} must not be negative, got {value.min():g}")
    if not value.sum() > 0.0:
        raise ValueError(f"{name} must not be all zero")
    return value


def equal_masses(a: np.ndarray, b: np.ndarray, advice: str = "scale one of them") -> None:
    """Raise ValueError unless a and b have one sum."""
    first, second = a.sum(), b.sum()
    if abs(first - second) > _SAME_MASS * first:
        raise ValueError(
            f"a and b must have the same sum, got {first:.10g} and {second:.10g}: {advice}"
        )
