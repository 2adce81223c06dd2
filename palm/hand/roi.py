"""The aligned palm: the one picture from which a signature is made."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from palm.hand.landmarks import Side
from palm.image import Grey

SIZE = 128
"""Pixels a side of every ROI. Fingers point up and the thumb lies right: a left palm facing the
camera is mirrored into the same pose as a right one."""


@dataclass(frozen=True, slots=True)
class Roi:
    """(SIZE, SIZE) grey palm. `side` is None where the source did not tell (a bare ROI file);
    `quality` is 0 to 1, how much of the palm's texture can be trusted. `visible`, (SIZE, SIZE), is
    where the palm lay in the frame; None where all of it did."""

    image: Grey
    side: Side | None
    quality: float
    visible: npt.NDArray[np.bool_] | None = None
