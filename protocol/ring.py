"""The light ring around the lens: what kiosk, vault and laboratory must agree on.

The ring has SEGMENTS segments on a circle of RADIUS_MM about the lens, all facing the hand.
Segment k sits at 45 * k degrees clockwise from above the lens, as the camera sees it.
"""

from math import cos, pi, sin
from typing import TypeAlias

SEGMENTS = 8
RADIUS_MM = 60.0

Levels: TypeAlias = tuple[tuple[int, int, int], ...]
"""Red, green and blue of each segment, 0 to 255, linear in the light they give."""

WHITE: Levels = ((128, 128, 128),) * SEGMENTS
"""What the ring shows by itself, and the light that a palm's template is made under."""
DARK: Levels = ((0, 0, 0),) * SEGMENTS

PLACES: tuple[tuple[float, float, float], ...] = tuple(
    (RADIUS_MM * sin(turn), -RADIUS_MM * cos(turn), 0.0)
    for turn in (2 * pi * segment / SEGMENTS for segment in range(SEGMENTS))
)
"""Where each segment is, in mm from the lens: right and down as the camera sees it, and away."""
