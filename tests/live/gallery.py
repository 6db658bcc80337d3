"""Figures that use every mark and every control, with small loops of their own.

They stand in for the book's figures where a test needs all kinds at once: drawn by matplotlib, run
natively, and driven in a browser (`python -m tests.live.gallery FOLDER` makes the page).
"""

import base64
import json
import math
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
from numba import njit

from labcore.live.controls import Choice, Play, Points, Seed, Slider, Toggle
from labcore.live.export import Export
from labcore.live.exports import EXPORTS
from labcore.live.figure import MIME, Figure
from labcore.live.marks import (
    Axis,
    Band,
    Bars,
    Cloud,
    Contour,
    Dots,
    Graph,
    Handles,
    Histogram,
    Image,
    Line,
    Matrix,
    Number,
    Panel,
    Paths,
    Rule,
    Vectors,
)
from labcore.random import normal_pair
from tools import live_site

STYLE = """
html { --pst-color-background: #fffefc; --pst-color-surface: #f6f5f1; background: #fffefc }
html[data-theme=dark] { --pst-color-background: #12161d; --pst-color-surface: #1b212b;
  --pst-color-primary: #9dbaf5; background: #12161d; color: #dde2ea }
body { max-width: 44rem; margin: 0 auto; padding: 1rem; font-family: sans-serif }
figure { margin: 2rem 0 } img { max-width: 100% }
"""
PAGE = """<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Gallery</title>
<link rel="icon" href="data:,"><link rel="stylesheet" href="_static/live/figures.css">
<style>{style}</style></head><body><main><h1>Gallery</h1>
{blocks}
</main></body></html>
"""


@njit
def _walks(seed, volatility, reflect, paths, ends, deviation):
    """Random walks, and the root mean square of each column."""
    count, steps = paths.shape
    scale = volatility / math.sqrt(steps - 1.0)
    for i in range(count):
        level = 0.0
        for j in range(1, steps):
            level += scale * normal_pair(seed, i, j)[0]
            if reflect:
                level = abs(level)
            paths[i, j] = level
            deviation[j] += level * level / count
        ends[i] = level
    for j in range(steps):
        deviation[j] = math.sqrt(deviation[j])


@njit
def _field(frequency, x, y, values, u, v):
    """A wave on a grid, and its gradient at every fourth point."""
    for i in range(y.size):
        for j in range(x.size):
            values[i, j] = math.sin(frequency * x[j]) * math.cos(y[i])
    for i in range(u.shape[0]):
        for j in range(u.shape[1]):
            a, b = frequency * x[4 * j], y[4 * i]
            u[i, j] = frequency * math.cos(a) * math.cos(b)
            v[i, j] = -math.sin(a) * math.sin(b)


@njit
def _smoother(x_data, y_data, lengthscale, x, fit, weights, gram):
    """Nadaraya-Watson regression with a Gaussian kernel; weights at 0; the data's Gram matrix."""
    for j in range(x.size):
        total, level = 1e-300, 0.0
        for i in range(x_data.size):
            k = math.exp(-0.5 * ((x[j] - x_data[i]) / lengthscale) ** 2)
            total += k
            level += k * y_data[i]
        fit[j] = level / total
    for i in range(x_data.size):
        weights[i] = math.exp(-0.5 * (x_data[i] / lengthscale) ** 2)
        for j in range(x_data.size):
            gram[i, j] = math.exp(-0.5 * ((x_data[i] - x_data[j]) / lengthscale) ** 2)


@njit
def _swirl(seed, time, points, radius):
    """Particles that turn about the origin, the inner ones faster."""
    total = 0.0
    for i in range(points.shape[0]):
        a, b = normal_pair(seed, i, 0)
        angle = time / (0.3 + math.sqrt(a * a + b * b))
        points[i, 0] = a * math.cos(angle) - b * math.sin(angle)
        points[i, 1] = a * math.sin(angle) + b * math.cos(angle)
        total += points[i, 0]
    radius[0] = total / points.shape[0]


@njit
def _slow(rounds, out):
    """Burns time in proportion to `rounds`."""
    value = 0.1
    for _ in range(rounds):
        value = 3.9 * value * (1.0 - value)
    out[0] = value


@njit
def _ring(nodes, gap, points, edges, level):
    """Nodes on a circle, each joined to the one `gap` further on."""
    for i in range(points.shape[0]):
        angle = 2 * math.pi * i / points.shape[0]
        points[i, 0], points[i, 1] = math.cos(angle), math.sin(angle)
        edges[i, 0], edges[i, 1] = i, (i + gap) % points.shape[0]
        level[i] = points[i, 0]


