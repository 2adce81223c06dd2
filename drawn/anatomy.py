"""The skeleton of a hand: the proportions of one person, and the joints in one gesture.

All hands are modelled as a left hand whose palm faces the camera; a right hand is its mirror image.
Coordinates are in millimetres from the palm's centre: x away from the thumb, y toward the fingers,
z toward the camera. Joints lie where MediaPipe places its landmarks, a little beyond the true
knuckles and short of the fingertips. Lengths and breadths follow Greiner, "Hand anthropometry of
U.S. Army personnel" (1991), and Buryanov & Kotiuk, "Proportions of hand segments" (2010).
"""

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Landmark

Field: TypeAlias = npt.NDArray[np.floating[Any]]
"""An array of numbers, such as points, maps or weights; mostly float32."""

Mask: TypeAlias = npt.NDArray[np.bool]

FINGERS = (
    (Landmark.THUMB_MCP, Landmark.THUMB_IP, Landmark.THUMB_TIP),
    (Landmark.INDEX_MCP, Landmark.INDEX_PIP, Landmark.INDEX_DIP, Landmark.INDEX_TIP),
    (Landmark.MIDDLE_MCP, Landmark.MIDDLE_PIP, Landmark.MIDDLE_DIP, Landmark.MIDDLE_TIP),
    (Landmark.RING_MCP, Landmark.RING_PIP, Landmark.RING_DIP, Landmark.RING_TIP),
    (Landmark.LITTLE_MCP, Landmark.LITTLE_PIP, Landmark.LITTLE_DIP, Landmark.LITTLE_TIP),
)
"""The joints of each finger from knuckle to tip, thumb first."""

PALM_LENGTH = 95.6
"""The distance from wrist to middle knuckle of the average hand, in mm."""

_WRIST = (0.5, -47.5)
_THUMB_CMC = (-26.5, -30.0, 8.0)
_KNUCKLES = ((-26.0, 44.0), (-4.2, 48.0), (16.0, 43.0), (34.3, 32.5))
_PHALANGES = (
    (43.0, 31.0, 22.0),
    (32.5, 23.0, 17.5),
    (37.0, 26.5, 18.5),
    (35.0, 25.5, 18.5),
    (27.5, 19.0, 16.0),
)
_RADII = ((12.5, 11.0, 9.0), (10.6, 9.2, 7.0), (10.8, 9.5, 7.2), (10.1, 8.8, 6.9), (8.9, 7.7, 6.1))
_CLOSED = (-25.0, 2.5, 0.0, -1.5, -3.0)
_WIDE = (-50.0, -17.0, -3.0, 12.0, 27.0)
_FIST = (82.0, 98.0, 58.0)
_RELAXED = (3.0, 7.0, 5.0)
_FIST_THUMB = ((-42.0, -2.0, 27.0), (-26.0, 20.0, 46.0), (-2.0, 24.0, 49.0))


def array(numbers: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Returns the numbers as a float32 array."""
    return np.asarray(numbers, np.float32)


@dataclass(frozen=True, slots=True)
class Build:
    """The proportions of a hand, as multiples of the average adult's."""

    size: float
    breadth: float
    fingers: tuple[float, ...]
    """(5,) lengths of the fingers, thumb first."""
    thickness: float
    pads: float
    """The fullness of the balls of the palm."""


def build(rng: np.random.Generator) -> Build:
    """Draws the build of a person."""
    length = rng.normal(1.0, 0.03)
    return Build(
        size=float(np.clip(rng.normal(1.0, 0.05), 0.88, 1.12)),
        breadth=float(np.clip(rng.normal(1.0, 0.035), 0.92, 1.08)),
        fingers=tuple(float(length * rng.normal(1.0, 0.02)) for _ in FINGERS),
        thickness=float(np.clip(rng.normal(1.0, 0.05), 0.9, 1.1)),
        pads=float(rng.uniform(0.7, 1.2)),
    )


def radii(hand: Build) -> Field:
    """Returns the (5, 3) radii of each finger at its knuckle, middle joints and tip, in mm."""
    return array(_RADII) * (hand.thickness * hand.size)


def skeleton(hand: Build, spread: float, curl: float) -> npt.NDArray[np.float32]:
    """Returns the (21, 3) joints in mm, in the order of `Landmark`.

    `spread` is 0 with the fingers side by side and 1 with all apart. `curl` is 0 for a flat hand
    and 1 for a fist.
    """
    joints = np.zeros((21, 3))
    joints[Landmark.WRIST, :2] = _WRIST
    joints[Landmark.THUMB_CMC] = _THUMB_CMC
    for finger, knuckle in zip(FINGERS[1:], _KNUCKLES, strict=True):
        joints[finger[0], :2] = knuckle
    joints[:, 0] *= hand.breadth

    angles = np.radians(np.array(_CLOSED) + spread * (np.array(_WIDE) - np.array(_CLOSED)))
    # Fingers cannot be spread in a fist.
    angles[1:] *= 1 - curl
    for i, finger in enumerate(FINGERS[1:], start=1):
        flexion = np.cumsum(np.radians(np.array(_RELAXED) * (1 + 0.25 * (i - 2)) * (1 - curl)))
        flexion += np.cumsum(np.radians(_FIST)) * curl
        at = joints[finger[0]]
        for bone, flex in enumerate(flexion):
            length = _PHALANGES[i][bone] * hand.fingers[i]
            at = at + length * np.array(
                (np.sin(angles[i]) * np.cos(flex), np.cos(angles[i]) * np.cos(flex), np.sin(flex))
            )
            joints[finger[bone + 1]] = at
    _place_thumb(joints, hand, float(angles[0]), curl)
    return array(joints * hand.size)


def _place_thumb(joints: npt.NDArray[np.float64], hand: Build, angle: float, curl: float) -> None:
    at = joints[Landmark.THUMB_CMC]
    straighten = np.radians((0.0, 7.0, 11.0))
    for bone, joint in enumerate(FINGERS[0]):
        turned = angle + straighten[bone]
        opened = np.array((np.sin(turned), np.cos(turned), 0.22 - 0.1 * bone))
        folded = np.array(_FIST_THUMB[bone]) - (_THUMB_CMC if bone == 0 else _FIST_THUMB[bone - 1])
        towards = opened / np.linalg.norm(opened) * (1 - curl)
        towards += folded / np.linalg.norm(folded) * curl
        length = _PHALANGES[0][bone] * hand.fingers[0]
        at = at + length * towards / np.linalg.norm(towards)
        joints[joint] = at
