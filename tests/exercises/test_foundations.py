"""The exercises of Foundations: answers pass, listed mistakes are recognised and told apart."""

import numpy as np
import pytest

from labcore.exercises import find, verdict
from labcore.exercises.foundations import EXERCISES

MISTAKES = [
    pytest.param(exercise, wrong, hint, id=f"{exercise.key}-{number}")
    for exercise in EXERCISES
    for number, (wrong, hint) in enumerate(exercise.mistakes)
]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
def test_the_answer_passes_its_own_check(exercise):
    assert find(exercise.key) is exercise
    assert verdict(exercise, exercise.answer) == "correct."


@pytest.mark.parametrize(("exercise", "wrong", "hint"), MISTAKES)
def test_a_known_mistake_gets_its_own_hint(exercise, wrong, hint):
    assert verdict(exercise, wrong) == f"not yet. {hint}"


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
def test_an_answer_that_is_off_by_a_percent_does_not_pass(exercise):
    answer = exercise.answer
    off = (lambda K: 1.01 * answer(K)) if callable(answer) else 1.01 * answer
    assert verdict(exercise, off) != "correct."


def test_two_blurs_make_one_by_convolution():
    h = 0.01
    x = h * np.arange(-400, 401)
    one, two = (np.exp(-(x**2) / (2 * ell**2)) for ell in (0.3, 0.4))
    both = np.convolve(one, two, mode="same")
    ell = np.sqrt(both @ x**2 / both.sum())
    assert verdict(find("foundations-1"), ell) == "correct."


def test_the_stationary_distribution_is_the_limit_of_the_walk():
    def by_walking(K):
        P = K / K.sum(axis=1, keepdims=True)
        return np.linalg.matrix_power(P, 1000)[0]

    assert verdict(find("foundations-2"), by_walking) == "correct."


def test_two_positive_tests_by_counting_patients():
    """Of 400,000 patients, 4000 are sick; 0.95^2 and 0.1^2 of each kind are alarmed twice."""
    sick, healthy = 4000 * 0.9025, 396_000 * 0.01
    assert verdict(find("foundations-3"), sick / (sick + healthy)) == "correct."


def test_the_array_of_20000_points_takes_as_long_as_its_bytes():
    milliseconds = 1e3 * np.dtype(float).itemsize * 20_000 * 20_000 / 40e9
    assert verdict(find("foundations-4"), milliseconds) == "correct."
