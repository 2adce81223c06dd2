"""Removes light and contrast from an aligned palm."""

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from palm.image import Grey

Floats = npt.NDArray[np.float32]
Blur = Callable[[Floats], Floats]
"""Returns a picture with every pixel replaced by the mean of its neighbourhood."""

_DULL = 4.0
"""The contrast in grey levels below which there is hardly any structure."""


def flatten_light(palm: Grey, light: Blur, contrast: Blur) -> Floats:
    """Returns the ROI with even light and contrast: mean about 0, deviation about 1.

    `light` and `contrast` say over which neighbourhood either is taken to be even.
    """
    even = palm.astype(np.float32)
    even -= light(even)
    # The running sums of a box may end slightly below zero where a palm is burnt out.
    power = np.maximum(contrast(even * even), 0)
    return np.asarray(even / (np.sqrt(power) + np.float32(_DULL)), np.float32)


def gaussian(sigma: float) -> Blur:
    """Returns a blur by a Gaussian whose standard deviation is `sigma` pixels."""

    def blur(picture: Floats) -> Floats:
        blurred = cv2.GaussianBlur(picture, (0, 0), sigma, borderType=cv2.BORDER_REFLECT)
        return np.asarray(blurred, np.float32)

    return blur


def box(side: int) -> Blur:
    """Returns a blur by a square of `side` pixels, all of the same weight."""

    def blur(picture: Floats) -> Floats:
        blurred = cv2.blur(picture, (side, side), borderType=cv2.BORDER_REFLECT)
        return np.asarray(blurred, np.float32)

    return blur
