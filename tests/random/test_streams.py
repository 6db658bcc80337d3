"""Random streams: known answers, addressing, and the laws of the draws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit, prange
from scipy import stats

from labcore import random

# Published vectors for philox4x32 with 10 rounds (Salmon et al. 2011): counter, key, answer.
KNOWN_ANSWERS = [
    (
        (0x00000000, 0x00000000, 0x00000000, 0x00000000),
        (0x00000000, 0x00000000),
        (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8),
    ),
    (
        (0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF),
        (0xFFFFFFFF, 0xFFFFFFFF),
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]
index = st.integers(0, 2**40)
seed = st.integers(0, 2**64 - 1)


@pytest.mark.parametrize(("counter", "key", "answer"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter, key, answer):
    assert random.philox4x32(*counter, *key) == answer


def test_seed_stream_and_block_are_the_words_of_key_and_counter():
    counter, key, answer = KNOWN_ANSWERS[2]
    block = counter[0] | counter[1] << 32
    stream = counter[2] | counter[3] << 32
    first, second = random.bits(
        2, rng=key[0] | key[1] << 32, stream=stream, start=2 * (block % 2**62)
    )
    a, b = random.bits_pair(
        np.uint64(key[0] | key[1] << 32), np.uint64(stream), np.uint64(block % 2**62)
    )
    assert (first, second) == (a, b)
    a, b = random.bits_pair(np.uint64(key[0] | key[1] << 32), np.uint64(stream), np.uint64(block))
    assert (a, b) == (answer[0] | answer[1] << 32, answer[2] | answer[3] << 32)


@pytest.mark.parametrize("draw", [random.uniform, random.normal, random.bits])
@settings(max_examples=30, deadline=None)
@given(seed=seed, stream=index, start=index, n=st.integers(0, 9), skip=st.integers(0, 5))
def test_a_draw_is_a_function_of_seed_stream_and_index(draw, seed, stream, start, n, skip):
    whole = draw(skip + n, rng=seed, stream=stream, start=start)
    tail = draw(n, rng=seed, stream=stream, start=start + skip)
    np.testing.assert_array_equal(whole[skip:], tail)


@pytest.mark.parametrize(
    ("draw", "at"), [(random.uniform, random.uniform_at), (random.normal, random.normal_at)]
)
def test_arrays_hold_the_same_draws_as_the_loop_functions(draw, at):
    values = draw(7, rng=5, stream=3, start=2)
    one_by_one = [at(np.uint64(5), np.uint64(3), np.uint64(i)) for i in range(2, 9)]
    np.testing.assert_array_equal(values, one_by_one)


def test_the_number_of_threads_does_not_change_a_draw():
    @njit(parallel=True)
    def one_stream_a_row(out):
        for i in prange(out.shape[0]):
            for j in range(out.shape[1]):
                out[i, j] = random.normal_at(np.uint64(9), np.uint64(i), np.uint64(j))

    out = np.empty((50, 3))
    one_stream_a_row(out)
    np.testing.assert_array_equal(out, [random.normal(3, rng=9, stream=i) for i in range(50)])


def test_uniforms_stay_inside_the_open_unit_interval_at_the_extreme_bits():
    ends = [random.streams.open_unit(np.uint64(bits)) for bits in (0, 2**64 - 1)]
    assert ends == [2.0**-53, 1 - 2.0**-53]


def test_normal_is_the_box_muller_transform_of_uniform():
    u = random.uniform(1000, rng=2)
    z = random.normal(1000, rng=2)
    radius = np.sqrt(-2 * np.log(u[::2]))
    np.testing.assert_allclose(z[::2], radius * np.cos(2 * np.pi * u[1::2]), rtol=0, atol=4e-15)
    np.testing.assert_allclose(z[1::2], radius * np.sin(2 * np.pi * u[1::2]), rtol=0, atol=4e-15)


@pytest.mark.parametrize(
    ("draw", "law"), [(random.uniform, stats.uniform), (random.normal, stats.norm)]
)
def test_draws_follow_their_law(draw, law):
    """Kolmogorov-Smirnov on 10^6 draws: a distance of 0.003 would be seen nearly always."""
    assert stats.kstest(draw(10**6, rng=11), law.cdf).pvalue > 1e-4


def test_the_tail_of_the_normal_is_not_cut():
    """Of 2^22 draws 2.4 are expected beyond 5; beyond 4, 265.7 with standard deviation 16.3."""
    z = random.normal(2**22, rng=3)
    assert abs((np.abs(z) > 4).sum() - 2**22 * 2 * stats.norm.sf(4)) < 5 * 16.3
    assert 4.5 < np.abs(z).max() < 7


@pytest.mark.parametrize("neighbours", ["streams", "draws", "seeds"])
def test_neighbouring_addresses_are_uncorrelated(neighbours):
    """Correlation of 2^18 pairs has standard deviation 0.002: one of 0.01 is caught for sure."""
    n = 2**18
    a = random.normal(n, rng=7, stream=0)
    b = {
        "streams": lambda: random.normal(n, rng=7, stream=1),
        "draws": lambda: random.normal(n, rng=7, stream=0, start=1),
        "seeds": lambda: random.normal(n, rng=8, stream=0),
    }[neighbours]()
    assert abs(np.mean(a * b)) < 5 / np.sqrt(n)
    assert abs(np.mean((a**2 - 1) * (b**2 - 1)) / 2) < 5 / np.sqrt(n)


def test_every_bit_is_set_half_the_time():
    """Each of 64 counts out of 2^18 has standard deviation 256; five of them are allowed."""
    words = random.bits(2**18, rng=1)
    counts = [int(((words >> np.uint64(k)) & np.uint64(1)).sum()) for k in range(64)]
    assert max(abs(c - 2**17) for c in counts) < 5 * 256


def test_a_generator_gives_the_seed_and_is_advanced():
    generator = np.random.default_rng(4)
    first, second = random.normal(3, rng=generator), random.normal(3, rng=generator)
    assert not np.array_equal(first, second)
    again = np.random.default_rng(4)
    np.testing.assert_array_equal(first, random.normal(3, rng=again))


def test_without_rng_each_call_differs():
    assert not np.array_equal(random.normal(4), random.normal(4))


def test_shape_zero_and_many_dimensions():
    assert random.normal(0, rng=1).shape == (0,)
    cube = random.normal((2, 3, 4), rng=1)
    np.testing.assert_array_equal(cube.ravel(), random.normal(24, rng=1))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"rng": -1}, ValueError, "rng must be from 0"),
        ({"rng": 2**64}, ValueError, "rng must be from 0"),
        ({"rng": 1.5}, TypeError, "rng must be an int"),
        ({"rng": True}, TypeError, "rng must be an int"),
        ({"rng": 1, "stream": -1}, ValueError, "stream must be at least 0, got -1"),
        ({"rng": 1, "start": 0.5}, TypeError, "start must be an integer"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        random.uniform(3, **arguments)
