"""Print the book: `python -m tools.pdf` makes _build/book.pdf from the built site.

The pages become one document, in the order of the table of contents, which Chromium prints twice:
the first print tells on which page each chapter begins, the second has that in its contents.
Live figures are still pictures, each with a link to the figure on the site; what is folded away on
the site, code and solutions, is open.
"""

import argparse
import sys
import tempfile
import time
from html import escape
from pathlib import Path, PurePosixPath
from posixpath import normpath
from urllib.parse import urljoin, urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader

from tools import browser
from tools.build import BUILD, ROOT, SITE, bring_up_to_date
from tools.notebook_checks import toc_files

OUTPUT = BUILD / "book.pdf"
STYLE = Path(__file__).parent / "web" / "print.css"
FURNITURE = (
    "script:not(.live-figure-spec), style, form, button, .headerlink, .feedback, .toctree-wrapper, "
    ".paper-filter"
)
FOOTER = (
    "<div style=\"width: 100%; font: 9px 'Source Sans 3', sans-serif; text-align: center; "
    'color: #555"><span class="pageNumber"></span></div>'
)
MARGINS = {"top": "18mm", "bottom": "20mm", "left": "20mm", "right": "20mm"}


def main() -> int:
    """Build the site if need be, print it, and say how large the book is."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--site", default=home(), help="address of the site, for links to figures")
    options.add_argument("--only", nargs="*", help="only these documents of _toc.yml")
    chosen = options.parse_args()
    if status := bring_up_to_date():
        return status
    started = time.monotonic()
    documents = chosen.only or toc_files((ROOT / "_toc.yml").read_text())
    print(f"Printing {len(documents)} pages of the site (two minutes) ...", flush=True)
    if not print_book(documents, chosen.site, OUTPUT):
        return 1
    seconds, size = time.monotonic() - started, OUTPUT.stat().st_size / 1e6
    print(f"Printed {len(PdfReader(OUTPUT).pages)} pages, {size:.1f} MB, in {seconds:.0f} s.")
    print(f"Open it:  {OUTPUT.as_uri()}")
    return 0


def home() -> str:
    """Where the site is expected: the pages of its repository."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    owner, name = urlsplit(config["repository"]["url"]).path.strip("/").split("/")
    return f"https://{owner}.github.io/{name}/"


def print_book(documents: list[str], site: str, output: Path) -> bool:
    """Print documents of the site into one file; False where there is no browser."""
    with sync_playwright() as playwright:
        chromium = browser.launch(playwright)
        if chromium is None:
            print("error: no Chromium was found: install it, or `playwright install chromium`")
            return False
        print_with(chromium, documents, site, output)
        chromium.close()
    return True


def print_with(chromium: Browser, documents: list[str], site: str, output: Path) -> None:
    """Print documents of the site into one file."""
    pages = {document: read(document) for document in documents}
    articles = [article(document, pages, site) for document in documents]
    tab = chromium.new_page(java_script_enabled=False, color_scheme="light")
    starts: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "book.html"
        for _ in range(2):
            source.write_text(whole(pages, articles, starts))
            tab.goto(source.as_uri(), wait_until="load")
            tab.pdf(
                path=output,
                format="A4",
                margin=MARGINS,
                outline=True,
                tagged=True,
                display_header_footer=True,
                header_template="<span></span>",
                footer_template=FOOTER,
            )
            starts = first_pages(PdfReader(output))
    tab.close()


def read(document: str) -> BeautifulSoup:
    """A page of the built site."""
    return BeautifulSoup((SITE / f"{document}.html").read_text(), "html.parser")


def first_pages(reader: PdfReader) -> dict[str, int]:
    """On which page each named place of a PDF lies."""
    return {
        name.lstrip("/"): reader.get_destination_page_number(place) + 1
        for name, place in reader.named_destinations.items()
    }


def whole(pages: dict[str, BeautifulSoup], articles: list[Tag], starts: dict[str, int]) -> str:
    """The document to print; the contents have page numbers once it is known where things start."""
    styles = dict.fromkeys(
        normpath(f"{PurePosixPath(document).parent}/{link['href'].partition('?')[0]}")
        for document, page in pages.items()
        for link in page.select('link[rel="stylesheet"]')
    )
    links = "".join(
        f'<link rel="stylesheet" href="{SITE.as_uri()}/{escape(style)}">' for style in styles
    )
    lines = "".join(
        f'<li class="{"chapter" if "." in number(at) else "part"}">'
        f'<a href="#{at["id"]}">{escape(heading(at))}</a>'
        f"<span>{starts.get(at['id'], '')}</span></li>"
        for at in articles
    )
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    return (
        '<!DOCTYPE html><html lang="en" data-theme="light" data-mode="light"><head>'
        f'<meta charset="utf-8"><title>{escape(config["title"])}</title>{links}'
        f"<style>{STYLE.read_text()}</style></head><body>"
        f'<div class="book-title"><p>{escape(config["title"])}</p>'
        f"<p>{escape(config['author'])}</p></div>"
        f'<nav class="book-contents"><p>Contents</p><ol>{lines}</ol></nav>'
        f"{''.join(map(str, articles))}</body></html>"
    )


def number(article_: Tag) -> str:
    """The number of a page, as in "4.1"; empty for one without."""
    found = article_.select_one("h1 .section-number")
    return found.get_text().strip() if found else ""


def heading(article_: Tag) -> str:
    """The title of a page, with its number."""
    return " ".join(article_.select_one("h1").get_text(" ", strip=True).split())


def anchor(document: str, fragment: str = "") -> str:
    """The name that a place on a page has in the whole."""
    page = document.replace("/", "-")
    return f"{page}--{fragment}" if fragment else page


def article(document: str, pages: dict[str, BeautifulSoup], site: str) -> Tag:
    """What is printed of a page: names and addresses made those of the whole."""
    found = pages[document].select_one("article.bd-article")
    found["id"] = anchor(document)
    folder = PurePosixPath(document).parent
    for figure in found.select("figure.live-figure"):
        address = f"{urljoin(site, f'{document}.html')}#{figure['id']}"
        note = f'<p class="alive">Alive on the site: <a href="{address}">{address}</a></p>'
        figure.append(BeautifulSoup(note, "html.parser"))
        figure.select_one(".live-figure-source").decompose()
    for part in found.select(FURNITURE):
        part.decompose()
    for fold in found.select("details"):
        fold["open"] = ""
    for part in found.select("[id]"):
        part["id"] = anchor(document, part["id"])
    for part in found.select("[src]"):
        source = part["src"].partition("?")[0]
        part["src"] = f"{SITE.as_uri()}/{normpath(f'{folder}/{source}')}"
        del part["loading"]
    for link in found.select("a[href]"):
        link["href"] = address_in_the_whole(link["href"], document, pages, site)
    return found


def address_in_the_whole(href: str, document: str, pages: dict, site: str) -> str:
    """Where a link of a page leads in print: into the book, or to the site."""
    if urlsplit(href).scheme:
        return href
    path, _, fragment = href.partition("#")
    target = normpath(f"{PurePosixPath(document).parent}/{path}") if path else f"{document}.html"
    if (name := target.removesuffix(".html")) in pages:
        return f"#{anchor(name, fragment)}"
    return urljoin(site, f"{target}#{fragment}" if fragment else target)


if __name__ == "__main__":
    sys.exit(main())
