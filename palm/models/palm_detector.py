"""The palm detector: places a square around every hand in the frame (Zhang et al. 2020, section
2.1)."""

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.crop import Crop, unit
from palm.image import Colour
from palm.models import Model, Network
from palm.models.picture import network_input, tinted

SIZE = 192
"""The side of the network's input in pixels."""

CERTAIN = 0.3
"""The score from which a detection counts. It is low, because the landmark model decides whether
there is a hand."""

SAME_PALM = 0.3
"""The overlap (intersection over union) from which two detections are merged, weighted by score."""

HAND = 2.6
"""The side of the square around a hand, as a multiple of the detected palm."""

_WRIST, _MIDDLE_KNUCKLE = 0, 2
"""The positions of these two among the seven keypoints of a detection."""


class PalmDetector:
    """Detects palms. Raises ModelMissing when the model has not been built."""

    def __init__(self) -> None:
        self._network = Network(Model.PALM_DETECTION)

    def detect(self, image: Colour, fill: float, colourless: bool) -> list[Crop]:
        """Returns the crops around the hands in the frame, best first.

        `fill` is the share of the input's side that the frame's longer side takes; the rest is
        black. Set `colourless` to tint a frame that has no colour.
        """
        scale = SIZE * fill / max(image.shape[:2])
        height, width = (max(round(side * scale), 1) for side in image.shape[:2])
        top, left = (SIZE - height) // 2, (SIZE - width) // 2
        view = np.zeros((SIZE, SIZE, 3), np.uint8)
        view[top : top + height, left : left + width] = cv2.resize(
            image, (width, height), interpolation=cv2.INTER_AREA
        )
        if colourless:
            view = tinted(view)
        boxes, logits = self._network(network_input(view))
        scores = (1 / (1 + np.exp(-np.clip(logits[0, :, 0], -50, 50)))).astype(np.float32)
        certain = scores >= CERTAIN
        points = boxes[0, certain].reshape(-1, 9, 2)
        sizes = points[:, 1]
        centres = points[:, 0] + _ANCHORS[certain]
        keypoints = points[:, 2:] + _ANCHORS[certain][:, None]
        found = np.concatenate([centres, sizes, keypoints.reshape(-1, 14)], axis=1)
        return [
            _square_around_hand(each, scale, np.array([left, top], np.float32))
            for each in _merge(found, scores[certain])
        ]


def _anchors() -> npt.NDArray[np.float32]:
    """Returns the (2016, 2) cell centres in pixels: two per cell at stride 8, six at stride 16."""
    cells: list[npt.NDArray[np.float32]] = []
    for across, each in ((24, 2), (12, 6)):
        y, x = np.mgrid[0:across, 0:across]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) * SIZE / across
        cells.append(np.repeat(centres, each, axis=0).astype(np.float32))
    return np.concatenate(cells)


_ANCHORS = _anchors()


def _merge(
    found: npt.NDArray[np.float32], scores: npt.NDArray[np.float32]
) -> list[npt.NDArray[np.float32]]:
    """Merges overlapping detections into their weighted mean (non-maximum suppression)."""
    low, high = found[:, :2] - found[:, 2:4] / 2, found[:, :2] + found[:, 2:4] / 2
    areas = np.prod(high - low, axis=1)
    merged: list[npt.NDArray[np.float32]] = []
    left = np.argsort(-scores)
    while left.size:
        best = left[0]
        sides = np.minimum(high[left], high[best]) - np.maximum(low[left], low[best])
        shared = np.prod(np.maximum(sides, 0), axis=1)
        same = shared / (areas[left] + areas[best] - shared) > SAME_PALM
        same[0] = True
        merged.append(np.average(found[left[same]], axis=0, weights=scores[left[same]]))
        left = left[~same]
    return merged


def _square_around_hand(
    found: npt.NDArray[np.float32], scale: float, offset: npt.NDArray[np.float32]
) -> Crop:
    """Returns the crop for one detection, given as centre, size and seven keypoints in pixels of
    the network's input."""
    centre, size, keypoints = found[:2], found[2:4], found[4:].reshape(7, 2)
    up = unit(keypoints[_MIDDLE_KNUCKLE] - keypoints[_WRIST])
    middle = centre + up * size[1] / 2
    return Crop(
        ((middle - offset) / scale).astype(np.float32),
        up.astype(np.float32),
        float(size.max()) * HAND / scale,
    )
