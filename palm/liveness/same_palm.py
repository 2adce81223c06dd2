"""Tells whether two frames of one burst show the same palm, whatever light each was taken under."""

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand.roi import Roi

_FINE, _COARSE = 1.5, 6.0
"""The Gaussian deviations, in pixels of the ROI, between which a palm's lines lie and its shading
does not."""
_MAX_SHIFT = 6
"""The largest offset, in pixels, between two alignments of a hand that is held still."""
_CENTRE_SHARE = 0.6
"""The side of the central part that is compared, as a share of the ROI's side."""


def likeness(one: Roi, other: Roi) -> float:
    """Returns the normalised cross-correlation of the lines at the best shift, -1 to 1."""
    margin = round(one.image.shape[0] * (1 - _CENTRE_SHARE) / 2)
    middle = _lines(one)[margin:-margin, margin:-margin]
    reach = margin - _MAX_SHIFT
    surroundings = _lines(other)[reach:-reach, reach:-reach]
    return float(cv2.matchTemplate(surroundings, middle, cv2.TM_CCOEFF_NORMED).max())


def _lines(palm: Roi) -> npt.NDArray[np.float32]:
    """Returns the band of the palm's lines, normalised so that they are as strong in shade as in
    light."""
    image = palm.image.astype(np.float32)
    base = cv2.GaussianBlur(image, (0, 0), _COARSE)
    band = cv2.GaussianBlur(image, (0, 0), _FINE) - base
    return np.asarray(band / (base + 8), np.float32)
