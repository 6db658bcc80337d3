"""Formulas are typeset at build time, each with the letters it needs, or the build fails."""

import re

import pytest
import yaml
from fontTools.ttLib import TTFont

from tests.site.pages import ROOT
from tools import mathematics

CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())["sphinx"]["config"]


@pytest.fixture
def typesetter():
    made = mathematics.Typesetter(CONFIG["mathjax3_config"])
    yield made
    if made.is_running:
        made.finish()


def test_a_formula_comes_with_mathml_for_those_who_listen(typesetter):
    html = typesetter.html(r"\E[X] \in \R", False)
    assert html.startswith("<mjx-container")
    assert "<mjx-assistive-mml" in html
    assert '<mi mathvariant="double-struck">E</mi>' in html


@pytest.mark.parametrize("tex", [r"\nosuchcommand{x}", r"\left( x", "x^2^3", r"\frac{1"])
def test_a_formula_that_cannot_be_read_is_an_error(typesetter, tex):
    with pytest.raises(mathematics.FormulaError):
        typesetter.html(tex, False)
    assert "mjx-math" in typesetter.html("x", False), "the next one is typeset"


def test_fonts_have_the_characters_that_the_style_inserts(typesetter, tmp_path):
    typesetter.html(r"\left(\frac{\bm{x} + \mathcal{N}}{\mathsf{T}}\right)^{n} \in \R", True)
    css = mathematics.write_fonts(typesetter.finish(), tmp_path)
    used = mathematics.characters(css)
    assert {"MJXTEX", "MJXTEX-I", "MJXTEX-A", "MJXTEX-C", "MJXTEX-SS", "MJXTEX-BI"} <= set(used)
    assert used["MJXTEX-A"] >= {ord("R")}
    faces = mathematics.FACE.findall(css)
    for face in faces:
        family = mathematics.FAMILY.search(face)[1]
        name = re.search(r'url\("(?:\./)?([\w.-]+)', face)[1]
        with TTFont(tmp_path / name) as font:
            cmap = font.getBestCmap()
        if family != mathematics.EMPTY and family not in mathematics.STRETCHED:
            assert used[family] == set(cmap)
    assert len(faces) < 15, "fonts of which nothing is shown are left out"


@pytest.mark.parametrize(
    ("tex", "whole"),
    [
        ("x", "x"),
        (r"x \\ y", r"\begin{split}x \\ y\end{split}"),
        ("x\n\ny", r"\begin{aligned}x \\ y\end{aligned}"),
    ],
)
def test_line_breaks_are_as_sphinx_has_them(tex, whole):
    assert mathematics.aligned(tex) == whole


def test_every_letter_of_a_page_is_drawn_by_the_fonts_of_the_site(browser, address):
    """None falls back to a font of the reader's machine."""
    tab = browser.new_page()
    tab.goto(f"{address}/book/notation.html")
    tab.evaluate("document.fonts.ready")
    session = tab.context.new_cdp_session(tab)
    session.send("DOM.enable")
    session.send("CSS.enable")
    root = session.send("DOM.getDocument")["root"]["nodeId"]
    found = session.send("DOM.querySelectorAll", {"nodeId": root, "selector": "mjx-c"})["nodeIds"]
    families = {
        font["familyName"]
        for node in found[:150]
        for font in session.send("CSS.getPlatformFontsForNode", {"nodeId": node})["fonts"]
    }
    tab.context.close()
    assert families
    assert all(family.startswith("MathJax") for family in families), families
