"""Arithmetic on states: a float is a state of one dimension, a tuple of floats one of several.

The components of a tuple are scalars to the compiler, so that a step written once serves for both
and is inlined and vectorised over paths like one that was written for the number of dimensions. A
diffusion matrix is a tuple of rows.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

LANES = 64  # paths that a loop works on at once: enough for vector instructions, few for the cache


def _is_tuple(kind) -> bool:
    return isinstance(kind, types.BaseTuple)


def _leaves(kind) -> list:
    """The types of the numbers that a number, a tuple, or a tuple of tuples holds."""
    return [leaf for part in kind.types for leaf in _leaves(part)] if _is_tuple(kind) else [kind]


def _element(*kinds):
    """The type to compute in: float32 if any number is of that type, else float64.

    So a solver's literal numbers, and coefficients that a model computes in float64, do not take a
    path in single precision to double.
    """
    leaves = {leaf for kind in kinds for leaf in _leaves(kind)}
    return types.float32 if types.float32 in leaves else types.float64


def _mapped(element, *kinds):
    """The type of an operation's result; a number goes with every component of a tuple."""
    tuples = [kind for kind in kinds if _is_tuple(kind)]
    if not tuples:
        return element
    if len({kind.count for kind in tuples}) > 1:
        raise TypeError(f"states of different dimensions: {kinds}")
    count = tuples[0].count
    return types.Tuple([_mapped(element, *_across(kinds, k)) for k in range(count)])


def _across(kinds, k: int) -> list:
    return [kind.types[k] if _is_tuple(kind) else kind for kind in kinds]


def _map(context, builder, element, operation, kinds, values):
    """Apply an operation of the builder to numbers, and to tuples component by component."""
    tuples = [kind for kind in kinds if _is_tuple(kind)]
    if not tuples:
        converted = [
            context.cast(builder, value, types.unliteral(kind), element)
            for kind, value in zip(kinds, values, strict=True)
        ]
        return operation(*converted)
    parts = []
    for k in range(tuples[0].count):
        inner = [
            builder.extract_value(value, k) if _is_tuple(kind) else value
            for kind, value in zip(kinds, values, strict=True)
        ]
        parts.append(_map(context, builder, element, operation, _across(kinds, k), inner))
    return context.make_tuple(builder, _mapped(element, *kinds), parts)


def _componentwise(choose_operation, *kinds):
    """Signature and code of an operation on numbers and tuples."""
    element = _element(*kinds)

    def generate(context, builder, signature, args):
        return _map(context, builder, element, choose_operation(builder), kinds, args)

    return _mapped(element, *kinds)(*kinds), generate


@intrinsic
def as_floats(typing_context, x):
    """A number or tuple with all its numbers floats."""
    return _componentwise(lambda builder: lambda value: value, x)


@intrinsic
def borrow_row(typing_context, rows, i):
    """Row i of a C-contiguous matrix, for as long as the caller holds the matrix.

    ``rows[i]`` counts a reference, in an atomic operation that costs as much as some 20 numbers.
    """
    result = types.Array(rows.dtype, 1, "C")

    def generate(context, builder, signature, args):
        matrix = context.make_array(rows)(context, builder, args[0])
        width = builder.extract_value(matrix.shape, 1)
        row = context.make_array(result)(context, builder)
        populate_array(
            row,
            data=builder.gep(matrix.data, [builder.mul(args[1], width)], inbounds=True),
            shape=[width],
            strides=[builder.extract_value(matrix.strides, 1)],
            itemsize=matrix.itemsize,
            meminfo=None,
        )
        return row._getvalue()

    return result(rows, types.intp), generate


@intrinsic
def number_of(typing_context, buffer, x):
    """The number x in the type of the numbers of an array."""

    def generate(context, builder, signature, args):
        return context.cast(builder, args[1], types.unliteral(x), buffer.dtype)

    return buffer.dtype(buffer, x), generate


@intrinsic
def add(typing_context, x, y):
    """x + y, component by component."""
    return _componentwise(lambda builder: builder.fadd, x, y)


@intrinsic
def subtract(typing_context, x, y):
    """x - y, component by component."""
    return _componentwise(lambda builder: builder.fsub, x, y)


@intrinsic
def multiply(typing_context, x, y):
    """x y, component by component, or a number times each component."""
    return _componentwise(lambda builder: builder.fmul, x, y)


def _numbers(context, builder, kind, value, element) -> list:
    """The components of a tuple of numbers, or a number alone, converted to one type."""
    numbers = []
    _map(context, builder, element, lambda x: numbers.append(x) or x, [kind], [value])
    return numbers


def _dot(builder, x, y):
    products = [builder.fmul(*pair) for pair in zip(x, y, strict=True)]
    total = products[0]
    for product in products[1:]:
        total = builder.fadd(total, product)
    return total


@intrinsic
def dot(typing_context, x, y):
    """The sum over components of x y, from the first to the last; of two numbers the product."""
    element = _element(x, y)

    def generate(context, builder, signature, args):
        left = _numbers(context, builder, x, args[0], element)
        return _dot(builder, left, _numbers(context, builder, y, args[1], element))

    return element(x, y), generate


def _is_matrix(kind) -> bool:
    return _is_tuple(kind) and any(_is_tuple(row) for row in kind.types)


