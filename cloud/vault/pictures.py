"""Decodes the pictures of a burst within a budget of pixels.

A few kilobytes of JPEG can claim millions of pixels, and time and memory follow the pixels. So the
size is read from the header before anything is decoded, and a large picture is decoded at a
fraction of its size: no step after this one needs more than `LONGEST`.
"""

import struct

import cv2
import numpy as np

from palm.image import Colour
from protocol.capture import Burst, Frame

PICTURE_PIXELS = 3840 * 2160
"""The largest number of pixels of one picture."""
BURST_PIXELS = 24_000_000
"""The largest number of pixels of a burst: twice those of a camera with 1080 rows, whose burst of
eleven squares has 13 million."""
LONGEST = 1920
"""The longer side, in pixels, up to which a picture is decoded in full size."""

_REDUCED = (
    (1, cv2.IMREAD_COLOR),
    (2, cv2.IMREAD_REDUCED_COLOR_2),
    (4, cv2.IMREAD_REDUCED_COLOR_4),
    (8, cv2.IMREAD_REDUCED_COLOR_8),
)
_ALONE = (0x01, *range(0xD0, 0xD9))
"""Markers without a segment after them."""
_START_OF_FRAME = (0xC0, 0xC1)
"""Markers of frames that are coded in sequence and by Huffman's code. The kiosk writes no others,
and a progressive picture can take hundreds of passes over all its pixels."""
_SCANS = 4
"""The largest number of passes over a picture: one for each of its components, or one for all."""
_START_OF_SCAN = b"\xff\xda"


def pixels(burst: Burst) -> int:
    """Returns how many pixels the pictures of a burst have; those that `decode` refuses have
    none."""
    return sum(_area(_size(frame.jpeg)) for frame in burst.frames)


def decode(frame: Frame) -> Colour | None:
    """Returns the picture, its longer side LONGEST at most; None when it is no JPEG as the kiosk
    writes it, or larger than PICTURE_PIXELS."""
    size = _size(frame.jpeg)
    if not _area(size):
        return None
    flag = next((flag for share, flag in _REDUCED if max(size) <= share * LONGEST), None)
    if flag is None:
        return None
    try:
        # A picture that asks to be turned is not turned: the kiosk never asks.
        image = cv2.imdecode(
            np.frombuffer(frame.jpeg, np.uint8), flag | cv2.IMREAD_IGNORE_ORIENTATION
        )
    except cv2.error:
        return None
    return None if image is None else np.asarray(image, np.uint8)


def _area(size: tuple[int, int]) -> int:
    height, width = size
    return height * width if height * width <= PICTURE_PIXELS else 0


def _size(jpeg: bytes | bytearray) -> tuple[int, int]:
    """Returns the height and width that a JPEG's header states (ITU-T T.81, B.2.2); zeros when it
    states none, or the picture takes more passes than it needs."""
    if jpeg.count(_START_OF_SCAN) > _SCANS:
        return 0, 0
    at = 2
    while at + 9 <= len(jpeg):
        if jpeg[at] != 0xFF:
            break
        marker = jpeg[at + 1]
        if marker == 0xFF:
            # Any number of fill bytes may come before a marker.
            at += 1
        elif marker in _ALONE:
            at += 2
        elif marker in _START_OF_FRAME:
            height, width = struct.unpack_from(">HH", jpeg, at + 5)
            return height, width
        else:
            at += 2 + max(int.from_bytes(jpeg[at + 2 : at + 4]), 2)
    return 0, 0
