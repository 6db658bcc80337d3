"""Sphinx extension: the directive `courses`, what each course of the book holds.

Both the book's page and a course's own say what the file in courses/ says, so that neither can be
out of date. Sections are linked by what the page itself calls them.
"""

import re
from collections.abc import Callable
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools import course as courses
from tools.course import Course, Lecture
from tools.mathematics import typesetter

# How a place is linked: by its page, and its title or label.
Link = Callable[[str, str], str]
JOIN = " · "


class course_list(nodes.General, nodes.Element):
    """Stands for a course until the addresses of the pages are known."""


class Courses(SphinxDirective):
    """`{courses}`: a section for each course that comes with the book."""

    def run(self) -> list[nodes.Node]:
        """Sections whose content is written when the page is."""
        sections = []
        for course in courses.ready():
            self.env.note_dependency(str(courses.FOLDER / f"{course.name}.yml"))
            section = nodes.section(ids=[course.name], names=[course.name])
            section += nodes.title(course.title, course.title)
            section += course_list(course=course.name)
            sections.append(section)
        return sections


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the courses in place of what stands for them."""

    def section(page: str, title: str) -> str:
        position = [known for _, known in courses.headings(page)].index(title)
        anchors = [
            link["anchorname"]
            for link in app.env.tocs[page].findall(nodes.reference)
            if link["refuri"] == page and link["anchorname"]
        ]
        return anchor(app.builder.get_relative_uri(docname, page) + anchors[position], html(title))

    def exercise(page: str, label: str) -> str:
        address = f"{app.builder.get_relative_uri(docname, page)}#{label}"
        return anchor(address, html(courses.exercises()[label][1]))

    def html(title: str) -> str:
        parts = re.split(r"\$([^$]+)\$", title)
        typeset = typesetter(app).html
        return "".join(typeset(p, False) if i % 2 else escape(p) for i, p in enumerate(parts))

    for node in list(doctree.findall(course_list)):
        known = {course.name: course for course in courses.ready()}
        text = overview(known[node["course"]], section, exercise)
        node.replace_self(nodes.raw("", text, format="html"))


def overview(course: Course, section: Link, exercise: Link, slides: str = "") -> str:
    """What a course holds, as HTML.

    `section(page, title)` and `exercise(page, label)` give links; `slides` is the address of the
    folder of the slides, if there are any.
    """
    assumed = ", ".join(courses.way.chapters()[name].title for name in course.assumes)
    lectures = "".join(
        f"<li>{lecture_html(lecture, number, section, exercise, slides)}</li>"
        for number, lecture in enumerate(course.lectures, start=1)
    )
    said = [
        (f"<ol>{lectures}</ol>", ""),
        (course.notes, "For the teacher."),
        (course.planned, "Planned."),
    ]
    if assumed:
        said.insert(0, (f"{assumed}.", "Known before:"))
    html = "".join(
        f"<p><strong>{label}</strong> {escape(text)}</p>" if label else text
        for text, label in said
        if text
    )
    return f'<div class="course"><p>{escape(course.description)}</p>{html}</div>'


def lecture_html(lecture: Lecture, number: int, section: Link, exercise: Link, slides: str) -> str:
    """A lecture: its title, its sections by chapter, its exercises."""
    chapters = courses.way.chapters()
    by_page = {chapter.page: chapter.title for chapter in chapters.values()}
    title = f"<strong>{escape(lecture.title)}</strong>"
    if slides:
        title += f' <a class="course-slides" href="{slides}/lecture_{number}.html">Slides</a>'
    parts = "".join(
        f"<li><em>{escape(by_page[page])}</em> {JOIN.join(section(page, t) for t in titles)}</li>"
        for page, titles in lecture.excerpts
    )
    found = courses.exercises()
    given = JOIN.join(exercise(found[label][0], label) for label in lecture.exercises)
    exercises = f"<li><em>Exercises</em> {given}</li>" if given else ""
    return f"{title} <small>{lecture.minutes} minutes</small><ul>{parts}{exercises}</ul>"


def anchor(address: str, html: str) -> str:
    """A link."""
    return f'<a class="reference internal" href="{escape(address)}">{html}</a>'


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_node(course_list)
    app.add_directive("courses", Courses)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
