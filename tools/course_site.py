"""Build courses: `python -m tools.course_site [courses/name.yml ...]`, into _build/courses/<name>/.

A course's site is the book's, with the course at its front: an own page with the map of its
chapters, its lectures in the side bar, slides, and the notebooks as zips. Chapters that the course
leaves out stay where they are, because others refer to them. Without a file all courses are built.
"""

import argparse
import re
import shutil
import sys
from html import escape
from pathlib import Path

from tools import build, chapter_map, deck, handouts, slides, way, wheel
from tools import course as courses
from tools.course import Course, CourseError
from tools.course_pages import anchor, overview

OUT = build.BUILD / "courses"
FRONT = "book/courses"  # the page of the book whose place the course's own takes
ROOT_OF = re.compile(r'data-content_root="([^"]*)"')
NAV = re.compile(r'(<nav class="bd-links bd-docs-nav".*?>).*?(</nav>)', re.S)
ARTICLE = re.compile(r'(<article class="bd-article">).*?(</article>)', re.S)
CONTENTS = re.compile(r'<div class="sidebar-secondary-item">.*?</nav>\s*</div>', re.S)
PRINTED = re.compile(r'<div id="jb-print-docs-body".*?(?=<div id="searchbox">)', re.S)
TURN = re.compile(r'<div class="prev-next-area">.*?(?=\s*</footer>)', re.S)
TITLE = re.compile(r"<title>.*?</title>", re.S)
MAP_SCRIPT = re.compile(r"<script[^>]*chapter_map\.js[^>]*></script>")
REFERENCE = ("notation", "glossary", "bibliography")


def main() -> int:
    """Read the files, build the book if it has changed, write each course; 0 if all went well."""
    options = argparse.ArgumentParser(prog="make course", description=__doc__.splitlines()[0])
    options.add_argument("files", nargs="*", type=Path, metavar="courses/name.yml")
    files = options.parse_args().files or sorted(courses.FOLDER.glob("*.yml"))
    try:
        chosen = [courses.read(path) for path in files]
    except CourseError as error:
        print(f"error: {error}")
        return 1
    if status := build.bring_up_to_date():
        return status
    package = wheel.main(OUT / "wheel")
    for course in chosen:
        folder = write(course, build.SITE, OUT / course.name, package)
        size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
        print(f"{course.title}: {len(course.lectures)} lectures, {size / 1e6:.0f} MB in {folder}")
        print(f"  Open it: {(folder / 'index.html').as_uri()}")
    return 0


def write(course: Course, site: Path, folder: Path, package: Path) -> Path:
    """Write all that belongs to a course into a folder, from nothing; returns the folder."""
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(site, folder)
    deck.write_assets(folder / "slides")
    for number, lecture in enumerate(course.lectures, start=1):
        shown = slides.deck(course, number, site)
        html = deck.page(course.title, lecture.title, shown, site, lecture.excerpts[0].page)
        (folder / "slides" / f"lecture_{number}.html").write_text(html, encoding="utf-8")
    handouts.write(course, folder, package)
    front = folder / f"{FRONT}.html"
    front.write_text(front_page(course, front.read_text(encoding="utf-8"), site), encoding="utf-8")
    for page in folder.rglob("*.html"):
        name = page.relative_to(folder).with_suffix("").as_posix()
        text = page.read_text(encoding="utf-8")
        page.write_text(in_course(course, text, name, site), encoding="utf-8")
    (folder / "index.html").write_text(
        f'<meta http-equiv="Refresh" content="0; url={FRONT}.html" />\n', encoding="utf-8"
    )
    return folder


