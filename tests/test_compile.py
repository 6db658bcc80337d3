"""The compile policy: an edit anywhere in the package is seen, and importing compiles nothing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from labcore import _compile

PACKAGE = Path(_compile.__file__).parent
CALLER = """
from labcore import random
import labcore
assert labcore.__file__.startswith({root!r}), labcore.__file__
print(repr(random.normal(10, rng=1).sum()))
"""


def run(code: str, root: Path, cache: Path) -> str:
    """Standard output of `code`, run with the package copy under `root`."""
    environment = {**os.environ, "PYTHONPATH": str(root), "LABCORE_CACHE_DIR": str(cache)}
    result = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=root,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.fixture
def package_copy(tmp_path):
    shutil.copytree(PACKAGE, tmp_path / "labcore", ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def test_an_edit_in_an_inlined_callee_of_another_file_is_seen(package_copy):
    cache = package_copy / "cache"
    code = CALLER.format(root=str(package_copy))
    before = run(code, package_copy, cache)
    assert run(code, package_copy, cache) == before
    callee = package_copy / "labcore" / "_math.py"
    source = callee.read_text()
    changed = source.replace("_LN2_HIGH = 6.93147180369123816490e-01", "_LN2_HIGH = 6.94e-01")
    assert changed != source
    callee.write_text(changed)
    assert run(code, package_copy, cache) != before
    assert len(list(cache.iterdir())) == 2
    callee.write_text(source)
    assert run(code, package_copy, cache) == before


def test_machine_code_is_reused_by_the_next_process(package_copy):
    cache = package_copy / "cache"
    run(CALLER.format(root=str(package_copy)), package_copy, cache)
    counted = """
from labcore import random
random.normal(1, rng=1)
print(sum(random.streams.fill_normal.stats.cache_misses.values()))
"""
    assert run(counted, package_copy, cache) == "0"


def test_where_nothing_can_be_written_it_compiles_without_a_cache(package_copy):
    blocked = package_copy / "blocked"
    blocked.write_text("a file where a directory is wanted")
    code = CALLER.format(root=str(package_copy))
    assert run(code, package_copy, blocked) == run(code, package_copy, package_copy / "cache")


def test_importing_the_package_compiles_nothing_and_pulls_in_no_figures():
    code = """
import sys
import labcore, labcore.random, labcore.kernels, labcore.samplers, labcore.sde, labcore.interpolants
from numba.core.dispatcher import Dispatcher
import gc
compiled = [d for d in gc.get_objects() if isinstance(d, Dispatcher) and d.signatures
            and d.py_func.__module__.startswith("labcore")]
print([d.py_func.__qualname__ for d in compiled], [m for m in ("matplotlib", "ipywidgets",
      "scipy.stats", "sklearn") if m in sys.modules])
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.strip() == "[] []", result.stderr


def test_old_caches_are_removed_and_young_ones_kept(tmp_path):
    old, young = tmp_path / "old", tmp_path / "young"
    old.mkdir()
    young.mkdir()
    os.utime(old, (0, 0))
    _compile._remove_old_caches(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["young"]


def test_importing_labcore_loads_a_subject_only_when_it_is_used():
    code = """
import sys
import labcore
heavy = ("numpy", "numba", "scipy", "labcore.kernels")
print([name for name in heavy if name in sys.modules])
print(labcore.kernels.Gaussian.__name__, "labcore.kernels" in sys.modules)
print({"kernels", "random", "sde"} <= set(dir(labcore)), hasattr(labcore, "kernel"))
"""
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines() == ["[]", "Gaussian True", "True False"], result.stderr
