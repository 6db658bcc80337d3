"""Bundle the scripts of the live figures, from labcore/live/web into labcore/live/assets.

Two bundles of the same sources: `figures.js`, a plain script for the site, which works over http
and from a file, and `widget.js`, a module for JupyterLab. Nothing bundled is committed. The
libraries come by tools/web/package-lock.json; their licences go into the bundle's folder.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "labcore" / "live" / "web"
ASSETS = ROOT / "labcore" / "live" / "assets"
MODULES = ROOT / "tools" / "web" / "node_modules"


def main() -> None:
    """Write the bundles, the style and the licences."""
    ASSETS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        worker = Path(scratch) / "worker.js"
        esbuild(SOURCES / "worker.js", worker, "--format=iife")
        source = f"--define:WORKER_SOURCE={json.dumps(worker.read_text())}"
        used = esbuild(SOURCES / "site.js", ASSETS / "figures.js", "--format=iife", source)
        esbuild(SOURCES / "widget.js", ASSETS / "widget.js", "--format=esm", source)
        esbuild(SOURCES / "figure.css", ASSETS / "figures.css")
    (ASSETS / "LICENSES.txt").write_text(licences(used), encoding="utf-8")


def esbuild(source: Path, target: Path, *options: str) -> set[str]:
    """Bundle one entry point; returns the packages of npm that went into it."""
    with tempfile.TemporaryDirectory() as scratch:
        meta = Path(scratch) / "meta.json"
        command = [
            str(binary()),
            str(source),
            "--bundle",
            "--minify",
            "--target=es2022",
            "--log-level=warning",
            f"--outfile={target}",
            f"--metafile={meta}",
            *options,
        ]
        subprocess.run(command, check=True, cwd=ROOT, env={**os.environ, "NODE_PATH": str(MODULES)})
        inputs = json.loads(meta.read_text())["inputs"]
    modules = "node_modules/"
    return {path.split(modules)[1].split("/")[0] for path in inputs if modules in path}


def binary() -> Path:
    """The bundler's program for this system, which npm chose when it installed the package."""
    for name in ("bin/esbuild", "esbuild.exe"):
        if found := sorted((MODULES / "@esbuild").glob(f"*/{name}")):
            return found[0]
    raise RuntimeError("esbuild is missing: run `python -m tools.vendor`, which fetches it")


def licences(packages: set[str]) -> str:
    """The licence of each package that is part of the bundles."""
    texts = [f"{name}\n\n{(MODULES / name / 'LICENSE').read_text()}" for name in sorted(packages)]
    return ("\n" + "-" * 80 + "\n").join(texts)


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {error.cmd[0]} failed (exit {error.returncode})")
