"""What is wrong with a stored notebook, one check a function, without running anything.

Each check yields sentences that name the cell and say what to do. `OUTPUT_CHECKS` look at outputs
that must not be published: a refresh refuses them. `AUTHORING_CHECKS` look at what the author has
still to write: a refresh lists them and the tests fail on them.
"""

import ast
import base64
import re
from collections.abc import Iterator
from itertools import chain

import yaml
from nbformat import NotebookNode

from tools import notebooks
from tools.notebooks import WIDGET_VIEW, code_cells, tags

IMAGE_BYTES = 100_000
NOTEBOOK_BYTES = 1_000_000
CODE_LINES = 15
CODE_COLUMNS = 80
MINIMUM_OUTPUTS = 3
LEVELS = ("introductory", "intermediate", "advanced")
KINDS = ("chapter", "note")
BOOK_KEYS = ("level", "objectives", "part", "prerequisites", "time_minutes")
OPTIONAL_KEYS = {"kind", "symbols"}


def output_faults(notebook: NotebookNode) -> list[str]:
    """Everything in the outputs that a refresh refuses to store."""
    return list(chain.from_iterable(check(notebook) for check in OUTPUT_CHECKS))


def authoring_faults(notebook: NotebookNode) -> list[str]:
    """Everything that the author of a refreshed notebook has still to put right."""
    return list(chain.from_iterable(check(notebook) for check in AUTHORING_CHECKS))


# --- Outputs ------------------------------------------------------------------------------------


def executed_in_order(notebook: NotebookNode) -> Iterator[str]:
    """Every code cell has run, from top to bottom in one fresh kernel."""
    for number, (name, cell) in enumerate(code_cells(notebook), start=1):
        if cell.execution_count is None:
            yield f"{name} was not executed: run make refresh (an empty cell: delete it)"
        elif cell.execution_count != number:
            yield f"{name} ran as number {cell.execution_count}, not {number}: run make refresh"


def no_errors(notebook: NotebookNode) -> Iterator[str]:
    """No cell raised an exception."""
    for name, output in _outputs(notebook):
        if output.output_type == "error":
            yield f"{name} raised {output.ename}: {output.evalue}"


def no_stderr(notebook: NotebookNode) -> Iterator[str]:
    """No cell wrote to stderr: a warning is a fault to repair, and progress belongs on stdout."""
    for name, output in _outputs(notebook):
        if output.output_type == "stream" and output.name == "stderr":
            yield f"{name} wrote to stderr: {output.text.strip()[:100]!r}"


def no_addresses(notebook: NotebookNode) -> Iterator[str]:
    """No output shows where an object lies in memory: it differs on every run."""
    for name, output in _outputs(notebook):
        for text in _texts(output):
            if found := re.search(r"\b0x[0-9a-fA-F]{6,}", text):
                yield f"{name} shows the address {found.group()}: assign the result, `_ = ...`"


def images_are_small_pngs(notebook: NotebookNode) -> Iterator[str]:
    """Pictures are PNGs (the site recolours them for dark mode) of at most `IMAGE_BYTES`."""
    for name, output in _outputs(notebook):
        for kind, content in output.get("data", {}).items():
            if kind == "image/png" and (size := len(base64.b64decode(content))) > IMAGE_BYTES:
                yield (
                    f"{name} draws a picture of {size:,} bytes, over {IMAGE_BYTES:,}:"
                    " plot fewer points or rasterise less"
                )
            elif kind.startswith("image/") and kind != "image/png":
                yield f"{name} draws an {kind}: only image/png is published"


def pictures_are_stored(notebook: NotebookNode) -> Iterator[str]:
    """A figure or widget has its still picture: nbval does not compare pictures, so we look."""
    for name, output in _outputs(notebook):
        data = output.get("data", {})
        if "image/png" in data:
            continue
        if WIDGET_VIEW in data:
            yield f"{name} shows a widget without a still picture: print and PDF would show nothing"
        elif str(data.get("text/plain", "")).startswith("<Figure size"):
            yield f"{name} has lost its picture: run make refresh"


