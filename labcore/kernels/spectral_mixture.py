r"""The spectral mixture kernel: any stationary kernel, by a mixture of Gaussian spectra."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labcore import _validate as validate
from labcore._compile import compiled
from labcore._math import exp_of_negative, sin_cos_2pi
from labcore.kernels._pairs import tiles
from labcore.kernels.kernel import Kernel


@dataclass(frozen=True)
class SpectralMixture(Kernel):
    r"""The kernel whose spectral density is a mixture of q Gaussians and of their mirror images,

    .. math::

        k(x, y) = \sum_{j=1}^q w_j\,\cos\left(\mu_j \cdot (x - y)\right)
        \exp\left(-\tfrac12 \sum_{i=1}^d \sigma_{ji}^2 (x_i - y_i)^2\right),

    .. math::

        S(\omega) = \sum_{j=1}^q \tfrac12 w_j \left(N(\omega; \mu_j, \sigma_j^2)
        + N(\omega; -\mu_j, \sigma_j^2)\right).

    Mixtures of Gaussians approximate any density, so these kernels approximate any stationary one.

    Parameters
    ----------
    weights : sequence of q floats
        :math:`w_j > 0`; they add up to k(x, x).
    frequencies : array_like, shape (q, d) or (q,)
        :math:`\mu_j`, angular: :math:`2\pi` divided by a period.
    bandwidths : array_like, shape (q, d) or (q,)
        :math:`\sigma_{ji} > 0`: one over the lengthscale within which a component stays in phase.

    Notes
    -----
    The tunable parameters are the weights, the sizes of the frequencies that are not zero, and the
    bandwidths: a fit changes no sign and leaves a zero at zero. The likelihood has many maxima in
    the frequencies; start from the peaks of the data's periodogram.

    References
    ----------
    A. G. Wilson, R. P. Adams, "Gaussian process kernels for pattern discovery and extrapolation",
    ICML 2013, equations 9 to 12. (Equation 12 has a product of cosines over the coordinates in
    place of the cosine of the scalar product; the two are the same in one dimension.)

    Examples
    --------
    >>> SpectralMixture([1.0], [2 * np.pi], [0.5])([0.0], [0.5, 1.0]).round(4)
    array([[-0.9692,  0.8825]])
    """

    weights: Sequence[float]
    frequencies: Sequence[float]
    bandwidths: Sequence[float]

    def __post_init__(self):
        weights = validate.array("weights", self.weights, 1)
        frequencies = validate.points("frequencies", self.frequencies)
        bandwidths = validate.points("bandwidths", self.bandwidths)
        if not len(weights) or not len(weights) == len(frequencies) == len(bandwidths):
            raise ValueError(
                "weights, frequencies and bandwidths must have one row for each component, got "
                f"{len(weights)}, {len(frequencies)} and {len(bandwidths)}"
            )
        if frequencies.shape != bandwidths.shape:
            raise ValueError(
                "frequencies and bandwidths must have the same dimension, got "
                f"{frequencies.shape[1]} and {bandwidths.shape[1]}"
            )
        for name, values in (("weights", weights), ("bandwidths", bandwidths)):
            if values.min() <= 0:
                raise ValueError(f"{name} must be positive, got {values.min():g}")
        object.__setattr__(self, "weights", tuple(weights.tolist()))
        object.__setattr__(self, "frequencies", tuple(map(tuple, frequencies.tolist())))
        object.__setattr__(self, "bandwidths", tuple(map(tuple, bandwidths.tolist())))

    @property
    def _arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return np.array(self.weights), np.array(self.frequencies), np.array(self.bandwidths)

    @property
    def parameters(self):
        weights, frequencies, bandwidths = self._arrays
        sizes = abs(frequencies[frequencies != 0])
        return np.concatenate([weights, sizes, bandwidths.ravel()])

    def _rebuilt(self, values):
        weights, frequencies, bandwidths = self._arrays
        changed = frequencies != 0
        last = len(values) - bandwidths.size
        frequencies[changed] = np.sign(frequencies[changed]) * values[len(weights) : last]
        return SpectralMixture(
            values[: len(weights)], frequencies, values[last:].reshape(bandwidths.shape)
        )

    def _check(self, name, points):
        d = len(self.frequencies[0])
        if points.shape[1] != d:
            raise ValueError(
                f"{name} must have the dimension of frequencies, {d}, got {points.shape[1]}"
            )

    def _tile(self, x, y):
        return tiles(_gram, x, y, *self._arrays)

    def _diagonal(self, x):
        return np.full(len(x), sum(self.weights))

    def _components(self, x: np.ndarray, y: np.ndarray):
        """For each component its weight, frequency and bandwidth, envelope, cosine and sine."""
        difference = x[:, None] - y
        for weight, frequency, bandwidth in zip(*self._arrays, strict=True):
            envelope = weight * np.exp(-0.5 * np.square(bandwidth * difference).sum(axis=2))
            phase = difference @ frequency
            yield weight, frequency, bandwidth, envelope, np.cos(phase), np.sin(phase)

    def _gradients(self, x):
        difference = np.moveaxis(x[:, None] - x, 2, 0)
        of_weights, of_frequencies, of_bandwidths = [], [], []
        for _, frequency, bandwidth, envelope, cosine, sine in self._components(x, x):
            value = envelope * cosine
            of_weights.append(value)
            of_frequencies += [
                -envelope * sine * f * t for f, t in zip(frequency, difference, strict=True) if f
            ]
            of_bandwidths += [
                -value * (b * t) ** 2 for b, t in zip(bandwidth, difference, strict=True)
            ]
        return self(x), of_weights + of_frequencies + of_bandwidths

    def _slope(self, x, y):
        difference = x[:, None] - y
        out = np.zeros_like(difference)
        for _, frequency, bandwidth, envelope, cosine, sine in self._components(x, y):
            out -= (envelope * sine)[..., None] * frequency
            out -= (envelope * cosine)[..., None] * bandwidth**2 * difference
        return out

    def _spectral_density(self, omega):
        out = np.zeros(len(omega))
        for weight, frequency, bandwidth in zip(*self._arrays, strict=True):
            constant = 0.5 * weight / np.prod(math.sqrt(2 * math.pi) * bandwidth)
            for sign in (1, -1):
                z = (omega - sign * frequency) / bandwidth
                out += constant * np.exp(-0.5 * (z * z).sum(axis=1))
        return out

    def _frequencies(self, z, choice, mixing):
        weights, means, bandwidths = self._arrays
        component = np.searchsorted(np.cumsum(weights / weights.sum())[:-1], choice)
        sign = np.where(mixing < 0.5, 1.0, -1.0)[:, None]
        return sign * means[component] + bandwidths[component] * z

    def __str__(self):
        return f"SpectralMixture({len(self.weights)} components)"


@compiled
def _gram(x, columns, first, out, left, count, weights, frequencies, bandwidths):
    for i in range(x.shape[0]):
        row = out[i, left : left + count]
        for j in range(count):
            row[j] = 0.0
        for c in range(weights.size):
            for j in range(count):
                exponent, turns = 0.0, 0.0
                for k in range(x.shape[1]):
                    difference = x[i, k] - columns[k, first + j]
                    exponent += (bandwidths[c, k] * difference) ** 2
                    turns += frequencies[c, k] * difference
                _, cosine = sin_cos_2pi(turns / (2.0 * math.pi))
                row[j] += weights[c] * cosine * exp_of_negative(-0.5 * exponent)
