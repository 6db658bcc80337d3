"""What a panel of a figure shows: its marks, axes and numbers.

A mark names the arrays it draws by paths (see `labcore.live.paths`): ``Line("x", "out[0]")``. The
same description is drawn by matplotlib for the still picture and by a canvas in the browser.
Sizes and widths are in pixels of the screen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar

Path = str
Data = str | float  # a path, or a number
Colour = int | str | None  # of the series from 0 on, or a name; by default the next one
COLOURS = ("ink", "muted", "white")  # white is for marks on an image


class Mark:
    """One layer of a panel."""

    type: ClassVar[str]
    data: ClassVar[tuple[str, ...]]  # the fields that are paths

    def spec(self) -> dict[str, Any]:
        """What the browser must know."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        kept = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}
        return {"type": self.type} | {k: v for k, v in kept.items() if v is not None and v != ""}

    def paths(self) -> Iterator[tuple[str, str]]:
        """Name and path of each field that is a path."""
        for name in self.data:
            if isinstance(value := getattr(self, name), str):
                yield name, value


@dataclass(frozen=True)
class Line(Mark):
    """A curve through (x, y); a two-dimensional `y` gives one curve for each row."""

    x: Path
    y: Path
    label: str = ""
    color: Colour = None
    dash: int | None = None  # 0 solid, 1 dashed, 2 dotted, 3 dash-dotted; by default the next one
    width: float = 2.0
    opacity: float = 1.0
    type: ClassVar[str] = "line"
    data: ClassVar[tuple[str, ...]] = ("x", "y")


@dataclass(frozen=True)
class Paths(Line):
    """Many thin curves of one colour: the rows of `y`."""

    dash: int | None = 0
    width: float = 1.0
    opacity: float = 0.5


@dataclass(frozen=True)
class Band(Mark):
    """The region between two curves."""

    x: Path
    low: Path
    high: Path
    label: str = ""
    color: Colour = None
    opacity: float = 0.18
    type: ClassVar[str] = "band"
    data: ClassVar[tuple[str, ...]] = ("x", "low", "high")


@dataclass(frozen=True)
class Dots(Mark):
    """Points: either `x` and `y`, or `points` of shape (n, 2). `values` colour them by a map."""

    x: Path | None = None
    y: Path | None = None
    points: Path | None = None
    label: str = ""
    color: Colour = None
    shape: int | None = None  # 0 circle, 1 square, 2 triangle, 3 diamond; by default the next one
    size: float = 6.0
    opacity: float = 0.9
    values: Path | None = None
    map: str = "cividis"
    range: tuple[float, float] | None = None
    type: ClassVar[str] = "dots"
    data: ClassVar[tuple[str, ...]] = ("x", "y", "points", "values")

    def __post_init__(self):
        if (self.points is None) == (self.x is None or self.y is None):
            raise ValueError("dots need either x and y, or points")


@dataclass(frozen=True)
class Cloud(Dots):
    """Thousands of small dots, which darken where they lie close together."""

    shape: int | None = 0
    size: float = 2.2
    opacity: float = 0.45


@dataclass(frozen=True)
class Histogram(Mark):
    """How often the values fall into each of `bins` equal parts of `range`.

    As a density its bars have the area 1, so that the curve of a density (a `Line`) can lie on it.
    """

    values: Path
    range: tuple[float, float]
    bins: int = 40
    density: bool = True
    label: str = ""
    color: Colour = None
    opacity: float = 0.3
    type: ClassVar[str] = "histogram"
    data: ClassVar[tuple[str, ...]] = ("values",)


@dataclass(frozen=True)
class Image(Mark):
    """A function on a grid: row i, column j of `values` belongs to point j of `x` and i of `y`.

    `x` and `y` are the first and the last point. ``map="diverging"`` is centred on zero.
    """

    values: Path
    x: tuple[float, float]
    y: tuple[float, float]
    map: str = "cividis"
    range: tuple[float, float] | None = None
    colorbar: bool = True
    opacity: float = 1.0
    type: ClassVar[str] = "image"
    data: ClassVar[tuple[str, ...]] = ("values",)


@dataclass(frozen=True)
class Matrix(Mark):
    """A matrix as a square, entry (0, 0) at the top left."""

    values: Path
    map: str = "cividis"
    range: tuple[float, float] | None = None
    colorbar: bool = True
    opacity: float = 1.0
    type: ClassVar[str] = "image"
    data: ClassVar[tuple[str, ...]] = ("values",)

    def spec(self) -> dict[str, Any]:
        """An image from edge to edge of a unit square, drawn downwards."""
        return super().spec() | {"x": [0, 1], "y": [0, 1], "down": True}


@dataclass(frozen=True)
class Contour(Mark):
    """Lines of equal height of `values` on a grid (see `Image`), at `levels` or so many of them."""

    values: Path
    x: tuple[float, float]
    y: tuple[float, float]
    levels: int | Sequence[float] = 8
    label: str = ""
    color: Colour = "muted"
    dash: int | None = 0
    width: float = 1.0
    opacity: float = 0.8
    type: ClassVar[str] = "contour"
    data: ClassVar[tuple[str, ...]] = ("values",)