def front_page(course: Course, template: str, site: Path) -> str:
    """The course's own page, made of the book's page of courses."""

    def section(page: str, title: str) -> str:
        found = slides.Page(site, page)
        return anchor(f"../{page}.html{found.anchor(title)}", found.heading(title))

    def exercise(page: str, label: str) -> str:
        return anchor(f"../{page}.html#{label}", escape(courses.exercises()[label][1]))

    content = overview(course, section, exercise, "../slides")
    chapters = chapter_map.markup(used(course), lambda page: f"../{page}.html")
    zips = (
        '<p>The notebooks: <a href="../students.zip">for students</a>, without solutions, and '
        '<a href="../teacher.zip">for teachers</a>, with them. Take the second away before you put '
        "this folder where students can read it.</p>"
    )
    article = (
        f"<section><h1>{escape(course.title)}</h1>{content}"
        f"<h2>Notebooks</h2>{zips}<h2>Map of the chapters</h2>{chapters}</section>"
    )
    script = MAP_SCRIPT.search((site / "book" / "chapter_map.html").read_text(encoding="utf-8"))[0]
    html = ARTICLE.sub(lambda m: m[1] + article + m[2], template)
    html = html.replace("</head>", f"{script}\n</head>")
    html = TITLE.sub(lambda _: f"<title>{escape(course.title)}</title>", html)
    return PRINTED.sub("", CONTENTS.sub("", html))  # these list the headings of the book's page


def in_course(course: Course, text: str, name: str, site: Path) -> str:
    """A page of the book as a page of the course: its side bar, and what comes before and after."""
    root = ROOT_OF.search(text)
    if root is None:  # the slides
        return text
    text = NAV.sub(lambda m: m[1] + side_bar(course, root[1], name, site) + m[2], text)
    turns = order(course)
    return TURN.sub(turn(turns[name], root[1]), text) if name in turns else text


def side_bar(course: Course, root: str, page: str, site: Path) -> str:
    """The course in the side bar: its page, slides and chapters, and where to look things up."""

    def group(caption: str, items: list[tuple[str, str]]) -> str:
        rows = "".join(
            f'<li class="toctree-l1{" current active" if target == page else ""}">'
            f'<a class="reference internal" href="{root}{target}.html">{text}</a></li>'
            for target, text in items
        )
        return (
            f'<p aria-level="2" class="caption" role="heading"><span class="caption-text">{caption}'
            f'</span></p><ul class="nav bd-sidenav">{rows}</ul>'
        )

    decks = [
        (f"slides/lecture_{number}", f"{number} {escape(lecture.title)}")
        for number, lecture in enumerate(course.lectures, start=1)
    ]
    chapters = [(name, escape(slides.Page(site, name).title)) for name in handouts.pages(course)]
    looked_up = [(f"book/{name}", name.capitalize()) for name in REFERENCE]
    return '<div class="bd-toc-item navbar-nav active">{}{}{}{}</div>'.format(
        group("The course", [(FRONT, escape(course.title))]),
        group("Slides", decks),
        group("Chapters", chapters),
        group("Reference", looked_up),
    )


def used(course: Course) -> dict[str, way.Chapter]:
    """The chapters of a course and those that it assumes, each with what it builds on of these."""
    pages = handouts.pages(course)
    known = {
        name: chapter
        for name, chapter in way.chapters().items()
        if chapter.page in pages or name in course.assumes
    }
    return {
        name: chapter._replace(prerequisites=tuple(p for p in chapter.prerequisites if p in known))
        for name, chapter in known.items()
    }


def order(course: Course) -> dict[str, tuple[str | None, str | None]]:
    """By page, the pages before and after it in the course."""
    pages = [FRONT, *handouts.pages(course)]
    around = [None, *pages, None]
    return {page: (around[i], around[i + 2]) for i, page in enumerate(pages)}


def turn(around: tuple[str | None, str | None], root: str) -> str:
    """The links at a page's foot to the pages before and after it."""
    titles = {chapter.page: chapter.title for chapter in way.chapters().values()}
    words = (("left-prev", "previous"), ("right-next", "next"))
    links = ""
    for target, (side, word) in zip(around, words, strict=True):
        if target is not None:
            title = escape(titles.get(target, "The course"))
            links += (
                f'<a class="{side}" href="{root}{target}.html" title="{word} page">'
                f'<div class="prev-next-info"><p class="prev-next-subtitle">{word}</p>'
                f'<p class="prev-next-title">{title}</p></div></a>'
            )
    return f'<div class="prev-next-area">{links}</div>'


if __name__ == "__main__":
    sys.exit(main())
