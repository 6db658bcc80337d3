"""EigenPro: its steps are those of its formula, and as few as the flattened spectrum allows."""

import math

import numpy as np
import pytest

from labcore import random
from labcore.kernels import Gaussian, Matern, Polynomial, Scaled, eigenpro, kernel_ridge

X = np.random.default_rng(0).uniform(0, 6, size=(150, 1))
Y = np.sin(2 * X[:, 0])
KERNEL = Matern(1.5, 1.0)


@pytest.mark.parametrize("rank", [0, 5, 20])
def test_full_batches_on_all_points_shrink_each_component_as_the_formula_says(rank):
    """r_i = (1 - eta min(sigma_i, sigma_(q+1)) / n)^t in the eigenvectors of K."""
    t = 7
    fit = eigenpro(KERNEL, X, Y, epochs=t, rank=rank, batch_size=150, tolerance=0, rng=0)
    values, vectors = np.linalg.eigh(KERNEL(X))
    values, vectors = values[::-1], vectors[:, ::-1]
    flat = np.minimum(values, values[rank])
    left = vectors.T @ (Y - fit.function(X))
    exact = (1 - fit.step * flat / 150) ** t * (vectors.T @ Y)
    np.testing.assert_allclose(left, exact, atol=1e-9)


def test_the_step_is_that_of_the_docstring():
    fit = eigenpro(KERNEL, X, Y, epochs=1, rank=10, batch_size=30, rng=0)
    values, vectors = np.linalg.eigh(KERNEL(X))
    values, vectors = values[::-1][:11], vectors[:, ::-1][:, :10]
    psi = KERNEL(X) @ vectors / np.sqrt(values[:10])
    beta = (1 - (psi**2 * (1 - values[10] / values[:10])).sum(axis=1)).max()
    assert fit.step == pytest.approx(0.95 * 30 / (beta + 29 * values[10] / 150), rel=1e-6)
    default = eigenpro(KERNEL, X, Y, epochs=1, rank=10, rng=0)
    assert default.batch_size == min(150, round(beta * 150 / values[10]))


def test_a_step_on_a_batch_changes_the_batch_and_the_subsample_alone():
    """One epoch of two batches, by the formula in coefficients, with another implementation."""
    fit = eigenpro(KERNEL, X, Y, epochs=1, rank=3, subsample=40, batch_size=75, rng=5)
    gram = KERNEL(X)
    assert 75 < np.count_nonzero(fit.function.coefficients) <= 150
    alpha, error = np.zeros(150), []
    chosen = np.argsort(random.uniform(150, rng=5, stream=2**63))[:40]
    order = np.argsort(random.uniform(150, rng=5, stream=0))
    values, vectors = np.linalg.eigh(gram[np.ix_(chosen, chosen)])
    values, vectors = values[::-1], vectors[:, ::-1]
    psi = np.zeros((150, 3))
    psi[chosen] = vectors[:, :3] / np.sqrt(values[:3])
    for batch in (order[:75], order[75:]):
        gradient = np.zeros(150)
        gradient[batch] = (gram @ alpha - Y)[batch] / 75
        error.append(((gram @ alpha - Y)[batch] ** 2).mean())
        inner = psi.T @ gram @ gradient
        alpha -= fit.step * (gradient - psi @ ((1 - values[3] / values[:3]) * inner))
    np.testing.assert_allclose(fit.function.coefficients, alpha, atol=1e-9)
    assert fit.errors[0] == pytest.approx(np.mean(error))


def test_epochs_fall_as_the_flattened_eigenvalue_does():
    """Full batches: the same misfit after about sigma_(q+1) / sigma_1 times as many epochs."""
    values = np.linalg.eigvalsh(KERNEL(X))[::-1]
    component = np.linalg.eigh(KERNEL(X))[1][:, -25]  # a component beyond those flattened

    def epochs(rank):
        fit = eigenpro(
            KERNEL,
            X,
            component,
            epochs=20_000,
            rank=rank,
            batch_size=150,
            tolerance=1e-2,
            progress=False,
            rng=0,
        )
        assert fit.reason == "converged"
        return len(fit.errors)

    plain = epochs(0)
    for rank in (3, 10, 20):
        expected = plain * values[rank] / values[0]
        # The step of a full batch is shorter than n over sigma by the part of the diagonal.
        assert expected < epochs(rank) < 4 * expected + 4


