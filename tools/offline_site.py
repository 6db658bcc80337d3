"""Sphinx extension: the site asks no other host for anything, over http and over file://.

It copies what tools/vendor.py fetched into the site, and warns (so that `-W` fails the build) about
any page that still loads something external.
"""

import re
import shutil
from pathlib import Path

from fontTools import subset
from sphinx.application import Sphinx
from sphinx.util import logging

log = logging.getLogger(__name__)

WEB = Path(__file__).resolve().parent / "web" / "node_modules"
FONTS = {
    "source-serif-4": ("wght-normal", "wght-italic"),
    "source-sans-3": ("wght-normal", "wght-italic"),
    "source-code-pro": ("wght-normal",),
}
ALPHABETS = ("latin", "latin-ext", "greek")

LOADS = re.compile(
    r"<(?:script|link|img|iframe|source|video|audio|object|embed)\b[^>]*?"
    r"""(?:src|href|data)=["']((?:https?:)?//[^"']+)""",
    re.IGNORECASE,
)
ICON = re.compile(r"\bfa-[a-z0-9-]+")
INSERTS = re.compile(r"""([^{}]*)\{[^{}]*content:\s*["']\\([0-9a-f]{2,5})["']""")
# Links that name a page rather than load it.
RELATIONS = re.compile(r"""rel=["'](?:canonical|license|alternate)["']""")


def copy_vendored(app: Sphinx) -> None:
    """Copy MathJax and the fonts into the site's _static folder."""
    if app.builder.format != "html":
        return
    if not WEB.is_dir():
        raise RuntimeError("tools/web/node_modules is missing: run `make book`, which fetches it")
    static = Path(app.outdir) / "_static" / "vendor"
    mathjax = WEB / "mathjax" / "es5"
    for part in ("tex-chtml.js", "output/chtml/fonts/woff-v2", "input/tex/extensions"):
        copy(mathjax / part, static / "mathjax" / part)
    copy(mathjax.parent / "LICENSE", static / "mathjax" / "LICENSE")
    for family, cuts in FONTS.items():
        package = WEB / "@fontsource-variable" / family
        copy(package / "LICENSE", static / "fonts" / f"{family}-LICENSE")
        for name in (f"{family}-{a}-{cut}.woff2" for a in ALPHABETS for cut in cuts):
            copy(package / "files" / name, static / "fonts" / name)


def copy(source: Path, target: Path) -> None:
    """Copy a file or a folder, making the folders above it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)
    else:
        shutil.copyfile(source, target)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Make the icons light, then look for external loads."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    lighten_icons(out)
    for page in sorted(out.rglob("*.html")):
        for url in external_loads(page.read_text(encoding="utf-8")):
            log.warning("%s loads %s from another host", page.relative_to(out), url, type="offline")


def lighten_icons(out: Path) -> None:
    """Leave of Font Awesome what the pages show: 1.5 MB of script a page, and two large fonts."""
    script = out / "_static" / "scripts" / "fontawesome.js"
    if script.exists():
        script.write_text("/* The icons come from the web font, through the style sheet. */\n")
    static = out / "_static"
    styles = "".join(p.read_text(encoding="utf-8") for p in sorted(static.rglob("*.css")))
    # An icon in use is a class of a page or script, or a character that a style sheet inserts.
    sources = [*sorted(out.rglob("*.html")), *sorted(static.rglob("*.js"))]
    used = {c for p in sources for c in ICON.findall(p.read_text(encoding="utf-8"))}
    characters = {
        int(code, 16)
        for selectors, code in INSERTS.findall(styles)
        if not (names := set(ICON.findall(selectors))) or names & used
    }
    for font in sorted((static / "vendor" / "fontawesome").rglob("*.woff2")):
        options = subset.Options(flavor="woff2", layout_features=[], notdef_outline=True)
        loaded = subset.load_font(str(font), options)
        cut = subset.Subsetter(options)
        cut.populate(unicodes=characters)
        cut.subset(loaded)
        subset.save_font(loaded, str(font), options)
    for left in [*static.rglob("fa-*.ttf"), *static.rglob("*.map")]:
        left.unlink()  # for browsers before 2014, and for those who debug the theme


def external_loads(html: str) -> list[str]:
    """The addresses on other hosts that a page loads by itself."""
    return [m.group(1) for m in LOADS.finditer(html) if not RELATIONS.search(m.group(0))]


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("builder-inited", copy_vendored)
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
