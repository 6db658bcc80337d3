"""labcore: kernels, samplers, SDE solvers and stochastic interpolants, compiled by numba.

The package behind *Kernels, Noise & Flows*. Importing it compiles nothing: a function is compiled
when it is first called, and the result is kept on disk (see `labcore._compile`).
"""

__version__ = "0.1.0"
