r"""Positive-definite kernels and their algebra: sums, products, powers and positive multiples.

The operations that keep positive definiteness are the operators: ``2 * k1 + k2 * k3 ** 2``.
A number stands for the constant kernel, so ``k + 1`` adds an unknown level to a model.
"""

from dataclasses import dataclass, fields, replace

import numpy as np

from labcore import _validate as validate
from labcore.kernels._spectrum import spectral_draws


class Kernel:
    """A positive-definite kernel: a symmetric function k(x, y) whose Gram matrices are positive.

    A kernel is a frozen dataclass. It implements ``_fill`` and ``_diagonal``, and names in
    ``_tunable`` those of its fields that a fit may change, all of them positive numbers; if there
    are any, it implements ``_gradients``.
    """

    _tunable: tuple[str, ...] = ()

    def __call__(
        self, x: np.ndarray, y: np.ndarray | None = None, out: np.ndarray | None = None
    ) -> np.ndarray:
        """The Gram matrix K_ij = k(x_i, y_j); without `y`, the symmetric one of `x` with itself.

        Parameters
        ----------
        x : array_like, shape (n, d) or (n,)
            Points; a one-dimensional array is n points on the line.
        y : array_like, shape (m, d) or (m,), optional
            Other points. Without them half of the entries are computed and mirrored.
        out : numpy.ndarray of float64, shape (n, m), optional
            Where to write the result.

        Returns
        -------
        numpy.ndarray, shape (n, m)

        Raises
        ------
        ValueError
            If `x` and `y` differ in dimension, are not finite, or `out` does not fit.
        """
        x = validate.points("x", x)
        y = None if y is None else validate.points("y", y)
        if y is not None and x.shape[1] != y.shape[1]:
            raise ValueError(
                f"x and y must have the same dimension, got {x.shape[1]} and {y.shape[1]}"
            )
        shape = (len(x), len(x if y is None else y))
        if out is None:
            out = np.empty(shape)
        elif (
            not isinstance(out, np.ndarray)
            or out.shape != shape
            or out.dtype != np.float64
            or not out.flags.carray
        ):
            got = type(out)
            if isinstance(out, np.ndarray):
                order = "C-ordered" if out.flags.carray else "other"
                got = f"{order} {out.dtype} of shape {out.shape}"
            raise ValueError(f"out must be a C-ordered float64 array of shape {shape}, got {got}")
        self._fill(x, y, out)
        return out

    def diagonal(self, x: np.ndarray) -> np.ndarray:
        """The n values k(x_i, x_i), in time O(n)."""
        return self._diagonal(validate.points("x", x))

    def spectral_density(self, omega: np.ndarray) -> np.ndarray:
        r"""The density S of Bochner's theorem, k(x, y) = \int e^{i w.(x - y)} S(w) dw.

        Parameters
        ----------
        omega : array_like, shape (n, d) or (n,)
            Angular frequencies, in the dimension of the points.

        Returns
        -------
        numpy.ndarray, shape (n,)
            S integrates to k(x, x): for a kernel with k(x, x) = 1 it is a probability density.

        Raises
        ------
        TypeError
            If the kernel has none: it is not stationary, or its spectrum is not a density.
        """
        return self._spectral_density(validate.points("omega", omega))

    def sample_frequencies(
        self,
        count: int,
        d: int,
        *,
        orthogonal: bool = False,
        rng: int | np.random.Generator | None = None,
    ) -> np.ndarray:
        """Draws from the spectral density, normalised: the frequencies of random features.

        Parameters
        ----------
        count : int
            How many frequencies.
        d : int
            Dimension of the points.
        orthogonal : bool, default False
            Couple them in blocks of d: a rotation of the axes, uniformly distributed, gives the
            directions of a block. Each frequency by itself has the same law as without.
        rng : int, numpy.random.Generator or None
            The seed (see `labcore.random.seed_from`).

        Returns
        -------
        numpy.ndarray, shape (count, d)

        Raises
        ------
        TypeError
            If this is not known for the kernel.
        """
        count, d = validate.integer("count", count, 1), validate.integer("d", d, 1)
        z, choice, mixing = spectral_draws(count, d, orthogonal, rng)
        return self._frequencies(z, choice, mixing)

    @property
    def parameters(self) -> np.ndarray:
        """The tunable numbers, all positive, in one array."""
        return np.array([getattr(self, name) for name in self._tunable], dtype=float)

    def with_parameters(self, values: np.ndarray) -> "Kernel":
        """The same kernel with other numbers, in the order of `parameters`."""
        values = validate.array("values", values, 1)
        if len(values) != len(self.parameters):
            raise ValueError(f"expected {len(self.parameters)} values, got {len(values)}")
        return self._rebuilt(values)

    def parameter_gradients(self, x: np.ndarray) -> np.ndarray:
        r"""Derivatives of the Gram matrix in the logarithms of the parameters.

        Parameters
        ----------
        x : array_like, shape (n, d) or (n,)

        Returns
        -------
        numpy.ndarray, shape (p, n, n)
            :math:`\theta_j\,\partial K / \partial \theta_j`, in the order of `parameters`.
        """
        x = validate.points("x", x)
        return np.array(self._gradients(x)[1]).reshape(-1, len(x), len(x))

    def _gradients(self, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The Gram matrix, and its derivatives in the logarithms of the parameters."""
        return self(x), []

    def _rebuilt(self, values: np.ndarray) -> "Kernel":
        return replace(self, **dict(zip(self._tunable, map(float, values), strict=True)))

    def _fill(self, x: np.ndarray, y: np.ndarray | None, out: np.ndarray) -> None:
        raise NotImplementedError

    def _diagonal(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _spectral_density(self, omega: np.ndarray) -> np.ndarray:
        raise TypeError(f"{self} has no spectral density")

    def _frequencies(self, z: np.ndarray, choice: np.ndarray, mixing: np.ndarray) -> np.ndarray:
        """Frequencies made of standard normal z (count, d) and two uniform numbers for each row."""
        raise TypeError(f"no way is known to sample the spectrum of {self}")

    def __add__(self, other: "Kernel | float") -> "Kernel":
        return Sum(self, as_kernel(other))

    def __radd__(self, other: float) -> "Kernel":
        return Sum(as_kernel(other), self)

    def __mul__(self, other: "Kernel | float") -> "Kernel":
        return Product(self, other) if isinstance(other, Kernel) else Scaled(other, self)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> "Kernel":
        return Power(self, exponent)


def as_kernel(value: Kernel | float) -> Kernel:
    """`value` if it is a kernel, the constant kernel if it is a number."""
    return value if isinstance(value, Kernel) else Constant(value)


@dataclass(frozen=True)
class Constant(Kernel):
    """k(x, y) = value: functions that are constant, with an unknown level."""

    value: float
    _tunable = ("value",)

    def __post_init__(self):
        object.__setattr__(self, "value", validate.positive("value", self.value))

    def _fill(self, x, y, out):
        out[...] = self.value

    def _diagonal(self, x):
        return np.full(len(x), self.value)

    def _gradients(self, x):
        gram = self(x)
        return gram, [gram]

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
        changed = super()._rebuilt(values[: len(self._tunable)])
        start = len(self._tunable)
        for name in self.parts:
            part = getattr(self, name)
            stop = start + len(part.parameters)
            changed = replace(changed, **{name: part._rebuilt(values[start:stop])})
            start = stop
        return changed


@dataclass(frozen=True)
class Sum(_Composed):
    """k(x, y) = left(x, y) + right(x, y): a sum of independent functions."""

    left: Kernel
    right: Kernel

    def _fill(self, x, y, out):
        self.left._fill(x, y, out)
        other = np.empty_like(out)
        self.right._fill(x, y, other)
        out += other

    def _diagonal(self, x):
        return self.left._diagonal(x) + self.right._diagonal(x)

    def _gradients(self, x):
        left, of_left = self.left._gradients(x)
        right, of_right = self.right._gradients(x)
        return left + right, of_left + of_right

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
    """k(x, y) = left(x, y) right(x, y): positive definite by Schur's product theorem."""

    left: Kernel
    right: Kernel

    def _fill(self, x, y, out):
        self.left._fill(x, y, out)
        other = np.empty_like(out)
        self.right._fill(x, y, other)
        out *= other

    def _diagonal(self, x):
        return self.left._diagonal(x) * self.right._diagonal(x)

    def _gradients(self, x):
        left, of_left = self.left._gradients(x)
        right, of_right = self.right._gradients(x)
        return left * right, [g * right for g in of_left] + [left * g for g in of_right]

    def __str__(self):
        return f"{_factor(self.left)} * {_factor(self.right)}"


@dataclass(frozen=True)
class Scaled(_Composed):
    """k(x, y) = factor kernel(x, y), with a positive factor: the variance of the function."""

    factor: float
    kernel: Kernel
    _tunable = ("factor",)

    def __post_init__(self):
        object.__setattr__(self, "factor", validate.positive("factor", self.factor))

    def _fill(self, x, y, out):
        self.kernel._fill(x, y, out)
        out *= self.factor

    def _diagonal(self, x):
        return self.factor * self.kernel._diagonal(x)

    def _gradients(self, x):
        gram, gradients = self.kernel._gradients(x)
        gram *= self.factor
        return gram, [gram, *(self.factor * g for g in gradients)]

    def _spectral_density(self, omega):
        return self.factor * self.kernel._spectral_density(omega)

    def _frequencies(self, z, choice, mixing):
        return self.kernel._frequencies(z, choice, mixing)

    def __str__(self):
        return f"{self.factor:.3g} * {_factor(self.kernel)}"


@dataclass(frozen=True)
class Power(_Composed):
    """k(x, y) = kernel(x, y)^exponent for a positive integer exponent: a product of copies."""

    kernel: Kernel
    exponent: int

    def __post_init__(self):
        object.__setattr__(self, "exponent", validate.integer("exponent", self.exponent, 1))

    def _fill(self, x, y, out):
        self.kernel._fill(x, y, out)
        out **= self.exponent

    def _diagonal(self, x):
        return self.kernel._diagonal(x) ** self.exponent

    def _gradients(self, x):
        gram, gradients = self.kernel._gradients(x)
        slope = self.exponent * gram ** (self.exponent - 1)
        return gram**self.exponent, [slope * g for g in gradients]

    def __str__(self):
        return f"{_factor(self.kernel)} ** {self.exponent}"


def _factor(kernel: Kernel) -> str:
    return f"({kernel})" if isinstance(kernel, Sum) else str(kernel)
