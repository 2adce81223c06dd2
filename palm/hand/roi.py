"""The region of interest (ROI): the aligned picture of a palm from which a template is
extracted."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Side
from palm.image import Grey

SIZE = 128
"""The side of every ROI in pixels. Fingers point up and the thumb is on the right: a left palm is
mirrored into the pose of a right one."""


@dataclass(frozen=True, slots=True)
class Roi:
    """An aligned palm.

    `image` is (SIZE, SIZE). `side` is None where the source does not tell (a bare ROI file).
    `quality` is 0 to 1: the share of the image that can be trusted. `visible` is (SIZE, SIZE), True
    where the palm lay in the frame; None means everywhere.
    """

    image: Grey
    side: Side | None
    quality: float
    visible: npt.NDArray[np.bool_] | None = None
