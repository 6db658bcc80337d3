"""Execute notebooks and store their outputs in normal form: `python -m tools.refresh [paths]`.

A notebook that fails, or whose outputs must not be published, is left as it was. So is one whose
outputs came out as they are stored: only what a reader would see changed shows in a diff.
"""

import argparse
import asyncio
import copy
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbformat import NotebookNode

from tools import notebooks
from tools.notebook_checks import authoring_faults, output_faults

# Kernels inherit this. On a busy machine the threads of OpenBLAS wait for each other by spinning:
# small factorisations were seen to take fifty times the processor time. (As in tools.nbval_time.)
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

TIMEOUT = 120


def main(arguments: Sequence[str] | None = None) -> int:
    """Refresh (or check) the notebooks named on the command line; 0 when none was refused."""
    parser = argparse.ArgumentParser(prog="python -m tools.refresh", description=__doc__)
    parser.add_argument("paths", nargs="*", type=Path, help="notebooks or folders (default: all)")
    parser.add_argument("-j", type=int, default=2, metavar="N", help="how many at once (2)")
    parser.add_argument(
        "--check", action="store_true", help="run nothing: list what is wrong with what is stored"
    )
    options = parser.parse_args(arguments)
    paths = _expand(options.paths or [notebooks.NOTEBOOKS])
    if options.check:
        return _check(paths)
    try:
        refused = asyncio.run(_refresh_all(paths, options.j))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("\nInterrupted: notebooks that were still running are as they were.")
        return 130
    print(f"{len(paths) - refused} refreshed or unchanged, {refused} refused")
    return 1 if refused else 0


def _expand(paths: Sequence[Path]) -> list[Path]:
    found = []
    for path in paths:
        if not path.exists():
            sys.exit(f"{path}: no such file")
        found += notebooks.find(path) if path.is_dir() else [path]
    return found


def _check(paths: Sequence[Path]) -> int:
    count = 0
    for path in paths:
        notebook = notebooks.read(path)
        for fault in [*output_faults(notebook), *authoring_faults(notebook)]:
            print(f"{_short(path)}: {fault}")
            count += 1
    print(f"{len(paths)} notebooks, {count} faults")
    return 1 if count else 0


async def _refresh_all(paths: Sequence[Path], at_once: int) -> int:
    """Refresh notebooks, `at_once` at a time. Returns how many were refused."""
    slots = asyncio.Semaphore(at_once)
    loop, whole_run = asyncio.get_running_loop(), asyncio.current_task()

    def stop_on_ctrl_c(**_: object) -> None:
        # nbclient puts in a handler that ends one kernel; we would go on to the next notebook.
        loop.add_signal_handler(signal.SIGINT, whole_run.cancel)

    async def one(path: Path) -> bool:
        async with slots:
            return await _refresh(path, stop_on_ctrl_c)

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one(path)) for path in paths]
    return sum(not task.result() for task in tasks)


async def _refresh(path: Path, on_cell_start: Callable[..., None]) -> bool:
    """Execute one notebook and store it. Returns whether it is now as it should be."""
    text, stored = path.read_text(encoding="utf-8"), notebooks.read(path)
    start = time.perf_counter()
    try:
        executed = await execute(stored, path.parent, on_cell_start)
    except (CellExecutionError, CellTimeoutError, DeadKernelError) as error:
        if asyncio.current_task().cancelling():  # nbclient takes this for a dead kernel
            raise asyncio.CancelledError from error
        _report(path, start, "REFUSED: it does not run", [str(error)])
        return False
    notebooks.stamp(executed)
    fresh = notebooks.normalise(executed)
    if faults := output_faults(fresh):
        _report(path, start, "REFUSED: its outputs must not be published", faults)
        return False
    if path.read_text(encoding="utf-8") != text:
        _report(path, start, "REFUSED: the file was edited while it ran", [])
        return False
    outcome = "unchanged"
    if text != notebooks.dumps(with_stored_timings(fresh, stored)):
        _write(path, notebooks.dumps(fresh))
        outcome = "stored"
    _report(path, start, outcome, [f"to do: {fault}" for fault in authoring_faults(fresh)])
    return True


async def execute(
    notebook: NotebookNode, folder: Path, on_cell_start: Callable[..., None]
) -> NotebookNode:
    """A copy of the notebook, run from its first cell to its last in a fresh kernel."""
    fresh = notebooks.without_outputs(notebook)
    client = NotebookClient(
        fresh,
        timeout=TIMEOUT,
        kernel_name="python3",
        extra_arguments=["--log-level=ERROR"],  # it warns that it talks by TCP, at each start
        record_timing=False,
        store_widget_state=False,
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=on_cell_start,
    )
    await client.async_execute()
    return fresh


def with_stored_timings(fresh: NotebookNode, stored: NotebookNode) -> NotebookNode:
    """The fresh notebook, with the stored outputs of the unchanged cells that nothing compares.

    Timings differ on every run. If nothing else moved, the stored ones are as good as new ones.
    """
    merged = copy.deepcopy(fresh)
    outputs = {cell.get("id"): cell.outputs for _, cell in notebooks.code_cells(stored)}
    for _, cell in notebooks.code_cells(merged):
        if notebooks.IGNORE_OUTPUT in notebooks.tags(cell) and outputs.get(cell.id):
            cell.outputs = outputs[cell.id]
    return notebooks.normalise(merged)


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, so that an interruption leaves the old one or the new one."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text, encoding="utf-8")
    os.replace(temporary, path)


def _report(path: Path, start: float, outcome: str, lines: Sequence[str]) -> None:
    seconds = time.perf_counter() - start
    print(f"{_short(path)}  {seconds:.1f} s  {outcome}", flush=True)
    for line in lines:
        print("    " + line.rstrip().replace("\n", "\n    "), flush=True)


def _short(path: Path) -> Path:
    path = path.resolve()
    return path.relative_to(notebooks.ROOT) if path.is_relative_to(notebooks.ROOT) else path


if __name__ == "__main__":
    sys.exit(main())
