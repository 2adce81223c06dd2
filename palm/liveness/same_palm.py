"""Tells whether two frames of one burst show the same palm, whatever light each was taken under,
and where it lies in the second."""

from dataclasses import replace
from functools import cache
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.align import align, standard_pose
from palm.hand.landmarks import Hand
from palm.hand.roi import SIZE, Roi
from palm.image import Colour

_FINE, _COARSE = 1.5, 6.0
"""The Gaussian deviations, in pixels of the ROI, between which a palm's lines lie and its shading
does not."""
_MAX_SHIFT = 6
"""The largest offset, in pixels, between two alignments of a hand that is held still."""
_CENTRE_SHARE = 0.6
"""The side of the central part that is compared, as a share of the ROI's side."""


Lines: TypeAlias = npt.NDArray[np.float32]
"""(SIZE, SIZE) the lines of a palm, as strong in shade as in light."""


def lines(palm: Roi) -> Lines:
    image = palm.image.astype(np.float32)
    base = cv2.GaussianBlur(image, (0, 0), _COARSE)
    band = cv2.GaussianBlur(image, (0, 0), _FINE) - base
    return np.asarray(band / (base + 8), np.float32)


def likeness(one: Lines, other: Lines) -> float:
    """Returns the normalised cross-correlation of the lines at the best shift, -1 to 1."""
    margin = round(SIZE * (1 - _CENTRE_SHARE) / 2)
    middle = one[margin:-margin, margin:-margin]
    reach = margin - _MAX_SHIFT
    surroundings = other[reach:-reach, reach:-reach]
    return float(cv2.matchTemplate(surroundings, middle, cv2.TM_CCOEFF_NORMED).max())


def followed(hand: Hand, seen: Lines, image: Colour) -> Hand:
    """Returns a hand where its lines lie in another frame of the same burst.

    `seen` are its lines in the frame in which it was found. The hand may have moved by a fifth of
    its palm's length. What is returned is the hand only if the lines there are alike (`likeness`).
    """
    shift, _ = cv2.phaseCorrelate(seen, lines(align(image, hand)), _window())
    moved = np.asarray(shift) / SIZE @ standard_pose(hand)[0][:, :2].T
    return replace(hand, landmarks=(hand.landmarks + moved).astype(np.float32))


@cache
def _window() -> npt.NDArray[np.float32]:
    return np.asarray(cv2.createHanningWindow((SIZE, SIZE), cv2.CV_32F), np.float32)
