"""The light ring about the lens: where its segments are, and what a step of light is."""

from typing import Any

import numpy as np
import numpy.typing as npt

SEGMENTS = 8
RADIUS = 60.0
"""Of the circle about the lens on which the segments lie, mm."""

Light = npt.NDArray[np.floating[Any]]
"""(SEGMENTS, 3) red, green, blue of every segment, 0 dark to 1 full, linear in the light given.
Segment k lies 45 k degrees clockwise from above the lens, as the camera sees it."""


def places() -> npt.NDArray[np.float32]:
    """(SEGMENTS, 3) mm about the lens: right and down as the camera sees it, and away from it."""
    turn = np.arange(SEGMENTS) * (2 * np.pi / SEGMENTS)
    flat = np.stack([np.sin(turn), -np.cos(turn), np.zeros(SEGMENTS)], axis=1)
    return (RADIUS * flat).astype(np.float32)
