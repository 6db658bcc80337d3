r"""The arc-cosine kernels: infinitely wide layers of step, ramp and squared ramp units."""

import math
from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.kernels._pairs import Tile, squared_distances
from labcore.kernels.kernel import Kernel

_AT_ZERO_ANGLE = (1.0, 1.0, 3.0)  # J_n(0) / pi


@dataclass(frozen=True)
class ArcCosine(Kernel):
    r"""The arc-cosine kernel of order n = 0, 1 or 2. With :math:`\theta` the angle from x to y,

    .. math:: k(x, y) = \tfrac1\pi |x|^n |y|^n J_n(\theta),

    .. math::

        J_0 = \pi - \theta, \qquad
        J_1 = \sin\theta + (\pi - \theta) \cos\theta, \qquad
        J_2 = 3 \sin\theta\cos\theta + (\pi - \theta)(1 + 2 \cos^2\theta).

    It is the covariance of a layer with infinitely many units :math:`(w \cdot x)_+^n` (a step for
    n = 0, a ramp for n = 1) with standard normal weights:
    :math:`k(x, y) = 2\,E[(w \cdot x)_+^n (w \cdot y)_+^n]`.

    Parameters
    ----------
    order : {0, 1, 2}, default 1

    Notes
    -----
    The kernel is not stationary: it grows like :math:`|x|^n |y|^n` from the origin. For units with
    a bias add a coordinate that is 1, with `Warped`; without, there are only two directions in one
    dimension. A point at the origin has no direction: the step is 1/2 there, and so is k for n = 0.
    Angles are accurate to 1e-14, also near 0 and :math:`\pi`.

    References
    ----------
    Y. Cho, L. K. Saul, "Kernel methods for deep learning", NIPS 2009, equations 1 and 4 to 6.

    Examples
    --------
    >>> ArcCosine(1)([[1.0, 0.0]], [[1.0, 0.0], [0.0, 2.0], [-1.0, 0.0]]).round(4)
    array([[1.    , 0.6366, 0.    ]])
    """

    order: int = 1

    def __post_init__(self):
        object.__setattr__(self, "order", validate.integer("order", self.order))
        if self.order > 2:
            raise ValueError(f"order must be 0, 1 or 2, got {self.order}")

    def _tile(self, x, y):
        return _tile(x, y, self.order)

    def _diagonal(self, x):
        lengths = np.sqrt((x * x).sum(axis=1))
        if self.order == 0:
            return np.where(lengths > 0, 1.0, 0.5)
        return _AT_ZERO_ANGLE[self.order] * lengths ** (2 * self.order)

    def _slope(self, x, y):
        rest = math.pi * ArcCosine(0)(x, y)[..., None]  # pi - theta
        sine, cosine = np.sin(rest), -np.cos(rest)
        (x, of_x), (y, of_y) = _directions(x), _directions(y)
        of_x, of_y = of_x[:, None, None], of_y[:, None]
        along_x, along_y = x[:, None], y[None]
        if self.order == 0:
            angle = math.pi * of_x * sine
            toward = along_y - cosine * along_x
            return np.divide(toward, angle, out=np.zeros_like(toward), where=sine * of_x > 1e-300)
        if self.order == 1:
            return of_y / math.pi * (sine * along_x + rest * along_y)
        ramp = sine + rest * cosine
        scale = 2 * of_x * of_y**2 / math.pi
        return scale * ((sine * cosine + rest) * along_x + 2 * ramp * along_y)

    def __str__(self):
        return f"ArcCosine({self.order})"


def _directions(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points divided by their lengths, and the lengths; the direction of the origin is zero."""
    lengths = np.sqrt((points * points).sum(axis=1))
    return points / np.where(lengths > 0, lengths, 1.0)[:, None], lengths


def _tile(x: np.ndarray, y: np.ndarray, order: int) -> Tile:
    (x, of_x), (y, of_y) = _directions(x), _directions(y)
    columns = np.ascontiguousarray(y.T)

    def tile(rows, first, out, left, count):
        _gram(x[rows], columns, first, out, left, count, of_x[rows], of_y, order)

    return tile


@compiled
def _gram(x, columns, first, out, left, count, of_x, of_y, order):
    """The kernel of unit vectors x and y with lengths `of_x` and `of_y`."""
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        squared_distances(x, columns, i, first, row)
        for j in range(count):
            product = of_x[i] * of_y[first + j]
            theta = _angle(x, columns, i, first + j, row[j]) if product > 0.0 else 0.5 * math.pi
            rest = math.pi - theta
            if order == 0:
                row[j] = rest / math.pi
            else:
                sine, cosine = math.sin(theta), math.cos(theta)
                if order == 1:
                    row[j] = product * (sine + rest * cosine) / math.pi
                else:
                    ramp = 3.0 * sine * cosine + rest * (1.0 + 2.0 * cosine * cosine)
                    row[j] = product * product * ramp / math.pi


@compiled(inline=True)
def _angle(x, columns, i, j, squared):
    """The angle of unit vectors whose difference has the length sqrt(squared)."""
    if squared <= 2.0:
        return 2.0 * math.asin(0.5 * math.sqrt(squared))
    opposite = 4.0 - squared  # |x + y|^2
    if opposite < 0.01:
        opposite = 0.0
        for k in range(x.shape[1]):
            total = x[i, k] + columns[k, j]
            opposite += total * total
    return math.pi - 2.0 * math.asin(0.5 * math.sqrt(opposite))