LOOPS = {
    "gallery_walks": Export(
        "gallery_walks",
        _walks,
        {
            "seed": "uint64",
            "volatility": "float64",
            "reflect": "int64",
            "paths": "float64[count, steps]",
            "ends": "float64[count]",
            "deviation": "float64[steps]",
        },
        ("paths", "ends", "deviation"),
    ),
    "gallery_field": Export(
        "gallery_field",
        _field,
        {
            "frequency": "float64",
            "x": "float64[n]",
            "y": "float64[m]",
            "values": "float64[m, n]",
            "u": "float64[p, q]",
            "v": "float64[p, q]",
        },
        ("values", "u", "v"),
    ),
    "gallery_smoother": Export(
        "gallery_smoother",
        _smoother,
        {
            "x_data": "float64[k]",
            "y_data": "float64[k]",
            "lengthscale": "float64",
            "x": "float64[n]",
            "fit": "float64[n]",
            "weights": "float64[k]",
            "gram": "float64[k, k]",
        },
        ("fit", "weights", "gram"),
    ),
    "gallery_swirl": Export(
        "gallery_swirl",
        _swirl,
        {
            "seed": "uint64",
            "time": "float64",
            "points": "float64[n, 2]",
            "radius": "float64[1]",
        },
        ("points", "radius"),
    ),
    "gallery_slow": Export(
        "gallery_slow", _slow, {"rounds": "int64", "out": "float64[1]"}, ("out",)
    ),
    "gallery_ring": Export(
        "gallery_ring",
        _ring,
        {
            "nodes": "int64",
            "gap": "int64",
            "points": "float64[nodes, 2]",
            "edges": "int32[nodes, 2]",
            "level": "float64[nodes]",
        },
        ("points", "edges", "level"),
    ),
}


def figures() -> dict[str, Figure]:
    """The figures by name. Their loops are exported from now on."""
    EXPORTS.update(LOOPS)
    x = np.linspace(0, 1, 101)
    bell = np.linspace(-4, 4, 161)
    grid_x, grid_y = np.linspace(-3, 3, 61), np.linspace(-2, 2, 41)
    arrow_x, arrow_y = np.meshgrid(grid_x[::4], grid_y[::4])
    data = [[-2.0, -1.0], [-1.0, 0.5], [0.5, 1.0], [2.0, -0.5]]
    walks = Figure(
        "gallery_walks",
        controls={
            "volatility": Slider(0.2, 2.0, 1.0, 0.1, label="volatility *σ*"),
            "count": Slider(1, 60, 20),
            "frame": Play(1, 100, 100, seconds=3, label="time step"),
            "reflect": Toggle(False, label="reflect at 0"),
            "seed": Seed(3),
        },
        constants={
            "steps": 101,
            "t": x,
            "zero": 0 * x,
            "bell": bell,
            "density": np.exp(-(bell**2) / 2) / 2.5066,
        },
        plot=[
            Panel(
                [
                    Band("t", "zero", "deviation", color=1),
                    Paths("t[:frame + 1]", "paths[:, :frame + 1]", label="walks", color=0),
                    Line("t", "deviation", label="root mean square", color=1, dash=1),
                    Rule(y=0.0),
                ],
                x=Axis("time *t*", (0, 1)),
                y=Axis("*X*ₜ"),
                title="Walks",
            ),
            Panel(
                [
                    Histogram("ends", (-4, 4), bins=32, label="ends", color=0),
                    Line("bell", "density", label="normal density", color=1),
                ],
                x=Axis("*X*₁", (-4, 4)),
                y=Axis("density"),
                title="Where they end",
            ),
        ],
        numbers=[
            Number("last deviation", "deviation[-1]", ".3f"),
            Number("first walk now", "paths[0, frame]", ".4f"),
        ],
        presets={"calm": {"volatility": 0.3}, "wild": {"volatility": 2.0, "count": 60}},
    )
    field = Figure(
        "gallery_field",
        controls={"frequency": Slider(0.5, 3.0, 1.0, 0.1)},
        constants={"x": grid_x, "y": grid_y, "p": 11, "q": 16, "ax": arrow_x, "ay": arrow_y},
        plot=[
            Panel(
                [
                    Image("values", (-3, 3), (-2, 2), map="diverging"),
                    Contour("values", (-3, 3), (-2, 2), levels=7, color="ink"),
                ],
                equal=True,
            ),
            Panel(
                [Vectors("ax", "ay", "u", "v", scale=0.2)],
                x=Axis("*x*", (-3, 3)),
                y=Axis("*y*", (-2, 2)),
                equal=True,
            ),
        ],
        numbers=[Number("value at the corner", "values[0, 0]", ".4f")],
    )
    smoother = Figure(
        "gallery_smoother",
        controls={
            "data": Points(data, (-3, 3), (-2, 2), label="data"),
            "lengthscale": Slider(0.05, 5.0, 0.5, scale="log", label="lengthscale *ℓ*"),
        },
        constants={"x": np.linspace(-3, 3, 121)},
        arguments={"x_data": "data[:, 0]", "y_data": "data[:, 1]"},
        plot=[
            Panel(
                [Line("x", "fit", label="fit"), Handles("data", label="data")],
                x=Axis("*x*", (-3, 3)),
                y=Axis("*y*", (-2, 2)),
            ),
            Panel([Bars("weights", color=2)], x=Axis("point"), y=Axis("weight at 0", (0, 1))),
            Panel([Matrix("gram", range=(0, 1))], title="Gram matrix"),
        ],
        numbers=[Number("fit at 0", "fit[60]", ".4f")],
    )
    swirl = Figure(
        "gallery_swirl",
        controls={"time": Play(0.0, 10.0, 0.0, 0.01, seconds=10), "seed": Seed(1)},
        constants={"n": 10_000},
        runs={"one": {}, "other": {"time": 0.0}},
        plot=[
            Panel(
                [
                    Cloud(points="one.points", label="moved"),
                    Dots(points="other.points[:20]", label="start"),
                ],
                x=Axis("*x*", (-4, 4)),
                y=Axis("*y*", (-4, 4)),
                equal=True,
                height=380,
            )
        ],
        numbers=[
            Number("mean x", "one.radius[0]", ".5f"),
            Number("at first", "other.radius[0]", ".5f"),
        ],
        summary="At time {time} the mean is {mean x}.",
    )
    slow = Figure(
        "gallery_slow",
        controls={
            "rounds": Choice({"few": 1000, "many": 30_000_000, "very many": 4_000_000_000}, 1000)
        },
        plot=[Panel([Bars("out"), Bars("$milliseconds", x="one")], y=Axis("", (0, 1)), height=140)],
        constants={"one": [1.0]},
        numbers=[Number("value", "out[0]", ".6f"), Number("time in ms", "$milliseconds", ".2f")],
    )
    ring = Figure(
        "gallery_ring",
        controls={"nodes": Slider(3, 30, 12), "gap": Slider(1, 10, 5)},
        plot=[
            Panel(
                [Graph("points", "edges", values="level", map="diverging")],
                x=Axis(range=(-1.2, 1.2), ticks=False),
                y=Axis(range=(-1.2, 1.2), ticks=False),
                equal=True,
            )
        ],
        numbers=[Number("level of node 1", "level[1]", ".3f")],
    )
    return {
        "walks": walks,
        "field": field,
        "smoother": smoother,
        "swirl": swirl,
        "slow": slow,
        "ring": ring,
    }


