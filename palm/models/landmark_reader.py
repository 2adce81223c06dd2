"""The hand landmark model: 21 points of the hand in a square (Zhang et al. 2020, section 2.2)."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from palm.image import Colour
from palm.models import Model, session
from palm.models.picture import network_input
from palm.square import Square

SIZE = 224
"""Pixels a side of what the network sees."""

DEPTH_SCALE = 0.4
"""The network's depth over the depth in pixels of what it sees."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What the network says of one square; shapes and units as in `palm.hand.Hand`."""

    landmarks: npt.NDArray[np.float32]
    depth: npt.NDArray[np.float32]
    world: npt.NDArray[np.float32]
    presence: float
    right: float
    """Probability, 0 to 1, that this is somebody's right hand, from a camera that does not
    mirror."""


class LandmarkReader:
    """Raises ModelMissing when the model has not been built."""

    def __init__(self) -> None:
        self._session = session(Model.HAND_LANDMARK)

    def read(self, image: Colour, square: Square, tinted: bool) -> Reading:
        points, presence, right, world = self._session.run(
            ["landmarks", "presence", "handedness", "world"],
            {"image": network_input(square.cut(image, SIZE), tinted)},
        )
        points = points.reshape(21, 3)
        to_frame = square.to_frame(SIZE)
        return Reading(
            landmarks=points[:, :2] @ to_frame[:, :2].T + to_frame[:, 2],
            depth=points[:, 2] / DEPTH_SCALE * (square.side / SIZE),
            world=world.reshape(21, 3),
            presence=float(presence[0, 0]),
            right=float(right[0, 0]),
        )
