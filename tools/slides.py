"""Slides of a lecture, cut out of the built pages of its chapters.

A slide shows what one projects: headings, statements, formulas, short code with what it prints,
figures, and of each paragraph the sentence that it is about. The whole text, the proofs and the
captions go into the speaker's notes. Sections begin slides, and so does a cell that says so (see
tools/slide_marks.py); a slide that is full goes on in another.
"""

import json
import posixpath
import re
from collections.abc import Iterator
from copy import copy
from functools import cache
from html import escape
from pathlib import Path
from typing import NamedTuple

from bs4 import BeautifulSoup, NavigableString, Tag

from tools import course as courses
from tools.course import Course, Lecture

# A slide's room, in lines of text, and what things take of it.
ROOM = 16.0
LINE = 88  # characters
GAP = 0.45
MANY = 5  # controls of a figure that leave no room for a line above it
FEW = 2.2  # lines that are not worth a slide
WHOLE = 200  # characters up to which a paragraph stays as it is
SHORT = 25  # a sentence that is shorter says too little alone
BEGINS = re.compile(r"(?<=[.!?])(\s+)(?=[A-Z“\"]|$)")
BOXES = {"definition", "theorem", "proposition", "lemma", "corollary", "algorithm"}


class Block(NamedTuple):
    """A piece of a slide.

    Parameters
    ----------
    html : str
        What is shown; may be empty.
    notes : str
        What the speaker sees besides.
    lines : float
        The room that it takes.
    joins : bool
        Whether it stays on the slide of what comes before.
    alone : bool
        Whether it has a slide of its own.
    """

    html: str
    notes: str = ""
    lines: float = 0.0
    joins: bool = False
    alone: bool = False


class Slide(NamedTuple):
    """One slide: its title, what it shows, and the speaker's notes."""

    title: str
    body: str
    notes: str = ""
    kind: str = "text"


def deck(course: Course, number: int, site: Path) -> list[Slide]:
    """The slides of a lecture (counted from 1), from a built site."""
    lecture = course.lectures[number - 1]
    slides = [opening(course, number, site)]
    for excerpt in lecture.excerpts:
        page = Page(site, excerpt.page)
        for title in excerpt.sections:
            slides += page.section(title)
    slides += [Page(site, courses.exercises()[e][0]).exercise(e) for e in lecture.exercises]
    return [*slides, closing(lecture, site)]


def opening(course: Course, number: int, site: Path) -> Slide:
    """The first slide: what is to come."""
    lecture = course.lectures[number - 1]
    plan = "".join(
        f"<li>{Page(site, excerpt.page).heading(title)}</li>"
        for excerpt in lecture.excerpts
        for title in excerpt.sections
    )
    body = (
        f'<p class="course-name">{escape(course.title)} · lecture {number} of '
        f"{len(course.lectures)}</p><h1>{escape(lecture.title)}</h1><ol>{plan}</ol>"
    )
    return Slide(escape(lecture.title), body, kind="opening")


def closing(lecture: Lecture, site: Path) -> Slide:
    """The last slide: where to read on."""
    items = ""
    for excerpt in lecture.excerpts:
        page = Page(site, excerpt.page)
        sections = ", ".join(page.link(title) for title in excerpt.sections)
        items += f"<li><strong>{page.title}</strong>: {sections}</li>"
    return Slide("To read", f'<ul class="reading">{items}</ul>', kind="closing")


