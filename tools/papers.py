"""The papers behind the book (book/papers.yml) and what the chapters state about them.

A chapter states a claim by `labcore.claims.check`, which prints a line; the line is in the stored
outputs of the notebook, which the tests re-execute. Here rows and lines are brought together.
"""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[1]
PAPERS = ROOT / "book" / "papers.yml"
LINE = re.compile(
    r"^\[(?P<paper>[\w-]+)\] (?P<text>.+)"
    r": measured (?P<measured>.+), bound (?P<bound>.+)\. Holds\.$",
    re.M,
)
# In the order in which the map counts them; what each means to a reader.
STATUSES = {
    "checked": "every claim of the row is checked by a number, and holds",
    "partly": "some claims are checked, and hold",
    "not reproduced": "a claim does not hold as stated; the row says what was found",
    "planned": "no chapter has come to it yet",
}


class Statement(NamedTuple):
    """One line of `labcore.claims.check`, as a notebook stores it."""

    paper: str
    text: str
    measured: str
    bound: str


class Claim(NamedTuple):
    """What a paper says, as something to measure.

    `checked` are the texts of the statements that measure it. `found` says what came out where it
    does not hold as stated; `note`, how the statements differ from it; `pilot`, what a first trial
    gave; `source`, where it comes from.
    """

    claim: str
    source: str
    checked: tuple[str, ...] = ()
    found: str = ""
    note: str = ""
    pilot: str = ""


class Paper(NamedTuple):
    """A row of the map."""

    key: str
    title: str
    authors: str
    year: int
    part: str
    idea: str
    claims: tuple[Claim, ...]
    link: str = ""

    @property
    def status(self) -> str:
        """One of `STATUSES`."""
        if any(claim.found for claim in self.claims):
            return "not reproduced"
        checked = [bool(claim.checked) for claim in self.claims]
        return "checked" if all(checked) else "partly" if any(checked) else "planned"


@cache
def rows() -> tuple[Paper, ...]:
    """All papers, part by part."""
    return tuple(map(paper, yaml.safe_load(PAPERS.read_text())["papers"]))


@cache
def parts() -> dict[str, str]:
    """The parts' names, in the order of the book."""
    return yaml.safe_load(PAPERS.read_text())["parts"]


def paper(row: dict) -> Paper:
    """A row of the file as a `Paper`; an unknown field is an error."""
    claims = (
        Claim(**claim | {"checked": tuple(claim.get("checked", ()))}) for claim in row["claims"]
    )
    return Paper(**row | {"claims": tuple(claims)})


def statements_in(text: str) -> list[Statement]:
    """The statements among the lines of an output."""
    return [Statement(*match.group(*Statement._fields)) for match in LINE.finditer(text)]


def statements_of(notebook: Path) -> Iterator[Statement]:
    """The statements that a notebook's stored outputs hold, in order."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            yield from statements_in(output.get("text", ""))
