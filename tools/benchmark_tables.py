"""Sphinx extension: the benchmarks' stored measurements as tables.

`{benchmark-machine}` says what was measured on and when, `{benchmark-tables}` has a section with a
table for each subject, `{benchmark-sweep}` says what ten million paths cost. All numbers come from
benchmarks/results.json, and the sentences about missed aims from benchmarks/missed.yml. On a narrow
screen a row becomes a card (benchmarks.css).
"""

import json
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import yaml
from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from tools.sphinx_parts import load_where

FOLDER = Path(__file__).resolve().parent.parent / "benchmarks"
RESULTS = FOLDER / "results.json"
MISSED = FOLDER / "missed.yml"
COLUMNS = ("Task", "labcore", "Best peer", "Ratio", "Machine's limit", "First call")
# What sets a limit, and what is counted of it.
RESOURCES = {
    "gemm": "matrix products",
    "exps": "exponentials",
    "sincos": "sines and cosines",
    "normals": "normal draws",
    "bytes": "memory traffic",
}
UNITS = {
    "gemm": "floating-point operations in a matrix product",
    "exps": "exponentials",
    "sincos": "sines or cosines",
    "normals": "normal draws",
    "bytes": "bytes copied",
}

# The table of a sweep: the workload whose row it stands on, and what it shows.
SWEEP = "euler_maruyama"
SWEEP_STEPS = (1000, 100_000, 1_000_000)
SWEEP_CORES = (1, 2, 64)


class Standing(NamedTuple):
    """How labcore stands beside its peers in one task, on one number of threads."""

    ms: float
    peer: str | None
    peer_ms: float | None
    ratio: float | None


def standing(row: dict[str, Any], threads: int = 1) -> Standing | None:
    """labcore's time and its best peer's; None where labcore was not measured."""
    ways = dict(row.get(f"threads_{threads}", {}).get("ways", {}))
    if not ways:
        return None
    ours = ways.pop(next(iter(ways)))
    peers = {name: way for name, way in ways.items() if "failed" not in way}
    if not peers:
        return Standing(ours["ms"], None, None, None)
    best = min(peers, key=lambda name: peers[name]["ratio"][0])
    return Standing(ours["ms"], best, peers[best]["ms"], peers[best]["ratio"][0])


def misses_its_aim(row: dict[str, Any]) -> bool:
    """Whether a row's ratio, as it is shown, is below its aim, or below 1; a failure is."""
    stands = standing(row)
    if stands is None:
        return True
    return stands.ratio is not None and float(rounded(stands.ratio, 2)) < (row["aim"] or 1.0)


def rounded(value: float, digits: int = 3) -> str:
    """A number with so many significant digits, never in scientific notation."""
    shown = float(f"{value:.{digits}g}")
    decimals = max(0, digits - 1 - _exponent(shown))
    return f"{shown:.{decimals}f}"


def _exponent(value: float) -> int:
    return int(f"{value:e}".partition("e")[2])


def machine_html(stored: dict[str, Any]) -> str:
    """When and on what the measurements were made, what that machine can do, and the versions."""
    days = sorted({row["date"] for row in stored["rows"]})
    machine = stored["machine"]
    versions = ", ".join(f"{name} {v}" for name, v in stored["versions"].items())
    rates = ", ".join(
        f"{rounded(stored['rates'][name] / 1e9)} {unit}" for name, unit in UNITS.items()
    )
    imports = dict(stored["imports"])
    numpy = imports.pop("numpy")
    parts = ", ".join(f"<code>{escape(name)}</code> {_s(s)}" for name, s in imports.items())
    memory = f", {machine['memory_GiB']} GiB" if machine["memory_GiB"] else ""
    facts = {
        "Measured": " to ".join(days[:: max(1, len(days) - 1)]),
        "Machine": escape(
            f"{machine['processor']}, {machine['cores']} cores{memory}, {machine['system']}"
        ),
        "One thread does in a nanosecond": rates,
        "Versions": escape(versions),
        "Imports": f"NumPy {_s(numpy)}; and beyond NumPy {parts}",
    }
    items = "".join(f"<dt>{name}</dt><dd>{text}</dd>" for name, text in facts.items())
    return f'<dl class="benchmark-machine">{items}</dl>'


def table_html(rows: list[dict[str, Any]], missed: dict[str, str]) -> str:
    """The table of one subject. The roles keep it a table where its style makes it cards."""
    head = "".join(f'<th role="columnheader" scope="col">{c}</th>' for c in COLUMNS)
    body = "".join(row_html(row, missed.get(row["name"])) for row in rows)
    return (
        '<table class="benchmarks" role="table">'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>'
    )


def row_html(row: dict[str, Any], why: str | None) -> str:
    """A task: its numbers, and below them why an aim is missed, the other ways, what failed."""
    cells = zip(COLUMNS, (_task(row), *_numbers(row)), strict=True)
    tds = "".join(f'<td role="cell" data-label="{c}">{text}</td>' for c, text in cells)
    below = "".join(f"<p>{remark}</p>" for remark in _remarks(row, why))
    more = f'<tr role="row"><td role="cell" colspan="{len(COLUMNS)}">{below}</td></tr>'
    return f'<tr role="row">{tds}</tr>{more if below else ""}'


def _task(row: dict[str, Any]) -> str:
    sizes = ", ".join(f"{name} = {value}" for name, value in row["sizes"].items())
    return escape(row["what"].rstrip(".")) + _small(f"<code>{row['name']}</code> {escape(sizes)}")