def write_page(folder: Path) -> Path:
    """Write a page with all the figures, as the site has them; returns its path."""
    shown = figures()
    live = folder / live_site.FOLDER
    live.mkdir(parents=True)
    for name in ("figures.js", "figures.css"):
        shutil.copyfile(live_site.ASSETS / name, live / name)
    code = folder / "code"
    code.mkdir()
    compile_loops(code)
    manifest = json.loads((code / "kernels.json").read_text())
    script = live_site.kernels_script((code / "kernels.wasm").read_bytes(), manifest)
    (live / "kernels.js").write_text(script)
    blocks = []
    for i, (name, figure) in enumerate(shown.items()):
        picture = base64.b64encode(figure.still()).decode()
        alt = f"The figure {name} of the gallery."
        blocks.append(
            f'<figure id="fig-{name}"><img src="data:image/png;base64,{picture}" alt="{alt}">'
            + live_site.markup(figure._repr_mimebundle_()[MIME], "", "0", i == 0)
            + f"<figcaption>The figure {name}.</figcaption></figure>"
        )
    page = folder / "index.html"
    page.write_text(PAGE.format(style=STYLE, blocks="\n".join(blocks)), encoding="utf-8")
    return page


def compile_loops(folder: Path) -> None:
    """Compile the gallery's loops for the browser, as labcore.live.wasm does the book's."""
    code = (
        "import sys; from pathlib import Path; from labcore.live import exports, wasm; "
        "from tests.live import gallery; exports.EXPORTS.clear(); "
        "exports.EXPORTS.update(gallery.LOOPS); wasm._build_here(Path(sys.argv[1]))"
    )
    plain = dict.fromkeys(("NUMBA_OPT", "NUMBA_LOOP_VECTORIZE", "NUMBA_SLP_VECTORIZE"), "0")
    environment = {**os.environ, **plain, "LABCORE_CACHE_DIR": os.path.join(os.devnull, "none")}
    command = [sys.executable, "-c", code, str(folder)]
    subprocess.run(command, check=True, env=environment, cwd=live_site.ASSETS.parents[2])


if __name__ == "__main__":
    print(write_page(Path(sys.argv[1])).as_uri())
