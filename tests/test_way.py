"""Prerequisites: no circles, and the shortest way to a chapter."""

import pytest

from tools import way
from tools.way import Chapter


def book(**prerequisites):
    return {n: Chapter(n, n, n, "rkhs", 10, "introductory", p) for n, p in prerequisites.items()}


def test_the_books_chapters_form_no_circle():
    known = way.chapters()
    position = {name: i for i, name in enumerate(way.order(known))}
    assert all(position[p] < position[n] for n, c in known.items() for p in c.prerequisites)


def test_a_circle_is_named():
    with pytest.raises(ValueError, match="require each other: .*a after .*"):
        way.order(book(a=("c",), b=("a",), c=("b",)))


def test_the_way_holds_what_is_needed_and_nothing_else():
    known = book(a=(), b=("a",), c=("a",), d=("b", "c"), e=("d",), f=("a",))
    found = way.way_to("d", known)
    assert sorted(found) == ["a", "b", "c", "d"]
    assert found[0] == "a"
    assert found[-1] == "d"
    assert way.way_to("a", known) == ["a"]


def test_a_chapter_stands_below_all_that_it_needs():
    assert way.columns(book(a=(), b=("a",), c=("a", "b"), d=())) == [["a", "d"], ["b"], ["c"]]
