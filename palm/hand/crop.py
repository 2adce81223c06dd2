"""The turned square that a hand is cut out by, and the picture a network is shown of it."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Landmark
from palm.image import Colour

Points = npt.NDArray[np.float32]
"""(n, 2) or (2,) pixels of the frame, origin at its top-left corner."""

TRACKED = 2.0
"""Side of the square around known landmarks, over the extent of the palm and its first joints."""

_STEADY = [
    Landmark.WRIST,
    Landmark.THUMB_CMC,
    Landmark.THUMB_MCP,
    Landmark.THUMB_IP,
    Landmark.INDEX_MCP,
    Landmark.INDEX_PIP,
    Landmark.MIDDLE_MCP,
    Landmark.MIDDLE_PIP,
    Landmark.RING_MCP,
    Landmark.RING_PIP,
    Landmark.LITTLE_MCP,
    Landmark.LITTLE_PIP,
]
"""What stays where it is while fingertips move."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of the frame, turned so that the fingers point to its upper edge."""

    centre: Points
    up: Points
    """Unit vector toward the fingers."""
    side: float

    @classmethod
    def around(cls, landmarks: Points) -> "Crop":
        """The crop to look in for a hand whose (21, 2) landmarks were here a moment ago."""
        knuckles = (landmarks[Landmark.INDEX_MCP] + landmarks[Landmark.RING_MCP]) / 4
        knuckles = knuckles + landmarks[Landmark.MIDDLE_MCP] / 2
        up = unit(knuckles - landmarks[Landmark.WRIST])
        axes = np.stack([right_of(up), up])
        along = landmarks[_STEADY] @ axes.T
        low, high = along.min(axis=0), along.max(axis=0)
        extent = float((high - low).max())
        return cls((low + high) / 2 @ axes + up * extent * 0.1, up, extent * TRACKED)

    def to_frame(self, size: int) -> npt.NDArray[np.float32]:
        """(2, 3) affine map from pixels of a crop of this size to pixels of the frame.

        Corners meet corners with no half-pixel offset, as the landmark model was trained.
        """
        right = right_of(self.up)
        corner = self.centre + (self.up - right) * self.side / 2
        scale = self.side / size
        return np.column_stack([right * scale, -self.up * scale, corner]).astype(np.float32)

    def cut(self, image: Colour, size: int) -> Colour:
        """(size, size, 3) what the square holds, black beyond the frame's edges."""
        reach = self.side / 2 * float(np.abs(self.up).sum()) + 2
        edges = np.array(image.shape[1::-1])
        left, top = np.floor(self.centre - reach).clip(0, edges).astype(int)
        right, bottom = np.ceil(self.centre + reach).clip(0, edges).astype(int)
        image = image[top:bottom, left:right]
        if image.size == 0:
            return np.zeros((size, size, 3), np.uint8)
        to_image = self.to_frame(size) - np.array([[0, 0, left], [0, 0, top]], np.float32)
        shrink = max(int(self.side / size), 1)
        if shrink > 1:
            shape = -(-image.shape[1] // shrink), -(-image.shape[0] // shrink)
            image = np.asarray(cv2.resize(image, shape, interpolation=cv2.INTER_AREA), np.uint8)
        cut = cv2.warpAffine(
            image,
            to_image / shrink,
            (size, size),
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        )
        return np.asarray(cut, np.uint8)


def unit(vector: Points) -> Points:
    return vector / max(float(np.hypot(*vector)), 1e-6)


def right_of(up: Points) -> Points:
    return np.array([-up[1], up[0]], np.float32)
