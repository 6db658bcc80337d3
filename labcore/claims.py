"""Checked statements: what a paper says, what was measured, and the bound that decides."""

import math
from typing import NamedTuple


class Bound(NamedTuple):
    """The interval that a measured value has to lie in; its ends belong to it."""

    low: float
    high: float

    def __str__(self) -> str:
        if self.low == -math.inf:
            return f"<= {self.high:g}"
        if self.high == math.inf:
            return f">= {self.low:g}"
        return f"in [{self.low:g}, {self.high:g}]"


class ClaimFailed(AssertionError):
    """A measured value lies outside the bound that the claim states."""


def at_most(bound: float) -> Bound:
    """The bound `measured` <= `bound`."""
    return Bound(-math.inf, float(bound))


def at_least(bound: float) -> Bound:
    """The bound `measured` >= `bound`."""
    return Bound(float(bound), math.inf)


def between(low: float, high: float) -> Bound:
    """The bound `low` <= `measured` <= `high`."""
    return Bound(float(low), float(high))


def check(paper: str, statement: str, measured: float, bound: Bound) -> None:
    """Print one line that says what was measured against which bound, or raise.

    Parameters
    ----------
    paper : str
        Key of the paper in the ledger and in the bibliography.
    statement : str
        The claim, in words.
    measured : float
        The value found. It is printed with three significant digits; one that lies under a
        hundredth of an upper bound is printed as just that, since rounding errors differ between
        machines.
    bound : Bound
        Made by `at_most`, `at_least` or `between`.

    Raises
    ------
    ClaimFailed
        If `measured` is not in `bound`, or is nan.

    Examples
    --------
    >>> from labcore.claims import at_most, check
    >>> check("bayes-category", "two inversions agree", 3e-16, at_most(1e-10))
    [bayes-category] two inversions agree: measured < 1e-12, bound <= 1e-10. Holds.
    """
    if not isinstance(bound, Bound):
        raise TypeError(f"bound must be made by at_most, at_least or between, got {bound!r}")
    measured = float(measured)
    tiny = bound.low == -math.inf and bound.high > 0 and abs(measured) < bound.high / 100
    shown = f"< {bound.high / 100:g}" if tiny else f"{measured:.3g}"
    line = f"[{paper}] {statement}: measured {shown}, bound {bound}."
    if not bound.low <= measured <= bound.high:
        raise ClaimFailed(f"{line} Does not hold.")
    print(f"{line} Holds.")