class Page:
    """A built page of the book, cut into slides.

    Parameters
    ----------
    site : Path
        The folder of the built site. Slides lie in a folder beside the book's.
    page : str
        The chapter, as the table of contents names it.
    """

    def __init__(self, site: Path, page: str):
        self.page = page
        self._soup = article(site / f"{page}.html")
        found = [h for h in self._soup.find_all(["h2", "h3"]) if not h.find_parent(class_=BOXED)]
        listed = courses.headings(page)
        if [h.name for h in found] != [f"h{level}" for level, _ in listed]:
            raise RuntimeError(f"{page}: the page has other headings than the notebook; build anew")
        self._headings = {title: h for (_, title), h in zip(listed, found, strict=True)}
        self.title = text_of(self._soup.h1)

    def heading(self, title: str) -> str:
        """The title of a section as the page has it, without its number."""
        return unnumbered(self._headings[title])

    def anchor(self, title: str) -> str:
        """The fragment that leads to a section."""
        return f"#{self._headings[title].parent['id']}"

    def link(self, title: str) -> str:
        """A link to a section."""
        return f'<a href="{self._to(self.anchor(title))}" target="_blank">{self.heading(title)}</a>'

    def section(self, title: str) -> list[Slide]:
        """The slides of a section and of those below it."""
        return self._slides(self._headings[title].parent)

    def exercise(self, label: str) -> Slide:
        """An exercise, without its solution."""
        box = self._soup.find(id=label)
        name = box.find(class_="admonition-title")
        content = [child for child in box.section.find_all(recursive=False) if child.name != "form"]
        shown = [self._html(child) for child in content if "cell" not in classes(child)]
        code = [self._html(i) for c in content for i in c.select(".cell_input")]
        answer = f'<p><a href="{self._to(f"#{label}")}">Check your answer on the page</a></p>'
        return Slide(self._inner(name), "".join([*shown, *code, answer]), kind="exercise")

    # --- Cutting ----------------------------------------------------------------------------

    def _slides(self, section: Tag) -> list[Slide]:
        title, slides, blocks = "", [], []
        mood = ""
        for node in stream(section):
            if node.name in ("h2", "h3"):
                slides += packed(title, blocks)
                title, blocks = self._title(node), []
            elif "slide-mark" in classes(node):
                mood = node["data-slide"]
                if mood == "slide":
                    slides += packed(title, blocks)
                    blocks = []
                if note := node.get("data-notes"):
                    blocks.append(Block("", f"<p>{escape(note)}</p>"))
            elif mood == "notes":
                blocks.append(Block("", self._notes(node)))
            elif mood != "skip":
                blocks += self._blocks(node, node.find_next_sibling())
        return [*slides, *packed(title, blocks)]

    def _title(self, heading: Tag) -> str:
        """A heading, under that of the section in which it lies."""
        outer = heading.parent.parent
        above = outer.h2 if heading.name == "h3" else None
        shown = f'<span class="above">{unnumbered(above)}</span>' if above else ""
        return shown + self._inner(heading)

    def _blocks(self, node: Tag, following: Tag | None) -> Iterator[Block]:
        """What a node of a page becomes."""
        kinds = classes(node)
        if node.name == "p":
            yield self._paragraph(node, following)
        elif node.name in ("ul", "ol"):
            yield self._list(node)
        elif "math" in kinds:
            rows = max(1, len(node.select("mjx-math > mjx-mtable mjx-mtr, mjx-mlabeledtr")))
            yield Block(self._html(node), lines=0.9 + 1.6 * rows, joins=True)
        elif "admonition" in kinds:
            yield from self._box(node, kinds)
        elif "cell" in kinds:
            yield from self._cell(node)
        elif node.find("table"):
            yield Block(self._html(node), lines=1.25 * len(node.find_all("tr")), joins=True)
        elif node.name == "figure":
            yield self._figure(node)

    def _paragraph(self, node: Tag, following: Tag | None) -> Block:
        """Of a long paragraph its first sentence, and the last if it leads to what is shown."""
        parts = sentences(node)
        continues = text_of(node)[:1].islower()
        if length(node) <= WHOLE or len(parts) < 2:
            return Block(self._html(node), lines=lines(node), joins=continues)
        shown = [parts[0]]
        leads = following is not None and text_of(node)[-1] not in '.!?)”"'
        if leads:
            shown.append(parts[-1])
        html = "".join(f"<p>{self._fragment(part)}</p>" for part in shown)
        taken = sum(lines(BeautifulSoup(part, "html.parser")) for part in shown)
        return Block(html, self._notes(node), taken, joins=continues)

    def _list(self, node: Tag) -> Block:
        items, taken, cut = "", 0.0, False
        for item in node.find_all("li", recursive=False):
            first = item.p or item
            parts = sentences(first)
            keep = first.decode_contents() if length(first) <= WHOLE else parts[0]
            cut = cut or length(item) > WHOLE
            items += f"<li>{self._fragment(keep)}</li>"
            taken += lines(BeautifulSoup(keep, "html.parser"))
        html = f"<{node.name}>{items}</{node.name}>"
        return Block(html, self._notes(node) if cut else "", taken, joins=True)

    def _box(self, node: Tag, kinds: list[str]) -> Iterator[Block]:
        """A statement is shown; proofs and what is folded away are the speaker's."""
        if {"exercise", "solution"} & set(kinds):
            return
        if "dropdown" in kinds or kinds == ["proof", "admonition"]:
            yield Block("", self._notes(node))
        else:
            inner = sum(
                2.5 if "math" in classes(child) else lines(child)
                for child in node.find_all(["p", "li", "div"])
                if child.name != "div" or "math" in classes(child)
            )
            yield Block(self._html(node), lines=inner + 1.5)

    def _cell(self, node: Tag) -> Iterator[Block]:
        """Code that is not folded away and does not draw, what it prints, and figures."""
        draws = node.select_one(".cell_output figure")
        shown = [] if draws else node.find_all(class_="cell_input", recursive=False)
        printed = node.select(".cell_output > .output")
        html = "".join(self._html(part) for part in [*shown, *printed])
        if html:
            count = sum(text_of(part).count("\n") + 1 for part in [*shown, *printed])
            if 0.72 * count + 0.8 <= ROOM:
                yield Block(html, lines=0.72 * count + 0.8)
            else:
                yield Block(f'<div class="dense">{html}</div>', lines=min(ROOM, 0.58 * count))
        for figure in node.select(".cell_output figure"):
            yield self._figure(figure)

    def _figure(self, node: Tag) -> Block:
        """A figure with the first sentence of its caption."""
        figure = copy(node)
        caption = figure.figcaption
        notes = ""
        if caption:
            notes = self._notes(node.figcaption)
            text = caption.find(class_="caption-text") or caption
            number = caption.find(class_="caption-number")
            first = sentences(text)[0] if length(text) > SHORT else text.decode_contents()
            caption.clear()
            start = str(number) if number else ""
            caption.append(BeautifulSoup(f"<p>{start}{first}</p>", "html.parser"))
        is_live = "live-figure" in classes(node)
        for script in figure.find_all("script", src=True):
            script.decompose()  # the deck loads it once
        if is_live:
            figure["data-prevent-swipe"] = ""
            spec = json.loads(node.find(class_="live-figure-spec").string)
            room = ROOM if len(spec["controls"]) <= MANY else ROOM + FEW
            return Block(self._html(figure, keep_id=True), notes, room, alone=True)
        return Block(self._html(figure), notes, 11.0)

    # --- Writing ----------------------------------------------------------------------------

    def _html(self, node: Tag, keep_id: bool = False) -> str:
        return str(self._clean(copy(node), keep_id))

    def _inner(self, node: Tag) -> str:
        return self._clean(copy(node)).decode_contents()

    def _fragment(self, html: str) -> str:
        return self._clean(BeautifulSoup(html, "html.parser")).decode_contents()

    def _notes(self, node: Tag) -> str:
        """The text for the speaker's window, which has MathML and none of our styles."""
        node = self._clean(copy(node))
        for container in node.find_all("mjx-container"):
            container.parent.attrs.pop("class", None)
            container.replace_with(container.find("math"))
        for link in node.find_all("a"):
            link.unwrap()
        for name in ["script", "details", "img"]:
            for left in node.find_all(name):
                left.decompose()
        return (
            str(node) if node.name in ("p", "ul", "ol") else f"<div>{node.decode_contents()}</div>"
        )

    def _clean(self, node: Tag, keep_id: bool = False) -> Tag:
        """A copy for the slides: links lead to the book, and ids stay on the pages."""
        for link in node.select(".headerlink"):
            link.decompose()
        for part in [node, *node.find_all(True)]:
            if part is not node or not keep_id:
                part.attrs.pop("id", None)
            for attribute in ("href", "src"):
                if attribute in part.attrs:
                    part[attribute] = self._to(part[attribute])
            if part.name == "section":
                part.name = "div"  # a section in a section is a column of slides to reveal.js
                part["class"] = "statement"
            if part.name == "a":
                part["target"] = "_blank"
            if part.name == "img" and not keep_id:
                part.attrs.pop("loading", None)
        return node

    def _to(self, address: str) -> str:
        """An address on the page, as the slides have to say it."""
        if re.match(r"[a-z]+:", address):
            return address
        if address.startswith("#"):
            return f"../{self.page}.html{address}"
        return "../" + posixpath.normpath(posixpath.join(posixpath.dirname(self.page), address))


