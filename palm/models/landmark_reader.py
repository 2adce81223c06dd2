"""The hand landmark model: reads 21 points of the hand in a square (Zhang et al. 2020, section
2.2)."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from palm.hand.crop import Crop
from palm.image import Colour
from palm.models import Model, Network
from palm.models.picture import network_input

SIZE = 224
"""The side of the network's input in pixels."""

DEPTH_SCALE = 0.4
"""The network's unit of depth, as a multiple of pixels of its input."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The network's output for one crop; shapes and units are those of
    `palm.hand.landmarks.Hand`."""

    landmarks: npt.NDArray[np.float32]
    depth: npt.NDArray[np.float32]
    world: npt.NDArray[np.float32]
    presence: float
    right: float
    """The probability, 0 to 1, that this is a right hand, seen by a camera that does not mirror."""


class LandmarkReader:
    """Reads the landmarks in a crop. Raises ModelMissing when the model has not been built."""

    def __init__(self) -> None:
        self._network = Network(Model.HAND_LANDMARK)

    def read(self, image: Colour, crop: Crop) -> Reading:
        return _in_frame(self._run(crop.cut(image, SIZE)), crop)

    def read_twice(self, image: Colour, crop: Crop) -> Reading:
        """Returns the mean reading of the crop and its mirror image.

        This takes twice the time. Landmarks jitter a quarter less, and side light no longer makes a
        left hand look like a right one.
        """
        cut = crop.cut(image, SIZE)
        plain, mirrored = self._run(cut), _mirrored(self._run(np.ascontiguousarray(cut[:, ::-1])))
        return _in_frame(_mean(plain, mirrored), crop)

    def _run(self, cut: Colour) -> Reading:
        points, presence, right, world = self._network(network_input(cut))
        points = points.reshape(21, 3)
        return Reading(
            landmarks=points[:, :2],
            depth=(points[:, 2] / DEPTH_SCALE).astype(np.float32),
            world=world.reshape(21, 3),
            presence=float(presence[0, 0]),
            right=float(right[0, 0]),
        )


_MIRROR = np.array([-1, 1, 1], np.float32)


def _mirrored(reading: Reading) -> Reading:
    return replace(
        reading,
        landmarks=reading.landmarks * _MIRROR[:2] + np.array([SIZE, 0], np.float32),
        world=reading.world * _MIRROR,
        right=1 - reading.right,
    )


def _mean(one: Reading, other: Reading) -> Reading:
    return Reading(
        landmarks=_midway(one.landmarks, other.landmarks),
        depth=_midway(one.depth, other.depth),
        world=_midway(one.world, other.world),
        presence=(one.presence + other.presence) / 2,
        right=(one.right + other.right) / 2,
    )


def _midway(
    one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]
) -> npt.NDArray[np.float32]:
    return ((one + other) / 2).astype(np.float32)


def _in_frame(reading: Reading, crop: Crop) -> Reading:
    """Returns a reading in pixels of the frame, from one in pixels of the network's input."""
    to_frame = crop.to_frame(SIZE)
    return replace(
        reading,
        landmarks=reading.landmarks @ to_frame[:, :2].T + to_frame[:, 2],
        depth=(reading.depth * crop.side / SIZE).astype(np.float32),
    )
