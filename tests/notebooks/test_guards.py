"""Every stored notebook passes every check, and every check sees the fault that it is for."""

from pathlib import Path

import numpy as np
import pytest
from nbformat import NotebookNode, v4
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.notebooks.sample_notebook import cell, code_cell, drawn, good_notebook, png, printed
from tools import notebook_checks as checks
from tools import notebooks

TOC = notebooks.ROOT.joinpath("_toc.yml").read_text(encoding="utf-8")
ALL = notebooks.find()


def page(path: Path) -> str:
    """What the table of contents calls a notebook."""
    return path.relative_to(notebooks.ROOT).with_suffix("").as_posix()


# --- The book's notebooks ------------------------------------------------------------------------


def test_the_table_of_contents_lists_exactly_the_notebooks_that_are_stored():
    listed = {name for name in checks.toc_files(TOC) if name.startswith("notebooks/")}
    assert listed
    assert listed == {page(path) for path in ALL}


@pytest.mark.parametrize("path", ALL, ids=page)
@pytest.mark.parametrize("check", checks.OUTPUT_CHECKS + checks.AUTHORING_CHECKS)
def test_notebook_passes(path, check):
    assert list(check(notebooks.read(path))) == []


@pytest.mark.parametrize("path", ALL, ids=page)
def test_notebook_stands_where_it_says(path):
    stems = {other.stem for other in ALL}
    notebook = notebooks.read(path)
    assert list(checks.misplaced(page(path), notebook, checks.toc_files(TOC), stems)) == []


@pytest.mark.parametrize("path", ALL, ids=page)
def test_notebook_file_is_what_a_refresh_would_write(path):
    """Byte for byte: key order, indent and the newline at the end included."""
    assert path.read_text(encoding="utf-8") == notebooks.dumps(notebooks.read(path))


# --- The checks: each planted fault is named ------------------------------------------------------


@pytest.fixture
def good() -> NotebookNode:
    return good_notebook()


def all_faults(notebook: NotebookNode) -> list[str]:
    return checks.output_faults(notebook) + checks.authoring_faults(notebook)


def test_a_good_notebook_has_no_fault(good):
    assert all_faults(good) == []


def plant_unexecuted(notebook):
    cell(notebook, 1).update(execution_count=None, outputs=[])


def plant_wrong_order(notebook):
    notebook.cells[1], notebook.cells[2] = notebook.cells[2], notebook.cells[1]


def plant_error(notebook):
    error = v4.new_output("error", ename="ZeroDivisionError", evalue="division", traceback=[])
    cell(notebook, 2).outputs.append(error)


def plant_warning(notebook):
    warning = v4.new_output("stream", name="stderr", text="RuntimeWarning: overflow\n")
    cell(notebook, 2).outputs.append(warning)


def plant_address(notebook):
    cell(notebook, 4).outputs[0].data["text/plain"] = "<object at 0x7f12ab34cd56>"


def plant_printed_address(notebook):
    cell(notebook, 1).outputs = [printed("<object at 0x7f12ab34cd56>\n")]


def plant_heavy_picture(notebook):
    noise = np.random.default_rng(0).integers(0, 256, (200, 200, 3), dtype=np.uint8)
    cell(notebook, 3).outputs = [drawn(png(Image.fromarray(noise)))]


def plant_svg(notebook):
    cell(notebook, 3).outputs[0].data["image/svg+xml"] = "<svg/>"


def plant_lost_picture(notebook):
    del cell(notebook, 3).outputs[0].data["image/png"]


def plant_widget(notebook):
    data = {notebooks.WIDGET_VIEW: {"model_id": "1"}, "text/plain": "IntSlider(value=1)"}
    cell(notebook, 2).outputs.append(v4.new_output("display_data", data))


def plant_heavy_notebook(notebook):
    cell(notebook, 1).outputs = [printed("x" * 1_000_000)]


def plant_edit(notebook):
    cell(notebook, 2).source = "x = 3\nprint(x)"


def plant_new_cell(notebook):
    new = code_cell("print(7)", printed("7\n"))
    new.execution_count = 5
    notebook.cells.append(new)


def plant_timings(notebook):
    cell(notebook, 1).metadata["execution"] = {"iopub.execute_input": "2026-01-01T00:00:00Z"}


