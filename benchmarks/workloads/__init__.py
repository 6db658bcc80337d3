"""What is measured: a module for each subject, with its `WORKLOADS`.

A workload returns the ways of doing one task, labcore's first. The tests compare their results
(tests/test_benchmarks.py): a faster answer to another question is no answer.
"""

from benchmarks.workloads import (
    interpolants,
    kernels,
    nets,
    populations,
    quasi,
    random,
    regression,
    samplers,
    sde,
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
    interpolants,
    nets,
)
WORKLOADS = tuple(workload for subject in SUBJECTS for workload in subject.WORKLOADS)
