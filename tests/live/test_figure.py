"""A figure says at once what is wrong with it, computes natively, and is stored as text."""

import base64
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

import labcore
from labcore.live.controls import Choice, Play, Points, Seed, Slider, Toggle
from labcore.live.evaluate import Evaluation, digest, initial_state
from labcore.live.exports import EXPORTS
from labcore.live.figure import MIME, Figure
from labcore.live.marks import Axis, Band, Bars, Dots, Histogram, Line, Matrix, Number, Panel, Paths
from tests.live import gallery

PNG = b"\x89PNG"
NORMAL = {"stream": 0, "start": 0, "n": 50}


@pytest.fixture(scope="module")
def shown():
    return gallery.figures()


def figure(**changes):
    """A small figure that is right, but for what is changed."""
    parts = {
        "kernel": "random_normal",
        "controls": {"seed": Seed(7)},
        "constants": dict(NORMAL),
        "plot": [Panel([Histogram("out", (-4, 4))])],
        "numbers": [Number("first", "out[0]", ".4f")],
    }
    return Figure(**(parts | changes))


def test_its_numbers_are_those_of_the_kernel():
    first = EXPORTS["random_normal"].run(**NORMAL, seed=7)["out"][0]
    assert figure().evaluate().numbers() == [f"{first:.4f}"]
    second = EXPORTS["random_normal"].run(**NORMAL, seed=8)["out"][0]
    assert figure().evaluate(seed=8).numbers() == [f"{second:.4f}"]


def test_what_is_stored_is_the_same_on_every_run_and_suffices_to_compute():
    one, other = (figure()._repr_mimebundle_() for _ in range(2))
    assert one[MIME] == other[MIME]
    assert one["text/plain"] == other["text/plain"]
    assert re.fullmatch(r"Figure\(random_normal: seed=7\): first = -?\d\.\d{4}", one["text/plain"])
    stored = json.loads(json.dumps(one[MIME]))
    again = Evaluation(stored, initial_state(stored))
    assert again.numbers() == stored["expected"]["numbers"]
    assert again.digest() == stored["expected"]["outputs"]
    assert base64.b64decode(one["image/png"]).startswith(PNG)


def test_the_digest_sees_a_change_of_one_part_in_a_hundred_thousand():
    sample = np.random.default_rng(1).normal(size=1000)
    assert digest(sample * (1 + 2e-5)) != digest(sample)
    assert digest(sample * (1 + 1e-13)) == digest(sample)


