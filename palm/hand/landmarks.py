"""The hands found in a frame, their landmarks, and what each of them shows."""

from dataclasses import dataclass
from enum import IntEnum, StrEnum

import numpy as np
import numpy.typing as npt


class Side(StrEnum):
    """The side of the body that the hand belongs to, from its owner's view."""

    LEFT = "left"
    RIGHT = "right"


class Shown(StrEnum):
    """The part of the hand that faces the camera."""

    PALM = "palm"
    BACK = "back"
    FIST = "fist"


class Landmark(IntEnum):
    """The 21 hand landmarks, numbered as in MediaPipe Hands (Zhang et al. 2020)."""

    WRIST = 0
    THUMB_CMC = 1
    THUMB_MCP = 2
    THUMB_IP = 3
    THUMB_TIP = 4
    INDEX_MCP = 5
    INDEX_PIP = 6
    INDEX_DIP = 7
    INDEX_TIP = 8
    MIDDLE_MCP = 9
    MIDDLE_PIP = 10
    MIDDLE_DIP = 11
    MIDDLE_TIP = 12
    RING_MCP = 13
    RING_PIP = 14
    RING_DIP = 15
    RING_TIP = 16
    LITTLE_MCP = 17
    LITTLE_PIP = 18
    LITTLE_DIP = 19
    LITTLE_TIP = 20


KNUCKLES = [Landmark.INDEX_MCP, Landmark.MIDDLE_MCP, Landmark.RING_MCP, Landmark.LITTLE_MCP]


@dataclass(frozen=True, slots=True)
class Hand:
    """One hand in one frame.

    - `landmarks`: (21, 2) float32, in pixels of the frame, origin at its top-left corner.
    - `depth`: (21,) float32, in the same pixels, relative to the wrist, negative toward the camera.
    - `world`: (21, 3) float32, in metres, relative to the hand's centre.
    - `presence`: the model's probability, 0 to 1, that there is a hand at all.
    """

    landmarks: npt.NDArray[np.float32]
    depth: npt.NDArray[np.float32]
    world: npt.NDArray[np.float32]
    presence: float
    side: Side
    shown: Shown

    @property
    def palm_centre(self) -> npt.NDArray[np.float32]:
        """The point midway between the wrist and the mean of the four knuckles: (2,), in pixels."""
        return (self.landmarks[Landmark.WRIST] + self.landmarks[KNUCKLES].mean(axis=0)) / 2

    @property
    def palm_length(self) -> float:
        """The distance from the wrist to the middle knuckle, in pixels."""
        along = self.landmarks[Landmark.MIDDLE_MCP] - self.landmarks[Landmark.WRIST]
        return float(np.hypot(*along))

    @property
    def palm_width(self) -> float:
        """The distance from the index knuckle to the little finger's knuckle, in pixels."""
        across = self.landmarks[Landmark.INDEX_MCP] - self.landmarks[Landmark.LITTLE_MCP]
        return float(np.hypot(*across))


def turn_of_fingers(landmarks: npt.NDArray[np.float32]) -> float:
    """Returns the sine of the angle at the wrist from index to little knuckle: above 0 where a
    right palm or the back of a left hand is seen, below 0 where it is the other way about.

    `landmarks` are (21, 2) in pixels, y down.
    """
    wrist = landmarks[Landmark.WRIST]
    index, little = landmarks[Landmark.INDEX_MCP] - wrist, landmarks[Landmark.LITTLE_MCP] - wrist
    lengths = max(float(np.hypot(*index) * np.hypot(*little)), 1e-6)
    return float(index[1] * little[0] - index[0] * little[1]) / lengths


def straightness(world: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Returns how straight each finger is: (5,), thumb first, from 0 (bent onto the palm) to 1
    (stretched).

    The measure of a finger is the distance from wrist to fingertip over the length of the bones
    between them: 1 when straight, little more than half in a fist. The measure of the thumb is the
    distance from its tip to the little knuckle over the palm's width, which is below 1 when the
    thumb lies across the palm.
    """
    chains = world[_FINGERS]
    bones = np.linalg.norm(np.diff(chains, axis=1), axis=2).sum(axis=1)
    reach = np.linalg.norm(chains[:, -1] - chains[:, 0], axis=1) / bones
    little, index = world[Landmark.LITTLE_MCP], world[Landmark.INDEX_MCP]
    thumb = np.linalg.norm(world[Landmark.THUMB_TIP] - little) / np.linalg.norm(index - little)
    fingers = (reach - 0.55) / 0.3
    return np.clip(np.append((thumb - 0.8) / 0.4, fingers), 0, 1).astype(np.float32)


_FINGERS = [[Landmark.WRIST, *range(knuckle, knuckle + 4)] for knuckle in KNUCKLES]
