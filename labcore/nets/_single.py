"""exp and its kin for networks in single and in double precision, by the type of the argument.

The double versions are those of `labcore._math`. The single ones are as theirs made of IEEE
operations in a fixed order: the same bits on every machine, and vectorised.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from labcore import _math
from labcore._compile import compiled

# Numbers that single and double precision share: with them an expression keeps its argument's type.
ONE = np.float32(1.0)
TWO = np.float32(2.0)

_LOG2_E = np.float32(1.44269504)
_LN2_HIGH = np.float32(0.693359375)  # ten bits: k * _LN2_HIGH is exact
_LN2_LOW = np.float32(-2.12194440e-4)
_ROUND = np.float32(1.5 * 2.0**23)  # added to a smaller number it leaves that rounded to an integer
_LOWEST = np.float32(-87.0)  # beyond these the power of two is no normal number
_HIGHEST = np.float32(88.0)
_LARGE = 700.0
# exp(r) - 1 = r + r^2 (c0 + c1 r + ...) on |r| < ln(2) / 2, fitted for the least largest error
_C0 = np.float32(0.5)
_C1 = np.float32(0.16666538)
_C2 = np.float32(0.04166644)
_C3 = np.float32(0.008367293)
_C4 = np.float32(0.0013937365)


@intrinsic
def _power_of_two(typing_context, shifted):
    """2^k of a single number `shifted` = k + _ROUND: its last bits are k."""

    def generate(context, builder, signature, arguments):
        i32 = ir.IntType(32)
        bits = builder.bitcast(arguments[0], i32)
        return builder.bitcast(builder.shl(builder.add(bits, i32(127)), i32(23)), ir.FloatType())

    return types.float32(types.float32), generate


@compiled(inline=True)
def _reduced(x):
    """2^k and exp(r) - 1, with x = k ln 2 + r. Beyond -87 and 88 as there."""
    y = min(max(x, _LOWEST), _HIGHEST)
    shifted = y * _LOG2_E + _ROUND
    k = shifted - _ROUND
    r = (y - k * _LN2_HIGH) - k * _LN2_LOW
    p = (((_C4 * r + _C3) * r + _C2) * r + _C1) * r + _C0
    return _power_of_two(shifted), r + r * r * p


@compiled(inline=True)
def exp_single(x):
    """exp(x) to 1e-7 relative; below -87 and above 88 as there."""
    power, rest = _reduced(x)
    return power + power * rest


@compiled(inline=True)
def expm1_single(x):
    """exp(x) - 1 to 2e-7 relative, also near zero; above 88 as there."""
    power, rest = _reduced(x)
    return power * rest + (power - ONE)


@compiled(inline=True)
def _exp_double(x):
    return _math.exp(min(x, _LARGE))


@compiled(inline=True)
def _expm1_double(x):
    return _math.expm1(min(x, _LARGE))


def exp(x):
    """exp(x) in the precision of x; finite however large x is."""


def expm1(x):
    """exp(x) - 1 in the precision of x; finite however large x is."""


@overload(exp, inline="always")
def _exp(x):
    f = exp_single if x == types.float32 else _exp_double
    return lambda x: f(x)


@overload(expm1, inline="always")
def _expm1(x):
    f = expm1_single if x == types.float32 else _expm1_double
    return lambda x: f(x)
