"""The still picture of a figure: the same marks, drawn by matplotlib in the book's style."""

import io
import re
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.style import context

from labcore.live.evaluate import Evaluation

_POINT = 0.72  # points for a pixel of a figure that is 700 px wide and 7 inches in print
_DASHES = [(), (7, 4), (2, 3), (8, 3, 2, 3)]
_SHAPES = "os^D"
_MANY = 1500  # as in marks.js
_NOTE_COLUMNS = 100
_GAP = "     "
_MIDDLE = "#f4f2ee"  # of the diverging map, as in figure.css


def draw(evaluation: Evaluation) -> bytes:
    """A PNG of the figure in the state that was evaluated."""
    spec = evaluation.spec
    # Not by pyplot: were this its first figure, a notebook would show none of the later ones.
    with context("labcore.book"):
        columns = min(len(spec["panels"]), 3)
        rows = -(-len(spec["panels"]) // columns)
        height = max(panel["height"] for panel in spec["panels"]) / 88 * rows
        figure = Figure(figsize=(7.0, height + 0.35))
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes, panel in zip(grid.flat, spec["panels"], strict=False):
            _draw_panel(axes, panel, evaluation)
        for axes in grid.flat[len(spec["panels"]) :]:
            axes.set_axis_off()
        if note := _note(evaluation):
            figure.supxlabel(note, fontsize=8.5, color="#57606a")
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _note(evaluation: Evaluation) -> str:
    """The numbers beside the picture, in lines that are no wider than it."""
    lines = [""]
    for number, value in zip(evaluation.spec["numbers"], evaluation.numbers(), strict=True):
        pair = f"{_text(number['label'])} {value.replace('-', '−')}"
        if lines[-1] and len(lines[-1]) + len(pair) > _NOTE_COLUMNS:
            lines.append("")
        lines[-1] += _GAP * bool(lines[-1]) + pair
    return "\n".join(lines)


def _draw_panel(axes: Axes, panel: dict[str, Any], evaluation: Evaluation) -> None:
    for order, mark in enumerate(panel["marks"], start=2):
        values = {
            name: evaluation.value(mark[name])
            for name in ("x", "y", "low", "high", "u", "v", "values", "heights", "edges", "points")
            if name in mark and not isinstance(mark[name], list)
        }
        style = {"zorder": order, "alpha": mark["opacity"], "label": _text(mark.get("label", ""))}
        _DRAW[mark["type"]](axes, mark, values, style)
    for side, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
        told = panel[side]
        if told.get("scale") == "log":
            axis.axes.set(**{f"{side}scale": "log"})
        if told.get("categories"):
            axis.set_ticks(range(len(told["categories"])), told["categories"])
        if told.get("ticks") is False:
            axis.set_ticks([])
        if "range" in told:
            axes.set(**{f"{side}lim": told["range"]})
        axis.set_label_text(_text(told.get("label", "")))
    if panel["x"].get("ticks") is False and panel["y"].get("ticks") is False:
        axes.spines[:].set_visible(False)
    axes.set_title(_text(panel.get("title", "")))
    if any(mark.get("down") for mark in panel["marks"]):
        axes.invert_yaxis()
        axes.grid(False)
    if panel.get("equal"):
        axes.set_aspect("equal", adjustable="box")
    if any(mark.get("label") for mark in panel["marks"]):
        axes.legend()


def _colour(mark: dict[str, Any]) -> str:
    names = {
        "ink": mpl.rcParams["text.color"],
        "muted": mpl.rcParams["xtick.color"],
        "white": "white",
    }
    return names[mark["color"]] if isinstance(mark["color"], str) else f"C{mark['color'] % 7}"


def _stroke(mark: dict[str, Any]) -> dict[str, Any]:
    width = mark["width"] * _POINT
    dashes = tuple(part * _POINT for part in _DASHES[mark["dash"] % len(_DASHES)])
    return {
        "color": _colour(mark),
        "linewidth": width,
        "linestyle": (0, dashes) if dashes else "-",
    }


def _line(axes, mark, values, style):
    y = np.atleast_2d(values["y"])
    x = np.broadcast_to(values["x"], y.shape)
    for i, row in enumerate(y):
        label = style["label"] if i == 0 else None
        axes.plot(x[i], row, **{**style, **_stroke(mark), "label": label or None})


def _band(axes, mark, values, style):
    axes.fill_between(values["x"], values["low"], values["high"], color=_colour(mark), **style)


def _positions(values):
    return values["points"].T if "points" in values else (values["x"], values["y"])


def _dots(axes, mark, values, style):
    x, y = _positions(values)
    colour = {"color": _colour(mark)}
    if "values" in values:
        low, high = _range(values["values"], mark)
        colour = {"c": values["values"], "cmap": _colours(mark), "vmin": low, "vmax": high}
    area = (mark["size"] * _POINT) ** 2
    marker = _SHAPES[mark["shape"] % 4]
    edge = {"edgecolors": "none"}
    if "values" in values and len(x) <= _MANY:  # a colour may be that of the ground
        edge = {"edgecolors": mpl.rcParams["xtick.color"], "linewidths": 0.6}
    axes.scatter(x, y, s=area, marker=marker, **colour, **edge, **style)


def _histogram(axes, mark, values, style):
    low, high = mark["range"]
    sample = np.ravel(values["values"])
    inside = sample[(sample >= low) & (sample <= high)]
    heights, edges = np.histogram(inside, mark["bins"], (low, high), density=mark["density"])
    axes.stairs(np.nan_to_num(heights), edges, fill=True, color=_colour(mark), **style)
    axes.stairs(
        np.nan_to_num(heights), edges, color=_colour(mark), linewidth=0.9, zorder=style["zorder"]
    )


def _range(values, mark):
    """From which value to which the colours go; those of a diverging map are centred on zero."""
    if "range" in mark:
        return mark["range"]
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    most = max(abs(low), abs(high))
    return (-most, most) if mark["map"] == "diverging" else (low, high)


def _colours(mark):
    if mark["map"] == "diverging":
        return LinearSegmentedColormap.from_list("diverging", ["C0", _MIDDLE, "C1"])
    return mark["map"]


def _image(axes, mark, values, style):
    z = values["values"]
    low, high = _range(z, mark)
    edges = []
    for (first, last), count in ((mark["x"], z.shape[1]), (mark["y"], z.shape[0])):
        half = (last - first) / (count - 1) / 2 if count > 1 else 0.5
        half = 0.0 if mark.get("down") else half
        edges += [first - half, last + half]
    look = {"cmap": _colours(mark), "vmin": low, "vmax": high, "alpha": mark["opacity"]}
    picture = axes.imshow(
        z, extent=edges, origin="lower", aspect="auto", zorder=style["zorder"], **look
    )
    axes.grid(False)
    if mark.get("colorbar"):
        axes.figure.colorbar(picture, ax=axes, shrink=0.85, pad=0.02)


def _contour(axes, mark, values, style):
    z = values["values"]
    levels = mark["levels"]
    if isinstance(levels, int):
        levels = np.linspace(np.nanmin(z), np.nanmax(z), levels + 2)[1:-1]
    x, y = np.linspace(*mark["x"], z.shape[1]), np.linspace(*mark["y"], z.shape[0])
    look = {"colors": _colour(mark), "linewidths": mark["width"] * _POINT, "alpha": mark["opacity"]}
    solid = {"negative_linestyles": "solid", "zorder": style["zorder"]}
    axes.contour(x, y, z, sorted(set(levels)), **solid, **look)


def _vectors(axes, mark, values, style):
    parts = [np.ravel(values[name]) for name in ("x", "y", "u", "v")]
    frame = {"angles": "xy", "scale_units": "xy", "scale": 1 / mark["scale"]}
    width = {"units": "inches", "width": mark["width"] * _POINT / 72}
    axes.quiver(*parts, color=_colour(mark), **frame, **width, **style)


def _bars(axes, mark, values, style):
    heights = values["heights"]
    axes.bar(
        values.get("x", np.arange(len(heights))),
        heights,
        mark["width"],
        color=_colour(mark),
        **style,
    )


def _graph(axes, mark, values, style):
    x, y = _positions(values)
    ends = np.asarray(values["edges"], dtype=int)
    look = {"color": mpl.rcParams["xtick.color"], "linewidth": mark["width"] * _POINT}
    axes.plot(x[ends.T], y[ends.T], alpha=mark["opacity"], zorder=style["zorder"], **look)
    _dots(axes, mark, values, style | {"alpha": 1.0, "zorder": style["zorder"] + 0.5})


def _rule(axes, mark, values, style):
    for name, across in (("x", axes.axvline), ("y", axes.axhline)):
        for i, value in enumerate(np.atleast_1d(values.get(name, []))):
            across(value, **{**style, **_stroke(mark), "label": style["label"] if i == 0 else None})


_DRAW = {
    "line": _line,
    "band": _band,
    "dots": _dots,
    "handles": _dots,
    "histogram": _histogram,
    "image": _image,
    "contour": _contour,
    "vectors": _vectors,
    "bars": _bars,
    "graph": _graph,
    "rule": _rule,
}


def _text(text: str) -> str:
    """*x* in a label is italic."""
    return re.sub(r"\*([^*]+)\*", lambda m: rf"$\mathit{{{m[1]}}}$", text)