def notebook_is_light(notebook: NotebookNode) -> Iterator[str]:
    """The file weighs at most `NOTEBOOK_BYTES`."""
    size = len(notebooks.dumps(notebook).encode())
    if size > NOTEBOOK_BYTES:
        yield f"the notebook weighs {size:,} bytes, over {NOTEBOOK_BYTES:,}"


# --- Authoring ----------------------------------------------------------------------------------


def outputs_are_current(notebook: NotebookNode) -> Iterator[str]:
    """No code cell was edited after its outputs were stored."""
    expected = dict(zip(map(id, notebook.cells), notebooks.source_ids(notebook), strict=True))
    for name, cell in code_cells(notebook):
        if cell.get("id") != expected[id(cell)]:
            yield f"{name} was edited after its outputs were stored: run make refresh"


def is_normal(notebook: NotebookNode) -> Iterator[str]:
    """The notebook is in normal form."""
    if notebooks.dumps(notebook) != notebooks.dumps(notebooks.normalise(notebook)):
        yield "the notebook is not in normal form: run make refresh"


def has_outputs_to_compare(notebook: NotebookNode) -> Iterator[str]:
    """Enough is printed for the regression test to mean something, and what prints is stored."""
    printing = [name for name, cell in code_cells(notebook) if _compared(cell)]
    if len(printing) < MINIMUM_OUTPUTS:
        yield f"{len(printing)} cells have text that is compared, at least {MINIMUM_OUTPUTS} must"
    for name, cell in code_cells(notebook):
        if _prints(cell.source) and not cell.outputs:
            yield f"{name} prints, but no output is stored: run make refresh"


def nothing_escapes_comparison(notebook: NotebookNode) -> Iterator[str]:
    """No cell is skipped, and those whose output is ignored say so by tag and only print."""
    for name, cell in code_cells(notebook):
        if "nbval-skip" in tags(cell):
            yield f"{name} is tagged nbval-skip: every cell is run"
        if "NBVAL_" in cell.source:
            yield f"{name} steers nbval by a comment that readers see: use a tag"


def cells_are_short(notebook: NotebookNode) -> Iterator[str]:
    """At most `CODE_LINES` lines of code a cell, of at most `CODE_COLUMNS` columns.

    A cell tagged `long-cell` may have more lines if a comment in its first line says why.
    """
    for name, cell in code_cells(notebook):
        lines = cell.source.splitlines()
        count = sum(bool(line.strip()) and not line.strip().startswith("#") for line in lines)
        if "long-cell" in tags(cell):
            if not cell.source.startswith("#"):
                yield f"{name} is tagged long-cell: its first line must be a comment saying why"
        elif count > CODE_LINES:
            yield f"{name} has {count} lines of code, over {CODE_LINES}: split it"
        for line in lines:
            if len(line) > CODE_COLUMNS:
                yield f"{name} has a line of {len(line)} columns, over {CODE_COLUMNS}"


def figures_are_described(notebook: NotebookNode) -> Iterator[str]:
    """A cell that draws has one picture, a caption, a name to refer to, and a text alternative."""
    names: dict[str, str] = {}
    for name, cell in code_cells(notebook):
        pictures = sum("image/png" in output.get("data", {}) for output in cell.outputs)
        settings = cell.metadata.get("mystnb", {})
        figure, image = settings.get("figure") or {}, settings.get("image") or {}
        if label := figure.get("name"):
            if label in names:
                yield f"{name} has the figure name {label!r} of {names[label]}"
            names[label] = name
        if pictures == 0:
            if figure:
                yield f"{name} has a caption and no picture is stored: run make refresh"
            continue
        if pictures > 1:
            yield f"{name} draws {pictures} pictures: one a cell, so that each has its caption"
        if len(str(figure.get("caption", "")).split()) < 4:
            yield f"{name} draws without a caption in mystnb.figure.caption"
        if not str(figure.get("name", "")).startswith("fig-"):
            yield f"{name} draws without a name like fig-... in mystnb.figure.name"
        if len(str(image.get("alt", "")).split()) < 4:
            yield f"{name} draws without a text alternative in mystnb.image.alt"


