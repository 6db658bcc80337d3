r"""Sobol' points as a digital net in natural order, for the methods that need its structure.

SciPy generates the sequence well, and `scipy.stats.qmc.Sobol` is the one to use for integration. It
counts in Gray code; here point i has the binary digits of i, so that the digits of points i and k
differ as those of the points 0 and (i xor k) do.
"""

import numpy as np

from labcore import _validate as validate
from labcore.quasi.lattice import power_of_two
from labcore.random import seed_from

BITS = 52  # binary digits of a coordinate


def digital_net(
    n: int,
    d: int,
    *,
    scramble: bool = True,
    rng: int | np.random.Generator | None = None,
) -> np.ndarray:
    r"""The first :math:`n = 2^m` Sobol' points in natural order.

    .. math:: x_i \oplus x_k = x_{i \oplus k} \oplus x_0,

    with :math:`\oplus` the addition of binary digits modulo 2.

    Parameters
    ----------
    n : int
        Number of points, a power of two.
    d : int
        Dimension, at least 1 and at most SciPy's 21201.
    scramble : bool, default True
        A random linear scrambling of the digits and a random digital shift, by SciPy. The equation
        above still holds, and each point is uniform on the cube.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`).

    Returns
    -------
    numpy.ndarray of shape (n, d)
        Multiples of :math:`2^{-52}` in :math:`[0, 1)`.

    Raises
    ------
    TypeError, ValueError
        If `n` is no power of two or `d` out of range.

    Examples
    --------
    >>> from labcore.quasi import digital_net
    >>> digital_net(4, 2, scramble=False)
    array([[0.  , 0.  ],
           [0.5 , 0.5 ],
           [0.25, 0.75],
           [0.75, 0.25]])
    """
    from scipy.stats.qmc import Sobol  # takes most of a second to import

    n, d = power_of_two("n", n), validate.integer("d", d, least=1)
    if d > Sobol.MAXDIM:
        raise ValueError(f"d must be at most {Sobol.MAXDIM}, got {d}")
    generator = np.random.default_rng(int(seed_from(rng)))
    gray = Sobol(d, scramble=scramble, bits=BITS, seed=generator).random(n)
    points = np.empty_like(gray)
    i = np.arange(n)
    points[i ^ (i >> 1)] = gray
    return points
