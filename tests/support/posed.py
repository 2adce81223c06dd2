"""Hands before the camera: as observations, or drawn in a given pose."""

from dataclasses import replace
from functools import lru_cache

import numpy as np

from drawn import Presentation, draw, identity
from palm.hand.landmarks import Hand, Landmark, Shown, Side
from palm.hand.observation import Observation
from palm.image import Colour

FRAME = (720, 1280)

_SHAPE = np.array(
    [(0, 0), (-0.3, -0.2), (-0.5, -0.45), (-0.65, -0.65), (-0.8, -0.8)]
    + [
        (x, -1 + abs(x) * 0.2 - reach)
        for x in (-0.3, -0.1, 0.1, 0.28)
        for reach in (0, 0.4, 0.65, 0.85)
    ],
    np.float32,
)
"""(21, 2) a right palm, wrist at the origin, fingers up, in palm lengths."""


def hand(
    side: Side = Side.RIGHT, shown: Shown = Shown.PALM, centre: tuple[float, float] = (640, 360)
) -> Hand:
    """Returns a hand of span 0.45 with its palm at `centre`, in pixels of FRAME."""
    landmarks = _SHAPE * 0.45 * FRAME[0]
    palm = landmarks[[Landmark.WRIST, Landmark.MIDDLE_MCP]].mean(axis=0)
    return Hand(
        landmarks=landmarks - palm + np.array(centre, np.float32),
        depth=np.zeros(21, np.float32),
        world=np.column_stack([_SHAPE, np.zeros(21)]).astype(np.float32) * 0.1,
        presence=1.0,
        side=side,
        shown=shown,
    )


GOOD = Observation(
    at=0.0,
    hands=1,
    hand=hand(),
    span=0.45,
    tilt=20.0,
    openness=1.0,
    sharpness=0.9,
    brightness=0.6,
    motion=0.1,
)
"""The observation of a palm that is held well."""

NOBODY = Observation(at=0.0, hands=0)


@lru_cache
def drawn(pose: Presentation = Presentation(), seed: int = 7, side: Side = Side.LEFT) -> Colour:  # noqa: B008 - frozen
    """Returns (720, 1280, 3) a drawn palm; read-only."""
    image = draw(identity(seed, side), pose, np.random.default_rng(1), FRAME).image
    image.setflags(write=False)
    return image


class Posed:
    """A scene for the simulated camera: a drawn palm that moves only by `hold`."""

    def __init__(self, pose: Presentation | None = None) -> None:
        self.image = drawn(pose or Presentation())

    def hold(self, **changes: object) -> None:
        self.image = drawn(replace(Presentation(), **changes))  # type: ignore[arg-type]

    def draw(self, out: Colour, at: float) -> None:
        np.copyto(out, self.image)


AWAY = Presentation(y=3.0)
"""A pose outside the frame."""
