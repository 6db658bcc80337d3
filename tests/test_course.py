"""Courses: what their files may say, and what becomes of the chapters' text and solutions."""

import copy
import re

import pytest
import yaml
from bs4 import BeautifulSoup

from tools import course as courses
from tools import handouts, slides
from tools.course import CourseError

LECTURES = {"generative-models": 8, "kernels-and-gaussian-processes": 6, "sampling": 6}
FIRST = "notebooks/foundations/01_what_is_a_kernel"
RKHS = "notebooks/rkhs/01_positive_definite_kernels"
SMALL = {
    "title": "Small",
    "description": "One lecture.",
    "lectures": [{"title": "All", "chapters": [f"{FIRST}.ipynb"], "exercises": ["ex-kernel-1"]}],
}


def read(tmp_path, content):
    path = tmp_path / "small.yml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return courses.read(path)


def changed(**changes):
    lecture = {key: changes.pop(key) for key in list(changes) if key in courses.LECTURE_KEYS}
    title = lecture.pop("title", None)
    content = copy.deepcopy(SMALL) | changes | ({"title": title} if title is not None else {})
    if lecture:
        content["lectures"][0] |= lecture
    return content


@pytest.mark.parametrize("course", courses.ready(), ids=lambda course: course.name)
def test_the_courses_of_the_book_can_be_used_and_need_nothing_before(course):
    assert len(course.lectures) == LECTURES[course.name]
    assert course.assumes == ()
    assert course.notes
    assert course.planned


def test_all_courses_are_known_to_this_test():
    assert {course.name for course in courses.ready()} == set(LECTURES)


def test_no_course_shows_a_section_or_sets_an_exercise_twice():
    for course in courses.ready():
        shown = [(e.page, t) for lecture in course.lectures for e in lecture.excerpts for t in e[1]]
        assert len(shown) == len(set(shown))
        labels = [label for lecture in course.lectures for label in lecture.exercises]
        assert len(labels) == len(set(labels))


def test_a_lecture_that_names_no_sections_shows_all_but_the_closing_ones(tmp_path):
    ((page, sections),) = read(tmp_path, SMALL).lectures[0].excerpts
    assert page == FIRST
    assert sections[0] == "Play first: one array, five readings"
    assert "Summary" in sections
    assert not set(courses.CLOSING) & set(sections)


FAULTS = [
    (changed(lectures=[]), "lectures must be a list of at least one lecture"),
    (changed(chapters=[]), "lecture 1: is empty: chapters must list at least one notebook"),
    (changed(chapters=["notebooks/rkhs/01_kernels.ipynb"]), "there is no chapter"),
    (changed(chapters=[FIRST.replace("what", "waht")]), f"Did you mean '{FIRST}'?"),
    (changed(chapters=[RKHS]), "builds on 01_what_is_a_kernel, which no lecture before it shows"),
    (
        changed(chapters=[{"notebook": FIRST, "sections": ["Play frist"]}]),
        "has no section 'Play frist'",
    ),
    (changed(chapters=[{"notebook": FIRST, "sections": []}]), "sections must be a list of titles"),
    (changed(chapters=[{"sections": ["Play first"]}]), "has the keys notebook and sections"),
    (changed(exercises=["ex-kernel-0"]), "no exercise 'ex-kernel-0'. Did you mean 'ex-kernel-"),
    (changed(exercises="ex-kernel-1"), "exercises must be a list of labels"),
    (changed(minutes="90"), "minutes must be a whole number from 15 to 300, got '90'"),
    (changed(title=" "), "title must be a text, got ' '"),
    (changed(assumes=["01_what"]), "assumes: there is no chapter '01_what'"),
    (changed(assumes="01_what_is_a_kernel"), "assumes must be a list of names of chapters"),
    (changed(descriptoin="x"), "unknown key 'descriptoin'. Did you mean 'description'?"),
    ({"title": "Small"}, "the course has no lectures"),
    (["Small"], "it must have the keys"),
    ("title: [", "small.yml is not YAML"),
]


@pytest.mark.parametrize(("content", "said"), FAULTS, ids=[said[:40] for _, said in FAULTS])
def test_a_fault_is_named(tmp_path, content, said):
    with pytest.raises(CourseError, match=re.escape(said)):
        read(tmp_path, content)


