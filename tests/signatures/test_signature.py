"""Signatures: Chen, shuffles, controlled equations, logarithms, Brownian expectations."""

import math
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import expm

from labcore import random
from labcore.signatures import (
    expected_brownian_signature,
    lead_lag,
    log_signature,
    lyndon_words,
    shuffle_product,
    signature,
    tensor_exp,
    tensor_log,
    tensor_product,
    tensor_size,
    time_augmented,
    word_index,
    words,
)

CASES = [(1, 6), (2, 5), (3, 4), (5, 3), (4, 1), (2, 0)]
cases = pytest.mark.parametrize(("d", "depth"), CASES, ids=[f"d={d} N={n}" for d, n in CASES])


def paths(*shape, seed=1):
    """Random walks of about unit length."""
    steps = random.normal(shape, rng=seed) / math.sqrt(shape[-2] * shape[-1])
    return np.cumsum(steps, axis=-2)


def level(s, d, k):
    start = tensor_size(d, k - 1) if k else 0
    return s[..., start : tensor_size(d, k)]


@cases
def test_a_straight_line_has_the_powers_of_its_increment_over_factorials(d, depth):
    step = random.normal(d, rng=2)
    s = signature(np.array([np.zeros(d), 0.25 * step, step]), depth)
    for k in range(depth + 1):
        power = np.ones(1)
        for _ in range(k):
            power = np.multiply.outer(power, step).ravel()
        np.testing.assert_allclose(level(s, d, k), power / math.factorial(k), atol=1e-14)


@cases
def test_chen_the_signature_of_a_concatenation_is_the_product(d, depth):
    x = paths(7, 9, d)
    whole, first, rest = signature(x, depth), signature(x[:, :4], depth), signature(x[:, 3:], depth)
    np.testing.assert_allclose(tensor_product(first, rest, d), whole, atol=1e-13)


@cases
def test_the_flow_of_a_linear_controlled_equation_is_the_signature_applied_to_its_matrices(
    d, depth
):
    """Products of N + 1 strictly triangular matrices vanish: the series ends where we cut it."""
    matrices = np.triu(random.normal((d, depth + 1, depth + 1), rng=3), 1)
    x = paths(6, d)
    flow = np.eye(depth + 1)
    for before, after in pairwise(x):
        flow = flow @ expm(np.tensordot(after - before, matrices, 1))
    series = np.zeros_like(flow)
    for coefficient, word in zip(signature(x, depth), words(d, depth), strict=True):
        term = np.eye(depth + 1)
        for letter in word:
            term = term @ matrices[letter]
        series += coefficient * term
    np.testing.assert_allclose(series, flow, atol=1e-13)


@given(st.lists(st.integers(0, 2), max_size=3), st.lists(st.integers(0, 2), max_size=2))
def test_coefficients_multiply_by_the_shuffle_product(u, v):
    s = signature(paths(8, 3), 5)
    shuffled = sum(count * s[word_index(word, 3)] for word, count in shuffle_product(u, v).items())
    assert s[word_index(u, 3)] * s[word_index(v, 3)] == pytest.approx(shuffled, abs=1e-14)
    assert sum(shuffle_product(u, v).values()) == math.comb(len(u) + len(v), len(u))


def test_levels_decay_like_the_length_to_the_k_over_k_factorial():
    x = paths(20, 2)
    length = np.linalg.norm(np.diff(x, axis=0), axis=1).sum()
    s = signature(x, 10)
    for k in range(11):
        assert np.linalg.norm(level(s, 2, k)) <= length**k / math.factorial(k) * (1 + 1e-12)


def test_it_forgets_speed_and_starting_point_and_what_is_retraced():
    x = paths(5, 3)
    s = signature(x, 4)
    slow = np.concatenate([x[:1], x[:2].mean(axis=0)[None], x[1:2], x[1:]])
    np.testing.assert_allclose(signature(slow + 7.0, 4), s, atol=1e-12)
    back = np.concatenate([x[:3], [x[2] + 1.0], x[2:]])
    np.testing.assert_allclose(signature(back, 4), s, atol=1e-13)
    there_and_back = signature(np.concatenate([x, x[::-1]]), 4)
    np.testing.assert_allclose(there_and_back, signature(0.0 * x, 4), atol=1e-14)


