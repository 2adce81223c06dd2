"""Tells whether two frames of one burst show the same palm, whatever light each was taken under,
and where it lies in the second."""

from dataclasses import replace
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.align import aligned, standard_pose
from palm.hand.landmarks import Hand
from palm.hand.roi import SIZE, Roi
from palm.image import Colour, Grey

_FINE, _COARSE = 1.5, 6.0
"""The Gaussian deviations, in pixels of the ROI, between which a palm's lines lie and its shading
does not."""
_MAX_SHIFT = 6
"""The largest offset, in pixels, between two alignments of a hand that is held still."""
_CENTRE_SHARE = 0.6
"""The side of the central part that is compared, as a share of the ROI's side."""
_MARGIN = round(SIZE * (1 - _CENTRE_SHARE) / 2)
_NO_LINES = 1e-4
"""The range of a palm's lines below which there are none. A grey level makes ten times as much."""


Lines: TypeAlias = npt.NDArray[np.float32]
"""(SIZE, SIZE) the lines of a palm, as strong in shade as in light."""


def lines(palm: Roi) -> Lines:
    return _lines(palm.image)


def lines_of(image: Colour, hand: Hand) -> Lines:
    """Returns the lines of a hand's palm in a frame, without judging how well they are seen."""
    return _lines(aligned(image, hand)[0])


def _lines(palm: Grey) -> Lines:
    image = palm.astype(np.float32)
    base = cv2.GaussianBlur(image, (0, 0), _COARSE)
    band = cv2.GaussianBlur(image, (0, 0), _FINE) - base
    return np.asarray(band / (base + 8), np.float32)


def likeness(one: Lines, other: Lines) -> float:
    """Returns the normalised cross-correlation of the lines at the best shift, -1 to 1."""
    return float(_correlation(one, other, _MAX_SHIFT).max())


def are_alike(one: Lines, other: Lines, least: float) -> bool:
    """Returns whether the likeness reaches this much. Where a hand is held still it mostly does
    without any shift, which takes a tenth of the time to see."""
    return _in_place(one, other) >= least or likeness(one, other) >= least


def followed(hand: Hand, seen: Lines, image: Colour) -> tuple[Hand, float]:
    """Returns a hand where its lines lie in another frame of the same burst, and their likeness
    there: where that is low, it is not the hand.

    `seen` are its lines in the frame in which it was found. It may have moved by an eighth of its
    palm's length.
    """
    alike = _correlation(seen, lines_of(image, hand), _MARGIN)
    row, column = np.unravel_index(int(alike.argmax()), alike.shape)
    shift = np.array([_peak(alike[row], int(column)), _peak(alike[:, column], int(row))]) - _MARGIN
    moved = shift / SIZE @ standard_pose(hand)[0][:, :2].T
    there = replace(hand, landmarks=(hand.landmarks + moved).astype(np.float32))
    return there, float(alike[row, column])


def _in_place(one: Lines, other: Lines) -> float:
    """Returns the normalised cross-correlation of the middles of two palms, -1 to 1."""
    here, there = (each[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN].ravel() for each in (one, other))
    here, there = here - here.mean(), there - there.mean()
    return float(here @ there) / max(float(here @ here) * float(there @ there), 1e-12) ** 0.5


def _correlation(one: Lines, other: Lines, reach: int) -> npt.NDArray[np.float32]:
    """Returns (2 * reach + 1, 2 * reach + 1) normalised cross-correlations of the middle of one
    palm with the other, by the shift down and right: 0 where either shows no line."""
    beyond = _MARGIN - reach
    middle = one[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN]
    if np.ptp(middle) < _NO_LINES:
        # OpenCV takes a picture of one grey for one that is like every other.
        return np.zeros((2 * reach + 1, 2 * reach + 1), np.float32)
    surroundings = other[beyond : SIZE - beyond, beyond : SIZE - beyond]
    return np.asarray(cv2.matchTemplate(surroundings, middle, cv2.TM_CCOEFF_NORMED), np.float32)


def _peak(along: npt.NDArray[np.float32], at: int) -> float:
    """Returns where the parabola through a maximum and its neighbours is highest."""
    if not 0 < at < len(along) - 1:
        return at
    before, here, after = along[at - 1 : at + 2].astype(np.float64)
    return at + 0.5 * (before - after) / min(before - 2 * here + after, -1e-9)
