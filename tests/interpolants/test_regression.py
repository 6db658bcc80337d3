"""Fields fitted to draws, against the exact ones."""

import numpy as np
import pytest

from labcore.interpolants import Draws, between, examples, fit_fields, linear, mixture, solve_ode
from labcore.kernels import Gaussian
from labcore.random import uniform

NOISY = between(mixture([0.0]), mixture([-2.0, 2.0], 0.25), linear(1.0))
PLAIN = NOISY._replace(schedule=linear())
KERNEL = Gaussian((0.4, 1.5))
WAYS = pytest.mark.parametrize("features", [None, 100], ids=["kernel", "features"])


def fitted(path, n, *, seed=0, **options):
    draws = path.draw(n, rng=seed)
    penalty = 0.05 * np.sqrt(n)
    return fit_fields(path.schedule, draws, KERNEL, penalty=penalty, rng=seed, **options)


def mean_square(found, expected):
    return ((found - expected) ** 2).mean()


@WAYS
def test_errors_of_velocity_and_score_fall_with_the_number_of_draws(features):
    """Mean square errors at 2,000 draws of I_t, over three seeds: over four times as many draws
    both fall by a factor of at least 1.2, the velocity's to a twentieth of its mean square."""
    t = 0.5
    x = NOISY.schedule.interpolate(t, *NOISY.draw(2000, rng=99))
    exact = NOISY.velocity(t, x), NOISY.score(t, x)
    errors = []
    for n in (250, 1000):
        fits = [fitted(NOISY, n, seed=seed, features=features) for seed in range(3)]
        errors.append(
            [
                np.mean([mean_square(fit.velocity(t, x), exact[0]) for fit in fits]),
                np.mean([mean_square(fit.score(t, x), exact[1]) for fit in fits]),
            ]
        )
    assert (np.array(errors[0]) > 1.2 * np.array(errors[1])).all()
    assert errors[1][0] < 0.05 * (exact[0] ** 2).mean()


@WAYS
def test_the_fitted_flow_carries_the_source_near_the_target(features):
    """On the line, by quantiles of 2,000 particles: their mean distance to the target's is below
    0.3; the source's is above 1."""
    fields = fitted(PLAIN, 1500, features=features)
    assert fields.noise is None
    ends = solve_ode(fields.velocity, PLAIN.source.sample(2000, rng=5), (0.0, 1.0), steps=20)
    target = np.sort(PLAIN.target.sample(2000, rng=6)[:, 0])
    assert np.abs(np.sort(ends[:, -1, 0]) - target).mean() < 0.3
    assert np.abs(np.sort(ends[:, 0, 0]) - target).mean() > 1.0


def test_antithetic_noise_makes_the_velocity_more_accurate():
    """At t = 0.02, where dI/dt has a large variance, over five seeds."""
    t = 0.02
    x = NOISY.schedule.interpolate(t, *NOISY.draw(1000, rng=98))
    exact = NOISY.velocity(t, x)
    single, pairs = (
        np.mean(
            [
                mean_square(fitted(NOISY, n, seed=s, antithetic=both).velocity(t, x), exact)
                for s in range(5)
            ]
        )
        for n, both in ((800, False), (400, True))  # as many rows
    )
    assert pairs < 0.8 * single


def test_the_penalised_objective_is_least_at_the_fit():
    """Its slope in any direction of the kernel's space vanishes: sum (f - y) g + penalty <f, g> = 0
    for g = k(p, .), for which <f, g> = f(p)."""
    draws, penalty = PLAIN.draw(40, rng=1), 0.3
    fields = fit_fields(PLAIN.schedule, draws, KERNEL, penalty=penalty, rng=7)
    t = uniform(40, rng=7, stream=1 << 60)
    rows = examples(PLAIN.schedule, draws, t)
    inputs = np.column_stack([rows.t, rows.x])
    value = np.concatenate(
        [fields.velocity(s, y[None]) for s, y in zip(rows.t, rows.x, strict=True)]
    )
    for point in ([0.2, 0.5], [0.9, -1.0]):
        g = KERNEL(inputs, np.array([point]))[:, 0]
        slope = ((value - rows.y)[:, 0] * g).sum()
        slope += penalty * fields.velocity(point[0], [point[1]])[0, 0]
        assert slope == pytest.approx(0, abs=1e-9)


def test_bad_input():
    draws = PLAIN.draw(5, rng=1)
    with pytest.raises(ValueError, match="penalty must be positive, got 0"):
        fit_fields(linear(), draws, KERNEL, penalty=0.0)
    with pytest.raises(ValueError, match="features must be at least 1, got 0"):
        fit_fields(linear(), draws, KERNEL, penalty=1.0, features=0)
    with pytest.raises(ValueError, match=r"z must have the shape of x0, \(5, 1\), got \(4, 1\)"):
        fit_fields(linear(), draws._replace(z=draws.z[:4]), KERNEL, penalty=1.0)
    with pytest.raises(ValueError, match="x0 must be finite, got nan"):
        fit_fields(linear(), Draws(draws.x0 * np.nan, *draws[1:]), KERNEL, penalty=1.0)
    fields = fit_fields(linear(), draws, KERNEL, penalty=1.0, rng=0)
    with pytest.raises(ValueError, match=r"x must have 1 columns, got shape \(2, 2\)"):
        fields.velocity(0.5, np.zeros((2, 2)))
