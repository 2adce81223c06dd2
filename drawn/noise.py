"""Smooth random fields."""

import cv2
import numpy as np

from drawn.anatomy import Field, array


def clouds(
    rng: np.random.Generator, shape: tuple[int, int], size: float, octaves: int = 1
) -> Field:
    """Returns smooth noise of this shape, mean 0 and deviation about 1, with blobs of about `size`
    pixels.

    Each further octave halves the size of the blobs and their weight.
    """
    field = np.zeros(shape, np.float32)
    for octave in range(octaves):
        cell = max(size / 2**octave, 1.0)
        rows, columns = (int(np.ceil(side / cell)) + 3 for side in shape)
        grid = rng.standard_normal((rows, columns), np.float32)
        cells = array(((1 / cell, 0, 1), (0, 1 / cell, 1)))
        smooth = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        field += array(cv2.warpAffine(grid, cells, shape[::-1], flags=smooth)) * 0.5**octave
    weight = sum(0.25**octave for octave in range(octaves))
    return field * (1.5 / weight**0.5)
