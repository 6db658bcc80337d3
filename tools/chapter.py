"""What a chapter has to have, one check a function; and `make check-chapter NB=...`.

The order of the skeleton: objectives, a live figure to play with, definitions and derivations,
papers whose claims are checked, exercises with solutions, summary, what can go wrong, notes with
citations. A notebook that is no chapter says so in its metadata: ``book.kind: "note"``.
"""

import re
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from labcore.live.figure import MIME
from tools import notebook_checks, papers, symbols
from tools.build import ROOT

LIVE_FIGURES = 3
EXERCISES = 4
MACHINE_CHECKED = 2
WORDS_PER_MINUTE = 200  # of someone who reads without computing anything
CLOSING = ["Exercises", "Summary", "What can go wrong", "Notes"]
OBJECTIVES = "After this chapter you can"


def is_chapter(notebook: NotebookNode) -> bool:
    """Whether the notebook is a chapter, and not a note beside the chapters."""
    return notebook.metadata.get("book", {}).get("kind", "chapter") == "chapter"


def skeleton_faults(notebook: NotebookNode) -> list[str]:
    """Everything that the skeleton of a chapter lacks."""
    return list(chain.from_iterable(check(notebook) for check in SKELETON_CHECKS))


def opens_with_objectives(notebook: NotebookNode) -> Iterator[str]:
    """The first text lists what the reader will be able to do, as the metadata do."""
    opening = re.split(r"^## ", text(notebook), maxsplit=1, flags=re.M)[0]
    _, found, listed = opening.partition(OBJECTIVES)
    if not found:
        yield f"the text before the first section does not say {OBJECTIVES!r}"
        return
    count = len(re.findall(r"^[-*] ", listed, re.M))
    expected = len(notebook.metadata.book.objectives)
    if count != expected:
        yield f"{count} objectives are listed in the text, and {expected} in book.objectives"


def plays_first(notebook: NotebookNode) -> Iterator[str]:
    """The first section is to play: it holds a live figure."""
    titles = sections(notebook)
    if not titles or not titles[0].startswith("Play first"):
        yield f"the first section must be called 'Play first', got {titles[:1]}"
    before = list(before_section(notebook, 2))
    if not any(is_live(cell) for cell in before):
        yield "there is no live figure in the first section"


def has_live_figures(notebook: NotebookNode) -> Iterator[str]:
    """Live figures where the argument is made, not at the door only."""
    count = sum(map(is_live, notebook.cells))
    if count < LIVE_FIGURES:
        yield f"{count} live figures, at least {LIVE_FIGURES} must be there"


def defines_its_terms(notebook: NotebookNode) -> Iterator[str]:
    """A chapter defines what it speaks of, in an environment that can be referred to."""
    if "{prf:definition}" not in text(notebook):
        yield "there is no {prf:definition}"


def checks_a_claim(notebook: NotebookNode) -> Iterator[str]:
    """A paper's claim is checked by a number."""
    outputs = chain.from_iterable(cell.get("outputs", []) for cell in notebook.cells)
    if not any(papers.statements_in(output.get("text", "")) for output in outputs):
        yield "no claim of a paper is checked: use labcore.claims.check"


def has_exercises_with_solutions(notebook: NotebookNode) -> Iterator[str]:
    """Exercises each with its solution, and some that check the student's answer."""
    source = text(notebook)
    labels = re.findall(r"\{exercise-start\}.*\n:label: *(\S+)", source)
    if len(labels) < EXERCISES:
        yield f"{len(labels)} exercises with a label, at least {EXERCISES} must be there"
    solved = set(re.findall(r"\{solution-start\} *(\S+)", source))
    for label in labels:
        if label not in solved:
            yield f"exercise {label} has no solution"
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    keys = set(re.findall(r"\bcheck\(\"(\w+-\d+)\"", code))
    if len(keys) < MACHINE_CHECKED:
        yield f"{len(keys)} exercises check the answer, at least {MACHINE_CHECKED} must"


def closes_in_order(notebook: NotebookNode) -> Iterator[str]:
    """Exercises, summary, what can go wrong, notes: in this order, at the end."""
    if sections(notebook)[-len(CLOSING) :] != CLOSING:
        yield f"the last sections must be {', '.join(CLOSING)}, got {sections(notebook)[-4:]}"
        return
    notes = text(notebook).rpartition("\n## Notes")[2]
    if "{cite:" not in notes:
        yield "the notes cite nothing"


def time_is_honest(notebook: NotebookNode) -> Iterator[str]:
    """The time that is announced is at least what the words alone take."""
    minutes = len(text(notebook).split()) / WORDS_PER_MINUTE
    announced = notebook.metadata.book.time_minutes
    if announced < minutes:
        yield f"reading takes {minutes:.0f} minutes, and book.time_minutes says {announced}"


def explains_its_symbols(notebook: NotebookNode) -> Iterator[str]:
    """Formulas use the book's macros, and letters that are explained."""
    yield from symbols.faults(notebook)


SKELETON_CHECKS = (
    opens_with_objectives,
    plays_first,
    has_live_figures,
    defines_its_terms,
    checks_a_claim,
    has_exercises_with_solutions,
    closes_in_order,
    time_is_honest,
    explains_its_symbols,
)


def text(notebook: NotebookNode) -> str:
    """The prose of a notebook."""
    return "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def sections(notebook: NotebookNode) -> list[str]:
    """The titles of its sections, in order."""
    return re.findall(r"^## (.+)$", text(notebook), re.M)


def before_section(notebook: NotebookNode, number: int) -> Iterator[NotebookNode]:
    """The cells before section `number` begins."""
    seen = 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            seen += len(re.findall(r"^## ", cell.source, re.M))
        if seen >= number:
            return
        yield cell


def is_live(cell: NotebookNode) -> bool:
    """Whether the cell shows a live figure."""
    return any(MIME in output.get("data", {}) for output in cell.get("outputs", []))


def main() -> int:
    """Report by name what the notebooks named on the command line (default: all) lack."""
    named = [Path(name) for name in sys.argv[1:]]
    named = named or sorted(path.relative_to(ROOT) for path in ROOT.glob("notebooks/*/*.ipynb"))
    status = 0
    for path in named:
        if not path.exists():
            print(f"error: there is no notebook {path}. Say make check-chapter NB=notebooks/...")
            return 2
        notebook = nbformat.read(path, as_version=4)
        faults = notebook_checks.output_faults(notebook) + notebook_checks.authoring_faults(
            notebook
        )
        if is_chapter(notebook):
            faults += skeleton_faults(notebook)
        print(f"{path}: {'nothing is missing' if not faults else ''}")
        for fault in faults:
            print(f"  - {fault}")
        status |= bool(faults)
    return status


if __name__ == "__main__":
    sys.exit(main())
