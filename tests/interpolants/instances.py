"""The instances over which the properties of interpolants are tested."""

import numpy as np

from labcore.interpolants import (
    Schedule,
    checked,
    encoding_decoding,
    linear,
    mirror,
    mixture,
    one_sided,
    ornstein_uhlenbeck,
    trigonometric,
    variance_exploding,
    variance_preserving,
)

QUADRATIC = checked(
    Schedule(
        name="quadratic target, smooth noise",
        alpha=lambda t: 1.0 - t,
        beta=lambda t: t**2,
        gamma=lambda t: t * (1.0 - t),
        alpha_rate=lambda t: -np.ones_like(t),
        beta_rate=lambda t: 2.0 * t,
        gamma_squared_rate=lambda t: 2.0 * t * (1.0 - t) * (1.0 - 2.0 * t),
    )
)
SCHEDULES = [
    linear(),
    linear(noise=2.0),
    trigonometric(),
    trigonometric(noise=0.5),
    encoding_decoding(),
    QUADRATIC,
]
ONE_SIDED = [
    one_sided(linear()),
    one_sided(linear(noise=1.0)),
    one_sided(trigonometric()),
    ornstein_uhlenbeck(),
]
MIRROR = mirror(0.8)
# How each joins its ends; the last two do not reach one of theirs.
ENDS = [
    *((schedule, "two-sided") for schedule in SCHEDULES),
    *((schedule, "one-sided") for schedule in ONE_SIDED),
    (MIRROR, "mirror"),
]
ALL_SCHEDULES = [
    *(schedule for schedule, _ in ENDS),
    variance_preserving(),
    variance_exploding(3.0, 2.0),
]
LINE_SOURCE = mixture([-1.5, 1.0], [0.3, 0.8], [0.4, 0.6])
LINE_TARGET = mixture([-2.0, 0.5, 2.5], [0.2, 0.1, 0.4], [0.5, 0.2, 0.3])
PLANE_SOURCE = mixture(
    [[0.0, 0.0], [1.0, -2.0]], [[[1.0, 0.3], [0.3, 0.5]], [[0.4, 0.0], [0.0, 0.9]]], [0.7, 0.3]
)
PLANE_TARGET = mixture([[2.0, 1.0], [-2.0, 1.0], [0.0, -2.0]], [0.2, 0.3, 0.1], [0.5, 0.3, 0.2])
WHITE = mixture(np.zeros((1, 2)))
