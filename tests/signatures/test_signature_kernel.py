"""The signature kernel: closed forms, deep signatures, order of the scheme, lifts, two samples."""

import math

import numpy as np
import pytest
from scipy.special import iv

import labcore.signatures.kernel as module
from labcore import random
from labcore.kernels import Gaussian, Polynomial
from labcore.signatures import lead_lag, signature, signature_kernel


def paths(*shape, seed=1):
    return np.cumsum(random.normal(shape, rng=seed), axis=1) / math.sqrt(shape[1] * shape[2])


def scheme(increments, halvings):
    """The scheme as it is written in the docstring, for one pair of paths."""
    c = np.kron(increments, np.ones((2**halvings, 2**halvings))) / 4**halvings
    k = np.ones((c.shape[0] + 1, c.shape[1] + 1))
    for i in range(c.shape[0]):
        for j in range(c.shape[1]):
            q = c[i, j] ** 2 / 12.0
            k[i + 1, j + 1] = (k[i + 1, j] + k[i, j + 1]) * (1.0 + c[i, j] / 2.0 + q)
            k[i + 1, j + 1] -= k[i, j] * (1.0 - q)
    return k[-1, -1]


@pytest.mark.parametrize("halvings", [0, 1, 2])
@pytest.mark.parametrize(
    ("d", "length", "other"), [(1, 2, 5), (2, 5, 4), (3, 6, 7), (5, 3, 6), (7, 4, 4)]
)
def test_it_is_the_scheme_of_the_docstring(d, length, other, halvings):
    x, y = paths(18, length, d), paths(20, other, d, seed=2)  # blocks of 16, filled and not
    k = signature_kernel(x, y, halvings=halvings)
    for i, j in [(0, 0), (3, 19), (17, 2), (16, 16)]:
        increments = np.diff(x[i], axis=0) @ np.diff(y[j], axis=0).T
        assert k[i, j] == pytest.approx(scheme(increments, halvings), rel=1e-12)


def test_straight_lines_have_a_bessel_function_of_their_inner_product():
    """The inner product of the levels is z^k / k!^2: the series of I_0(2 sqrt z)."""
    a, b = random.normal((40, 2), rng=3), random.normal((40, 2), rng=4)
    line = np.stack([np.zeros((40, 2)), a], axis=1)
    other = np.stack([np.zeros((40, 2)), b], axis=1)
    z = np.sum(a * b, axis=1) + 0j
    exact = iv(0, 2.0 * np.sqrt(z)).real
    k = np.diag(signature_kernel(line, other, halvings=7))
    np.testing.assert_allclose(k, exact, rtol=3e-4, atol=3e-4)


def test_its_error_against_deep_signatures_falls_by_four_with_each_halving():
    x, y = paths(3, 5, 2), paths(3, 7, 2, seed=2)
    deep = signature(x, 13) @ signature(y, 13).T
    errors = np.array(
        [np.abs(signature_kernel(x, y, halvings=h) - deep).max() for h in range(3, 7)]
    )
    np.testing.assert_allclose(np.log2(errors[:-1] / errors[1:]), 2.0, atol=0.06)
    assert errors[-1] < 1e-4


def test_a_point_on_a_segment_changes_it_no_more_than_the_scheme_errs():
    x = paths(2, 4, 2)
    slower = np.insert(x, 2, 0.5 * (x[:, 1] + x[:, 2]), axis=1)
    differences = [
        np.abs(signature_kernel(x, halvings=h) - signature_kernel(slower, halvings=h)).max()
        for h in (3, 4, 5)
    ]
    assert 3.5 < differences[0] / differences[1] < 4.5
    assert 3.5 < differences[1] / differences[2] < 4.5


@pytest.mark.parametrize("static", [None, Gaussian(0.5)], ids=["linear", "Gaussian"])
def test_gram_matrices_are_symmetric_and_positive(static):
    x = paths(37, 9, 2)
    k = signature_kernel(x, static=static, halvings=4)
    np.testing.assert_array_equal(k, k.T)
    np.testing.assert_allclose(k, signature_kernel(x, x, static=static, halvings=4), rtol=1e-12)
    assert np.linalg.eigvalsh(k)[0] > 0.0


