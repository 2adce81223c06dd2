"""Plots, drawn as SVG in the page: bars, one or several on top of each other for each day. Colours
are those of `console.css`, and words stand beside the drawing, where they keep their size."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

STEP = 10
"""The width of a day's place. Its bars leave a gap."""
HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Bar:
    kind: str
    """What it stands for, by which it is coloured."""
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars in a space that is `width` wide and HEIGHT high."""

    bars: Sequence[Bar]
    width: int
    top: float
    """The value at the upper edge; 0 where there is nothing to be seen."""


def stacked(columns: Sequence[Mapping[str, float]], kinds: Sequence[str]) -> Plot:
    """Returns a plot with a column for each day, in which the kinds lie upon each other, the first
    at the bottom."""
    top = max((sum(column.get(kind, 0) for kind in kinds) for column in columns), default=0)
    bars: list[Bar] = []
    for place, column in enumerate(columns):
        y = float(HEIGHT)
        for kind in kinds:
            height = HEIGHT * column.get(kind, 0) / top if top else 0.0
            if height > 0:
                y -= height
                bars.append(Bar(kind, place * STEP, round(y, 2), round(height, 2)))
    return Plot(bars, len(columns) * STEP, top)
