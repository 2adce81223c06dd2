"""Makes of an operator's file the picture that kiosks get.

It is decoded and written anew here, so what reaches a kiosk is what this wrote: one kind of file,
no larger than a kiosk shows it, and without what a camera has noted in it.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from protocol.fleet import MAX_PICTURE, MAX_SIDE, Variant
from protocol.pictures import NoPicture

MAX_FILE = 20 * 2**20
"""The largest file that is read, in bytes."""
LOGO = 640, 240
"""The largest width and height of a logo, in pixels."""
BRIGHT = 0.18
"""The relative luminance (WCAG 2.2) from which on something contrasts more with black than with
white."""

_KINDS = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF")
"""How PNG, JPEG and WebP begin."""


@dataclass(frozen=True, slots=True)
class Made:
    """A picture for kiosks."""

    content: bytes
    ink: Variant | None
    """Whether what a logo draws is dark or light, where its ground is transparent."""


def logo(file: Path) -> Made:
    """Raises NoPicture, and OSError when the file cannot be read."""
    picture = _read(file, cv2.IMREAD_UNCHANGED)
    width, height = LOGO
    made = _within(_trimmed(picture), width, height)
    return Made(_png(made), _ink(picture))


def attract(file: Path) -> Made:
    """Raises NoPicture, and OSError when the file cannot be read."""
    picture = _read(file, cv2.IMREAD_COLOR)
    side = MAX_SIDE
    content = _png(_within(picture, side, side))
    while len(content) > MAX_PICTURE:
        side = side * 7 // 8
        content = _png(_within(picture, side, side))
    return Made(content, None)


def _read(file: Path, how: int) -> NDArray[np.uint8]:
    with file.open("rb") as opened:
        content = opened.read(MAX_FILE + 1)
    if len(content) > MAX_FILE:
        raise NoPicture(f"{file} is larger than 20 MiB")
    is_picture = content.startswith(_KINDS) and (content[:4] != b"RIFF" or content[8:12] == b"WEBP")
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), how) if is_picture else None
    except cv2.error:
        # It says to have more pixels than any picture that is meant.
        decoded = None
    if decoded is None:
        raise NoPicture(f"{file} is no PNG, JPEG or WebP that can be read")
    if decoded.dtype == np.uint16:
        decoded = decoded // 257
    picture = np.asarray(decoded, np.uint8)
    return np.repeat(picture[..., None], 3, axis=2) if picture.ndim == 2 else picture


def _within(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """Returns the picture in its own shape, made smaller where it is larger."""
    rows, columns = picture.shape[:2]
    ratio = min(width / columns, height / rows, 1)
    size = max(round(columns * ratio), 1), max(round(rows * ratio), 1)
    if ratio == 1:
        return picture
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.uint8)


def _trimmed(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Returns the picture without margins in which nothing is drawn."""
    if picture.shape[2] < 4 or not picture[..., 3].any():
        return picture
    left, top, width, height = cv2.boundingRect(picture[..., 3])
    return picture[top : top + height, left : left + width]


def _png(picture: NDArray[np.uint8]) -> bytes:
    _, written = cv2.imencode(".png", picture, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    return written.tobytes()


def _ink(picture: NDArray[np.uint8]) -> Variant | None:
    """Returns whether what is drawn on a transparent ground is dark or light; None where the ground
    is not transparent."""
    if picture.shape[2] < 4:
        return None
    cover = picture[..., 3].astype(np.float64) / 255
    if cover.min() > 0.5 or not cover.any():
        return None
    linear = (picture[..., 2::-1].astype(np.float64) / 255) ** 2.2
    luminance = linear @ np.array([0.2126, 0.7152, 0.0722])
    return "light" if (luminance * cover).sum() / cover.sum() > BRIGHT else "dark"
