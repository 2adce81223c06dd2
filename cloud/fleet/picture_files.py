"""Makes of somebody's file the picture that kiosks get. `python -m cloud.fleet.picture_files KIND`
reads one from standard input and writes the other, behind a line with its ink.

It is decoded and written anew here, so what reaches a kiosk is what this wrote: one kind of file,
no larger than a kiosk shows it, and without what a camera has noted in it.
"""

import resource
import sys

import cv2
import numpy as np
from numpy.typing import NDArray

from cloud.fleet.picture_making import REFUSED, UNREADABLE, Made
from cloud.vault.confine import confine, forgo_files, forgo_processes
from protocol.fleet import MAX_PICTURE, MAX_SIDE, Variant
from protocol.pictures import NoPicture

MAX_MEMORY = 2 * 2**30
"""What the process may have in memory, in bytes: a small file may say to be a huge picture."""
MAX_CPU_S = 30
LOGO = 640, 240
"""The largest width and height of a logo, in pixels."""
BRIGHT = 0.18
"""The relative luminance (WCAG 2.2) from which on something contrasts more with black than with
white."""


def main() -> int:
    make = {"logo": logo, "attract": attract}[sys.argv[1]]
    given = sys.stdin.buffer.read()
    cv2.setNumThreads(1)
    confine()
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_S, MAX_CPU_S))
    forgo_files()
    forgo_processes()
    try:
        made = make(given)
    except NoPicture as why:
        sys.stdout.buffer.write(str(why).encode())
        return REFUSED
    sys.stdout.buffer.write((made.ink or "").encode() + b"\n" + made.content)
    return 0


def logo(content: bytes) -> Made:
    """Raises NoPicture."""
    picture = _read(content, cv2.IMREAD_UNCHANGED)
    width, height = LOGO
    made = _within(_trimmed(picture), width, height)
    return Made(_png(made), _ink(picture))


def attract(content: bytes) -> Made:
    """Raises NoPicture."""
    picture = _read(content, cv2.IMREAD_COLOR)
    side = MAX_SIDE
    made = _png(_within(picture, side, side))
    while len(made) > MAX_PICTURE:
        side = side * 7 // 8
        made = _png(_within(picture, side, side))
    return Made(made, None)


def _read(content: bytes, how: int) -> NDArray[np.uint8]:
    try:
        decoded = cv2.imdecode(np.frombuffer(content, np.uint8), how)
    except cv2.error:
        # It says to have more pixels than any picture that is meant.
        decoded = None
    if decoded is None:
        raise NoPicture(UNREADABLE)
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


if __name__ == "__main__":
    sys.exit(main())
