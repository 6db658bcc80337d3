"""Directions and rotations: exact invariances and moments of the uniform laws."""

import math

import numpy as np
import pytest
from scipy import stats

from labcore import random

N = 2**16


@pytest.mark.parametrize("d", [1, 2, 3, 4, 7, 50])
def test_unit_vectors_have_length_one(d):
    x = random.unit_vectors(d, 100, rng=1)
    np.testing.assert_allclose(np.linalg.norm(x, axis=1), 1, rtol=4e-16 * max(d, 2))


@pytest.mark.parametrize("d", [2, 3, 6])
def test_a_coordinate_of_a_unit_vector_has_its_beta_law(d):
    """(1 + x_1) / 2 is beta with both parameters (d - 1) / 2, for every rotation of the sphere."""
    x = random.unit_vectors(d, N, rng=2)
    law = stats.beta((d - 1) / 2, (d - 1) / 2)
    direction = np.arange(1.0, d + 1) / np.linalg.norm(np.arange(1.0, d + 1))
    for coordinate in (x[:, 0], x[:, -1], x @ direction):
        assert stats.kstest((1 + coordinate) / 2, law.cdf).pvalue > 1e-4


def test_in_one_dimension_the_sphere_is_two_points():
    x = random.unit_vectors(1, N, rng=3)
    assert set(x.ravel()) == {-1.0, 1.0}
    assert abs(x.sum()) < 5 * math.sqrt(N)


@pytest.mark.parametrize("d", [1, 2, 3, 5, 40])
def test_orthogonal_matrices_are_orthogonal(d):
    q = random.orthogonal(d, 20, rng=4)
    identity = np.broadcast_to(np.eye(d), q.shape)
    np.testing.assert_allclose(q @ q.transpose(0, 2, 1), identity, atol=1e-14)
    np.testing.assert_allclose(q.transpose(0, 2, 1) @ q, identity, atol=1e-14)


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_entries_have_the_moments_of_the_haar_law(d):
    """E q = 0, E q^2 = 1/d, E q^4 = 3 / d(d+2), E q_ij^2 q_ik^2 = 1 / d(d+2) and

    E q_11^2 q_22^2 = (d + 1) / (d (d - 1) (d + 2)): each entry, each mean within five of its
    standard deviations.
    """
    q = random.orthogonal(d, N, rng=5)

    def mean_is(samples, expected):
        error = samples.mean(axis=0) - expected
        sd = samples.std(axis=0) / math.sqrt(N)
        assert (np.abs(error) <= 5 * sd + 1e-12).all()

    mean_is(q, 0.0)
    mean_is(q**2, 1 / d)
    mean_is(q**4, 3 / (d * (d + 2)))
    if d > 1:
        mean_is(q[:, :, 0] ** 2 * q[:, :, 1] ** 2, 1 / (d * (d + 2)))
        mean_is(q[:, 0, 0] ** 2 * q[:, 1, 1] ** 2, (d + 1) / (d * (d - 1) * (d + 2)))
        mean_is(q[:, 0, 0] * q[:, 1, 1] * q[:, 0, 1] * q[:, 1, 0], -1 / (d * (d - 1) * (d + 2)))


@pytest.mark.parametrize("d", [1, 2, 3, 6])
def test_the_trace_has_the_moments_of_the_orthogonal_group(d):
    """E tr Q = 0 and E (tr Q)^2 = 1 (d >= 1), E (tr Q)^4 = 3 (d >= 2). Wrong signs give others:
    the Q of LAPACK's factorisation has a mean trace that is not 0."""
    trace = np.trace(random.orthogonal(d, N, rng=6), axis1=1, axis2=2)
    fourth = 3 if d > 1 else 1
    for power, expected in ((1, 0), (2, 1), (4, fourth)):
        sample = trace**power
        assert abs(sample.mean() - expected) <= 5 * sample.std() / math.sqrt(N) + 1e-12


def test_the_determinant_is_plus_or_minus_one_equally_often():
    determinant = np.linalg.det(random.orthogonal(3, N, rng=7))
    np.testing.assert_allclose(np.abs(determinant), 1, atol=1e-13)
    assert abs(determinant.sum()) < 5 * math.sqrt(N)


def test_eigenvalue_angles_of_two_by_two_rotations_are_uniform():
    q = random.orthogonal(2, N, rng=8)
    proper = q[np.linalg.det(q) > 0]
    angle = np.arctan2(proper[:, 1, 0], proper[:, 0, 0])
    assert stats.kstest(angle, stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 1e-4


@pytest.mark.parametrize("draw", [random.unit_vectors, random.orthogonal])
def test_number_i_does_not_depend_on_how_many_are_drawn(draw):
    for d in (1, 2, 5):
        whole = draw(d, 8, rng=9, stream=4)
        np.testing.assert_array_equal(whole[3:], draw(d, 5, rng=9, stream=4, start=3))
        assert not np.array_equal(whole, draw(d, 8, rng=9, stream=5))


def test_loop_functions_give_the_same_numbers():
    address = (np.uint64(9), np.uint64(4), np.uint64(3))
    vector, matrix = np.empty(5), np.empty((5, 5))
    random.fill_unit_vector(*address, vector)
    random.fill_orthogonal(*address, matrix, np.empty(5), np.empty(5))
    np.testing.assert_array_equal(vector, random.unit_vectors(5, rng=9, stream=4, start=3)[0])
    np.testing.assert_array_equal(matrix, random.orthogonal(5, rng=9, stream=4, start=3)[0])


@pytest.mark.parametrize("draw", [random.unit_vectors, random.orthogonal])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((0,), ValueError, "d must be at least 1, got 0"),
        ((2.5,), TypeError, "d must be an integer, got 2.5"),
        ((2, -1), ValueError, "count must be at least 0, got -1"),
    ],
)
def test_bad_arguments_are_named(draw, arguments, error, message):
    with pytest.raises(error, match=message):
        draw(*arguments)
