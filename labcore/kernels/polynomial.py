r"""The polynomial kernel: a feature space of finite dimension."""

from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.kernels import _blocks
from labcore.kernels._pairs import tiles
from labcore.kernels.kernel import Kernel


@dataclass(frozen=True)
class Polynomial(Kernel):
    r"""The polynomial kernel,

    .. math:: k(x, y) = (x \cdot y + c)^m.

    Its functions are the polynomials of degree at most m (with c = 0: exactly m) in d variables.
    ``Polynomial(1, 0)`` is the linear kernel.

    Parameters
    ----------
    degree : int, default 2
        :math:`m \ge 1`.
    offset : float, default 1
        :math:`c \ge 0`. An offset of zero is not tunable: a fit leaves it at zero.

    References
    ----------
    C. E. Rasmussen, C. K. I. Williams, *Gaussian Processes for Machine Learning*, MIT Press 2006,
    equation 4.22 (with the identity as covariance).

    Examples
    --------
    >>> Polynomial(2, 1.0)([1.0, 2.0])
    array([[ 4.,  9.],
           [ 9., 25.]])
    """

    degree: int = 2
    offset: float = 1.0

    def __post_init__(self):
        object.__setattr__(self, "degree", validate.integer("degree", self.degree, 1))
        object.__setattr__(self, "offset", validate.non_negative("offset", self.offset))

    @property
    def _tunable(self):
        return ("offset",) if self.offset > 0 else ()

    def _tile(self, x, y):
        return tiles(_gram, x, y, self.degree, self.offset)

    def _diagonal(self, x):
        return ((x * x).sum(axis=1) + self.offset) ** self.degree

    def _gradients(self, x):
        base = np.empty((len(x), len(x)))
        _blocks.fill(tiles(_gram, x, x, 1, self.offset), base, x.shape[1], symmetric=True)
        slope = self.degree * self.offset * base ** (self.degree - 1)
        return base**self.degree, [slope] if self._tunable else []

    def _slope(self, x, y):
        outer = self.degree * (x @ y.T + self.offset) ** (self.degree - 1)
        return outer[..., None] * y

    def __str__(self):
        return f"Polynomial({self.degree}, {self.offset:.3g})"


@compiled
def _gram(x, columns, first, out, left, count, degree, offset):
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        for j in range(count):
            row[j] = offset
        for k in range(x.shape[1]):
            y = columns[k, first : first + count]
            for j in range(count):
                row[j] += x[i, k] * y[j]
        for j in range(count):
            base = row[j]
            for _ in range(degree - 1):
                row[j] *= base
