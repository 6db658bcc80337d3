"""The exercises of the part Sampling accept their answers and know their mistakes."""

import numpy as np
import pytest

from labcore.exercises import check, verdict
from labcore.exercises.samplers import EXERCISES

MISTAKES = [
    pytest.param(exercise, wrong, hint, id=f"{exercise.key}-{i}")
    for exercise in EXERCISES
    for i, (wrong, hint) in enumerate(exercise.mistakes)
]


@pytest.mark.parametrize("exercise", EXERCISES, ids=lambda exercise: exercise.key)
def test_the_answer_is_accepted(exercise, capsys):
    check(exercise.key, exercise.answer)
    assert capsys.readouterr().out == f"{exercise.key}: correct.\n"


@pytest.mark.parametrize(("exercise", "wrong", "hint"), MISTAKES)
def test_each_mistake_gets_its_own_hint(exercise, wrong, hint):
    assert verdict(exercise, wrong) == f"not yet. {hint}"


def test_the_effective_size_is_what_the_chain_shows():
    """The answer to samplers-1, 250, against 20,000 replicated means; their variance to 1%."""
    generator = np.random.default_rng(1)
    state = generator.random(20_000) < 0.25
    total = np.zeros(20_000)
    for u in generator.random((1000, 20_000)):
        state = np.where(state, u < 0.7, u < 0.1)
        total += state
    effective = 0.25 * 0.75 / (total / 1000).var()
    assert EXERCISES[0].answer == pytest.approx(250)
    assert effective == pytest.approx(EXERCISES[0].answer, rel=0.05)


def test_the_ratio_makes_multiplicative_steps_leave_the_gamma_law_invariant():
    """Metropolis with the answer to samplers-2 keeps Gamma(3, 1/3): mean 1 and variance 1/3."""
    generator = np.random.default_rng(2)
    x = generator.gamma(3.0, 1 / 3.0, 100_000)
    for _ in range(5):
        y = x * np.exp(generator.standard_normal(x.size))
        log_ratio = EXERCISES[1].answer(lambda t: 2.0 * np.log(t) - 3.0 * t, x, y)
        x = np.where(np.log(generator.random(x.size)) < log_ratio, y, x)
    assert x.mean() == pytest.approx(1.0, abs=0.01)
    assert x.var() == pytest.approx(1 / 3, abs=0.01)


def test_the_variance_of_unadjusted_langevin_is_what_the_chain_shows():
    """The answer to samplers-3, 4.654, against 200,000 chains; their variance is known to 0.3%."""
    generator = np.random.default_rng(3)
    x = 2.0 * generator.standard_normal(200_000)
    for _ in range(40):
        x += 0.5 * 1.5**2 * (-x / 4.0) + 1.5 * generator.standard_normal(x.size)
    assert x.var() == pytest.approx(EXERCISES[2].answer, rel=0.015)
