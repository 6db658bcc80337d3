r"""Velocity, score and denoiser fitted to draws, by kernel ridge regression in time and space.

Nothing is assumed of the two laws but that they can be sampled. The kernel is one of the points
:math:`(t, x)` of dimension 1 + d, with a lengthscale for time and others for space; a fit minimises
:math:`\sum_i \norm{f(t_i, I_{t_i}) - Y_i}^2 + \lambda \norm f^2` for the conditional means of
`labcore.interpolants.objectives`.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from labcore._validate import integer, points, positive, real
from labcore.interpolants.between_mixtures import Draws
from labcore.interpolants.fields import Fields
from labcore.interpolants.objectives import examples
from labcore.interpolants.schedules import Schedule
from labcore.kernels import Kernel, feature_ridge, fourier_features, kernel_ridge
from labcore.random import seed_from, uniform

_TIME_STREAM = 1 << 60  # not one of the draws of the same seed


@dataclass(frozen=True, eq=False)
class FittedField:
    """A function of the points (t, x) as a field. Made by `fit_fields`.

    Call it with a time and (n, d) points to get (n, d) values.
    """

    fit: Callable[[np.ndarray], np.ndarray] = field(repr=False)
    dimension: int

    def __call__(self, t: float, x: np.ndarray) -> np.ndarray:
        x = points("x", x)
        if x.shape[1] != self.dimension:
            raise ValueError(f"x must have {self.dimension} columns, got shape {x.shape}")
        return self.fit(np.column_stack([np.full(len(x), real("t", t)), x]))


def fit_fields(
    schedule: Schedule,
    draws: Draws,
    kernel: Kernel,
    *,
    penalty: float,
    features: int | None = None,
    antithetic: bool = True,
    rng: int | np.random.Generator | None = None,
) -> Fields:
    r"""Velocity and noise of an interpolant, fitted to draws of its ends.

    Parameters
    ----------
    schedule : Schedule
    draws : Draws
        The two ends, row by row in pairs, and standard normal noise: arrays of shape (n, d).
    kernel : Kernel
        Of points (t, x) of dimension 1 + d: for example ``Gaussian((0.3, 1.0, 1.0))`` in the plane,
        with 0.3 the lengthscale of time.
    penalty : float
        :math:`\lambda`, positive. Not divided by n.
    features : int, optional
        Fit with so many random frequencies (twice as many features) in place of the kernel itself,
        at a cost linear in n. The kernel has to be one that `fourier_features` can take.
    antithetic : bool, default True
        Where the schedule has noise, use each pair of ends with z and with -z: 2n rows. See
        `examples`.
    rng : int, numpy.random.Generator or None
        The seed (see `labcore.random.seed_from`) of the times, one for each row, and of the
        frequencies.

    Returns
    -------
    Fields
        With a `noise` if the schedule has any: its `score` and `denoise` follow.

    Raises
    ------
    ValueError
        If shapes do not fit, values are not finite, or the penalty is not positive.
    numpy.linalg.LinAlgError
        If the penalty is lost in rounding.

    Notes
    -----
    With m rows (2n of antithetic pairs, else n) the kernel costs :math:`m^3/3` operations and
    :math:`m^2` numbers, and an evaluation at k points O(k m): m up to 10,000. With D frequencies a
    fit costs :math:`4 m D^2`, an evaluation O(k D).

    What is fitted is a conditional mean, under draws whose spread about it does not shrink with n:
    the errors fall slowly, and the penalty should grow with n, more slowly than n. It fails where
    the field changes faster than the lengthscales: late in time towards narrow modes or separate
    data points, where the exact velocity has slopes of :math:`1/(1 - t)`; there a smooth fit sends
    particles between the modes. And outside the draws a fit returns to zero (with features, to
    nothing meaningful): an ODE that has left them does not come back. M. S. Albergo, N. M. Boffi,
    E. Vanden-Eijnden, arXiv:2303.08797, for the objectives.

    Examples
    --------
    >>> from labcore.interpolants import between, linear, mixture
    >>> from labcore.kernels import Gaussian
    >>> path = between(mixture([0.0]), mixture([4.0]), linear(noise=1.0))
    >>> fields = fit_fields(
    ...     path.schedule, path.draw(1000, rng=1), Gaussian((0.5, 2.0)), penalty=1.0, rng=2
    ... )
    >>> fields.velocity(0.5, [2.0, 3.0])[:, 0].round(1), path.velocity(0.5, [2.0, 3.0])[:, 0]
    (array([4.1, 4.1]), array([4., 4.]))
    """
    seed, penalty = int(seed_from(rng)), positive("penalty", penalty)
    t = uniform(len(draws.x0), rng=seed, stream=_TIME_STREAM)
    noisy = bool((schedule.at(t).gamma > 0.0).any())

    def fitted(of: str) -> FittedField:
        rows = examples(schedule, draws, t, of=of, antithetic=antithetic and noisy)
        inputs = np.column_stack([rows.t, rows.x])
        if features is None:
            fit = kernel_ridge(kernel, inputs, rows.y, penalty=penalty)
        else:
            fit = feature_ridge(embed, inputs, rows.y, penalty=penalty)
        return FittedField(fit, rows.x.shape[1])

    if features is not None:
        count = integer("features", features, 1)
        another = int(seed_from(np.random.default_rng(seed)))  # not that of the draws
        embed = fourier_features(kernel, 1 + np.shape(draws.x0)[1], count, rng=another)
    return Fields(schedule, fitted("velocity"), fitted("noise") if noisy else None)