def plant_picture_metadata(notebook):
    info = PngInfo()
    info.add_text("Software", "a plotting library")
    cell(notebook, 3).outputs = [drawn(png(Image.new("RGBA", (8, 8)), pnginfo=info))]


def plant_stripped_output(notebook):
    cell(notebook, 2).outputs = []


def plant_nothing_compared(notebook):
    for number in (1, 2):
        cell(notebook, number).metadata["tags"] = [notebooks.IGNORE_OUTPUT]


def plant_skip(notebook):
    cell(notebook, 2).metadata["tags"] = ["nbval-skip"]


def plant_comment_marker(notebook):
    cell(notebook, 2).source += "  # NBVAL_IGNORE_OUTPUT"


def plant_long_cell(notebook):
    cell(notebook, 2).source = "# A comment and a blank line do not count.\n\n" + "x = 2\n" * 16


def plant_unexplained_long_cell(notebook):
    cell(notebook, 2).source = "x = 2\n" * 16
    cell(notebook, 2).metadata["tags"] = ["long-cell"]


def plant_wide_line(notebook):
    cell(notebook, 2).source = "x = " + "1 + " * 20 + "1"


def plant_no_picture(notebook):
    del cell(notebook, 3).outputs[0]["data"]["image/png"]


def plant_no_caption(notebook):
    del cell(notebook, 3).metadata.mystnb.figure["caption"]


def plant_no_figure_name(notebook):
    cell(notebook, 3).metadata.mystnb.figure["name"] = "sample"


def plant_no_alternative(notebook):
    del cell(notebook, 3).metadata.mystnb["image"]


def plant_two_pictures(notebook):
    cell(notebook, 3).outputs *= 2


def plant_repeated_name(notebook):
    cell(notebook, 4).metadata["mystnb"] = {"figure": {"name": "fig-sample"}}


def plant_no_description(notebook):
    del notebook.metadata["myst"]


def plant_no_book(notebook):
    del notebook.metadata["book"]


def plant_book_value(key, value):
    def plant(notebook):
        notebook.metadata.book[key] = value

    return plant


