r"""The polynomial kernel: a feature space of finite dimension."""

from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.kernels._pairs import fill
from labcore.kernels.algebra import Kernel


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

    def _fill(self, x, y, out):
        fill(_gram, x, y, out, self.degree, self.offset)

    def _diagonal(self, x):
        return ((x * x).sum(axis=1) + self.offset) ** self.degree

    def _gradients(self, x):
        base = np.empty((len(x), len(x)))
        fill(_gram, x, None, base, 1, self.offset)
        slope = self.degree * self.offset * base ** (self.degree - 1)
        return base**self.degree, [slope] if self._tunable else []

    def __str__(self):
        return f"Polynomial({self.degree}, {self.offset:.3g})"


@compiled
def _gram(x, columns, lower, out, degree, offset):
    for i in range(x.shape[0]):
        count = i + 1 if lower else columns.shape[1]
        row = out[i]
        for j in range(count):
            row[j] = offset
        for k in range(x.shape[1]):
            for j in range(count):
                row[j] += x[i, k] * columns[k, j]
        for j in range(count):
            base = row[j]
            for _ in range(degree - 1):
                row[j] *= base
