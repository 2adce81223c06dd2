"""Removes light and contrast from an aligned palm."""

import cv2
import numpy as np
import numpy.typing as npt

from palm.image import Grey

_AROUND = (13, 13)
"""The side of the neighbourhood, in pixels, over which light is taken to be even."""
_DULL = 4.0
"""The contrast in grey levels below which there is hardly any structure."""


def flatten_light(palm: Grey) -> npt.NDArray[np.float32]:
    """Returns the ROI with even light and contrast: mean about 0, deviation about 1."""
    light = palm.astype(np.float32)
    light -= cv2.blur(light, _AROUND, borderType=cv2.BORDER_REFLECT)
    contrast = cv2.blur(light * light, _AROUND, borderType=cv2.BORDER_REFLECT)
    # Running sums may end slightly below zero where a palm is burnt out.
    contrast = np.sqrt(np.maximum(contrast, 0))
    return np.asarray(light / (contrast + np.float32(_DULL)), np.float32)
