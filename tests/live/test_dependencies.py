"""The kernels are compiled anew when a source that they are made from changes, and only then."""

from types import ModuleType

import pytest

from labcore.live.dependencies import PACKAGE, imported_files
from labcore.live.exports import EXPORTS

SOURCES = {
    "__init__.py": "",
    "_math.py": "",
    "alone.py": "",
    "kernels/__init__.py": "from labcore.kernels.gaussian import Gaussian\n",
    "kernels/gaussian.py": "import labcore._math\n",
    "start.py": "",
}


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("from labcore.kernels import Gaussian", {"kernels/__init__.py", "kernels/gaussian.py"}),
        ("from labcore.kernels import gaussian", {"kernels/gaussian.py"}),
        ("from labcore.kernels import (\n    gaussian,\n)", {"kernels/gaussian.py"}),
        ("def late():\n    import labcore.kernels.gaussian", {"kernels/gaussian.py"}),
        ("from labcore.kernels.gaussian import Gaussian as G", {"kernels/gaussian.py"}),
        ("import numpy", None),
    ],
)
def test_imports_are_followed_to_their_end(tmp_path, statement, expected):
    for name, text in SOURCES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    start = tmp_path / "start.py"
    start.write_text(f"{statement}\n")
    found = {path.relative_to(tmp_path).as_posix() for path in imported_files([start], tmp_path)}
    expected = set() if expected is None else expected | {"_math.py"}
    assert found - {"__init__.py"} == expected | {"start.py"}


def test_the_kernels_depend_on_every_file_that_has_a_function_of_theirs():
    """The functions that a loop names as globals, and theirs, found by looking and not by text."""

    def functions(dispatcher, seen):
        if (function := dispatcher.py_func) in seen:
            return
        seen.add(function)
        names = function.__code__.co_names
        values = [function.__globals__.get(name) for name in names]
        modules = [value for value in values if isinstance(value, ModuleType)]
        values += [getattr(module, name, None) for module in modules for name in names]
        for value in values:
            if hasattr(value, "py_func"):
                functions(value, seen)

    seen = set()
    for export in EXPORTS.values():
        functions(export.loop, seen)
    used = {PACKAGE.parent / f"{f.__module__.replace('.', '/')}.py" for f in seen}
    ours = {path for path in used if path.is_relative_to(PACKAGE)}
    assert len(ours) >= 10
    assert ours <= imported_files((PACKAGE / "live" / "exports").rglob("*.py"))


def test_what_only_draws_or_checks_is_not_among_them():
    found = imported_files((PACKAGE / "live" / "exports").rglob("*.py"))
    assert not {PACKAGE / "live" / "figure.py", PACKAGE / "claims.py"} & found
