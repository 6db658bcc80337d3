"""The one description of a stored notebook: where the notebooks are, and the normal form they have.

Stored outputs are the book's truth, so they must be the same bytes whenever the same code has
run. `normalise` removes what differs from run to run and says nothing (timings, widget ids, image
metadata, the editor's view state). It never repairs a fault: what must not be published is left
in place for `tools.notebook_checks` to name.
"""

import base64
import copy
import hashlib
import io
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
from nbformat import NotebookNode
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
IGNORE_OUTPUT = "nbval-ignore-output"

KERNELSPEC = {"display_name": "Python 3", "language": "python", "name": "python3"}
LANGUAGE_INFO = {
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
# Metadata that means something to the book, the site or the slides. The rest is an editor's.
NOTEBOOK_METADATA = ("book", "myst", "mystnb")
CELL_METADATA = ("mystnb", "slideshow", "tags")

LOSSLESS_BYTES = 50_000
# Looked at side by side: five grey levels are lost on a tangle of sixty one-pixel paths, whose
# edges the eye cannot resolve; line plots lose two.
INVISIBLE = 6.0


def find(root: Path = NOTEBOOKS) -> list[Path]:
    """All notebooks below a folder, in the order of their paths."""
    return sorted(p for p in root.rglob("*.ipynb") if ".ipynb_checkpoints" not in p.parts)


def read(path: Path) -> NotebookNode:
    """Read a notebook. Raises nbformat's error when the file is not a valid one."""
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    return notebook


def dumps(notebook: NotebookNode) -> str:
    """The text of a notebook's file: sorted keys, one space of indent, one newline at the end."""
    return nbformat.writes(notebook, version=nbformat.NO_CONVERT) + "\n"


def code_cells(notebook: NotebookNode) -> Iterator[tuple[str, NotebookNode]]:
    """Each code cell with the name to call it by in a message, counted as Jupyter's `In [n]`."""
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for number, cell in enumerate(cells, start=1):
        first_line = cell.source.strip().partition("\n")[0]
        yield f"code cell {number} ({first_line[:50]!r})", cell


def tags(cell: NotebookNode) -> list[str]:
    """The cell's tags."""
    return cell.metadata.get("tags", [])


def source_ids(notebook: NotebookNode) -> list[str]:
    """For each cell the id that its source implies: eight digits of its hash, counted on repeats.

    A refresh gives every cell this id. A code cell whose id no longer follows from its source was
    edited after its outputs were stored: that is how a stale output is recognised without running
    anything.
    """
    seen: dict[str, int] = {}
    ids = []
    for cell in notebook.cells:
        digest = hashlib.sha256(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:8]
        seen[digest] = seen.get(digest, 0) + 1
        ids.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return ids


def stamp(notebook: NotebookNode) -> None:
    """Give each cell the id that its source implies. Only for outputs that were just computed."""
    for cell, cell_id in zip(notebook.cells, source_ids(notebook), strict=True):
        cell["id"] = cell_id


def without_outputs(notebook: NotebookNode) -> NotebookNode:
    """A copy of the notebook as if nobody had run it."""
    bare = copy.deepcopy(notebook)
    for _, cell in code_cells(bare):
        cell.outputs = []
        cell.execution_count = None
    return bare


def normalise(notebook: NotebookNode) -> NotebookNode:
    """A copy of the notebook in normal form. Normalising a second time changes nothing."""
    normal = copy.deepcopy(notebook)
    normal.nbformat, normal.nbformat_minor = 4, 5
    metadata = {key: value for key, value in normal.metadata.items() if key in NOTEBOOK_METADATA}
    normal.metadata = NotebookNode(
        metadata, kernelspec=NotebookNode(KERNELSPEC), language_info=NotebookNode(LANGUAGE_INFO)
    )
    for cell in normal.cells:
        cell.metadata = NotebookNode(
            {key: value for key, value in cell.metadata.items() if key in CELL_METADATA and value}
        )
        if cell.cell_type == "code":
            cell.outputs = _join_streams([_normal_output(output, cell) for output in cell.outputs])
    return normal


def _normal_output(output: NotebookNode, cell: NotebookNode) -> NotebookNode:
    if output.output_type not in ("display_data", "execute_result"):
        return output
    data = output.data
    if "image/png" in data:
        # The site shows the picture; a widget's model lives only as long as its kernel.
        data.pop(WIDGET_VIEW, None)
        png = base64.b64decode(data["image/png"])
        data["image/png"] = base64.b64encode(normal_png(png)).decode("ascii")
    if output.output_type == "execute_result":
        output.execution_count = cell.execution_count
    return output


def _join_streams(outputs: list[NotebookNode]) -> list[NotebookNode]:
    """Join pieces of one stream that follow each other: where they were cut is chance."""
    joined: list[NotebookNode] = []
    for output in outputs:
        previous = joined[-1] if joined else None
        if (
            previous is not None
            and output.output_type == previous.output_type == "stream"
            and output.name == previous.name
        ):
            previous.text += output.text
        else:
            joined.append(output)
    return joined


def normal_png(png: bytes) -> bytes:
    """The same picture without the metadata of the program that drew it, and small.

    Up to `LOSSLESS_BYTES` every pixel is kept. Above, the picture gets a palette of 256 colours if
    the eye cannot tell the difference. A picture that carries no metadata has been through here
    and is left alone, so the normal form does not depend on the compressor of the machine that
    looks at it.
    """
    if not _png_metadata(png):
        return png
    image = Image.open(io.BytesIO(png)).convert("RGBA")
    image.info.clear()
    lossless = _encode(image)
    if len(lossless) <= LOSSLESS_BYTES:
        return lossless
    indexed = image.quantize(256, method=Image.Quantize.FASTOCTREE)
    return _encode(indexed) if visible_difference(image, indexed) <= INVISIBLE else lossless


def visible_difference(one: Image.Image, other: Image.Image) -> float:
    """Root mean square difference in grey levels of 255, on white or on black, whichever is more.

    The site shows figures on both. Pixels that are transparent in both pictures do not differ,
    whatever colour they hide.
    """
    differences = []
    for background in ("white", "black"):
        pixels = []
        for image in (one.convert("RGBA"), other.convert("RGBA")):
            shown = Image.new("RGBA", image.size, background)
            shown.alpha_composite(image)
            pixels.append(np.asarray(shown.convert("RGB"), dtype=float))
        differences.append(float(np.sqrt(np.mean((pixels[0] - pixels[1]) ** 2))))
    return max(differences)


def _png_metadata(png: bytes) -> list[str]:
    """The names of the chunks of a PNG that are not needed to draw it."""
    names = []
    position = 8
    while position < len(png):
        length = int.from_bytes(png[position : position + 4], "big")
        names.append(png[position + 4 : position + 8].decode("ascii"))
        position += 12 + length
    return [name for name in names if name not in ("IHDR", "PLTE", "tRNS", "IDAT", "IEND")]


def _encode(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
