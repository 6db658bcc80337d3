"""Tiles and threads: the same bits whatever the number of threads, and every entry once."""

import numba
import numpy as np
import pytest

from labcore import random
from labcore.kernels import Gaussian, Laplacian, Matern, _blocks

KERNELS = [Gaussian(1.3), 2 * Matern(2.5) + Laplacian(3.0) * Gaussian([1.0, 2.0, 3.0])]


@pytest.fixture(params=[1, 2, 4])
def threads(request, monkeypatch):
    """So many threads, also on a machine with fewer cores."""
    monkeypatch.setattr(numba, "get_num_threads", lambda: request.param)
    monkeypatch.setattr(_blocks, "_SMALL", 0)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
def test_bits_do_not_depend_on_the_number_of_threads(kernel, threads):
    """Sizes that are no multiples of a block, against the smallest tile: one pair of points."""
    x, y = random.normal((1201, 3), rng=1), random.normal((533, 3), rng=2)
    gram = kernel(x, y)
    rows = [0, 31, 32, 1200]
    for i in rows:
        np.testing.assert_array_equal(gram[i], kernel(x[i : i + 1], y)[0])
    symmetric = kernel(x)
    np.testing.assert_array_equal(symmetric, kernel(x, x))
    np.testing.assert_array_equal(symmetric, symmetric.T)


@pytest.mark.parametrize("kernel", KERNELS, ids=str)
@pytest.mark.parametrize("r", [1, 3])
def test_a_product_has_the_same_bits_for_any_number_of_threads(kernel, r, monkeypatch):
    x, y = random.normal((1201, 3), rng=1), random.normal((1533, 3), rng=2)
    v, w = random.normal((1201, r), rng=3), random.normal((1533, r), rng=4)
    monkeypatch.setattr(_blocks, "_SMALL", 0)
    results = []
    for count in (1, 2, 5):
        monkeypatch.setattr(numba, "get_num_threads", lambda count=count: count)
        results.append((kernel.matvec(x, v), kernel.matvec(x, w, y)))
    exact = kernel(x) @ v, kernel(x, y) @ w
    for result in results:
        for ours, first, theirs in zip(result, results[0], exact, strict=True):
            np.testing.assert_array_equal(ours, first)
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12 * abs(theirs).max())


@pytest.mark.parametrize("n", [1, 511, 512, 513, 1024, 1537])
def test_a_symmetric_product_uses_every_tile_once(n):
    """With ones for a kernel and for a vector every entry is the number of points."""
    from labcore.kernels import Constant

    np.testing.assert_array_equal(Constant(1.0).matvec(np.zeros(n), np.ones(n)), np.full(n, n))
    v = np.arange(1.0, n + 1)
    np.testing.assert_array_equal(Constant(1.0).matvec(np.zeros(n), v), np.full(n, n * (n + 1) / 2))


def test_an_error_in_a_tile_reaches_the_caller(threads):
    def tile(rows, first, out, left, count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        _blocks.fill(tile, np.empty((100, 100)), 1, symmetric=True)
