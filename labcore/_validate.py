"""Checks that public functions share: an error names the argument, what was got and expected."""

import math
from collections.abc import Sequence

import numpy as np


def positive(name: str, value: float) -> float:
    """`value` as a float, if it is positive and finite."""
    value = real(name, value)
    if value <= 0.0:
        raise ValueError(f"{name} must be positive, got {value:g}")
    return value


def positive_numbers(name: str, value: float | Sequence[float]) -> float | tuple[float, ...]:
    """`value` as a float, or as a tuple of floats if it is a sequence; all positive and finite."""
    if np.ndim(value) == 0:
        return positive(name, value)
    if np.ndim(value) > 1 or len(value) == 0:
        raise ValueError(f"{name} must be a number or a sequence of numbers, got {value!r}")
    return tuple(positive(f"{name}[{i}]", v) for i, v in enumerate(value))


def non_negative(name: str, value: float) -> float:
    """`value` as a float, if it is at least zero and finite."""
    value = real(name, value)
    if value < 0.0:
        raise ValueError(f"{name} must not be negative, got {value:g}")
    return value


def real(name: str, value: float) -> float:
    """`value` as a float, if it is a finite real number."""
    try:
        value = float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be a real number, got {value!r}") from None
    if not math.isfinite(value):
        raise ValueError(f"{name} must be finite, got {value}")
    return value


def integer(name: str, value: int, least: int = 0) -> int:
    """`value` as an int, if it is an integer of at least `least`."""
    if isinstance(value, bool | np.bool_) or not isinstance(value, int | np.integer):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
    return int(value)


def array(name: str, value, ndim: int | tuple[int, ...]) -> np.ndarray:
    """`value` as a C-contiguous float64 array of `ndim` dimensions without nan or inf."""
    try:
        result = np.ascontiguousarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise TypeError(f"{name} must be an array of real numbers, got {type(value)}") from None
    result = result.reshape(np.shape(value))  # ascontiguousarray makes a scalar one-dimensional
    allowed = (ndim,) if isinstance(ndim, int) else ndim
    if result.ndim not in allowed:
        expected = " or ".join(str(n) for n in allowed)
        raise ValueError(f"{name} must have {expected} dimensions, got shape {result.shape}")
    if not np.isfinite(result).all():
        where = np.argwhere(~np.isfinite(result))[0]
        raise ValueError(f"{name} must be finite, got {result[tuple(where)]} at {where.tolist()}")
    return result


def points(name: str, value) -> np.ndarray:
    """Points as an (n, d) array: a one-dimensional array is n points on the line."""
    result = array(name, value, (1, 2))
    return result.reshape(-1, 1) if result.ndim == 1 else result


def output(out: np.ndarray | None, shape: tuple[int, ...]) -> np.ndarray:
    """`out`, if results of that shape can be written into it as they are; a new array for None."""
    if out is None:
        return np.empty(shape)
    if not isinstance(out, np.ndarray):
        raise TypeError(f"out must be a numpy.ndarray, got {type(out)}")
    if out.shape != shape or out.dtype != np.float64 or not out.flags.carray:
        order = "C-ordered" if out.flags.carray else "other"
        got = f"{order} {out.dtype} of shape {out.shape}"
        raise ValueError(f"out must be a C-ordered float64 array of shape {shape}, got {got}")
    return out
