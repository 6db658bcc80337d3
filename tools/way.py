"""Which chapters come before which: the order in which to read what leads to a chapter.

Prerequisites are in each notebook's metadata (``book.prerequisites``, names of notebooks).
"""

import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import nbformat

from tools.build import ROOT


class Chapter(NamedTuple):
    """What the map says of a notebook."""

    name: str
    page: str
    title: str
    part: str
    minutes: int
    level: str
    prerequisites: tuple[str, ...]


@cache
def chapters() -> dict[str, Chapter]:
    """All notebooks of the book by name, in the order of their files."""
    return {path.stem: chapter(path) for path in sorted(ROOT.glob("notebooks/*/*.ipynb"))}


def chapter(path: Path) -> Chapter:
    """A notebook's title and the facts of its metadata."""
    notebook = nbformat.read(path, as_version=4)
    book = notebook.metadata.book
    title = re.search(r"^# (.+)$", notebook.cells[0].source, re.M)[1]
    page = path.relative_to(ROOT).with_suffix("").as_posix()
    prerequisites = tuple(book.prerequisites)
    return Chapter(path.stem, page, title, book.part, book.time_minutes, book.level, prerequisites)


def order(known: dict[str, Chapter]) -> list[str]:
    """The names, each after its prerequisites.

    Raises
    ------
    ValueError
        If chapters require each other in a circle; the message says which.
    """
    before = {name: chapter.prerequisites for name, chapter in known.items()}
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise ValueError(f"chapters require each other: {' after '.join(error.args[1])}") from None


def way_to(goal: str, known: dict[str, Chapter]) -> list[str]:
    """What one has to read for a chapter and nothing else, in an order that works."""
    needed, waiting = set(), [goal]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed.add(name)
            waiting += known[name].prerequisites
    return [name for name in order(known) if name in needed]


def columns(known: dict[str, Chapter]) -> list[list[str]]:
    """The chapters by the length of the longest way that leads to them."""
    depth: dict[str, int] = {}
    for name in order(known):
        depth[name] = 1 + max((depth[p] for p in known[name].prerequisites), default=-1)
    return [[n for n in known if depth[n] == d] for d in range(max(depth.values()) + 1)]