@intrinsic
def noise_term(typing_context, sigma, dw):
    """sigma dW: a number or a diagonal (a tuple) times dW, or a matrix times the vector dW."""
    if not _is_matrix(sigma):
        return _componentwise(lambda builder: builder.fmul, sigma, dw)
    element = _element(sigma, dw)
    result = types.UniTuple(element, sigma.count)

    def generate(context, builder, signature, args):
        noise = _numbers(context, builder, dw, args[1], element)
        values = []
        for k, row in enumerate(sigma.types):
            entries = builder.extract_value(args[0], k)
            values.append(_dot(builder, _numbers(context, builder, row, entries, element), noise))
        return context.make_tuple(builder, result, values)

    return result(sigma, dw), generate


@intrinsic
def drift_correction(typing_context, sigma, slope):
    """sigma times its derivative, for numbers and diagonals. Zero for a matrix, where a product of
    components says nothing: the shell lets no model through that would need it.
    """
    if not _is_matrix(sigma):
        return _componentwise(lambda builder: builder.fmul, sigma, slope)
    element = _element(sigma)
    zero = lambda context, builder, signature, args: context.get_constant(element, 0.0)  # noqa: E731
    return element(sigma, slope), zero


@intrinsic
def is_finite(typing_context, x):
    """Whether no component is infinite or nan."""
    element = _element(x)

    def generate(context, builder, signature, args):
        total = context.get_constant(element, 0.0)
        for number in _numbers(context, builder, x, args[0], element):
            total = builder.fadd(total, builder.fsub(number, number))
        return builder.fcmp_ordered("==", total, context.get_constant(element, 0.0))

    return types.boolean(x), generate


def _half(x, first: int):
    """Signature and code of the tuple of half the components, from number `first` on."""
    count = x.count // 2
    result = types.UniTuple(_element(x), count)

    def generate(context, builder, signature, args):
        numbers = _numbers(context, builder, x, args[0], _element(x))
        return context.make_tuple(builder, result, numbers[first : first + count])

    return result(x), generate


@intrinsic
def positions(typing_context, x):
    """The first half of the components."""
    return _half(x, 0)


@intrinsic
def momenta(typing_context, x):
    """The second half of the components."""
    return _half(x, x.count // 2)


@intrinsic
def newton_correction(typing_context, jacobian, h, residual):
    """The solution y of (I - h J) y = residual, by elimination without exchange of rows."""
    element = _element(jacobian, h, residual)
    result = _mapped(element, residual)

    def generate(context, builder, signature, args):
        y = _numbers(context, builder, residual, args[2], element)
        entries = _numbers(context, builder, jacobian, args[0], element)
        step = context.cast(builder, args[1], types.unliteral(h), element)
        d = len(y)
        one = context.get_constant(element, 1.0)
        rows = [[builder.fmul(step, entries[d * i + k]) for k in range(d)] for i in range(d)]
        rows = [
            [builder.fsub(one, v) if i == k else builder.fneg(v) for k, v in enumerate(row)]
            for i, row in enumerate(rows)
        ]
        minus = lambda a, factor, b: builder.fsub(a, builder.fmul(factor, b))  # noqa: E731
        for i in range(d):
            for below in range(i + 1, d):
                factor = builder.fdiv(rows[below][i], rows[i][i])
                for k in range(i, d):
                    rows[below][k] = minus(rows[below][k], factor, rows[i][k])
                y[below] = minus(y[below], factor, y[i])
        for i in reversed(range(d)):
            for k in range(i + 1, d):
                y[i] = minus(y[i], rows[i][k], y[k])
            y[i] = builder.fdiv(y[i], rows[i][i])
        return context.make_tuple(builder, result, y) if _is_tuple(result) else y[0]

    return result(jacobian, h, residual), generate


def _pointer(context, builder, lanes_type, lanes, row, lane):
    """Where row `row` of a buffer of rows of LANES numbers has its entry `lane`.

    All rows lie in one buffer, at distances that the compiler knows, so it sees that they do not
    overlap. With a buffer for each, a loop over lanes is not vectorised from three rows on.
    """
    data = context.make_array(lanes_type)(context, builder, lanes).data
    shifted = builder.gep(data, [ir.Constant(ir.IntType(64), row * LANES)], inbounds=True)
    return builder.gep(shifted, [lane], inbounds=True)


@intrinsic
def load(typing_context, lanes, before, like, lane):
    """What entry `lane` of the rows holds, built like `like`, after the rows that `before` takes.

    Of `before` and `like` only the types count.
    """
    result = _mapped(lanes.dtype, like)

    def generate(context, builder, signature, args):
        rows = iter(range(len(_leaves(before)), len(_leaves(before)) + len(_leaves(like))))

        def read(kind):
            if _is_tuple(kind):
                return context.make_tuple(builder, kind, [read(part) for part in kind.types])
            return builder.load(_pointer(context, builder, lanes, args[0], next(rows), args[3]))

        return read(result)

    return result(lanes, before, like, types.intp), generate


@intrinsic
def store(typing_context, lanes, before, lane, value):
    """Write a number or tuple into entry `lane` of the rows after those that `before` takes."""

    def generate(context, builder, signature, args):
        first = len(_leaves(before))
        for k, number in enumerate(_numbers(context, builder, value, args[3], lanes.dtype)):
            builder.store(number, _pointer(context, builder, lanes, args[0], first + k, args[2]))
        return context.get_dummy_value()

    return types.void(lanes, before, types.intp, value), generate
