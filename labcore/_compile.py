"""The project's one numba decorator: one compile policy, and a disk cache that sees every edit.

numba's own ``cache=True`` looks at the file of the function it compiles. When a function in
*another* file that was inlined into it changes, the stale machine code is used without a word.
Here the cache directory is named after a hash of all the package's sources and of the versions
that compile them, so an edit anywhere in the package starts from an empty directory.
"""

import hashlib
import os
import platform
import shutil
import time
from collections.abc import Callable
from functools import cache
from importlib.metadata import version
from pathlib import Path

from numba import njit, types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, _CacheLocator
from numba.core.sigutils import normalize_signature

PACKAGE = Path(__file__).parent
_KEEP_DAYS = 30


def compiled(
    function: Callable | None = None, *, parallel: bool = False, inline: bool = False
) -> Callable:
    """Compile a function of the package in nopython mode, cached on disk.

    Floating-point arithmetic is strict (no fused or reordered operations), so that a loop gives the
    same bits on every processor, with every number of threads, and in WebAssembly. Division by
    zero follows NumPy (inf or nan) instead of raising, which would keep loops from being
    vectorised.

    Parameters
    ----------
    function : callable
        The function to compile. Its source must lie in the package.
    parallel : bool, default False
        Run ``prange`` loops on all cores. Doubles the time to compile: for loops that gain by it.
    inline : bool, default False
        Always inline into callers: for the small functions of inner loops, which a call would keep
        from being vectorised.
    """
    if function is None:
        return lambda f: compiled(f, parallel=parallel, inline=inline)
    dispatcher = njit(
        function, error_model="numpy", parallel=parallel, forceinline=inline, nogil=True
    )
    # A module that was run by its path has no name that another process could load it by.
    if function.__module__.startswith("labcore.") and _cache_directory():
        dispatcher._cache = _PackageCache(function)
        if _can_be_named(function):
            # numba names a compiled function by a random number. With this name another process
            # recognises it in a signature, so that what takes it as an argument is cached too.
            dispatcher._set_uuid(f"{package_hash()}.{function.__module__}.{function.__qualname__}")
    return dispatcher


@cache
def sources_hash() -> str:
    """Hash of the package's sources."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:16]


@cache
def package_hash() -> str:
    """Hash of the package's sources and of the versions of Python and of the compiler."""
    compilers = [version(distribution) for distribution in ("numba", "llvmlite", "numpy")]
    parts = [sources_hash(), platform.python_version(), *compilers]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def cache_root() -> Path:
    """Where machine code is kept: ``$LABCORE_CACHE_DIR``, or ``labcore`` in the user's cache."""
    if chosen := os.environ.get("LABCORE_CACHE_DIR"):
        return Path(chosen)
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "labcore"


class _PackageLocator(_CacheLocator):
    """Tells numba where the machine code of a function of the package lies."""

    def __init__(self, function: Callable, source_file: str):
        module = Path(source_file).relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")
        self._disambiguator = f"{module}-{function.__code__.co_firstlineno}"

    def get_cache_path(self) -> str:
        return str(_cache_directory())

    def get_source_stamp(self) -> str:
        return package_hash()

    def get_disambiguator(self) -> str:
        return self._disambiguator

    @classmethod
    def from_function(cls, py_func: Callable, py_file: str) -> "_PackageLocator":
        return cls(py_func, py_file)


class _PackageCacheImpl(CompileResultCacheImpl):
    _locator_classes = (_PackageLocator,)


class _PackageCache(FunctionCache):
    _impl_class = _PackageCacheImpl

    def save_overload(self, sig, data) -> None:
        """Keep the machine code, unless it is for a function that no other process can name."""
        args, _ = normalize_signature(sig)
        if all(_can_be_found_again(argument) for argument in args):
            super().save_overload(sig, data)


def _can_be_named(function: Callable) -> bool:
    """Whether module and name say which function it is: it is the package's, and no closure."""
    return function.__module__.startswith("labcore.") and "<locals>" not in function.__qualname__


def _can_be_found_again(argument: types.Type) -> bool:
    """Whether a type means the same in another process: one of a reader's function does not."""
    if isinstance(argument, types.Dispatcher):
        return _can_be_named(argument.dispatcher.py_func)
    if isinstance(argument, types.BaseTuple):
        return all(_can_be_found_again(part) for part in argument.types)
    return True


@cache
def _cache_directory() -> Path | None:
    """This version's cache directory, or None where nothing can be written (compile anew then)."""
    root = cache_root()
    directory = root / package_hash()
    try:
        if not directory.exists():
            directory.mkdir(parents=True)
            _remove_old_caches(root)
        os.utime(directory)
    except OSError:
        return None
    return directory


def _remove_old_caches(root: Path) -> None:
    """Delete the machine code of package versions that nobody has used for a month."""
    oldest = time.time() - _KEEP_DAYS * 86400
    for directory in root.iterdir():
        if directory.is_dir() and directory.stat().st_mtime < oldest:
            shutil.rmtree(directory, ignore_errors=True)
