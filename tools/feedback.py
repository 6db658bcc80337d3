"""Sphinx extension: at the end of each page, links to report an error in it and to edit it.

The links name the page. book/assets/feedback.js adds what only the reader's browser knows: the
section on the screen, what is selected, and how the figures stand.
"""

from html import escape
from urllib.parse import urlencode

from docutils import nodes
from sphinx.application import Sphinx

CLASS = "feedback"


def add_links(
    app: Sphinx, pagename: str, template: str, context: dict, doctree: nodes.document | None
) -> None:
    """Put the links below a page that has a source, if the book has a repository."""
    options = app.config.html_theme_options
    repository = options.get("repository_url", "").rstrip("/")
    if not doctree or not repository:
        return
    source = app.env.doc2path(pagename, base=False)
    report = {
        "title": f"{doctree.next_node(nodes.title).astext()}: ",
        "body": f"What is wrong:\n\n\n---\nSource: {source}\n",
    }
    edit = f"{repository}/edit/{options.get('repository_branch', 'main')}/{source}"
    context["body"] += (
        f'<p class="{CLASS}">Is something wrong here? '
        f'<a class="report" href="{escape(repository)}/issues/new?{escape(urlencode(report))}">'
        "Report an error</a>, with this page and its figures as they stand filled in, or "
        f'<a href="{escape(edit)}">edit this page</a>.</p>\n'
    )
    app.add_js_file("feedback.js", defer="")


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("html-page-context", add_links)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
