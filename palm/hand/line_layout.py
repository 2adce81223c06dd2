"""Tells a palm from the back of a hand by the layout of its lines.

Heart, head and life line run in much the same places over every palm, and the folds of the thumb
beside them. On a back there are the folds over the knuckles, veins and tendons. What is compared is
how strong lines of each direction are in each part of the ROI, relative to all others, so neither
light nor contrast matters. The weights are fitted to drawn hands (`python -m lab.line_layout`).
"""

from functools import cache

import cv2
import numpy as np
import numpy.typing as npt

from palm.hand import line_layout_weights as fitted
from palm.hand.roi import SIZE
from palm.image import Grey

Strengths = npt.NDArray[np.float32]
"""(DIRECTIONS * PARTS**2,) strengths of lines, by direction, row and column; of length one."""

DIRECTIONS = 6
PARTS = 4
"""The number of parts of the ROI, across and down."""

_SHRUNK = SIZE // 2
_WAVELENGTH, _WIDTH, _LENGTH = 5.0, 1.5, 3.0
"""The filter for lines, as in `palm.template.line_filter`, in pixels of the shrunk ROI."""
_SHADING = 4.0


def palmness(palm: Grey) -> float:
    """Returns how much the lines of an ROI lie as a palm's do: 1 as in most palms, -1 as in most
    backs, and no more or less than these.

    The ROI is (SIZE, SIZE), aligned as that of a palm: with the thumb on the right.
    """
    score = float(strengths(palm) @ np.array(fitted.WEIGHTS, np.float32)) - fitted.MIDDLE
    return float(np.clip(score / fitted.REACH, -1, 1))


def strengths(palm: Grey) -> Strengths:
    """Returns what is compared of an ROI."""
    small = cv2.resize(palm, (_SHRUNK, _SHRUNK), interpolation=cv2.INTER_AREA).astype(np.float32)
    base = cv2.GaussianBlur(small, (0, 0), _SHADING)
    flat = (small - base) / (base + 8)
    side = _SHRUNK // PARTS
    parts = [
        np.maximum(cv2.filter2D(flat, -1, each, borderType=cv2.BORDER_REFLECT), 0)
        .reshape(PARTS, side, PARTS, side)
        .mean((1, 3))
        for each in _filters()
    ]
    found = np.sqrt(np.array(parts, np.float32).ravel())
    return np.asarray(found / max(float(np.linalg.norm(found)), 1e-6), np.float32)


@cache
def _filters() -> list[npt.NDArray[np.float32]]:
    """Returns even Gabor filters that answer to dark lines in each direction."""
    reach = int(np.ceil(2.5 * _LENGTH))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float64)
    filters: list[npt.NDArray[np.float32]] = []
    for normal in np.pi * np.arange(DIRECTIONS) / DIRECTIONS:
        across = x * np.cos(normal) + y * np.sin(normal)
        along = y * np.cos(normal) - x * np.sin(normal)
        bell = np.exp(-(across**2) / 2 / _WIDTH**2 - along**2 / 2 / _LENGTH**2)
        wave = -np.cos(2 * np.pi * across / _WAVELENGTH) * bell
        wave -= bell * (wave.sum() / bell.sum())
        filters.append((wave / np.abs(wave).sum()).astype(np.float32))
    return filters
