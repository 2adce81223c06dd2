"""Ordinal code: which of two lines that cross at right angles is darker, at three angles.

Sun, Tan, Wang and Li, "Ordinal palmprint representation for personal identification", CVPR 2005.
A template has 384 bytes.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt

from lab.peers.planes import PlanesMatcher, answers, only, template
from palm.hand.roi import Roi
from palm.template.interfaces import Template
from palm.template.line_filter import across_and_along

VERSION = -3

SIDE = 35
"""The side of a filter in pixels."""
LENGTH, WIDTH = 9.0, 3.0
"""The distances in pixels, along and across a line, at which its weight is 1/e."""
TURNS = (0.0, np.pi / 6, np.pi / 3)


class OrdinalCodeExtractor:
    version = VERSION

    def extract(self, palms: Sequence[Roi]) -> Template:
        """Raises ValueError unless there is exactly one palm."""
        palm = only(palms)
        return template(VERSION, answers(palm, _bank()) > 0)


def pair() -> tuple[OrdinalCodeExtractor, PlanesMatcher]:
    return OrdinalCodeExtractor(), PlanesMatcher(VERSION)


@cache
def _bank() -> list[npt.NDArray[np.float32]]:
    return [(_line(turn) - _line(turn + np.pi / 2)).astype(np.float32) for turn in TURNS]


def _line(angle: float) -> npt.NDArray[np.float64]:
    along, across = across_and_along(SIDE // 2, angle)
    return np.exp(-((along / LENGTH) ** 2) - (across / WIDTH) ** 2)
