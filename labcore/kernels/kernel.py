r"""What a positive-definite kernel is and can do: matrices, products, derivatives, spectrum."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from labcore import _validate as validate
from labcore.kernels import _blocks
from labcore.kernels._pairs import Tile
from labcore.kernels._spectrum import spectral_draws

if TYPE_CHECKING:
    from labcore.kernels.algebra import Power, Product, Scaled, Sum


class Kernel:
    """A positive-definite kernel: a symmetric function k(x, y) whose Gram matrices are positive.

    A kernel is a frozen dataclass. It implements ``_tile``, ``_diagonal`` and ``_slope``, and names
    in ``_tunable`` those of its fields that a fit may change, all of them positive numbers or
    tuples of such; if there are any, it implements ``_gradients``.

    Examples
    --------
    >>> from labcore.kernels import Gaussian, Periodic
    >>> kernel = 2 * Gaussian(3.0) * Periodic(1.0) + 0.5
    >>> print(kernel)
    2 * Gaussian(3) * Periodic(1, 1) + 0.5
    >>> kernel([0.0, 1.0])[0].round(4)
    array([2.5   , 2.3919])
    >>> kernel.matvec([0.0, 1.0], [1.0, -1.0]).round(4)
    array([ 0.1081, -0.1081])
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
            Where to write the result. Saves the time the system takes to hand out new memory, a
            third of the total for a large matrix in few dimensions.

        Returns
        -------
        numpy.ndarray, shape (n, m)

        Raises
        ------
        ValueError
            If `x` and `y` differ in dimension, are not finite, or `out` does not fit.

        Notes
        -----
        Blocks of rows are computed on all of numba's threads (``numba.set_num_threads``); the
        numbers do not depend on how many there are.
        """
        x, y, symmetric = self._both(x, y)
        shape = (len(x), len(y))
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
        _blocks.fill(self._tile(x, y), out, x.shape[1], symmetric=symmetric)
        return out

    def diagonal(self, x: np.ndarray) -> np.ndarray:
        """The n values k(x_i, x_i), in time O(n)."""
        return self._diagonal(self._points("x", x))

    def matvec(
        self,
        x: np.ndarray,
        v: np.ndarray,
        y: np.ndarray | None = None,
        *,
        progress: bool = False,
    ) -> np.ndarray:
        r"""The product :math:`\sum_j k(x_i, y_j)\,v_j`, without storing the matrix.

        Parameters
        ----------
        x : array_like, shape (n, d) or (n,)
        v : array_like, shape (m,) or (m, r)
            A vector, or r of them as columns.
        y : array_like, shape (m, d) or (m,), optional
            Other points. Without them ``y = x``, and half of the entries are computed.
        progress : bool, default False
            Show a progress bar when it takes more than two seconds.

        Returns
        -------
        numpy.ndarray, shape (n,) or (n, r)

        Raises
        ------
        ValueError
            If `x` and `y` differ in dimension, `v` is not as long as they are, or a number is not
            finite.

        Notes
        -----
        Costs n m evaluations of the kernel (half of them without `y`) and memory for a few tiles
        that fit the cache, on all of numba's threads. The order of summation is fixed: the bits do
        not depend on the number of threads, and the error is that of summing in blocks of 512.
        Where the matrix fits in memory and is used more than once, store it.

        Examples
        --------
        >>> from labcore.kernels import Gaussian
        >>> Gaussian(1.0).matvec([0.0, 1.0, 2.0], [1.0, 1.0, 1.0]).round(4)
        array([1.7419, 2.2131, 1.7419])
        """
        x, y, symmetric = self._both(x, y)
        v = validate.array("v", v, (1, 2))
        if len(v) != len(y):
            raise ValueError(f"v must have a row for each of {len(y)} points, got shape {v.shape}")
        columns = np.ascontiguousarray(v.T if v.ndim == 2 else v[None])
        product = _blocks.multiply(
            self._tile(x, y), columns, len(x), symmetric=symmetric, progress=progress
        )
        return np.ascontiguousarray(product.T) if v.ndim == 2 else product[0]

    def gradient(self, x: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
        r"""The derivatives in the inputs, :math:`\partial k(x_i, y_j) / \partial x_i`.

        Parameters
        ----------
        x : array_like, shape (n, d) or (n,)
        y : array_like, shape (m, d) or (m,), optional
            Other points; without them, `x`.

        Returns
        -------
        numpy.ndarray, shape (n, m, d)
            As k is symmetric, the derivative in y_j is that of ``gradient(y, x)``.

        Raises
        ------
        ValueError
            As the call of the kernel.
        TypeError
            If a `Warped` kernel does not know its map's derivative.

        Notes
        -----
        At a kink (of `Matern` with :math:`\nu \le 1/2`, `Laplacian`, `Brownian` and `ArcCosine` of
        order 0 where the points or coordinates meet) it is the mean of the slopes on both sides.

        Examples
        --------
        >>> from labcore.kernels import Gaussian
        >>> Gaussian(1.0).gradient([0.0], [1.0]).round(4)
        array([[[0.6065]]])
        """
        x, y, _ = self._both(x, y)
        return self._slope(x, y)

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
        return self._spectral_density(self._points("omega", omega))

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
        self._check("frequencies", np.zeros((1, d)))
        return self._frequencies(z, choice, mixing)

    @property
    def parameters(self) -> np.ndarray:
        """The tunable numbers, all positive, in one array."""
        own = [np.ravel(getattr(self, name)) for name in self._tunable]
        return np.concatenate([np.empty(0), *own])

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
        x = self._points("x", x)
        return np.array(self._gradients(x)[1]).reshape(-1, len(x), len(x))

    def _gradients(self, x: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        """The Gram matrix, and its derivatives in the logarithms of the parameters."""
        return self(x), []

    def _rebuilt(self, values: np.ndarray) -> "Kernel":
        changed, start = {}, 0
        for name in self._tunable:
            old = getattr(self, name)
            stop = start + np.size(old)
            new = tuple(map(float, values[start:stop]))
            changed[name] = new[0] if isinstance(old, float) else new
            start = stop
        return replace(self, **changed)

    def _points(self, name: str, value: np.ndarray) -> np.ndarray:
        """`value` as points at which the kernel is defined."""
        points = validate.points(name, value)
        self._check(name, points)
        return points

    def _both(self, x, y) -> tuple[np.ndarray, np.ndarray, bool]:
        """The two sets of points, and whether they are the same."""
        x = self._points("x", x)
        if y is None:
            return x, x, True
        y = self._points("y", y)
        if x.shape[1] != y.shape[1]:
            raise ValueError(
                f"x and y must have the same dimension, got {x.shape[1]} and {y.shape[1]}"
            )
        return x, y, False

    def _check(self, name: str, points: np.ndarray) -> None:
        """Raise ValueError if the kernel is not defined at the points."""

    def _tile(self, x: np.ndarray, y: np.ndarray) -> Tile:
        raise NotImplementedError

    def _diagonal(self, x: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _slope(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def _spectral_density(self, omega: np.ndarray) -> np.ndarray:
        raise TypeError(f"{self} has no spectral density")

    def _frequencies(self, z: np.ndarray, choice: np.ndarray, mixing: np.ndarray) -> np.ndarray:
        """Frequencies made of standard normal z (count, d) and two uniform numbers for each row."""
        raise TypeError(f"no way is known to sample the spectrum of {self}")

    def __add__(self, other: "Kernel | float") -> "Sum":
        from labcore.kernels.algebra import Sum, as_kernel

        return Sum(self, as_kernel(other))

    def __radd__(self, other: float) -> "Sum":
        from labcore.kernels.algebra import Sum, as_kernel

        return Sum(as_kernel(other), self)

    def __mul__(self, other: "Kernel | float") -> "Product | Scaled":
        from labcore.kernels.algebra import Product, Scaled

        return Product(self, other) if isinstance(other, Kernel) else Scaled(other, self)

    __rmul__ = __mul__

    def __pow__(self, exponent: int) -> "Power":
        from labcore.kernels.algebra import Power

        return Power(self, exponent)
