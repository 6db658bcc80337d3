r"""What stationary kernels with a lengthscale share: one for all coordinates, or one for each."""

import math

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore.kernels import _blocks
from labcore.kernels._pairs import squared_distances, tiles
from labcore.kernels._products import squared_distance_error
from labcore.kernels.kernel import Kernel

_MANY = 24  # dimensions, from which scalar products are faster than squared differences
_ERROR = 1e-12  # of a value of the kernel that may come of it


class Stationary(Kernel):
    r"""A kernel of :math:`(x_i - y_i) / \ell_i`, with k(x, x) = 1.

    Its `lengthscale` is a number, or a sequence with one for each coordinate: a coordinate that
    does not matter gets a long one in a fit ("automatic relevance determination").
    """

    lengthscale: float | tuple[float, ...]

    def __post_init__(self):
        object.__setattr__(
            self, "lengthscale", validate.positive_numbers("lengthscale", self.lengthscale)
        )

    @property
    def _scale(self) -> float:
        """The lengthscale of `_stretched` points."""
        return self.lengthscale if isinstance(self.lengthscale, float) else 1.0

    def _stretched(self, points: np.ndarray) -> np.ndarray:
        """The points, in units of the lengthscales if there are several."""
        return points if isinstance(self.lengthscale, float) else points / self.lengthscale

    def _check(self, name, points):
        if not isinstance(self.lengthscale, float) and points.shape[1] != len(self.lengthscale):
            raise ValueError(
                f"{name} must have the dimension of lengthscale, {len(self.lengthscale)}, "
                f"got {points.shape[1]}"
            )

    def _diagonal(self, x):
        return np.ones(len(x))

    def _spectral_density(self, omega):
        volume = math.prod(np.broadcast_to(self.lengthscale, omega.shape[1]).tolist())
        return volume * self._unit_spectral_density(omega * self.lengthscale)

    def _unit_spectral_density(self, omega: np.ndarray) -> np.ndarray:
        """The spectral density for the lengthscale 1."""
        raise NotImplementedError

    def _name(self, *before: str, after: tuple[str, ...] = ()) -> str:
        scale = self.lengthscale
        if isinstance(scale, float):
            shown = f"{scale:.3g}"
        else:
            shown = f"({', '.join(f'{s:.3g}' for s in scale)}{',' if len(scale) == 1 else ''})"
        return f"{type(self).__name__}({', '.join([*before, shown, *after])})"


class Radial(Stationary):
    r"""A stationary kernel of the scaled distance, k = f(s) with :math:`s = |x - y|^2 / \ell^2`.

    It implements ``_value_tile`` and ``_slope_tile``, the tiles of f(s) and of -2 s f'(s), the
    derivative in :math:`\log \ell`, for stretched points. In many dimensions the distances come
    from scalar products where that changes no value by more than 1e-12: it needs ``_steepness``, a
    bound of |f'|, and ``_value_tile_by_products``.
    """

    _steepness: float = math.inf

    def _tile(self, x, y):
        x, y = self._stretched(x), self._stretched(y)
        many = x.shape[1] >= _MANY and len(x) > 0 and len(y) > 0
        if many and self._steepness < math.inf:
            error = self._steepness / self._scale**2 * squared_distance_error(x, y)
            if error <= _ERROR:
                return self._value_tile_by_products(x, y)
        return self._value_tile(x, y)

    def _log_slope(self, x: np.ndarray, y: np.ndarray, *, symmetric: bool) -> np.ndarray:
        out = np.empty((len(x), len(y)))
        tile = self._slope_tile(self._stretched(x), self._stretched(y))
        _blocks.fill(tile, out, x.shape[1], symmetric=symmetric)
        return out

    def _gradients(self, x):
        slope = self._log_slope(x, x, symmetric=True)
        if isinstance(self.lengthscale, float):
            return self(x), [slope]
        ratio = self._divided(slope, x, x)
        stretched = self._stretched(x).T
        return self(x), [ratio * (t[:, None] - t) ** 2 for t in stretched]

    def _slope(self, x, y):
        # 2 f'(s) (x - y) / l^2, which at x = y is 0: the slope, or the mean of those of a kink
        ratio = self._divided(self._log_slope(x, y, symmetric=False), x, y)
        out = np.subtract(x[:, None], y)
        out /= -np.square(self.lengthscale)
        out *= ratio[..., None]
        return out

    def _divided(self, slope: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """slope / s, that is -2 f'(s), and 0 where s = 0."""
        squared = np.empty_like(slope)
        x, y = x / self.lengthscale, y / self.lengthscale
        _blocks.fill(tiles(_squared_distances, x, y), squared, x.shape[1], symmetric=False)
        return np.divide(slope, squared, out=np.zeros_like(slope), where=squared > 0)

    def _value_tile(self, x, y):
        raise NotImplementedError

    def _value_tile_by_products(self, x, y):
        raise NotImplementedError

    def _slope_tile(self, x, y):
        raise NotImplementedError


@compiled
def _squared_distances(x, columns, first, out, left, count):
    for i in range(x.shape[0]):
        squared_distances(x, columns, i, first, out[i, left : left + count])
