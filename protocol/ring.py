"""The geometry and the levels of the light ring, shared by kiosk, vault and laboratory.

The ring has SEGMENTS segments on a circle of RADIUS_MM around the lens, all facing the hand.
Segment k is at 45 * k degrees clockwise from above the lens, as the camera sees it.
"""

from math import cos, pi, sin
from typing import TypeAlias

SEGMENTS = 8
RADIUS_MM = 60.0

Levels: TypeAlias = tuple[tuple[int, int, int], ...]
"""Red, green and blue of each segment, 0 to 255, linear in emitted light."""

WHITE: Levels = ((128, 128, 128),) * SEGMENTS
"""The levels that the ring shows when idle, and the light in which templates are extracted."""
DARK: Levels = ((0, 0, 0),) * SEGMENTS

PLACES: tuple[tuple[float, float, float], ...] = tuple(
    (RADIUS_MM * sin(turn), -RADIUS_MM * cos(turn), 0.0)
    for turn in (2 * pi * segment / SEGMENTS for segment in range(SEGMENTS))
)
"""The position of each segment in mm from the lens: right and down as the camera sees it, and away
from the camera."""
