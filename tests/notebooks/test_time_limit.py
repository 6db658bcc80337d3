"""The limit on a notebook's time counts work, not waiting, and names the cell that goes over."""

import subprocess
from pathlib import Path

import pytest
from nbformat import v4

from tests.notebooks.nbval_process import nbval
from tools import notebooks

WORK = (
    "import time\nstart = time.process_time()\nwhile time.process_time() < start + 0.7:\n    pass"
)
WORK_IN_A_CHILD = f"import subprocess, sys\n_ = subprocess.run([sys.executable, '-c', {WORK!r}])"
WAIT = "import time\ntime.sleep(1.5)"


def run_with_limit(folder: Path, limit: float, *sources: str) -> subprocess.CompletedProcess:
    """Run nbval on a notebook of these cells, with another limit than the book's."""
    cells = [v4.new_code_cell(source, execution_count=1) for source in sources]
    path = folder / "a.ipynb"
    path.write_text(notebooks.dumps(v4.new_notebook(cells=cells)), encoding="utf-8")
    setting = f"from tools import nbval_time\nnbval_time.LIMIT = {limit}\n"
    folder.joinpath("other_limit.py").write_text(setting)
    return nbval(path, "-p", "tools.nbval_time", "-p", "other_limit", PYTHONPATH=str(folder))


@pytest.mark.parametrize("work", [WORK, WORK_IN_A_CHILD])
def test_the_cell_that_crosses_the_limit_fails_and_no_other(tmp_path, work):
    run = run_with_limit(tmp_path, 1.0, "x = 1", work, work, "x = 2")
    assert run.returncode == 1, run.stdout
    assert "1 failed, 3 passed" in run.stdout
    assert "::Cell 2 - " in run.stdout
    assert "a.ipynb has taken 1." in run.stdout
    assert "processor time of the notebooks" in run.stdout


def test_waiting_does_not_count(tmp_path):
    run = run_with_limit(tmp_path, 1.0, "x = 1", WAIT)
    assert run.returncode == 0, run.stdout
    assert "2 passed" in run.stdout
