"""Claims print one stable line, and fail when the bound does."""

import math

import pytest

from labcore.claims import ClaimFailed, at_least, at_most, between, check


@pytest.mark.parametrize(
    ("measured", "bound", "line"),
    [
        (0.12345, at_most(0.5), "measured 0.123, bound <= 0.5. Holds."),
        (3e-16, at_most(1e-10), "measured < 1e-12, bound <= 1e-10. Holds."),
        (-2.0, at_most(1.0), "measured -2, bound <= 1. Holds."),
        (0.761699, at_least(0.75), "measured 0.762, bound >= 0.75. Holds."),
        (1.0, between(1.0, 2.0), "measured 1, bound in [1, 2]. Holds."),
    ],
)
def test_a_claim_that_holds_prints_one_line(measured, bound, line, capsys):
    check("some-paper", "it is so", measured, bound)
    assert capsys.readouterr().out == f"[some-paper] it is so: {line}\n"


@pytest.mark.parametrize(
    ("measured", "bound"),
    [(0.6, at_most(0.5)), (0.7, at_least(0.75)), (3.0, between(1, 2)), (math.nan, at_most(1))],
)
def test_a_claim_that_does_not_hold_raises(measured, bound, capsys):
    with pytest.raises(ClaimFailed, match=r"\[some-paper\] it is so: measured .* Does not hold"):
        check("some-paper", "it is so", measured, bound)
    assert capsys.readouterr().out == ""


def test_a_bound_is_not_a_number():
    with pytest.raises(TypeError, match="bound must be made by"):
        check("some-paper", "it is so", 1.0, 2.0)
