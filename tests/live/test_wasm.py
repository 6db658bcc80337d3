"""Golden tests: every export gives the same numbers natively and in WebAssembly."""

import math

import numpy as np
import pytest
from numba import njit

from labcore.live import wasm
from labcore.live.export import Export
from labcore.live.exports import _PARTS
from labcore.random import streams
from tests.live.export_inputs import INPUTS
from tests.live.wasm_runtime import Instance

# Not EXPORTS: the gallery of tests/live adds loops of its own to that.
EXPORTS = {export.name: export for part in _PARTS for export in part.EXPORTS}
CASES = [(name, i) for name, inputs in INPUTS.items() for i in range(len(inputs))]


@pytest.fixture(scope="module")
def instance():
    return Instance()


def test_every_export_has_inputs_and_every_input_an_export():
    assert set(INPUTS) == set(EXPORTS)


@pytest.mark.parametrize(("name", "case"), CASES)
def test_an_export_gives_the_native_numbers(name, case, instance):
    """Integers to the bit; floats to 1e-12 of the largest (libm differs in its last bits)."""
    values = INPUTS[name][case]
    native = EXPORTS[name].run(**values)
    browser = instance.run(EXPORTS[name], **values)
    for output, expected in native.items():
        if expected.dtype.kind == "f":
            finite = np.isfinite(expected)
            scale = np.abs(expected[finite]).max(initial=1e-300)
            np.testing.assert_allclose(browser[output], expected, rtol=0, atol=1e-12 * scale)
        else:
            np.testing.assert_array_equal(browser[output], expected)


def test_random_streams_are_the_same_to_the_bit(instance):
    values = {"seed": 2**64 - 1, "stream": 2**63, "start": 5, "n": 10_001}
    native = EXPORTS["random_normal"].run(**values)["out"]
    browser = instance.run(EXPORTS["random_normal"], **values)["out"]
    assert native.tobytes() == browser.tobytes()


def test_memory_is_given_back(instance):
    values = {"seed": 1, "stream": 0, "start": 0, "n": 100_000}
    instance.run(EXPORTS["random_normal"], **values)
    before = instance.exports["memory"].data_len(instance.store)
    for _ in range(50):
        instance.run(EXPORTS["random_normal"], **values)
    assert instance.exports["memory"].data_len(instance.store) == before


def test_asking_for_too_much_memory_gives_null_and_does_no_harm(instance):
    assert instance.call("malloc", -(2**20)) == 0  # 4 GiB less 1 MiB, as unsigned
    values = {"seed": 1, "stream": 0, "start": 0, "n": 3}
    instance.run(EXPORTS["random_normal"], **values)


def test_the_module_asks_nothing_of_its_host():
    import wasmtime

    module = wasmtime.Module(wasmtime.Engine(), wasm.module())
    assert module.imports == []
    assert {"memory", "malloc", "free", *EXPORTS} <= {e.name for e in module.exports}


def _allocates(n, out):
    buffer = np.empty(n)
    for i in range(n):
        buffer[i] = i
    for i in range(n):
        out[i] = buffer[n - 1 - i]


def _draws_from_numpy(n, out):
    for i in range(n):
        out[i] = np.random.normal()  # noqa: NPY002


def _multiplies(n, out):
    out[0] = np.dot(out, out)


def _takes_an_object(n, out):
    out[0] = len(str(n) + unknown)  # noqa: F821


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (_allocates, "export 'bad' calls NRT_.*it allocates an array"),
        (_draws_from_numpy, "export 'bad' calls numba_get_np_random_state.*use labcore.random"),
        (_multiplies, "export 'bad' calls numba_xxdot, .*LAPACK or BLAS"),
        (_takes_an_object, "export 'bad': .*unknown"),
    ],
)
def test_what_cannot_run_in_a_browser_is_named(function, message):
    declarations = {"n": "int64", "out": "float64[n]"}
    with pytest.raises(wasm.WasmError, match=message):
        wasm.check(Export("bad", njit(function), declarations, ("out",)))


def test_a_module_that_came_with_the_package_is_used_when_it_is_of_these_sources(
    tmp_path, monkeypatch
):
    (tmp_path / "kernels.wasm").write_bytes(b"shipped")
    (tmp_path / "kernels.json").write_text(f'{{"hash": "{wasm.kernels_hash()}", "exports": {{}}}}')
    monkeypatch.setattr(wasm, "_SHIPPED", tmp_path)
    assert wasm._built.__wrapped__()[0] == b"shipped"
    (tmp_path / "kernels.json").write_text('{"hash": "of other sources", "exports": {}}')
    assert wasm._built.__wrapped__()[0] == wasm.module()


def test_without_a_linker_the_error_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setattr(wasm.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(wasm.WasmError, match="pip install ziglang"):
        wasm._link(tmp_path / "a.o", tmp_path / "a.wasm", [])


def test_export_checks_what_it_is_given():
    export = EXPORTS["random_normal"]
    with pytest.raises(TypeError, match="random_normal needs seed"):
        export.run(stream=0, start=0, n=3)
    with pytest.raises(TypeError, match="random_normal has no argument sed"):
        export.run(sed=1, stream=0, start=0, n=3)
    with pytest.raises(TypeError, match="random_normal needs the size n"):
        export.run(seed=1, stream=0, start=0)
    with pytest.raises(ValueError, match="must be declared like"):
        Export("x", streams.fill_normal, {"seed": "complex128"}, ()).arguments  # noqa: B018
    with pytest.raises(ValueError, match=r"outputs \['y'\] of x are not among its arrays"):
        Export("x", streams.fill_normal, {"seed": "uint64"}, ("y",))


def test_shapes_must_agree():
    def add(x, y, out):
        for i in range(x.size):
            out[i] = x[i] + y[i]

    declarations = {"x": "float64[n]", "y": "float64[n]", "out": "float64[n]"}
    export = Export("add", add, declarations, ("out",))
    np.testing.assert_array_equal(export.run(x=[1, 2], y=[3, 4])["out"], [4, 6])
    with pytest.raises(ValueError, match=r"y must have shape .* with n = 2, got \(3,\)"):
        export.run(x=[1, 2], y=[1, 2, 3])
    with pytest.raises(ValueError, match=r"x must have shape \('n',\), got \(1, 2\)"):
        export.run(x=[[1, 2]], y=[1, 2])
    assert math.isnan(export.run(x=[math.nan], y=[1.0])["out"][0])
