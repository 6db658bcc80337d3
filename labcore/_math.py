"""Elementary functions for compiled loops: vectorisable, and the same bits on every machine.

libm's ``exp``, ``log`` and ``cos`` are calls that stop a loop from being vectorised, and they
differ in the last bit from one platform to the next. These use only IEEE operations in a fixed
order, so that a random stream gives the same numbers on any processor and in WebAssembly.
"""

import math

from llvmlite import ir
from numba import int64, types, uint64
from numba.extending import intrinsic

from labcore._compile import compiled

_LOG2_E = 1.4426950408889634
_LN2_HIGH = 6.93147180369123816490e-01  # ln 2 with 21 low bits zero: k * _LN2_HIGH is exact
_LN2_LOW = 1.90821492927058770002e-10
_SQRT_HALF_BITS = 0x3FE6A09E667F3BCD  # bits of sqrt(1/2)
_EXP_LOWEST = -708.0  # below, exp would be subnormal
_EXP_HIGHEST = 709.0
_ROUND = 1.5 * 2.0**52  # added to a smaller number it leaves that rounded to an integer


@intrinsic
def float_from_bits(typing_context, bits):
    """The double whose IEEE 754 representation is the 64-bit integer `bits`."""
    signature = types.float64(bits)
    return signature, lambda context, builder, sig, args: builder.bitcast(args[0], ir.DoubleType())


@intrinsic
def bits_from_float(typing_context, x):
    """The IEEE 754 representation of the double `x`, as a signed 64-bit integer."""
    signature = types.int64(types.float64)
    return signature, lambda context, builder, sig, args: builder.bitcast(args[0], ir.IntType(64))


