"""Sequential Monte Carlo: unbiased constants, right populations."""

import numpy as np
import pytest
from numba import njit

from labcore.samplers import (
    HMC,
    MALA,
    Metropolis,
    Target,
    evaluate,
    gaussian,
    sequential_monte_carlo,
    systematic_resampling,
    two_modes,
)
from tests.samplers.alarm import interrupted

WIDE = gaussian([25.0, 25.0])
TARGET = two_modes(distance=8.0, weight=0.7)
LADDER = np.array([0.0, 0.05, 0.2, 0.5, 1.0])


def run(n=500, sampler=None, target=TARGET, reference=WIDE, **options):
    options = {"rng": 1, "progress": False} | options
    return sequential_monte_carlo(sampler or Metropolis(2.0), target, reference, n, **options)


def constants(n_runs, **options):
    """Z-hat of independent runs; the target is normalised, so that each has mean 1."""
    return np.exp([run(rng=100 + i, **options).log_normaliser for i in range(n_runs)])


@pytest.mark.parametrize("sampler", [Metropolis(2.0), MALA(1.5), HMC(0.8, 3)])
def test_the_normalising_constant_is_unbiased_whatever_the_population(sampler):
    """Mean of 200 runs of 60 particles within 4 standard errors of 1, and these below 0.04."""
    z = constants(200, n=60, sampler=sampler, ladder=LADDER, n_moves=2)
    error = z.std() / np.sqrt(len(z))
    assert error < 0.04
    assert abs(z.mean() - 1.0) < 4.0 * error


def test_the_test_of_the_constant_sees_a_density_off_by_a_fifth():
    @njit
    def larger(x, parameters, gradient):
        for i in range(x.size):
            gradient[i] = -x[i]
        return np.log(1.2 / (2 * np.pi)) - 0.5 * (x[0] ** 2 + x[1] ** 2)

    z = constants(100, n=60, target=Target("1.2 normal", 2, larger), ladder=LADDER, n_moves=2)
    error = z.std() / 10
    assert abs(z.mean() - 1.2) < 4.0 * error < 0.2


def test_without_moves_the_constant_is_plain_importance_sampling():
    z = run(n=400, ladder=[0.0, 1.0], n_moves=0).log_normaliser
    x = WIDE.draw(400, 1)
    ratio = evaluate(TARGET, x)[0] - evaluate(WIDE, x)[0]
    assert z == pytest.approx(np.log(np.exp(ratio).mean()), rel=1e-12)


def test_the_error_of_the_constant_falls_like_one_over_the_root_of_the_particles():
    small, large = (constants(60, n=n, ladder=LADDER, n_moves=1) for n in (50, 800))
    assert 2.5 < small.std() / large.std() < 6.4  # 4, and 4 standard errors of the ratio


def test_adaptive_temperatures_keep_the_effective_size_and_the_constant():
    result = run(n=20_000, effective=0.6, target_acceptance=0.3)
    assert result.ladder[0] == 0.0
    assert result.ladder[-1] == 1.0
    assert (np.diff(result.ladder) > 0.0).all()
    np.testing.assert_allclose(result.effective_sizes[:-1], 12_000, rtol=1e-6)
    assert result.effective_sizes[-1] >= 12_000
    assert abs(result.log_normaliser) < 0.05


def test_particles_have_the_moments_of_the_target():
    """20,000 particles; resampling and moves leave at least a fifth of them effective: 4.5 sd."""
    x = run(n=20_000, n_moves=10, target_acceptance=0.3).particles
    error = np.sqrt(np.diag(TARGET.covariance) / 4000)
    assert (np.abs(x.mean(axis=0) - TARGET.mean) < 4.5 * error).all()
    np.testing.assert_allclose(x.var(axis=0), np.diag(TARGET.covariance), rtol=0.1)
    assert abs((x[:, 0] > 0).mean() - 0.7) < 4.5 * np.sqrt(0.7 * 0.3 / 4000)


def test_acceptance_is_steered_to_its_aim():
    result = run(n=4000, sampler=Metropolis(0.01), n_moves=20, target_acceptance=0.3)
    assert result.acceptance[-1] == pytest.approx(0.3, abs=0.06)
    assert result.step_sizes[-1] > 0.5
    fixed = run(n=200, sampler=Metropolis(0.7))
    assert (fixed.step_sizes == 0.7).all()


