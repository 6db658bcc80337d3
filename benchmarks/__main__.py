"""Run the workloads and print a table."""

import os
import platform
import sys

from benchmarks.measure import compare

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")


def main() -> None:
    """Measure all workloads, or those named on the command line."""
    from benchmarks.workloads import WORKLOADS

    chosen = [w for w in WORKLOADS if len(sys.argv) < 2 or w.name in sys.argv[1:]]
    if not chosen:
        sys.exit(f"no such workload; there are: {', '.join(w.name for w in WORKLOADS)}")
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()};")
    print(
        "processor time of one thread, median of 7 rounds; ratio: peer / labcore, larger is better"
    )
    print(f"\n{'workload':20s} {'way':24s} {'ms':>10s} {'ratio':>8s}")
    for workload in chosen:
        timing = compare(workload.ways(), rounds=workload.rounds, worth=workload.worth)
        for row, (name, milliseconds) in enumerate(timing.milliseconds.items()):
            title = workload.name if row == 0 else ""
            ratio = "" if row == 0 else f"{timing.ratios[name]:8.2f}"
            print(f"{title:20s} {name:24s} {milliseconds:10.2f} {ratio:>8s}", flush=True)


if __name__ == "__main__":
    if any(os.environ.get(name) != "1" for name in _THREADS):  # must be set before NumPy loads
        os.environ |= dict.fromkeys(_THREADS, "1")
        os.execv(sys.executable, [sys.executable, "-m", "benchmarks", *sys.argv[1:]])
    main()
