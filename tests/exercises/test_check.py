"""Checking an answer: right, wrong in a known way, wrong in a general way, not an answer at all."""

import numpy as np
import pytest

from labcore import exercises
from labcore.exercises import Exercise, verdict

NUMBER = Exercise("x-1", 4.0, [(2.5, "That is the mean.")])
MATRIX = Exercise("x-2", np.array([[1.0, 2.0], [3.0, 5.0]]))
FUNCTION = Exercise(
    "x-3",
    lambda x, y: np.exp(-0.5 * (x - y) ** 2),
    [(lambda x, y: np.exp(-((x - y) ** 2)), "Did you forget the 1/2?")],
    inputs=lambda rng: [tuple(rng.normal(size=2)) for _ in range(5)],
)
CHOICE = Exercise("x-4", "ac", [("b", "Not b."), ("d", "Not d.")], options=4)


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [
        (NUMBER, 4, "correct."),
        (NUMBER, 4.001, "correct."),
        (NUMBER, 2.5, "not yet. That is the mean."),
        (NUMBER, -4.0, "not yet. The sign is wrong."),
        (NUMBER, 8.0, "not yet. It is twice the answer."),
        (NUMBER, 2.0, "not yet. It is half the answer."),
        (NUMBER, 16.0, "not yet. It is the square of the answer"),
        (NUMBER, 0.25, "not yet. It is the reciprocal of the answer."),
        (NUMBER, np.nan, "not yet. It is not finite."),
        (NUMBER, [4.0], r"not yet. Its shape is \(1,\); the answer's is \(\)."),
        (NUMBER, "four", "not yet: it raised ValueError"),
        (NUMBER, 3.0, "not yet. Compare it with a case"),
        (MATRIX, MATRIX.answer.tolist(), "correct."),
        (MATRIX, MATRIX.answer.T, "not yet. It is the transpose"),
        (FUNCTION, lambda x, y: np.exp(-((x - y) ** 2) / 2), "correct."),
        (FUNCTION, lambda x, y: np.exp(-((x - y) ** 2)), "not yet. Did you forget the 1/2"),
        (FUNCTION, lambda x: x, "not yet: it raised TypeError"),
        (FUNCTION, 3.0, "not yet: it raised TypeError: the answer must be a function"),
        (CHOICE, "ac", "correct.$"),
        (CHOICE, "ca", "correct.$"),
        (CHOICE, "a", "not yet. That is right, and there is more.$"),
        (CHOICE, "bc", "not yet. Not b.$"),
        (CHOICE, "abcd", "not yet. Not b. Not d.$"),
        (CHOICE, "ae", 'not yet. Answer with letters from a to d, such as "ab".$'),
        (CHOICE, "", "not yet. Answer with letters"),
        (CHOICE, 1, "not yet. Answer with letters"),
    ],
)
def test_the_verdict_names_what_is_off(exercise, answer, said):
    import re

    assert re.match(said, verdict(exercise, answer))


def test_a_square_root_is_recognised():
    assert "square root" in verdict(Exercise("x-4", 9.0), 3.0)


def test_an_unanswered_exercise_says_so(monkeypatch, capsys):
    monkeypatch.setattr(exercises, "find", lambda key: NUMBER)
    exercises.check("x-1", ...)
    exercises.check("x-1", 4.0)
    assert capsys.readouterr().out == (
        "x-1: no answer yet. Replace the ... and run the cell again.\nx-1: correct.\n"
    )


@pytest.mark.parametrize("key", ["nowhere-1", "foundations-99", "nonsense", ""])
def test_an_unknown_exercise_is_named(key):
    with pytest.raises(KeyError, match="there is no exercise"):
        exercises.check(key, 1.0)
