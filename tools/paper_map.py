"""Sphinx extension: the directive `paper-map`, a row for each paper of book/papers.yml.

What was measured is read from the chapters as Sphinx has read them, so that a row links to the very
section whose stored output it quotes. Without scripts the rows are folded lists, part by part;
book/assets/paper_map.js adds the search and the filters.
"""

from html import escape
from urllib.parse import quote_plus

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools import papers
from tools.sphinx_parts import ancestors, load_where

Places = dict[tuple[str, str], tuple[papers.Statement, str, str, str]]


class paper_map(nodes.General, nodes.Element):
    """Stands for the map until all chapters have been read."""


class PaperMap(SphinxDirective):
    """`{paper-map}`: the counts and all rows."""

    def run(self) -> list[nodes.Node]:
        """A section for each part, to be filled when all chapters have been read."""
        self.env.note_dependency(str(papers.PAPERS))
        sections: list[nodes.Node] = [paper_map(part="")]
        for part, title in papers.parts().items():
            section = nodes.section(ids=[f"papers-{part}"], names=[title])
            section += [nodes.title(title, title), paper_map(part=part)]
            self.state.document.note_explicit_target(section, section)
            sections.append(section)
        return sections


def find_statements(app: Sphinx) -> Places:
    """Where each statement stands: document, anchor and title of its section."""
    places: Places = {}
    for document in sorted(app.env.found_docs):
        for block in app.env.get_doctree(document).findall(nodes.literal_block):
            for statement in papers.statements_in(block.astext()):
                section = next(n for n in ancestors(block) if isinstance(n, nodes.section))
                title = next(iter(section.findall(nodes.title))).astext()
                key = statement.paper, statement.text
                places[key] = statement, document, section["ids"][0], title
    return places


def fill(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Write the map in place of what stands for it."""
    stands = list(doctree.findall(paper_map))
    if not stands:
        return
    places = find_statements(app)
    for node in stands:
        of_part = [paper for paper in papers.rows() if paper.part == node["part"]]
        html = (
            "\n".join(row(app, docname, paper, places) for paper in of_part)
            if node["part"]
            else counts(papers.rows())
        )
        node.replace_self(nodes.raw("", html, format="html"))


def counts(rows: tuple[papers.Paper, ...]) -> str:
    """How many papers have which status."""
    lines = "".join(
        f'<tr><td><span class="status" data-status="{status}">{status}</span></td>'
        f"<td>{sum(paper.status == status for paper in rows)}</td><td>{meaning}</td></tr>"
        for status, meaning in papers.STATUSES.items()
    )
    return (
        '<table class="table paper-counts"><thead><tr><th>Status</th><th>Papers</th>'
        f"<th>Meaning</th></tr></thead><tbody>{lines}</tbody></table>"
        f'<p class="paper-total">{len(rows)} papers in all.</p>'
    )


def row(app: Sphinx, docname: str, paper: papers.Paper, places: Places) -> str:
    """A paper: its title and status, and folded below them the idea, the claims, the numbers."""
    who = f"{escape(paper.authors)}, {paper.year}" if paper.authors else str(paper.year)
    claims = "".join(f"<li>{claim(app, docname, paper, c, places)}</li>" for c in paper.claims)
    return (
        f'<details class="paper" id="paper-{paper.key}" data-part="{paper.part}" '
        f'data-status="{paper.status}"><summary><span class="paper-title">{escape(paper.title)}'
        f'</span> <span class="paper-who">{who}</span> '
        f'<span class="status" data-status="{paper.status}">{paper.status}</span></summary>'
        f"<p>{escape(paper.idea)} {link(paper)}</p><ol>{claims}</ol></details>"
    )


def link(paper: papers.Paper) -> str:
    """A link to the paper, or to a search for its title where its address is not known."""
    if paper.link:
        return f'<a class="reference external" href="{escape(paper.link)}">Read the paper</a>.'
    search = f"https://arxiv.org/search/?searchtype=title&query={quote_plus(paper.title)}"
    return f'<a class="reference external" href="{escape(search)}">Find the paper</a>.'


def claim(
    app: Sphinx, docname: str, paper: papers.Paper, claim: papers.Claim, places: Places
) -> str:
    """A claim, what was measured of it and where, and what differs."""
    html = f"<p>{escape(claim.claim)} <span class='paper-source'>({claim.source})</span></p>"
    lines = []
    for text in claim.checked:
        statement, document, anchor, title = places[paper.key, text]
        address = f"{app.builder.get_relative_uri(docname, document)}#{anchor}"
        lines.append(
            f"<li>{escape(text)}: <strong>{escape(statement.measured)}</strong>, bound "
            f'{escape(statement.bound)} <a class="reference internal" href="{address}">'
            f"{escape(title)}</a></li>"
        )
    html += f"<ul>{''.join(lines)}</ul>" if lines else ""
    html += (
        f'<p class="paper-found">Found instead: {escape(claim.found)}</p>' if claim.found else ""
    )
    return html + (f'<p class="paper-note">{escape(claim.note)}</p>' if claim.note else "")


def setup(app: Sphinx) -> dict:
    """Register the directive."""
    app.add_node(paper_map)
    app.add_directive("paper-map", PaperMap)
    app.connect("doctree-resolved", fill)
    app.connect("html-page-context", load_where("paper-counts", script="paper_map.js"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
