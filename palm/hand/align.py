"""From a hand in a frame to the one picture a signature is made from."""

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Hand, Landmark, Side
from palm.hand.roi import SIZE, Roi
from palm.image import Colour, Grey

EXTENT = 0.8
"""Side of the ROI in palm lengths (wrist to middle knuckle): as much of the palm as every hand
has. From 0.9 on, what lies beside the palm came to tell hands apart worse than less palm did."""

CENTRE = -0.05 + 0.52j
"""Middle of the ROI, as in PALM."""

PALM = {
    # Palm lengths from the wrist, toward the thumb and, times j, toward the fingers. The
    # proportions are an adult's; the weight says how still the landmark keeps as the hand moves.
    Landmark.WRIST: (0.0 + 0.0j, 0.5),
    Landmark.THUMB_CMC: (0.33 + 0.20j, 0.25),
    Landmark.INDEX_MCP: (0.22 + 0.98j, 1.0),
    Landmark.MIDDLE_MCP: (0.0 + 1.0j, 1.0),
    Landmark.RING_MCP: (-0.20 + 0.94j, 1.0),
    Landmark.LITTLE_MCP: (-0.39 + 0.81j, 1.0),
}
"""Where the landmarks that bending fingers do not move lie on the palm."""

BLACK, BURNT = 8, 250
"""Grey levels beyond which a pixel shows no skin any more."""


def align(image: Colour | Grey, hand: Hand) -> Roi:
    """The palm of a hand, fingers up, thumb to the right.

    The landmarks of the palm, all six at once, are laid on those of a standard palm by the
    similarity that moves them least (weighted least squares): one that jitters by a few pixels
    moves the whole by a fraction of that. What is left is the matcher's to take out.

    `quality` is the share of the ROI's pixels that lie in the frame and are neither black nor
    burnt out.
    """
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    height, width = grey.shape
    to_frame, side = standard_pose(hand)
    # A pixel of the ROI is the mean of all that it covers in the frame.
    fine = max(int(np.ceil(side / SIZE)), 1)
    cut = cv2.warpAffine(
        grey,
        to_frame @ pixels_of(SIZE * fine),
        (SIZE * fine, SIZE * fine),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REFLECT,
    )
    palm = np.asarray(cv2.resize(cut, (SIZE, SIZE), interpolation=cv2.INTER_AREA), np.uint8)
    x, y = (to_frame @ pixels_of(SIZE) @ _grid()).reshape(2, SIZE, SIZE)
    in_frame = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    quality = float(np.mean(in_frame & (palm > BLACK) & (palm < BURNT)))
    return Roi(
        image=palm,
        side=hand.side,
        quality=quality,
        visible=None if in_frame.all() else np.asarray(in_frame, np.bool_),
    )


def standard_pose(hand: Hand) -> tuple[npt.NDArray[np.float64], float]:
    """(2, 3) map from the unit square, y down, to the frame, and the square's side in pixels."""
    # A frame's origin is its corner, that of cv2's maps the centre of the pixel there.
    marks = hand.landmarks[list(PALM)].astype(np.float64) - 0.5
    standard = np.array([place for place, _ in PALM.values()])
    weight = np.array([weight for _, weight in PALM.values()])
    weight /= weight.sum()
    # The plane as complex numbers, y up: a similarity is z -> turn * z + shift. A left palm is
    # a right one in the mirror.
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
    """(3, 3) map from the pixels of a picture of this size to the unit square."""
    return np.array([[1 / size, 0, 0.5 / size], [0, 1 / size, 0.5 / size], [0, 0, 1]])


def _grid() -> npt.NDArray[np.float64]:
    """(3, SIZE * SIZE) homogeneous coordinates of the ROI's pixels, row by row."""
    y, x = np.mgrid[:SIZE, :SIZE]
    return np.stack([x.ravel(), y.ravel(), np.ones(SIZE * SIZE)])
