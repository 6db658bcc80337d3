"""Every page, opened in a browser that has no network, over http and from its file."""

import pytest

from tests.site.pages import toc_documents

SCHEMES = ("http", "file")
DOCUMENTS = [*toc_documents(), "genindex", "search"]

# Grouped by document, so that a page is opened once and then asked about.
each_visit = pytest.mark.parametrize(
    ("document", "scheme"), [(document, scheme) for document in DOCUMENTS for scheme in SCHEMES]
)


@each_visit
def test_page_asks_no_other_host(look, document, scheme):
    assert look(document, scheme).elsewhere == []


@each_visit
def test_page_has_no_failed_request(look, document, scheme):
    assert look(document, scheme).failed == []


@each_visit
def test_page_has_nothing_on_the_console(look, document, scheme):
    assert look(document, scheme).console == []


@each_visit
def test_mathematics_is_typeset(look, document, scheme):
    assert look(document, scheme).mathematics == []


@each_visit
def test_page_fits_a_phone(look, document, scheme):
    assert look(document, scheme).too_wide == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_page_is_accessible(look, document):
    assert look(document, "http").accessibility == []


def test_page_that_is_dark_on_screen_is_printed_light(browser, address):
    tab = browser.new_page(color_scheme="dark")
    tab.goto(f"{address}/book/notation.html")
    tab.wait_for_function("document.documentElement.dataset.theme === 'dark'")
    tab.evaluate(
        "addEventListener('beforeprint', () => "
        "(window.printed = document.documentElement.dataset.theme))"
    )
    tab.pdf()
    assert tab.evaluate("window.printed") == "light"
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"
    tab.context.close()
