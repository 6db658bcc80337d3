"""What follows from a velocity and a mean noise, against the closed forms."""

import numpy as np
import pytest

from labcore.interpolants import (
    Draws,
    Fields,
    between,
    encoding_decoding,
    examples,
    linear,
    trigonometric,
)

from .instances import MIRROR, ONE_SIDED, PLANE_SOURCE, PLANE_TARGET, WHITE

X = np.random.default_rng(0).normal(size=(15, 2))


@pytest.mark.parametrize("t", [0.1, 0.35, 0.8])
def test_score_and_means_of_the_draws_follow_from_velocity_and_noise(schedule, t):
    path = between(WHITE, PLANE_TARGET, schedule)
    noisy = path.schedule.at(0.3).gamma > 0
    fields = Fields(schedule, path.velocity, (lambda t, x: path.denoise(t, x).z) if noisy else None)
    np.testing.assert_allclose(fields.score(t, X), path.score(t, X), atol=1e-9)
    for found, expected in zip(fields.denoise(t, X), path.denoise(t, X), strict=True):
        if not np.isnan(found).all():  # an end that plays no part
            np.testing.assert_allclose(found, expected, atol=1e-9)


@pytest.mark.parametrize("schedule", ONE_SIDED, ids=lambda s: s.name)
def test_of_a_one_sided_interpolant_the_velocity_tells_all(schedule):
    path = between(WHITE, PLANE_TARGET, schedule)
    fields, expected = Fields(schedule, path.velocity), path.denoise(0.4, X)
    found = fields.denoise(0.4, X)
    np.testing.assert_allclose(found.x1, expected.x1, atol=1e-9)
    np.testing.assert_allclose(found.z, expected.z, atol=1e-9)
    assert np.isnan(found.x0).all()
    np.testing.assert_allclose(fields.score(0.4, X), path.score(0.4, X), atol=1e-9)


def test_an_end_that_plays_no_part_is_nan():
    path = between(PLANE_SOURCE, PLANE_TARGET, encoding_decoding())
    fields = Fields(path.schedule, path.velocity, lambda t, x: path.denoise(t, x).z)
    early, late = fields.denoise(0.2, X), fields.denoise(0.7, X)
    assert np.isnan(early.x1).all()
    assert np.isnan(late.x0).all()
    np.testing.assert_allclose(early.x0, path.denoise(0.2, X).x0, atol=1e-9)
    np.testing.assert_allclose(late.x1, path.denoise(0.7, X).x1, atol=1e-9)


def test_what_cannot_be_told_is_an_error():
    zero = np.zeros_like
    plain = Fields(linear(), lambda t, x: zero(x))
    noisy = Fields(linear(1.0), lambda t, x: zero(x), lambda t, x: zero(x))
    with pytest.raises(ValueError, match="alpha is 0 at t = 1: there is no score there"):
        plain.score(1.0, X)
    with pytest.raises(ValueError, match="gamma is 0 at t = 0: there is no score there"):
        noisy.score(0.0, X)
    with pytest.raises(ValueError, match="the slope of gamma is infinite at t = 0"):
        noisy.denoise(0.0, X)
    with pytest.raises(ValueError, match="gamma is 0.5 at t = 0.5: a field of noise is needed"):
        noisy._replace(noise=None).denoise(0.5, X)
    with pytest.raises(ValueError, match="does not tell the draws apart"):
        Fields(MIRROR, lambda t, x: zero(x)).denoise(0.5, X)


@pytest.mark.parametrize("of", ["velocity", "noise", "source", "target"])
def test_examples_are_the_interpolant_and_its_rate_row_by_row(schedule, of):
    draws = Draws(*np.random.default_rng(1).normal(size=(3, 6, 2)))
    t = np.linspace(0.1, 0.9, 6)
    found = examples(schedule, draws, t, of=of)
    for i in range(6):
        row = [part[i : i + 1] for part in draws]
        np.testing.assert_allclose(found.x[i : i + 1], schedule.interpolate(t[i], *row))
        wanted = {"source": row[0], "target": row[1], "noise": row[2]}
        wanted["velocity"] = schedule.interpolate_rate(t[i], *row)
        np.testing.assert_allclose(found.y[i : i + 1], wanted[of])
    both = examples(schedule, draws, t, of=of, antithetic=True)
    mirrored = examples(schedule, draws._replace(z=-draws.z), t, of=of)
    for pair, one, other in zip(both, found, mirrored, strict=True):
        assert (pair == np.concatenate([one, other])).all()


def test_the_variance_of_an_antithetic_pair_stays_bounded_at_the_ends():
    """For f(x) = sin x, at t -> 0: var of dI/dt f(I) grows like 1/t; of the mean over a pair not.
    20,000 draws; both variances have relative errors of a few per cent."""
    draws = between(WHITE, PLANE_TARGET, linear(2.0)).draw(20_000, rng=3)

    def variances(t):
        found = examples(linear(2.0), draws, np.full(20_000, t), antithetic=True)
        product = (found.y * np.sin(found.x))[:, 0]
        return product[:20_000].var(), (0.5 * (product[:20_000] + product[20_000:])).var()

    (single, pair), (earlier_single, earlier_pair) = variances(1e-3), variances(1e-5)
    assert earlier_single / single == pytest.approx(100, rel=0.2)
    assert earlier_pair == pytest.approx(pair, rel=0.2)


def test_bad_examples_are_refused():
    draws = Draws(*np.zeros((3, 2, 1)))
    with pytest.raises(ValueError, match="of must be one of velocity, noise, source, target"):
        examples(linear(), draws, [0.1, 0.2], of="drift")
    with pytest.raises(ValueError, match="t must hold one time for each of 2 draws, got 1"):
        examples(linear(), draws, [0.1])
    with pytest.raises(ValueError, match=r"z must have the shape of x0, \(2, 1\), got \(3, 1\)"):
        examples(linear(), draws._replace(z=np.zeros((3, 1))), [0.1, 0.2])
    with pytest.raises(ValueError, match="t must not be 1, where the slope of gamma is infinite"):
        examples(linear(1.0), draws, [0.1, 1.0])
    with pytest.raises(ValueError, match=r"t must lie in \[0, 1\], got -0.5"):
        examples(trigonometric(), draws, [0.1, -0.5])
    with pytest.raises(ValueError, match="x1 must be finite, got nan"):
        examples(linear(), draws._replace(x1=np.full((2, 1), np.nan)), [0.1, 0.2])
