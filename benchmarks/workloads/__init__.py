"""What is measured: a module for each subject, with its `WORKLOADS`.

A workload returns the ways of doing one task, labcore's first. The tests compare their results
(tests/test_benchmarks.py): a faster answer to another question is no answer.
"""

from benchmarks.workloads import (
    hawkes,
    interpolants,
    kernels,
    nets,
    paths,
    populations,
    processes,
    quasi,
    random,
    regression,
    samplers,
    sde,
    signatures,
    stats,
    transport,
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
    processes,
    hawkes,
    signatures,
    transport,
    nets,
    interpolants,
)
WORKLOADS = tuple(workload for subject in SUBJECTS for workload in subject.WORKLOADS)
