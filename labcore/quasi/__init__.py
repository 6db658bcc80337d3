"""Quasi-Monte Carlo: Halton points, lattices, digital nets, and fast regression on them."""

from labcore.quasi.digital_net import digital_net
from labcore.quasi.fast_kernels import DigitallyShiftInvariant, ShiftInvariant, walsh_hadamard
from labcore.quasi.halton import halton
from labcore.quasi.lattice import generating_vector, lattice
from labcore.quasi.regression import FastGaussianProcess, Integral, condition, fit

__all__ = [
    "DigitallyShiftInvariant",
    "FastGaussianProcess",
    "Integral",
    "ShiftInvariant",
    "condition",
    "digital_net",
    "fit",
    "generating_vector",
    "halton",
    "lattice",
    "walsh_hadamard",
]
