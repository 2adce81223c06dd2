"""Pictures are decoded within a budget of pixels, which their headers state."""

import cv2
import numpy as np
import pytest

from cloud.vault.pictures import LONGEST, PICTURE_PIXELS, decode, pixels
from protocol.capture import Burst, Frame

START, END = b"\xff\xd8", b"\xff\xd9"


def jpeg(height: int, width: int, *options: int) -> Frame:
    image = np.full((height, width, 3), 90, np.uint8)
    return Frame(0, bytearray(cv2.imencode(".jpg", image, options)[1].tobytes()))


def claiming(height: int, width: int) -> Frame:
    """Returns a small picture whose header claims another size."""
    frame = jpeg(64, 64)
    at = frame.jpeg.index(b"\xff\xc0") + 5
    frame.jpeg[at : at + 4] = height.to_bytes(2) + width.to_bytes(2)
    return frame


def after_start(frame: Frame, inserted: bytes) -> Frame:
    return Frame(0, bytearray(START + inserted + frame.jpeg[2:]))


def test_the_pixels_of_all_pictures_are_counted():
    assert pixels(Burst([jpeg(40, 64), jpeg(30, 20)])) == 40 * 64 + 30 * 20


def test_a_picture_that_takes_many_passes_is_not_decoded():
    assert decode(jpeg(40, 64, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)) is None
    often = jpeg(40, 64)
    scan = often.jpeg[often.jpeg.index(b"\xff\xda") : -2]
    assert decode(Frame(0, bytearray(often.jpeg[:-2] + scan * 4 + END))) is None


@pytest.mark.parametrize(
    "inserted",
    [
        b"\xff\xe1\x00\x08Exif\0\0",
        b"\xff\xfe\x00\x0d\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01",
        b"\xff\xff\xff\xfe\x00\x02",
        b"\xff\xd0\xff\x01",
    ],
    ids=["exif", "a size in a comment", "fill bytes", "markers without a segment"],
)
def test_the_size_is_found_behind_other_segments(inserted: bytes):
    assert pixels(Burst([after_start(jpeg(40, 64), inserted)])) == 40 * 64


@pytest.mark.parametrize(
    ("height", "width"), [(0, 0), (0, 64), (64, 0), (65_500, 65_500), (65_535, 128)]
)
def test_a_picture_that_claims_an_absurd_size_is_not_decoded(height: int, width: int):
    frame = claiming(height, width)
    assert decode(frame) is None
    assert pixels(Burst([frame])) <= PICTURE_PIXELS


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff", b"\xff\xc0", b"\xff\xc0\x00\x11\x08", b"\x00" * 64, b"\xff\xfe\x00\x00" * 9],
)
def test_what_states_no_size_is_not_decoded(content: bytes):
    frame = Frame(0, bytearray(START + content + END))
    assert decode(frame) is None


@pytest.mark.parametrize(
    ("height", "width", "decoded"),
    [
        (720, 720, (720, 720)),
        (1080, LONGEST, (1080, LONGEST)),
        (2160, 2160, (1080, 1080)),
        (2160, 3840, (1080, 1920)),
        (1000, 8000, (125, 1000)),
    ],
)
def test_a_large_picture_is_decoded_at_a_fraction_of_its_size(
    height: int, width: int, decoded: tuple[int, int]
):
    image = decode(jpeg(height, width))
    assert image is not None
    assert image.shape == (*decoded, 3)


def test_a_picture_that_asks_to_be_turned_is_not_turned():
    tiff = b"MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0"
    exif = b"\xff\xe1" + (8 + len(tiff)).to_bytes(2) + b"Exif\0\0" + tiff
    image = decode(after_start(jpeg(40, 64), exif))
    assert image is not None
    assert image.shape == (40, 64, 3)
