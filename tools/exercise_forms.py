"""Sphinx extension: below an exercise whose cell checks the answer, a field that checks it too.

The notebook's cell says ``check("rkhs-1", ...)``. Where the answer is a number, a formula or a
choice, the page gets a field with the same check, which works offline
(labcore/exercises/sealed.py). The first cell with a key is the exercise; the second, folded away,
is its solution.
"""

import json
import re
from html import escape

from docutils import nodes
from sphinx.application import Sphinx

from labcore.exercises import find
from labcore.exercises.sealed import seal
from tools.sphinx_parts import ancestors, load_where

CALL = re.compile(r"\bcheck\(\s*\"([\w-]+-\d+)\"")
CLASS = "exercise-check"


def add_forms(app: Sphinx, doctree: nodes.document) -> None:
    """Put a form after each first cell that checks an exercise."""
    done = set()
    for block in list(doctree.findall(nodes.literal_block)):
        call = CALL.search(block.astext())
        cell = next((n for n in ancestors(block) if "cell" in n.get("classes", [])), None)
        if not call or cell is None or call[1] in done:
            continue
        done.add(call[1])
        if sealed := seal(find(call[1])):
            form = nodes.raw("", markup(sealed), format="html")
            cell.parent.insert(cell.parent.index(cell) + 1, form)


def markup(sealed: dict) -> str:
    """The form, hidden until the script that makes it work has come."""
    field = f"check-{sealed['key']}"
    content = choices(field, sealed) if "letters" in sealed else line(field, sealed)
    text = json.dumps(sealed, separators=(",", ":")).replace("</", "<\\/")
    return (
        f'<form class="{CLASS}" id="{field}" hidden>{content}<output aria-live="polite"></output>'
        f'<script type="application/json">{text}</script></form>'
    )


def line(field: str, sealed: dict) -> str:
    """A line for numbers or formulas."""
    names = sealed["variables"]
    kind = "number" if sealed["count"] == 1 else f"{sealed['count']} numbers, with commas between"
    if names:
        kind = "formula" if sealed["count"] == 1 else f"{sealed['count']} formulas, with commas"
        kind += f", in {', '.join(names)}"
    example = "such as 2*sqrt(pi)" if not names else "such as (1 - exp(-2*x^2))/3"
    return (
        f'<label for="{field}-answer">Your answer: a {escape(kind)}</label>'
        f'<div><input id="{field}-answer" autocomplete="off" autocapitalize="off" '
        f'spellcheck="false" placeholder="{escape(example)}">'
        f'<button type="submit">Check</button></div>'
    )


def choices(field: str, sealed: dict) -> str:
    """A box for each option, or a button where only one is right."""
    kind, which = ("checkbox", "those") if sealed["several"] else ("radio", "the one")
    boxes = "".join(
        f'<label><input type="{kind}" name="{field}" value="{letter}"> ({letter})</label>'
        for letter in sealed["letters"]
    )
    return (
        f"<fieldset><legend>Your answer: tick {which} that you think right</legend>{boxes}"
        f'<button type="submit">Check</button></fieldset>'
    )


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("doctree-read", add_forms)
    app.connect("html-page-context", load_where(CLASS, script="exercises.js"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
