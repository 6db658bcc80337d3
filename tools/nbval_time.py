"""pytest plugin beside nbval: a notebook that takes more than 20 s of processor time fails.

    python -m pytest --nbval -p tools.nbval_time notebooks

What is measured is the processor time of the notebook's kernel and its children, from the first
cell to the last: imports and compilation count, starting the kernel does not. Wall time would say
how busy the machine is; processor time hardly depends on that. On an idle machine of two cores it
lies between the wall time and twice that, so the limit is on the strict side for parallel code,
and 20 s of it never means more than 20 s of waiting. Only sleeping is not seen.
"""

import os

import psutil
import pytest
from nbval.plugin import IPyNbCell

# Kernels inherit this. On a busy machine the threads of OpenBLAS wait for each other by spinning:
# small factorisations were seen to take fifty times the processor time. (As in tools.refresh.)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

LIMIT = 20.0
PROPERTY = "notebook_seconds"
_start = pytest.StashKey[float]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item):
    """Add up what each cell costs, and fail the cell in which the notebook crosses the limit."""
    if not isinstance(item, IPyNbCell):
        return (yield)
    notebook = item.parent
    before = kernel_seconds(notebook.kernel)
    start = notebook.stash.setdefault(_start, before)
    result = yield
    after = kernel_seconds(notebook.kernel)
    item.user_properties.append((PROPERTY, after - start))
    if before - start <= LIMIT < after - start:
        pytest.fail(over_limit(notebook.path.name, after - start), pytrace=False)
    return result


def kernel_seconds(kernel) -> float:
    """Processor time, in seconds, of a running kernel and of the processes it started."""
    process = psutil.Process(kernel.km.provisioner.process.pid)
    own = process.cpu_times()
    seconds = own.user + own.system + own.children_user + own.children_system
    for child in process.children(recursive=True):
        times = child.cpu_times()
        seconds += times.user + times.system
    return seconds


def over_limit(name: str, seconds: float) -> str:
    """The message of a notebook that takes too long."""
    return f"{name} has taken {seconds:.1f} s of processor time by this cell, over {LIMIT:.0f} s"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List what each notebook took, the slowest first."""
    seconds: dict[str, float] = {}
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            for name, value in report.user_properties:
                if name == PROPERTY:
                    notebook = report.location[0]
                    seconds[notebook] = max(value, seconds.get(notebook, 0.0))
    if seconds:
        terminalreporter.section(f"processor time of the notebooks, limit {LIMIT:.0f} s")
        for notebook, value in sorted(seconds.items(), key=lambda pair: -pair[1]):
            terminalreporter.line(f"{value:6.1f} s  {notebook}")
