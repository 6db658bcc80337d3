r"""Standard normal draws of single precision, four to each block of random bits.

Box-Muller, :math:`\sqrt{-2 \log u}\,(\cos\varphi, \sin\varphi)`, in float32 throughout. The words
are those of Philox4x32-10 as in `labcore.random.streams`, at addresses that no draw of double
precision uses. As u is a multiple of :math:`2^{-24}`, the largest value that can come out is 5.77,
where a normal variable lies beyond once in 10^8 draws, and values differ from those for the exact
logarithm and sine by less than :math:`10^{-6}`.
"""

import math

import numpy as np
from llvmlite import ir
from numba import float32, int32, types, uint32, uint64
from numba.extending import intrinsic

from labcore._compile import compiled
from labcore.random import philox4x32

_LOW = np.uint64(0xFFFFFFFF)
_SINGLE = np.uint64(1 << 30)  # in the counter's second word: blocks from 2^62 on
_ONE_BITS = np.uint32(0x3F800000)  # of the float32 1.0
_SQRT_HALF_BITS = np.uint32(0x3F3504F3)
_MANTISSA = np.uint32(0x007FFFFF)
_HALF_STEP = np.float32(2.0**-24)
_EIGHTH_TURN = np.float32(math.pi / 4 * 2.0**-31)
_LN2 = np.float32(math.log(2.0))
_ONE, _TWO, _HALF = np.float32(1.0), np.float32(2.0), np.float32(0.5)
# Cephes' polynomials: log(1 + f) = f - f^2 / 2 + f^3 L(f), and sine and cosine up to pi / 4.
_L0, _L1, _L2 = (
    np.float32(7.0376836292e-2),
    np.float32(-1.1514610310e-1),
    np.float32(1.1676998740e-1),
)
_L3, _L4, _L5 = (
    np.float32(-1.2420140846e-1),
    np.float32(1.4249322787e-1),
    np.float32(-1.6668057665e-1),
)
_L6, _L7, _L8 = (
    np.float32(2.0000714765e-1),
    np.float32(-2.4999993993e-1),
    np.float32(3.3333331174e-1),
)
_S0, _S1, _S2 = (
    np.float32(-1.9515295891e-4),
    np.float32(8.3321608736e-3),
    np.float32(-1.6666654611e-1),
)
_C0, _C1, _C2 = (
    np.float32(2.443315711809948e-5),
    np.float32(-1.388731625493765e-3),
    np.float32(4.166664568298827e-2),
)


@intrinsic
def _float_from_word(typing_context, word):
    """The float32 whose IEEE 754 representation is the 32-bit integer `word`."""
    signature = types.float32(types.uint32)
    return signature, lambda context, builder, sig, args: builder.bitcast(args[0], ir.FloatType())


@intrinsic
def _word_from_float(typing_context, x):
    """The IEEE 754 representation of the float32 `x`."""
    signature = types.uint32(types.float32)
    return signature, lambda context, builder, sig, args: builder.bitcast(args[0], ir.IntType(32))


@compiled(inline=True)
def _log(x):
    """log(x) for positive, finite, normal x in float32."""
    shifted = uint32(_word_from_float(x) - _SQRT_HALF_BITS)
    k = float32(int32(shifted) >> int32(23))
    f = _float_from_word(uint32((shifted & _MANTISSA) + _SQRT_HALF_BITS)) - _ONE
    z = f * f
    p = (_L0 * f + _L1) * f + _L2
    p = ((p * f + _L3) * f + _L4) * f + _L5
    p = ((p * f + _L6) * f + _L7) * f + _L8
    return f + (p * f * z - _HALF * z) + k * _LN2


@compiled(inline=True)
def _polar(a, b):
    """Two normal draws from two random words."""
    u = _float_from_word(uint32((uint32(a) >> uint32(9)) | _ONE_BITS)) - (_ONE - _HALF_STEP)
    radius = math.sqrt(-_TWO * _log(u))
    word = uint32(b)
    # Two bits choose the quarter of the circle, and the others the angle from its middle.
    x = float32(int32(uint32(word << uint32(2)))) * _EIGHTH_TURN
    z = x * x
    s = ((_S0 * z + _S1) * z + _S2) * z * x + x
    c = ((_C0 * z + _C1) * z + _C2) * z * z - _HALF * z + _ONE
    across = (word & uint32(0x40000000)) != uint32(0)
    radius = -radius if (word & uint32(0x80000000)) != uint32(0) else radius
    return radius * (s if across else c), radius * (c if across else s)


@compiled(inline=True)
def single_normals(seed, stream, block):
    """Draws 4 `block`, ..., 4 `block` + 3 of a stream, for block < 2^62."""
    seed, stream, block = uint64(seed), uint64(stream), uint64(block)
    r0, r1, r2, r3 = philox4x32(
        block & _LOW,
        (block >> uint64(32)) | _SINGLE,
        stream & _LOW,
        stream >> uint64(32),
        seed & _LOW,
        seed >> uint64(32),
    )
    a, b = _polar(r0, r1)
    c, d = _polar(r2, r3)
    return a, b, c, d