def metadata_is_complete(notebook: NotebookNode) -> Iterator[str]:
    """The page's description and the book's facts about the chapter are there and well formed."""
    description = notebook.metadata.get("myst", {}).get("html_meta", {}).get("description")
    if not isinstance(description, str) or not 50 <= len(description) <= 200:
        yield "metadata myst.html_meta.description must be a text of 50 to 200 characters"
    book = notebook.metadata.get("book", {})
    if sorted(book.keys() - OPTIONAL_KEYS) != sorted(BOOK_KEYS):
        yield f"metadata book must have the keys {', '.join(BOOK_KEYS)}, has {', '.join(book)}"
        return
    if book.get("kind", "chapter") not in KINDS:
        yield f"metadata book.kind must be one of {', '.join(KINDS)}, got {book['kind']!r}"
    minutes = book["time_minutes"]
    if type(minutes) is not int or not 5 <= minutes <= 300:
        yield f"metadata book.time_minutes must be a whole number from 5 to 300, got {minutes!r}"
    if book["level"] not in LEVELS:
        yield f"metadata book.level must be one of {', '.join(LEVELS)}, got {book['level']!r}"
    if not _is_text_list(book["objectives"]) or not book["objectives"]:
        yield "metadata book.objectives must list what the reader will be able to do"
    if not _is_text_list(book["prerequisites"]):
        yield "metadata book.prerequisites must be a list of names such as 01_markov_kernels"


# --- Where a notebook stands in the book: these know more than the notebook -----------------------


def toc_files(toc: str) -> list[str]:
    """Every page that a table of contents (the text of _toc.yml) lists, in order."""

    def walk(node: object) -> Iterator[str]:
        if isinstance(node, dict):
            yield from (str(node[key]) for key in ("root", "file") if key in node)
            for value in node.values():
                yield from walk(value)
        elif isinstance(node, list):
            for value in node:
                yield from walk(value)

    return list(walk(yaml.safe_load(toc)))


def misplaced(page: str, notebook: NotebookNode, toc: list[str], stems: set[str]) -> Iterator[str]:
    """The notebook is a page of the book, in its part's folder, after notebooks that exist.

    `page` is the notebook's path without its suffix, as the table of contents has it, and `stems`
    are the names of all notebooks.
    """
    if page not in toc:
        yield "the notebook is not listed in _toc.yml"
    book = notebook.metadata.get("book", {})
    folder = page.split("/")[-2]
    if book.get("part") != folder:
        yield f"metadata book.part is {book.get('part')!r}, but the folder is {folder!r}"
    for stem in book.get("prerequisites", []):
        if stem not in stems:
            yield f"metadata book.prerequisites names {stem!r}, and there is no such notebook"


# --- Helpers ------------------------------------------------------------------------------------


def _outputs(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    for name, cell in code_cells(notebook):
        for output in cell.outputs:
            yield name, output


def _texts(output: NotebookNode) -> Iterator[str]:
    if output.output_type == "stream":
        yield output.text
    for kind, content in output.get("data", {}).items():
        if kind.startswith("text/"):
            yield content


def _compared(cell: NotebookNode) -> bool:
    """Whether nbval compares some text of this cell that says more than that a figure was drawn."""
    if notebooks.IGNORE_OUTPUT in tags(cell):
        return False
    texts = chain.from_iterable(_texts(output) for output in cell.outputs)
    return any(not text.startswith("<Figure size") for text in texts)


def _prints(source: str) -> bool:
    """Whether a statement of the cell itself (not of a function in it) is a call of print."""
    lines = source.splitlines()
    plain = "\n".join("pass" if line.startswith(("%", "!")) else line for line in lines)
    return any(
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Call)
        and getattr(statement.value.func, "id", None) == "print"
        for statement in ast.parse(plain).body
    )


def _is_text_list(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) and item for item in value)


OUTPUT_CHECKS = (
    executed_in_order,
    no_errors,
    no_stderr,
    no_addresses,
    images_are_small_pngs,
    pictures_are_stored,
    notebook_is_light,
)
AUTHORING_CHECKS = (
    outputs_are_current,
    is_normal,
    has_outputs_to_compare,
    nothing_escapes_comparison,
    cells_are_short,
    figures_are_described,
    metadata_is_complete,
)
