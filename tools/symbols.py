r"""The symbols of the chapters, against book/notation.md.

The notation page has the Greek letters that mean the same everywhere. A chapter that needs another
says what it means in its metadata (``book.symbols``, TeX to words), and the page lists those too,
by the directive `chapter-symbols`. Formulas are written with the book's own macros, those of
_config.yml: \R, not \mathbb{R}.
"""

import re
from collections.abc import Iterator
from functools import cache

import yaml
from docutils import nodes
from docutils.statemachine import StringList
from nbformat import NotebookNode
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools import notebooks
from tools.build import ROOT

GREEK = re.compile(
    r"\\((?:var)?(?:epsilon|theta|rho|phi|kappa|sigma|pi)|alpha|beta|gamma|delta|zeta|eta|iota|ell"
    r"|lambda|mu|nu|xi|tau|upsilon|chi|psi|omega|Gamma|Delta|Theta|Lambda|Xi|Pi|Sigma|Upsilon|Phi"
    r"|Psi|Omega)(?![A-Za-z])"
)
FORMULA = re.compile(r"\$\$(.+?)\$\$|(?<!\$)\$([^$]+?)\$(?!\$)", re.DOTALL)
FENCE = re.compile(r"(`{3,}|:{3,})(.*)")
NOTATION = ROOT / "book" / "notation.md"


def faults(notebook: NotebookNode) -> Iterator[str]:
    """What a chapter's formulas have that neither the notation page nor the chapter explains."""
    source = "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    for written, macro in sorted(spelled_out(source)):
        yield f"{written} is spelled out: the book has {macro} for it"
    own, used = notebook.metadata.book.get("symbols", {}), greek(source)
    for symbol in sorted(used - general() - own.keys()):
        yield f"{symbol} is neither on the notation page nor in book.symbols"
    for symbol in sorted(own.keys() - used):
        yield f"{symbol} of book.symbols does not occur"
    for symbol in sorted(own.keys() & general()):
        yield f"{symbol} of book.symbols is on the notation page already"


def formulas(source: str) -> Iterator[str]:
    """The formulas of a text in MyST."""
    for found in FORMULA.finditer(re.sub(r"`[^`\n]+`", "", without_code(source))):
        yield found[1] or found[2]


def without_code(source: str) -> str:
    """A text without its blocks of code, and with what stands in directives."""
    kept, open_fences = [], []
    for line in source.splitlines():
        fence = FENCE.fullmatch(line.strip())
        if fence and not fence[2] and open_fences:  # what has no name closes the innermost
            open_fences.pop()
        elif fence:
            open_fences.append(fence[2])
        elif all(name.startswith("{") for name in open_fences):
            kept.append(line)
    return "\n".join(kept)


def greek(source: str) -> set[str]:
    """The Greek letters of a text's formulas, as TeX writes them."""
    return {found[0] for formula in formulas(source) for found in GREEK.finditer(formula)}


@cache
def general() -> set[str]:
    """The Greek letters of the notation page."""
    return greek(NOTATION.read_text(encoding="utf-8"))


@cache
def macros() -> dict[str, str]:
    """What the book's macros without arguments stand for, and their names."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))
    known = config["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]
    return {text: f"\\{name}" for name, text in known.items() if isinstance(text, str)}


def spelled_out(source: str) -> set[tuple[str, str]]:
    """Parts of formulas for which the book has a macro, each with the macro."""
    return {
        (text, macro)
        for formula in formulas(source)
        for text, macro in macros().items()
        if text in formula
    }


class ChapterSymbols(SphinxDirective):
    """`{chapter-symbols}`: a table of the symbols that single chapters use."""

    def run(self) -> list[nodes.Node]:
        """The table, from the metadata of the notebooks."""
        rows = ["| Symbol | Meaning | Chapter |", "|---|---|---|"]
        for path in notebooks.find():
            self.env.note_dependency(str(path))
            own = notebooks.read(path).metadata.book.get("symbols", {})
            page = path.relative_to(ROOT).with_suffix("").as_posix()
            rows += [f"| ${s}$ | {meaning} | {{doc}}`/{page}` |" for s, meaning in own.items()]
        table = nodes.container()
        self.state.nested_parse(StringList(rows, source="chapter-symbols"), 0, table)
        return table.children


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_directive("chapter-symbols", ChapterSymbols)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
