"""Conjugate gradients converge as theory says, and preconditioning shortens them as it says."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcore.kernels import (
    Gaussian,
    LowRankPreconditioner,
    Matern,
    Polynomial,
    conjugate_gradients,
    iterative_kernel_ridge,
    kernel_ridge,
    nystrom_features,
    pivoted_cholesky,
)

X = np.random.default_rng(0).uniform(0, 10, size=(400, 1))
Y = np.sin(X[:, 0]) + 0.1 * np.random.default_rng(1).normal(size=400)
NEW = np.linspace(0, 10, 33)


def positive_matrix(eigenvalues, seed=0):
    n = len(eigenvalues)
    u = np.linalg.qr(np.random.default_rng(seed).normal(size=(n, n)))[0]
    return u * eigenvalues @ u.T


@settings(max_examples=15, deadline=None)
@given(n=st.integers(1, 30), q=st.integers(0, 3), seed=st.integers(0, 99))
def test_the_system_is_solved(n, q, seed):
    rng = np.random.default_rng(seed)
    a = positive_matrix(np.exp(rng.uniform(-2, 2, n)), seed)
    b = rng.normal(size=(n, q) if q else n)
    solution = conjugate_gradients(lambda v: a @ v, b, tolerance=1e-10)
    assert solution.reason == "converged"
    np.testing.assert_allclose(solution.x, np.linalg.solve(a, b), rtol=1e-6, atol=1e-8)
    assert solution.x.shape == b.shape


def test_the_error_in_the_norm_of_the_matrix_stays_below_the_bound():
    for condition in (4.0, 100.0, 1e4):
        a = positive_matrix(np.geomspace(1 / condition, 1, 200))
        b = np.random.default_rng(3).normal(size=200)
        exact = np.linalg.solve(a, b)
        root = math.sqrt(condition)
        for t in (1, 5, 20, 60):
            with pytest.warns(UserWarning, match="iterations"):
                x = conjugate_gradients(a.dot, b, tolerance=1e-30, max_iterations=t).x
            error = math.sqrt((x - exact) @ a @ (x - exact) / (exact @ a @ exact))
            assert error <= 2 * ((root - 1) / (root + 1)) ** t + 1e-12


def test_iterations_grow_like_the_square_root_of_the_condition_number():
    counts = []
    conditions = [25.0, 400.0, 6400.0]
    for condition in conditions:
        a = positive_matrix(np.geomspace(1 / condition, 1, 800))
        b = np.random.default_rng(3).normal(size=800)
        counts.append(conjugate_gradients(a.dot, b, tolerance=1e-6).iterations)
    slopes = np.diff(np.log(counts)) / np.diff(np.log(conditions))
    np.testing.assert_allclose(slopes, 0.5, atol=0.12)


def test_k_different_eigenvalues_take_k_iterations():
    a = positive_matrix(np.repeat([1.0, 10.0, 1000.0], [50, 30, 20]))
    b = np.random.default_rng(3).normal(size=100)
    assert conjugate_gradients(lambda v: a @ v, b, tolerance=1e-9).iterations == 3


def test_columns_are_solved_side_by_side_as_they_would_be_alone():
    a = positive_matrix(np.geomspace(0.01, 1, 50))
    b = np.random.default_rng(4).normal(size=(50, 3))
    b[:, 1] = 0.0
    both = conjugate_gradients(lambda v: a @ v, b, tolerance=1e-10)
    np.testing.assert_array_equal(both.x[:, 1], 0.0)
    alone = conjugate_gradients(lambda v: a @ v, b[:, 2], tolerance=1e-10)
    np.testing.assert_allclose(both.x[:, 2], alone.x, rtol=1e-7)


@pytest.mark.parametrize("kernel", [Gaussian(0.7), Matern(1.5, 1.0)], ids=str)
def test_the_preconditioner_is_its_formula_and_flattens_the_top_of_the_spectrum(kernel):
    factor = pivoted_cholesky(kernel, X, 30).factor
    p = LowRankPreconditioner(factor, 0.1)
    values, vectors = np.linalg.eigh(factor @ factor.T)
    values, vectors = values[-30:], vectors[:, -30:]
    exact = (
        vectors * ((values[0] + 0.1) / (values + 0.1)) @ vectors.T
        + np.eye(400)
        - vectors @ vectors.T
    )
    np.testing.assert_allclose(p(np.eye(400)), exact, atol=1e-9)
    known = vectors.T @ p(factor @ (factor.T @ vectors) + 0.1 * vectors)
    np.testing.assert_allclose(known, (values[0] + 0.1) * np.eye(30), atol=1e-7)


def test_the_condition_number_falls_to_what_the_rank_leaves():
    """(sigma_(m+1) + penalty) / penalty, up to a factor for pivots that are not eigenvectors."""
    kernel, penalty = Matern(1.5, 1.0), 1e-2
    gram = kernel(X)
    values = np.linalg.eigvalsh(gram)[::-1]
    before = math.inf
    for rank in (10, 30, 90):
        factor = pivoted_cholesky(kernel, X, rank, random_pivots=True, rng=0).factor
        product = LowRankPreconditioner(factor, penalty)(gram + penalty * np.eye(400))
        spectrum = np.sort(np.linalg.eigvals(product).real)
        condition = spectrum[-1] / spectrum[0]
        assert condition < 20 * (values[rank] + penalty) / penalty
        assert condition < before / 3
        before = condition


def test_iterations_are_those_of_the_condition_number_that_the_preconditioner_leaves():
    """At most half the root of it times log(2 / tolerance), each time."""
    kernel, penalty = Matern(1.5, 1.0), 1e-2
    gram, counts = kernel(X) + penalty * np.eye(400), []
    for rank in (0, 10, 30, 90):
        solution = iterative_kernel_ridge(
            kernel, X, Y, penalty=penalty, rank=rank, tolerance=1e-6, rng=0
        ).solution
        product = gram
        if rank:
            factor = pivoted_cholesky(kernel, X, rank, random_pivots=True, rng=0).factor
            product = LowRankPreconditioner(factor, penalty)(gram)
        spectrum = np.sort(np.linalg.eigvals(product).real)
        root = math.sqrt(spectrum[-1] / spectrum[0])
        assert solution.iterations <= 0.5 * root * math.log(2 * root / 1e-6) + 1
        counts.append(solution.iterations)
    assert counts[-1] < counts[0] / 6
    assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize("kernel", [Gaussian(0.7), Matern(0.5), Polynomial(3, 1.0)], ids=str)
@pytest.mark.parametrize("rank", [None, 0, 25])
def test_iterative_ridge_is_kernel_ridge(kernel, rank):
    exact = kernel_ridge(kernel, X / 5, np.stack([Y, Y**2], axis=1), penalty=0.1)
    fit, solution = iterative_kernel_ridge(
        kernel, X / 5, np.stack([Y, Y**2], axis=1), penalty=0.1, rank=rank, tolerance=1e-11, rng=0
    )
    assert solution.reason == "converged"
    np.testing.assert_allclose(fit(NEW / 5), exact(NEW / 5), atol=1e-6)


def test_nystrom_features_precondition_too():
    kernel = Matern(1.5, 1.0)
    p = LowRankPreconditioner(nystrom_features(kernel, X[:60])(X), 0.01)
    a = kernel(X) + 0.01 * np.eye(400)
    plain = conjugate_gradients(lambda v: a @ v, Y).iterations
    assert conjugate_gradients(lambda v: a @ v, Y, preconditioner=p).iterations < plain / 4


def test_the_reason_says_why_it_stopped():
    a = positive_matrix(np.geomspace(1e-4, 1, 60))
    b = np.ones(60)
    calls = []

    def interrupted(v):
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        return a @ v

    with pytest.warns(UserWarning, match=r"stopped \(interrupted\) after 3 iterations"):
        solution = conjugate_gradients(interrupted, b)
    assert solution.reason == "interrupted"
    true = np.linalg.norm(b - a @ solution.x) / np.linalg.norm(b)
    assert solution.residuals[-1] == pytest.approx(true, rel=1e-8)
    with pytest.warns(UserWarning, match=r"stopped \(iterations\) after 5 iterations"):
        assert conjugate_gradients(lambda v: a @ v, b, max_iterations=5).reason == "iterations"
    with pytest.warns(UserWarning, match=r"stopped \(breakdown\) after 0 iterations"):
        assert conjugate_gradients(lambda v: -v, b).reason == "breakdown"
    with pytest.warns(UserWarning, match="breakdown"):
        assert conjugate_gradients(lambda v: v * math.nan, b).reason == "breakdown"
    with pytest.warns(UserWarning, match="breakdown"):
        solution = conjugate_gradients(lambda v: v, b, preconditioner=lambda v: -v)
    assert solution.reason == "breakdown"
    assert conjugate_gradients(lambda v: a @ v, np.zeros(60)).iterations == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conjugate_gradients(lambda v: v, [math.nan]), "b must be finite, got nan"),
        (lambda: conjugate_gradients(lambda v: v, [1], tolerance=0), "tolerance must be positive"),
        (lambda: conjugate_gradients(lambda v: v, [1], max_iterations=-1), "must be at least 0"),
        (
            lambda: conjugate_gradients(lambda v: v[:1], [1, 2]),
            r"operator must return shape \(2,\), got \(1,\)",
        ),
        (
            lambda: conjugate_gradients(lambda v: v, [1, 2], preconditioner=lambda v: v[:1]),
            r"preconditioner must return shape \(2,\), got \(1,\)",
        ),
        (lambda: LowRankPreconditioner(np.ones((2, 3)), 1.0), "from one to n = 2 columns, got 3"),
        (lambda: LowRankPreconditioner(np.ones((2, 1)), 0.0), "penalty must be positive, got 0"),
        (lambda: iterative_kernel_ridge(Gaussian(), [0], [0], penalty=0), "penalty must be posit"),
        (
            lambda: iterative_kernel_ridge(Gaussian(), [0], [0], penalty=1, rank=2),
            "rank must be at most the number of points, 1, got 2",
        ),
        (lambda: iterative_kernel_ridge(Gaussian(), [0, 1], [0], penalty=1), "got 2 and 1"),
    ],
)
def test_bad_input_is_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
