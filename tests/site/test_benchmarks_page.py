"""The page of benchmarks shows what is stored, all of it, and nothing else."""

import json
import re

import pytest

from tests.site.pages import ROOT
from tools.benchmark_tables import misses_its_aim

ROWS = json.loads((ROOT / "benchmarks/results.json").read_text("utf-8"))["rows"]
NUMBER = re.compile(r"\d+(?:\.\d+)?")
PHONE = {"width": 390, "height": 844}


@pytest.fixture(scope="module")
def tab(browser, address):
    tab = browser.new_page()
    tab.goto(f"{address}/book/benchmarks.html")
    yield tab
    tab.context.close()


@pytest.fixture(scope="module")
def shown(tab):
    """The text of each task's cells, by the workload's name and the column."""
    rows = tab.locator("table.benchmarks tbody tr:has(td[data-label])").evaluate_all(
        "rows => rows.map(r => [...r.cells].map(c => [c.dataset.label, c.textContent]))"
    )
    names = tab.locator("table.benchmarks td[data-label=Task] code").all_text_contents()
    return {name: dict(cells) for name, cells in zip(names, rows, strict=True)}


def close(text, *values):
    """Whether the numbers of a cell are these values, to the digits that are shown."""
    numbers = [float(number) for number in NUMBER.findall(text)]
    return numbers == pytest.approx(values, rel=0.05, abs=0.006)


def test_every_stored_row_is_on_the_page_once(shown):
    assert list(shown) == [row["name"] for row in ROWS]


@pytest.mark.parametrize("row", [r for r in ROWS if "threads_1" in r], ids=lambda row: row["name"])
def test_numbers_on_the_page_are_the_stored_ones(shown, row):
    cells = shown[row["name"]]
    ours, *peers = row["threads_1"]["ways"].items()
    peers = {name: way for name, way in peers if "failed" not in way}
    best = min(peers, key=lambda name: peers[name]["ratio"][0], default=None)
    on_two = [w["ways"][ours[0]]["ms"] for w in [row.get("threads_2")] if w]
    # "2 threads" is a number of the text.
    assert close(cells["labcore"], ours[1]["ms"], *([2, *on_two] if on_two else []))
    if best:
        assert cells["Best peer"].endswith(best)
        assert close(cells["Best peer"].removesuffix(best), peers[best]["ms"])
        ratio = peers[best]["ratio"][0]
        aim = [row["aim"] or 1] if row["aim"] or misses_its_aim(row) else []
        assert close(cells["Ratio"], ratio, *aim)
    if "limit_ms" in row:
        limit = row["limit_ms"]
        assert close(cells["Machine's limit"], limit, ours[1]["ms"] / limit)
    assert close(cells["First call"], max(row["compile_s"], 0.0), max(row["warm_s"], 0.0))


def test_every_way_that_failed_is_named(tab):
    text = tab.locator("article").text_content()
    for row in ROWS:
        for threads in ("threads_1", "threads_2"):
            for name, way in row.get(threads, {}).get("ways", {}).items():
                assert name in text
                assert "failed" not in way or way["failed"] in text


def test_a_missed_aim_is_told_by_a_sign_and_words(shown):
    for cells in shown.values():
        assert ("▽" in cells["Ratio"]) == ("below" in cells["Ratio"])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_every_cell_is_seen_without_scrolling(browser, address, scheme):
    phone = browser.new_page(viewport=PHONE, color_scheme=scheme)
    phone.goto(f"{address}/book/benchmarks.html")
    cells = phone.locator("table.benchmarks tbody td")
    boxes = cells.evaluate_all(
        "cells => cells.map(c => [c.getBoundingClientRect().left, c.getBoundingClientRect().right,"
        " c.scrollWidth - c.clientWidth])"
    )
    phone.context.close()
    assert boxes
    assert all(left >= 0 and right <= 390 and beyond <= 0 for left, right, beyond in boxes)
