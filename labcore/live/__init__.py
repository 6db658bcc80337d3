"""Figures to play with."""

from labcore.live.explorer import Choice, Explorer, Slider

__all__ = ["Choice", "Explorer", "Slider"]
