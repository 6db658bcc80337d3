"""What our Sphinx extensions share: a node's ancestors, and files that only some pages load."""

from collections.abc import Callable

from docutils import nodes
from sphinx.application import Sphinx


def ancestors(node: nodes.Node) -> list[nodes.Node]:
    """The nodes that a node lies in, the innermost first."""
    found = []
    while (node := node.parent) is not None:
        found.append(node)
    return found


def load_where(marker: str, *, script: str = "", style: str = "") -> Callable:
    """A handler of `html-page-context`: pages whose HTML has `marker` load a script or style."""

    def load(app: Sphinx, pagename: str, template: str, context: dict, doctree) -> None:
        if doctree and any(marker in raw.astext() for raw in doctree.findall(nodes.raw)):
            if script:
                app.add_js_file(script, defer="")
            if style:
                app.add_css_file(style)

    return load
