"""Every live figure of the site, driven as a reader would, over http and from its file.

The network is cut off. Each control is moved by keyboard, points are dragged too, and after each
change the numbers shown are compared with those that Python computes for the same state.
"""

import gzip
import json

import pytest

from labcore.live.figure import MIME
from tests.site import drive
from tests.site.browse import DESKTOP, Report, listen
from tests.site.pages import ROOT, is_notebook, toc_documents

# Of a page with figures, compressed, all that it loads.
PAGE_BYTES = 600_000
TEXT = ("text/", "application/javascript", "application/json", "image/svg")


def figure_names(document: str) -> list[str]:
    """The names of the live figures that a notebook has stored."""
    notebook = json.loads((ROOT / f"{document}.ipynb").read_text(encoding="utf-8"))
    return [
        cell["metadata"]["mystnb"]["figure"]["name"]
        for cell in notebook["cells"]
        for output in cell.get("outputs", [])
        if MIME in output.get("data", {})
    ]


FIGURES = {
    document: names
    for document in toc_documents()
    if is_notebook(document) and (names := figure_names(document))
}
EACH = [(document, name) for document, names in FIGURES.items() for name in names]


@pytest.fixture(scope="module")
def tabs(browser, site, address):
    """Open a page once for all its figures; gives the tab and what it complained of."""
    context = browser.new_context(viewport=DESKTOP)
    opened = {}

    def at(document, scheme):
        if (document, scheme) not in opened:
            tab, report = context.new_page(), Report()
            listen(tab, report)
            start = site.as_uri() if scheme == "file" else address
            tab.goto(f"{start}/{document}.html", wait_until="load")
            opened[document, scheme] = tab, report
        opened[document, scheme][0].bring_to_front()  # a tab in the background draws once a second
        return opened[document, scheme]

    yield at
    context.close()


@pytest.mark.parametrize("document", FIGURES)
def test_the_page_has_the_figures_that_the_notebook_stored(tabs, document):
    tab, _ = tabs(document, "http")
    frames = drive.frames(tab)
    assert [frame.get_attribute("id") for frame in frames.all()] == FIGURES[document]


@pytest.mark.parametrize(("document", "name"), EACH)
def test_the_browser_opens_with_the_numbers_that_python_stored(tabs, document, name):
    tab, _ = tabs(document, "http")
    frame = tab.locator(f"#{name}")
    drive.start(frame)
    stored = drive.specification(frame)["expected"]["numbers"]
    assert len(stored) > 0, "a live figure shows at least one number, so that it can be checked"
    pairs = list(zip(drive.shown(frame), stored, strict=True))
    assert [(there, here) for there, here in pairs if not drive.same(there, here)] == []


@pytest.mark.parametrize("scheme", ["http", "file"])
@pytest.mark.parametrize(("document", "name"), EACH)
def test_every_control_works_and_shows_pythons_numbers(tabs, document, name, scheme):
    tab, report = tabs(document, scheme)
    frame = tab.locator(f"#{name}")
    drive.start(frame)
    wrong = {done: faults for done, faults in drive.drive(frame) if faults}
    assert wrong == {}
    assert report.console == report.elsewhere == report.failed == []


@pytest.mark.parametrize("document", FIGURES)
def test_a_page_with_figures_is_light(browser, address, document):
    context = browser.new_context(viewport=DESKTOP)
    loaded = []
    try:
        tab = context.new_page()
        tab.on("response", lambda response: loaded.append(response))
        tab.goto(f"{address}/{document}.html", wait_until="load")
        for frame in drive.frames(tab).all():
            drive.start(frame)
        tab.wait_for_load_state("networkidle")
        sizes = {response.url: compressed(response) for response in loaded}
    finally:
        context.close()
    assert sum(sizes.values()) <= PAGE_BYTES, sorted(sizes.items(), key=lambda item: -item[1])[:8]


def compressed(response) -> int:
    """The bytes of a response as a server that compresses text would send them."""
    if not response.url.startswith("http") or response.status != 200:
        return 0
    body = response.body()
    kind = response.headers.get("content-type", "")
    return len(gzip.compress(body, 6)) if kind.startswith(TEXT) else len(body)
