"""Recorded pictures as a camera: `replay:clip.mp4`, or a folder of stills shown a second each.

A replay is a scene for the simulated camera, so it can be unplugged and stalled as well.
"""

from pathlib import Path

import cv2
import numpy as np

from hardware.address import Address
from hardware.camera.camera import Colour
from hardware.camera.capture import fit
from hardware.camera.sim import SimulatedCamera
from hardware.faults import PermanentFault

STILL_SECONDS = 1.0
_STILLS = {".jpg", ".jpeg", ".png", ".bmp", ".webp"}


def replay(address: Address) -> SimulatedCamera:
    """Returns a camera that plays what the address names.

    `loop=0` stops at the end instead of starting over; `pace=0` delivers pictures as fast as they
    are read. Raises BadAddress, and PermanentFault when there is nothing to show.
    """
    address.known("size", "loop", "pace")
    path, loop = Path(address.rest), address.flag("loop", True)
    size = address.size("size", (720, 1280))
    paced = address.flag("pace", True)
    if path.is_dir():
        return SimulatedCamera(Stills(path, loop=loop), name=path.name, size=size, paced=paced)
    clip = Clip(path, loop=loop)
    return SimulatedCamera(clip, name=path.name, size=size, fps=clip.fps, paced=paced)


class Stills:
    """The pictures of a folder in the order of their names."""

    def __init__(self, folder: Path, *, loop: bool = True) -> None:
        """Raises PermanentFault when the folder has no pictures."""
        self._paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in _STILLS)
        if not self._paths:
            raise PermanentFault(f"There are no pictures in {folder}.", "Choose another folder.")
        self._loop = loop
        self._began: float | None = None
        self._shown: tuple[int, Colour] | None = None

    def draw(self, out: Colour, at: float) -> None:
        """Raises PermanentFault for a file that is not a picture, and at the end without `loop`."""
        self._began = at if self._began is None else self._began
        index = int((at - self._began) / STILL_SECONDS + 1e-6)
        if index >= len(self._paths) and not self._loop:
            raise _ended()
        index %= len(self._paths)
        if self._shown is None or self._shown[0] != index or self._shown[1].shape != out.shape:
            picture = cv2.imread(str(self._paths[index]), cv2.IMREAD_COLOR)
            if picture is None:
                raise _unreadable(self._paths[index])
            fitted = np.empty_like(out)
            fit(picture.astype(np.uint8, copy=False), fitted)
            self._shown = (index, fitted)
        np.copyto(out, self._shown[1])


class Clip:
    """A video file, played at its own rate."""

    def __init__(self, path: Path, *, loop: bool = True) -> None:
        """Raises PermanentFault when it cannot be read."""
        self._path = path
        self._loop = loop
        self._video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
        self.fps = self._video.get(cv2.CAP_PROP_FPS)
        if not self._video.isOpened() or not self.fps > 0:
            raise _unreadable(path)
        self._picture: Colour = np.zeros(
            (
                int(self._video.get(cv2.CAP_PROP_FRAME_HEIGHT)),
                int(self._video.get(cv2.CAP_PROP_FRAME_WIDTH)),
                3,
            ),
            np.uint8,
        )
        self._began: float | None = None
        self._taken = 0

    def draw(self, out: Colour, at: float) -> None:
        """Raises PermanentFault at the end without `loop`."""
        self._began = at if self._began is None else self._began
        wanted = round((at - self._began) * self.fps) + 1
        while self._taken < wanted:
            if not self._video.grab():
                if not self._loop:
                    raise _ended()
                # Start over, from now.
                self._video.set(cv2.CAP_PROP_POS_FRAMES, 0)
                if not self._video.grab():
                    raise _unreadable(self._path)
                self._began, self._taken, wanted = at, 0, 1
            self._taken += 1
        self._video.retrieve(self._picture)
        fit(self._picture, out)


def _unreadable(path: Path) -> PermanentFault:
    return PermanentFault(f"{path.name} cannot be read as a picture.", "Choose another file.")


def _ended() -> PermanentFault:
    return PermanentFault("The replay has ended.", "Leave out loop=0 to start over.")
