"""Machine-checked exercises: is the answer right, and if not, what is off?

The exercises of a part lie in the module of that name, as a list ``EXERCISES``.
"""

import string
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

import numpy as np


class Exercise(NamedTuple):
    """An exercise with its answer, and the mistakes that it knows.

    Parameters
    ----------
    key : str
        ``<part>-<number>``.
    answer : number, array, callable or str
        The answer. A callable is compared with the student's on `inputs`. A string has the letters
        of the options that are right, such as ``"b"`` or ``"ac"``.
    mistakes : sequence of (answer, hint)
        Wrong answers that people arrive at, each with what to say; of a choice, every wrong option.
    inputs : callable, optional
        ``inputs(generator)`` gives the argument tuples on which two callables are compared.
    rtol : float
        Relative tolerance of the comparison.
    expression : str, optional
        The answer as a formula in the names of its arguments, such as ``"(t*v - x)/(1 - t)"``.
        Where there is one, the page can check it too.
    options : int
        How many options there are to choose from, lettered from a on, where `answer` is a string.
    """

    key: str
    answer: Any
    mistakes: Sequence[tuple[Any, str]] = ()
    inputs: Callable[[np.random.Generator], list[tuple]] | None = None
    rtol: float = 1e-3
    expression: str = ""
    options: int = 0

    @property
    def letters(self) -> str:
        """The letters of the options."""
        return string.ascii_lowercase[: self.options]


def check(key: str, answer: Any) -> None:
    """Print whether `answer` solves exercise `key`, and if it does not, what is off.

    Parameters
    ----------
    key : str
        Key of the exercise, as in ``"rkhs-1"``.
    answer : number, array, callable or str
        What you found; of a choice, the letters, as in ``"ac"``. ``...`` stands for nothing yet.

    Raises
    ------
    KeyError
        If there is no such exercise.
    """
    exercise = find(key)
    if answer is ...:
        print(f"{key}: no answer yet. Replace the ... and run the cell again.")
        return
    print(f"{key}: {verdict(exercise, answer)}")


def find(key: str) -> Exercise:
    """The exercise called `key`."""
    part = key.rpartition("-")[0]
    if part and find_spec(f"{__name__}.{part}"):
        for exercise in import_module(f"{__name__}.{part}").EXERCISES:
            if exercise.key == key:
                return exercise
    raise KeyError(f"there is no exercise {key!r}")


def verdict(exercise: Exercise, answer: Any) -> str:
    """One sentence: correct, or what is off."""
    if exercise.options:
        return _verdict_on_choice(exercise, answer)
    try:
        got = values(exercise, answer)
    except Exception as error:  # the student's function may raise anything
        return f"not yet: it raised {type(error).__name__}: {error}"
    expected = values(exercise, exercise.answer)
    if _agree(got, expected, exercise.rtol):
        return "correct."
    for wrong, hint in exercise.mistakes:
        if _agree(got, values(exercise, wrong), exercise.rtol):
            return f"not yet. {hint}"
    return f"not yet. {_general_hint(got, expected, exercise.rtol)}"


def _verdict_on_choice(exercise: Exercise, answer: Any) -> str:
    if not isinstance(answer, str) or not answer or not set(answer) <= set(exercise.letters):
        some = f"{exercise.letters[0]} to {exercise.letters[-1]}"
        return f'not yet. Answer with letters from {some}, such as "{exercise.letters[:2]}".'
    chosen, right = set(answer), set(exercise.answer)
    if chosen == right:
        return "correct."
    if chosen < right:
        return "not yet. That is right, and there is more."
    hints = dict(exercise.mistakes)
    return f"not yet. {' '.join(hints[letter] for letter in sorted(chosen - right))}"


def values(exercise: Exercise, answer: Any) -> list[np.ndarray]:
    """What `answer` is, as arrays to compare: itself, or its values on the exercise's inputs."""
    if not callable(exercise.answer):
        return [np.asarray(answer, dtype=float)]
    if not callable(answer):
        raise TypeError("the answer must be a function")
    arguments = exercise.inputs(np.random.default_rng(0))
    return [np.asarray(answer(*args), dtype=float) for args in arguments]


def _agree(got: list[np.ndarray], expected: list[np.ndarray], rtol: float) -> bool:
    return all(
        a.shape == b.shape
        and bool(np.isfinite(a).all())
        and float(np.abs(a - b).max(initial=0.0)) <= rtol * float(np.abs(b).max(initial=1e-300))
        for a, b in zip(got, expected, strict=True)
    )


def _general_hint(got: list[np.ndarray], expected: list[np.ndarray], rtol: float) -> str:
    shapes = [(a.shape, b.shape) for a, b in zip(got, expected, strict=True) if a.shape != b.shape]
    if shapes:
        if _agree([a.T for a in got], expected, rtol):
            return "It is the transpose of the answer."
        return f"Its shape is {shapes[0][0]}; the answer's is {shapes[0][1]}."
    if not all(np.isfinite(a).all() for a in got):
        return "It is not finite."
    for change, hint in GENERAL_MISTAKES:
        if _agree(got, [change(b) for b in expected], rtol):
            return hint
    return "Compare it with a case that you can work out by hand."


GENERAL_MISTAKES = (
    (lambda b: -b, "The sign is wrong."),
    (lambda b: 2 * b, "It is twice the answer."),
    (lambda b: b / 2, "It is half the answer."),
    (lambda b: b.T, "It is the transpose of the answer."),
    (lambda b: b**2, "It is the square of the answer: a variance for a standard deviation?"),
    (
        lambda b: np.sqrt(np.abs(b)),
        "It is the square root of the answer: a standard deviation for a variance?",
    ),
    (lambda b: 1 / np.where(b == 0, np.nan, b), "It is the reciprocal of the answer."),
)
