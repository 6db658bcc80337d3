"""What a course is: lectures made of sections of the chapters, read from a file in courses/.

A file says what is shown in which order; what is shown comes from the chapters alone. Everything
that is wrong with a file is said at once, by name.
"""

import difflib
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from nbformat import NotebookNode

from tools import notebooks, way
from tools.build import ROOT

FOLDER = ROOT / "courses"
COURSE_KEYS = {"title", "description", "notes", "planned", "assumes", "lectures"}
LECTURE_KEYS = {"title", "minutes", "chapters", "exercises"}
CHAPTER_KEYS = {"notebook", "sections"}
# What a lecture leaves out where its file names no sections.
CLOSING = ("Exercises", "What can go wrong", "Notes")
HEADING = re.compile(r"^(##|###) (.+)$", re.MULTILINE)
EXERCISE = re.compile(r"\{exercise-start\} *(.*)\n:label: *(\S+)")


class CourseError(ValueError):
    """A course's file cannot be used; the message lists why."""


class Excerpt(NamedTuple):
    """Sections of one chapter, in the chapter's order or another."""

    page: str
    sections: tuple[str, ...]


class Lecture(NamedTuple):
    """One session."""

    title: str
    minutes: int
    excerpts: tuple[Excerpt, ...]
    exercises: tuple[str, ...]


class Course(NamedTuple):
    """Lectures in order, with what a teacher has to know of them.

    `notes` are for the teacher, `planned` is what the book does not have yet, and `assumes` names
    the chapters that the audience is expected to know already.
    """

    name: str
    title: str
    description: str
    notes: str
    planned: str
    assumes: tuple[str, ...]
    lectures: tuple[Lecture, ...]


def ready() -> list[Course]:
    """The courses that come with the book."""
    return [read(path) for path in sorted(FOLDER.glob("*.yml"))]


