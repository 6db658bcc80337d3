"""A course as it is built: slides alive without a network, zips with and without solutions."""

import io
import json
import os
import re
from zipfile import ZipFile

import nbformat
import pytest
import yaml
from nbclient import NotebookClient

from labcore.exercises import rkhs
from tests.site import drive
from tests.site.browse import Report, listen, unset_mathematics
from tests.site.pages import ROOT, broken_links, read_site
from tests.test_course import solutions
from tools import course as courses
from tools import course_site, slides

FIRST = "notebooks/foundations/01_what_is_a_kernel"
RKHS = "notebooks/rkhs/01_positive_definite_kernels"
SCREEN = {"width": 1280, "height": 720}
COURSE = {
    "title": "A small course",
    "description": "Two lectures.",
    "notes": "For the test.",
    "lectures": [
        {
            "title": "Arrays",
            "chapters": [
                {"notebook": FIRST, "sections": ["One operation: sum against it"]},
                {"notebook": FIRST, "sections": ["Covariance: an array that draws functions"]},
            ],
            "exercises": ["ex-kernel-1"],
        },
        {
            "title": "Kernels",
            "chapters": [
                {
                    "notebook": RKHS,
                    "sections": [
                        "Play first",
                        "What looks like a kernel and is not",
                        "Where it fails",
                    ],
                }
            ],
            "exercises": ["ex-rkhs-1", "ex-rkhs-4"],
        },
    ],
}
LECTURES = (1, 2)


@pytest.fixture(scope="module")
def folder(site, tmp_path_factory):
    """The course, built; the package is not part of what is tested here."""
    scratch = tmp_path_factory.mktemp("course")
    (scratch / "small.yml").write_text(yaml.safe_dump(COURSE))
    (scratch / "labcore.whl").write_bytes(b"a wheel")
    course = courses.read(scratch / "small.yml")
    return course_site.write(course, site, scratch / "small", scratch / "labcore.whl")


@pytest.fixture(scope="module")
def visit(browser, folder):
    """Open a lecture's slides from their file once; gives the tab and what it complained of."""
    context = browser.new_context(viewport=SCREEN, reduced_motion="reduce")
    opened = {}

    def at(lecture):
        if lecture not in opened:
            tab, report = context.new_page(), Report()
            listen(tab, report)
            tab.goto((folder / "slides" / f"lecture_{lecture}.html").as_uri())
            tab.wait_for_selector(".reveal.ready")
            opened[lecture] = tab, report
        opened[lecture][0].bring_to_front()
        return opened[lecture]

    yield at
    context.close()


def show(tab, selector):
    """Turn to the slide that holds an element; returns the slide."""
    index = tab.evaluate(
        "(s) => { const at = document.querySelector(s).closest('.slides > section');"
        " return [...at.parentElement.children].indexOf(at); }",
        selector,
    )
    tab.evaluate("(i) => (location.hash = `#/${i}`)", index)
    here = "(s) => document.querySelector(s).closest('section.present')"
    tab.wait_for_function(here, arg=selector)
    return tab.locator("section.present")


def position(tab):
    """The number of the slide that is shown."""
    return tab.evaluate(
        "[...document.querySelectorAll('.slides > section')]"
        ".findIndex((s) => s.classList.contains('present'))"
    )


@pytest.mark.parametrize(
    ("course", "number"),
    [(course, n) for course in courses.ready() for n in range(1, len(course.lectures) + 1)],
    ids=lambda value: getattr(value, "name", value),
)
def test_each_lecture_of_the_book_has_slides_of_each_of_its_sections(site, course, number):
    deck = slides.deck(course, number, site)
    lecture = course.lectures[number - 1]
    titles = " ".join(slide.title for slide in deck)
    for excerpt in lecture.excerpts:
        for title in excerpt.sections:
            assert slides.Page(site, excerpt.page).heading(title) in titles
    assert len(deck) >= 2 + sum(len(e.sections) for e in lecture.excerpts) + len(lecture.exercises)
    assert all(slide.body.strip() for slide in deck)
    assert not any("solution dropdown" in slide.body + slide.notes for slide in deck)


@pytest.mark.parametrize("lecture", LECTURES)
def test_slides_open_from_a_file_and_fit_the_screen(visit, lecture):
    tab, report = visit(lecture)
    count = tab.locator(".slides > section").count()
    assert count > 5
    for i in range(count):
        tab.evaluate("(i) => (location.hash = `#/${i}`)", i)
        tab.wait_for_function(
            "(i) => document.querySelectorAll('.slides > section')[i].matches('.present')", arg=i
        )
        wide, over, scrolls = tab.locator("section.present").evaluate(
            "(s) => [s.scrollWidth - s.clientWidth, s.scrollHeight - s.clientHeight,"
            " getComputedStyle(s).overflowY]"
        )
        assert wide <= 0, f"slide {i} is {wide} px too wide"
        assert over <= 0 or scrolls == "auto"
    assert unset_mathematics(tab) == []
    assert report == Report()


def test_a_live_figure_computes_in_a_slide(visit):
    tab, report = visit(2)
    show(tab, "#fig-rkhs-play")
    frame = tab.locator("#fig-rkhs-play")
    drive.start(frame)
    before = drive.shown(frame)
    assert drive.wrong_numbers(frame) == []
    frame.get_by_label("lengthscale").press("ArrowRight")
    assert drive.wrong_numbers(frame) == []
    assert drive.shown(frame) != before
    assert report == Report()


