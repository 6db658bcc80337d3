"""Sphinx extension: the folded code of a figure is one fold, under the figure.

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
        """Do so for each folded cell that shows a figure."""
        for cell in list(self.document.findall(nodes.container)):
            if is_folded(cell) and any(cell.findall(nodes.figure)):
                join(cell)


def join(cell: nodes.container) -> None:
    """Take the silent folded cells right before `cell` into its fold, which moves to its end."""
    fold, parent = cell[0], cell.parent
    place = parent.index(cell)
    while place > 0 and is_folded(parent[place - 1]) and len(parent[place - 1]) == 1:
        place -= 1
        fold.insert(0, parent[place][0].children)
        cell["ids"] += parent[place]["ids"]
        parent.pop(place)
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
