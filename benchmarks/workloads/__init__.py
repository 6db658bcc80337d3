"""All workloads, in the order of the table.

A workload returns the ways of doing one task, labcore's first, each as a function that is timed.
"""

from benchmarks.workloads import (
    hawkes,
    interpolants,
    kernels,
    paths,
    populations,
    quasi,
    random,
    regression,
    samplers,
    sde,
    signatures,
    stats,
)

SUBJECTS = (
    random,
    quasi,
    kernels,
    regression,
    stats,
    samplers,
    populations,
    sde,
    paths,
    hawkes,
    signatures,
    interpolants,
)
WORKLOADS = tuple(workload for subject in SUBJECTS for workload in subject.WORKLOADS)
