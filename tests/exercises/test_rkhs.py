"""The exercise bank of the kernel part: answers pass, and each mistake gets its own hint."""

import itertools

import numpy as np
import pytest

from labcore.exercises import _agree, rkhs, values, verdict
from labcore.kernels import Brownian, Matern, kernel_ridge

KEYS = [exercise.key for exercise in rkhs.EXERCISES]


@pytest.mark.parametrize("exercise", rkhs.EXERCISES, ids=KEYS)
def test_answer_passes_its_own_check(exercise):
    assert verdict(exercise, exercise.answer) == "correct."


@pytest.mark.parametrize("exercise", rkhs.EXERCISES, ids=KEYS)
def test_each_mistake_gets_its_hint(exercise):
    for wrong, hint in exercise.mistakes:
        assert verdict(exercise, wrong) == f"not yet. {hint}"


@pytest.mark.parametrize("exercise", rkhs.EXERCISES[:3], ids=KEYS[:3])
def test_mistakes_differ_from_the_answer_and_from_each_other(exercise):
    everything = [exercise.answer, *(wrong for wrong, _ in exercise.mistakes)]
    for one, other in itertools.combinations(everything, 2):
        assert not _agree(values(exercise, one), values(exercise, other), 10 * exercise.rtol)


def test_keys_are_unique_and_name_the_part():
    assert KEYS == [f"rkhs-{i + 1}" for i in range(len(KEYS))]


def test_norm_squared_is_the_integral_of_the_squared_slope():
    """f(t) = 2 min(1, t) - min(2, t) by differences on a grid that holds its corners."""
    t = np.linspace(0, 3, 301)
    f = Brownian()(t, [1.0, 2.0]) @ [2.0, -1.0]
    energy = (np.diff(f) ** 2 / np.diff(t)).sum()
    assert rkhs.EXERCISES[0].answer == pytest.approx(energy, rel=1e-9)


def test_variance_of_a_new_measurement_by_hand():
    assert rkhs.EXERCISES[1].answer == pytest.approx(1.25 - np.exp(-1) / 1.25, rel=1e-12)


def test_leave_one_out_errors_by_leaving_out():
    x = np.linspace(0, 2, 6)
    y = np.cos(3 * x)
    errors = rkhs.EXERCISES[2].answer(Matern(1.5)(x), y, 0.1)
    for i in range(6):
        fit = kernel_ridge(Matern(1.5), np.delete(x, i), np.delete(y, i), penalty=0.1)
        assert errors[i] == pytest.approx(y[i] - fit(x[i : i + 1])[0], rel=1e-9)


CANDIDATES = {
    "a": lambda r: np.exp(-r),
    "b": lambda r: np.exp(-(r**4)),
    "c": np.cos,
    "d": lambda r: r,
}


def test_positive_definite_ones_by_their_smallest_eigenvalue():
    x = np.linspace(0, 3, 31)
    distances = np.abs(x[:, None] - x)
    smallest = {a: np.linalg.eigvalsh(k(distances)).min() for a, k in CANDIDATES.items()}
    assert "".join(a for a, value in smallest.items() if value > -1e-12) == rkhs.EXERCISES[3].answer
    assert smallest["b"] < -0.1
