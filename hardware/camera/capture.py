"""Reading pictures from a device, with every fault that a real device shows.

It uses only a part of `cv2.VideoCapture` (`Video`), so a simulated device can take its place and
fail as a real one does: by answering False, by blocking, by changing its picture size.
"""

import time
from typing import Protocol

import cv2
import numpy as np
from cv2.typing import MatLike

from hardware.camera.camera import Colour, Size
from hardware.camera.mounting import Mounting
from hardware.faults import TemporaryFault

UNREADABLE_IN_A_ROW = 15
"""The number of damaged pictures in a row, half a second of them, that make a fault. Fewer are
skipped."""


class Video(Protocol):
    """The part of `cv2.VideoCapture` that is used. `retrieve` writes into `image` and returns it,
    or returns another array when `image` has the wrong shape."""

    def grab(self) -> bool: ...
    def retrieve(self, image: Colour, /) -> tuple[bool, MatLike]: ...
    def get(self, property: int, /) -> float: ...
    def release(self) -> None: ...


class Capture:
    """An open camera that delivers through `video` and closes it. Its pictures are turned as its
    mounting says."""

    def __init__(self, name: str, video: Video, mounting: Mounting | None = None) -> None:
        self._name = name
        self._video = video
        self._mounting = mounting or Mounting()
        self._size = self._reported_size()
        self._native = np.empty((*self._size, 3), np.uint8)
        self._upright = np.empty((*self._mounting.upright(self._size), 3), np.uint8)

    @property
    def name(self) -> str:
        return self._name

    @property
    def size(self) -> Size:
        return self._size

    def read(self, out: Colour) -> float:
        """See `Camera.read`."""
        plain = self._mounting.is_plain
        into = out if plain and out.shape[:2] == self._size else self._native
        for _ in range(UNREADABLE_IN_A_ROW):
            if not self._video.grab():
                raise TemporaryFault(
                    f"The camera {self._name} stopped delivering pictures.",
                    "Check its cable and power; it is tried again by itself.",
                )
            at = time.monotonic()
            readable, frame = self._video.retrieve(into)
            if not readable:
                continue
            # OpenCV would continue and rescale every picture to the first size.
            if self._reported_size() != self._size or frame.shape[:2] != self._size:
                raise TemporaryFault(
                    f"The camera {self._name} changed its picture size.",
                    "It is opened anew by itself; check for another program using it.",
                )
            if not plain:
                self._mounting.turn(np.asarray(frame, np.uint8), self._upright)
                frame = self._upright
            if frame is not out:
                fit(frame, out)
            return at
        raise TemporaryFault(
            f"The camera {self._name} delivers damaged pictures.",
            "Check its cable; try another port or a shorter cable.",
        )

    def close(self) -> None:
        self._video.release()
        self._native.fill(0)
        self._upright.fill(0)

    def _reported_size(self) -> Size:
        return (
            int(self._video.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            int(self._video.get(cv2.CAP_PROP_FRAME_WIDTH)),
        )


def fit(picture: MatLike, out: Colour) -> None:
    """Writes the whole picture as large as it fits into the middle of `out`, and black around
    it."""
    (height, width), (rows, columns) = picture.shape[:2], out.shape[:2]
    scale = min(rows / height, columns / width)
    tall, wide = max(1, round(height * scale)), max(1, round(width * scale))
    top, left = (rows - tall) // 2, (columns - wide) // 2
    inside = out[top : top + tall, left : left + wide]
    if (tall, wide) == (height, width):
        np.copyto(inside, picture)
    else:
        shrinking = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        cv2.resize(picture, (wide, tall), dst=inside, interpolation=shrinking)
    for border in (out[:top], out[top + tall :], out[:, :left], out[:, left + wide :]):
        border.fill(0)
