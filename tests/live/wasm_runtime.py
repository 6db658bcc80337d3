"""Call an export of the WebAssembly module as the browser does, in wasmtime."""

from functools import cache

import numpy as np
import wasmtime

from labcore.live import wasm
from labcore.live.export import Export


@cache
def compiled_module(code: bytes) -> tuple[wasmtime.Engine, wasmtime.Module]:
    engine = wasmtime.Engine()
    return engine, wasmtime.Module(engine, code)


class Instance:
    """One instance of the book's module, or of other `code`: memory and functions of its own."""

    def __init__(self, code: bytes | None = None):
        engine, module = compiled_module(code or wasm.module())
        self.store = wasmtime.Store(engine)
        self.exports = wasmtime.Instance(self.store, module, []).exports(self.store)

    def call(self, name: str, *arguments) -> int:
        return self.exports[name](self.store, *arguments)

    def run(self, export: Export, **values) -> dict[str, np.ndarray]:
        """As `Export.run`, in WebAssembly."""
        memory = self.exports["memory"]
        native = export.run(**values)  # for the shapes of the outputs
        sizes = {k: v for k, v in values.items() if k in export.sizes}
        pointers, arguments = {}, []
        for a in export.arguments:
            if a.shape is None:
                arguments.append(_scalar(a.type, values[a.name]))
                continue
            array = np.zeros_like(native[a.name]) if a.name in native else values[a.name]
            array = np.ascontiguousarray(array, a.type)
            sizes |= dict(zip(a.shape, array.shape, strict=True))
            pointers[a.name] = self.call("malloc", max(array.nbytes, 8))
            assert pointers[a.name], "out of memory"
            memory.write(self.store, array.tobytes(), pointers[a.name])
            arguments.append(pointers[a.name])
        status = self.call(export.name, 0, 0, *(sizes[s] for s in export.sizes), *arguments)
        assert status == 0
        results = {}
        for name, array in native.items():
            end = pointers[name] + array.nbytes
            raw = memory.read(self.store, pointers[name], end)
            results[name] = np.frombuffer(raw, array.dtype).reshape(array.shape)
        for pointer in pointers.values():
            self.call("free", pointer)
        return results


def _scalar(kind: str, value):
    if kind == "float64":
        return float(value)
    value = int(value)
    return value - 2**64 if value >= 2**63 else value  # wasmtime takes i64 as signed
