"""The rows of book/papers.yml and the statements of the chapters are one."""

import re

import pytest
from pybtex.database import parse_file

from labcore.claims import at_most, between, check
from tools import papers
from tools.papers import ROOT, Claim, Paper

NOTEBOOKS = sorted((ROOT / "notebooks").rglob("[0-9]*.ipynb"))
STATED = {notebook: list(papers.statements_of(notebook)) for notebook in NOTEBOOKS}
ROWS = {row.key: row for row in papers.rows()}
LISTED = [
    (row.key, text) for row in papers.rows() for claim in row.claims for text in claim.checked
]


def test_every_paper_has_one_row_of_its_part():
    assert len(papers.rows()) == len(ROWS) == 209
    assert {row.part for row in papers.rows()} == set(papers.parts())
    assert all(row.claims for row in papers.rows())


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_every_statement_of_a_chapter_is_in_a_row(notebook):
    listed = set(LISTED)
    homeless = [s for s in STATED[notebook] if (s.paper, s.text) not in listed]
    assert homeless == [], "add these to `checked` of a claim in book/papers.yml"


def test_every_statement_of_a_row_is_in_a_chapter_once():
    stated = [(s.paper, s.text) for statements in STATED.values() for s in statements]
    assert sorted(LISTED) == sorted(stated)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_chapter_checks_a_number_of_each_paper_that_it_cites(notebook):
    cited = set(re.findall(r"\{cite:\w+\}`([\w, -]+)`", notebook.read_text()))
    keys = {key.strip() for group in cited for key in group.split(",")}
    assert keys & ROWS.keys() <= {statement.paper for statement in STATED[notebook]}


def test_papers_that_are_cited_have_their_address():
    entries = parse_file(str(ROOT / "book" / "references.bib")).entries
    assert all(ROWS[key].link for key in ROWS.keys() & entries.keys())


def test_a_line_of_check_is_read_back(capsys):
    check("stkr", "error, at most: half", 0.123456, between(0.1, 0.5))
    check("stkr", "rounding", 1e-16, at_most(1e-8))
    first, second = papers.statements_in(capsys.readouterr().out)
    assert first == ("stkr", "error, at most: half", "0.123", "in [0.1, 0.5]")
    assert second == ("stkr", "rounding", "< 1e-10", "<= 1e-08")


def paper(*claims):
    return Paper("key", "title", "author", 2000, "rkhs", "idea", claims)


def test_the_status_is_that_of_the_claims():
    done, open_ = Claim("a", "theory", ("statement",)), Claim("b", "paper")
    failed = Claim("c", "paper", ("other",), found="something else")
    assert paper(done).status == "checked"
    assert paper(done, open_).status == "partly"
    assert paper(open_).status == "planned"
    assert paper(done, failed).status == "not reproduced"


def test_an_unknown_field_is_an_error():
    row = {"key": "k", "title": "t", "authors": "", "year": 1, "part": "rkhs", "idea": "i"}
    with pytest.raises(TypeError, match="cheked"):
        papers.paper(row | {"claims": [{"claim": "a", "source": "theory", "cheked": ["b"]}]})
