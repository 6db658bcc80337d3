"""Sphinx extension: mathematics is typeset when the site is built, not in the reader's browser.

MathJax runs in Node (tools/web/typeset.js) and gives the same HTML as it would in a browser, with
MathML beside it for those who listen. A page then needs no script and does not move while it is
read. What it costs was measured on the six chapters, compressed, against the source in TeX:

    HTML and MathML, 270 to 420 formulas a page       8 to 14 kB
    one style sheet, and of each font what is used    30 kB
    MathJax in the browser, instead                   400 kB

MathML alone would add 1 kB, but its looks depend on the browser, and a font for it weighs more than
what is saved. SVG repeats each glyph's outline. A formula that MathJax refuses fails the build.
"""

import hashlib
import json
import re
import shutil
import subprocess
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.locale import _
from sphinx.util import logging
from sphinx.util.math import get_node_equation_number
from sphinx.writers.html5 import HTML5Translator

from tools import vendor
from tools.light_fonts import cut_font

log = logging.getLogger(__name__)

FOLDER = "vendor/mathjax"  # in _static
STYLE = f"{FOLDER}/mathematics.css"
TYPESETTER = vendor.WEB / "typeset.js"
MATHJAX = vendor.WEB / "node_modules" / "mathjax"
FACE = re.compile(r"@font-face[^{]*\{[^}]*\}\s*")
FAMILY = re.compile(r"font-family: (\S+?);")
FILE = re.compile(r'url\("\./([\w-]+)\.woff"\) format\("woff"\)')
INSERTS = re.compile(r'([^{}]+)\{[^{}"]*content: "((?:[^"\\]|\\.)*)"')
VARIANT = re.compile(r"\.TEX(-\w+)::before")
ESCAPE = re.compile(r"\\([0-9A-Fa-f]{1,6} ?|.)")
EMPTY = "MJXZERO"  # comes first everywhere: it has no letters, and a line has its height
STRETCHED = ["MJXTEX", "MJXTEX-A", "MJXTEX-S1", "MJXTEX-S4"]  # the parts of brackets and arrows
DIGITS = re.compile(r"[0-9A-Fa-f]+ ?")


class FormulaError(ValueError):
    """MathJax cannot typeset a formula; the message is its own."""


class Typesetter:
    """MathJax in a process of its own, which lives as long as there are formulas.

    Parameters
    ----------
    config : dict
        MathJax's configuration, as a page would set it: macros and packages.
    """

    def __init__(self, config: dict[str, Any]):
        command = [str(vendor.node()), str(TYPESETTER)]
        pipe = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "encoding": "utf-8"}
        self._process = subprocess.Popen(command, **pipe)
        self._send({"config": config})
        self.html = cache(self._html)  # many formulas are single letters

    def _html(self, tex: str, display: bool) -> str:
        """The HTML of a formula. Raises FormulaError."""
        answer = self._ask({"tex": tex, "display": display})
        if "error" in answer:
            raise FormulaError(answer["error"])
        return answer["html"]

    @property
    def is_running(self) -> bool:
        """Whether it still takes formulas."""
        return self._process.poll() is None

    def finish(self) -> str:
        """End the process; the style sheet of all that was typeset."""
        css = self._ask({"finish": True})["css"]
        self._process.communicate()
        return css

    def _send(self, message: dict[str, Any]) -> None:
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _ask(self, message: dict[str, Any]) -> dict[str, Any]:
        self._send(message)
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"MathJax ended: status {self._process.wait()}, see above")
        return json.loads(line)


def typesetter(app: Sphinx) -> Typesetter:
    """The one of this build, started when the first formula comes."""
    if getattr(app, "typesetter", None) is None:
        app.typesetter = Typesetter(app.config.mathjax3_config)
    return app.typesetter


def visit_math(self: HTML5Translator, node: nodes.math) -> None:
    """Write a formula in the text."""
    start = self.starttag(node, "span", "", CLASS="math notranslate nohighlight")
    self.body.append(f"{start}{typeset(self, node, node.astext(), False)}</span>")
    raise nodes.SkipNode


