"""The names by which marks, numbers and arguments of a figure refer to values.

``out``, ``stats[0]``, ``a.paths[:, frame, 0]`` and ``chain[:frame + 1]`` are paths: an optional
run, a name, and indices or slices made of whole numbers and names of scalars. Nothing is evaluated
as code. ``web/paths.js`` is the same grammar in the browser. ``$milliseconds`` is a name too: the
time that each run of the kernel took there.
"""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

_PATH = re.compile(r"(?:([A-Za-z_]\w*)\.)?(\$?[A-Za-z_]\w*)\s*(?:\[([^\]]*)\])?", re.ASCII)
_SUM = re.compile(r"[+-]?\w+(?:[+-]\w+)*", re.ASCII)
_TERM = re.compile(r"[+-]?(?:\d+|[A-Za-z_]\w*)", re.ASCII)

Lookup = Callable[[str | None, str], Any]


def resolve(path: str, lookup: Lookup) -> float | np.ndarray:
    """The value that `path` names; ``lookup(run, name)`` gives the values of the names in it.

    Raises
    ------
    ValueError
        If the path cannot be read.
    IndexError
        If an index lies outside the array.
    """
    match = _PATH.fullmatch(path.strip())
    if not match:
        raise ValueError(f"cannot read the path {path!r}")
    run, name, inside = match.groups()
    value = lookup(run, name)
    if inside is None:
        return value
    items = [_item(part, lookup) for part in inside.split(",")]
    if len(items) > np.ndim(value):
        raise IndexError(f"{path!r}: {len(items)} indices for {np.ndim(value)} dimensions")
    found = np.asarray(value)[tuple(items)]
    return float(found) if found.ndim == 0 else found


def name_of(path: str) -> str:
    """The name at the head of a path."""
    match = _PATH.fullmatch(path.strip())
    if not match:
        raise ValueError(f"cannot read the path {path!r}")
    return match[2]


def _item(text: str, lookup: Lookup) -> int | slice:
    ends = text.split(":")
    if len(ends) > 2 or (len(ends) == 1 and not text.strip()):
        raise ValueError(f"cannot read the index {text!r}")
    numbers = [None if not end.strip() else _sum(end, lookup) for end in ends]
    return slice(*numbers) if len(numbers) == 2 else numbers[0]


def _sum(text: str, lookup: Lookup) -> int:
    """A sum such as ``frame + 1`` or ``-1``."""
    compact = re.sub(r"\s+", "", text)
    terms = _TERM.findall(compact)
    if not _SUM.fullmatch(compact) or "".join(terms) != compact:
        raise ValueError(f"cannot read the index {text!r}")
    total = 0
    for term in terms:
        word = term.lstrip("+-")
        value = int(word) if word.isdigit() else int(np.floor(float(lookup(None, word)) + 0.5))
        total += -value if term[0] == "-" else value
    return total
