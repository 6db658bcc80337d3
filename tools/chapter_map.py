"""Sphinx extension: the directive `chapter-map`, the chapters with what each builds on.

Without scripts it is rows of links, each with what comes before it. book/assets/chapter_map.js
draws the arrows, and shows the way to the chapter that is clicked.
"""

import json
from collections.abc import Callable
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools import papers, way
from tools.sphinx_parts import load_where


class chapter_map(nodes.General, nodes.Element):
    """Stands for the map until the addresses of the pages are known."""


class ChapterMap(SphinxDirective):
    """`{chapter-map}`: all chapters, those that need nothing first."""

    def run(self) -> list[nodes.Node]:
        """A node that is written when the page is."""
        for chapter in way.chapters().values():
            self.env.note_dependency(str(way.ROOT / f"{chapter.page}.ipynb"))
        return [chapter_map()]


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the map in place of what stands for it."""
    for node in list(doctree.findall(chapter_map)):
        html = markup(way.chapters(), lambda page: app.builder.get_relative_uri(docname, page))
        node.replace_self(nodes.raw("", html, format="html"))


def markup(known: dict[str, way.Chapter], address: Callable[[str], str]) -> str:
    """The map of these chapters as HTML; `address` gives the address of a page."""
    rows = "".join(
        f"<li>{''.join(card(known[name], known, address) for name in row)}</li>"
        for row in way.columns(known)
    )
    ways = {name: way.way_to(name, known) for name in known}
    return (
        f'<div class="chapter-map"><ol>{rows}</ol>'
        '<div class="chapter-way" aria-live="polite"></div>'
        f'<script type="application/json">{json.dumps(ways)}</script></div>'
    )


def card(chapter: way.Chapter, known: dict[str, way.Chapter], address: Callable[[str], str]) -> str:
    """A chapter as a link, with its part, time and level, and what it builds on."""
    before = ", ".join(known[name].title for name in chapter.prerequisites)
    after = f"<small>after {escape(before)}</small>" if before else ""
    return (
        f'<a class="chapter-card" href="{address(chapter.page)}" '
        f'data-name="{chapter.name}" data-minutes="{chapter.minutes}" '
        f'data-before="{" ".join(chapter.prerequisites)}">'
        f"<small>{escape(papers.parts()[chapter.part])}</small>"
        f"<strong>{escape(chapter.title)}</strong>"
        f"<small>{chapter.minutes} minutes, {chapter.level}</small>{after}</a>"
    )


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_node(chapter_map)
    app.add_directive("chapter-map", ChapterMap)
    app.connect("doctree-resolved", fill)
    app.connect("html-page-context", load_where("chapter-map", script="chapter_map.js"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
