r"""Rank-1 lattices, and the search for their generating vectors, component by component.

References
----------
I. H. Sloan, S. Joe, "Lattice methods for multiple integration", Oxford University Press, 1994.

D. Nuyens, R. Cools, "Fast component-by-component construction, a reprise for different kernels",
in Monte Carlo and Quasi-Monte Carlo Methods 2004. doi:10.1007/3-540-31186-6_22
"""

from functools import lru_cache

import numpy as np
from scipy.fft import irfft, rfft

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.random import uniform

_LARGEST = 2**52  # numbers of points whose multiples of a component are exact as doubles


@compiled
def _fill_lattice(vector, n, shift, multiple, out):
    """Point i is the fractional part of i z / n + shift; `multiple` is a buffer: i z modulo n."""
    unit = 1.0 / n
    for j in range(vector.size):
        multiple[j] = 0.0
    for i in range(out.shape[0]):
        point = out[i]
        for j in range(vector.size):
            x = multiple[j] * unit + shift[j]
            point[j] = x - 1.0 if x >= 1.0 else x
            following = multiple[j] + vector[j]
            multiple[j] = following - n if following >= n else following


def lattice(
    n: int,
    d: int,
    *,
    vector: np.ndarray | None = None,
    shift: bool = True,
    rng: int | np.random.Generator | None = None,
    out: np.ndarray | None = None,
) -> np.ndarray:
    r"""The n points of a rank-1 lattice in :math:`[0, 1)^d`, moved by a random shift:

    .. math:: x_i = \Bigl\{ \frac{i z}{n} + \Delta \Bigr\}, \qquad i = 0, \dots, n - 1,

    with :math:`\{\cdot\}` the fractional part, z the generating vector and :math:`\Delta` uniform
    on the cube.

    Parameters
    ----------
    n : int
        Number of points, at least 1; a power of two if no vector is given.
    d : int
        Dimension, at least 1.
    vector : array_like of int, shape (d,), optional
        z. Without it, `generating_vector`'s for n and d, which is computed once.
    shift : bool, default True
        Move all points by one random vector. Then each point is uniform on the cube, and the
        average of a function is an unbiased estimate of its integral.
    rng : int, numpy.random.Generator or None
        The seed of the shift (see `labcore.random.seed_from`).
    out : numpy.ndarray of float64, shape (n, d), optional
        Where to write the points; fresh memory costs more time than the points.

    Returns
    -------
    numpy.ndarray of shape (n, d)

    Raises
    ------
    TypeError, ValueError
        If an argument is no integer or out of range, or `vector` or `out` does not fit.

    Notes
    -----
    Time :math:`O(nd)`. For smooth functions whose periodic continuation is as smooth, the error
    falls as fast as the Fourier coefficients do: like :math:`n^{-2}` or :math:`n^{-4}` up to
    logarithms. When it fails: a function that is not periodic converges like 1/n only. The map
    :math:`x \mapsto 1 - |2x - 1|` of the points makes every continuous function periodic, for
    :math:`n^{-2}`. Unlike Halton's or Sobol's points these are for one n.

    Examples
    --------
    >>> import numpy as np
    >>> from labcore.quasi import lattice
    >>> lattice(4, 2, vector=[1, 3], shift=False)
    array([[0.  , 0.  ],
           [0.25, 0.75],
           [0.5 , 0.5 ],
           [0.75, 0.25]])
    >>> x = lattice(256, 3, rng=1)
    >>> float(np.prod(1 + np.sin(2 * np.pi * x), axis=1).mean().round(12))
    1.0
    """
    n, d = validate.integer("n", n, least=1), validate.integer("d", d, least=1)
    if n > _LARGEST:
        raise ValueError(f"n must be at most 2**52, got {n}")
    if vector is None:
        vector = generating_vector(n, d)
    vector = np.asarray(vector)
    if vector.dtype.kind not in "iu":
        raise TypeError(f"vector must be integers, got an array of {vector.dtype}")
    if vector.shape != (d,):
        raise ValueError(f"vector must have shape ({d},), got {vector.shape}")
    out = validate.output(out, (n, d))
    move = uniform(d, rng=rng) if shift else np.zeros(d)
    _fill_lattice((vector % n).astype(float), float(n), move, np.empty(d), out)
    return out