@njit
def _half_line(x, parameters, gradient):
    gradient[0] = -1.0
    return -x[0] if x[0] > 0.0 else -np.inf


def test_particles_outside_the_support_die_out_and_are_accounted_for():
    """The exponential law from N(0, 4): half of the particles have no weight; Z is 1."""
    target, reference = Target("exponential", 1, _half_line), gaussian([4.0])
    result = run(n=20_000, sampler=Metropolis(1.5), target=target, reference=reference)
    assert (result.particles > 0.0).all()
    assert result.particles.mean() == pytest.approx(1.0, abs=0.06)
    assert abs(result.log_normaliser) < 0.06


def test_result_does_not_depend_on_the_number_of_threads():
    for a, b in zip(run(n_threads=1), run(n_threads=3), strict=True):
        assert np.array_equal(a, b)


def test_an_interruption_returns_the_last_complete_stage():
    run()  # compiled before the alarm is set
    ladder = np.linspace(0.0, 1.0, 100_001)
    result = interrupted(lambda: run(ladder=ladder), "interrupted at inverse temperature")
    n = len(result.acceptance)
    assert 0 < n < 100_000
    assert np.array_equal(result.ladder, ladder[: n + 1])
    assert len(result.effective_sizes) == len(result.step_sizes) == n
    assert result.particles.shape == (500, 2)


def test_systematic_counts_are_the_weights_rounded_up_or_down():
    generator = np.random.default_rng(1)
    for i in range(50):
        w = generator.exponential(size=30) * (generator.random(30) < 0.7)
        counts = np.bincount(systematic_resampling(w, 100, rng=i), minlength=30)
        expected = 100 * w / w.sum()
        assert counts.sum() == 100
        assert (np.abs(counts - expected) < 1.0).all()


def test_systematic_resampling_is_unbiased():
    """4000 draws of 7 from 5 weights: mean counts within 4.5 standard errors."""
    w = np.array([0.05, 0.3, 0.25, 0.3, 0.1])
    counts = np.array(
        [np.bincount(systematic_resampling(w, 7, rng=i), minlength=5) for i in range(4000)]
    )
    error = counts.std(axis=0) / np.sqrt(4000)
    assert (np.abs(counts.mean(axis=0) - 7 * w) < 4.5 * error + 1e-12).all()


def test_tiny_and_huge_weights_are_resampled_alike():
    w = np.array([1.0, 2.0, 3.0])
    expected = systematic_resampling(w, 50, rng=1)
    for scale in (1e-300, 1e300):
        assert np.array_equal(systematic_resampling(scale * w, 50, rng=1), expected)


@njit
def _nowhere(x, parameters, gradient):
    return -np.inf


@njit
def _undefined(x, parameters, gradient):
    return np.nan


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: run(n=0), ValueError, "n_particles must be at least 1"),
        (lambda: run(n_moves=-1), ValueError, "n_moves must be at least 0"),
        (lambda: run(effective=1.0), ValueError, "effective must be between 0 and 1"),
        (lambda: run(target_acceptance=0.0), ValueError, "target_acceptance must be between"),
        (lambda: run(ladder=[0.0, 0.6, 0.3, 1.0]), ValueError, "ladder must increase from 0 to 1"),
        (lambda: run(ladder=[0.1, 1.0]), ValueError, "ladder must increase from 0 to 1"),
        (lambda: run(ladder=[0.0, 0.9]), ValueError, "ladder must increase from 0 to 1"),
        (lambda: run(ladder=[0.0]), ValueError, "ladder must increase from 0 to 1"),
        (lambda: run(reference=gaussian([1.0])), ValueError, "reference must be gaussian"),
        (lambda: run(reference=TARGET), ValueError, "reference must be gaussian"),
        (
            lambda: run(target=Target("void", 2, _nowhere)),
            ValueError,
            "target must have positive density at some draw",
        ),
        (lambda: run(target=Target("bad", 2, _undefined)), ValueError, "finite or -inf, got nan"),
        (lambda: systematic_resampling([]), ValueError, "weights must not be negative, nor all"),
        (lambda: systematic_resampling([0.0, 0.0]), ValueError, "weights must not be negative"),
        (lambda: systematic_resampling([1.0, -1.0]), ValueError, "weights must not be negative"),
        (lambda: systematic_resampling([1.0, np.nan]), ValueError, "weights must be finite"),
        (lambda: systematic_resampling([1.0], -1), ValueError, "n must be at least 0"),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()