def test_subsample_and_small_batches_converge_to_the_interpolant():
    x = np.random.default_rng(1).uniform(0, 6, size=(600, 1))
    y = np.sin(2 * x[:, 0])
    fit = eigenpro(KERNEL, x, y, epochs=100, rank=20, subsample=300, tolerance=1e-5, rng=0)
    assert fit.reason == "converged"
    assert (np.diff(fit.errors) < 0).all()
    exact = kernel_ridge(KERNEL, x, y, penalty=1e-8)
    grid = np.linspace(0.2, 5.8, 50)
    np.testing.assert_allclose(fit.function(grid), exact(grid), atol=1e-2)


def test_columns_are_fitted_independently():
    both = eigenpro(KERNEL, X, np.stack([Y, Y**2], axis=1), epochs=3, rank=10, tolerance=0, rng=0)
    alone = eigenpro(KERNEL, X, Y, epochs=3, rank=10, tolerance=0, rng=0)
    np.testing.assert_allclose(both.function.coefficients[:, 0], alone.function.coefficients)


def test_the_same_seed_gives_the_same_function():
    a, b, c = (
        eigenpro(KERNEL, X, Y, epochs=2, batch_size=20, subsample=50, rng=seed)
        for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(a.function.coefficients, b.function.coefficients)
    assert not np.allclose(a.function.coefficients, c.function.coefficients)


class Interrupting(Scaled):
    """A kernel during whose fifth batch someone presses Ctrl-C."""

    calls = 0

    def _tile(self, x, y):
        type(self).calls += len(x) == 75
        if self.calls == 5:
            raise KeyboardInterrupt
        return super()._tile(x, y)


def test_interrupted_it_returns_what_there_is():
    kernel = Interrupting(1.0, KERNEL)
    with pytest.warns(UserWarning, match="eigenpro interrupted after 2 epochs"):
        fit = eigenpro(kernel, X, Y, epochs=9, batch_size=75, rng=0)
    assert fit.reason == "interrupted"
    assert fit.errors[1] < fit.errors[0]


def test_divergence_is_reported():
    """The one point with a large diagonal is not in the subsample, and the step is too long."""
    x = np.append(np.random.default_rng(0).uniform(0, 1, 300), 40.0)
    with pytest.warns(UserWarning, match="eigenpro diverged"):
        fit = eigenpro(Polynomial(3, 1.0), x, np.ones(301), rank=2, subsample=20, epochs=50, rng=1)
    assert fit.reason == "diverged"
    assert len(fit.errors) < 50


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: eigenpro(KERNEL, X, Y[:9]), "same length, got 150 and 9"),
        (lambda: eigenpro(KERNEL, X, Y, epochs=0), "epochs must be at least 1, got 0"),
        (lambda: eigenpro(KERNEL, X, Y, rank=-1), "rank must be at least 0, got -1"),
        (lambda: eigenpro(KERNEL, X, Y, subsample=0), "subsample must be at least 1, got 0"),
        (lambda: eigenpro(KERNEL, X, Y, batch_size=151), "batch_size must be at most 150, got 151"),
        (lambda: eigenpro(KERNEL, X, Y, batch_size=0), "batch_size must be at least 1, got 0"),
        (lambda: eigenpro(KERNEL, X, Y, tolerance=-1), "tolerance must not be negative"),
        (lambda: eigenpro(KERNEL, [], []), "at least one point"),
        (lambda: eigenpro(Gaussian(), [0, math.inf], [0, 1]), "x must be finite"),
        (
            lambda: eigenpro(Gaussian(), np.zeros(5), np.ones(5), rank=4),
            "rank must leave a part of the spectrum, got 4",
        ),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
