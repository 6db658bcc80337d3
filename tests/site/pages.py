"""What the book should consist of, read from its sources, and where the site puts it."""

import os
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

import yaml

ROOT = Path(__file__).resolve().parents[2]
# SITE=... tests a site that was built elsewhere.
SITE = Path(os.environ.get("SITE", ROOT / "_build" / "html"))
TOC = yaml.safe_load((ROOT / "_toc.yml").read_text())
# Pages that Sphinx adds to those of the table of contents.
ADDED = {"index", "genindex", "search", "py-modindex", "prf-prf"}


def toc_documents() -> list[str]:
    """The documents of _toc.yml, without suffix, in reading order."""

    def below(entry: dict) -> Iterator[str]:
        if "file" in entry:
            yield entry["file"]
        for key in ("parts", "chapters", "sections"):
            for child in entry.get(key, []):
                yield from below(child)

    return [TOC["root"], *below(TOC)]


def is_notebook(document: str) -> bool:
    """Whether a document of the table of contents is a notebook."""
    return (ROOT / f"{document}.ipynb").exists()


class Page(HTMLParser):
    """The parts of a page of HTML that the tests ask about."""

    class Link(NamedTuple):
        tag: str
        href: str
        classes: str

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[Page.Link] = []
        self.anchors: set[str] = set()
        self.description = ""
        self.title = ""
        self.headings = 0  # h1 inside the article
        self.numbers: list[str] = []  # of the article's headings, in order
        self._in_article = False
        self._reading = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        at = {name: value or "" for name, value in attrs}
        self.anchors |= {at[name] for name in ("id", "name") if at.get(name)}
        if tag == "article":
            self._in_article = True
        if tag == "h1" and self._in_article:
            self.headings += 1
        if tag == "title" or (self._in_article and at.get("class") == "section-number"):
            self._reading = tag
        if tag == "meta" and at.get("name") == "description":
            self.description = at.get("content", "")
        for attribute in ("href", "src"):
            if attribute in at:
                self.links.append(self.Link(tag, at[attribute], at.get("class", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "article":
            self._in_article = False
        if tag == self._reading:
            self._reading = ""

    def handle_data(self, data: str) -> None:
        if self._reading == "title":
            self.title += data
        elif self._reading == "span":
            self.numbers.append(data.strip())


def read_site(site: Path) -> dict[Path, Page]:
    """Every page of a built site, by its path."""
    return {
        path.resolve(): Page(path.read_text(encoding="utf-8"))
        for path in sorted(site.rglob("*.html"))
        if "_static" not in path.relative_to(site).parts
    }


def broken_links(pages: dict[Path, Page]) -> list[str]:
    """The internal links that lead nowhere: a missing file, or a missing fragment of a page."""
    broken = []
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link.href)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            fragment = unquote(parts.fragment)
            if not target.exists():
                broken.append(f"{path.name}: {link.href} (no such file)")
            elif fragment and target in pages and fragment not in pages[target].anchors:
                broken.append(f"{path.name}: {link.href} (no such fragment)")
    return broken
