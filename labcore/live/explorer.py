"""Figures to play with: a drawing function and the controls that drive it.

In JupyterLab an `Explorer` shows sliders beside the figure. Where there is no running kernel (the
site, print, GitHub) it is a still picture of its default state.
"""

import base64
import io
import time
from collections.abc import Callable, Mapping
from typing import Any

import ipywidgets
import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from labcore.live.controls import Choice, Slider, is_allowed

_SMOOTH_SECONDS = 0.2  # a figure drawn faster than this follows the slider while it is dragged


class Explorer:
    """A figure with controls.

    Parameters
    ----------
    draw : callable
        ``draw(**state)`` makes a matplotlib figure and returns it.
    controls : mapping of str to Slider or Choice
        One for each argument of `draw`.

    Raises
    ------
    ValueError
        If a control's default lies outside its range or options.
    """

    def __init__(self, draw: Callable[..., Figure], controls: Mapping[str, Slider | Choice]):
        for name, control in controls.items():
            if not is_allowed(control, control.value):
                raise ValueError(f"controls[{name!r}]: its value {control.value!r} is not allowed")
        self.draw = draw
        self.controls = dict(controls)

    def __repr__(self) -> str:
        state = ", ".join(f"{name}={control.value!r}" for name, control in self.controls.items())
        return f"Explorer({state})"

    def still(self, **state: Any) -> bytes:
        """The figure as a PNG, in the default state but for what `state` changes."""
        defaults = {name: control.value for name, control in self.controls.items()}
        figure = self.draw(**(defaults | state))
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
        plt.close(figure)
        return buffer.getvalue()

    def widget(self) -> ipywidgets.Widget:
        """The controls and the figure, for a notebook with a running kernel."""
        start = time.perf_counter()
        image = ipywidgets.Image(value=self.still(), format="png")
        image.layout.max_width = "100%"
        smooth = time.perf_counter() - start < _SMOOTH_SECONDS
        widgets = {}
        for name, control in self.controls.items():
            widgets[name] = control.widget(control.label or name.replace("_", " "))
            widgets[name].style.description_width = "initial"
            if hasattr(widgets[name], "continuous_update"):
                widgets[name].continuous_update = smooth

        def redraw(_change) -> None:
            image.value = self.still(**{name: w.value for name, w in widgets.items()})

        for control_widget in widgets.values():
            control_widget.observe(redraw, names="value")
        rows = ipywidgets.Box(list(widgets.values()))
        rows.layout.flex_flow = "row wrap"
        return ipywidgets.VBox([rows, image])

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict[str, Any]:
        widget = self.widget()
        bundle = widget._repr_mimebundle_()
        bundle = bundle[0] if isinstance(bundle, tuple) else bundle
        png = base64.b64encode(widget.children[1].value).decode()
        return {**bundle, "image/png": png, "text/plain": repr(self)}
