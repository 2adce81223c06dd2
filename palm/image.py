"""The two kinds of image everything in this room takes."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Colour: TypeAlias = npt.NDArray[np.uint8]
"""(height, width, 3), blue-green-red, 0 to 255: a camera's frame as OpenCV delivers it."""

Grey: TypeAlias = npt.NDArray[np.uint8]
"""(height, width), 0 to 255."""
