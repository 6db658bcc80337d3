"""Sphinx extension: the site asks no other host for anything, over http and over file://.

It copies what tools/vendor.py fetched into the site, and warns (so that `-W` fails the build) about
any page that still loads something external.
"""

import re
import shutil
from pathlib import Path

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
# Links that name a page rather than load it.
RELATIONS = re.compile(r"""rel=["'](?:canonical|license|alternate)["']""")


def copy_vendored(app: Sphinx) -> None:
    """Copy the fonts into the site's _static folder."""
    if app.builder.format != "html":
        return
    if not WEB.is_dir():
        raise RuntimeError("tools/web/node_modules is missing: run `make book`, which fetches it")
    static = Path(app.outdir) / "_static" / "vendor"
    for family, cuts in FONTS.items():
        package = WEB / "@fontsource-variable" / family
        copy(package / "LICENSE", static / "fonts" / f"{family}-LICENSE")
        for name in (f"{family}-{a}-{cut}.woff2" for a in ALPHABETS for cut in cuts):
            copy(package / "files" / name, static / "fonts" / name)


def copy(source: Path, target: Path) -> None:
    """Copy a file, making the folders above it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def finish(app: Sphinx, exception: Exception | None) -> None:
    """Look for external loads."""
    if exception or app.builder.format != "html":
        return
    out = Path(app.outdir)
    for page in sorted(out.rglob("*.html")):
        for url in external_loads(page.read_text(encoding="utf-8")):
            log.warning("%s loads %s from another host", page.relative_to(out), url, type="offline")


def external_loads(html: str) -> list[str]:
    """The addresses on other hosts that a page loads by itself."""
    return [m.group(1) for m in LOADS.finditer(html) if not RELATIONS.search(m.group(0))]


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    app.connect("builder-inited", copy_vendored)
    app.connect("build-finished", finish, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