def visit_displaymath(self: HTML5Translator, node: nodes.math_block) -> None:
    """Write a displayed formula, with its number."""
    self.body.append(self.starttag(node, "div", CLASS="math notranslate nohighlight"))
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    tex = node.astext() if node["nowrap"] else aligned(node.astext())
    self.body.append(f"{typeset(self, node, tex, True)}</div>\n")
    raise nodes.SkipNode


def aligned(tex: str) -> str:
    """The formula with what Sphinx says of line breaks: a blank line and `\\\\` begin a new one."""
    parts = [part for part in tex.split("\n\n") if part.strip()]
    parts = [rf"\begin{{split}}{p}\end{{split}}" if r"\\" in p else p for p in parts]
    if len(parts) < 2:
        return "".join(parts)
    return r"\begin{aligned}" + r" \\ ".join(parts) + r"\end{aligned}"


def typeset(self: HTML5Translator, node: nodes.Node, tex: str, display: bool) -> str:
    """The HTML of a formula; a warning, which fails the build, if there is none."""
    try:
        return typesetter(self.builder.app).html(tex.strip(), display)
    except FormulaError as error:
        log.warning("%s, in the formula %s", error, tex.strip(), location=node, type="mathematics")
        return self.encode(tex)


def link_style(app: Sphinx, page: str, template: str, context: dict, doctree: Any) -> None:
    """Link the style on pages that have mathematics: in their text, or in a title beside it."""
    if "mjx-container" in "".join(str(v) for v in context.values() if isinstance(v, str)):
        app.add_css_file(STYLE)


def write_style(app: Sphinx, exception: Exception | None) -> None:
    """Write the style sheet and the fonts, each with the characters that were used."""
    if getattr(app, "typesetter", None) is None:
        return
    css = app.typesetter.finish()
    app.typesetter = None
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    folder = out / "_static" / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "LICENSE").write_bytes((MATHJAX / "LICENSE").read_bytes())
    css = write_fonts(css, folder)
    (out / "_static" / STYLE).write_text(css, encoding="utf-8")
    # When the pages were written it was not known yet: now browsers can tell old from new.
    version = hashlib.sha256(css.encode()).hexdigest()[:8]
    for page in out.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(text.replace(f'{STYLE}"', f'{STYLE}?v={version}"'), encoding="utf-8")


def write_fonts(css: str, folder: Path) -> str:
    """Write the fonts that a style sheet uses, cut to its characters; returns it naming these."""
    used = characters(css)
    for face in FACE.findall(css):
        family, name = FAMILY.search(face)[1], FILE.search(face)[1]
        woff = MATHJAX / "es5" / "output" / "chtml" / "fonts" / "woff-v2" / f"{name}.woff"
        if family == EMPTY:
            shutil.copyfile(woff, folder / woff.name)
            continue
        if not used[family]:
            css = css.replace(face, "")
            continue
        target = folder / f"{name}.woff2"
        cut_font(woff, target, used[family])
        version = hashlib.sha256(target.read_bytes()).hexdigest()[:8]
        source = f'url("{target.name}?v={version}") format("woff2")'
        css = css.replace(FILE.search(face)[0], source)
    return css


def characters(css: str) -> dict[str, set[int]]:
    """The characters that a style sheet inserts, which are all that MathJax shows, by font."""
    used = defaultdict(set)
    for selector, text in INSERTS.findall(css):
        inserted = {ord(c) for c in ESCAPE.sub(_unescaped, text)}
        variant = VARIANT.search(selector)
        own = f"MJXTEX{variant[1] if variant else ''}"
        for family in STRETCHED if "stretchy" in selector else [own]:
            used[family] |= inserted
    return used


def _unescaped(match: re.Match) -> str:
    return chr(int(match[1], 16)) if DIGITS.fullmatch(match[1]) else match[1]


def setup(app: Sphinx) -> dict:
    """Register the renderer under the name that _config.yml chooses."""
    app.add_html_math_renderer("typeset", (visit_math, None), (visit_displaymath, None))
    app.connect("html-page-context", link_style)
    app.connect("build-finished", write_style, priority=800)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
