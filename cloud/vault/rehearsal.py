"""The capture with which the nursery rehearses: a hand in a few strokes, which is nobody's.

Libraries load, choose and compute things at first use. Whatever the nursery has done once, a reader
need not do (`cloud.vault.reader`). So the capture goes all the way of a real one: a palm is found
in it, followed and judged.
"""

import cv2
import numpy as np

from palm.image import Colour
from protocol.capture import Burst, Frame

SEED = bytes(32)
"""The seed of the light challenge that is rehearsed."""

_SIDE = 480
_SKIN, _CREASE, _BEHIND = (130, 160, 205), (90, 110, 160), (30, 30, 30)
_PALM = ((-25, 0), (25, 0), (42, 40), (30, 100), (0, 105), (-30, 97), (-47, 80), (-42, 30))
_FINGERS = (
    ((22, 95), (32, 175)),
    ((0, 100), (2, 190)),
    ((-20, 95), (-28, 175)),
    ((-38, 80), (-55, 145)),
    ((10, 20), (75, 85)),
)
_CREASES = (((-40, 70), (30, 75)), ((-35, 50), (35, 60)))
"""Places are in hundredths of the palm's length from the wrist, right and up."""


def rehearsal(lights: int) -> Burst:
    """Returns a capture of two pictures in white and, under a challenge, one under each of so many
    lights."""
    jpeg = cv2.imencode(".jpg", _hand())[1].tobytes()
    white = [Frame(33 * number, bytearray(jpeg)) for number in range(2)]
    lit = [Frame(100 + 60 * number, bytearray(jpeg), number) for number in range(lights)]
    return Burst([*white, *lit], "rehearsal" if lit else None)


def _hand() -> Colour:
    picture = np.full((_SIDE, _SIDE, 3), _BEHIND, np.uint8)
    for begin, end in _FINGERS:
        cv2.line(picture, _at(*begin), _at(*end), _SKIN, _SIDE // 13, cv2.LINE_AA)
    cv2.fillConvexPoly(picture, np.array([_at(*place) for place in _PALM]), _SKIN, cv2.LINE_AA)
    for begin, end in _CREASES:
        cv2.line(picture, _at(*begin), _at(*end), _CREASE, 2)
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), 0.8), np.uint8)


def _at(right: int, up: int) -> tuple[int, int]:
    return _SIDE // 2 + right * _SIDE // 250, _SIDE * 17 // 20 - up * _SIDE // 250