def test_on_a_coarse_grid_it_is_not_positive_as_its_docstring_warns():
    lowest = [np.linalg.eigvalsh(signature_kernel(paths(37, 9, 2), halvings=h))[0] for h in (0, 1)]
    assert lowest[0] < -0.01
    assert lowest[0] < 4.0 * lowest[1] < 0.0


def test_the_linear_lift_is_no_lift():
    x, y = paths(5, 6, 3), paths(4, 7, 3, seed=2)
    lifted = signature_kernel(x, y, static=Polynomial(1, 0.0), halvings=1)
    np.testing.assert_allclose(lifted, signature_kernel(x, y, halvings=1), rtol=1e-12)


def test_a_lift_takes_the_increments_of_its_kernel():
    x, y = paths(3, 4, 2), paths(2, 5, 2, seed=2)
    gaussian = Gaussian(0.7)
    k = signature_kernel(x, y, static=gaussian, halvings=1)
    for i in range(3):
        for j in range(2):
            increments = np.diff(np.diff(gaussian(x[i], y[j]), axis=0), axis=1)
            assert k[i, j] == pytest.approx(scheme(increments, 1), rel=1e-12)


def test_the_number_of_threads_does_not_change_a_bit(monkeypatch):
    x = paths(40, 8, 2)
    one = signature_kernel(x)
    monkeypatch.setattr(module, "_SMALL", 0)
    monkeypatch.setattr(module, "get_num_threads", lambda: 3)
    np.testing.assert_array_equal(signature_kernel(x), one)


def permutation_p_value(k, n, count=199):
    """The two-sample test by the maximum mean discrepancy, from a Gram matrix of both samples."""
    m = len(k) - n
    orders = [
        np.arange(len(k)),
        *(np.random.default_rng(i).permutation(len(k)) for i in range(count)),
    ]
    statistics = []
    for order in [np.arange(len(k)), *orders]:
        v = np.zeros(len(k))
        v[order[:n]], v[order[n:]] = 1.0 / n, -1.0 / m
        statistics.append(v @ k @ v)
    return np.mean(np.array(statistics) >= statistics[0])


def test_it_tells_processes_with_the_same_law_at_each_time_apart():
    """Brownian motion and sqrt(t) Z: no test on values at one time can, the roughness does."""
    n, t, lift = 60, np.linspace(0.0, 1.0, 21), Gaussian(0.5)
    steps = random.normal((2 * n, 20, 1), rng=6) / math.sqrt(20)
    brownian = np.concatenate([np.zeros((2 * n, 1, 1)), np.cumsum(steps, axis=1)], axis=1)
    rays = np.sqrt(t)[:, None] * random.normal((n, 1, 1), rng=7)
    different = lead_lag(np.concatenate([brownian[:n], rays]))
    assert permutation_p_value(signature_kernel(different, static=lift), n) <= 0.01
    assert permutation_p_value(signature_kernel(lead_lag(brownian), static=lift), n) > 0.05


PATHS = np.zeros((2, 3, 2))
BAD = {
    "one path": (lambda: signature_kernel(PATHS[0]), ValueError, "x must have 3 dimensions"),
    "one point": (lambda: signature_kernel(PATHS[:, :1]), ValueError, "two points or more"),
    "no paths": (lambda: signature_kernel(PATHS, PATHS[:0]), ValueError, "y must be paths of two"),
    "dimensions": (lambda: signature_kernel(PATHS, PATHS[..., :1]), ValueError, "one dimension"),
    "nan": (lambda: signature_kernel(PATHS * np.nan), ValueError, "x must be finite"),
    "lift": (lambda: signature_kernel(PATHS, static="rbf"), TypeError, "static must be a Kernel"),
    "halvings": (lambda: signature_kernel(PATHS, halvings=11), ValueError, "at most 10, got 11"),
    "fraction": (lambda: signature_kernel(PATHS, halvings=0.5), TypeError, "halvings must be an"),
    "explosion": (
        lambda: signature_kernel(1e60 * np.arange(6.0).reshape(1, 6, 1)),
        OverflowError,
        "paths 0 and 0 overflowed",
    ),
}


@pytest.mark.parametrize(("call", "error", "message"), BAD.values(), ids=BAD.keys())
def test_bad_input_is_refused_by_name(call, error, message):
    with pytest.raises(error, match=message):
        call()
