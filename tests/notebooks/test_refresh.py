"""A refresh stores the same bytes for the same code, and nothing that must not be published."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from nbformat import NotebookNode, v4

from tools import notebooks, refresh

FIGURE = "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2, 0])"
TIMING = "import time\nprint(time.perf_counter())"


def write(path: Path, *sources: str, tags: tuple[str, ...] = ()) -> Path:
    """A notebook that nobody has run yet; the tags go to its last cell."""
    notebook = v4.new_notebook(cells=[v4.new_code_cell(source) for source in sources])
    notebook.cells[-1].metadata["tags"] = list(tags)
    path.write_text(notebooks.dumps(notebook), encoding="utf-8")
    return path


def strip(path: Path) -> NotebookNode:
    """Remove the outputs, as someone might by hand."""
    notebook = notebooks.without_outputs(notebooks.read(path))
    path.write_text(notebooks.dumps(notebook), encoding="utf-8")
    return notebook


def test_same_code_gives_the_same_bytes(tmp_path):
    path = write(tmp_path / "a.ipynb", "print('one')\nprint('two')", FIGURE, "{'three': 3}")
    assert refresh.main([str(path)]) == 0
    first = path.read_bytes()
    strip(path)
    assert path.read_bytes() != first
    assert refresh.main([str(path)]) == 0
    assert path.read_bytes() == first
    assert b"image/png" in first


def test_timing_alone_changes_nothing_that_is_stored(tmp_path, capsys):
    path = write(tmp_path / "a.ipynb", "x = 1", TIMING, tags=("nbval-ignore-output",))
    refresh.main([str(path)])
    first = path.read_bytes()
    refresh.main([str(path)])
    assert path.read_bytes() == first
    assert "unchanged" in capsys.readouterr().out


def test_timing_is_stored_anew_when_another_output_moves(tmp_path):
    path = write(tmp_path / "a.ipynb", "print(1)", TIMING, tags=("nbval-ignore-output",))
    refresh.main([str(path)])
    stored = notebooks.read(path)
    timing = stored.cells[1].outputs
    stored.cells[0].outputs[0].text = "2\n"
    path.write_text(notebooks.dumps(stored), encoding="utf-8")
    refresh.main([str(path)])
    fresh = notebooks.read(path)
    assert fresh.cells[0].outputs[0].text == "1\n"
    assert fresh.cells[1].outputs != timing


def test_notebook_runs_in_its_own_folder(tmp_path):
    (tmp_path / "data.txt").write_text("seven")
    path = write(tmp_path / "a.ipynb", "print(open('data.txt').read())")
    assert refresh.main([str(tmp_path)]) == 0
    assert notebooks.read(path).cells[0].outputs[0].text == "seven\n"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("1 / 0", "ZeroDivisionError"),
        ("import warnings\nwarnings.warn('careful')", "code cell 2 ('import warnings') wrote to"),
        ("object()", "code cell 2 ('object()') shows the address 0x"),
    ],
)
def test_refused_notebook_is_left_as_it_was(tmp_path, capsys, source, complaint):
    path = write(tmp_path / "a.ipynb", "x = 1", source)
    before = path.read_bytes()
    assert refresh.main([str(path)]) == 1
    assert path.read_bytes() == before
    assert complaint in capsys.readouterr().out
    assert os.listdir(tmp_path) == ["a.ipynb"]


def test_edit_made_while_the_notebook_runs_is_not_overwritten(tmp_path, capsys):
    path = write(tmp_path / "a.ipynb", "_ = open('a.ipynb', 'a').write('\\n')")
    before = path.read_bytes()
    assert refresh.main([str(path)]) == 1
    assert path.read_bytes() == before + b"\n"
    assert "edited while it ran" in capsys.readouterr().out


def test_check_runs_nothing_and_names_what_is_wrong(tmp_path, capsys):
    path = write(tmp_path / "a.ipynb", "open('ran', 'w')")
    assert refresh.main(["--check", str(path)]) == 1
    assert "code cell 1 (\"open('ran', 'w')\") was not executed" in capsys.readouterr().out
    assert not (tmp_path / "ran").exists()


def test_ctrl_c_ends_every_kernel_and_stores_nothing(tmp_path):
    source = "import os, pathlib, time\npathlib.Path(f'{os.getpid()}.pid').touch()\ntime.sleep(60)"
    paths = [write(tmp_path / f"{name}.ipynb", source) for name in "abc"]
    before = [path.read_bytes() for path in paths]
    command = [sys.executable, "-m", "tools.refresh", "-j", "2", str(tmp_path)]
    process = subprocess.Popen(command, cwd=notebooks.ROOT, stdout=subprocess.PIPE, text=True)
    try:
        deadline = time.monotonic() + 60
        while len(started := list(tmp_path.glob("*.pid"))) < 2:
            assert time.monotonic() < deadline, "the kernels did not start"
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "Interrupted" in output
    assert [path.read_bytes() for path in paths] == before
    assert len(list(tmp_path.glob("*.pid"))) == 2  # the third notebook was not begun
    assert not any(psutil.pid_exists(int(path.stem)) for path in started)
