"""Cuts the region of interest (ROI) of a palm, from which a template is extracted, out of a
frame."""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Hand, Landmark, Shown, Side
from palm.hand.roi import SIZE, Roi
from palm.image import Colour, Grey

EXTENT = 0.8
"""The side of the ROI in palm lengths (wrist to middle knuckle). It holds as much of the palm as
every hand has: from 0.9 on, the background beside the palm costs more accuracy than the additional
skin brings."""

CENTRE = -0.05 + 0.52j
"""The centre of the ROI, in the coordinates of PALM."""

PALM = {
    # A position is in palm lengths from the wrist: the real part points to the thumb, the imaginary
    # part to the fingers. The proportions are an adult's. A weight is larger the less the landmark
    # moves on the palm when the hand moves.
    Landmark.WRIST: (0.0 + 0.0j, 0.5),
    Landmark.THUMB_CMC: (0.33 + 0.20j, 0.25),
    Landmark.INDEX_MCP: (0.22 + 0.98j, 1.0),
    Landmark.MIDDLE_MCP: (0.0 + 1.0j, 1.0),
    Landmark.RING_MCP: (-0.20 + 0.94j, 1.0),
    Landmark.LITTLE_MCP: (-0.39 + 0.81j, 1.0),
}
"""The positions and weights of the landmarks that stay in place when the fingers bend."""

BLACK, BURNT = 8, 250
"""The grey levels up to which, and from which on, a pixel shows no skin."""


CONTRAST = 2.0
"""The deviation of a palm's lines, in grey levels, from which on they are clear. Every one of 120
drawn palms has as much, and a photograph of which a quarter of the contrast is left 1.3 at most."""
SHARPNESS = 0.28
"""The deviation of the finest lines, relative to that of all lines, from which on they are sharp.
Drawn palms have 0.29 and more, and under a blur of a hundredth of the palm's length 0.19 at
most."""
UNCLEAR_COSTS = 0.3
"""The share of the quality that a palm without any clear lines loses. What cannot be used at all is
judged by `palm.hand.observe`."""

_FINEST, _FINE, _COARSE = 0.7, 1.5, 6.0
"""The Gaussian deviations, in pixels of the ROI, between which lines lie."""


class NotAPalm(ValueError):
    """The hand shows its back or is a fist: there is no palm to cut out."""


def align(image: Colour | Grey, hand: Hand) -> Roi:
    """Returns the ROI of a hand, with the fingers up and the thumb to the right. Raises NotAPalm
    when the hand does not show its palm.

    The six landmarks of PALM are mapped to the standard palm by the similarity transform that fits
    them best (weighted least squares, all six at once), so an error of a few pixels in one landmark
    moves the ROI by only a fraction of that. The matcher corrects the rest.

    `quality` of the result is the share of its pixels that lie in the frame and are neither black
    nor burnt out, less what is lost where its lines are blurred or faint.
    """
    if hand.shown is not Shown.PALM:
        raise NotAPalm(f"a {hand.shown} is not a palm")
    palm, to_frame = aligned(image, hand)
    visible = _visible(to_frame @ pixels_of(SIZE), image.shape[1], image.shape[0])
    shown = (palm > BLACK) & (palm < BURNT)
    share = float(np.mean(shown if visible is None else visible & shown))
    return Roi(
        image=palm,
        side=hand.side,
        quality=share * (1 - UNCLEAR_COSTS * (1 - _clearness(palm))),
        visible=visible,
    )


def aligned(image: Colour | Grey, hand: Hand) -> tuple[Grey, npt.NDArray[np.float64]]:
    """Returns the picture of the ROI, as if the hand showed its palm, and the map from the unit
    square to the frame."""
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    to_frame, side = standard_pose(hand)
    # Render at a multiple of the size and average, so that each ROI pixel is the mean of the frame
    # pixels that it covers.
    fine = max(int(np.ceil(side / SIZE)), 1)
    cut = cv2.warpAffine(
        grey,
        to_frame @ pixels_of(SIZE * fine),
        (SIZE * fine, SIZE * fine),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    palm = cv2.resize(cut, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    return np.asarray(palm, np.uint8), to_frame


def _clearness(palm: Grey) -> float:
    """Returns how clear the lines in the middle of an ROI are, 0 to 1: their contrast times their
    sharpness."""
    margin = SIZE // 8
    middle = palm[margin:-margin, margin:-margin].astype(np.float32)
    finest, fine, coarse = (cv2.GaussianBlur(middle, (0, 0), s) for s in (_FINEST, _FINE, _COARSE))
    lines = float((fine - coarse).std())
    sharpness = float((finest - fine).std()) / max(lines, 1e-6)
    return min(lines / CONTRAST, 1.0) * min(sharpness / SHARPNESS, 1.0)


def standard_pose(hand: Hand) -> tuple[npt.NDArray[np.float64], float]:
    """Returns the (2, 3) map from the unit square, y down, to the frame, and the side of that
    square in pixels."""
    # The origin of the landmarks is the corner of the frame; that of OpenCV's maps is the centre of
    # the first pixel.
    marks = hand.landmarks[list(PALM)].astype(np.float64) - 0.5
    standard = np.array([place for place, _ in PALM.values()])
    weight = np.array([weight for _, weight in PALM.values()])
    weight /= weight.sum()
    # Points are complex numbers with y up, so a similarity transform is z -> turn * z + shift. A
    # left palm is a mirrored right one.
    mirror = -1 if hand.side is Side.LEFT else 1
    seen = mirror * marks[:, 0] - 1j * marks[:, 1]
    from_middle, to_middle = complex(weight @ standard), complex(weight @ seen)
    spread = standard - from_middle
    turn = complex(weight @ ((seen - to_middle) * spread.conj()) / (weight @ abs(spread) ** 2))
    corner = CENTRE + EXTENT * (-0.5 + 0.5j)
    origin = to_middle + turn * (corner - from_middle)
    right, down = turn * EXTENT, -1j * turn * EXTENT
    columns: npt.NDArray[np.complex128] = np.array([right, down, origin])
    return np.stack([mirror * columns.real, -columns.imag]), abs(turn) * EXTENT


def pixels_of(size: int) -> npt.NDArray[np.float64]:
    """Returns the (3, 3) map from the pixels of a picture of this size to the unit square."""
    return np.array([[1 / size, 0, 0.5 / size], [0, 1 / size, 0.5 / size], [0, 0, 1]])


def _visible(
    to_frame: npt.NDArray[np.float64], width: int, height: int
) -> npt.NDArray[np.bool_] | None:
    """Returns which pixels of the ROI lie in a frame of this size; None when all of them do. The
    map is from these pixels to those of the frame."""

    def lie_inside(pixels: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
        x, y = to_frame @ pixels
        return np.asarray((x >= 0) & (y >= 0) & (x < width) & (y < height), np.bool_)

    # What lies between the corners is inside when they are.
    if lie_inside(_grid()[:, [0, SIZE - 1, -SIZE, -1]]).all():
        return None
    return lie_inside(_grid()).reshape(SIZE, SIZE)


@cache
def _grid() -> npt.NDArray[np.float64]:
    """Returns the (3, SIZE * SIZE) homogeneous coordinates of the ROI's pixels, row by row."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.stack([x.ravel(), y.ravel(), np.ones(SIZE * SIZE)])
