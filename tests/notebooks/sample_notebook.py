"""A small notebook without fault, for tests to plant faults in, and the pieces it is made of."""

import base64
import io

import nbformat
from nbformat import NotebookNode, v4
from PIL import Image

from tools import notebooks


def png(image: Image.Image, **options) -> str:
    """A picture as a notebook stores it."""
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", **options)
    return base64.b64encode(buffer.getvalue()).decode("ascii")


def code_cell(source: str, *outputs: NotebookNode, **metadata) -> NotebookNode:
    return v4.new_code_cell(source, outputs=list(outputs), metadata=metadata)


def printed(text: str) -> NotebookNode:
    return v4.new_output("stream", name="stdout", text=text)


def drawn(picture: str) -> NotebookNode:
    data = {"image/png": picture, "text/plain": "<Figure size 640x480 with 1 Axes>"}
    return v4.new_output("display_data", data)


def good_notebook() -> NotebookNode:
    """A notebook that passes every check: four code cells, of which the third draws."""
    figure = {"name": "fig-sample", "caption": "A square of a single colour."}
    image = {"alt": "A grey square that fills the picture."}
    notebook = v4.new_notebook(
        cells=[
            v4.new_markdown_cell("# A sample"),
            code_cell("print(1)", printed("1\n")),
            code_cell("x = 2\nprint(x)", printed("2\n")),
            code_cell(
                "draw()",
                drawn(png(Image.new("RGBA", (8, 8), "grey"))),
                mystnb={"figure": figure, "image": image},
            ),
            code_cell("x + 1", v4.new_output("execute_result", {"text/plain": "3"})),
        ],
        metadata={
            "myst": {"html_meta": {"description": "A sample notebook, " + "in many words. " * 4}},
            "book": {
                "part": "foundations",
                "time_minutes": 10,
                "level": "introductory",
                "prerequisites": [],
                "objectives": ["find a planted fault"],
            },
        },
    )
    for number, (_, cell) in enumerate(notebooks.code_cells(notebook), start=1):
        cell.execution_count = number
    notebooks.stamp(notebook)
    notebook = notebooks.normalise(notebook)
    nbformat.validate(notebook)
    return notebook


def cell(notebook: NotebookNode, number: int) -> NotebookNode:
    """The code cell that Jupyter shows as `In [number]`."""
    return list(notebooks.code_cells(notebook))[number - 1][1]
