"""The line filters that competitive code and BOCV share."""

from functools import cache

import numpy as np
import numpy.typing as npt

from palm.template.line_filter import across_and_along

DIRECTIONS = 6
SIDE = 35
"""Pixels a side of a filter."""
SIGMA = 5.6179
"""Pixels, as in Zhang, Kong, You and Wong, "Online palmprint identification" (PAMI 2003)."""
KAPPA = float(np.sqrt(2 * np.log(2)) * (2 + 1) / (2 - 1))
"""Of a half-amplitude bandwidth of one octave."""


@cache
def bank() -> list[npt.NDArray[np.float32]]:
    """A filter a direction: the real parts of the neurophysiology-based Gabor filters of T. S. Lee
    ("Image representation using 2D Gabor wavelets", PAMI 1996) as Kong and Zhang take them. A dark
    line along a filter's direction answers below zero."""
    omega = KAPPA / SIGMA
    filters: list[npt.NDArray[np.float32]] = []
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        across, along = across_and_along(SIDE // 2, angle)
        bell = np.exp(-(omega**2) / (8 * KAPPA**2) * (4 * across**2 + along**2))
        wave = bell * (np.cos(omega * across) - np.exp(-(KAPPA**2) / 2))
        # Cut off at its side and sampled, the filter is no longer quite blind to plain skin.
        filters.append((wave - wave.mean()).astype(np.float32))
    return filters
