"""Plots that the pages draw as SVG: for each day one bar, or several stacked ones. `console.css`
sets their colours. Words stand beside the drawing, where their size does not change with it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

STEP = 10
"""The width of the column of a day, of which the bars leave a gap."""
HEIGHT = 100


@dataclass(frozen=True, slots=True)
class Bar:
    kind: str
    """What the bar counts; it decides the colour."""
    x: int
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class Plot:
    """Bars in an area that is `width` wide and HEIGHT high."""

    bars: Sequence[Bar]
    width: int
    top: float
    """The value at the upper edge; 0 where all values are 0."""


def stacked(columns: Sequence[Mapping[str, float]], kinds: Sequence[str]) -> Plot:
    """Returns a plot with one column for each element of `columns`, in which the kinds are stacked,
    the first at the bottom."""
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