def test_an_enlarged_figure_follows_the_pointer(visit):
    tab, _ = visit(2)
    show(tab, "#fig-rkhs-play")
    frame = tab.locator("#fig-rkhs-play")
    drive.start(frame)
    assert frame.locator(".lf").evaluate("(f) => f.currentCSSZoom") > 1.1
    knob = frame.locator(".lf-knob").nth(4)

    def centre():
        box = knob.bounding_box()
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    x, y = centre()
    tab.mouse.move(x, y)
    tab.mouse.down()
    tab.mouse.move(x + 30, y - 50, steps=4)
    tab.mouse.up()
    drive.settle(frame)
    assert centre() == pytest.approx((x + 30, y - 50), abs=3)


def test_keys_of_a_figure_do_not_turn_the_slide_and_those_of_a_clicker_do(visit):
    tab, _ = visit(2)
    show(tab, "#fig-rkhs-play")
    slide = position(tab)
    field = tab.locator("#fig-rkhs-play").get_by_label("lengthscale")
    field.focus()
    field.press("ArrowLeft")
    assert position(tab) == slide
    field.press("PageDown")
    assert position(tab) == slide + 1


def test_the_speakers_window_has_the_text_that_the_slide_leaves_out(visit):
    tab, report = visit(2)
    tab.evaluate("location.hash = '#/1'")
    notes = tab.locator("section.present aside.notes").text_content()
    with tab.expect_popup() as opened:
        tab.keyboard.press("s")
    window = opened.value
    shown = window.locator(".speaker-controls-notes .value")
    shown.wait_for()
    assert notes.split()[:5] == shown.text_content().split()[:5]
    window.close()
    assert report.elsewhere == []


def test_slides_are_dark_or_light_and_printed_one_a_page(visit):
    tab, _ = visit(2)
    start = tab.evaluate("document.documentElement.dataset.theme")
    tab.keyboard.press("d")
    assert {start, tab.evaluate("document.documentElement.dataset.theme")} == {"light", "dark"}
    pdf = tab.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", pdf)) == tab.locator(".slides > section").count()


def test_slides_can_be_read_on_a_phone(browser, folder):
    tab = browser.new_page(viewport={"width": 390, "height": 844})
    tab.goto((folder / "slides" / "lecture_2.html").as_uri())
    tab.wait_for_selector(".reveal.ready")
    show(tab, "#fig-rkhs-play")
    section = tab.locator("section.present")
    assert section.evaluate("(s) => s.scrollWidth <= s.clientWidth")
    assert section.evaluate("(s) => { s.scrollTop = 1e4; return s.scrollTop; }") > 0
    assert tab.evaluate("parseFloat(getComputedStyle(document.documentElement).fontSize)") >= 16
    tab.context.close()


def test_the_site_of_a_course_leads_to_its_lectures_and_chapters(folder):
    pages = read_site(folder)
    assert broken_links(pages) == []
    front = pages[(folder / "book" / "courses.html").resolve()]
    links = {link.href for link in front.links}
    assert {"../slides/lecture_1.html", "../slides/lecture_2.html", "../students.zip"} <= links
    chapter = pages[(folder / f"{FIRST}.html").resolve()]
    following = [link.href for link in chapter.links if link.classes == "right-next"]
    assert following == [f"../../{RKHS}.html"]
    assert "url=book/courses.html" in (folder / "index.html").read_text()


def archive(folder, name):
    with ZipFile(folder / name) as content:
        return {entry: content.read(entry) for entry in content.namelist()}


def test_solutions_are_in_the_teachers_zip_alone(folder):
    students, teacher = archive(folder, "students.zip"), archive(folder, "teacher.zip")
    assert students.keys() == teacher.keys()
    assert {f"{FIRST}.ipynb", f"{RKHS}.ipynb", "labcore.whl", "README.txt"} <= students.keys()
    assert "book/data/mauna_loa_co2.csv" in students
    texts = [[json.loads(z[f"{p}.ipynb"]) for p in (FIRST, RKHS)] for z in (students, teacher)]
    sources = ["\n".join("".join(c["source"]) for n in t for c in n["cells"]) for t in texts]
    bodies = solutions(FIRST) + solutions(RKHS)
    assert len(bodies) > 10
    assert [body for body in bodies if body in sources[0]] == []
    assert [body for body in bodies if body not in sources[1]] == []


def test_a_students_notebook_runs_up_to_its_checks(folder, tmp_path):
    with ZipFile(folder / "students.zip") as content:
        content.extractall(tmp_path)
    path = tmp_path / f"{RKHS}.ipynb"
    notebook = nbformat.read(io.StringIO(path.read_text(encoding="utf-8")), as_version=4)
    # What the exercises need: the imports at the top, and the cells that check.
    kept = [c for c in notebook.cells if c.cell_type == "code"]
    notebook.cells = [kept[0], *(c for c in kept if "exercises" in c.source)]
    client = NotebookClient(notebook, timeout=60, resources={"metadata": {"path": path.parent}})
    client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)})
    said = [o.text for c in notebook.cells for o in c.outputs if o.output_type == "stream"]
    keys = [exercise.key for exercise in rkhs.EXERCISES]
    assert [text.split(":")[0] for text in said] == keys
    verdicts = dict(zip(keys, said, strict=True))
    assert "not yet" in verdicts.pop("rkhs-3")  # its cell has a wrong attempt to be mended
    assert all("no answer yet" in text for text in verdicts.values())