def test_the_digest_of_nothing_finite():
    assert digest(np.array([np.nan, np.inf])) == [0]
    assert digest(np.zeros(3)) == [3, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("name", ["walks", "field", "smoother", "swirl", "slow", "ring"])
def test_every_mark_is_drawn_in_the_still_picture(shown, name):
    assert shown[name].still().startswith(PNG)
    assert plt.get_fignums() == []


def test_the_still_picture_shows_the_state(shown):
    assert shown["ring"].still(gap=2) != shown["ring"].still() == shown["ring"].still(gap=5)


def test_the_still_picture_does_not_start_pyplot():
    """Else a notebook whose first picture is a live figure would show none of matplotlib's own."""
    code = """
import matplotlib
from tests.live.test_figure import figure
figure().still()
assert matplotlib.get_backend(auto_select=False) is None
"""
    environment = {name: value for name, value in os.environ.items() if name != "MPLBACKEND"}
    subprocess.run([sys.executable, "-c", code], check=True, env=environment)


def test_runs_share_all_that_they_do_not_set(shown):
    evaluation = shown["swirl"].evaluate(time=2.0)
    start = evaluation.value("other.points")
    assert np.array_equal(start, shown["swirl"].evaluate(time=0.0).value("one.points"))
    assert not np.array_equal(start, evaluation.value("one.points"))


def test_points_feed_arguments_by_their_columns(shown):
    data = [[-1.0, 0.0], [1.0, 2.0]]
    evaluation = shown["smoother"].evaluate(data=data, lengthscale=0.01)
    assert evaluation.value("gram").shape == (2, 2)
    x, fit = evaluation.value("x"), evaluation.value("fit")
    assert fit[np.argmin(abs(x + 1))] == pytest.approx(0.0, abs=1e-9)
    assert fit[np.argmin(abs(x - 1))] == pytest.approx(2.0)


def test_a_control_that_the_kernel_does_not_take_serves_in_paths(shown):
    walks = shown["walks"]
    assert "frame" not in walks.spec["inputs"]
    early = walks.evaluate(frame=10).value("paths[:, :frame + 1]")
    assert np.array_equal(early, walks.evaluate().value("paths")[:, :11])


def test_outputs_that_nothing_shows_are_not_asked_for(shown):
    assert shown["smoother"].spec["outputs"] == ["fit", "weights", "gram"]
    plain = Figure(
        "gallery_smoother",
        constants={"x_data": [0.0], "y_data": [1.0], "lengthscale": 1.0, "x": [0.0, 1.0]},
        plot=[Panel([Line("x", "fit")])],
    )
    assert plain.spec["outputs"] == ["fit"]


def test_the_first_run_is_the_same_before_and_after_storing():
    two = figure(runs={"b": {"seed": 2}, "a": {"seed": 1}})
    stored = json.loads(json.dumps(two._repr_mimebundle_()[MIME], sort_keys=True))
    assert Evaluation(stored, initial_state(stored)).numbers() == two.evaluate().numbers()
    assert two.evaluate().numbers() == figure().evaluate(seed=1).numbers()


def test_a_time_is_the_browser_s_alone():
    both = [Number("first", "out[0]", ".4f"), Number("time", "$milliseconds[1]", ".2f")]
    runs = {"one": {"seed": 1}, "two": {"seed": 2}}
    timed = figure(plot=[Panel([Bars("$milliseconds")])], numbers=both, runs=runs)
    assert timed.evaluate().numbers()[1] == "–"
    assert np.isnan(timed.evaluate().value("$milliseconds")).tolist() == [True, True]
    assert timed.spec["outputs"] == ["out"]
    assert timed.still().startswith(PNG)
    with pytest.raises(ValueError, match="out of bounds"):
        figure(numbers=[Number("time", "$milliseconds[1]")])


def test_a_callback_takes_the_place_of_a_kernel():
    waves = Figure(
        callback=lambda frequency: {"y": np.sin(frequency * np.linspace(0, 1, 9))},
        controls={"frequency": Slider(1.0, 5.0, 2.0)},
        constants={"x": np.linspace(0, 1, 9)},
        plot=[Panel([Line("x", "y")])],
        numbers=[Number("end", "y[-1]", ".4f")],
    )
    assert waves.evaluate(frequency=3.0).numbers() == [f"{np.sin(3.0):.4f}"]
    bundle = waves._repr_mimebundle_()
    assert MIME not in bundle  # there is nothing that a page could compute it with
    assert base64.b64decode(bundle["image/png"]).startswith(PNG)


WRONG = [
    ({"kernel": "other"}, "no export is called 'other'; there are .*random_normal"),
    ({"kernel": None}, "either a kernel or a callback"),
    ({"constants": {"stream": 0, "start": 0}}, "random_normal needs the size n"),
    ({"constants": {"n": 5, "start": 0}}, "random_normal needs stream: a control or a constant"),
    ({"controls": {"seed": Seed(-1)}}, "controls: seed cannot be -1"),
    ({"presets": {"odd": {"sed": 3}}}, r"presets\['odd'\]: there is no control called 'sed'"),
    ({"presets": {"odd": {"seed": 0.5}}}, r"presets\['odd'\]: seed cannot be 0.5"),
    (
        {"plot": [Panel([Line("out", "ot")])]},
        r"panel 1, Line: y = 'ot': there is nothing called 'ot' \(outputs are out\)",
    ),
    ({"numbers": [Number("a", "out[99]")]}, r"number 'a' = 'out\[99\]': index 99 is out of bounds"),
    ({"numbers": [Number("a", "out[f(1)]")]}, r"cannot read the index 'f\(1\)'"),
    ({"numbers": [Number("a", "b.out[0]")]}, "there is no run called 'b'"),
]


@pytest.mark.parametrize(("change", "message"), WRONG)
def test_what_is_wrong_is_named_when_the_figure_is_made(change, message):
    with pytest.raises((ValueError, TypeError), match=message):
        figure(**change)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Axis(scale="cubic"), "scale must be 'linear' or 'log', got 'cubic'"),
        (lambda: Panel([Line("x", "y", color="red")]).spec(), "color must be .*, got 'red'"),
        (lambda: Dots("x"), "dots need either x and y, or points"),
        (lambda: Panel([Line("x", "y")], equal=True), "needs the range of both axes"),
        (lambda: Slider(0, 1, 0.5, scale="log").spec("a"), "a: a logarithmic slider starts above"),
        (lambda: Slider(1, 2, 1, scale="sqrt").spec("a"), "a: scale must be 'linear' or 'log'"),
    ],
)
def test_marks_and_controls_refuse_what_cannot_be(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("control", "format"),
    [
        (Slider(0, 10, 3), "d"),
        (Slider(0.0, 1.0, 0.5), ".2f"),
        (Slider(0.0, 1.0, 0.5, 0.125), ".3f"),
        (Slider(0.1, 100.0, 1.0, scale="log"), ".3g"),
        (Play(0, 1, 0.5, 0.5), ".1f"),
    ],
)
def test_a_value_is_written_with_the_decimals_of_its_step(control, format):
    assert control.spec("a")["format"] == format


