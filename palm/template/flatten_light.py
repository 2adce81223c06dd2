"""An aligned palm without the light it was seen in."""

import cv2
import numpy as np
import numpy.typing as npt

from palm.image import Grey

_AROUND = (13, 13)
"""Pixels over which light is taken to be even."""
_DULL = 4.0
"""Grey levels of contrast below which there is hardly any."""


def flatten_light(palm: Grey) -> npt.NDArray[np.float32]:
    """The ROI with light and contrast evened out: about 0, deviation about 1."""
    light = palm.astype(np.float32)
    light -= cv2.blur(light, _AROUND, borderType=cv2.BORDER_REFLECT)
    contrast = cv2.blur(light * light, _AROUND, borderType=cv2.BORDER_REFLECT)
    # Running sums may end a hair below nothing where a palm is burnt out.
    contrast = np.sqrt(np.maximum(contrast, 0))
    return np.asarray(light / (contrast + np.float32(_DULL)), np.float32)
