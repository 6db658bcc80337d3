"""The dot product of a row of a matrix and a vector, as fast as it can be read.

A loop over one sum waits for each addition, and lanes that are elements of an array go through
memory. Here 32 sums stay in the processor's registers, in one fixed order: 32 columns apart.
"""

from llvmlite import ir
from numba import uint64
from numba.core import cgutils
from numba.extending import intrinsic

from labcore._compile import compiled

_LANES = 32  # four registers of eight doubles


@intrinsic
def _leading_dot(typing_context, matrix, i, v, chunks):
    """The sum over the first 32 * chunks columns j of matrix[i, j] * v[j], for a C-ordered one."""

    def generate(context, builder, signature, arguments):
        matrix_type, _, v_type, _ = signature.args
        rows, row, vector, count = arguments
        rows = context.make_array(matrix_type)(context, builder, rows)
        vector = context.make_array(v_type)(context, builder, vector)
        number = context.get_data_type(matrix_type.dtype)
        lanes = ir.VectorType(number, _LANES)
        width = builder.extract_value(rows.shape, 1)
        start = builder.gep(rows.data, [builder.mul(row, width)], source_etype=number)
        sums = cgutils.alloca_once_value(builder, ir.Constant(lanes, None))
        step = ir.Constant(count.type, _LANES)
        with cgutils.for_range(builder, count, intp=count.type) as loop:
            offset = builder.mul(loop.index, step)
            parts = []
            for data in (start, vector.data):
                pointer = builder.gep(data, [offset], source_etype=number)
                pointer = builder.bitcast(pointer, lanes.as_pointer())
                parts.append(builder.load(pointer, align=matrix_type.dtype.bitwidth // 8))
            product = builder.fmul(*parts)
            builder.store(builder.fadd(builder.load(sums), product), sums)
        total = builder.load(sums)
        half = _LANES // 2
        while half:
            integers = ir.VectorType(ir.IntType(32), half)
            low = ir.Constant(integers, list(range(half)))
            high = ir.Constant(integers, list(range(half, 2 * half)))
            nothing = ir.Constant(total.type, ir.Undefined)
            total = builder.fadd(
                builder.shuffle_vector(total, nothing, low),
                builder.shuffle_vector(total, nothing, high),
            )
            half //= 2
        return builder.extract_element(total, ir.Constant(ir.IntType(32), 0))

    return matrix.dtype(matrix, i, v, chunks), generate


@compiled(inline=True)
def row_dot(matrix, i, v):
    """The sum over j of matrix[i, j] * v[j], for a C-ordered matrix; i is an unsigned integer."""
    chunks = uint64(v.size) // uint64(_LANES)
    total = _leading_dot(matrix, i, v, chunks)
    for j in range(chunks * uint64(_LANES), uint64(v.size)):
        total += matrix[i, j] * v[j]
    return total
