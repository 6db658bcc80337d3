"""The explorer: a still picture that needs no kernel, and controls that redraw it."""

import base64

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from labcore.live import Choice, Explorer, Slider

mpl.use("agg")


def draw(frequency, wave):
    figure, axes = plt.subplots(figsize=(2, 1))
    x = np.linspace(0, 1, 50)
    _ = axes.plot(x, {"sine": np.sin, "cosine": np.cos}[wave](2 * np.pi * frequency * x))
    return figure


@pytest.fixture
def explorer():
    controls = {"frequency": Slider(1, 5, 2), "wave": Choice(("sine", "cosine"), "sine")}
    return Explorer(draw, controls)


def test_it_shows_a_still_picture_and_a_stable_text_beside_the_widget(explorer):
    bundle = explorer._repr_mimebundle_()
    assert bundle["text/plain"] == "Explorer(frequency=2, wave='sine')"
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert base64.b64decode(bundle["image/png"]) == explorer.still()


def test_no_figure_is_left_open(explorer):
    explorer._repr_mimebundle_()
    assert plt.get_fignums() == []


def test_moving_a_control_redraws_the_figure(explorer):
    widget = explorer.widget()
    rows, image = widget.children
    frequency, wave = rows.children
    before = image.value
    frequency.value = 4
    assert image.value == explorer.still(frequency=4) != before
    wave.value = "cosine"
    assert image.value == explorer.still(frequency=4, wave="cosine")


def test_whole_numbers_give_an_integer_slider():
    assert Slider(1, 5, 2).widget("n").step == 1
    assert Slider(0.0, 1.0, 0.5).widget("t").step == pytest.approx(0.01)


@pytest.mark.parametrize("control", [Slider(0.0, 1.0, 2.0), Choice(("a", "b"), "c")])
def test_a_default_outside_its_range_is_named(control):
    with pytest.raises(ValueError, match=r"controls\['x'\]: its value .* is not allowed"):
        Explorer(draw, {"x": control})
