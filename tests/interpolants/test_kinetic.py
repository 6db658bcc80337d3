"""Kinetic energies against closed forms, and the schedule that has the least."""

import numpy as np
import pytest

from labcore.interpolants import (
    between,
    checked,
    denoising_error,
    kinetic_energy,
    kinetic_optimal,
    linear,
    mixture,
    one_sided,
    optimal_pairs,
    ornstein_uhlenbeck,
    schedule_energy,
    solve_ode,
    straightness,
    trigonometric,
    variance_preserving,
)

MEAN, DEVIATION = 0.9, 0.4
MOMENT = MEAN**2 + DEVIATION**2


def gaussian_error(ratio):
    """Of a normal law of standard deviation s: s^2 / (1 + r^2 s^2)."""
    return DEVIATION**2 / (1 + (ratio * DEVIATION) ** 2)


def two_point_error(ratio):
    """Of the signs -1 and 1: E[1 - tanh^2(r (r + z))], by Gauss-Hermite quadrature."""
    z, weights = np.polynomial.hermite_e.hermegauss(120)
    guess = np.tanh(ratio[:, None] * (ratio[:, None] + z))
    return (1 - guess**2) @ weights / np.sqrt(2 * np.pi)


ERRORS = {"gaussian": (gaussian_error, MOMENT), "signs": (two_point_error, 1.0)}


