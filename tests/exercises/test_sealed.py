"""Exercises as the pages carry them: nothing to read without the answer, everything with it."""

import base64
import importlib
import json
import math
import pkgutil
import re
from pathlib import Path

import numpy as np
import pytest

from labcore import exercises
from labcore.exercises import Exercise, values, verdict
from labcore.exercises.sealed import combine, seal, secret_of, tag

ROOT = Path(__file__).resolve().parents[2]
BANK = [
    exercise
    for part in pkgutil.iter_modules(exercises.__path__)
    if hasattr(module := importlib.import_module(f"labcore.exercises.{part.name}"), "EXERCISES")
    for exercise in module.EXERCISES
]
CHOICES = [exercise for exercise in BANK if exercise.options]
SEALED = {exercise.key: (exercise, sealed) for exercise in BANK if (sealed := seal(exercise))}


def entries(sealed, number):
    """What is written for an answer whose deciding number is `number`."""
    secret = secret_of(sealed["key"], number, sealed["rtol"])
    for cipher in sealed["entries"].get(tag(secret), []):
        yield json.loads(combine(base64.b64decode(cipher), secret))


@pytest.mark.parametrize("key", [key for key in SEALED if not SEALED[key][0].options])
def test_the_answer_opens_its_entry(key):
    exercise, sealed = SEALED[key]
    answer = [np.ravel(value) for value in values(exercise, exercise.answer)]
    (said,) = [e for e in entries(sealed, answer[0][sealed["probe"]]) if e[0] == 0]
    assert said[2] == "correct."
    np.testing.assert_allclose(said[1], answer, rtol=1e-9)


@pytest.mark.parametrize("key", SEALED)
def test_neither_answer_nor_hint_can_be_read(key):
    exercise, sealed = SEALED[key]
    text = json.dumps(sealed)
    assert "correct" not in text
    assert "not yet" not in text
    assert not any(hint[:20] in text for _, hint in exercise.mistakes)
    if not exercise.inputs and not exercise.options:
        numbers = np.ravel(exercise.answer)
        assert not any(f"{number:.6g}" in json.dumps(sealed["inputs"]) for number in numbers)


@pytest.mark.parametrize("exercise", CHOICES, ids=lambda e: e.key)
def test_every_choice_has_a_verdict_that_only_the_choice_opens(exercise):
    sealed = seal(exercise)
    assert len(sealed["entries"]) == 2**exercise.options - 1
    for chosen in (*exercise.letters, exercise.answer, exercise.letters):
        secret = f"{exercise.key}:{chosen}"
        (cipher,) = sealed["entries"][tag(secret)]
        said = json.loads(combine(base64.b64decode(cipher), secret))[2]
        assert said == verdict(exercise, chosen)


@pytest.mark.parametrize("exercise", CHOICES, ids=lambda e: e.key)
def test_every_wrong_option_has_a_hint(exercise):
    wrong = [letter for letter in exercise.letters if letter not in exercise.answer]
    assert [letter for letter, _ in exercise.mistakes] == wrong
    assert wrong
    assert exercise.answer == "".join(sorted(set(exercise.answer) & set(exercise.letters)))


@pytest.mark.parametrize("exercise", CHOICES, ids=lambda e: e.key)
def test_the_chapter_states_as_many_options(exercise):
    part = exercise.key.rpartition("-")[0]
    (stated,) = [
        text
        for path in (ROOT / "notebooks" / part).glob("*.ipynb")
        for text in exercise_texts(path, exercise.key)
    ]
    assert re.findall(r"^- \((\w)\) ", stated, re.MULTILINE) == list(exercise.letters)


def exercise_texts(path, key):
    """The text before the first cell of a chapter that checks an exercise, from its start on."""
    cells = [("".join(cell["source"])) for cell in json.loads(path.read_text())["cells"]]
    for number, cell in enumerate(cells):
        if f'check("{key}"' in cell:
            yield cells[number - 1].rpartition("{exercise-start}")[2]
            return


@pytest.mark.parametrize("exercise", [e for e in BANK if e.expression], ids=lambda e: e.key)
def test_the_formula_is_the_answer(exercise):
    """Evaluated by Python; the site's tests evaluate it in the page."""
    names = list(seal(exercise)["variables"])
    code = compile(exercise.expression.replace("^", "**"), "formula", "eval")
    for row, expected in zip(
        exercise.inputs(np.random.default_rng(0)), values(exercise, exercise.answer), strict=True
    ):
        got = eval(code, {"exp": math.exp, "__builtins__": {}}, dict(zip(names, row, strict=True)))
        np.testing.assert_allclose(got, expected, rtol=1e-12)


def test_what_no_formula_answers_is_left_to_the_notebook():
    matrix = Exercise("x-1", np.eye(2))
    function = Exercise("x-2", lambda f: f(1.0), inputs=lambda rng: [(math.sin,)])
    assert seal(matrix) is None
    assert seal(function) is None


def test_most_exercises_can_be_checked_on_the_page():
    assert len(SEALED) >= 0.7 * len(BANK)


def test_neighbouring_bins_differ_by_the_tolerance():
    bins = [int(secret_of("k", x, 1e-3).split("+")[1]) for x in (1.0, 1.001, 1.01)]
    assert bins == [0, 0, 9]
    assert secret_of("k", -2.0, 1e-3) != secret_of("k", 2.0, 1e-3)
    assert secret_of("k", 0.0, 1e-3) == "k:zero"
