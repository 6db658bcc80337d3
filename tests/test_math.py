"""The elementary functions against mpmath and libm, and at the ends of their ranges."""

import math

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numba import njit

from labcore import _math


def relative_error(value: float, exact: mpmath.mpf) -> float:
    return float(abs((mpmath.mpf(value) - exact) / exact))


@settings(max_examples=300, deadline=None)
@given(x=st.floats(-708, 709))
def test_exp_to_two_units_in_the_last_place(x):
    with mpmath.workdps(40):
        assert relative_error(_math.exp(x), mpmath.exp(x)) < 4.5e-16


@settings(max_examples=300, deadline=None)
@given(x=st.floats(-708, 0))
def test_exp_of_a_negative_number_to_two_units_in_the_last_place(x):
    with mpmath.workdps(40):
        assert relative_error(_math.exp_of_negative(x), mpmath.exp(x)) < 4.5e-16


@pytest.mark.parametrize(("x", "value"), [(0.0, 1.0), (-708.5, 0.0), (-math.inf, 0.0)])
def test_exp_of_a_negative_number_at_the_ends_of_its_range(x, value):
    assert _math.exp_of_negative(x) == value


@settings(max_examples=300, deadline=None)
@given(x=st.floats(1e-300, 1e300))
def test_log_to_two_units_in_the_last_place(x):
    with mpmath.workdps(40):
        exact = mpmath.log(x)
        assert abs(_math.log(x) - exact) < 4.5e-16 * max(abs(exact), 1e-3)


@settings(max_examples=300, deadline=None)
@given(turns=st.floats(-100, 100))
def test_sin_and_cos_of_turns(turns):
    sine, cosine = _math.sin_cos_2pi(turns)
    with mpmath.workdps(40):
        angle = 2 * mpmath.pi * mpmath.mpf(turns)
        assert abs(sine - mpmath.sin(angle)) < 5e-16
        assert abs(cosine - mpmath.cos(angle)) < 5e-16


def test_quarter_turns_are_exact():
    table = [_math.sin_cos_2pi(k / 4) for k in range(-4, 5)]
    np.testing.assert_array_equal(
        table, [(0, 1), (1, 0), (0, -1), (-1, 0), (0, 1), (1, 0), (0, -1), (-1, 0), (0, 1)]
    )


@pytest.mark.parametrize(
    ("x", "value"),
    [
        (0.0, 1.0),
        (-708.5, 0.0),
        (-math.inf, 0.0),
        (709.5, math.inf),
        (math.inf, math.inf),
    ],
)
def test_exp_at_the_ends(x, value):
    assert _math.exp(x) == value


def test_exp_of_nan_is_nan():
    assert math.isnan(_math.exp(math.nan))


@pytest.mark.parametrize(("x", "value"), [(1.0, 0.0), (2.0**-53, -53 * math.log(2))])
def test_log_at_points_that_matter(x, value):
    assert _math.log(x) == value


def test_bits_are_those_of_the_float():
    @njit
    def there_and_back(x):
        bits = _math.bits_from_float(x)
        return bits, _math.float_from_bits(bits)

    for x in (0.0, -1.5, math.pi, 5e-324):
        assert there_and_back(x) == (np.float64(x).view(np.int64), x)


@settings(max_examples=300, deadline=None)
@given(x=st.floats(-700, 700) | st.floats(-1e-3, 1e-3))
def test_expm1_keeps_its_digits_near_zero(x):
    with mpmath.workdps(40):
        exact = mpmath.expm1(x)
        assert abs(_math.expm1(x) - exact) <= 6e-16 * abs(exact)


@settings(max_examples=300, deadline=None)
@given(x=st.floats(-5, 5) | st.floats(allow_nan=False, allow_infinity=False))
def test_atan_to_two_units_in_the_last_place(x):
    with mpmath.workdps(40):
        exact = mpmath.atan(x)
        assert abs(_math.atan(x) - exact) <= 4e-16 * abs(exact)


def test_atan_of_infinity_is_a_right_angle():
    assert (_math.atan(math.inf), _math.atan(-math.inf)) == (math.pi / 2, -math.pi / 2)
