"""The oriented Gabor filter that answers to the dark lines of an aligned palm."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WAVELENGTH = 10.0
"""The wavelength of the filter in pixels, the distance between dark lines to which it responds
most: that of creases and wrinkles."""
WIDTH, LENGTH = 3.0, 6.0
"""The standard deviations of the filter in pixels, across and along the line."""
REACH = int(np.ceil(2.5 * LENGTH))
"""The number of pixels from the middle of the filter to its edge."""


def across_and_along(reach: int, angle: float) -> tuple[Floats, Floats]:
    """Returns the coordinates of a filter's pixels in a turned frame.

    Both arrays are (2 * reach + 1, 2 * reach + 1). `angle` turns from right to down, in radians:
    the first coordinate runs along that direction, the second at a right angle to it.
    """
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def line_filter(normal: float) -> Floats:
    """Returns an even Gabor filter without response to plain skin; a dark line responds above zero.

    `normal` is the direction of the line's normal, in radians from right to down. The absolute
    values of the (2 * REACH + 1, 2 * REACH + 1) weights add up to one.
    """
    across, along = across_and_along(REACH, normal)
    bell = np.exp(-(across**2) / 2 / WIDTH**2 - along**2 / 2 / LENGTH**2)
    wave = -np.cos(2 * np.pi * across / WAVELENGTH) * bell
    wave -= bell * (wave.sum() / bell.sum())
    return np.asarray(wave / np.abs(wave).sum(), np.float64)
