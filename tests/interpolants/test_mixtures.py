"""Gaussian mixtures against SciPy, finite differences and their moments."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import kstest, multivariate_normal, norm

from labcore.interpolants import mixture
from labcore.interpolants.mixtures import assign, average_affine, average_divergence

from .instances import LINE_SOURCE, LINE_TARGET, PLANE_SOURCE, PLANE_TARGET

MIXTURES = [LINE_SOURCE, LINE_TARGET, PLANE_SOURCE, PLANE_TARGET, mixture(np.zeros((1, 5)), 2.0)]
every = pytest.mark.parametrize("law", MIXTURES, ids=lambda m: f"K{len(m.weights)}d{m.dimension}")


def _somewhere(law, n=40):
    return np.random.default_rng(5).normal(scale=2.0, size=(n, law.dimension))


@every
def test_log_density_is_scipys(law):
    x = _somewhere(law)
    parts = [np.log(w) + multivariate_normal(m, C).logpdf(x) for w, m, C in zip(*law, strict=True)]
    np.testing.assert_allclose(law.log_density(x), logsumexp(parts, axis=0), rtol=1e-12)


@every
def test_score_is_the_gradient_of_the_log_density(law):
    x, h = _somewhere(law), 1e-5
    for a, step in enumerate(h * np.eye(law.dimension)):
        difference = (law.log_density(x + step) - law.log_density(x - step)) / (2 * h)
        np.testing.assert_allclose(law.score(x)[:, a], difference, rtol=1e-7, atol=1e-8)


@every
def test_responsibilities_are_bayes_rule(law):
    x = _somewhere(law)
    joint = np.array([w * multivariate_normal(m, C).pdf(x) for w, m, C in zip(*law, strict=True)])
    r = assign(law, x).responsibilities
    np.testing.assert_allclose(r, (joint / joint.sum(axis=0)).T, rtol=1e-9, atol=1e-14)


@every
def test_divergence_of_an_average_is_the_trace_of_its_jacobian(law):
    rng = np.random.default_rng(6)
    count, d = law.means.shape
    constants, matrices = rng.normal(size=(count, d)), rng.normal(size=(count, d, d))
    x, h = _somewhere(law), 1e-5

    def average(y):
        return average_affine(law, assign(law, y), y, constants, matrices)

    trace = sum(
        (average(x + h * e) - average(x - h * e))[:, a] / (2 * h) for a, e in enumerate(np.eye(d))
    )
    exact = average_divergence(law, assign(law, x), x, constants, matrices)
    np.testing.assert_allclose(exact, trace, rtol=1e-6, atol=1e-7)


def test_far_from_everything_nothing_underflows():
    law = mixture([-1.0, 1.0])
    x = np.array([1e4, -1e4])
    np.testing.assert_allclose(law.score(x)[:, 0], [1 - 1e4, 1e4 - 1], rtol=1e-12)
    expected = np.log(0.5) + norm.logpdf(1e4, 1.0)
    np.testing.assert_allclose(law.log_density(x), expected, rtol=1e-12)


@every
def test_moments_of_samples(law):
    """20,000 draws, each moment within 4.5 standard errors: a mean that is off by a twentieth of a
    standard deviation is found with probability 0.99, and a sound sampler fails once in 10^4."""
    n = 20_000
    x = law.sample(n, rng=11)
    mean, covariance = law.mean(), law.covariance()
    sd = np.sqrt(np.diag(covariance))
    assert (np.abs(x.mean(axis=0) - mean) < 4.5 * sd / np.sqrt(n)).all()
    products = np.einsum("na,nb->nab", x - mean, x - mean)
    errors = products.std(axis=0) / np.sqrt(n)
    assert (np.abs(products.mean(axis=0) - covariance) < 4.5 * errors).all()


def test_samples_on_the_line_pass_kolmogorov_smirnov():
    """At level 10^-3 on 5,000 draws, where a distance of 0.05 is found almost surely."""

    def cdf(x):
        return sum(
            w * norm.cdf(x, m[0], np.sqrt(C[0, 0])) for w, m, C in zip(*LINE_TARGET, strict=True)
        )

    assert kstest(LINE_TARGET.sample(5000, rng=2)[:, 0], cdf).pvalue > 1e-3


def test_a_longer_sample_begins_with_the_shorter_one():
    short, long = PLANE_TARGET.sample(5, rng=3), PLANE_TARGET.sample(9, rng=3)
    assert (long[:5] == short).all()
    assert (PLANE_TARGET.sample(4, rng=3, first_stream=5) == long[5:]).all()


def test_covariance_in_its_three_forms():
    one, each = mixture(np.eye(2), 3.0), mixture(np.eye(2), [3.0, 3.0])
    full = mixture(np.eye(2), 3.0 * np.array([np.eye(2), np.eye(2)]))
    assert (one.covariances == each.covariances).all()
    assert (one.covariances == full.covariances).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[0.0]], 1.0, [0.0]), "weights must be 1 positive numbers"),
        (([[0.0]], 1.0, [1.0, 1.0]), "weights must be 1 positive numbers"),
        (([[0.0], [1.0]], [1.0, 1.0, 1.0]), "covariances must be 2 variances, got 3"),
        (([[0.0], [1.0]], np.ones((2, 2, 2))), r"covariances must have shape \(2, 1, 1\)"),
        (([[0.0, 1.0]], [[[1.0, 0.5], [0.2, 1.0]]]), "covariances must be symmetric"),
        (([[0.0, 1.0]], [[[1.0, 2.0], [2.0, 1.0]]]), "number 0 has eigenvalue -1"),
        (([0.0, np.nan],), r"means must be finite, got nan at \[1\]"),
        ((np.zeros((0, 2)),), "means must hold at least one mean"),
    ],
)
def test_bad_parts_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        mixture(*arguments)


def test_points_of_another_dimension_are_refused():
    with pytest.raises(ValueError, match=r"x must have 2 columns, got shape \(3, 1\)"):
        PLANE_SOURCE.log_density([1.0, 2.0, 3.0])
