"""Products with Gram matrices that are not stored: a block of rows at a time."""

import numpy as np

from labcore.kernels.algebra import Kernel

_BUFFER = 2**18  # numbers: two megabytes


def matvec(kernel: Kernel, x: np.ndarray, v: np.ndarray, y: np.ndarray | None = None) -> np.ndarray:
    """``kernel(x, y) @ v`` for points that were validated, without the matrix."""
    y = x if y is None else y
    out = np.empty((len(x), *v.shape[1:]))
    rows = max(1, _BUFFER // max(len(y), 1))
    buffer = np.empty((min(rows, len(x)), len(y)))
    for start in range(0, len(x), rows):
        stop = min(start + rows, len(x))
        block = buffer[: stop - start]
        kernel._fill(x[start:stop], y, block)
        np.matmul(block, v, out=out[start:stop])
    return out
