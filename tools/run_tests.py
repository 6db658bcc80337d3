"""Run all the tests, stage by stage: `python -m tools.run_tests [stage ...]`.

The first stage that fails ends the run; a table of the stages with their seconds closes it.
"""

import argparse
import subprocess
import sys
import time
from typing import NamedTuple

from tools.build import ROOT

PYTHON = sys.executable
# By file: the cells of one notebook must stay on one worker, and modules share what they compile.
PARALLEL = ["-n", "2", "--dist", "loadfile"]
PYTEST = [PYTHON, "-m", "pytest", "-q", "-r", "s"]


class Stage(NamedTuple):
    """A named part of the tests: commands that must all succeed."""

    name: str
    what: str
    commands: list[list[str]]


STAGES = [
    Stage(
        "lint",
        "ruff looks at code and notebooks",
        [[PYTHON, "-m", "ruff", "check", "."], [PYTHON, "-m", "ruff", "format", "--check", "."]],
    ),
    Stage(
        "unit",
        "labcore and the tools",
        [[*PYTEST, *PARALLEL, "--ignore=tests/site", "--ignore=tests/notebooks", "tests"]],
    ),
    Stage(
        "notebooks",
        "their form, then every notebook run anew and each printed value compared",
        [
            [*PYTEST, *PARALLEL, "tests/notebooks"],
            [
                *[*PYTEST, *PARALLEL, "-p", "tools.nbval_time", "--nbval"],
                *["--nbval-sanitize-with", "tests/notebooks/sanitize.cfg", "notebooks"],
            ],
        ],
    ),
    Stage(
        "book",
        "the site is built, warnings being errors",
        [[PYTHON, "-m", "tools.build", "--force"]],
    ),
    Stage(
        "site",
        "every page in a browser without network, links, search, buttons",
        [[*PYTEST, "tests/site"]],
    ),
]


def main() -> int:
    """Run the stages that were asked for, all by default; returns the exit status."""
    names = [stage.name for stage in STAGES]
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("stages", nargs="*", metavar="stage", help=f"of {', '.join(names)}")
    wanted = options.parse_args().stages or names
    if unknown := set(wanted) - set(names):
        options.error(f"no such stage: {', '.join(sorted(unknown))}")

    results: dict[str, tuple[str, float]] = {}
    try:
        for stage in (stage for stage in STAGES if stage.name in wanted):
            print(f"\n=== {stage.name}: {stage.what}", flush=True)
            results[stage.name] = ("interrupted", 0.0)
            started = time.monotonic()
            passed = all(run(command) for command in stage.commands)
            results[stage.name] = ("passed" if passed else "FAILED", time.monotonic() - started)
            if not passed:
                break
    except KeyboardInterrupt:
        print("\ninterrupted")
    print_table(wanted, results)
    return 0 if all(results.get(name, ("", 0))[0] == "passed" for name in wanted) else 1


def run(command: list[str]) -> bool:
    """Run one command to its end, its output shown as it comes; whether it succeeded."""
    return subprocess.run(command, cwd=ROOT).returncode == 0


def print_table(wanted: list[str], results: dict[str, tuple[str, float]]) -> None:
    """The stages, how each ended, and how long it took."""
    print("\nstage      result        seconds")
    for name in wanted:
        result, seconds = results.get(name, ("not run", 0.0))
        print(f"{name:<10} {result:<12} {seconds:8.1f}")
    print(f"{'total':<23} {sum(seconds for _, seconds in results.values()):8.1f}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
