"""Each fault that the checks look for, planted in a copied page, is found by the same checks."""

import shutil

import pytest

from tests.site.browse import inspect, serve
from tests.site.pages import broken_links, read_site
from tools.offline_site import external_loads

PAGE = "book/notation.html"  # a page with mathematics

FAULTS = {
    "script of another host": (
        '<script src="https://cdn.example.org/x.js"></script>',
        "elsewhere",
        "cdn.example.org",
    ),
    "missing image": ('<img src="none.png" alt="none">', "failed", "404"),
    "console error": ("<script>console.error('planted fault')</script>", "console", "planted"),
    "uncaught exception": ("<script>planted.fault()</script>", "console", "uncaught"),
    "raw dollar": ("<p>the value $x^2$ here</p>", "mathematics", "raw: $x^2$"),
    "unknown command": (
        '<p><span class="math">\\(\\nosuchcommand{x}\\)</span></p>',
        "mathematics",
        "nosuchcommand",
    ),
    "too wide": ('<div style="width: 600px">wide</div>', "too_wide", "px wide"),
    "pale text": ('<p style="color: #bbb; background: #fff">pale</p>', "accessibility", "contrast"),
    "image without alt": (
        '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">',
        "accessibility",
        "alt",
    ),
}


def plant(site, folder, html):
    """A site of one page in `folder`, with `html` planted at the end of its article."""
    (folder / "book").mkdir()
    (folder / "_static").symlink_to(site.resolve() / "_static")
    for name in ("searchindex.js", "genindex.html", "search.html"):
        shutil.copy(site / name, folder / name)
    text = (site / PAGE).read_text(encoding="utf-8")
    assert text.count("</article>") == 1
    (folder / PAGE).write_text(text.replace("</article>", html + "</article>"), encoding="utf-8")


@pytest.mark.parametrize("fault", FAULTS)
def test_planted_fault_is_found(browser, site, tmp_path, fault):
    html, kind, words = FAULTS[fault]
    plant(site, tmp_path, html)
    with serve(tmp_path) as url:
        report = inspect(browser, f"{url}/{PAGE}", audit=kind == "accessibility")
    found = getattr(report, kind)
    assert any(words in line for line in found), found


def test_page_without_a_planted_fault_is_clean(browser, site, tmp_path):
    plant(site, tmp_path, "<p>Nothing is wrong with this.</p>")
    with serve(tmp_path) as url:
        report = inspect(browser, f"{url}/{PAGE}")
    assert {kind: found for kind, found in vars(report).items() if found} == {}


@pytest.mark.parametrize("href", ["no-such-page.html", "#no-such-fragment", "../search.html#none"])
def test_planted_broken_link_is_found(site, tmp_path, href):
    plant(site, tmp_path, f'<a href="{href}">nowhere</a>')
    assert any(href in line for line in broken_links(read_site(tmp_path)))


@pytest.mark.parametrize(
    ("html", "loads"),
    [
        ('<script async src="https://cdn.example.org/x.js"></script>', 1),
        ('<link rel="stylesheet" href="//fonts.example.org/css">', 1),
        ('<img alt="" src="http://example.org/x.png">', 1),
        ('<link rel="canonical" href="https://example.org/">', 0),
        ('<a href="https://example.org/">a link loads nothing</a>', 0),
        ('<img alt="" src="../x.png">', 0),
    ],
)
def test_build_notices_external_loads(html, loads):
    assert len(external_loads(html)) == loads
