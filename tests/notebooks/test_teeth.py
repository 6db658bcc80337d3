"""The regression test has teeth: a change of one part in 100,000 in `labcore` fails a chapter.

For each subject of the package its chapter and the package are copied, a compiled function deep in
the copy is made wrong by that much, and nbval has to fail. Then the copy is put right again and
nbval has to pass up to the same cell. Both runs use a copy of the cache of machine code as the
tests before left it, full of what the right sources give: so this also shows that no cache hides an
edit, not even that of a function that was inlined into functions of other files.
"""

import ast
import re
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest
from nbformat import v4

from labcore._compile import cache_root, package_hash
from tests.notebooks.nbval_process import nbval
from tools import notebooks


class Plant(NamedTuple):
    """What to make wrong: an expression in a function. The chapter has to notice."""

    chapter: str
    module: str
    function: str
    right: str
    wrong: str


PLANTS = [
    Plant(
        "rkhs/01_positive_definite_kernels",
        "labcore/_math.py",
        "exp",
        "mantissa * float_from_bits",
        "1.00001 * mantissa * float_from_bits",
    ),
    Plant(
        "samplers/01_markov_kernels",
        "labcore/samplers/metropolis.py",
        "_step",
        "position[i] + step_size *",
        "position[i] + 1.00001 * step_size *",
    ),
    Plant(
        "processes/01_noise_in_continuous_time",
        "labcore/sde/brownian.py",
        "fill_brownian",
        "right[j] = left[j] + scale *",
        "right[j] = left[j] + 1.00001 * scale *",
    ),
    Plant(
        "interpolants/01_from_noise_to_data",
        "labcore/interpolants/mixtures.py",
        "_average_affine",
        "+= r * value",
        "+= 1.00001 * r * value",
    ),
]


def spoil(source: str, plant: Plant) -> str:
    """The module's source with the one expression made wrong."""
    (function,) = [
        node
        for node in ast.parse(source).body
        if isinstance(node, ast.FunctionDef) and node.name == plant.function
    ]
    text = ast.get_source_segment(source, function)
    assert text.count(plant.right) == 1, f"{plant.right!r} must stand once in {plant.function}"
    assert source.count(text) == 1
    return source.replace(text, text.replace(plant.right, plant.wrong))


class Copy:
    """A copy of the package and of one chapter, whose first cell shows which package it imports."""

    def __init__(self, folder: Path, chapter: str):
        self.folder = folder
        ignore = shutil.ignore_patterns("__pycache__")
        self.cache = folder / "cache"
        if (cache := cache_root() / package_hash()).exists():
            shutil.copytree(cache, self.cache / package_hash(), ignore=ignore)
        shutil.copytree(notebooks.ROOT / "labcore", folder / "labcore", ignore=ignore)
        if (data := notebooks.ROOT / "book" / "data").exists():
            shutil.copytree(data, folder / "book" / "data")
        self.notebook = notebooks.read(notebooks.NOTEBOOKS / f"{chapter}.ipynb")
        self.path = folder / "notebooks" / f"{chapter}.ipynb"
        self.path.parent.mkdir(parents=True)
        package = folder / "labcore" / "__init__.py"
        shown = v4.new_output("stream", name="stdout", text=f"{package}\n")
        source = "import labcore\nprint(labcore.__file__)"
        self.notebook.cells.insert(0, v4.new_code_cell(source, outputs=[shown], execution_count=1))

    def nbval(self, last_cell: int | None = None) -> subprocess.CompletedProcess:
        """Compare the chapter's cells, up to the first that fails, or to one of given number."""
        chosen = v4.new_notebook(metadata=self.notebook.metadata)
        code = [cell for _, cell in notebooks.code_cells(self.notebook)]
        chosen.cells = code if last_cell is None else code[: last_cell + 1]
        self.path.write_text(notebooks.dumps(chosen), encoding="utf-8")
        environment = {"PYTHONPATH": str(self.folder), "LABCORE_CACHE_DIR": str(self.cache)}
        return nbval(self.path, "-x", **environment)


@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.chapter)
def test_one_part_in_100_000_fails_the_chapter(plant, tmp_path):
    copy = Copy(tmp_path, plant.chapter)
    module = tmp_path / plant.module
    right = module.read_text(encoding="utf-8")
    module.write_text(spoil(right, plant), encoding="utf-8")
    wrong_run = copy.nbval()
    failed = re.search(r"^FAILED .*::Cell (\d+)", wrong_run.stdout, flags=re.MULTILINE)
    assert wrong_run.returncode == 1, wrong_run.stdout
    assert failed, wrong_run.stdout
    cell = int(failed.group(1))
    assert cell > 0, f"the copy was not what the chapter imported:\n{wrong_run.stdout}"

    module.write_text(right, encoding="utf-8")
    right_run = copy.nbval(last_cell=cell)
    assert right_run.returncode == 0, right_run.stdout
    assert f"{cell + 1} passed" in right_run.stdout
