"""The Gabor filters of competitive code and BOCV."""

from functools import cache

import numpy as np
import numpy.typing as npt

from palm.template.line_filter import across_and_along

DIRECTIONS = 6
SIDE = 35
"""The side of a filter in pixels."""
SIGMA = 5.6179
"""The scale in pixels, as in Zhang, Kong, You and Wong, "Online palmprint identification" (PAMI
2003)."""
KAPPA = float(np.sqrt(2 * np.log(2)) * (2 + 1) / (2 - 1))
"""The factor for a half-amplitude bandwidth of one octave."""


@cache
def bank() -> list[npt.NDArray[np.float32]]:
    """Returns a (SIDE, SIDE) filter for each direction. A dark line along it responds below zero.

    These are the real parts of the neurophysiology-based Gabor filters of T. S. Lee ("Image
    representation using 2D Gabor wavelets", PAMI 1996), as Kong and Zhang use them.
    """
    omega = KAPPA / SIGMA
    filters: list[npt.NDArray[np.float32]] = []
    for angle in np.arange(DIRECTIONS) * np.pi / DIRECTIONS:
        across, along = across_and_along(SIDE // 2, angle)
        bell = np.exp(-(omega**2) / (8 * KAPPA**2) * (4 * across**2 + along**2))
        wave = bell * (np.cos(omega * across) - np.exp(-(KAPPA**2) / 2))
        # Truncated and sampled, the filter would respond to plain skin a little.
        filters.append((wave - wave.mean()).astype(np.float32))
    return filters