def _numbers(row: dict[str, Any]) -> tuple[str, ...]:
    stands, both = standing(row), standing(row, threads=2)
    if stands is None:
        return ("failed", "", "", "", "")
    ours = _ms(stands.ms)
    if both:
        ours += _small(f"2 threads: {_ms(both.ms)}")
    peer = "none"
    if stands.peer:
        peer = _ms(stands.peer_ms) + _small(escape(stands.peer))
    ratio = rounded(stands.ratio, 2) if stands.ratio else "–"
    if misses_its_aim(row):
        ratio += f'<small class="missed">▽ below {row["aim"] or 1:g}</small>'
    elif row["aim"] and stands.ratio:
        ratio += f'<small class="met">✓ aim {row["aim"]:g}</small>'
    limit = "–"
    if "limit_ms" in row:
        times = rounded(stands.ms / row["limit_ms"], 2)
        limit = _ms(row["limit_ms"])
        limit += _small(f"of {RESOURCES[row['bound_by']]}; labcore takes {times} times that")
    first = _s(row["compile_s"]) + _small(f"cached: {_s(row['warm_s'])}")
    return ours, peer, ratio, limit, first


def _remarks(row: dict[str, Any], why: str | None) -> list[str]:
    remarks = []
    if why:
        remarks.append(f"<strong>Why below the aim:</strong> {escape(why)}")
    if row["compared"] != "time":
        remarks.append(f"The ratio compares {escape(row['compared'])}.")
    stands = standing(row)
    ways = row.get("threads_1", {}).get("ways", {})
    others = [
        f"{escape(name)} {_ms(way['ms'])} (ratio {rounded(way['ratio'][0], 2)})"
        for name, way in list(ways.items())[1:]
        if "failed" not in way and name != stands.peer
    ]
    if others:
        remarks.append(f"Others: {'; '.join(others)}.")
    failures = {"labcore": row["failed"]} if "failed" in row else {}
    for threads in (1, 2):
        measured = row.get(f"threads_{threads}", {})
        suffix = "" if threads == 1 else " on 2 threads"
        if "failed" in measured:
            failures[f"labcore{suffix}"] = measured["failed"]
        for name, way in measured.get("ways", {}).items():
            if "failed" in way:
                failures[f"{name}{suffix}"] = way["failed"]
    remarks += [f"{escape(name)} failed: {escape(reason)}." for name, reason in failures.items()]
    return remarks


def _ms(value: float) -> str:
    return f"{rounded(value)}&nbsp;ms"


def _s(seconds: float) -> str:
    """Seconds to a hundredth; a difference of two measurements may have come out below zero."""
    return f"{max(seconds, 0.0):.2f}&nbsp;s"


def _small(text: str) -> str:
    return f"<small>{text}</small>"


class Machine(SphinxDirective):
    """`{benchmark-machine}`."""

    def run(self) -> list[nodes.Node]:
        """The facts, as a definition list."""
        self.env.note_dependency(str(RESULTS))
        return [nodes.raw("", machine_html(json.loads(RESULTS.read_text("utf-8"))), format="html")]


class Tables(SphinxDirective):
    """`{benchmark-tables}`."""

    def run(self) -> list[nodes.Node]:
        """A section with a table for each subject, in the order of the rows."""
        for file in (RESULTS, MISSED):
            self.env.note_dependency(str(file))
        rows = json.loads(RESULTS.read_text("utf-8"))["rows"]
        missed = yaml.safe_load(MISSED.read_text("utf-8")) or {}
        sections = []
        for subject, group in groupby(rows, lambda row: row["subject"]):
            section = nodes.section(
                ids=[nodes.make_id(subject)], names=[nodes.fully_normalize_name(subject)]
            )
            section += nodes.title(subject, subject)
            section += nodes.raw("", table_html(list(group), missed), format="html")
            sections.append(section)
        return sections


class Sweep(SphinxDirective):
    """`{benchmark-sweep}`."""

    def run(self) -> list[nodes.Node]:
        """What ten million paths cost, from the row of the Euler-Maruyama method."""
        self.env.note_dependency(str(RESULTS))
        rows = json.loads(RESULTS.read_text("utf-8"))["rows"]
        row = next(row for row in rows if row["name"] == SWEEP)
        return [nodes.raw("", sweep_html(row), format="html")]


def sweep_html(row: dict[str, Any], n_paths: int = 10**7) -> str:
    """A table: what so many paths cost, for some numbers of steps and of workers."""
    steps = row["sizes"]["n_paths"] * row["sizes"]["n_steps"]
    seconds_a_step = 1e-3 * standing(row).ms / steps
    heads = ["Steps of a path", "Paths in a second's batch", *(f"{n} cores" for n in SWEEP_CORES)]
    lines = []
    for n_steps in SWEEP_STEPS:
        total = n_paths * n_steps * seconds_a_step
        times = [duration(total / n) for n in SWEEP_CORES]
        batch = rounded(1.0 / (n_steps * seconds_a_step), 2)
        cells = "".join(f"<td>{cell}</td>" for cell in (batch, *times))
        lines.append(f'<tr><th scope="row">{n_steps}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    head = f"<thead><tr>{head}</tr></thead>"
    return f'<table class="table">{head}<tbody>{"".join(lines)}</tbody></table>'


def duration(seconds: float) -> str:
    """A duration with two digits, in a unit that suits it."""
    for unit, size in (("h", 3600.0), ("min", 60.0)):
        if seconds >= size:
            return f"{rounded(seconds / size, 2)}&nbsp;{unit}"
    return f"{rounded(seconds, 2)}&nbsp;s"


def setup(app: Sphinx) -> dict:
    """Register the directives."""
    app.add_directive("benchmark-machine", Machine)
    app.add_directive("benchmark-tables", Tables)
    app.add_directive("benchmark-sweep", Sweep)
    app.connect("html-page-context", load_where('class="benchmarks"', style="benchmarks.css"))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
