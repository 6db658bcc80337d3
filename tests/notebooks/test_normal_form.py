"""The normal form of a notebook: what it drops, what it keeps, and that it is one."""

import io
import json

import numpy as np
import pytest
from nbformat import NotebookNode, v4
from PIL import Image

from tests.notebooks.sample_notebook import cell, drawn, good_notebook, png, printed
from tools import notebooks


@pytest.fixture
def good() -> NotebookNode:
    return good_notebook()


def test_normalising_twice_changes_nothing(good):
    cell(good, 1).metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}
    cell(good, 3).outputs = [drawn(png(Image.new("RGBA", (8, 8)), dpi=(130, 130)))]
    once = notebooks.normalise(good)
    assert notebooks.dumps(once) != notebooks.dumps(good)
    assert notebooks.dumps(notebooks.normalise(once)) == notebooks.dumps(once)


def test_normalising_leaves_its_argument_alone(good):
    cell(good, 1).metadata["collapsed"] = True
    before = notebooks.dumps(good)
    notebooks.normalise(good)
    assert notebooks.dumps(good) == before


def test_file_has_sorted_keys_and_one_newline_at_its_end(good):
    text = notebooks.dumps(good)
    assert text == json.dumps(json.loads(text), indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def test_pieces_of_one_stream_are_joined(good):
    cell(good, 1).outputs = [printed("a"), printed("b\n"), drawn("AAAA"), printed("c\n")]
    cell(good, 1).outputs[2].data.pop("image/png")
    outputs = notebooks.normalise(good).cells[1].outputs
    assert [output.get("text") for output in outputs] == ["ab\n", None, "c\n"]


def test_widget_with_a_picture_keeps_the_picture_alone(good):
    data = cell(good, 3).outputs[0].data
    data[notebooks.WIDGET_VIEW] = {"model_id": "1"}
    good.metadata["widgets"] = {"application/vnd.jupyter.widget-state+json": {}}
    normal = notebooks.normalise(good)
    assert set(cell(normal, 3).outputs[0].data) == {"image/png", "text/plain"}
    assert "widgets" not in normal.metadata


def test_equal_cells_get_different_ids_that_do_not_depend_on_what_stands_between(good):
    good.cells = [v4.new_code_cell("print(1)"), v4.new_code_cell("print(1)")]
    first, second = notebooks.source_ids(good)
    assert second == f"{first}-2"
    good.cells.insert(1, v4.new_markdown_cell("between"))
    assert notebooks.source_ids(good)[::2] == [first, second]


def _plot(colours: int) -> Image.Image:
    """A picture with smooth edges, as a plotting library draws it, with so many line colours."""
    size, waves = 600, 12
    y, x = np.mgrid[0:size, 0:size].astype(float)
    rng = np.random.default_rng(1)
    pixels = np.zeros((size, size, 4))
    for number in range(waves):
        centre = size * (number + 0.5) / waves + 20 * np.sin(x / 15 + rng.uniform(0, 6))
        alpha = np.clip(2.5 - abs(y - centre), 0, 1)[..., None]
        colour = np.random.default_rng(number % colours).integers(0, 256, 3)
        pixels[..., :3] = np.where(alpha > 0, colour, pixels[..., :3])
        pixels[..., 3:] = np.maximum(pixels[..., 3:], 255 * alpha)
    return Image.fromarray(pixels.astype(np.uint8))


def _raw(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, format="PNG", dpi=(130, 130))
    return buffer.getvalue()


def _open(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_small_picture_keeps_every_pixel_and_loses_its_metadata():
    image = _plot(2).crop((0, 0, 100, 100))
    normal = notebooks.normal_png(_raw(image))
    assert np.array_equal(np.asarray(_open(normal).convert("RGBA")), np.asarray(image))
    assert _open(normal).info == {}


def test_big_picture_gets_a_palette_that_nobody_sees():
    image = _plot(4)
    raw = _raw(image)
    normal = notebooks.normal_png(raw)
    assert len(raw) > notebooks.LOSSLESS_BYTES
    assert len(normal) < 0.7 * len(raw)
    assert 0 < notebooks.visible_difference(image, _open(normal)) <= notebooks.INVISIBLE


def test_picture_that_a_palette_would_spoil_keeps_every_pixel():
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    normal = notebooks.normal_png(_raw(image))
    assert np.array_equal(np.asarray(_open(normal).convert("RGB")), noise)


def test_difference_is_seen_on_white_and_on_black_and_not_where_both_are_transparent():
    clear, white = Image.new("RGBA", (2, 2), (9, 9, 9, 0)), Image.new("RGBA", (2, 2), "white")
    assert notebooks.visible_difference(clear, Image.new("RGBA", (2, 2), (0, 0, 0, 0))) == 0
    assert notebooks.visible_difference(clear, white) == 255  # on black
    assert notebooks.visible_difference(clear, Image.new("RGBA", (2, 2), "black")) == 255