@compiled(inline=True)
def exp(x):
    """exp(x) to about 1e-16 relative (Cody-Waite reduction, Cephes' rational approximation).

    The result is 0 for x < -708, where the true value is below 3.4e-308, inf for x > 709 and nan
    for nan.
    """
    y = min(max(x, _EXP_LOWEST), _EXP_HIGHEST)
    k = math.floor(y * _LOG2_E + 0.5)
    r = (y - k * _LN2_HIGH) - k * _LN2_LOW
    z = r * r
    p = r * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 1.0)
    q = (
        (3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z + 2.27265548208155028766e-1
    ) * z + 2.0
    mantissa = 1.0 + 2.0 * p / (q - p)
    value = mantissa * float_from_bits((int64(k) + int64(1023)) << int64(52))
    if x < _EXP_LOWEST:
        value = 0.0
    if x > _EXP_HIGHEST:
        value = math.inf
    if x != x:
        value = x
    return value


@compiled(inline=True)
def exp_of_negative(x):
    """exp(x) for x <= 0: as accurate as `exp`, and a quarter faster. 0 for x < -708."""
    y = max(x, _EXP_LOWEST)
    shifted = y * _LOG2_E + _ROUND  # its last bits are the integer nearest to y / ln 2
    k = shifted - _ROUND
    r = (y - k * _LN2_HIGH) - k * _LN2_LOW
    z = r * r
    p = r * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 1.0)
    q = (
        (3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z + 2.27265548208155028766e-1
    ) * z + 2.0
    mantissa = 1.0 + 2.0 * p / (q - p)
    power = float_from_bits((bits_from_float(shifted) + int64(1023)) << int64(52))
    return mantissa * power if x >= _EXP_LOWEST else 0.0


@compiled(inline=True)
def log(x):
    """log(x) for positive, finite, normal x, to about 2e-16 (reduction and series of fdlibm)."""
    bits = bits_from_float(x)
    k = (bits - int64(_SQRT_HALF_BITS)) >> int64(52)
    f = float_from_bits(bits - (k << int64(52))) - 1.0  # x = 2^k (1 + f), sqrt(1/2) <= 1 + f
    s = f / (2.0 + f)
    z = s * s
    r = 2.222219843214978396e-01 + z * (
        1.818357216161805012e-01 + z * (1.531383769920937332e-01 + z * 1.479819860511658591e-01)
    )
    r = z * (
        6.666666666666735130e-01
        + z * (3.999999999940941908e-01 + z * (2.857142874366239149e-01 + z * r))
    )
    half_square = 0.5 * f * f
    return k * _LN2_HIGH - ((half_square - (s * (half_square + r) + k * _LN2_LOW)) - f)


@compiled(inline=True)
def sin_cos_2pi(turns):
    """(sin, cos) of 2 pi `turns` for |turns| < 2^30, to about 2e-16 (Cephes' polynomials)."""
    quarter = math.floor(4.0 * turns + 0.5)
    x = 2.0 * math.pi * (turns - 0.25 * quarter)  # |x| <= pi / 4
    z = x * x
    s = (1.58962301576546568060e-10 * z - 2.50507477628578072866e-8) * z
    s = ((s + 2.75573136213857245213e-6) * z - 1.98412698295895385996e-4) * z
    s = ((s + 8.33333333332211858878e-3) * z - 1.66666666666666307295e-1) * z
    s = s * x + x
    c = (-1.13585365213876817300e-11 * z + 2.08757008419747316778e-9) * z
    c = ((c - 2.75573141792967388112e-7) * z + 2.48015872888517045348e-5) * z
    c = ((c - 1.38888888888730564116e-3) * z + 4.16666666666665929218e-2) * z
    c = 1.0 - 0.5 * z + z * c
    q = uint64(int64(quarter)) & uint64(3)
    odd = (q & uint64(1)) == uint64(1)
    sine = c if odd else s
    cosine = s if odd else c
    if q >= uint64(2):
        sine = -sine
    if q == uint64(1) or q == uint64(2):
        cosine = -cosine
    return sine, cosine


@compiled(inline=True)
def expm1(x):
    """exp(x) - 1 to about 3e-16 relative, also near zero (the rational function of `exp`)."""
    z = x * x
    p = x * ((1.26177193074810590878e-4 * z + 3.02994407707441961300e-2) * z + 1.0)
    q = (
        (3.00198505138664455042e-6 * z + 2.52448340349684104192e-3) * z + 2.27265548208155028766e-1
    ) * z + 2.0
    near_zero = 2.0 * p / (q - p)
    far = exp(x) - 1.0
    return near_zero if abs(x) < 0.34 else far


@compiled(inline=True)
def atan(x):
    """The angle in (-pi/2, pi/2) whose tangent is x, to about 2e-16 (Cephes' rational function)."""
    y = abs(x)
    steep = y > 2.414213562373095  # tan(3 pi / 8)
    middle = y > 0.66
    reduced = (y - 1.0) / (y + 1.0) if middle else y
    reduced = -1.0 / y if steep else reduced
    offset = 0.25 * math.pi if middle else 0.0
    offset = 0.5 * math.pi if steep else offset
    correction = 3.061616997868383e-17 if middle else 0.0  # what a double of pi / 4 lacks
    correction = 6.123233995736766e-17 if steep else correction
    z = reduced * reduced
    p = (
        -8.750608600031904122785e-1 * z - 1.615753718733365076637e1
    ) * z - 7.500855792314704667340e1
    p = (p * z - 1.228866684490136173410e2) * z - 6.485021904942025371773e1
    q = (z + 2.485846490142306297962e1) * z + 1.650270098316988542046e2
    q = ((q * z + 4.328810604912902668951e2) * z + 4.853903996359136964868e2) * z
    q = q + 1.945506571482613964425e2
    angle = offset + (reduced + reduced * z * p / q + correction)
    return -angle if x < 0.0 else angle


@compiled(inline=True)
def squared_length(x):
    """The sum of the squares of x. Four sums in one fixed order, for vector instructions."""
    n = x.size
    a = b = c = d = 0.0
    for i in range(0, n - 3, 4):
        a += x[i] * x[i]
        b += x[i + 1] * x[i + 1]
        c += x[i + 2] * x[i + 2]
        d += x[i + 3] * x[i + 3]
    for i in range(n - n % 4, n):
        a += x[i] * x[i]
    return (a + b) + (c + d)