BOXED = re.compile(r"^(exercise|solution)$")


@cache
def article(path: Path) -> BeautifulSoup:
    """The article of a built page."""
    html = path.read_text(encoding="utf-8")
    start, end = html.index("<article"), html.index("</article>")
    return BeautifulSoup(html[start:end], "html.parser")


def stream(section: Tag) -> Iterator[Tag]:
    """A section's heading and blocks, and those of the sections in it, in order."""
    for child in section.find_all(recursive=False):
        if child.name == "section":
            yield from stream(child)
        else:
            yield child


def packed(title: str, blocks: list[Block]) -> list[Slide]:
    """The slides of one heading: as many blocks on each as there is room for."""
    pages: list[list[Block]] = [[]]
    for group in groups(blocks):
        taken = sum(block.lines + GAP for block in pages[-1])
        needed = sum(block.lines + GAP for block in group)
        is_new = taken > 0 and (taken + needed > ROOM or group[0].alone or pages[-1][-1].alone)
        if is_new and any(block.html for block in group):
            pages.append([])
        pages[-1] += group
    pages = merged([page for page in pages if page])
    slides = []
    for number, page in enumerate(pages, start=1):
        count = f' <span class="part">{number}/{len(pages)}</span>' if len(pages) > 1 else ""
        kind = "live" if any(block.alone for block in page) else "text"
        shown, notes = ("".join(getattr(b, field) for b in page) for field in ("html", "notes"))
        slides.append(Slide(title + count, shown, notes, kind))
    return slides


