"""The two image types that the package takes."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Colour: TypeAlias = npt.NDArray[np.uint8]
"""A camera frame as OpenCV delivers it: (height, width, 3), blue, green, red, 0 to 255."""

Grey: TypeAlias = npt.NDArray[np.uint8]
"""A grey image: (height, width), 0 to 255."""
