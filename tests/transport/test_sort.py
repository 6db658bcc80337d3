"""Sorting by digits: against NumPy's sort, to the last bit."""

import numpy as np
import pytest

from labcore import random
from labcore.transport._sort import sort_rows

N = 5000
NORMAL, UNIFORM = random.normal(N, rng=1), random.uniform(N, rng=2)
ROWS = {
    "normal": NORMAL,
    "positive": UNIFORM,
    "negative": -UNIFORM,
    "near 1000": 1000.0 + UNIFORM,
    "few values": np.round(NORMAL),
    "constant": np.full(N, -3.0),
    "increasing": np.arange(float(N)),
    "decreasing": -np.arange(float(N)),
    "close together and far apart": np.where(UNIFORM < 0.5, 1.0 + 1e-13 * NORMAL, NORMAL),
    "of all magnitudes": np.sign(NORMAL) * 10.0 ** (600.0 * UNIFORM - 300.0),
    "subnormal": 5e-324 * np.round(100.0 * NORMAL),
    "infinite": np.where(UNIFORM < 0.1, np.inf * np.sign(NORMAL), NORMAL),
    "last digits": (np.int64(1 << 62) + (UNIFORM * N).astype(int)).view(float),
}


@pytest.mark.parametrize("name", ROWS)
@pytest.mark.parametrize("n", [0, 1, 1023, 1024, N])
def test_rows_are_put_in_order(name, n):
    rows = np.array([ROWS[name][:n], ROWS[name][::-1][:n]])
    expected = np.sort(rows, axis=1)
    sort_rows(rows)
    np.testing.assert_array_equal(rows, expected)
