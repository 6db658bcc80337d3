"""Compile the exported loops to one WebAssembly module that needs nothing from its host.

numba's LLVM code of each loop is taken before it was optimised for this machine, retargeted to
wasm32, optimised again there, and linked with the few functions of the C library that it calls. The
result lies beside the machine code in the cache, under the hash of the sources that matter to it; a
wheel carries it.
"""

import importlib.util
import json
import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from labcore._compile import _cache_directory, cache_root
from labcore.live.dependencies import kernels_hash

_TRIPLE = "wasm32-unknown-unknown"
_FEATURES = "+simd128,+bulk-memory,+nontrapping-fptoint,+sign-ext,+mutable-globals"
_SHIPPED = Path(__file__).parent / "assets"
# What the C library has. Anything else that a loop calls does not exist in a browser.
_LIBC = frozenset(
    "sqrt floor ceil rint round trunc fabs fmod fma hypot ldexp frexp copysign exp exp2 expm1 log "
    "log2 log10 log1p pow sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh erf "
    "erfc tgamma lgamma memcpy memmove memset".split()
)
# numba counts references to arrays, also where, as in a loop, nobody owns them: never reached.
_STUBS = "void NRT_MemInfo_call_dtor(void *info) { (void)info; __builtin_trap(); }\n"
_STUBBED = frozenset({"NRT_MemInfo_call_dtor"})


class WasmError(RuntimeError):
    """The exports cannot be compiled for the browser; the message says why."""


def module() -> bytes:
    """The WebAssembly module with all exports.

    Raises
    ------
    WasmError
        If it has to be built and cannot be: a loop calls something that does not exist in a
        browser, or ``ziglang`` is not installed.
    """
    return _built()[0]


def manifest() -> dict[str, Any]:
    """What JavaScript must know to call the module: its hash, and each export's arguments."""
    return _built()[1]


def is_built() -> bool:
    """Whether the module is there, so that `module` takes no time."""
    return _found() is not None


@cache
def _built() -> tuple[bytes, dict[str, Any]]:
    """Module and manifest: shipped with the package, or built before, or built now."""
    if found := _found():
        return found
    with tempfile.TemporaryDirectory() as scratch:
        target = _cache() or Path(scratch)
        build(target)
        return (target / "kernels.wasm").read_bytes(), json.loads(
            (target / "kernels.json").read_text()
        )


def _found() -> tuple[bytes, dict[str, Any]] | None:
    """Module and manifest of these sources, if they are shipped or were built before."""
    for place in (_SHIPPED, _cache()):
        try:
            found = json.loads((place / "kernels.json").read_text()) if place else None
            if found and found["hash"] == kernels_hash():
                return (place / "kernels.wasm").read_bytes(), found
        except FileNotFoundError:
            continue
    return None


def _cache() -> Path | None:
    """Where the module of these sources is kept, or None where nothing can be written."""
    if _cache_directory() is None:
        return None
    compilers = "-".join(version(distribution) for distribution in ("numba", "llvmlite"))
    place = cache_root() / f"wasm-{kernels_hash()}-{compilers}"
    place.mkdir(exist_ok=True)
    os.utime(place)  # what nobody has used for a month is deleted
    return place


def check(export) -> None:
    """Compile one export, as `module` does with all of them, and throw the result away.

    Raises
    ------
    WasmError
        If it cannot run in a browser; the message names the call that stands in the way.
    """
    _object_code([export])


def save(directory: Path) -> None:
    """Write the module and its manifest into `directory`, where a wheel or a site takes them."""
    directory.mkdir(parents=True, exist_ok=True)
    _write(directory, module(), manifest())


def build(directory: Path) -> None:
    """Compile all exports into ``kernels.wasm`` and ``kernels.json`` in `directory`.

    In a process of its own, because numba must be told before it is imported to leave the code as
    it is, and with no cache, which would give machine code.
    """
    environment = {
        **os.environ,
        "NUMBA_OPT": "0",
        "NUMBA_LOOP_VECTORIZE": "0",
        "NUMBA_SLP_VECTORIZE": "0",
        "LABCORE_CACHE_DIR": os.path.join(os.devnull, "none"),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path]),
    }
    command = [sys.executable, "-m", "labcore.live.wasm", str(directory)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True)
    if result.returncode:
        raise WasmError(result.stderr.strip().splitlines()[-1])


def _build_here(directory: Path) -> None:
    """What `build` runs in its own process."""
    from labcore.live.exports import EXPORTS

    description = {
        "hash": kernels_hash(),
        "exports": {name: export.manifest() for name, export in EXPORTS.items()},
    }
    with tempfile.TemporaryDirectory() as scratch:
        source, linked = Path(scratch) / "kernels.o", Path(scratch) / "kernels.wasm"
        source.write_bytes(_object_code(list(EXPORTS.values())))
        _link(source, linked, list(EXPORTS))
        _write(directory, linked.read_bytes(), description)


def _write(directory: Path, code: bytes, description: dict[str, Any]) -> None:
    """Write both files, each in one step, so that another process never reads half of one."""
    for name, content in (
        ("kernels.wasm", code),
        ("kernels.json", json.dumps(description).encode()),
    ):
        scratch = directory / f"{name}.{os.getpid()}"
        scratch.write_bytes(content)
        scratch.replace(directory / name)


