"""A picture with structure everywhere, the same on every machine."""

import numpy as np
import numpy.typing as npt


def pattern(size: int) -> npt.NDArray[np.float32]:
    """Returns (1, size, size, 3) RGB, 0 to 1."""
    y, x = np.mgrid[0:size, 0:size] / size
    red = 0.5 + 0.5 * np.sin(7 * x + 3 * y * y)
    green = 0.5 + 0.5 * np.cos(5 * y - 4 * x * y)
    return np.stack([red, green, x * (1 - y)], axis=-1)[None].astype(np.float32)