def merged(pages: list[list[Block]]) -> list[list[Block]]:
    """The pages without those of one or two lines beside a live figure.

    What introduces the figure stands above it. What follows it is for the speaker to say.
    """
    result: list[list[Block]] = []
    for page in pages:
        is_short = sum(block.lines for block in page) <= FEW
        last = result[-1] if result else []
        after = any(block.alone for block in last)
        before = bool(last) and sum(block.lines for block in last) <= FEW
        if page[0].alone and page[0].lines <= ROOM and before:
            last += page
        elif is_short and after:
            last += [block._replace(html="", notes=block.notes or block.html) for block in page]
        else:
            result.append(page)
    return result


def groups(blocks: list[Block]) -> Iterator[list[Block]]:
    """Blocks that stay together: a formula with the sentence before it."""
    group: list[Block] = []
    for block in blocks:
        is_joined = block.joins and sum(b.lines for b in group) + block.lines <= ROOM
        if group and not is_joined and block.html:
            yield group
            group = []
        group.append(block)
    if group:
        yield group


# --- Text -----------------------------------------------------------------------------------------


def classes(node: Tag) -> list[str]:
    """The classes of a node."""
    return node.get("class", [])


def text_of(node: Tag) -> str:
    """The text of a node as one reads it, without permalinks and section numbers."""
    node = copy(node)
    for left in node.select(".headerlink, .section-number"):
        left.decompose()
    return node.get_text().strip()


def unnumbered(heading: Tag) -> str:
    """The HTML of a heading without its number and its permalink."""
    heading = copy(heading)
    for left in heading.select(".headerlink, .section-number"):
        left.decompose()
    return heading.decode_contents()


def length(node: Tag) -> int:
    """The characters that a node shows: MathJax's stand in style sheets."""
    spoken = sum(len(part.get_text()) for part in node.find_all("mjx-assistive-mml"))
    return len(re.sub(r"\s+", " ", node.get_text())) - spoken + len(node.find_all("mjx-c"))


def lines(node: Tag) -> float:
    """The lines that a paragraph takes."""
    return float(-(-length(node) // LINE))


def sentences(node: Tag) -> list[str]:
    """The sentences of a paragraph, as HTML. What is too short to stand alone joins the next."""
    parts = [""]
    for child in node.children:
        if not isinstance(child, NavigableString):
            parts[-1] += str(child)
            continue
        pieces = BEGINS.split(str(child))
        if parts[-1].rstrip().endswith((".</em>", ".</strong>")) and pieces[0][:1].isspace():
            parts.append("")
        parts[-1] += escape(pieces[0], quote=False)
        for piece in pieces[2::2]:
            parts.append(escape(piece, quote=False))
    joined: list[str] = []
    for part in filter(str.strip, parts):
        if joined and length(BeautifulSoup(joined[-1], "html.parser")) < SHORT:
            joined[-1] = f"{joined[-1].rstrip()} {part}"
        else:
            joined.append(part.strip())
    return joined
