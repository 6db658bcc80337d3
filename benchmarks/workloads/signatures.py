"""Signatures of paths, and their kernel."""

import math

import numpy as np

from benchmarks.workload import Cost, Ways, peer, workload
from labcore import random
from labcore.signatures import signature, signature_kernel


def _same_to_nine_digits(ours, theirs):
    np.testing.assert_allclose(theirs, ours, rtol=1e-9, atol=1e-9)


def _paths(n: int, length: int, d: int) -> np.ndarray:
    steps = random.normal((n, length, d), rng=1) / math.sqrt(length)
    return np.cumsum(steps, axis=1)


@workload(
    small={"n": 20, "length": 12, "d": 3},
    agree=_same_to_nine_digits,
    aim=5.0,
    cost=lambda n, length, d: Cost(gemm=(2 * d + 9) * 0.5 * n * n * length * length),
    threads=(1, 2),
)
def signature_kernel_gram(n: int = 200, length: int = 100, d: int = 3) -> Ways:
    """The Gram matrix of the signature kernel: paths of a random walk, no halvings."""
    paths = _paths(n, length, d)
    ways: Ways = {"labcore": lambda: signature_kernel(paths, progress=False)}
    if pysiglib := peer("pysiglib"):
        ways["pysiglib"] = lambda: pysiglib.sig_kernel_gram(paths, paths, dyadic_order=0)
    return ways


@workload(
    small={"n": 10, "length": 12, "d": 3, "depth": 4},
    agree=_same_to_nine_digits,
    cost=lambda n, length, d, depth: Cost(gemm=2 * n * length * d**depth * d / (d - 1)),
    threads=(1, 2),
)
def truncated_signature(n: int = 200, length: int = 100, d: int = 3, depth: int = 5) -> Ways:
    """Signatures of paths of a random walk, truncated at depth 5."""
    paths = _paths(n, length, d)
    ways: Ways = {"labcore": lambda: signature(paths, depth)}
    if pysiglib := peer("pysiglib"):
        ways["pysiglib"] = lambda: pysiglib.sig(paths, depth, scalar_term=True)
    return ways


WORKLOADS = (signature_kernel_gram, truncated_signature)
