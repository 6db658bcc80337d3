"""Loops that run in the reader's browser: which they are, and how they are called.

An export names a compiled loop, the type of each of its arguments and the shape of each array. From
that the same loop is run natively, compiled to WebAssembly (`labcore.live.wasm`) and called from
JavaScript.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

SCALARS = ("float64", "int64", "uint64")
ELEMENTS = ("float64", "int64", "uint64", "int32", "uint8")
_ARGUMENT = re.compile(r"(?P<type>\w+)(?:\[(?P<shape>[\w, ]+)\])?$")


@dataclass(frozen=True)
class Argument:
    """One argument of a loop: a scalar, or an array whose dimensions are numbers or names."""

    name: str
    type: str
    shape: tuple[str | int, ...] | None = None

    @classmethod
    def parse(cls, name: str, declaration: str) -> "Argument":
        """From a declaration such as ``"float64"`` or ``"float64[n, 2]"``."""
        match = _ARGUMENT.match(declaration)
        allowed = ELEMENTS if match and match["shape"] else SCALARS
        if not match or match["type"] not in allowed:
            raise ValueError(f"{name} must be declared like 'float64[n, 2]', got {declaration!r}")
        if not match["shape"]:
            return cls(name, match["type"])
        dimensions = [part.strip() for part in match["shape"].split(",")]
        return cls(name, match["type"], tuple(int(d) if d.isdigit() else d for d in dimensions))


@dataclass(frozen=True)
class Export:
    """A loop that is compiled for the browser.

    Parameters
    ----------
    name : str
        What it is called there.
    loop : numba dispatcher
        A loop of labcore that takes its buffers and its random stream from the caller.
    declarations : mapping of str to str
        Type of each argument of the loop, in order: ``"float64"``, ``"int64"``, ``"uint64"``, or an
        array such as ``"float64[n, 2]"``. A dimension is a number, the name of an ``int64``
        argument, or any other name, which becomes a size of its own.
    outputs : tuple of str
        The arrays that the loop fills. They start as zeros.

    Examples
    --------
    >>> from labcore.random.streams import fill_normal
    >>> declarations = dict.fromkeys(["seed", "stream", "start"], "uint64") | {"out": "float64[n]"}
    >>> normals = Export("normals", fill_normal, declarations, ("out",))
    >>> normals.run(seed=1, stream=0, start=0, n=3)["out"].shape
    (3,)
    """

    name: str
    loop: Any
    declarations: Mapping[str, str]
    outputs: tuple[str, ...]

    def __post_init__(self):
        arrays = {argument.name for argument in self.arguments if argument.shape}
        if missing := set(self.outputs) - arrays:
            raise ValueError(f"outputs {sorted(missing)} of {self.name} are not among its arrays")

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """The loop's arguments, in its order."""
        return tuple(Argument.parse(*item) for item in self.declarations.items())

    @property
    def sizes(self) -> tuple[str, ...]:
        """The dimensions that are not arguments of the loop, in order of appearance."""
        names = [d for a in self.arguments for d in a.shape or () if isinstance(d, str)]
        return tuple(name for name in dict.fromkeys(names) if name not in self.declarations)

    def run(self, **values: Any) -> dict[str, np.ndarray]:
        """Run the loop natively and return its outputs.

        Parameters
        ----------
        **values
            The scalars, the arrays that are not outputs, and the sizes that these do not tell.

        Raises
        ------
        TypeError
            If a value is missing, or is no argument.
        ValueError
            If a shape does not fit.
        """
        wanted = [a.name for a in self.arguments if a.name not in self.outputs]
        if unknown := set(values) - set(wanted) - set(self.sizes):
            raise TypeError(f"{self.name} has no argument {', '.join(sorted(unknown))}")
        if missing := [name for name in wanted if name not in values]:
            raise TypeError(f"{self.name} needs {', '.join(missing)}")
        sizes = {k: int(v) for k, v in values.items() if k in self.sizes or self._is_int(k)}
        call = {}
        for argument in self.arguments:
            if argument.shape is None:
                call[argument.name] = np.dtype(argument.type).type(values[argument.name])
            elif argument.name not in self.outputs:
                call[argument.name] = self._array(argument, values[argument.name], sizes)
        for name in self.outputs:
            argument = next(a for a in self.arguments if a.name == name)
            call[name] = np.zeros(self._shape(argument, sizes), argument.type)
        self.loop(*(call[a.name] for a in self.arguments))
        return {name: call[name] for name in self.outputs}

    def manifest(self) -> dict[str, Any]:
        """What JavaScript must know to call it."""
        arguments = []
        for a in self.arguments:
            entry: dict[str, Any] = {"name": a.name, "type": a.type}
            if a.shape is not None:
                entry["shape"] = list(a.shape)
            if a.name in self.outputs:
                entry["output"] = True
            arguments.append(entry)
        return {"sizes": list(self.sizes), "arguments": arguments}

    def _is_int(self, name: str) -> bool:
        return self.declarations.get(name) == "int64"

    def _array(self, argument: Argument, value: Any, sizes: dict[str, int]) -> np.ndarray:
        """`value` as an array of the argument's type, its dimensions entered into `sizes`."""
        array = np.ascontiguousarray(value, dtype=argument.type)
        if array.ndim != len(argument.shape):
            raise ValueError(f"{argument.name} must have shape {argument.shape}, got {array.shape}")
        for dimension, length in zip(argument.shape, array.shape, strict=True):
            expected = (
                dimension if isinstance(dimension, int) else sizes.setdefault(dimension, length)
            )
            if length != expected:
                raise ValueError(
                    f"{argument.name} must have shape {argument.shape} with {dimension} = "
                    f"{expected}, got {array.shape}"
                )
        return array

    def _shape(self, argument: Argument, sizes: dict[str, int]) -> tuple[int, ...]:
        if missing := [d for d in argument.shape if isinstance(d, str) and d not in sizes]:
            raise TypeError(f"{self.name} needs the size {', '.join(missing)}")
        return tuple(d if isinstance(d, int) else sizes[d] for d in argument.shape)