def test_polygons_converge_to_a_curve_with_order_two():
    """S^(0, 1) of (cos t, sin t), t < 1: the integral of (cos t - 1) cos t."""
    exact = 0.5 + 0.25 * math.sin(2.0) - math.sin(1.0)
    errors = []
    for n in (8, 16, 32):
        t = np.linspace(0.0, 1.0, n + 1)
        errors.append(signature(np.column_stack([np.cos(t), np.sin(t)]), 2)[4] - exact)
    np.testing.assert_allclose(np.log2(np.abs(errors[:-1]) / np.abs(errors[1:])), 2.0, atol=0.05)


def test_batches_of_any_shape_are_the_paths_one_by_one_with_any_number_of_threads(monkeypatch):
    x = paths(2, 3, 6, 2)
    together = signature(x, 4)
    assert together.shape == (2, 3, tensor_size(2, 4))
    module = sys.modules["labcore.signatures.signature"]  # its name is the function's
    monkeypatch.setattr(module, "_SMALL", 0)
    monkeypatch.setattr(module, "get_num_threads", lambda: 3)
    np.testing.assert_array_equal(signature(x, 4), together)
    np.testing.assert_array_equal(signature(x[1, 2], 4), together[1, 2])


# ------------------------------------------------------------------------------ the algebra


@cases
def test_exponential_and_logarithm_are_inverse(d, depth):
    s = signature(paths(3, 6, d), depth)
    np.testing.assert_allclose(tensor_exp(tensor_log(s, d), d), s, atol=1e-13)


@cases
def test_words_are_counted_and_found(d, depth):
    assert len(words(d, depth)) == tensor_size(d, depth)
    assert [word_index(word, d) for word in words(d, depth)] == list(range(tensor_size(d, depth)))


def moebius(n):
    primes = [p for p in range(2, n + 1) if n % p == 0 and all(p % q for q in range(2, p))]
    return 0 if any(n % (p * p) == 0 for p in primes) else (-1) ** len(primes)


