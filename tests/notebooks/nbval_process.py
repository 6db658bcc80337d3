"""Run nbval on a notebook in a process of its own, as `make test` does on the chapters."""

import os
import subprocess
import sys
from pathlib import Path

from tools import notebooks

SANITIZE = Path(__file__).with_name("sanitize.cfg")


def nbval(notebook: Path, *options: str, **environment: str) -> subprocess.CompletedProcess:
    """The finished process, with what it printed as text."""
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--nbval"]
    command += ["--nbval-sanitize-with", str(SANITIZE), *options, str(notebook)]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    return subprocess.run(
        command,
        cwd=notebooks.ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
