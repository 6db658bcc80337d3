"""The links that report an error have chapter, section, selection and figures filled in."""

from urllib.parse import parse_qs, urlsplit

import pytest

from tests.site.pages import toc_documents

CHAPTER = "notebooks/processes/01_noise_in_continuous_time"


def filled(link):
    """Title and body of the report that a link would open."""
    fields = parse_qs(urlsplit(link.get_attribute("href")).query)
    return fields["title"][0], fields["body"][0]


@pytest.fixture
def chapter(browser, site):
    tab = browser.new_page()
    tab.goto((site / f"{CHAPTER}.html").as_uri())
    yield tab
    tab.close()


@pytest.mark.parametrize("document", toc_documents())
def test_every_page_can_be_reported_and_edited_without_scripts(pages, site, document):
    hrefs = [link.href for link in pages[site / f"{document}.html"].links]
    report = next(h for h in hrefs if "/issues/new?" in h and "Source" in h)
    source = parse_qs(urlsplit(report).query)["body"][0].partition("Source: ")[2].strip()
    assert source.rsplit(".", 1)[0] == document
    assert any(h.endswith(f"/edit/main/{source}") for h in hrefs)


def test_a_report_says_the_chapter(chapter):
    link = chapter.locator(".feedback .report")
    link.focus()
    title, body = filled(link)
    assert title == "4.1 Noise in continuous time: "
    assert f"{CHAPTER}.html\n" in body
    assert "Figure" not in body


def test_a_report_links_to_the_figures_that_were_changed(chapter):
    figure = chapter.locator("figure.live-figure").first
    figure.locator("input[type=range]").first.press("ArrowRight")
    link = chapter.locator(".feedback .report")
    link.focus()
    address = filled(link)[1].partition("Figure as it stands: ")[2].splitlines()[0]
    state = figure.evaluate("f => f.liveFigure.state")
    chapter.goto("about:blank")
    chapter.goto(address)
    assert chapter.locator("figure.live-figure").first.evaluate("f => f.liveFigure.state") == state


def test_a_report_quotes_what_is_selected_and_names_its_section(chapter):
    heading = chapter.locator("article section > h2").nth(1)
    heading.locator("xpath=following-sibling::p[1]").evaluate(
        "p => getSelection().selectAllChildren(p)"
    )
    quoted = chapter.evaluate("getSelection().toString().trim()")
    link = chapter.locator(".feedback .report")
    link.focus()
    title, body = filled(link)
    assert heading.inner_text().rstrip("#").strip() in title
    assert body.startswith(f"> {quoted[:40]}")
    assert f"#{heading.locator('xpath=..').get_attribute('id')}\n" in body


def test_the_button_in_the_header_names_the_section_on_the_screen(chapter):
    heading = chapter.locator("article section > h2").nth(2)
    heading.evaluate("h => h.scrollIntoView({ block: 'start', behavior: 'instant' })")
    button = chapter.locator(".btn-source-issues-button").first
    button.dispatch_event("pointerdown")
    assert heading.inner_text().rstrip("#").strip() in filled(button)[0]
