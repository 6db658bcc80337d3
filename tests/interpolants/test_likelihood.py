"""Likelihoods of flows, and the two ways to a divergence."""

import numpy as np
import pytest

from labcore.interpolants import (
    HEUN,
    between,
    divergence_by_differences,
    encoding_decoding,
    hutchinson_divergence,
    linear,
    log_likelihood,
    solve_ode,
    trigonometric,
)

from .instances import LINE_SOURCE, LINE_TARGET, PLANE_SOURCE, PLANE_TARGET

PATHS = [
    between(PLANE_SOURCE, PLANE_TARGET, s)
    for s in (linear(), linear(2.0), trigonometric(0.5), encoding_decoding())
]
every_path = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.schedule.name)
JACOBIAN = np.array([[1.0, 2.0, 0.5], [-1.0, 0.3, 0.0], [4.0, 1.0, -2.0]])


def affine(t, x):
    return x @ JACOBIAN.T + t


@every_path
def test_likelihood_along_the_ode_is_the_density_of_the_target(path):
    x = PLANE_TARGET.sample(30, rng=61)
    found = log_likelihood(path.velocity, path.divergence, PLANE_SOURCE.log_density, x, steps=150)
    np.testing.assert_allclose(found, PLANE_TARGET.log_density(x), atol=2e-3)


def test_error_of_the_likelihood_falls_with_the_order():
    path = between(LINE_SOURCE, LINE_TARGET, trigonometric(1.0))
    x = LINE_TARGET.sample(20, rng=62)
    errors = [
        np.abs(
            log_likelihood(
                path.velocity, path.divergence, LINE_SOURCE.log_density, x, steps=s, method=HEUN
            )
            - LINE_TARGET.log_density(x)
        ).max()
        for s in (80, 160)
    ]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(2, abs=0.3)


def test_a_density_along_the_flow_of_a_wrong_velocity_integrates_to_one():
    """It is the law of the samples, whatever the velocity; here one that is wrong by sin 3x / 2. By
    quadrature, and against the histogram of 20,000 particles: 4.5 standard errors a bin."""
    path = between(LINE_SOURCE, LINE_TARGET, linear())

    def wrong(t, x):
        return path.velocity(t, x) + 0.5 * np.sin(3 * x)

    x = np.linspace(-6, 7, 2001)
    density = np.exp(
        log_likelihood(
            wrong, divergence_by_differences(wrong), LINE_SOURCE.log_density, x, steps=60
        )
    )
    assert np.trapezoid(density, x) == pytest.approx(1, abs=1e-4)
    assert np.abs(density - np.exp(LINE_TARGET.log_density(x))).max() > 0.05
    ends = solve_ode(wrong, LINE_SOURCE.sample(20_000, rng=1), steps=60)[:, -1, 0]
    edges = x[::200]
    counts, _ = np.histogram(ends, edges)
    cumulative = np.concatenate([[0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(x))])
    expected = 20_000 * np.diff(cumulative[::200])
    assert (np.abs(counts - expected) < 4.5 * np.sqrt(expected + 1) + 1).all()


@every_path
@pytest.mark.parametrize("t", [0.2, 0.7])
def test_differences_give_the_exact_divergence(path, t):
    x = np.random.default_rng(3).normal(size=(20, 2))
    found = divergence_by_differences(path.velocity)(t, x)
    np.testing.assert_allclose(found, path.divergence(t, x), atol=1e-7)


@pytest.mark.parametrize("law", ["rademacher", "normal"])
@pytest.mark.parametrize("probes", [1, 4])
def test_hutchinson_is_unbiased_with_the_variance_of_its_formula(law, probes):
    """40,000 particles; the mean within 4.5 standard errors of the trace, the variance within 5 per
    cent (its standard error is below 1.2)."""
    n = 40_000
    found = hutchinson_divergence(affine, probes=probes, law=law, rng=5)(0.3, np.zeros((n, 3)))
    symmetric = 0.5 * (JACOBIAN + JACOBIAN.T)
    variance = 2 / probes * (symmetric**2).sum()
    if law == "rademacher":
        variance -= 2 / probes * (np.diagonal(symmetric) ** 2).sum()
    assert abs(found.mean() - np.trace(JACOBIAN)) < 4.5 * np.sqrt(variance / n)
    assert found.var() == pytest.approx(variance, rel=0.05)


def test_signs_are_exact_where_each_coordinate_moves_by_itself():
    x = np.random.default_rng(4).normal(size=(10, 4))
    found = hutchinson_divergence(lambda t, y: np.sin(y), rng=1)(0.0, x)
    np.testing.assert_allclose(found, np.cos(x).sum(axis=1), atol=1e-9)


def test_a_particle_keeps_its_directions():
    """At all times, and when others are added; another seed gives others."""
    x = np.random.default_rng(6).normal(size=(9, 3))
    divergence = hutchinson_divergence(affine, rng=2)
    once = divergence(0.1, x)
    np.testing.assert_allclose(divergence(0.9, x[:4]), once[:4], atol=1e-8)
    assert np.abs(hutchinson_divergence(affine, rng=3)(0.1, x) - once).max() > 0.1


def test_the_likelihood_by_hutchinson_is_unbiased():
    """The mean over 400 seeds at one point, within 4.5 of its standard errors, which are 0.05."""
    path, x = PATHS[1], np.tile([[1.0, 0.5]], (400, 1))
    found = log_likelihood(
        path.velocity,
        hutchinson_divergence(path.velocity, rng=7),
        PLANE_SOURCE.log_density,
        x,
        steps=40,
    )
    exact = PLANE_TARGET.log_density(x[:1])[0]
    assert 0.1 < found.std()
    assert abs(found.mean() - exact) < 4.5 * found.std() / 20


def test_bad_input():
    with pytest.raises(ValueError, match="law must be rademacher or normal, got 'cauchy'"):
        hutchinson_divergence(affine, law="cauchy")
    with pytest.raises(ValueError, match="probes must be at least 1, got 0"):
        hutchinson_divergence(affine, probes=0)
    for make in (hutchinson_divergence, divergence_by_differences):
        with pytest.raises(ValueError, match="step must be positive, got 0"):
            make(affine, step=0)
        with pytest.raises(ValueError, match=r"velocity\(t, x\) must have shape \(2, 1\), got"):
            make(lambda t, x: x[:, 0])(0.0, np.zeros((2, 1)))
    with pytest.raises(
        ValueError, match=r"divergence\(t, x\) must have shape \(1,\), got \(1, 3\)"
    ):
        log_likelihood(affine, affine, lambda x: x[:, 0], np.zeros((1, 3)))