def test_colours_dashes_and_shapes_are_handed_out_in_order():
    panel = Panel(
        [
            Band("x", "a", "b", color=0),
            Line("x", "a", label="one"),
            Line("x", "b", label="two"),
            Paths("x", "c"),
            Dots("x", "a"),
            Dots("x", "b"),
        ]
    )
    marks = panel.spec()["marks"]
    assert [mark["color"] for mark in marks] == [0, 0, 1, 2, 3, 4]
    assert [mark.get("dash") for mark in marks] == [None, 0, 1, 0, None, None]
    assert [mark.get("shape") for mark in marks] == [None, None, None, None, 0, 1]


def test_a_matrix_lies_in_a_square_without_ticks():
    spec = Panel([Matrix("K")]).spec()
    assert spec["equal"] is True
    assert spec["x"] == spec["y"] == {"range": [0, 1], "scale": "linear", "ticks": False}


def test_the_colours_of_the_light_style_are_those_of_matplotlibs():
    css = (Path(labcore.__file__).parent / "live" / "web" / "figure.css").read_text()
    light = re.findall(r"--lf-c\d: (#\w+);", css)[:7]
    with plt.style.context("labcore.book"):
        cycle = plt.rcParams["axes.prop_cycle"].by_key()["color"]
    full = [c if len(c) == 7 else "#" + "".join(2 * digit for digit in c[1:]) for c in light]
    assert full == [f"#{c.lower().lstrip('#')}" for c in cycle]


def test_choices_and_toggles_are_numbers_for_the_kernel():
    waves = Figure(
        "gallery_walks",
        controls={"reflect": Toggle(True), "count": Choice({"few": 3, "many": 9}, 9)},
        constants={"seed": 1, "volatility": 1.0, "steps": 20},
        plot=[Panel([Histogram("ends", (-3, 3))])],
    )
    assert waves.evaluate().value("ends").shape == (9,)
    assert (waves.evaluate().value("ends") >= 0).all()
    assert (waves.evaluate(reflect=False).value("ends") < 0).any()


def test_points_are_checked():
    with pytest.raises(ValueError, match=r"controls: data cannot be \[\[0, 9\]\]"):
        figure(controls={"seed": Seed(1), "data": Points([[0, 9]], (-1, 1), (-1, 1))})
