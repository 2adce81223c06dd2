"""The rotated square of a frame that holds one hand, which is what the networks are shown."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Landmark
from palm.image import Colour

Points = npt.NDArray[np.float32]
"""(n, 2) or (2,) positions in pixels of the frame, origin at its top-left corner."""

TRACKED = 2.0
"""The side of the crop around known landmarks, as a multiple of the extent of the palm and the
first finger joints."""

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
"""The landmarks that stay in place when the fingertips move."""


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of the frame, rotated so that the fingers point to its upper edge."""

    centre: Points
    up: Points
    """The unit vector toward the fingers."""
    side: float

    @classmethod
    def around(cls, landmarks: Points) -> "Crop":
        """Returns the crop in which to look for a hand whose last known landmarks are these (21,
        2)."""
        knuckles = (landmarks[Landmark.INDEX_MCP] + landmarks[Landmark.RING_MCP]) / 4
        knuckles = knuckles + landmarks[Landmark.MIDDLE_MCP] / 2
        up = unit(knuckles - landmarks[Landmark.WRIST])
        axes = np.stack([right_of(up), up])
        along = landmarks[_STEADY] @ axes.T
        low, high = along.min(axis=0), along.max(axis=0)
        extent = float((high - low).max())
        return cls((low + high) / 2 @ axes + up * extent * 0.1, up, extent * TRACKED)

    def to_frame(self, size: int) -> npt.NDArray[np.float32]:
        """Returns the (2, 3) affine map from pixels of a crop of this size to pixels of the frame.

        Corners map to corners, without a half-pixel offset, as the landmark model was trained.
        """
        right = right_of(self.up)
        corner = self.centre + (self.up - right) * self.side / 2
        scale = self.side / size
        return np.column_stack([right * scale, -self.up * scale, corner]).astype(np.float32)

    def cut(self, image: Colour, size: int) -> Colour:
        """Returns the (size, size, 3) content of the square.

        Beyond the frame, its edge is continued: of the fingers of a hand that fills the frame, as
        much is there as the network looks for.
        """
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
            borderMode=cv2.BORDER_REPLICATE,
        )
        return np.asarray(cut, np.uint8)


def unit(vector: Points) -> Points:
    return vector / max(float(np.hypot(*vector)), 1e-6)


def right_of(up: Points) -> Points:
    return np.array([-up[1], up[0]], np.float32)
