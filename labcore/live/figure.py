"""Live figures: a compiled kernel, controls, and what is drawn of its results.

One description serves everywhere. On the site and in JupyterLab the kernel runs in the reader's
browser, as WebAssembly; a stored notebook keeps the description, the numbers that Python computed
for its default state, and a still picture for print and for viewers without JavaScript.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from labcore.live.controls import Control, is_allowed
from labcore.live.evaluate import Evaluation, encode, initial_state
from labcore.live.exports import EXPORTS
from labcore.live.marks import Number, Panel
from labcore.live.paths import name_of

MIME = "application/vnd.labcore.figure+json"


class Figure:
    """A figure that its reader can change.

    Parameters
    ----------
    kernel : str, optional
        Name of an export (`labcore.live.EXPORTS`): the compiled loop that computes the outputs.
    controls : mapping of str to control
        What the reader can change. A control named like an argument or size of the kernel is passed
        to it; any other serves in paths, such as ``"paths[:, frame]"``, without computing anew.
    plot : sequence of Panel
        What is drawn, side by side where there is room.
    constants : mapping of str to number or array, optional
        Values for arguments and sizes that no control sets, and arrays that marks draw.
    arguments : mapping of str to str or number, optional
        Where an argument's value comes from, if not from its own name: ``{"x": "data[:, 0]"}``.
    runs : mapping of str to mapping, optional
        Several runs of the kernel, each with arguments of its own, the rest in common (the seed
        too). Paths then begin with the run's name, ``"a.out"``, or mean the first in alphabetical
        order.
    numbers : sequence of Number, optional
        Numbers beside the picture.
    presets : mapping of str to mapping, optional
        Named settings of some of the controls, the others being reset.
    callback : callable, optional
        Instead of a kernel: ``callback(**state)`` returns a mapping of names to arrays. Such a
        figure is live in JupyterLab only.
    title, alt : str, optional
        What the figure is called, and what is seen in it, for those who do not see it. On the site
        the cell's metadata say the latter, and the caption.
    summary : str, optional
        What is read out when the picture has changed, with ``{names}`` of controls and labels of
        numbers. By default these are listed.

    Raises
    ------
    ValueError
        If a default or preset is not allowed, or a path names nothing: the message says which.

    Examples
    --------
    >>> from labcore.live import Axis, Figure, Line, Number, Panel, Slider
    >>> def wave(frequency):
    ...     t = np.linspace(0.0, 1.0, 201)
    ...     return {"t": t, "y": np.sin(2 * np.pi * frequency * t), "period": 1 / frequency}
    >>> Figure(
    ...     controls={"frequency": Slider(1, 8, 2, label="frequency")},
    ...     plot=[Panel([Line("t", "y")], x=Axis("time *t*"), y=Axis("*y*"))],
    ...     numbers=[Number("period", "period", ".3f")],
    ...     callback=wave,
    ... )
    Figure(wave: frequency=2): period = 0.500
    """

    def __init__(
        self,
        kernel: str | None = None,
        controls: Mapping[str, Control] | None = None,
        plot: Sequence[Panel] = (),
        *,
        constants: Mapping[str, Any] | None = None,
        arguments: Mapping[str, str | float] | None = None,
        runs: Mapping[str, Mapping[str, Any]] | None = None,
        numbers: Sequence[Number] = (),
        presets: Mapping[str, Mapping[str, Any]] | None = None,
        callback: Callable[..., Mapping[str, np.ndarray]] | None = None,
        title: str = "",
        alt: str = "",
        summary: str = "",
    ):
        if (kernel is None) == (callback is None):
            raise ValueError("a figure needs either a kernel or a callback")
        if kernel is not None and kernel not in EXPORTS:
            raise ValueError(f"no export is called {kernel!r}; there are {', '.join(EXPORTS)}")
        self.controls = dict(controls or {})
        self.callback = callback
        self._check_values("controls", {k: c.value for k, c in self.controls.items()})
        for name, preset in (presets or {}).items():
            self._check_values(f"presets[{name!r}]", preset)
        constants = dict(constants or {})
        given = {
            *self.controls,
            *constants,
            *(arguments or {}),
            *(k for r in (runs or {}).values() for k in r),
        }
        self.spec: dict[str, Any] = {
            "kernel": kernel,
            "inputs": [] if kernel is None else _inputs(kernel, given),
            "controls": [control.spec(name) for name, control in self.controls.items()],
            "constants": {name: encode(value) for name, value in constants.items()},
            "arguments": dict(arguments or {}),
            "panels": [panel.spec() for panel in plot],
            "numbers": [number.spec() for number in numbers],
            # Pairs, because the keys of a stored notebook are sorted and these have an order.
            "presets": [[name, _plain(preset)] for name, preset in (presets or {}).items()],
        }
        self.spec["outputs"] = self._used_outputs(plot, numbers)
        # In alphabetical order, as a stored notebook has them: the first is what plain names mean.
        runs = dict(sorted((runs or {}).items()))
        optional = {"runs": _plain(runs), "title": title, "alt": alt, "summary": summary}
        self.spec |= {name: value for name, value in optional.items() if value}
        self._initial: Evaluation | None = None
        self._initial = self.evaluate()
        self._check_paths(plot, numbers)

    def evaluate(self, **state: Any) -> Evaluation:
        """Arrays and numbers in the default state, but for what `state` changes."""
        if not state and self._initial is not None:
            return self._initial
        full = initial_state(self.spec) | state
        if self.callback is None:
            return Evaluation(self.spec, full)
        outputs = {name: np.asarray(array) for name, array in self.callback(**full).items()}
        return Evaluation(self.spec, full, {"": outputs})

    def still(self, **state: Any) -> bytes:
        """The figure as a PNG, in the default state but for what `state` changes."""
        from labcore.live.still import draw

        return draw(self.evaluate(**state))

    def widget(self) -> Any:
        """The live figure for JupyterLab; each control is a trait that ipywidgets can link.

        Raises
        ------
        RuntimeError
            If anywidget or the bundled scripts are missing; the message says how to get them.
        """
        from labcore.live.widget import make_widget

        return make_widget(self)

    def __repr__(self) -> str:
        state = ", ".join(
            f"{name}=[{len(c.value)} points]"
            if isinstance(c.value, list | tuple)
            else f"{name}={c.value!r}"
            for name, c in self.controls.items()
        )
        numbers = ", ".join(
            f"{number['label'].replace('*', '')} = {text}"
            for number, text in zip(self.spec["numbers"], self.evaluate().numbers(), strict=True)
        )
        name = self.spec["kernel"] or getattr(self.callback, "__name__", "callback")
        return f"Figure({name}: {state})" + (f": {numbers}" if numbers else "")

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, Any]:
        bundle = {"text/plain": repr(self), "image/png": base64.b64encode(self.still()).decode()}
        if self.callback is None:
            evaluation = self.evaluate()
            expected = {"numbers": evaluation.numbers(), "outputs": evaluation.digest()}
            bundle[MIME] = self.spec | {"expected": expected}
        try:
            shown = self.widget()._repr_mimebundle_()
        except RuntimeError:  # no anywidget, or no scripts: the still picture stands for it
            return bundle
        shown = shown[0] if isinstance(shown, tuple) else shown
        return {**shown, **bundle}

    def _check_values(self, where: str, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"{where}: there is no control called {name!r}")
            if not is_allowed(self.controls[name], value):
                raise ValueError(f"{where}: {name} cannot be {value!r}")

    def _used_outputs(self, plot: Sequence[Panel], numbers: Sequence[Number]) -> list[str]:
        """The outputs of the kernel that something shows: a browser need not copy the others."""
        paths = [path for panel in plot for mark in panel.marks for _, path in mark.paths()]
        names = {name_of(path) for path in (*paths, *(number.value for number in numbers))}
        return (
            [n for n in EXPORTS[self.spec["kernel"]].outputs if n in names]
            if self.spec["kernel"]
            else []
        )

    def _check_paths(self, plot: Sequence[Panel], numbers: Sequence[Number]) -> None:
        """Look up every path once, so that a wrong one is named here and not in a browser."""
        evaluation = self._initial
        wanted = [
            (f"panel {i}, {type(mark).__name__}: {field}", path)
            for i, panel in enumerate(plot, start=1)
            for mark in panel.marks
            for field, path in mark.paths()
        ]
        wanted += [(f"number {number.label!r}", number.value) for number in numbers]
        for where, path in wanted:
            try:
                evaluation.value(path)
            except (KeyError, IndexError, ValueError) as error:
                names = sorted({n for o in evaluation.outputs.values() for n in o})
                raise ValueError(
                    f"{where} = {path!r}: {error.args[0]} (outputs are {', '.join(names)})"
                ) from None


def _inputs(kernel: str, given: set[str]) -> list[str]:
    """What the kernel is given: its arguments but the outputs, and the sizes that have a value."""
    export = EXPORTS[kernel]
    arguments = [a.name for a in export.arguments if a.name not in export.outputs]
    if missing := [name for name in arguments if name not in given]:
        raise ValueError(f"{kernel} needs {', '.join(missing)}: a control or a constant")
    return arguments + [size for size in export.sizes if size in given]


def _plain(value: Any) -> Any:
    """Mappings, tuples and NumPy numbers as JSON has them."""
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value
