"""The printed book: its outline and contents, its pictures, its links."""

import re

import pytest
from pypdf import PdfReader

from tools import pdf

DOCUMENTS = ["book/index", "book/notation", "notebooks/processes/01_noise_in_continuous_time"]
CHAPTER = DOCUMENTS[-1]
SITE = "https://example.org/book/"


@pytest.fixture(scope="module")
def printed(browser, site, tmp_path_factory):
    path = tmp_path_factory.mktemp("pdf") / "book.pdf"
    pdf.print_with(browser, DOCUMENTS, SITE, path)
    return PdfReader(path)


def titles(outline):
    for entry in outline:
        if isinstance(entry, list):
            yield from titles(entry)
        else:
            yield entry.title


def text_of(reader):
    return "\n".join(page.extract_text() for page in reader.pages)


def test_every_page_of_the_site_and_its_sections_stand_in_the_outline(printed):
    found = list(titles(printed.outline))
    assert [t for t in found if t in ("Kernels, Noise & Flows", "Notation")]
    assert any(t.endswith("Noise in continuous time") for t in found)
    assert any(t.endswith("Solving an equation") for t in found)


@pytest.mark.parametrize(
    ("document", "title"),
    [*zip(DOCUMENTS, ["Kernels, Noise", "Notation", "Noise in"], strict=True)],
)
def test_the_contents_give_the_page_on_which_a_chapter_begins(printed, document, title):
    start = pdf.first_pages(printed)[pdf.anchor(document)]
    contents = printed.pages[1].extract_text()
    assert re.search(rf"{title}[^\n]*\n?\s*{start}\b", contents)
    assert title in printed.pages[start - 1].extract_text()


def test_a_live_figure_is_a_picture_with_the_address_of_the_living_one(printed, site):
    article = pdf.read(CHAPTER).select_one("article.bd-article")
    figures = article.select("figure.live-figure")
    text = text_of(printed).replace("\n", "")
    pictures = sum(len(page.images) for page in printed.pages)
    assert pictures >= len(article.select("figure img"))
    for figure in figures:
        assert f"{SITE}{CHAPTER}.html#{figure['id']}" in text


def test_links_within_the_book_lead_to_its_pages_and_others_to_the_site(printed):
    named = set(pdf.first_pages(printed))
    annotations = [a.get_object() for page in printed.pages for a in page.get("/Annots", [])]
    inner = {str(a["/Dest"]).lstrip("/") for a in annotations if "/Dest" in a}
    outer = {a["/A"]["/URI"] for a in annotations if a.get("/A", {}).get("/URI")}
    assert inner
    assert inner <= named
    assert not any(address.startswith("file:") for address in outer)
    assert any(address.startswith(f"{SITE}book/paper_map.html") for address in outer)


def test_solutions_and_code_are_open(printed):
    text = text_of(printed)
    assert "Solution to Exercise" in text
    assert "Show the code" not in text
    assert "undefined" not in text