def test_for_a_gaussian_target_the_best_schedule_is_a_line_with_noise_2s():
    best, known = kinetic_optimal(gaussian_error, MOMENT), one_sided(linear(2 * DEVIATION))
    t = np.linspace(0, 1, 41)
    for found, expected in zip(best.at(t), known.at(t), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_its_energy_is_then_the_squared_wasserstein_distance():
    """And no schedule has less."""
    distance = MEAN**2 + (1 - DEVIATION) ** 2
    best = kinetic_optimal(gaussian_error, MOMENT)
    assert schedule_energy(linear(2 * DEVIATION), gaussian_error, MOMENT) == pytest.approx(distance)
    assert schedule_energy(best, gaussian_error, MOMENT) == pytest.approx(distance, rel=1e-6)
    for schedule in (linear(), trigonometric(), ornstein_uhlenbeck(), linear(3.0)):
        assert schedule_energy(schedule, gaussian_error, MOMENT) > 1.05 * distance


@pytest.mark.parametrize(("error", "moment"), ERRORS.values(), ids=ERRORS.keys())
def test_the_best_schedule_joins_its_ends_and_knows_its_rates(error, moment):
    best = kinetic_optimal(error, moment)
    assert checked(best, ends="one-sided") is best


def test_the_energy_of_the_best_schedule_is_that_of_the_chord():
    theta = (np.arange(4000) + 0.5) * 0.5 * np.pi / 4000
    metric = 1 - two_point_error(np.tan(theta)) / np.cos(theta) ** 2
    angle = np.sqrt(np.maximum(metric, 0)).mean() * 0.5 * np.pi
    best = kinetic_optimal(two_point_error)
    expected = 4 * np.sin(0.5 * angle) ** 2
    assert schedule_energy(best, two_point_error) == pytest.approx(expected, rel=1e-3)
    for schedule in (linear(), linear(1.0), trigonometric(), ornstein_uhlenbeck()):
        assert schedule_energy(schedule, two_point_error) > 1.01 * expected


def test_with_nothing_to_guess_the_best_schedule_is_the_straight_line():
    best, t = kinetic_optimal(lambda ratio: 0 * ratio, 2.5), np.linspace(0, 1, 41)
    known = one_sided(linear()).at(t)
    np.testing.assert_allclose(best.at(t).beta, known.beta, atol=1e-5)
    np.testing.assert_allclose(best.at(t).gamma, known.gamma, atol=1e-6)
    assert schedule_energy(linear(), lambda ratio: 0 * ratio, 2.5) == pytest.approx(3.5)


@pytest.mark.parametrize("schedule", [linear(), trigonometric(1.0), variance_preserving(0.1, 4.0)])
def test_the_energy_of_a_schedule_is_that_of_its_particles(schedule):
    """4,000 particles of the flow from a normal law to a mixture with the error by quadrature: the
    energies agree within 4.5 standard errors, of some 2 per cent."""
    target = mixture([-1.0, 1.0], 0.05)
    path = between(mixture([0.0]), target, schedule)

    def error(ratio):
        x = np.linspace(-60, 60, 60_001)
        out = []
        for r in ratio:
            t = 1 / (1 + r)
            seen = between(mixture([0.0]), target, one_sided(linear()))
            rho = np.exp(seen.log_density(1 - t, x * t))
            z = seen.denoise(1 - t, x * t).z[:, 0]
            # E (x1 - guess)^2 = E (z - E z)^2 / r^2 = (1 - E (E z)^2) / r^2
            out.append((1 - np.trapezoid(rho * z**2, x * t)) / r**2)
        return np.array(out)

    times = np.linspace(0, 1, 101)
    paths = solve_ode(path.velocity, path.law(0.0).sample(4000, rng=2), times, steps=1)
    each = ((np.diff(paths, axis=1) ** 2).sum(axis=2) / 0.01).sum(axis=1)
    found = kinetic_energy(paths, times)
    assert found == pytest.approx(each.mean())
    expected = schedule_energy(schedule, error, 1.05)
    assert abs(found - expected) < 4.5 * each.std() / np.sqrt(4000) + 0.01 * expected


def test_the_error_on_data_is_that_of_the_closed_form():
    """Signs, at 20,000 noisy points: standard errors below 0.003."""
    ratio = np.array([0.0, 0.3, 1.0, 2.0, 5.0])
    found = denoising_error([-1.0, 1.0], ratio, n=20_000, rng=3)
    np.testing.assert_allclose(found, two_point_error(ratio), atol=0.012)
    assert denoising_error([-1.0, 1.0], 1.0).shape == ()


def test_data_that_are_few_for_their_dimension_make_the_straight_line_optimal():
    """As the number of points over the dimension falls, so does what can be saved."""
    savings = []
    for n, d in ((256, 4), (64, 16), (16, 64)):
        data = random_data(n, d)

        def error(ratio, data=data):
            return denoising_error(data, ratio, n=300)

        moment = (data**2).mean()
        best = schedule_energy(kinetic_optimal(error, moment), error, moment)
        savings.append(schedule_energy(linear(), error, moment) / best - 1)
    assert savings[0] > 1
    assert 0.1 < savings[1] < 0.5
    assert 0 < savings[2] < 0.06


def random_data(n, d):
    return np.random.default_rng(n).normal(size=(n, d))


def test_straight_paths_at_constant_speed_have_straightness_one():
    pairs = optimal_pairs(random_data(20, 2), random_data(20, 2) + 3)
    times = np.array([0.0, 0.1, 0.5, 1.0])
    paths = pairs.x0[:, None] + times[:, None] * (pairs.x1 - pairs.x0)[:, None]
    energy = ((pairs.x1 - pairs.x0) ** 2).sum(axis=1).mean()
    assert kinetic_energy(paths, times) == pytest.approx(energy)
    assert straightness(paths, times) == pytest.approx(1)
    slowing = pairs.x0[:, None] + times[:, None] ** 2 * (pairs.x1 - pairs.x0)[:, None]
    assert straightness(slowing, times) < 0.8


def test_the_energy_of_a_circle_is_approached_with_the_square_of_the_step():
    errors = []
    for count in (10, 20, 40):
        t = np.linspace(0, 1, count + 1)
        circle = np.column_stack([np.cos(2 * np.pi * t), np.sin(2 * np.pi * t)])[None]
        errors.append(4 * np.pi**2 - kinetic_energy(circle, t))
    assert min(errors) > 0
    np.testing.assert_allclose(np.log2(np.array(errors[:-1]) / errors[1:]), 2, atol=0.1)


def test_bad_input():
    still = np.zeros((2, 3, 1))
    with pytest.raises(ValueError, match="paths must move, got paths that stay where they are"):
        straightness(still, [0.0, 0.5, 1.0])
    with pytest.raises(ValueError, match="times must go up"):
        kinetic_energy(still, [0.0, 0.5, 0.5])
    with pytest.raises(ValueError, match=r"got shape \(2, 3, 1\) and 2 times"):
        kinetic_energy(still, [0.0, 1.0])
    with pytest.raises(ValueError, match="paths must hold at least one path"):
        kinetic_energy(still[:0], [0.0, 0.5, 1.0])
    with pytest.raises(ValueError, match="ratio must not be negative, got -1"):
        denoising_error([0.0, 1.0], -1.0)
    with pytest.raises(ValueError, match=r"error must be at most V/\(1 \+ V r\^2\) = .*, got 2"):
        kinetic_optimal(lambda ratio: 2 + 0 * ratio)
    with pytest.raises(ValueError, match="error must not be negative, got -1"):
        kinetic_optimal(lambda ratio: -1 + 0 * ratio)
    with pytest.raises(ValueError, match=r"error\(ratio\) must have shape \(200,\), got \(199,\)"):
        kinetic_optimal(lambda ratio: ratio[1:] * 0)
    with pytest.raises(ValueError, match=r"Gaussian target everywhere: take linear\(noise=2\)"):
        kinetic_optimal(lambda ratio: 1 / (1 + ratio**2))
    with pytest.raises(ValueError, match="second_moment must be positive, got 0"):
        schedule_energy(linear(), lambda ratio: 0 * ratio, 0.0)
