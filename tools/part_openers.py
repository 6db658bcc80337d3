"""Sphinx extension: the headings of a part's opening page are not numbered.

Sphinx would count them before the chapters, and the first chapter of a part whose opener has three
headings would be 1.4. They are hidden while Sphinx numbers, and shown again afterwards.
"""

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

OPENERS = "book/parts/"


def hide_headings(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Take the headings out of the openers' tables of contents; the chapters stay."""
    env.hidden_headings = {}
    for document in filter(lambda name: name.startswith(OPENERS), env.tocs):
        for inner in list(env.tocs[document].findall(nodes.bullet_list))[1:2]:
            headings = [child for child in inner.children if isinstance(child, nodes.list_item)]
            for heading in headings:
                inner.remove(heading)
            env.hidden_headings[document] = (inner, headings)
    return []


def show_headings(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Put them back where they were, before the chapters, each with an empty number."""
    for document, (inner, headings) in env.hidden_headings.items():
        inner[:] = headings + inner.children
        for heading in headings:
            for link in heading.findall(nodes.reference):
                # A heading without an entry of its own would be given the number of its page.
                env.toc_secnumbers.setdefault(document, {})[link["anchorname"]] = ()
    del env.hidden_headings
    return []


def setup(app: Sphinx) -> dict:
    """Register the extension around Sphinx's own numbering, which has priority 500."""
    app.connect("env-get-updated", hide_headings, priority=400)
    app.connect("env-get-updated", show_headings, priority=600)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