def generating_vector(n: int, d: int, *, weights: np.ndarray | None = None) -> np.ndarray:
    r"""A generating vector for a lattice of :math:`n = 2^m` points, component by component.

    Each component is, of all odd numbers below n and with those before it fixed, the one with the
    least worst-case error over periodic functions with square-integrable mixed derivatives,

    .. math:: e^2(z) = -1 + \frac1n \sum_{i=0}^{n-1} \prod_{j=1}^d
        \bigl(1 + \gamma_j\,\omega(\{i z_j / n\})\bigr),
        \qquad \omega(x) = 2\pi^2 \bigl(x^2 - x + \tfrac16\bigr).

    Parameters
    ----------
    n : int
        Number of points, a power of two.
    d : int
        Dimension, at least 1.
    weights : array_like, shape (d,), optional
        :math:`\gamma_j > 0`, how much coordinate j matters. Default :math:`1/j^2`.

    Returns
    -------
    numpy.ndarray of int64, shape (d,)
        The first component is 1. The first of d components are those for fewer.

    Raises
    ------
    TypeError, ValueError
        If `n` is no power of two, or `weights` does not fit.

    Notes
    -----
    Time :math:`O(d\,n \log n)` by fast Fourier transforms: the odd numbers modulo :math:`2^k`, z
    and -z taken as one, are the powers of 5, so that the sum over i is a convolution for each power
    of two that divides i. For :math:`n = 2^{20}` and d = 10 about a second.

    Examples
    --------
    >>> from labcore.quasi import generating_vector
    >>> generating_vector(1024, 4)
    array([  1, 741, 157, 385])
    """
    n, d = power_of_two("n", n), validate.integer("d", d, least=1)
    if weights is None:
        weights = 1.0 / np.arange(1.0, d + 1) ** 2
    weights = validate.array("weights", weights, 1)
    if weights.shape != (d,) or (weights <= 0.0).any():
        raise ValueError(f"weights must be {d} positive numbers, got {weights}")
    return _component_by_component(n, tuple(weights.tolist())).copy()


def power_of_two(name: str, value: int) -> int:
    """`value` as an int, if it is a power of two."""
    value = validate.integer(name, value, least=1)
    if value & (value - 1):
        raise ValueError(f"{name} must be a power of two, got {value}")
    return value


def _kernel(x: np.ndarray) -> np.ndarray:
    return 2 * np.pi**2 * (x * (x - 1) + 1 / 6)


def _powers_of_five(modulus: int) -> np.ndarray:
    """5^a modulo a power of two, for a below modulus / 4: then they begin again, up to a sign."""
    powers = np.ones(1, np.int64)
    while powers.size < modulus // 4:
        powers = np.append(powers, powers * pow(5, powers.size, modulus) % modulus)
    return powers


@lru_cache(maxsize=16)
def _component_by_component(n: int, weights: tuple[float, ...]) -> np.ndarray:
    vector = np.ones(len(weights), np.int64)
    if n < 8:
        return vector
    candidates = _powers_of_five(n)
    # The indices i = 2^k 5^b, half of those with just k factors of two, and the kernel's transform.
    levels = []
    modulus = n
    while modulus >= 8:
        powers = candidates[: modulus // 4] % modulus
        levels.append((powers * (n // modulus), rfft(_kernel(powers / modulus))))
        modulus //= 2
    everything = np.arange(n)
    product = np.ones(n)
    for j, gamma in enumerate(weights):
        if j:
            error = np.zeros(candidates.size)
            for indices, transform in levels:
                level = irfft(transform * rfft(product[indices]).conj(), indices.size)
                error += np.tile(level, candidates.size // indices.size)
            vector[j] = candidates[np.argmin(error)]
        product *= 1 + gamma * _kernel(everything * vector[j] % n / n)
    return vector
