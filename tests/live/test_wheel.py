"""The wheel carries the live figures: kernels of its own sources, scripts and style."""

import io
import json
import subprocess
import sys
import zipfile

from labcore.live.dependencies import kernels_hash
from tools import wheel


def test_an_installed_wheel_finds_its_kernels_without_building(tmp_path):
    path = wheel.main(tmp_path / "dist")
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as archive:
        names = set(archive.namelist())
        shipped = json.loads(archive.read("labcore/live/assets/kernels.json"))
        archive.extractall(tmp_path / "site")
    assert {
        "labcore/book.mplstyle",
        "labcore/live/assets/kernels.wasm",
        "labcore/live/assets/figures.js",
        "labcore/live/assets/figures.css",
        "labcore/live/assets/widget.js",
        "labcore/live/assets/LICENSES.txt",
    } <= names
    assert shipped["hash"] == kernels_hash()
    code = """
from labcore.live import wasm
assert wasm.__file__.startswith({root!r})
print(wasm.is_built(), len(wasm.module()) > 10_000)
"""
    root = str(tmp_path / "site")
    environment = {"PYTHONPATH": root, "LABCORE_CACHE_DIR": str(tmp_path / "cache"), "PATH": ""}
    result = subprocess.run(
        [sys.executable, "-c", code.format(root=root)],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert result.stdout.split() == ["True", "True"], result.stderr
