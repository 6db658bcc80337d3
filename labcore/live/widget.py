"""The live figure in JupyterLab: a widget whose controls are traits.

Once the kernels have been compiled to WebAssembly (`make book` does it) it computes in the browser,
as on the site. Without them, and for a figure with a callback, Python computes and answers by
message.
"""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from labcore.live import wasm
from labcore.live.controls import Choice, Points, Seed, Toggle
from labcore.live.figure import Figure

ASSETS = Path(__file__).parent / "assets"


def make_widget(figure: Figure) -> Any:
    """A widget of the figure, with a trait for each control.

    Raises
    ------
    RuntimeError
        If anywidget or the bundled script is missing.
    """
    base, kernels = _classes()
    traits = {name: _trait(control) for name, control in figure.controls.items()}
    if taken := [name for name in traits if hasattr(base, name)]:
        raise ValueError(f"a control cannot be called {taken[0]!r}: a widget has that already")
    kind = type("FigureWidget", (base,), traits)
    # To compile the kernels takes long, and Python computes as fast: no reader waits for that here.
    in_browser = figure.callback is None and wasm.is_built()
    return kind(figure, kernels=kernels().model_id if in_browser else "")


@cache
def _classes() -> tuple[type, Any]:
    """The widget class and the shared holder of the kernels, made when first needed."""
    try:
        import anywidget
        import traitlets
    except ImportError as error:
        raise RuntimeError(
            "live figures in JupyterLab need anywidget: pip install anywidget"
        ) from error
    if not (ASSETS / "widget.js").exists():
        raise RuntimeError("the scripts of the figures are not built: run `python -m tools.vendor`")

    class Kernels(anywidget.AnyWidget):
        """Holds the WebAssembly module once for all figures of a session."""

        _esm = ASSETS / "widget.js"
        wasm = traitlets.Bytes().tag(sync=True)
        manifest = traitlets.Dict().tag(sync=True)

    class LiveWidget(anywidget.AnyWidget):
        """One figure. Its scripts are those of the site."""

        _esm = ASSETS / "widget.js"
        _css = ASSETS / "figures.css"
        spec = traitlets.Dict().tag(sync=True)
        kernels = traitlets.Unicode().tag(sync=True)

        def __init__(self, figure: Figure, kernels: str):
            super().__init__(spec=figure.spec, kernels=kernels)
            self._figure = figure
            self.on_msg(self._answer)

        def __repr__(self) -> str:
            return repr(self._figure)

        def _answer(self, _widget: Any, message: dict[str, Any], _buffers: Any) -> None:
            """Compute for the state that the browser shows."""
            if message.get("type") != "run":
                return
            reply: dict[str, Any] = {"type": "result", "id": message["id"]}
            buffers = []
            try:
                outputs = self._figure.evaluate(**message["state"]).outputs
            except Exception as error:  # the reader's own callback may raise anything
                self.send(reply | {"error": f"{type(error).__name__}: {error}"})
                return
            runs = []
            for arrays in outputs.values():
                runs.append({name: {"shape": list(a.shape)} for name, a in arrays.items()})
                buffers += [np.ascontiguousarray(a, "<f8").tobytes() for a in arrays.values()]
            self.send(reply | {"runs": runs}, buffers=buffers)

    @cache
    def kernels() -> Kernels:
        return Kernels(wasm=wasm.module(), manifest=wasm.manifest())

    return LiveWidget, kernels


def _trait(control: Any) -> Any:
    import traitlets

    if isinstance(control, Points):
        return traitlets.List([list(p) for p in control.value]).tag(sync=True)
    if isinstance(control, Toggle):
        return traitlets.Bool(control.value).tag(sync=True)
    if isinstance(control, Choice):
        return traitlets.Any(control.value).tag(sync=True)
    whole = isinstance(control.value, int) and control.spec("value")["format"] == "d"
    if isinstance(control, Seed) or whole:
        return traitlets.Int(control.value).tag(sync=True)
    return traitlets.Float(float(control.value)).tag(sync=True)
