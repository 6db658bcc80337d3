"""What is cut out of the finished site is what no page shows: rules, letters, pixels' bytes."""

import io

import numpy as np
import pytest
from fontTools.ttLib import TTFont
from PIL import Image

from tests.site.pages import ROOT
from tools import light_site, vendor
from tools.light_fonts import FEATURES, cut_font

FONTS = vendor.WEB / "node_modules" / "@fontsource-variable"
SERIF = FONTS / "source-serif-4" / "files" / "source-serif-4-latin-wght-normal.woff2"


@pytest.mark.parametrize(
    ("css", "left"),
    [
        (".used{color:red}", ".used{color:red}\n"),
        (".unused{color:red}", ""),
        (".used .unused{color:red}", ""),
        (".unused, .used > p{color:red}", ".used > p{color:red}\n"),
        ("p:not(.unused){color:red}", "p:not(.unused){color:red}\n"),
        ("p:is(.unused, .used){color:red}", "p:is(.unused, .used){color:red}\n"),
        ("#id, p[class~=unused]{color:red}", "#id,p[class~=unused]{color:red}\n"),
        ("@media print{.unused{color:red}}", ""),
        ("@media print{.used{color:red}}", "@media print{.used{color:red}\n}\n"),
        ("@font-face{font-family:F}", "@font-face{font-family:F}\n"),
        ("/* a */.used{/* b */color: red;\n  top: 0}", ".used{color: red; top: 0}\n"),
        (".used::after{content: 'a  b'}", '.used::after{content: "a  b"}\n'),
        (".lf-play{color:red}", ".lf-play{color:red}\n"),
    ],
)
def test_rules_for_classes_that_do_not_occur_are_dropped(css, left):
    assert light_site.pruned(css, {"used"}) == left


def test_classes_are_those_of_pages_and_any_word_of_a_script():
    page = """<p class="a b-c"><i class='d'>unused</i><script>toggle("e_f")</script>"""
    found = light_site.classes_in_use([page], ["add('g')"])
    assert {"a", "b-c", "d", "e_f", "g"} <= found
    assert "unused" not in found


def test_classes_that_figures_put_together_are_kept():
    """In figure.css each class stands in a script, or begins as the composed ones do."""
    sheet = ROOT / "labcore" / "live" / "web" / "figure.css"
    scripts = [path.read_text() for path in sheet.parent.glob("*.js")]
    css = sheet.read_text()
    everything = light_site.pruned(css, set(light_site.WORD.findall(css)))
    assert light_site.pruned(css, light_site.classes_in_use([], scripts)) == everything


def test_a_font_keeps_the_characters_that_are_asked_for(tmp_path):
    target = tmp_path / "cut.woff2"
    cut_font(SERIF, target, map(ord, "Matérn 1.5"), features=FEATURES, weights=(400, 700))
    with TTFont(target) as font:
        assert set(font.getBestCmap()) == set(map(ord, "Matérn 1.5"))
        (axis,) = font["fvar"].axes
        assert (axis.axisTag, axis.minValue, axis.maxValue) == ("wght", 400, 700)
        assert "kern" in {r.FeatureTag for r in font["GPOS"].table.FeatureList.FeatureRecord}
    assert target.stat().st_size < SERIF.stat().st_size / 5


def test_pictures_keep_every_pixel(tmp_path):
    (tmp_path / "_images").mkdir()
    (tmp_path / "_static").mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (40, 30, 4), dtype=np.uint8)
    pixels[..., 3] |= 1  # the colour of what is transparent may be lost
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG")
    (tmp_path / "_images" / "a.png").write_bytes(stream.getvalue())
    (tmp_path / "p.html").write_text('<img src="_images/a.png"><img src="other/a.png">')
    light_site.lighten_pictures(tmp_path)
    page = (tmp_path / "p.html").read_text()
    assert page == '<img src="_images/a.webp"><img src="other/a.png">'
    with Image.open(tmp_path / "_images" / "a.webp") as image:
        np.testing.assert_array_equal(np.asarray(image.convert("RGBA")), pixels)


def test_the_search_is_loaded_where_one_searches(site):
    loads = {
        page.relative_to(site).as_posix()
        for page in site.rglob("*.html")
        if "searchindex.js" in page.read_text(encoding="utf-8")
    }
    assert loads == {"search.html"}
