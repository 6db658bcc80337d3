"""Compute what a figure shows in a given state, natively: its arrays, and the numbers beside them.

It works on the description that also goes to the browser, so that a test can ask for the numbers of
any state of any figure of the site.
"""

import base64
import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from labcore.live.exports import EXPORTS
from labcore.live.paths import name_of, resolve

State = Mapping[str, Any]
Outputs = dict[str, dict[str, np.ndarray]]  # of each run, by name

MILLISECONDS = "$milliseconds"  # the time of each run, which only the browser that ran it knows
UNKNOWN = "–"


class Evaluation:
    """The values that the paths of a figure name, in one state.

    Parameters
    ----------
    spec : dict
        The description of the figure.
    state : mapping
        A value for each control.
    outputs : dict, optional
        The arrays of each run, if something else than the figure's kernel computes them.
    """

    def __init__(self, spec: dict[str, Any], state: State, outputs: Outputs | None = None):
        self.spec = spec
        self.state = state
        self.runs = list(spec.get("runs") or {"": {}})
        if outputs is None:
            export = EXPORTS[spec["kernel"]]
            outputs = {}
            for run in self.runs:
                computed = export.run(**{name: self._input(run, name) for name in spec["inputs"]})
                outputs[run] = {name: computed[name] for name in spec["outputs"]}
        self.outputs = outputs

    def lookup(self, run: str | None, name: str) -> Any:
        """What a path's name stands for: an output, else an input, a control or a constant."""
        if run is not None and run not in self.runs:
            raise KeyError(f"there is no run called {run!r}")
        if name == MILLISECONDS:
            return np.full(len(self.runs), np.nan)
        source = self.runs[0] if run is None else run
        if name in self.outputs[source]:
            return self.outputs[source][name]
        return self._input(source, name) if name in self.spec["inputs"] else self._known(name)

    def value(self, path: str | float) -> Any:
        """The value of a path; a number is its own value."""
        return resolve(path, self.lookup) if isinstance(path, str) else path

    def numbers(self) -> list[str]:
        """The numbers beside the picture, as they are written; a dash for a time."""
        return [
            UNKNOWN
            if name_of(number["value"]) == MILLISECONDS
            else written(float(self.value(number["value"])), number["format"])
            for number in self.spec["numbers"]
        ]

    def digest(self) -> dict[str, list[float | str]]:
        """A digest of each output, by name: what tests compare."""
        return {
            f"{run}.{name}" if run else name: digest(array)
            for run, outputs in self.outputs.items()
            for name, array in outputs.items()
        }

    def _input(self, run: str, name: str) -> Any:
        runs = self.spec.get("runs") or {}
        given = runs.get(run, {}).get(name, self.spec["arguments"].get(name, name))
        return (
            resolve(given, lambda _, word: self._known(word)) if isinstance(given, str) else given
        )

    def _known(self, name: str) -> Any:
        if name in self.state:
            value = self.state[name]
            if isinstance(value, list | tuple):
                return np.array(value, dtype=float).reshape(-1, 2)
            return int(value) if isinstance(value, bool) else value
        if name in self.spec["constants"]:
            return decode(self.spec["constants"][name])
        raise KeyError(f"there is nothing called {name!r}")


def initial_state(spec: dict[str, Any]) -> dict[str, Any]:
    """The state in which a figure opens."""
    return {control["name"]: control["value"] for control in spec["controls"]}


def written(value: float, spec: str) -> str:
    """A number as the browser writes it too."""
    if not math.isfinite(value):
        return format(value, "f")
    # z: no minus before what is rounded to zero.
    return format(math.floor(value + 0.5), "d") if spec == "d" else format(value, f"z{spec}")


def digest(array: np.ndarray) -> list[float | str]:
    """Count, least, mean and greatest of the finite numbers, to six figures of the largest."""
    finite = array[np.isfinite(array)].astype(float)
    if finite.size == 0:
        return [0]
    size = float(np.max(np.abs(finite)))
    parts = (float(np.min(finite)), float(np.mean(finite)), float(np.max(finite)))
    places = 5 - math.floor(math.log10(size)) if size else 0
    return [finite.size, *(round(part, places) + 0.0 for part in parts)]


def encode(value: Any) -> Any:
    """A constant for the description: a number, a grid, a list, or doubles packed as base64."""
    if np.ndim(value) == 0:
        return int(value) if isinstance(value, bool | int | np.integer) else float(value)
    array = np.ascontiguousarray(value, dtype=float)
    if array.ndim == 1 and array.size > 2:
        grid = [float(array[0]), float(array[-1]), array.size]
        if np.array_equal(array, np.linspace(*grid)):
            return {"linspace": grid}
    shape = list(array.shape)
    if array.size <= 64 and np.isfinite(array).all():
        return {"shape": shape, "values": array.ravel().tolist()}
    return {"shape": shape, "base64": base64.b64encode(array.astype("<f8").tobytes()).decode()}


def decode(constant: Any) -> Any:
    """The constant that `encode` packed."""
    if not isinstance(constant, dict):
        return constant
    if "linspace" in constant:
        low, high, n = constant["linspace"]
        return np.linspace(low, high, n)
    if "values" in constant:
        return np.array(constant["values"], dtype=float).reshape(constant["shape"])
    data = base64.b64decode(constant["base64"])
    return np.frombuffer(data, dtype="<f8").reshape(constant["shape"])
