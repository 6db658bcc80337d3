"""Which files of the package a file depends on: what the compiled kernels are made from."""

import hashlib
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).parents[1]
_IMPORT = re.compile(
    r"^\s*(?:from\s+(labcore[\w.]*)\s+import\s+(\([^)]*\)|[^\n]*)|import\s+(labcore[\w.]*))",
    re.MULTILINE,
)


def imported_files(starts: Iterable[Path], package: Path = PACKAGE) -> set[Path]:
    """`starts` and every file of the package that they import, directly or not.

    A statement counts wherever it stands. The ``__init__`` of a package counts where a name is
    taken from the package: what it merely does when a module below it is imported does not reach
    into a compiled function.
    """
    found: set[Path] = set()
    waiting = list(starts)
    while waiting:
        path = waiting.pop()
        if path in found:
            continue
        found.add(path)
        for module, names, plain in _IMPORT.findall(path.read_text(encoding="utf-8")):
            source = (module or plain).split(".")[1:]
            inner = [_file(package, [*source, name]) for name in re.findall(r"\w+", names)]
            waiting += filter(None, inner)
            if not names or None in inner:  # a name that is no module, so the package has it
                waiting += filter(None, [_file(package, source)])
    return found


def _file(package: Path, parts: list[str]) -> Path | None:
    """The file of a module, or None if there is no such module: a name in one, then."""
    place = package.joinpath(*parts)
    candidates = (place / "__init__.py", place.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


@cache
def kernels_hash() -> str:
    """Hash of all sources that the compiled kernels are made from and by."""
    live = PACKAGE / "live"
    starts = [*(live / "exports").rglob("*.py"), live / "wasm.py"]
    digest = hashlib.sha256()
    for path in sorted(imported_files(starts)):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]
