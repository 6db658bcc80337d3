r"""The algebra of positive-definite kernels: sums, products, powers, multiples and warped inputs.

The operations that keep positive definiteness are the operators: ``2 * k1 + k2 * k3 ** 2``.
A number stands for the constant kernel, so ``k + 1`` adds an unknown level to a model.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np

from labcore import _validate as validate
from labcore.kernels.kernel import Kernel


def as_kernel(value: Kernel | float) -> Kernel:
    """`value` if it is a kernel, the constant kernel if it is a number."""
    return value if isinstance(value, Kernel) else Constant(value)


@dataclass(frozen=True)
class Constant(Kernel):
    """k(x, y) = value: functions that are constant, with an unknown level.

    Examples
    --------
    >>> from labcore.kernels import Constant
    >>> Constant(2.0)([0.0, 1.0])
    array([[2., 2.],
           [2., 2.]])
    """

    value: float
    _tunable = ("value",)

    def __post_init__(self):
        object.__setattr__(self, "value", validate.positive("value", self.value))

    def _tile(self, x, y):
        def tile(rows, first, out, left, count):
            out[: rows.stop - rows.start, left : left + count] = self.value

        return tile

    def _diagonal(self, x):
        return np.full(len(x), self.value)

    def _gradients(self, x):
        gram = self(x)
        return gram, [gram]

    def _slope(self, x, y):
        return np.zeros((len(x), *y.shape))

    def _frequencies(self, z, choice, mixing):
        return np.zeros_like(z)

    def __str__(self):
        return f"{self.value:.3g}"


class _Composed(Kernel):
    """A kernel made of kernels: its parameters are its own and then those of its parts in order."""

    @property
    def parts(self) -> list[str]:
        return [f.name for f in fields(self) if isinstance(getattr(self, f.name), Kernel)]

    @property
    def parameters(self) -> np.ndarray:
        own = super().parameters
        return np.concatenate([own, *(getattr(self, name).parameters for name in self.parts)])

    def _rebuilt(self, values):
        changed = super()._rebuilt(values)
        start = len(super().parameters)
        for name in self.parts:
            part = getattr(self, name)
            stop = start + len(part.parameters)
            changed = replace(changed, **{name: part._rebuilt(values[start:stop])})
            start = stop
        return changed

    def _check(self, name, points):
        for part in self.parts:
            getattr(self, part)._check(name, points)


@dataclass(frozen=True)
class Sum(_Composed):
    """k(x, y) = left(x, y) + right(x, y): a sum of independent functions.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> (Gaussian() + 1)([0.0], [0.0])
    array([[2.]])
    """

    left: Kernel
    right: Kernel

    def _tile(self, x, y):
        return _both(self.left._tile(x, y), self.right._tile(x, y), np.add)

    def _diagonal(self, x):
        return self.left._diagonal(x) + self.right._diagonal(x)

    def _gradients(self, x):
        left, of_left = self.left._gradients(x)
        right, of_right = self.right._gradients(x)
        return left + right, of_left + of_right

    def _slope(self, x, y):
        return self.left._slope(x, y) + self.right._slope(x, y)

    def _spectral_density(self, omega):
        return self.left._spectral_density(omega) + self.right._spectral_density(omega)

    def _frequencies(self, z, choice, mixing):
        """A mixture: each frequency is of one part, and what is left of its choice is uniform."""
        origin = np.zeros((1, z.shape[1]))
        of_left, of_right = self.left._diagonal(origin)[0], self.right._diagonal(origin)[0]
        share = of_left / (of_left + of_right)
        left = self.left._frequencies(z, choice / share, mixing)
        right = self.right._frequencies(z, (choice - share) / (1 - share), mixing)
        return np.where((choice < share)[:, None], left, right)

    def __str__(self):
        return f"{self.left} + {self.right}"


@dataclass(frozen=True)
class Product(_Composed):
    """k(x, y) = left(x, y) right(x, y): positive definite by Schur's product theorem.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> (Gaussian(1.0) * Gaussian(1.0))([0.0], [1.0]).round(4)  # exp(-1/2) squared
    array([[0.3679]])
    """

    left: Kernel
    right: Kernel

    def _tile(self, x, y):
        return _both(self.left._tile(x, y), self.right._tile(x, y), np.multiply)

    def _diagonal(self, x):
        return self.left._diagonal(x) * self.right._diagonal(x)

    def _gradients(self, x):
        left, of_left = self.left._gradients(x)
        right, of_right = self.right._gradients(x)
        return left * right, [g * right for g in of_left] + [left * g for g in of_right]

    def _slope(self, x, y):
        left, right = self.left(x, y)[..., None], self.right(x, y)[..., None]
        return self.left._slope(x, y) * right + left * self.right._slope(x, y)

    def __str__(self):
        return f"{_factor(self.left)} * {_factor(self.right)}"


@dataclass(frozen=True)
class Scaled(_Composed):
    """k(x, y) = factor kernel(x, y), with a positive factor: the variance of the function.

    Examples
    --------
    >>> from labcore.kernels import Gaussian
    >>> (4 * Gaussian()).diagonal([0.0, 1.0])
    array([4., 4.])
    """

    factor: float
    kernel: Kernel
    _tunable = ("factor",)

    def __post_init__(self):
        object.__setattr__(self, "factor", validate.positive("factor", self.factor))

    def _tile(self, x, y):
        return _then(self.kernel._tile(x, y), np.multiply, self.factor)

    def _diagonal(self, x):
        return self.factor * self.kernel._diagonal(x)

    def _gradients(self, x):
        gram, gradients = self.kernel._gradients(x)
        gram *= self.factor
        return gram, [gram, *(self.factor * g for g in gradients)]

    def _slope(self, x, y):
        return self.factor * self.kernel._slope(x, y)

    def _spectral_density(self, omega):
        return self.factor * self.kernel._spectral_density(omega)

    def _frequencies(self, z, choice, mixing):
        return self.kernel._frequencies(z, choice, mixing)

    def __str__(self):
        return f"{self.factor:.3g} * {_factor(self.kernel)}"


@dataclass(frozen=True)
class Power(_Composed):
    """k(x, y) = kernel(x, y)^exponent for a positive integer exponent: a product of copies.

    Examples
    --------
    >>> from labcore.kernels import Polynomial
    >>> print((Polynomial(1) + 1) ** 2)
    (Polynomial(1, 1) + 1) ** 2
    """

    kernel: Kernel
    exponent: int

    def __post_init__(self):
        object.__setattr__(self, "exponent", validate.integer("exponent", self.exponent, 1))

    def _tile(self, x, y):
        return _then(self.kernel._tile(x, y), np.power, self.exponent)

    def _diagonal(self, x):
        return self.kernel._diagonal(x) ** self.exponent

    def _gradients(self, x):
        gram, gradients = self.kernel._gradients(x)
        slope = self.exponent * gram ** (self.exponent - 1)
        return gram**self.exponent, [slope * g for g in gradients]

    def _slope(self, x, y):
        outer = self.exponent * self.kernel(x, y) ** (self.exponent - 1)
        return outer[..., None] * self.kernel._slope(x, y)

    def __str__(self):
        return f"{_factor(self.kernel)} ** {self.exponent}"


@dataclass(frozen=True)
class Warped(_Composed):
    r"""The kernel of mapped inputs, k(x, y) = kernel(map(x), map(y)).

    Positive definite for any map. With a map into a higher dimension it is how to restrict a kernel
    to a circle or a sphere; with a monotone map of the line it makes a stationary kernel vary
    faster in some places than in others; ``lambda x: x[:, [0, 2]]`` selects coordinates.

    Parameters
    ----------
    kernel : Kernel
    map : callable
        From an (n, d) array of points to an (n, q) array. Applied once to each set of points.
    jacobian : callable, optional
        The derivative of the map, from (n, d) to (n, q, d). Only `gradient` needs it.

    Raises
    ------
    ValueError
        When called, if the map's result is not one finite row for each point.

    Notes
    -----
    The map's own parameters are not tunable.

    References
    ----------
    J. Snoek, K. Swersky, R. Zemel, R. Adams, "Input warping for Bayesian optimization of
    non-stationary functions", ICML 2014.

    Examples
    --------
    The periodic kernel is the Gaussian kernel on a circle:

    >>> from labcore.kernels import Gaussian, Periodic
    >>> circle = lambda t: np.column_stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)])
    >>> Warped(Gaussian(0.7), circle)([0.0], [0.3, 1.0]).round(4)
    array([[0.0692, 1.    ]])
    >>> Periodic(0.7)([0.0], [0.3, 1.0]).round(4)
    array([[0.0692, 1.    ]])
    """

    kernel: Kernel
    map: Callable[[np.ndarray], np.ndarray]
    jacobian: Callable[[np.ndarray], np.ndarray] | None = None

    def _mapped(self, points: np.ndarray) -> np.ndarray:
        mapped = validate.array("map(x)", self.map(points), (1, 2))
        if len(mapped) != len(points):
            raise ValueError(f"map must give {len(points)} rows, got shape {mapped.shape}")
        return mapped if mapped.ndim == 2 else mapped[:, None]

    def _check(self, name, points):
        self.kernel._check(f"map({name})", self._mapped(points))

    def _tile(self, x, y):
        return self.kernel._tile(self._mapped(x), self._mapped(y))

    def _diagonal(self, x):
        return self.kernel._diagonal(self._mapped(x))

    def _gradients(self, x):
        return self.kernel._gradients(self._mapped(x))

    def _slope(self, x, y):
        if self.jacobian is None:
            raise TypeError(f"{self} has no gradient: it was made without the map's jacobian")
        outer = self.kernel._slope(self._mapped(x), self._mapped(y))
        jacobian = validate.array("jacobian(x)", self.jacobian(x), 3)
        expected = (len(x), outer.shape[2], x.shape[1])
        if jacobian.shape != expected:
            raise ValueError(f"jacobian must give shape {expected}, got {jacobian.shape}")
        return outer @ jacobian

    def __str__(self):
        return f"Warped({self.kernel}, {getattr(self.map, '__name__', self.map)})"


def _both(left, right, operation):
    """The tile of an operation on the values of two kernels."""

    def tile(rows, first, out, to, count):
        left(rows, first, out, to, count)
        other = np.empty((rows.stop - rows.start, count))
        right(rows, first, other, 0, count)
        result = out[: len(other), to : to + count]
        operation(result, other, out=result)

    return tile


def _then(inner, operation, number):
    """The tile of an operation on the values of a kernel and a number."""

    def tile(rows, first, out, left, count):
        inner(rows, first, out, left, count)
        result = out[: rows.stop - rows.start, left : left + count]
        operation(result, number, out=result)

    return tile


def _factor(kernel: Kernel) -> str:
    return f"({kernel})" if isinstance(kernel, Sum) else str(kernel)
