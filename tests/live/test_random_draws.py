"""Samplers of `labcore.random` in WebAssembly, bit for bit: exports only this test has."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from labcore.live.export import Export
from labcore.random import directions, discrete, distributions
from tests.live.wasm_runtime import Instance

ADDRESS = {"seed": "uint64", "stream": "uint64", "start": "uint64"}
HERE = {"seed": 2**64 - 1, "stream": 2**63, "start": 5}
FLOATS, INTEGERS = {"out": "float64[n]"}, {"out": "int64[n]"}


def export(name, loop, parameters, out, buffers=None):
    return Export(name, loop, ADDRESS | parameters | (buffers or {}) | out, ("out",))


GAMMA = export("gamma", distributions._fill_gamma, {"a": "float64"}, FLOATS)
STABLE = export(
    "stable", distributions._fill_stable, {"alpha": "float64", "beta": "float64"}, FLOATS
)
POISSON = export(
    "poisson", discrete._fill_poisson, {"mean": "float64"}, INTEGERS, {"u": "float64[m]"}
)
PERMUTATIONS = export("permutations", discrete._fill_permutations, {}, {"out": "int64[n, m]"})
VON_MISES = export("von_mises", directions._fill_von_mises, {"kappa": "float64"}, FLOATS)
ORTHOGONAL = export(
    "orthogonal",
    directions._fill_orthogonals,
    {},
    {"out": "float64[n, m, m]"},
    {"x": "float64[m]", "row": "float64[m]"},
)
EXPORTS = [GAMMA, STABLE, POISSON, PERMUTATIONS, VON_MISES, ORTHOGONAL]
BUFFER = [0.0] * 64
CASES = [
    (GAMMA, {"a": 0.3, "n": 2001}),
    (GAMMA, {"a": 2.5, "n": 2001}),
    (STABLE, {"alpha": 1.5, "beta": 0.5, "n": 2001}),
    (STABLE, {"alpha": 1.0, "beta": -0.5, "n": 2001}),
    (POISSON, {"mean": 3.0, "u": BUFFER, "n": 2001}),
    (POISSON, {"mean": 50.0, "u": BUFFER, "n": 2001}),
    (POISSON, {"mean": 1e9, "u": BUFFER, "n": 2001}),
    (PERMUTATIONS, {"n": 20, "m": 33}),
    (VON_MISES, {"kappa": 2.0, "n": 2001}),
    (ORTHOGONAL, {"x": [0.0] * 6, "row": [0.0] * 6, "n": 20}),
]


@pytest.fixture(scope="module")
def instance(tmp_path_factory):
    folder = tmp_path_factory.mktemp("draws")
    code = (
        "import sys; from pathlib import Path; from labcore.live import exports, wasm; "
        "from tests.live import test_random_draws as t; exports.EXPORTS.clear(); "
        "exports.EXPORTS.update({e.name: e for e in t.EXPORTS}); "
        "wasm._build_here(Path(sys.argv[1]))"
    )
    plain = dict.fromkeys(("NUMBA_OPT", "NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE"), "0")
    environment = {**os.environ, **plain, "LABCORE_CACHE_DIR": os.path.join(os.devnull, "none")}
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True, env=environment, cwd=root)
    return Instance((folder / "kernels.wasm").read_bytes())


@pytest.mark.parametrize(("export", "values"), CASES, ids=lambda case: getattr(case, "name", ""))
def test_draws_are_the_same_to_the_bit(export, values, instance):
    native = export.run(**HERE, **values)["out"]
    browser = instance.run(export, **HERE, **values)["out"]
    assert native.tobytes() == browser.tobytes()
