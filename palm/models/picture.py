"""Prepares frames for the networks."""

import cv2
import numpy as np
import numpy.typing as npt

from palm.image import Colour

COLOURLESS = 10.0
"""The mean difference between a pixel's channels, 0 to 255, below which a frame has no colour."""

_LEVEL = np.linspace(0.0, 1.0, 256)
_SKIN = (255 * np.stack([_LEVEL**1.9, _LEVEL**1.5, _LEVEL], axis=-1)).round().astype(np.uint8)
"""Blue, green and red for each grey level: from black through skin colours to white."""


def is_colourless(image: Colour) -> bool:
    """Returns whether the frame is grey or near infrared, repeated in three channels."""
    sample = image[::16, ::16].astype(np.int16)
    return float((sample.max(axis=-1) - sample.min(axis=-1)).mean()) < COLOURLESS


BURNT = 250
"""The level, 0 to 255, from which on a pixel is burnt out."""
BURNT_SHARE = 0.1
"""The share of burnt-out pixels from which a frame is over-exposed."""


def is_burnt(image: Colour) -> bool:
    """Returns whether the frame is over-exposed."""
    sample = image[::16, ::16]
    return float((sample.min(axis=-1) >= BURNT).mean()) > BURNT_SHARE


def darkened(image: Colour, exponent: float) -> Colour:
    """Returns the frame with its brightest levels spread and all others darker."""
    return np.asarray(cv2.LUT(image, (255 * _LEVEL**exponent).round().astype(np.uint8)), np.uint8)


def tinted(grey_image: Colour) -> Colour:
    """Returns a frame without colour, painted in skin colours.

    The detector recognises hands by their colour: it finds half of the grey ones, and nearly all of
    these.
    """
    grey = cv2.cvtColor(grey_image, cv2.COLOR_BGR2GRAY)
    grey = cv2.normalize(grey, grey, 0, 255, cv2.NORM_MINMAX)
    return np.asarray(cv2.LUT(cv2.merge([grey, grey, grey]), _SKIN[None]), np.uint8)


_SHARES = (np.arange(256) / 255).astype(np.float32)
"""What the networks are given for each level, 0 to 255."""


def network_input(image: Colour) -> npt.NDArray[np.float32]:
    """Returns (1, height, width, 3) float32, RGB, 0 to 1."""
    given = cv2.LUT(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), _SHARES)
    return np.asarray(given[None], np.float32)
