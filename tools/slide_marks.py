"""Sphinx extension: what a cell of a notebook says about slides reaches its page.

JupyterLab's *Slide Type* is the cell's metadata ``slideshow.slide_type``: ``slide`` begins a new
slide, ``skip`` leaves the cell out, and ``notes`` puts it into the speaker's notes alone. A text
for the speaker can stand in ``slideshow.notes``. On the page the marks are empty and hidden; what
reads them is tools/slides.py.
"""

from html import escape

from docutils import nodes
from myst_nb.core.render import MditRenderMixin
from sphinx.application import Sphinx

TYPES = ("slide", "skip", "notes")


def marked(render):
    """A method that renders a cell, with marks around what it renders."""

    def render_marked(self, token) -> None:
        asked = token.meta["metadata"].get("slideshow", {})
        kind, notes = asked.get("slide_type", ""), asked.get("notes", "")
        kind = kind if kind in TYPES else ""
        if kind or notes:
            self.current_node.append(mark(kind, notes))
        render(self, token)
        if kind:
            self.current_node.append(mark(""))

    render_marked.is_marked = True
    return render_marked


def mark(kind: str, notes: str = "") -> nodes.raw:
    """From here on a slide is to be so."""
    text = f' data-notes="{escape(notes)}"' if notes else ""
    return nodes.raw(
        "", f'<span class="slide-mark" data-slide="{kind}"{text} hidden></span>', format="html"
    )


def setup(app: Sphinx) -> dict:
    """Wrap the two methods of myst-nb that render cells, once in a process."""
    for name in ("render_nb_cell_markdown", "render_nb_cell_code"):
        method = getattr(MditRenderMixin, name)
        if not hasattr(method, "is_marked"):
            setattr(MditRenderMixin, name, marked(method))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