def test_a_prerequisite_may_be_assumed(tmp_path):
    content = changed(chapters=[RKHS], assumes=["01_what_is_a_kernel"])
    assert read(tmp_path, content).assumes == ("01_what_is_a_kernel",)


def test_a_missing_file_is_answered_by_those_that_there_are(tmp_path):
    with pytest.raises(CourseError, match="courses/sampling.yml"):
        courses.read(tmp_path / "nothing.yml")


# --- Notebooks for students -----------------------------------------------------------------------


def solutions(page):
    """The sources of the cells, or their parts, that lie in a solution."""
    found, inside = [], False
    for cell in courses.notebook(page).cells:
        text = cell.source
        if cell.cell_type == "code":
            found += [text] if inside else []
            continue
        for part in re.split(r"(```\{solution-(?:start|end)\})", text):
            if part.startswith("```{solution"):
                inside = "start" in part
            elif inside and (body := part.partition("```\n")[2].strip()):
                found.append(body)
    return found


@pytest.mark.parametrize("page", courses.pages())
def test_a_students_notebook_has_no_solution_and_all_the_rest(page):
    given, student = courses.notebook(page), handouts.unsolved(courses.notebook(page))
    text = "\n".join(cell.source for cell in student.cells)
    assert len(solutions(page)) >= len([k for k, v in courses.exercises().items() if v[0] == page])
    assert [body for body in solutions(page) if body in text] == []
    assert "{solution" not in text
    assert set(re.findall(r"^#+ .*", text, re.M)) == set(
        re.findall(r"^#+ .*", "\n".join(cell.source for cell in given.cells), re.M)
    )
    assert text.count("{exercise-start}") == text.count("{exercise-end}")
    code = [cell for cell in student.cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in code)
    assert any(cell.get("outputs") for cell in given.cells), "the notebook itself was changed"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("```{solution-start} ex\n```\n\nIt is 2.", "begins and does not end"),
        ("It is 2.\n\n```{solution-end}\n```", "ends and did not begin"),
    ],
)
def test_half_a_solution_is_refused(text, said):
    notebook = copy.deepcopy(courses.notebook(FIRST))
    notebook.cells = notebook.cells[:1]
    notebook.cells[0].source = text
    with pytest.raises(ValueError, match=said):
        handouts.unsolved(notebook)


# --- Text on slides -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "expected"),
    [
        ("<p>One thing is said here first. Then the next.</p>", 2),
        ("<p>It is 0.5 in size, which is more. <em>Then</em> it ends.</p>", 2),
        ("<p>Short. But this one is long enough to stand.</p>", 1),
        ("<p><strong>Ridge.</strong> What follows is said of <em>that. Only</em> that.</p>", 1),
        ("<p>A &lt; B holds for all of these. So does B &lt; C.</p>", 2),
    ],
)
def test_sentences(html, expected):
    node = BeautifulSoup(html, "html.parser").p
    found = slides.sentences(node)
    assert len(found) == expected
    joined = BeautifulSoup(" ".join(found), "html.parser").get_text()
    assert joined.split() == node.get_text().split()


def block(lines, **more):
    return slides.Block(f"<p>{lines}</p>", f"<p>notes {lines}</p>", lines, **more)


def test_slides_hold_what_there_is_room_for_and_lose_nothing():
    blocks = [block(float(n), joins=n == 5) for n in (6, 7, 5, 9, 2, 16, 3)]
    made = slides.packed("Title", blocks)
    assert "".join(slide.body for slide in made) == "".join(b.html for b in blocks)
    assert "".join(slide.notes for slide in made) == "".join(b.notes for b in blocks)
    assert [slide.title[-11:-7] for slide in made] == [f">{n}/5" for n in range(1, 6)]
    # A block that joins the one before it is on the same slide.
    assert any("<p>7.0</p><p>5.0</p>" in slide.body for slide in made)


def test_a_line_before_a_live_figure_stands_above_it_and_one_after_it_is_for_the_speaker():
    (slide,) = slides.packed("T", [block(1.0), block(slides.ROOM, alone=True), block(2.0)])
    assert slide.kind == "live"
    assert slide.body == "<p>1.0</p><p>16.0</p>"
    assert "notes 2.0" in slide.notes


def test_a_live_figure_with_many_controls_has_its_slide_to_itself():
    figure = block(slides.ROOM + slides.FEW, alone=True)
    assert [s.kind for s in slides.packed("T", [block(1.0), figure])] == ["text", "live"]
