"""The paper map: its counts are those of its rows, and its search and filters work offline."""

from collections import Counter

import pytest

from tools import papers


@pytest.fixture
def tab(browser, site):
    tab = browser.new_page()
    tab.goto((site / "book" / "paper_map.html").as_uri())
    yield tab
    tab.close()


def shown(tab):
    """The keys of the papers that are to be seen."""
    script = "rows => rows.filter(row => row.checkVisibility()).map(row => row.id)"
    rows = tab.locator("details.paper").evaluate_all(script)
    return {row.removeprefix("paper-") for row in rows}


def test_each_count_is_the_number_of_rows_with_that_status(tab):
    cells = tab.locator(".paper-counts tbody tr").evaluate_all(
        "rows => rows.map(row => [row.cells[0].textContent, Number(row.cells[1].textContent)])"
    )
    statuses = tab.locator("details.paper").evaluate_all("rows => rows.map(r => r.dataset.status)")
    counted = Counter(statuses)
    assert dict(cells) == {status: counted[status] for status in papers.STATUSES}
    assert sum(count for _, count in cells) == len(statuses) == 209


def test_the_search_finds_words_of_idea_and_claims(tab):
    tab.locator(".paper-filter input[type=search]").fill("tangent KERNEL")
    expected = set()
    for row in papers.rows():
        text = " ".join([row.title, row.authors, row.idea, *(c.claim for c in row.claims)]).lower()
        if "tangent" in text and "kernel" in text:
            expected.add(row.key)
    assert expected
    assert expected <= shown(tab)
    assert len(shown(tab)) < 40
    assert tab.locator(".paper-shown").text_content() == f"{len(shown(tab))} of 209 papers shown."


def test_part_and_status_filter_together(tab):
    tab.locator(".paper-filter select").select_option(label="Flows")
    tab.locator(".paper-filter").get_by_label("planned").uncheck()
    rows = [row for row in papers.rows() if row.part == "interpolants" and row.status != "planned"]
    assert shown(tab) == {row.key for row in rows} != set()


def test_a_number_of_a_row_is_that_of_the_section_it_links_to(tab):
    row = tab.locator("#paper-stkr")
    row.locator("summary").click()
    line = row.locator("li li").first
    measured = line.locator("strong").text_content()
    line.get_by_role("link").click()
    section = tab.locator(f"section[id='{tab.url.split('#')[1]}']")
    assert f"measured {measured}," in section.locator("pre", has_text="[stkr]").first.text_content()


def test_a_link_to_a_row_opens_it(browser, site):
    tab = browser.new_page()
    tab.goto((site / "book" / "paper_map.html").as_uri() + "#paper-oat-chain")
    assert tab.locator("#paper-oat-chain").get_attribute("open") is not None
    tab.close()
