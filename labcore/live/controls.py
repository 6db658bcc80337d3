"""Controls: what a reader of a figure can change.

Each is a value with its allowed range. In JupyterLab it is a trait of the figure's widget; on the
site it is a native input with a label, which keyboard, touch and screen readers know.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import ipywidgets


class Slider(NamedTuple):
    """A number from `low` to `high`; an int if all its numbers are.

    ``scale="log"`` gives each power of ten the same room. `format` is Python's: ``".2f"``,
    ``".3g"``, ``"d"``; without it, as many decimals as `step` has.
    """

    low: float
    high: float
    value: float
    step: float | None = None
    label: str = ""
    scale: str = "linear"
    format: str = ""
    unit: str = ""

    def widget(self, label: str) -> ipywidgets.Widget:
        """The control of an `Explorer`."""
        kind = ipywidgets.IntSlider if _is_whole(self) else ipywidgets.FloatSlider
        step = _step(self)
        return kind(value=self.value, min=self.low, max=self.high, step=step, description=label)

    def spec(self, name: str) -> dict[str, Any]:
        """What the browser must know."""
        if self.scale not in ("linear", "log"):
            raise ValueError(f"{name}: scale must be 'linear' or 'log', got {self.scale!r}")
        if self.scale == "log" and self.low <= 0:
            raise ValueError(f"{name}: a logarithmic slider starts above 0, not at {self.low}")
        shown = self.format or (".3g" if self.scale == "log" else _decimals(_step(self)))
        return _spec("slider", name, self) | {"step": _step(self), "format": shown}


class Play(NamedTuple):
    """A slider that also moves by itself: from `low` to `high` in so many `seconds`.

    With ``loop`` it starts again at the end. Without animation it is a slider and a *Step* button.
    """

    low: float
    high: float
    value: float
    step: float | None = None
    seconds: float = 6.0
    label: str = ""
    loop: bool = False
    format: str = ""
    unit: str = ""

    def spec(self, name: str) -> dict[str, Any]:
        """What the browser must know."""
        shown = self.format or _decimals(_step(self))
        return _spec("play", name, self) | {"step": _step(self), "format": shown}


class Choice(NamedTuple):
    """One of several options: a sequence of values, or a mapping from labels to values.

    A kernel takes numbers, so a figure's choice is a mapping: ``{"Metropolis": 0, "HMC": 2}``.
    """

    options: Sequence[Any] | Mapping[str, Any]
    value: Any
    label: str = ""

    @property
    def pairs(self) -> list[tuple[str, Any]]:
        """Label and value of each option."""
        if isinstance(self.options, Mapping):
            return list(self.options.items())
        return [(str(option), option) for option in self.options]

    def widget(self, label: str) -> ipywidgets.Widget:
        """The control of an `Explorer`."""
        return ipywidgets.Dropdown(options=self.pairs, value=self.value, description=label)

    def spec(self, name: str) -> dict[str, Any]:
        """What the browser must know."""
        return _spec("choice", name, self) | {"options": [list(pair) for pair in self.pairs]}


class Toggle(NamedTuple):
    """On or off; a kernel gets 1 or 0."""

    value: bool
    label: str = ""

    def spec(self, name: str) -> dict[str, Any]:
        """What the browser must know."""
        return _spec("toggle", name, self)


class Seed(NamedTuple):
    """The seed of the random numbers: visible, editable, and drawn again by a button."""

    value: int = 1
    label: str = "seed"

    def spec(self, name: str) -> dict[str, Any]:
        """What the browser must know."""
        return _spec("seed", name, self) | {"format": "d"}


class Points(NamedTuple):
    """Points in the plane that are dragged, an array of shape (n, 2) for the kernel.

    `x` and `y` bound them. With ``add``, a click in the plot adds one and Delete removes it, down
    to `fewest` and up to `most`. A panel shows them by the mark `Handles`.
    """

    value: Sequence[Sequence[float]]
    x: tuple[float, float]
    y: tuple[float, float]
    add: bool = True
    fewest: int = 1
    most: int = 40
    label: str = ""

    def spec(self, name: str) -> dict[str, Any]:
        """What the browser must know."""
        points = [[float(x), float(y)] for x, y in self.value]
        return _spec("points", name, self) | {"value": points}


Control = Slider | Play | Choice | Toggle | Seed | Points


def is_allowed(control: Control, value: Any) -> bool:
    """Whether the control can take this value."""
    if isinstance(control, Choice):
        return value in [option for _, option in control.pairs]
    if isinstance(control, Toggle):
        return isinstance(value, bool)
    if isinstance(control, Seed):
        return isinstance(value, int) and 0 <= value < 2**32
    if isinstance(control, Points):
        inside = all(
            control.x[0] <= x <= control.x[1] and control.y[0] <= y <= control.y[1]
            for x, y in value
        )
        return inside and control.fewest <= len(value) <= control.most
    return control.low <= value <= control.high


def _spec(kind: str, name: str, control: Control) -> dict[str, Any]:
    fields = control._asdict() | {"label": control.label or name.replace("_", " ")}
    fields = {k: list(v) if isinstance(v, tuple) else v for k, v in fields.items()}
    return {"type": kind, "name": name} | fields


def _is_whole(control: Slider | Play) -> bool:
    numbers = (control.low, control.high, control.value, control.step or 0)
    return all(isinstance(x, int) for x in numbers)


def _step(control: Slider | Play) -> float:
    return control.step or (1 if _is_whole(control) else (control.high - control.low) / 100)


def _decimals(step: float) -> str:
    """The format that shows every multiple of `step`, with at most four decimals."""
    if step == int(step):
        return "d"
    places = next(
        k for k in range(1, 5) if k == 4 or math.isclose(step * 10**k, round(step * 10**k))
    )
    return f".{places}f"
