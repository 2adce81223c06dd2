"""What a picture for kiosks is, by its first bytes."""

import cv2
import numpy as np
import pytest

from protocol.fleet import MAX_PICTURE, MAX_SIDE
from protocol.pictures import NoPicture, check


def png(width: int, height: int) -> bytes:
    return cv2.imencode(".png", np.zeros((height, width, 3), np.uint8))[1].tobytes()


def test_a_png_of_bounded_size_is_one():
    check(png(1, 1))
    check(png(MAX_SIDE, 3))


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no PNG"),
        (png(4, 4)[:20], "no PNG"),
        (b"GIF89a" + bytes(40), "no PNG"),
        (cv2.imencode(".jpg", np.zeros((4, 4, 3), np.uint8))[1].tobytes(), "no PNG"),
        (png(MAX_SIDE + 1, 3), "1280 pixels"),
        (png(4, 4).replace(b"\0\0\0\4\0\0\0\4", b"\xff" * 8), "1280 pixels"),
        (png(4, 4).replace(b"\0\0\0\4\0\0\0\4", b"\0" * 8), "1280 pixels"),
        (png(4, 4) + bytes(MAX_PICTURE), "3 MiB"),
    ],
    ids=["empty", "cut", "GIF", "JPEG", "wide", "huge", "nothing", "heavy"],
)
def test_everything_else_is_none(content: bytes, why: str):
    with pytest.raises(NoPicture, match=why):
        check(content)