def _object_code(exports: list) -> bytes:
    """One wasm32 object with all `exports`; what they share is in it once."""
    import llvmlite.binding as llvm

    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple(_TRIPLE).create_target_machine(
        cpu="generic", features=_FEATURES, opt=3, reloc="static", codemodel="default"
    )
    whole = llvm.parse_assembly("")
    whole.triple, whole.data_layout = _TRIPLE, str(machine.target_data)
    for export in exports:
        code, entry = _llvm_code(export)
        code = re.sub(
            r'target datalayout = ".*"', f'target datalayout = "{whole.data_layout}"', code
        )
        code = re.sub(r'target triple = ".*"', f'target triple = "{_TRIPLE}"', code)
        part = llvm.parse_assembly(code)
        part.get_function(entry).name = export.name
        whole.link_in(part)
    names = {export.name for export in exports}
    for symbol in [*whole.functions, *whole.global_variables]:
        if not symbol.is_declaration and symbol.name not in names:
            symbol.linkage = "internal"  # so that what nobody calls is dropped
    options = llvm.create_pipeline_tuning_options(speed_level=3)
    builder = llvm.create_pass_builder(machine, options)
    builder.getModulePassManager().run(whole, builder)
    _refuse_foreign_calls(exports, whole)
    return machine.emit_object(whole)


def _llvm_code(export) -> tuple[str, str]:
    """numba's LLVM code of the export over sizes and pointers, and the name of its function."""
    from numba import carray, njit, types
    from numba.core.errors import NumbaError

    # Serial, even if it is parallel natively.
    loop = njit(export.loop.py_func, error_model="numpy", no_cpython_wrapper=True)
    parameters, arguments, kinds = [*export.sizes], [], [types.int64 for _ in export.sizes]
    for a in export.arguments:
        parameters.append(a.name)
        kind = getattr(types, a.type)
        kinds.append(kind if a.shape is None else types.CPointer(kind))
        shape = ", ".join(map(str, a.shape or ()))
        arguments.append(a.name if a.shape is None else f"carray({a.name}, ({shape},))")
    scope = {"carray": carray, "loop": loop}
    head = f"def {export.name}({', '.join(parameters)}):"
    exec(f"{head}\n    loop({', '.join(arguments)})", scope)
    try:
        compile_for = njit(
            types.void(*kinds),
            error_model="numpy",
            no_cpython_wrapper=True,
            no_cfunc_wrapper=True,
        )
        compiled = compile_for(scope[export.name])
    except NumbaError as error:
        raise WasmError(f"export {export.name!r}: {' '.join(str(error).split())}") from None
    result = compiled.overloads[compiled.signatures[0]]
    return result.library.get_llvm_str(), result.fndesc.mangled_name


def _refuse_foreign_calls(exports: list, whole) -> None:
    """Raise WasmError for a function that is called and does not exist in a browser."""
    for function in whole.functions:
        name = function.name
        known = name.startswith("llvm.") or name in _LIBC or name in _STUBBED
        if function.is_declaration and not known:
            raise WasmError(f"{_users(whole, name, exports)} calls {name}, {_meaning(name)}")


def _users(whole, callee: str, exports: list) -> str:
    """Which exports' code calls `callee`, in words."""
    bodies = {f.name: str(f) for f in whole.functions if not f.is_declaration}
    calling: set[str] = set()
    names_to_find = {callee}
    while names_to_find:
        pattern = re.compile("|".join(rf'@"?{re.escape(name)}(?![\w.$])' for name in names_to_find))
        names_to_find = {n for n, body in bodies.items() if pattern.search(body)} - calling
        calling |= names_to_find
    names = sorted(export.name for export in exports if export.name in calling)
    return f"export {', '.join(repr(n) for n in names)}"


def _meaning(name: str) -> str:
    """What a call to `name` comes from, in words."""
    if "NRT_" in name:
        return "that is, it allocates an array: the caller must give the buffer"
    if name.startswith("Py"):
        return "that is, it may raise an error with a message: assign elements, not slices"
    if "random" in name:
        return "that is, it draws from np.random: use labcore.random"
    if name.startswith("numba_x") or name.startswith("numba_ez") or "gemm" in name:
        return "that is, linear algebra of LAPACK or BLAS"
    return "which does not exist in a browser"


def _link(source: Path, target: Path, names: list[str]) -> None:
    """Link an object with the C library into a module that exports `names`."""
    if importlib.util.find_spec("ziglang") is None:
        raise WasmError("to compile for the browser, install ziglang: pip install ziglang")
    stubs = source.with_name("stubs.c")
    stubs.write_text(_STUBS)
    exports = [f"-Wl,--export={name}" for name in ("malloc", "free", *names)]
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "wasm32-wasi", "-O3"]
    command += ["-mexec-model=reactor", "-msimd128", "-Wl,--strip-all", "-Wl,--gc-sections"]
    command += [*exports, str(source), str(stubs), "-o", str(target)]
    result = subprocess.run(command, capture_output=True, text=True)
    if result.returncode:
        raise WasmError(f"linking failed: {result.stderr.strip()}")


if __name__ == "__main__":
    try:
        _build_here(Path(sys.argv[1]))
    except WasmError as error:
        sys.exit(str(error))
