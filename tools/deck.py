"""A lecture's slides as a page of reveal.js, which works from a file and without a network."""

import re
from html import escape
from pathlib import Path

from tools import bundle, live_site, vendor
from tools.slides import Slide

SOURCES = vendor.WEB / "slides"
# Of the styles of a page of the book, those that its articles need.
STYLES = ("pygments.css", "mathematics.css", "fonts.css", "book.css")
REM = re.compile(r"(\d*\.?\d+)rem\b")
LINK = re.compile(r'<link rel="stylesheet"[^>]*href="((?:\.\./)*_static/([^"?]+)[^"]*)"')
# The class keeps reveal.js's own style for paper away: slides.css has one.
PAGE = """<!DOCTYPE html>
<html lang="en" class="print-pdf">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{styles}
<link rel="stylesheet" href="figures.css">
<link rel="stylesheet" href="slides.css">
<script src="../{figures}"></script>
<script src="slides.js"></script>
</head>
<body>
<div class="reveal"><div class="slides bd-article">
{slides}
</div></div>
<nav class="slide-tools" aria-label="Course"><a href="../index.html">{course}</a>
<button type="button" class="slide-theme" title="Light or dark (key d)">Light / dark</button></nav>
</body>
</html>
"""


def write_assets(folder: Path) -> None:
    """Bundle reveal.js and our script and styles into a folder of slides.

    A figure grows with the screen as a whole, by zoom, so that its style is in px: rem grows too.
    """
    folder.mkdir(parents=True, exist_ok=True)
    bundle.esbuild(SOURCES / "slides.js", folder / "slides.js", "--format=iife")
    figures = (live_site.ASSETS / "figures.css").read_text(encoding="utf-8")
    in_px = REM.sub(lambda m: f"{16 * float(m[1]):g}px", figures)
    (folder / "figures.css").write_text(in_px, encoding="utf-8")
    licence = (bundle.MODULES / "reveal.js" / "LICENSE").read_text(encoding="utf-8")
    (folder / "LICENSES.txt").write_text(f"reveal.js\n\n{licence}", encoding="utf-8")


def page(course: str, title: str, slides: list[Slide], site: Path, chapter: str) -> str:
    """The HTML of a deck, in a folder beside the book's; `chapter` is a page with its styles."""
    found = LINK.findall((site / f"{chapter}.html").read_text(encoding="utf-8"))
    styles = [
        f'<link rel="stylesheet" href="../{href.lstrip("./")}">'
        for href, name in found
        if name.endswith(STYLES)
    ]
    return PAGE.format(
        title=escape(f"{title} | {course}"),
        course=escape(course),
        styles="\n".join(styles),
        figures=f"{live_site.FOLDER}/figures.js?v={live_site.version()}",
        slides="\n".join(map(section, slides)),
    )


def section(slide: Slide) -> str:
    """One slide."""
    title = "" if slide.kind == "opening" else f"<h2>{slide.title}</h2>\n"
    notes = f'\n<aside class="notes">{slide.notes}</aside>' if slide.notes else ""
    return f'<section class="{slide.kind}">\n{title}{slide.body}{notes}\n</section>'
