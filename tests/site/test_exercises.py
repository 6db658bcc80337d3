"""The fields below exercises say, offline, what the notebook's check says."""

from itertools import combinations

import numpy as np
import pytest

from labcore.exercises import find, verdict
from labcore.exercises.sealed import seal
from tests.exercises.test_sealed import SEALED
from tests.site.pages import toc_documents

CHAPTERS = {
    key: next(d for d in toc_documents() if d.startswith(f"notebooks/{key.split('-')[0]}/01"))
    for key in SEALED
}


@pytest.fixture(scope="module")
def ask(browser, site):
    """``ask(key, text)``: what the page answers to `text` in the field of exercise `key`."""
    tabs = {}

    def answer(key, text):
        chapter = CHAPTERS[key]
        if chapter not in tabs:
            tabs[chapter] = browser.new_page()
            tabs[chapter].goto((site / f"{chapter}.html").as_uri())
        form = tabs[chapter].locator(f"form#check-{key}")
        if find(key).options:
            for box in form.locator("input").all():
                box.set_checked(box.get_attribute("value") in text)
        else:
            form.locator("input").fill(text)
        form.get_by_role("button", name="Check").click()
        return form.locator("output").text_content()

    yield answer
    for tab in tabs.values():
        tab.close()


def as_text(numbers):
    return ", ".join(repr(float(number)) for number in np.ravel(numbers))


def sentence(said):
    return said[0].upper() + said[1:]


@pytest.mark.parametrize("key", SEALED)
def test_the_answer_is_correct(ask, key):
    exercise = find(key)
    text = exercise.answer if exercise.options else exercise.expression or as_text(exercise.answer)
    assert ask(key, text) == "Correct."


CHOICES = [key for key in SEALED if find(key).options]


@pytest.mark.parametrize("key", CHOICES)
def test_every_choice_is_told_what_the_notebook_says(ask, key):
    exercise = find(key)
    for count in range(1, exercise.options + 1):
        for chosen in map("".join, combinations(exercise.letters, count)):
            assert ask(key, chosen) == sentence(verdict(exercise, chosen))
    assert ask(key, "") == "No answer yet."


NUMBERS = [key for key in SEALED if not find(key).inputs and not find(key).options]
MISTAKES = [(key, wrong) for key in NUMBERS for wrong, _ in find(key).mistakes]


@pytest.mark.parametrize(("key", "wrong"), MISTAKES)
def test_a_known_mistake_gets_the_hint_of_the_notebook(ask, key, wrong):
    said = verdict(find(key), wrong)
    assert said.startswith("not yet. ")
    assert ask(key, as_text(wrong)) == sentence(said)


@pytest.mark.parametrize("factor", [0.998, 0.9991, 1.0009, 1.002, -1.0, 2.0, 0.5, 3.7])
@pytest.mark.parametrize("key", ["rkhs-1", "samplers-1", "foundations-3"])
def test_the_tolerance_is_that_of_the_notebook(ask, key, factor):
    answer = factor * find(key).answer
    said = verdict(find(key), answer)
    assert ask(key, repr(float(answer))) == sentence(said)


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("rkhs-1", "", "No answer yet."),
        ("rkhs-1", "2*", "Not yet: something is missing at the end."),
        ("rkhs-1", "2*(1", 'Not yet: a ")" is missing.'),
        ("rkhs-1", "2*y", 'Not yet: "y" is not known.'),
        ("rkhs-1", "2; 3", 'Not yet: ";" is not understood here.'),
        ("rkhs-1", "1/0", "Not yet. It is not finite."),
        ("rkhs-1", "constructor", 'Not yet: "constructor" is not known.'),
        ("rkhs-1", "-(-2)^2 + sqrt(36)", "Correct."),
        ("rkhs-1", "2^3^2 / 2**8", "Correct."),
        ("rkhs-1", "1 - 2 + 3e0", "Correct."),
        ("rkhs-1", "log(exp(abs(-2))) * cos(0) / tanh(1e9)", "Correct."),
        ("foundations-1", "sqrt(.3^2 + .4^2)", "Correct."),
        (
            "interpolants-3",
            "3",
            "Not yet. It is one number; 2 are asked for, with commas between.",
        ),
        ("rkhs-1", "0,5", "Not yet. It is 2 numbers; one is asked for."),
        ("interpolants-2", "-(x - t*v)", "Not yet. " + find("interpolants-2").mistakes[1][1]),
        ("interpolants-2", "(t*v - x)/(1 - t) + 0*t", "Correct."),
    ],
)
def test_formulas(ask, key, text, said):
    assert ask(key, text) == said


def test_every_exercise_that_can_be_sealed_has_its_field_once(site):
    for key, chapter in CHAPTERS.items():
        assert (site / f"{chapter}.html").read_text().count(f'id="check-{key}"') == 1
    assert all(seal(find(key)) for key in CHAPTERS)
