"""Laws of the delay from an event to one that it causes, on a finite interval."""

from dataclasses import astuple, dataclass, fields, replace

import numpy as np

from labcore import _validate as validate


@dataclass(frozen=True)
class Delay:
    """A density on [0, support] with tunable parameters: all its fields but the support.

    Examples
    --------
    >>> from labcore.processes import RaisedCosine
    >>> law = RaisedCosine(start=0.2, width=0.3, support=1.0)
    >>> law.density([0.1, 0.5]).round(4)
    array([0.    , 3.3333])
    >>> law.quantile([0.5]).round(4)
    array([0.5])
    """

    def __post_init__(self):
        for field in fields(self):
            value = validate.real(field.name, getattr(self, field.name))
            object.__setattr__(self, field.name, value)
        validate.positive("support", self.support)
        for (low, high), field in zip(self.bounds(), fields(self), strict=False):
            value = getattr(self, field.name)
            if not low <= value <= high:
                raise ValueError(f"{field.name} must be from {low:g} to {high:g}, got {value:g}")

    @property
    def parameters(self) -> np.ndarray:
        """The tunable numbers."""
        return np.array(astuple(self)[:-1])

    def with_parameters(self, values: np.ndarray) -> "Delay":
        """The same law with other tunable numbers."""
        names = [field.name for field in fields(self)][:-1]
        return replace(self, **dict(zip(names, map(float, values), strict=True)))

    def density(self, t: np.ndarray) -> np.ndarray:
        """The density at delays t; 0 outside of the support."""
        return self._values(validate.array("t", t, 1))[0]

    def density_gradient(self, t: np.ndarray) -> np.ndarray:
        """The derivatives of the density in the parameters: (number of parameters, len(t))."""
        return self._values(validate.array("t", t, 1))[1]

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """The delays that a part u of all does not exceed, with 0 < u < 1."""
        u = validate.array("u", u, 1)
        if u.size and not 0.0 < u.min() <= u.max() < 1.0:
            raise ValueError(f"u must be between 0 and 1, got {u}")
        return self._inverse(u)

    def bounds(self) -> list[tuple[float, float]]:
        """The range of each parameter."""
        raise NotImplementedError

    def _values(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        raise NotImplementedError

    def _inverse(self, u: np.ndarray) -> np.ndarray:
        raise NotImplementedError


@dataclass(frozen=True)
class TruncatedGaussian(Delay):
    r"""A normal law of mean m and standard deviation s, cut off to [0, W]:
    :math:`f(t) \propto e^{-(t - m)^2 / 2 s^2}`.

    Parameters
    ----------
    mean, width, support : float
        m from 0 to W, s from W / 100 to W, and W.

    Examples
    --------
    >>> TruncatedGaussian(0.5, 0.2, 1.0).density([0.5]).round(4)
    array([2.0198])
    """

    mean: float
    width: float
    support: float

    def bounds(self):
        return [(0.0, self.support), (0.01 * self.support, self.support)]

    def _values(self, t):
        from scipy.special import ndtr

        s, z = self.width, (t - self.mean) / self.width
        a, b = -self.mean / s, (self.support - self.mean) / s
        mass = ndtr(b) - ndtr(a)
        normal = np.exp(-0.5 * np.array([a, b]) ** 2) / np.sqrt(2.0 * np.pi)
        f = np.exp(-0.5 * z * z) / (np.sqrt(2.0 * np.pi) * s * mass)
        f = np.where((t >= 0.0) & (t <= self.support), f, 0.0)
        in_mean = z / s - (normal[0] - normal[1]) / (s * mass)
        in_width = (z * z - 1.0) / s - (a * normal[0] - b * normal[1]) / (s * mass)
        return f, np.array([f * in_mean, f * in_width])

    def _inverse(self, u):
        from scipy.special import ndtr, ndtri

        low = ndtr(-self.mean / self.width)
        high = ndtr((self.support - self.mean) / self.width)
        return np.clip(self.mean + self.width * ndtri(low + u * (high - low)), 0.0, self.support)


@dataclass(frozen=True)
class RaisedCosine(Delay):
    r"""One period of a cosine, raised: :math:`f(t) = (1 - \cos(\pi (t - u) / s)) / 2 s` for
    :math:`u < t < u + 2 s`, and 0 elsewhere.

    Parameters
    ----------
    start, width, support : float
        u from 0 to W, s from W / 100 to W / 2, and W. What lies beyond W is cut off, not rescaled.

    Examples
    --------
    >>> RaisedCosine(0.2, 0.3, 1.0).density([0.5]).round(4)
    array([3.3333])
    """

    start: float
    width: float
    support: float

    def bounds(self):
        return [(0.0, self.support), (0.01 * self.support, 0.5 * self.support)]

    def _values(self, t):
        s, angle = self.width, np.pi * (t - self.start) / self.width
        inside = (angle > 0.0) & (angle < 2.0 * np.pi) & (t >= 0.0) & (t <= self.support)
        f = np.where(inside, (1.0 - np.cos(angle)) / (2.0 * s), 0.0)
        slope = np.where(inside, np.sin(angle) / (2.0 * s), 0.0)  # in the angle
        return f, np.array([-slope * np.pi / s, -f / s - slope * angle / s])

    def _inverse(self, u):
        low, high = np.zeros_like(u), np.ones_like(u)  # z / 2s, where it is z/2s - sin(.) / 2 pi
        for _ in range(54):
            middle = 0.5 * (low + high)
            below = middle - np.sin(2.0 * np.pi * middle) / (2.0 * np.pi) < u
            low, high = np.where(below, middle, low), np.where(below, high, middle)
        return self.start + 2.0 * self.width * high


@dataclass(frozen=True)
class Kumaraswamy(Delay):
    r"""Kumaraswamy's law on [0, W]: with x = t / W,
    :math:`f(t) = a b\, x^{a-1} (1 - x^a)^{b-1} / W`, much like a beta law.

    Parameters
    ----------
    a, b, support : float
        a and b from 1 to 100, so that the density is bounded.

    Examples
    --------
    >>> Kumaraswamy(2.0, 3.0, 1.0).density([0.5]).round(4)
    array([1.6875])
    """

    a: float
    b: float
    support: float

    def bounds(self):
        return [(1.0, 100.0), (1.0, 100.0)]

    def _values(self, t):
        inside = (t > 0.0) & (t < self.support)
        x = np.where(inside, t / self.support, 0.5)
        log_x, power = np.log(x), x**self.a
        f = self.a * self.b * power / x * (1.0 - power) ** (self.b - 1.0) / self.support
        f = np.where(inside, f, 0.0)
        in_a = 1.0 / self.a + log_x - (self.b - 1.0) * power * log_x / (1.0 - power)
        return f, np.array([f * in_a, f * (1.0 / self.b + np.log1p(-power))])

    def _inverse(self, u):
        return self.support * (1.0 - (1.0 - u) ** (1.0 / self.b)) ** (1.0 / self.a)