PLANTED = [
    (checks.executed_in_order, plant_unexecuted, "code cell 1 ('print(1)') was not executed"),
    (checks.executed_in_order, plant_wrong_order, "code cell 1 ('x = 2') ran as number 2, not 1"),
    (checks.no_errors, plant_error, "code cell 2 ('x = 2') raised ZeroDivisionError: division"),
    (
        checks.no_stderr,
        plant_warning,
        "code cell 2 ('x = 2') wrote to stderr: 'RuntimeWarning: overflow'",
    ),
    (checks.no_addresses, plant_address, "code cell 4 ('x + 1') shows the address 0x7f12ab34cd56"),
    (
        checks.no_addresses,
        plant_printed_address,
        "code cell 1 ('print(1)') shows the address 0x7f12ab34cd56",
    ),
    (
        checks.images_are_small_pngs,
        plant_heavy_picture,
        "code cell 3 ('draw()') draws a picture of 12",
    ),
    (checks.images_are_small_pngs, plant_svg, "code cell 3 ('draw()') draws an image/svg+xml"),
    (checks.pictures_are_stored, plant_lost_picture, "code cell 3 ('draw()') has lost its picture"),
    (
        checks.pictures_are_stored,
        plant_widget,
        "code cell 2 ('x = 2') shows a widget without a still picture",
    ),
    (checks.notebook_is_light, plant_heavy_notebook, "the notebook weighs 1,00"),
    (
        checks.outputs_are_current,
        plant_edit,
        "code cell 2 ('x = 3') was edited after its outputs were stored",
    ),
    (
        checks.outputs_are_current,
        plant_new_cell,
        "code cell 5 ('print(7)') was edited after its outputs were stored",
    ),
    (checks.is_normal, plant_timings, "the notebook is not in normal form"),
    (checks.is_normal, plant_picture_metadata, "the notebook is not in normal form"),
    (
        checks.has_outputs_to_compare,
        plant_stripped_output,
        "code cell 2 ('x = 2') prints, but no output is stored",
    ),
    (
        checks.has_outputs_to_compare,
        plant_nothing_compared,
        "1 cells have text that is compared, at least 3 must",
    ),
    (checks.nothing_escapes_comparison, plant_skip, "code cell 2 ('x = 2') is tagged nbval-skip"),
    (
        checks.nothing_escapes_comparison,
        plant_comment_marker,
        "code cell 2 ('x = 2') steers nbval by a comment",
    ),
    (checks.cells_are_short, plant_long_cell, "has 16 lines of code, over 15"),
    (
        checks.cells_are_short,
        plant_unexplained_long_cell,
        "code cell 2 ('x = 2') is tagged long-cell: its first line",
    ),
    (checks.cells_are_short, plant_wide_line, "has a line of 85 columns, over 80"),
    (
        checks.figures_are_described,
        plant_no_picture,
        "code cell 3 ('draw()') has a caption and no picture is stored",
    ),
    (
        checks.figures_are_described,
        plant_no_caption,
        "code cell 3 ('draw()') draws without a caption",
    ),
    (
        checks.figures_are_described,
        plant_no_figure_name,
        "code cell 3 ('draw()') draws without a name like fig-...",
    ),
    (
        checks.figures_are_described,
        plant_no_alternative,
        "code cell 3 ('draw()') draws without a text alternative",
    ),
    (checks.figures_are_described, plant_two_pictures, "code cell 3 ('draw()') draws 2 pictures"),
    (
        checks.figures_are_described,
        plant_repeated_name,
        "has the figure name 'fig-sample' of code cell 3 ('draw()')",
    ),
    (
        checks.metadata_is_complete,
        plant_no_description,
        "metadata myst.html_meta.description must be",
    ),
    (checks.metadata_is_complete, plant_no_book, "metadata book must have the keys"),
    (
        checks.metadata_is_complete,
        plant_book_value("time_minutes", "ten"),
        "metadata book.time_minutes must be",
    ),
    (
        checks.metadata_is_complete,
        plant_book_value("level", "easy"),
        "metadata book.level must be one of",
    ),
    (
        checks.metadata_is_complete,
        plant_book_value("objectives", []),
        "metadata book.objectives must list",
    ),
    (
        checks.metadata_is_complete,
        plant_book_value("prerequisites", "none"),
        "metadata book.prerequisites must be",
    ),
]


@pytest.mark.parametrize(
    ("check", "plant", "complaint"), PLANTED, ids=lambda x: getattr(x, "__name__", "")
)
def test_planted_fault_is_named(good, check, plant, complaint):
    plant(good)
    assert [fault for fault in check(good) if complaint in fault]


def test_every_check_has_a_planted_fault():
    assert {check for check, _, _ in PLANTED} == {*checks.OUTPUT_CHECKS, *checks.AUTHORING_CHECKS}


def test_a_long_cell_that_says_why_is_allowed(good):
    cell(good, 2).source = "# One listing, as the paper prints it.\n" + "x = 2\n" * 16
    cell(good, 2).metadata["tags"] = ["long-cell"]
    notebooks.stamp(good)
    assert all_faults(good) == []


def test_edited_prose_is_not_a_stale_output(good):
    good.cells[0].source = "# Another title"
    assert all_faults(good) == []


def test_a_page_in_the_table_of_contents_is_not_misplaced(good):
    toc = checks.toc_files("root: a\nparts:\n- chapters:\n  - file: notebooks/foundations/01_x\n")
    assert toc == ["a", "notebooks/foundations/01_x"]
    assert list(checks.misplaced("notebooks/foundations/01_x", good, toc, {"01_x"})) == []


@pytest.mark.parametrize(
    ("name", "prerequisites", "complaint"),
    [
        ("notebooks/foundations/02_y", [], "not listed in _toc.yml"),
        (
            "notebooks/rkhs/01_x",
            [],
            "metadata book.part is 'foundations', but the folder is 'rkhs'",
        ),
        ("notebooks/foundations/01_x", ["00_none"], "names '00_none', and there is no such"),
    ],
)
def test_misplaced_notebook_is_named(good, name, prerequisites, complaint):
    good.metadata.book["prerequisites"] = prerequisites
    toc = ["notebooks/foundations/01_x", "notebooks/rkhs/01_x"]
    faults = list(checks.misplaced(name, good, toc, {"01_x"}))
    assert len(faults) == 1
    assert complaint in faults[0]
