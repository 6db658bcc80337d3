"""Fonts with no more than a site shows of them: characters, weights and features."""

from collections.abc import Iterable
from pathlib import Path

from fontTools import subset
from fontTools.varLib import instancer

# Of a text font: kerning, ligatures, accents, and the numerals that the style sheets ask for.
FEATURES = ["ccmp", "kern", "liga", "lnum", "locl", "mark", "mkmk", "tnum"]


def cut_font(
    source: Path,
    target: Path,
    characters: Iterable[int],
    *,
    features: Iterable[str] = (),
    weights: tuple[int, int] | None = None,
) -> None:
    """Write a font as WOFF2 with some of its characters, and between two weights if it varies."""
    options = subset.Options(
        flavor="woff2", layout_features=list(features), notdef_outline=True, hinting=False
    )
    options.drop_tables = [*options.drop_tables, "FFTM"]  # the dates of FontForge
    cut = subset.Subsetter(options)
    cut.populate(unicodes=characters)
    with subset.load_font(str(source), options) as font:
        cut.subset(font)
        if weights and "fvar" in font:
            instancer.instantiateVariableFont(font, {"wght": weights}, inplace=True)
        subset.save_font(font, str(target), options)
