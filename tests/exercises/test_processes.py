"""The exercises of the part Processes: answers pass, and each mistake gets its own hint."""

import numpy as np
import pytest

from labcore import sde
from labcore.exercises import find, verdict
from labcore.exercises.processes import EXERCISES

MISTAKES = [(e, wrong, hint) for e in EXERCISES for wrong, hint in e.mistakes]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda e: e.key)
def test_the_answer_is_correct(exercise):
    assert find(exercise.key) is exercise
    assert verdict(exercise, exercise.answer) == "correct."


@pytest.mark.parametrize(("exercise", "wrong", "hint"), MISTAKES)
def test_a_known_mistake_gets_its_hint(exercise, wrong, hint):
    assert verdict(exercise, wrong) == f"not yet. {hint}"


def test_the_first_answer_agrees_with_simulated_paths():
    """The variance of W_3 - 2 W_1 over 100 000 paths has the standard error 0.013."""
    w = sde.brownian_paths(3.0, 3, 100_000, rng=0)
    assert np.var(w[:, 3] - 2 * w[:, 1]) == pytest.approx(find("processes-1").answer, abs=0.06)


def test_the_third_answer_agrees_with_a_long_run_of_the_method():
    """200 relaxations of 4000 paths: the standard error is below 3 %."""
    theta, sigma, h = 1.5, 0.8, 0.4
    model = sde.ornstein_uhlenbeck(theta, 0.0, sigma)
    end = sde.solve(model, sde.EULER_MARUYAMA, 0.0, 80 * h, 80, 4000, save_every=80, rng=1).x[:, -1]
    expected = find("processes-3").answer(theta, sigma, h)
    assert end.var() == pytest.approx(expected, rel=0.09)
    assert expected > 1.3 * sigma**2 / (2 * theta)
