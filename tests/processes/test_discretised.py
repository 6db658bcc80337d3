"""Delays, clusters, and the fit on a grid."""

import numpy as np
import pytest
from scipy.integrate import quad

from labcore.processes import (
    Hawkes,
    Kumaraswamy,
    RaisedCosine,
    TruncatedGaussian,
    fit_discretised_hawkes,
    merged_events,
    simulate_clusters,
)
from labcore.processes.discretised import precomputed, row_loss

LAWS = [
    TruncatedGaussian(0.4, 0.3, 1.5),
    RaisedCosine(0.2, 0.4, 1.5),
    Kumaraswamy(2.0, 3.0, 1.5),
]
laws = pytest.mark.parametrize("law", LAWS, ids=[type(law).__name__ for law in LAWS])


@laws
def test_densities_integrate_to_the_quantiles(law):
    def density(t):
        return law.density([t])[0]

    assert quad(density, 0.0, 1.5, points=[0.2, 1.0])[0] == pytest.approx(1.0, abs=1e-7)
    u = np.array([0.01, 0.3, 0.9])
    for part, t in zip(u, law.quantile(u), strict=True):
        assert quad(density, 0.0, t, points=[min(0.2, t)])[0] == pytest.approx(part, abs=1e-7)


@laws
def test_the_gradient_of_a_density_is_its_derivative(law):
    t, h = np.linspace(0.06, 1.44, 29), 1e-6
    for k in range(2):
        up, down = law.parameters, law.parameters
        up[k] += h
        down[k] -= h
        difference = law.with_parameters(up).density(t) - law.with_parameters(down).density(t)
        np.testing.assert_allclose(law.density_gradient(t)[k], difference / (2 * h), atol=1e-6)


def test_the_loss_from_sums_is_the_loss_and_its_gradient_is_the_derivative():
    rng, step, lags = np.random.default_rng(1), 0.1, 7
    events = merged_events([rng.uniform(0, 9.0, 30), [0.2, 8.9, 9.0]], 9.0)
    sums = precomputed(events, 2, step, lags)
    z = np.zeros((2, 91))
    np.add.at(z, (events.components, np.rint(events.times / step).astype(int)), 1.0)
    for i in range(2):
        mu, v = rng.uniform(), rng.uniform(size=(2, lags))
        intensity = mu + sum(np.convolve(np.r_[0.0, v[j]], z[j])[:91] for j in range(2))
        brute = step * np.sum(intensity**2) - 2.0 * np.sum(z[i] * intensity)
        value, in_mu, in_v = row_loss(sums, i, mu, v.ravel(), step)
        assert value == pytest.approx(brute, rel=1e-11)
        h = 1e-5
        numerical = [
            (row_loss(sums, i, mu, v.ravel() + e, step)[0]
            - row_loss(sums, i, mu, v.ravel() - e, step)[0]) / (2 * h)
            for e in h * np.eye(2 * lags)
        ]  # fmt: skip
        np.testing.assert_allclose(in_v, numerical, rtol=1e-6, atol=1e-7)
        up, down = (row_loss(sums, i, mu + e, v.ravel(), step)[0] for e in (h, -h))
        assert in_mu == pytest.approx((up - down) / (2 * h), rel=1e-6)


def test_clusters_have_the_stationary_mean_of_any_hawkes_process():
    adjacency = [[0.1, 0.5], [0.3, 0.2]]
    events = simulate_clusters([0.5, 0.8], adjacency, LAWS[2], 20_000.0, rng=2)
    process = Hawkes([0.5, 0.8], adjacency, 1.0)
    rates = np.bincount(events.components) / 20_000.0
    error = 5.0 * np.sqrt(np.diag(process.count_covariance(20_000.0))) / 20_000.0
    np.testing.assert_array_less(np.abs(rates - process.mean_intensity()), error + 1e-3)


@laws
def test_the_fit_finds_the_delays(law):
    events = simulate_clusters([1.0], [[0.6]], law, 4000.0, rng=3)
    start = law.with_parameters(1.2 * law.parameters)
    fit = fit_discretised_hawkes(events, 1, start, step=0.02)
    assert fit.adjacency[0, 0] == pytest.approx(0.6, abs=0.07)
    assert fit.baseline[0] == pytest.approx(1.0, abs=0.12)
    t = np.linspace(0.0, 1.5, 50)
    error = np.abs(fit.delays[0][0].density(t) - law.density(t)).mean()
    assert error < 0.1 * law.density(t).mean()


LAW, EVENTS = LAWS[0], merged_events([[1.0, 2.0]], 3.0)
BAD = {
    "width": (lambda: TruncatedGaussian(0.4, -0.3, 1.5), ValueError, "width must be from"),
    "support": (lambda: Kumaraswamy(2.0, 2.0, 0.0), ValueError, "support must be positive"),
    "quantile": (lambda: LAW.quantile([1.0]), ValueError, "u must be between 0 and 1"),
    "delays": (lambda: simulate_clusters([1.0], [[0.5]], "x", 1.0), TypeError, "must be a Delay"),
    "unstable": (lambda: simulate_clusters([1.0], [[1.5]], LAW, 1.0), ValueError, "radius below"),
    "end": (lambda: simulate_clusters([1.0], [[0.5]], LAW, 0.0), ValueError, "end must be pos"),
    "step": (lambda: fit_discretised_hawkes(EVENTS, 1, LAW, step=1.0), ValueError, "at most half"),
    "silent": (lambda: fit_discretised_hawkes(EVENTS, 2, LAW, step=0.1), ValueError, "each of 2"),
    "supports": (
        lambda: fit_discretised_hawkes(
            EVENTS, 2, [[LAW, LAW], [LAW, Kumaraswamy(2.0, 2.0, 1.0)]], step=0.1
        ),
        ValueError,
        "one support",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
