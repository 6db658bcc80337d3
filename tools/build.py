"""Build the site: `python -m tools.build` makes _build/html, from nothing, warnings being errors.

Sphinx does not repeat the warnings of pages that it does not read again, so a partial build could
hide a fault. A build is therefore always whole; it is skipped when no input has changed since the
last one that succeeded.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from tools import vendor

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "_build"
SITE = BUILD / "html"
STAMP = BUILD / "built-from"
INPUTS = (
    *("_config.yml", "_toc.yml", "requirements.txt", "book", "notebooks", "labcore", "tools"),
    "courses",
    *("benchmarks/results.json", "benchmarks/missed.yml"),
)
CLUTTER = {"__pycache__", "node_modules", ".ipynb_checkpoints", ".virtual_documents"}
JUPYTER_BOOK = Path(sys.executable).with_name("jupyter-book")
ANSI = re.compile(r"\x1b\[[0-9;]*m")


def main() -> int:
    """Fetch, build and say how to open the result; returns the exit status."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--force", action="store_true", help="build even if nothing has changed")
    status = bring_up_to_date(options.parse_args().force)
    if not status:
        print(f"Open it:  make serve   or   {(SITE / 'index.html').as_uri()}")
    return status


def bring_up_to_date(force: bool = False) -> int:
    """Fetch and build what has changed, or all; returns the exit status."""
    vendor.main()
    inputs = fingerprint()
    if not force and STAMP.exists() and STAMP.read_text() == inputs:
        print("The book is up to date: nothing has changed since it was last built.")
    else:
        status = build()
        if status:
            return status
        STAMP.write_text(inputs)
    return 0


def fingerprint() -> str:
    """A hash of every file that the site is made from."""
    digest = hashlib.sha256()
    for path in input_files():
        digest.update(str(path.relative_to(ROOT)).encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def input_files() -> Iterator[Path]:
    """The files below INPUTS, in a fixed order, without what tools leave behind."""
    for name in INPUTS:
        top = ROOT / name
        for path in sorted(top.rglob("*")) if top.is_dir() else [top]:
            if path.is_file() and not CLUTTER & set(path.relative_to(ROOT).parts):
                yield path


def build() -> int:
    """Run Jupyter Book on a clean slate; returns its exit status."""
    started = time.monotonic()
    print("Building the book from its stored outputs (about a minute) ...", flush=True)
    STAMP.unlink(missing_ok=True)
    for left in (SITE, BUILD / ".doctrees", BUILD / "jupyter_execute"):
        shutil.rmtree(left, ignore_errors=True)
    BUILD.mkdir(exist_ok=True)
    log_file = BUILD / "build.log"
    command = [sys.executable, str(JUPYTER_BOOK), "build", "-W", "-n", "--keep-going", str(ROOT)]
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}  # Sphinx's extensions import from tools
    with log_file.open("w") as log:
        to_log = {"stdout": log, "stderr": subprocess.STDOUT}
        status = subprocess.run(command, cwd=ROOT, env=environment, **to_log).returncode
    seconds = time.monotonic() - started
    if status:
        print(*complaints(log_file.read_text(errors="replace")), sep="\n")
        print(f"error: the build failed after {seconds:.0f} s; all of it: {log_file}")
        return status
    pages = sum(1 for _ in SITE.rglob("*.html"))
    print(f"Built {pages} pages in {seconds:.0f} s.")
    return 0


def complaints(log: str) -> list[str]:
    """The warnings and errors of a build's log, or its end when it holds none."""
    lines = ANSI.sub("", log).splitlines()
    found = [line for line in lines if re.search(r"\b(WARNING|ERROR|CRITICAL)\b", line)]
    return found or lines[-40:]


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {' '.join(map(str, error.cmd))} failed (exit {error.returncode})")
