"""The hands that the camera sees on a journey: photographs where the sets of real palms are present
(docs/palm-sets.md), drawings otherwise."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from drawn import Presentation, draw, identity
from lab.sets import PALM_SETS
from palm.hand.landmarks import Side
from palm.image import Colour

SIZE = (720, 1280)
FPS = 12
"""How many pictures a second are enough: each that is looked at costs the tests its processor
time."""
REAL = PALM_SETS / "hands-rgb"


@dataclass(frozen=True)
class Person:
    """Frames of a person's hands, a presentation each."""

    left: Sequence[Colour]
    right: Sequence[Colour]


def people() -> tuple[Person, Person]:
    """Returns two different people."""
    if REAL.is_dir():
        return _real("0001516", 3), _real("0001543", 1)
    return _drawn(1), _drawn(2)


class Counter:
    """The scene before the camera: empty, or with a hand."""

    def __init__(self) -> None:
        self._nobody = np.full((*SIZE, 3), 118, np.uint8)
        self._seen = self._nobody
        self._lock = threading.Lock()

    def shows(self, hand: Colour | None) -> None:
        with self._lock:
            self._seen = self._nobody if hand is None else hand

    def draw(self, out: Colour, at: float) -> None:
        with self._lock:
            np.copyto(out, self._seen)


def _real(subject: str, apart: int) -> Person:
    """Returns a person of the set. Every `apart`-th picture is taken, because neighbouring pictures
    show one presentation."""

    def frames(side: Side) -> list[Colour]:
        files = sorted((REAL / subject).glob(f"palmar-{side}_*.jpg"))
        return [_held(np.asarray(cv2.imread(str(file)), np.uint8)) for file in files[::apart]]

    return Person(frames(Side.LEFT), frames(Side.RIGHT))


def _held(photograph: Colour) -> Colour:
    """Returns a photograph, whose fingers point down, as a frame of a hand over the reader: fingers
    up, palm in the middle, the background of the photograph all around."""
    height, width = SIZE
    scale = 0.8 * height / photograph.shape[0]
    hand = cv2.rotate(
        cv2.resize(photograph, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA),
        cv2.ROTATE_180,
    )
    wall = np.median(hand[:8], axis=(0, 1))
    frame = np.empty((height, width, 3), np.uint8)
    frame[:] = wall
    top, left = (height - hand.shape[0]) // 2 - height // 12, (width - hand.shape[1]) // 2
    top = max(top, 0)
    frame[top : top + hand.shape[0], left : left + hand.shape[1]] = hand
    return frame


def _drawn(seed: int) -> Person:
    rng = np.random.default_rng(seed)

    def frames(side: Side) -> list[Colour]:
        palm = identity(seed, side)
        return [
            draw(palm, Presentation(turn=turn, pitch=pitch), rng).image
            for turn, pitch in ((0.0, 0.0), (5.0, 3.0), (-4.0, 2.0))
        ]

    return Person(frames(Side.LEFT), frames(Side.RIGHT))
