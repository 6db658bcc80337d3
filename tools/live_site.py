"""Sphinx extension: live figures on the site.

A notebook's output of our own kind (see labcore/live/figure.py) becomes the still picture with the
figure's description beside it; a script makes it live. The script comes at the first figure of a
page, and no page without a figure loads anything. The kernels are one more script, with the
WebAssembly module as text, because a page that was opened from a file may not fetch one. It is
compressed before it becomes text: what a server then does to the text takes no less than that.
"""

import base64
import functools
import hashlib
import json
import shutil
import zlib
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.core import render
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from labcore.live import wasm
from labcore.live.figure import MIME

ASSETS = Path(__file__).resolve().parent.parent / "labcore" / "live" / "assets"
FOLDER = "_static/live"
OWN = "live-figure-source"  # the class of the nodes that we write


class LiveFigure(render.MimeRenderPlugin):
    """Writes the description of a figure, and the call that makes it live."""

    @staticmethod
    def handle_mime(renderer: Any, data: render.MimeData, inline: bool) -> list[nodes.Node] | None:
        """The nodes for our kind of output; None for all others."""
        if data.mime_type != MIME or inline:
            return None
        docname = renderer.renderer.sphinx_env.docname
        document = renderer.renderer.document
        is_first = not document.attributes.get("live_figure")
        document.attributes["live_figure"] = True
        html = markup(data.content, "../" * docname.count("/"), version(), is_first)
        return [nodes.raw("", html, format="html", classes=[OWN])]


def markup(spec: dict[str, Any], to_root: str, version: str, is_first: bool) -> str:
    """The HTML that follows the still picture. `to_root` leads from the page to the site's root."""
    text = json.dumps(spec, separators=(",", ":"), ensure_ascii=False).replace("</", "<\\/")
    load = f'<script src="{to_root}{FOLDER}/figures.js?v={version}"></script>' if is_first else ""
    return (
        f'<script type="application/json" class="live-figure-spec">{text}</script>'
        f"{load}<script>labcoreLive.mount(document.currentScript)</script>"
    )


def kernels_script(module: bytes, manifest: dict[str, Any]) -> str:
    """The WebAssembly module, compressed, and how to call it, as a script."""
    compressed = zlib.compress(module, 9)
    content = {"manifest": manifest, "deflated": base64.b64encode(compressed).decode()}
    return f"window.labcoreKernels={json.dumps(content, separators=(',', ':'))}\n"


@functools.cache
def version() -> str:
    """What changes when the scripts or the kernels do, so that browsers do not mix old and new."""
    digest = hashlib.sha256(wasm.module())
    for name in ("figures.js", "figures.css"):
        digest.update((ASSETS / name).read_bytes())
    return digest.hexdigest()[:8]


def join_picture(app: Sphinx, doctree: nodes.document) -> None:
    """Put the description beside the still picture, so that both are in the figure.

    A bundle holds one node for each kind of output, and the builder will choose one of them.
    """
    for raw in list(doctree.findall(nodes.raw)):
        if OWN not in raw["classes"]:
            continue
        own, bundle = raw.parent, raw.parent.parent
        picture = next(n for n in bundle if n.get("mime_type") == "image/png")
        bundle.remove(own)
        for image in picture.findall(nodes.image):
            image["loading"] = "lazy"  # so that it only comes where it is seen: in print
        picture.append(raw)
        if isinstance(bundle.parent, nodes.figure):
            bundle.parent["classes"].append("live-figure")
        app.env.metadata[app.env.docname][OWN] = "yes"


def copy_assets(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Put scripts, style, licences and kernels into the site, if it has a live figure."""
    if app.builder.format == "html" and any(OWN in facts for facts in env.metadata.values()):
        folder = Path(app.outdir) / FOLDER
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("figures.js", "figures.css", "LICENSES.txt"):
            shutil.copyfile(ASSETS / name, folder / name)
        script = kernels_script(wasm.module(), wasm.manifest())
        (folder / "kernels.js").write_text(script, encoding="utf-8")
    return []  # no document has to be read again


def add_style(app: Sphinx, pagename: str, template: str, context: dict, doctree: Any) -> None:
    """Link the style on pages that have a figure."""
    if OWN in app.env.metadata.get(pagename, {}):
        app.add_css_file("live/figures.css")


def setup(app: Sphinx) -> dict:
    """Register the extension."""
    # myst-nb finds renderers by the entry points of installed packages, which tools/ is not.
    installed = render.load_mime_renders
    if not getattr(installed, "with_live_figures", False):
        plugins = [*installed(), LiveFigure]
        render.load_mime_renders = lambda: plugins
        render.load_mime_renders.with_live_figures = True
    app.connect("doctree-read", join_picture)
    app.connect("env-updated", copy_assets)
    app.connect("html-page-context", add_style)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