def read(path: Path) -> Course:
    """The course that a file describes.

    Raises
    ------
    CourseError
        If there is no such file, or something in it is missing, unknown or in the wrong order.
    """
    if not path.is_file():
        known = ", ".join(f"courses/{p.name}" for p in sorted(FOLDER.glob("*.yml")))
        raise CourseError(f"there is no file {path}. Those that come with the book: {known}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise CourseError(f"{path.name} is not YAML: {error}") from None
    if faults := list(form_faults(content)):
        raise CourseError(message(path, faults))
    course = Course(
        path.stem,
        content["title"],
        content["description"].strip(),
        content.get("notes", "").strip(),
        content.get("planned", "").strip(),
        tuple(content.get("assumes", ())),
        tuple(lecture(given) for given in content["lectures"]),
    )
    if faults := [*content_faults(course), *order_faults(course)]:
        raise CourseError(message(path, faults))
    return course


def message(path: Path, faults: list[str]) -> str:
    """All that is wrong with a file, a line each."""
    return "\n  - ".join([f"{path.name} cannot be used:", *faults])


def lecture(given: dict[str, Any]) -> Lecture:
    """A lecture of a file whose form is right."""
    return Lecture(
        given["title"],
        given.get("minutes", 90),
        tuple(map(excerpt, given["chapters"])),
        tuple(given.get("exercises", ())),
    )


def excerpt(entry: str | dict[str, Any]) -> Excerpt:
    """A chapter of a lecture: the sections that are named, else all but those that close it."""
    given = {"notebook": entry} if isinstance(entry, str) else entry
    page = given["notebook"].removesuffix(".ipynb")
    sections = given.get("sections")
    if sections is None and page in pages():
        sections = [t for level, t in headings(page) if level == 2 and t not in CLOSING]
    return Excerpt(page, tuple(sections or ()))


# --- Faults -------------------------------------------------------------------------------------


def form_faults(content: Any) -> Iterator[str]:
    """What keeps a file from being read as a course at all."""
    if not isinstance(content, dict):
        yield f"it must have the keys {', '.join(sorted(COURSE_KEYS))}"
        return
    yield from key_faults("the course", content, COURSE_KEYS, ("title", "description", "lectures"))
    for key in ("title", "description", "notes", "planned"):
        if key in content and not is_text(content[key]):
            yield f"{key} must be a text, got {content[key]!r}"
    if not is_texts(content.get("assumes", [])):
        yield f"assumes must be a list of names of chapters, got {content['assumes']!r}"
    lectures = content.get("lectures", [])
    if not isinstance(lectures, list) or not lectures:
        yield "lectures must be a list of at least one lecture"
        return
    for number, given in enumerate(lectures, start=1):
        yield from (f"lecture {number}: {fault}" for fault in lecture_form_faults(given))


def lecture_form_faults(given: Any) -> Iterator[str]:
    """The same of one lecture."""
    if not isinstance(given, dict):
        yield f"must have the keys title and chapters, got {given!r}"
        return
    yield from key_faults("it", given, LECTURE_KEYS, ("title", "chapters"))
    if "title" in given and not is_text(given["title"]):
        yield f"title must be a text, got {given['title']!r}"
    minutes = given.get("minutes", 90)
    if type(minutes) is not int or not 15 <= minutes <= 300:
        yield f"minutes must be a whole number from 15 to 300, got {minutes!r}"
    if not is_texts(given.get("exercises", [])):
        yield f"exercises must be a list of labels such as ex-rkhs-1, got {given['exercises']!r}"
    chapters = given.get("chapters", [None])
    if not isinstance(chapters, list) or not chapters:
        yield "is empty: chapters must list at least one notebook"
        return
    for entry in chapters:
        if is_text(entry) or entry is None:
            continue
        if not isinstance(entry, dict) or not is_text(entry.get("notebook")):
            yield f"a chapter is a path, or has the keys notebook and sections, got {entry!r}"
            continue
        yield from key_faults("a chapter", entry, CHAPTER_KEYS, ())
        if "sections" in entry and (not entry["sections"] or not is_texts(entry["sections"])):
            yield f"sections must be a list of titles, got {entry['sections']!r}"


def key_faults(what: str, given: dict, known: set[str], needed: tuple[str, ...]) -> Iterator[str]:
    """Keys that are missing, and keys that nobody reads."""
    for key in needed:
        if key not in given:
            yield f"{what} has no {key}"
    for key in given:
        if key not in known:
            yield f"{what} has the unknown key {key!r}{suggestion(str(key), known)}"


def content_faults(course: Course) -> Iterator[str]:
    """Chapters, sections and exercises that do not exist."""
    for name in course.assumes:
        if name not in way.chapters():
            yield f"assumes: there is no chapter {name!r}{suggestion(name, way.chapters())}"
    for number, given in enumerate(course.lectures, start=1):
        for page, sections in given.excerpts:
            if page not in pages():
                hint = suggestion(page, pages())
                yield f"lecture {number}: there is no chapter {page}.ipynb{hint}"
                continue
            titles = [title for _, title in headings(page)]
            for title in sections:
                if title not in titles:
                    hint = suggestion(title, titles) or f". It has: {'; '.join(titles)}"
                    yield f"lecture {number}: {page} has no section {title!r}{hint}"
        for label in given.exercises:
            if label not in exercises():
                hint = suggestion(label, exercises())
                yield f"lecture {number}: there is no exercise {label!r}{hint}"


def order_faults(course: Course) -> Iterator[str]:
    """Chapters that come before what they build on, which the course must have or assume."""
    known = {chapter.page: chapter for chapter in way.chapters().values()}
    seen = set(course.assumes)
    for number, given in enumerate(course.lectures, start=1):
        for page, _ in given.excerpts:
            if page not in known:
                continue
            for name in known[page].prerequisites:
                if name not in seen:
                    yield (
                        f"lecture {number}: {page} builds on {name}, which no lecture before it "
                        "shows. Show it earlier, or list it under assumes"
                    )
            seen.add(known[page].name)


def suggestion(name: str, known: Any) -> str:
    """What was meant, if something is close."""
    close = difflib.get_close_matches(name, list(known), n=1)
    return f". Did you mean {close[0]!r}?" if close else ""


def is_text(value: object) -> bool:
    """Whether a value is a text that says something."""
    return isinstance(value, str) and bool(value.strip())


def is_texts(value: object) -> bool:
    """Whether a value is a list of texts, which may be empty."""
    return isinstance(value, list) and all(map(is_text, value))


# --- What the chapters have ---------------------------------------------------------------------


@cache
def pages() -> tuple[str, ...]:
    """The chapters, as the table of contents names them."""
    return tuple(chapter.page for chapter in way.chapters().values())


@cache
def notebook(page: str) -> NotebookNode:
    """The notebook of a chapter."""
    return notebooks.read(ROOT / f"{page}.ipynb")


@cache
def headings(page: str) -> tuple[tuple[int, str], ...]:
    """The level and title of each section and subsection of a chapter, in order."""
    return tuple((len(marks), title.strip()) for marks, title in HEADING.findall(text(page)))


@cache
def exercises() -> dict[str, tuple[str, str]]:
    """By its label, the chapter and the title of each exercise."""
    return {
        label: (page, title) for page in pages() for title, label in EXERCISE.findall(text(page))
    }


def text(page: str) -> str:
    """The prose of a chapter, without blocks of code, whose comments are no headings."""
    cells = notebook(page).cells
    prose = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    return re.sub(r"^```(?:python|bash|text).*?^```$", "", prose, flags=re.M | re.S)