@pytest.mark.parametrize("d", [1, 2, 3])
def test_lyndon_words_are_as_many_as_witt_says_and_smaller_than_their_rotations(d):
    found = lyndon_words(d, 6)
    for k in range(1, 7):
        witt = sum(moebius(j) * d ** (k // j) for j in range(1, k + 1) if k % j == 0) // k
        assert sum(len(word) == k for word in found) == witt
    assert all(word < word[i:] + word[:i] for word in found for i in range(1, len(word)))


def test_the_logarithm_of_a_signature_is_a_lie_element():
    """Ree: exactly then its sums over shuffles of two words that are not empty vanish."""
    log = tensor_log(signature(paths(6, 2), 5), 2)
    for u in words(2, 3)[1:]:
        for v in words(2, 2)[1:]:
            total = sum(n * log[word_index(w, 2)] for w, n in shuffle_product(u, v).items())
            assert total == pytest.approx(0.0, abs=1e-14)


def test_the_log_signature_is_increment_area_and_then_the_formula_of_campbell_baker_hausdorff():
    """log(exp a exp b) = a + b + [a, b]/2 + [a, [a, b]]/12 + [b, [b, a]]/12 + ..."""
    a, b = np.array([0.3, -0.7]), np.array([1.1, 0.4])
    area = 0.5 * (a[0] * b[1] - a[1] * b[0])  # the coefficient of the bracket [0, 1]
    both = area / 6.0 * (a - b)  # those of [0, [0, 1]] and of [1, [0, 1]]
    found = log_signature(np.array([[0.0, 0.0], a, a + b]), 3)
    # The word 001 occurs once in [0, [0, 1]], 011 once in [[0, 1], 1] = -[1, [0, 1]].
    np.testing.assert_allclose(found, [*(a + b), area, both[0], -both[1]], atol=1e-14)


# ------------------------------------------------------------------------------- transforms


def test_lead_lag_holds_the_quadratic_variation():
    x = paths(30, 2)
    s = signature(lead_lag(x), 2)
    covariation = np.diff(x, axis=0).T @ np.diff(x, axis=0)
    for i in range(2):
        for j in range(2):
            lead_i, lag_j = i, 2 + j
            area = s[word_index((lag_j, lead_i), 4)] - s[word_index((lead_i, lag_j), 4)]
            other = s[word_index((j, i), 4)] - s[word_index((i, j), 4)]
            assert area - other == pytest.approx(-covariation[i, j], abs=1e-13)


def test_with_time_the_speed_is_seen():
    x = paths(6, 1)
    t = np.linspace(0.0, 1.0, 6)
    slow = signature(time_augmented(x, t**2), 3)
    assert np.abs(slow - signature(time_augmented(x), 3)).max() > 0.01
    # The word (0, 1) is the integral of t dx.
    by_parts = np.sum(0.5 * (t[1:] ** 2 + t[:-1] ** 2) * np.diff(x[:, 0]))
    assert slow[word_index((0, 1), 2)] == pytest.approx(by_parts, abs=1e-14)


# ----------------------------------------------------------------------------- expectations


def test_expected_signatures_of_random_walks_tend_to_that_of_brownian_motion_like_one_over_n():
    """A segment with increment sqrt(h) Z has the expectation 1 + h I / 2 + h^2 (pairings) / 24."""
    d, depth, t = 2, 4, 0.7
    exact = expected_brownian_signature(np.eye(d), t, depth)
    pairings = sum(
        np.einsum(pair, np.eye(d), np.eye(d)).ravel()
        for pair in ("ij,kl->ijkl", "ik,jl->ijkl", "il,jk->ijkl")
    )
    errors = []
    for n in (8, 16, 32):
        h = t / n
        segment = np.zeros(tensor_size(d, depth))
        segment[0] = 1.0
        level(segment, d, 2)[:] = h * np.eye(d).ravel() / 2.0
        level(segment, d, 4)[:] = h * h * pairings / 24.0
        walk = segment
        for _ in range(n - 1):
            walk = tensor_product(walk, segment, d)
        errors.append(np.abs(walk - exact).max())
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 1.0, atol=1e-9)


def test_means_over_brownian_paths_are_the_expected_signature():
    """20,000 paths of 64 steps: 5 standard errors, and the bias of order 1/64 at level 4."""
    covariance = np.array([[1.0, 0.6], [0.6, 0.5]])
    steps = random.normal((20_000, 64, 2), rng=5) / 8.0 @ np.linalg.cholesky(covariance).T
    w = np.concatenate([np.zeros((20_000, 1, 2)), np.cumsum(steps, axis=1)], axis=1)
    s = signature(w, 4)
    expected = expected_brownian_signature(covariance, 1.0, 4)
    error = 5.0 * s.std(axis=0) / math.sqrt(len(s)) + np.abs(expected) / 64.0
    assert (np.abs(s.mean(axis=0) - expected) <= error).all()
    other = expected_brownian_signature(covariance * 1.1, 1.0, 4)
    assert (np.abs(s.mean(axis=0) - other) > error).any()


# ---------------------------------------------------------------------------------- bad input

PATH = np.zeros((3, 2))
BAD = {
    "one point": (lambda: signature(PATH[:1], 2), ValueError, "paths must have at least two"),
    "not a path": (lambda: signature(PATH[0], 2), ValueError, "paths must have 2 or 3"),
    "not finite": (lambda: signature(PATH * np.nan, 2), ValueError, "paths must be finite"),
    "text": (lambda: signature("path", 2), TypeError, "paths must be an array"),
    "negative depth": (lambda: signature(PATH, -1), ValueError, "depth must be at least 0"),
    "depth of log": (lambda: log_signature(PATH, 1.5), TypeError, "depth must be an integer"),
    "letter": (lambda: word_index((0, 2), 2), ValueError, "letters from 0 to 1"),
    "no letters": (lambda: words(0, 2), ValueError, "d must be at least 1"),
    "sizes": (lambda: tensor_product([1.0, 2.0], [1.0], 1), ValueError, "of one depth"),
    "size": (lambda: tensor_product([1.0, 2.0], [1.0, 2.0], 2), ValueError, "coefficients for d"),
    "level 0 of exp": (lambda: tensor_exp([1.0, 2.0], 1), ValueError, "must be 0 at level 0"),
    "level 0 of log": (lambda: tensor_log([0.0, 2.0], 1), ValueError, "must be 1 at level 0"),
    "times": (lambda: time_augmented(PATH, [0.0, 2.0, 1.0]), ValueError, "3 increasing times"),
    "number of times": (lambda: time_augmented(PATH, [0.0, 1.0]), ValueError, "3 increasing times"),
    "no points": (lambda: lead_lag(PATH[:0]), ValueError, "must have points"),
    "not symmetric": (
        lambda: expected_brownian_signature([[1.0, 1.0], [0.0, 1.0]], 1.0, 2),
        ValueError,
        "symmetric",
    ),
    "negative variance": (
        lambda: expected_brownian_signature([[-1.0]], 1.0, 2),
        ValueError,
        "no negative eigenvalue",
    ),
    "negative time": (
        lambda: expected_brownian_signature([[1.0]], -1.0, 2),
        ValueError,
        "t must not be negative",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
