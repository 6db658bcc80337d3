"""Sphinx extension: citations as (Author, 1950) and Author (1950), and formulas in titles.

sphinxcontrib-bibtex's own author-year style has square brackets, which mathematics needs for
itself; and it leaves `$d$` in a title as it stands.
"""

import re
from dataclasses import dataclass, field
from itertools import groupby

from docutils import nodes
from sphinx.application import Sphinx
from sphinxcontrib.bibtex.plugin import register_plugin
from sphinxcontrib.bibtex.style.referencing import BracketStyle
from sphinxcontrib.bibtex.style.referencing.author_year import AuthorYearReferenceStyle


def round_brackets() -> BracketStyle:
    """( and )."""
    return BracketStyle(left="(", right=")")


@dataclass
class RoundAuthorYear(AuthorYearReferenceStyle):
    """The author-year style with round brackets throughout."""

    bracket_parenthetical: BracketStyle = field(default_factory=round_brackets)
    bracket_textual: BracketStyle = field(default_factory=round_brackets)
    bracket_author: BracketStyle = field(default_factory=round_brackets)
    bracket_label: BracketStyle = field(default_factory=round_brackets)
    bracket_year: BracketStyle = field(default_factory=round_brackets)


def set_formulas(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Turn the `$...$` of a bibliography's entries into mathematics.

    pybtex has taken the braces away by then, cutting the text where they stood, so that a formula
    in a title may group single symbols only (a test of references.bib sees to that).
    """
    for entry in doctree.findall(nodes.citation):
        for parent in list(entry.findall(nodes.TextElement)):
            children: list[nodes.Node] = []
            for is_text, group in groupby(parent.children, lambda c: isinstance(c, nodes.Text)):
                run = list(group)
                children += cut("".join(run)) if is_text else run
            if any(isinstance(child, nodes.math) for child in children):
                parent.clear()
                parent.extend(children)


def cut(text: str) -> list[nodes.Node]:
    """The text and the formulas of a title, in order."""
    pieces = re.split(r"\$([^$]+)\$", text)
    return [nodes.math(p, p) if i % 2 else nodes.Text(p) for i, p in enumerate(pieces)]


def setup(app: Sphinx) -> dict:
    """Register the style under the name that _config.yml uses."""
    register_plugin("sphinxcontrib.bibtex.style.referencing", "author_year_round", RoundAuthorYear)
    app.connect("doctree-resolved", set_formulas)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
