"""Figures to play with: the loops of labcore, running in the reader's browser."""

from labcore.live.controls import Choice, Play, Points, Seed, Slider, Toggle
from labcore.live.export import Export
from labcore.live.exports import EXPORTS
from labcore.live.figure import Figure
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

__all__ = [
    "EXPORTS",
    "Axis",
    "Band",
    "Bars",
    "Choice",
    "Cloud",
    "Contour",
    "Dots",
    "Export",
    "Figure",
    "Graph",
    "Handles",
    "Histogram",
    "Image",
    "Line",
    "Matrix",
    "Number",
    "Panel",
    "Paths",
    "Play",
    "Points",
    "Rule",
    "Seed",
    "Slider",
    "Toggle",
    "Vectors",
]
