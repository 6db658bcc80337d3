"""The exercises of the part Flows: answers pass, and each mistake gets its own hint."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from labcore.exercises import find, verdict
from labcore.exercises.interpolants import EXERCISES, SCORE_ERROR, VELOCITY_ERROR
from labcore.interpolants import between, linear, mixture

MISTAKES = [(e, wrong, hint) for e in EXERCISES for wrong, hint in e.mistakes]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_the_answer_is_correct(exercise):
    assert find(exercise.key) is exercise
    assert verdict(exercise, exercise.answer) == "correct."


@pytest.mark.parametrize(("exercise", "wrong", "hint"), MISTAKES)
def test_a_known_mistake_gets_its_hint(exercise, wrong, hint):
    assert verdict(exercise, wrong) == f"not yet. {hint}"


def test_the_solution_of_the_first_is_its_answer():
    def velocity(t, x, m, variance):
        slope = (t * variance - (1 - t)) / ((1 - t) ** 2 + t**2 * variance)
        return m + slope * (x - t * m)

    assert verdict(find("interpolants-1"), velocity) == "correct."


def test_the_score_of_the_second_is_that_of_a_mixture():
    path = between(mixture([0.0]), mixture([-1.0, 2.0], 0.3), linear())
    x = np.linspace(-2, 3, 11)
    found = find("interpolants-2").answer(0.6, x, path.velocity(0.6, x)[:, 0])
    np.testing.assert_allclose(found, path.score(0.6, x)[:, 0], atol=1e-10)


def test_the_diffusion_of_the_third_minimises_the_bound():
    best = minimize_scalar(
        lambda eps: VELOCITY_ERROR / (2 * eps) + eps / 2 * SCORE_ERROR, bounds=(0.1, 30)
    )
    np.testing.assert_allclose(find("interpolants-3").answer, [best.x, best.fun], rtol=1e-4)
