"""The notebooks of a course as two zips: the students' without solutions, the teacher's with them.

A student's notebook has no outputs: it is to be run. The package comes with it as a wheel, so that
its figures live and its exercises check answers without a clone of the repository. The wheel has
the answers in it, as a check that works offline must; no notebook has.
"""

import copy
import re
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

from nbformat import NotebookNode

from tools import course as courses
from tools import notebooks
from tools.build import ROOT
from tools.course import Course

START = re.compile(r"^(`{3,}|:{3,})\{solution-start\}", re.M)
END = re.compile(r"^(`{3,}|:{3,})\{solution-end\}.*\n(?:.*\n)*?\1[ \t]*$\n?", re.M)
DATA = "book/data"
# What the notebooks import beside the wheel and what it requires.
PACKAGES = ("jupyterlab", "scikit-learn", "wasmtime")
README = """{title}

These are the notebooks of the course. To run them you need Python 3.11, 3.12 or 3.13. In this
folder:

    python3 -m venv .venv
    .venv/bin/python -m pip install "./{wheel}[figures]" {packages}
    .venv/bin/jupyter lab

(On Windows say .venv\\Scripts\\ instead of .venv/bin/.) Then open a notebook below notebooks/ and
run its cells from the top. The figures have sliders; exercises.check(...) tells whether an answer
is right, and if it is not, what seems to be off.{more}
"""
TEACHERS = """

This is the teacher's copy: the notebooks have their solutions and their outputs. The students' copy
is the same without. Whoever opens the package in it can find the answers that the checks compare
with, but no solution."""


def write(course: Course, folder: Path, wheel: Path) -> tuple[Path, Path]:
    """Write students.zip and teacher.zip; returns their paths."""
    students, teacher = folder / "students.zip", folder / "teacher.zip"
    with ZipFile(students, "w", ZIP_DEFLATED) as archive:
        for page in pages(course):
            add(archive, f"{page}.ipynb", notebooks.dumps(unsolved(courses.notebook(page))))
        add_common(archive, course, wheel, "")
    with ZipFile(teacher, "w", ZIP_DEFLATED) as archive:
        for page in pages(course):
            add(archive, f"{page}.ipynb", (ROOT / f"{page}.ipynb").read_text(encoding="utf-8"))
        add_common(archive, course, wheel, TEACHERS)
    return students, teacher


def pages(course: Course) -> list[str]:
    """The chapters of a course, in the order in which they come."""
    excerpts = [excerpt for lecture in course.lectures for excerpt in lecture.excerpts]
    exercises = [
        courses.exercises()[e][0] for lecture in course.lectures for e in lecture.exercises
    ]
    return list(dict.fromkeys([*(excerpt.page for excerpt in excerpts), *exercises]))


def add_common(archive: ZipFile, course: Course, wheel: Path, more: str) -> None:
    """What both copies have: how to begin, the package, and the data that notebooks read."""
    packages = " ".join(PACKAGES)
    readme = README.format(title=course.title, wheel=wheel.name, packages=packages, more=more)
    add(archive, "README.txt", readme)
    archive.write(wheel, wheel.name)
    for path in sorted((ROOT / DATA).iterdir()):
        add(archive, f"{DATA}/{path.name}", path.read_text(encoding="utf-8"))


def add(archive: ZipFile, name: str, text: str) -> None:
    """Put a text into a zip."""
    archive.writestr(name, text.encode("utf-8"))


def unsolved(notebook: NotebookNode) -> NotebookNode:
    """A copy without solutions and outputs.

    Raises
    ------
    ValueError
        If a solution begins and does not end, or ends and did not begin.
    """
    result = copy.deepcopy(notebook)
    kept, inside = [], False
    for cell in result.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        else:
            cell.source, inside = outside(cell.source, inside)
            if not cell.source:
                continue
        if not inside or cell.cell_type == "markdown":
            kept.append(cell)
    if inside:
        raise ValueError("a solution begins and does not end")
    result.cells = kept
    return result


def outside(source: str, inside: bool) -> tuple[str, bool]:
    """The text that is in no solution, and whether one is still open at the end."""
    parts = []
    while True:
        found = (END if inside else START).search(source)
        if not inside and END.search(source, 0, found.start() if found else len(source)):
            raise ValueError("a solution ends and did not begin")
        if found is None:
            parts += [] if inside else [source]
            return "\n".join(part.strip("\n") for part in parts if part.strip()), inside
        if not inside:
            parts.append(source[: found.start()])
        source = source[found.end() :]
        inside = not inside
