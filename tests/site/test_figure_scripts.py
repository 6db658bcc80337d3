"""What the browser reads, writes and slices, it does as Python does: the same cases in both."""

import itertools
import math
import random

import numpy as np
import pytest

from labcore.live import evaluate, paths
from labcore.live.controls import Choice, Play, Points, Seed, Slider, Toggle
from tests.site.browse import serve
from tests.site.pages import ROOT

WEB = ROOT / "labcore" / "live" / "web"


@pytest.fixture(scope="module")
def scripts(browser, tmp_path_factory):
    """Call an exported function of a module of ours: scripts("numbers.js", "format", ...)."""
    context = browser.new_context()
    tab = context.new_page()
    with serve(WEB) as address:
        tab.goto(f"{address}/README.md")

        def call(code: str, argument: object) -> object:
            return tab.evaluate(code, argument)

        yield call
    context.close()


def test_numbers_are_written_as_python_writes_them(scripts):
    draw = random.Random(1)
    values = [0.0, -0.0, 0.5, 1.5, 2.5, -0.5, 0.125, 0.375, 1e21, 1e-7, 99.5, 999.95, 123456.5]
    values += [draw.choice([-1, 1]) * 10 ** draw.uniform(-9, 9) for _ in range(300)]
    values += [draw.randrange(-4000, 4000) / 16 for _ in range(300)]
    formats = [".0f", ".2f", ".6f", ".0e", ".3e", ".1g", ".3g", ".6g", ".1%", "d"]
    cases = list(itertools.product(values, formats))
    written = scripts(
        """async (cases) => {
          const {format} = await import('/numbers.js');
          return cases.map(([value, spec]) => format(value, spec));
        }""",
        cases,
    )
    expected = [evaluate.written(value, spec) for value, spec in cases]
    assert [
        (case, a, b) for case, a, b in zip(cases, written, expected, strict=True) if a != b
    ] == []


ARRAY = np.arange(24.0).reshape(2, 3, 4)
SCALARS = {"frame": 2, "half": 0.5, "k": 1, "$time": 3.5}
GOOD = [
    "out",
    "out[0]",
    "out[-1, 2]",
    "out[:, k]",
    "out[1, :frame]",
    "out[0, 1, frame + 1]",
    "out[0, :, -k]",
    "a.out[:, 1:, :frame + 1 - k]",
    "out[:, 5:]",
    "out[0, -2:, 1:-1]",
    "out[half]",
    "frame",
    "$time",
]
BAD = ["", "out[", "out[0]]", "out[0.5]", "out[f(1)]", "out[2]", "out[0, 0, 0, 0]", "out[1:2:3]"]
BAD += ["out[]", "out[0,]", "out[k k]", "x y", "out[--1]", "out[1 +]", "a.b.out", "out; alert(1)"]
BAD += ["$", "$$time", "time$", "$1", "out[$time]"]


@pytest.mark.parametrize("path", GOOD)
def test_a_path_names_the_same_in_both(scripts, path):
    def lookup(run, name):
        return ARRAY if name == "out" else SCALARS[name]

    found = paths.resolve(path, lookup)
    there = scripts(RESOLVE, [path, ARRAY.ravel().tolist(), list(ARRAY.shape), SCALARS])
    assert there["shape"] == list(np.shape(found))
    assert there["values"] == np.ravel(found).tolist()


@pytest.mark.parametrize("path", BAD)
def test_what_python_does_not_read_the_browser_does_not_read(scripts, path):
    def lookup(run, name):
        return {"out": ARRAY, **SCALARS}[name]

    with pytest.raises((ValueError, IndexError, KeyError)):
        paths.resolve(path, lookup)
    there = scripts(RESOLVE, [path, ARRAY.ravel().tolist(), list(ARRAY.shape), SCALARS])
    assert "error" in there


RESOLVE = """async ([path, values, shape, scalars]) => {
  const {resolve} = await import('/paths.js');
  const {ndarray, flat} = await import('/arrays.js');
  const out = ndarray(Float64Array.from(values), shape);
  const lookup = (run, name) => {
    if (name === 'out') return out;
    if (!(name in scalars)) throw new Error(`nothing called ${name}`);
    return scalars[name];
  };
  try {
    const found = resolve(path, lookup);
    if (typeof found === 'number') return {shape: [], values: [found]};
    return {shape: found.shape, values: Array.from(flat(found))};
  } catch (error) {
    return {error: error.message};
  }
}"""


@pytest.mark.parametrize(
    "value",
    [3.25, np.linspace(-1.7, 2.9, 101), np.array([[0.1, 2], [3, 4]]), np.sin(np.arange(200.0))],
    ids=["number", "grid", "list", "packed"],
)
def test_constants_arrive_to_the_bit(scripts, value):
    packed = evaluate.encode(value)
    assert np.array_equal(evaluate.decode(packed), value)
    there = scripts(
        """async (packed) => {
          const {decode, flat} = await import('/arrays.js');
          const value = decode(packed);
          return typeof value === 'number' ? [value] : Array.from(flat(value));
        }""",
        packed,
    )
    assert np.array_equal(there, np.ravel(value))


def test_a_state_survives_the_address(scripts):
    controls = {
        "a": Slider(0.01, 10, 0.3, scale="log"),
        "b": Play(0, 100, 3),
        "c": Choice({"x": 0, "y": 2}, 0),
        "d": Toggle(True),
        "seed": Seed(7),
        "data": Points([[0.5, -1.25], [2, 3]], (-3, 3), (-3, 3)),
    }
    state = {"a": 0.125, "b": 99, "c": 2, "d": False, "seed": 4294967295, "data": [[1, -2.5]]}
    there = scripts(
        """async ([state, controls]) => {
          const {encode, decode} = await import('/state.js');
          const link = '#fig-x:' + encode(state);
          return [link, decode(link, 'fig-x', controls), decode(link, 'fig-y', controls)];
        }""",
        [state, [control.spec(name) for name, control in controls.items()]],
    )
    assert there[0] == "#fig-x:a=0.125,b=99,c=2,d=false,seed=4294967295,data=1;-2.5"
    assert there[1:] == [state, None]


def test_a_state_out_of_range_is_refused(scripts):
    controls = {"a": Slider(0, 1, 0.5), "seed": Seed(1), "p": Points([[0, 0]], (-1, 1), (-1, 1))}
    refused = ["a=2", "a=", "a=nan", "seed=-1", "seed=1.5", "p=0", "p=0;2", "p=", "other=1", "a=%"]
    there = scripts(
        """async ([parts, controls]) => {
          const {decode} = await import('/state.js');
          return parts.map((part) => decode('#f:' + part, 'f', controls));
        }""",
        [refused, [control.spec(name) for name, control in controls.items()]],
    )
    assert there == [{}] * len(refused)


def test_a_histogram_counts_as_numpy_does(scripts):
    sample = np.concatenate([np.random.default_rng(1).normal(size=500), [-2.0, 2.0, 0.0, 5.0]])
    expected, _ = np.histogram(sample[(sample >= -2) & (sample <= 2)], 16, (-2, 2), density=True)
    there = scripts(
        """async (values) => {
          const {binned, ndarray} = await import('/arrays.js');
          return Array.from(binned(ndarray(Float64Array.from(values)), 16, [-2, 2], true));
        }""",
        sample.tolist(),
    )
    assert np.allclose(there, expected, rtol=1e-12)
    assert math.isclose(sum(there) * 0.25, 1)
