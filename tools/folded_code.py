"""Sphinx extension: folded cells in a row are one fold, and a figure's fold is under the figure.

A figure's code is split into cells that a reader of the notebook can take in. On the page, where
they are folded away, a row of folds would stand between the text and the figure.
"""

from docutils import nodes
from myst_nb.sphinx_ import HideCodeCellNode
from sphinx.application import Sphinx
from sphinx.transforms.post_transforms import SphinxPostTransform


class FoldFigureCode(SphinxPostTransform):
    """Join the folds of a figure, and put them under it."""

    default_priority = 210  # when myst-nb has made the folds
    formats = ("html",)

    def run(self, **kwargs: object) -> None:
        """Do so for each folded cell, in order."""
        for cell in list(self.document.findall(nodes.container)):
            if is_folded(cell):
                join(cell)


def join(cell: nodes.container) -> None:
    """Take the silent folded cell right before `cell` into its fold; put that under a figure."""
    fold, parent = cell[0], cell.parent
    place = parent.index(cell)
    if place > 0 and is_folded(before := parent[place - 1]) and len(before) == 1:
        fold.insert(0, before[0].children)
        cell["ids"] += before["ids"]
        parent.remove(before)
    if any(cell.findall(nodes.figure)):
        cell.remove(fold)
        cell.append(fold)


def is_folded(node: nodes.Node) -> bool:
    """Whether this is a cell whose code is folded away."""
    return (
        isinstance(node, nodes.container)
        and node.get("nb_element") == "cell_code"
        and isinstance(node[0], HideCodeCellNode)
    )


def setup(app: Sphinx) -> dict:
    """Register the transform."""
    app.add_post_transform(FoldFigureCode)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