@dataclass(frozen=True)
class Vectors(Mark):
    """An arrow (u, v) at each (x, y), `scale` times as long as the numbers say."""

    x: Path
    y: Path
    u: Path
    v: Path
    scale: float = 1.0
    label: str = ""
    color: Colour = None
    width: float = 1.2
    opacity: float = 0.85
    type: ClassVar[str] = "vectors"
    data: ClassVar[tuple[str, ...]] = ("x", "y", "u", "v")


@dataclass(frozen=True)
class Bars(Mark):
    """A bar of each height, at 0, 1, 2, ... or at `x`."""

    heights: Path
    x: Path | None = None
    width: float = 0.8
    label: str = ""
    color: Colour = None
    opacity: float = 0.85
    type: ClassVar[str] = "bars"
    data: ClassVar[tuple[str, ...]] = ("x", "heights")


@dataclass(frozen=True)
class Graph(Mark):
    """Nodes at `points` (n, 2), and edges (m, 2) between them; `values` colour the nodes."""

    points: Path
    edges: Path
    values: Path | None = None
    label: str = ""
    color: Colour = None
    shape: int | None = 0
    size: float = 10.0
    width: float = 1.2
    opacity: float = 0.8
    map: str = "cividis"
    range: tuple[float, float] | None = None
    type: ClassVar[str] = "graph"
    data: ClassVar[tuple[str, ...]] = ("points", "edges", "values")


@dataclass(frozen=True)
class Rule(Mark):
    """A straight line across the panel at each of some `x` or `y`."""

    x: Data | None = None
    y: Data | None = None
    label: str = ""
    color: Colour = "muted"
    dash: int | None = None
    width: float = 1.4
    opacity: float = 1.0
    type: ClassVar[str] = "rule"
    data: ClassVar[tuple[str, ...]] = ("x", "y")


@dataclass(frozen=True)
class Handles(Mark):
    """The points of a control `Points`, to be dragged."""

    points: str
    label: str = ""
    color: Colour = None
    shape: int | None = 0
    size: float = 12.0
    opacity: float = 1.0
    type: ClassVar[str] = "handles"
    data: ClassVar[tuple[str, ...]] = ("points",)


@dataclass(frozen=True)
class Axis:
    """One axis: label, range (else that of the data), scale, and ticks or names of categories."""

    label: str = ""
    range: tuple[float, float] | None = None
    scale: str = "linear"
    categories: tuple[str, ...] | None = None
    ticks: bool = True

    def __post_init__(self):
        if self.scale not in ("linear", "log"):
            raise ValueError(f"scale must be 'linear' or 'log', got {self.scale!r}")

    def spec(self) -> dict[str, Any]:
        """What the browser must know."""
        given = {f.name: getattr(self, f.name) for f in fields(self)}
        kept = {k: list(v) if isinstance(v, tuple) else v for k, v in given.items()}
        return {k: v for k, v in kept.items() if v is not None and v != "" and v is not True}


@dataclass(frozen=True)
class Panel:
    """Axes with marks on them, the first one lowest.

    With ``equal`` one unit has the same length on both axes; their ranges must then be given.
    `height` is in pixels, axes included.
    """

    marks: Sequence[Mark]
    x: Axis = Axis()
    y: Axis = Axis()
    title: str = ""
    height: int = 270
    equal: bool = False

    def __post_init__(self):
        grid = any(mark.type == "image" for mark in self.marks)
        if self.equal and not grid and not (self.x.range and self.y.range):
            raise ValueError("a panel with equal=True needs the range of both axes")

    def spec(self) -> dict[str, Any]:
        """What the browser must know: colours, dashes and shapes are handed out here."""
        marks = [mark.spec() for mark in self.marks]
        coloured = dashed = shaped = 0
        for mark, own in zip(self.marks, marks, strict=True):
            if isinstance(named := own.get("color"), str) and named not in COLOURS:
                raise ValueError(f"color must be a number or one of {COLOURS}, got {named!r}")
            if "color" not in own and hasattr(mark, "color"):
                own["color"] = coloured
                coloured += 1
            if hasattr(mark, "dash") and "dash" not in own:
                own["dash"] = dashed if mark.label else 0
                dashed += bool(mark.label)
            if hasattr(mark, "shape") and "shape" not in own and mark.type != "image":
                own["shape"] = shaped
                shaped += 1
        spec = {"marks": marks, "x": self.x.spec(), "y": self.y.spec(), "height": self.height}
        if self.title:
            spec["title"] = self.title
        if self.equal or any(isinstance(mark, Matrix) for mark in self.marks):
            spec["equal"] = True
        for mark in marks:  # a grid says how far the axes go, and a matrix has none
            if mark["type"] == "image":
                for side in "xy":
                    spec[side].setdefault("range", mark[side])
                    if mark.get("down"):
                        spec[side]["ticks"] = False
        return spec


@dataclass(frozen=True)
class Number:
    """A number beside the picture: its label, its path, and how it is written (``".2f"``).

    The path ``"$milliseconds"`` is the time that the kernel took in the reader's browser, and
    ``"$milliseconds[i]"`` that of the run i, the runs being in alphabetical order.
    """

    label: str
    value: Path
    format: str = ".3g"

    def spec(self) -> dict[str, Any]:
        """What the browser must know."""
        return {"label": self.label, "value": self.value, "format": self.format}
