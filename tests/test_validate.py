"""Each check names the argument, what was got and what was expected."""

import numpy as np
import pytest

from labcore import _validate


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: _validate.positive("scale", -0.3), ValueError, "scale must be positive, got -0.3"),
        (lambda: _validate.positive("scale", 0), ValueError, "scale must be positive, got 0"),
        (
            lambda: _validate.positive("scale", np.nan),
            ValueError,
            "scale must be finite, got nan",
        ),
        (
            lambda: _validate.positive("scale", "a"),
            TypeError,
            "scale must be a real number, got 'a'",
        ),
        (
            lambda: _validate.non_negative("t", -1),
            ValueError,
            "t must not be negative, got -1",
        ),
        (lambda: _validate.integer("n", 2.0), TypeError, "n must be an integer, got 2.0"),
        (lambda: _validate.integer("n", True), TypeError, "n must be an integer, got True"),
        (lambda: _validate.integer("n", 0, least=1), ValueError, "n must be at least 1, got 0"),
        (
            lambda: _validate.array("x", np.zeros((2, 2)), 1),
            ValueError,
            r"x must have 1 dimensions, got shape \(2, 2\)",
        ),
        (
            lambda: _validate.array("x", [1.0, np.inf], 1),
            ValueError,
            r"x must be finite, got inf at \[1\]",
        ),
        (lambda: _validate.array("x", ["a"], 1), TypeError, "x must be an array of real numbers"),
        (lambda: _validate.points("x", 3.0), ValueError, r"x must have 1 or 2 dimensions"),
    ],
)
def test_bad_input_is_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_good_input_is_passed_on():
    assert _validate.positive("scale", 2) == 2.0
    assert _validate.integer("n", np.int64(3)) == 3
    assert _validate.array("x", 5, 0).shape == ()
    assert _validate.points("x", [1, 2, 3]).shape == (3, 1)
    strided = np.arange(12.0).reshape(3, 4)[:, ::2]
    result = _validate.points("x", strided)
    assert result.flags.c_contiguous
    np.testing.assert_array_equal(result, strided)
