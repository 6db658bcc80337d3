"""In JupyterLab a figure's controls are traits, and Python computes where WebAssembly cannot."""

import ipywidgets
import numpy as np
import pytest
import traitlets

from labcore.live import widget
from labcore.live.controls import Choice, Points, Seed, Slider, Toggle
from labcore.live.figure import Figure
from labcore.live.marks import Histogram, Line, Number, Panel
from tools import vendor


@pytest.fixture(scope="module", autouse=True)
def scripts():
    vendor.main()


@pytest.fixture
def waves():
    def draw(frequency, shifted, kind, data, seed):
        x = np.linspace(0, 1, 5)
        return {"x": x, "y": np.sin(frequency * x + shifted) * kind + len(data)}

    return Figure(
        callback=draw,
        controls={
            "frequency": Slider(1.0, 5.0, 2.0),
            "shifted": Toggle(False),
            "kind": Choice({"one": 1, "two": 2}, 1),
            "data": Points([[0, 0]], (-1, 1), (-1, 1)),
            "seed": Seed(3),
        },
        plot=[Panel([Line("x", "y")])],
        numbers=[Number("end", "y[-1]", ".4f")],
    )


class Sent(list):
    """What a widget sends to the browser."""

    def __call__(self, content, buffers=None):
        self.append((content, buffers or []))


def test_controls_are_traits_that_ipywidgets_can_link(waves):
    live = waves.widget()
    slider = ipywidgets.FloatSlider(value=2.0, min=1.0, max=5.0)
    traitlets.link((slider, "value"), (live, "frequency"))
    slider.value = 4.0
    assert live.frequency == 4.0
    assert live.traits(sync=True).keys() >= set(waves.controls)
    assert [live.kind, live.shifted, live.data, live.seed] == [1, False, [[0, 0]], 3]


def test_python_answers_with_the_arrays_of_a_state(waves, monkeypatch):
    live, sent = waves.widget(), Sent()
    monkeypatch.setattr(live, "send", sent)
    state = {"frequency": 3.0, "shifted": True, "kind": 2, "data": [[0, 0], [1, 1]], "seed": 1}
    live._answer(live, {"type": "run", "id": 5, "state": state}, [])
    [(reply, buffers)] = sent
    assert reply == {
        "type": "result",
        "id": 5,
        "runs": [{"x": {"shape": [5]}, "y": {"shape": [5]}}],
    }
    x = np.linspace(0, 1, 5)
    assert np.array_equal(np.frombuffer(buffers[1]), np.sin(3 * x + 1) * 2 + 2)


def test_an_exception_of_a_callback_is_told_to_the_reader(monkeypatch):
    def draw(a):
        if a > 1:
            raise ZeroDivisionError("by a")
        return {"y": np.zeros(3)}

    live = Figure(
        callback=draw, controls={"a": Slider(0, 2, 1)}, plot=[Panel([Histogram("y", (0, 1))])]
    ).widget()
    sent = Sent()
    monkeypatch.setattr(live, "send", sent)
    live._answer(live, {"type": "run", "id": 1, "state": {"a": 2}}, [])
    assert sent[0][0] == {"type": "result", "id": 1, "error": "ZeroDivisionError: by a"}


def test_a_control_cannot_take_the_name_of_something_a_widget_has():
    figure = Figure(
        callback=lambda layout: {"y": np.zeros(3)},
        controls={"layout": Slider(0, 2, 1)},
        plot=[Panel([Histogram("y", (0, 1))])],
    )
    with pytest.raises(ValueError, match="a control cannot be called 'layout'"):
        figure.widget()


def test_without_its_scripts_a_figure_is_a_still_picture(waves, monkeypatch, tmp_path):
    monkeypatch.setattr(widget, "ASSETS", tmp_path)
    widget._classes.cache_clear()
    try:
        with pytest.raises(RuntimeError, match="run `python -m tools.vendor`"):
            waves.widget()
        assert sorted(waves._repr_mimebundle_()) == ["image/png", "text/plain"]
    finally:
        widget._classes.cache_clear()


def test_with_the_kernels_compiled_the_browser_computes(monkeypatch):
    monkeypatch.setattr(widget.wasm, "is_built", lambda: True)
    monkeypatch.setattr(widget.wasm, "module", lambda: b"\0asm")
    monkeypatch.setattr(widget.wasm, "manifest", lambda: {"exports": {}})
    widget._classes.cache_clear()
    try:
        one, other = (
            Figure(
                "random_normal",
                controls={"seed": Seed(7)},
                constants={"stream": 0, "start": 0, "n": 5},
                plot=[Panel([Histogram("out", (-4, 4))])],
            ).widget()
            for _ in range(2)
        )
        assert one.kernels == other.kernels != ""  # the module is sent once
    finally:
        widget._classes.cache_clear()
