"""Each chapter has its skeleton, and the checks notice what is taken out of one."""

import copy
import re
import subprocess
import sys

import nbformat
import pytest

from tools import chapter, symbols
from tools.chapter import MIME, ROOT, SKELETON_CHECKS

ALL = {path: nbformat.read(path, 4) for path in sorted(ROOT.glob("notebooks/*/*.ipynb"))}
CHAPTERS = {path: notebook for path, notebook in ALL.items() if chapter.is_chapter(notebook)}
GOOD = CHAPTERS[ROOT / "notebooks/rkhs/01_positive_definite_kernels.ipynb"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
@pytest.mark.parametrize("check", SKELETON_CHECKS, ids=lambda check: check.__name__)
def test_chapter_has_its_skeleton(path, check):
    assert list(check(CHAPTERS[path])) == []


def test_what_is_no_chapter_says_so():
    assert [path.stem for path in ALL if path not in CHAPTERS] == ["02_how_the_figures_work"]


def replace(pattern, by, kind="markdown"):
    """A change of the text of all cells of a kind."""

    def plant(notebook):
        for cell in notebook.cells:
            if cell.cell_type == kind:
                cell.source = re.sub(pattern, by, cell.source)

    return plant


def freeze(keep):
    """Take all live figures but the last `keep` away."""

    def plant(notebook):
        live = [cell for cell in notebook.cells if chapter.is_live(cell)]
        for cell in live[: len(live) - keep]:
            for output in cell.outputs:
                output.get("data", {}).pop(MIME, None)

    return plant


def silence(notebook):
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            if "text" in output:
                output.text = output.text.replace(" Holds.", "")


def hurry(notebook):
    notebook.metadata.book.time_minutes = 5


def promise_less(notebook):
    notebook.metadata.book.objectives.pop()


def declare_lambda(notebook):
    notebook.metadata.book.symbols[r"\lambda"] = "something else"


FAULTS = [
    ("opens_with_objectives", replace("After this chapter", "Soon"), "does not say"),
    ("opens_with_objectives", promise_less, "5 objectives are listed in the text, and 4 in"),
    ("plays_first", replace("## Play first", "## Theory first"), "must be called 'Play first'"),
    ("plays_first", freeze(2), "no live figure in the first section"),
    ("has_live_figures", freeze(2), "2 live figures, at least 3"),
    ("defines_its_terms", replace("prf:definition", "prf:remark"), "no {prf:definition}"),
    ("checks_a_claim", silence, "no claim of a paper is checked"),
    ("has_exercises_with_solutions", replace("exercise-start", "note"), "0 exercises with a label"),
    ("has_exercises_with_solutions", replace("solution-start", "note"), "has no solution"),
    (
        "has_exercises_with_solutions",
        replace(r"check\(\"rkhs", 'print("rkhs', "code"),
        "0 exercises check the answer",
    ),
    ("closes_in_order", replace("## Summary", "## In short"), "the last sections must be"),
    ("closes_in_order", replace(r"\{cite:", "{ref:"), "the notes cite nothing"),
    ("time_is_honest", hurry, "minutes, and book.time_minutes says 5"),
    (
        "explains_its_symbols",
        replace(r"\\phi", r"\\zeta"),
        r"\zeta is neither on the notation",
    ),
    ("explains_its_symbols", replace(r"\\phi", "f"), r"\phi of book.symbols does not occur"),
    ("explains_its_symbols", declare_lambda, r"\lambda of book.symbols is on the notation page"),
    ("explains_its_symbols", replace(r"\\R\b", r"\\mathbb{R}"), r"the book has \R for it"),
]


@pytest.mark.parametrize(("check", "plant", "complaint"), FAULTS)
def test_a_planted_fault_is_named(check, plant, complaint):
    notebook = copy.deepcopy(GOOD)
    plant(notebook)
    assert any(complaint in fault for fault in getattr(chapter, check)(notebook))


def test_every_check_has_a_planted_fault():
    assert {name for name, *_ in FAULTS} == {check.__name__ for check in SKELETON_CHECKS}


def test_formulas_of_directives_count_and_those_of_code_do_not():
    source = "`$\\alpha$`\n```python\n$\\beta$\n```\n```{note}\n$\\gamma$\n```\n$$\n\\vartheta\n$$"
    assert symbols.greek(source) == {r"\gamma", r"\vartheta"}


def test_the_command_names_what_is_missing(tmp_path):
    notebook = copy.deepcopy(GOOD)
    freeze(0)(notebook)
    nbformat.write(notebook, tmp_path / "chapter.ipynb")
    command = [sys.executable, "-m", "tools.chapter", str(tmp_path / "chapter.ipynb")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "  - 0 live figures, at least 3 must be there" in done.stdout
