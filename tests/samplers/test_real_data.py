"""A posterior on real data: two species of Fisher's irises, told apart by their petals."""

import numpy as np
import pytest
from sklearn.datasets import load_iris

from labcore.samplers import (
    HMC,
    NUTS,
    evaluate,
    logistic_regression,
    monte_carlo_error,
    sample,
    split_rhat,
)

GRID = 61  # points in each direction: doubling it moves no moment by 1e-4


@pytest.fixture(scope="module")
def target():
    data = load_iris()
    two = data.target > 0  # versicolor and virginica: they overlap
    petals = data.data[two][:, 2:]
    petals = (petals - petals.mean(axis=0)) / petals.std(axis=0)
    features = np.column_stack([np.ones(len(petals)), petals])
    return logistic_regression(features, data.target[two] - 1, scale=3.0)


@pytest.fixture(scope="module")
def moments(target):
    """Mean and deviation of each weight by the rectangle rule, spectrally accurate here."""
    axes = [
        np.linspace(-3.0, 4.5, GRID),
        np.linspace(-4.0, 13.0, GRID),
        np.linspace(-2.0, 14.0, GRID),
    ]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    values = evaluate(target, points)[0]
    weights = np.exp(values - values.max())
    edge = weights.reshape(GRID, GRID, GRID)
    assert max(edge[[0, -1]].max(), edge[:, [0, -1]].max(), edge[:, :, [0, -1]].max()) < 1e-5
    weights /= weights.sum()
    mean = weights @ points
    return mean, np.sqrt(weights @ (points - mean) ** 2)


@pytest.mark.parametrize("sampler", [NUTS(), HMC(0.3, 8)], ids=["NUTS", "HMC"])
def test_the_posterior_has_the_moments_of_quadrature(target, moments, sampler):
    """Each mean within 4 of its standard errors, each deviation within 5 % (about 4 of its own)."""
    chains = sample(sampler, target, 3000, tune=500, rng=3, progress=False)
    mean, deviation = moments
    for k in range(3):
        draws = chains.samples[:, :, k]
        assert split_rhat(draws) < 1.01
        error = monte_carlo_error(draws)
        assert abs(draws.mean() - mean[k]) < 4 * error
        assert error < 0.05 * deviation[k]  # so that an error of a fifth of a deviation is seen
        assert draws.std() == pytest.approx(deviation[k], rel=0.05)


def test_longer_and_wider_petals_mean_virginica(moments):
    mean, deviation = moments
    assert (mean[1:] / deviation[1:] > 2).all()
