"""What was built is what the table of contents promises; links, citations and buttons lead on."""

import json
import re

import pytest
from pybtex.database import parse_file

from tests.site.pages import ADDED, ROOT, TOC, broken_links, is_notebook, toc_documents

DOCUMENTS = toc_documents()
NOTEBOOKS = [document for document in DOCUMENTS if is_notebook(document)]
REPOSITORY = "kernels-noise-flows/kernels-noise-flows"


def sources(suffix: str, folder: str) -> set[str]:
    """The documents that lie in a source folder, as _toc.yml would name them."""
    return {
        path.relative_to(ROOT).with_suffix("").as_posix()
        for path in (ROOT / folder).rglob(f"*{suffix}")
        if ".ipynb_checkpoints" not in path.parts
    }


def test_table_of_contents_holds_every_source_once():
    assert len(DOCUMENTS) == len(set(DOCUMENTS))
    on_disk = sources(".md", "book") | sources(".ipynb", "notebooks")
    # The data folder holds a note on where each data set comes from, which is not a page.
    assert set(DOCUMENTS) == {name for name in on_disk if not name.startswith("book/data/")}


def test_number_of_pages_is_that_of_the_table_of_contents(site, pages):
    built = {path.relative_to(site.resolve()).with_suffix("").as_posix() for path in pages}
    assert built - ADDED == set(DOCUMENTS)
    assert len(built - ADDED) == len(DOCUMENTS)


def test_parts_and_chapters_are_numbered_in_order(site, pages):
    (numbered,) = [part for part in TOC["parts"] if part.get("numbered")]
    for p, part in enumerate(numbered["chapters"], start=1):
        opener = pages[(site / f"{part['file']}.html").resolve()]
        assert opener.numbers == [f"{p}"], "only the title of a part's opener has a number"
        for c, chapter in enumerate(part["sections"], start=1):
            page = pages[(site / f"{chapter['file']}.html").resolve()]
            assert page.numbers[0] == f"{p}.{c}"
            assert page.title.startswith(f"{p}.{c} ")
            sections = [number for number in page.numbers[1:] if number.count(".") == 2]
            assert sections == [f"{p}.{c}.{s}" for s in range(1, len(sections) + 1)]


def test_front_page_redirects_to_the_root(site):
    assert f"url=book/{DOCUMENTS[0].split('/')[-1]}.html" in (site / "index.html").read_text()


@pytest.mark.parametrize("document", DOCUMENTS)
def test_page_has_one_heading_and_a_description(site, pages, document):
    page = pages[(site / f"{document}.html").resolve()]
    assert page.headings == 1
    assert len(page.description) >= 20


def test_no_two_pages_have_the_same_description(site, pages):
    described = [pages[(site / f"{document}.html").resolve()].description for document in DOCUMENTS]
    assert len(set(described)) == len(described)


def test_internal_links_and_fragments_resolve(pages):
    assert broken_links(pages) == []


def test_citation_keys_are_in_the_bibliography():
    known = set(parse_file(ROOT / "book" / "references.bib", "bibtex").entries)
    cited = {
        key.strip()
        for document in DOCUMENTS
        for role in re.findall(r"\{cite(?::\w+)?\}`([^`]+)`", source_text(document))
        for key in role.split(",")
    }
    assert cited, "no citation was found: the pattern no longer reads the sources"
    assert cited - known == set()


def test_formulas_in_titles_group_single_symbols_only():
    """Braces around more would be lost on the way to the page: see tools/citations.py."""
    text = (ROOT / "book" / "references.bib").read_text(encoding="utf-8")
    assert re.findall(r"\$[^$\n]*\{[^{}$]{2,}\}[^$\n]*\$", text) == []


def source_text(document: str) -> str:
    """The text of a document's source; of a notebook, its Markdown cells."""
    if not is_notebook(document):
        return (ROOT / f"{document}.md").read_text(encoding="utf-8")
    cells = json.loads((ROOT / f"{document}.ipynb").read_text(encoding="utf-8"))["cells"]
    return "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")


@pytest.mark.parametrize("document", NOTEBOOKS)
def test_notebook_can_be_downloaded_as_it_is_in_the_repository(site, pages, document):
    page = pages[(site / f"{document}.html").resolve()]
    links = [link.href for link in page.links if "btn-download-source-button" in link.classes]
    assert len(links) == 1
    served = (site / f"{document}.html").parent / links[0]
    assert served.suffix == ".ipynb"
    assert served.read_bytes() == (ROOT / f"{document}.ipynb").read_bytes()


@pytest.mark.parametrize("document", NOTEBOOKS)
def test_notebook_can_be_launched_and_its_source_reached(site, pages, document):
    hrefs = {link.href for link in pages[(site / f"{document}.html").resolve()].links}
    file = f"{document}.ipynb"
    assert f"https://mybinder.org/v2/gh/{REPOSITORY}/main?urlpath=lab/tree/{file}" in hrefs
    assert f"https://colab.research.google.com/github/{REPOSITORY}/blob/main/{file}" in hrefs
    assert f"https://github.com/{REPOSITORY}/edit/main/{file}" in hrefs
    assert any(href.startswith(f"https://github.com/{REPOSITORY}/issues/new") for href in hrefs)
