"""Recorded pictures as a camera: `replay:clip.mp4`, or a folder of stills shown a second each.

A replay is a scene for the simulated camera, so it can be unplugged and stalled as well. Pictures
and clips that say how they are to be turned (EXIF, a phone's clip) are turned.
"""

import logging
from pathlib import Path

import cv2
import numpy as np

from hardware.address import Address
from hardware.camera.camera import Colour
from hardware.camera.capture import fit
from hardware.camera.mounting import Mounting
from hardware.camera.sim import SimulatedCamera
from hardware.faults import PermanentFault

_log = logging.getLogger(__name__)

STILL_SECONDS = 1.0


def replay(address: Address, mounting: Mounting) -> SimulatedCamera:
    """Returns a camera that plays what the address names.

    `loop=0` stops at the end instead of starting over; `pace=0` delivers pictures as fast as they
    are read. Raises BadAddress, and PermanentFault when there is nothing to show.
    """
    address.known("size", "loop", "pace")
    path, loop = Path(address.rest), address.flag("loop", True)
    size = address.size("size", (720, 1280))
    paced = address.flag("pace", True)
    scene = Stills(path, loop=loop) if path.is_dir() else Clip(path, loop=loop)
    return SimulatedCamera(
        scene, name=path.name, size=size, fps=scene.fps, paced=paced, mounting=mounting
    )


class Stills:
    """The pictures of a folder in the order of their names. Whatever else the folder holds is
    logged and skipped."""

    fps = 30.0

    def __init__(self, folder: Path, *, loop: bool = True) -> None:
        """Raises PermanentFault when the folder cannot be read or has no pictures."""
        self._folder = folder
        try:
            entries = sorted(folder.iterdir())
        except OSError as error:
            raise PermanentFault(
                f"The folder {folder} cannot be read: {error.strerror}.", "Correct its permissions."
            ) from None
        self._paths = [path for path in entries if _may_be_picture(path)]
        self._loop = loop
        self._began: float | None = None
        self._shown: tuple[Path, Colour] | None = None
        # A folder without a single picture is refused now, not when the kiosk is open.
        picture = self._picture(0)
        self._fitted = (picture, picture)

    def draw(self, out: Colour, at: float) -> None:
        """Raises PermanentFault when no file is a picture any more, and at the end without
        `loop`."""
        self._began = at if self._began is None else self._began
        index = int((at - self._began) / STILL_SECONDS + 1e-6)
        if index >= len(self._paths) and not self._loop:
            raise _ended()
        picture = self._picture(index)
        if picture is not self._fitted[0] or self._fitted[1].shape != out.shape:
            self._fitted = (picture, np.empty_like(out))
            fit(*self._fitted)
        np.copyto(out, self._fitted[1])

    def _picture(self, index: int) -> Colour:
        """Returns a picture, counted from the first again after the last. A file that turns out to
        be damaged is left out from then on."""
        while self._paths:
            path = self._paths[index % len(self._paths)]
            if self._shown is not None and self._shown[0] == path:
                return self._shown[1]
            picture = _read(path)
            if picture is not None:
                self._shown = (path, picture)
                return picture
            self._paths.remove(path)
        raise PermanentFault(
            f"There are no pictures in {self._folder}.",
            "Choose a folder with JPEG, PNG, WebP or BMP files.",
        )


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
        fit(self._video.retrieve()[1], out)


def _may_be_picture(path: Path) -> bool:
    """Returns whether a file begins like a picture; logs why it is skipped otherwise."""
    if not path.is_file():
        reason = "it is no file"
    elif not cv2.haveImageReader(str(path)):
        reason = "it is no picture, or may not be read"
    else:
        return True
    _log.warning("The replay skips %s: %s", path.name, reason)
    return False


def _read(path: Path) -> Colour | None:
    """Returns the picture in a file, turned as the file says, or None, and logs why."""
    try:
        data = path.read_bytes()
        if _is_cut_short(data):
            raise ValueError
        # Without IMREAD_UNCHANGED, OpenCV turns a picture as its EXIF orientation says.
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        if picture is None:
            raise ValueError
    except OSError as error:
        _log.warning("The replay skips %s: %s", path.name, error.strerror)
        return None
    except (ValueError, cv2.error):
        _log.warning("The replay skips %s: the picture is damaged", path.name)
        return None
    return np.asarray(picture, np.uint8)


def _is_cut_short(data: bytes) -> bool:
    """Returns whether a JPEG lacks its end (ISO/IEC 10918-1, annex B). OpenCV would paint what is
    missing grey."""
    if not data.startswith(b"\xff\xd8"):
        return False
    at = 2
    while data[at : at + 1] == b"\xff" and data[at + 1 : at + 2] != b"\xda":
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data.find(b"\xff\xd9", at) < 0


def _unreadable(path: Path) -> PermanentFault:
    return PermanentFault(f"{path.name} cannot be read as a video.", "Choose another file.")


def _ended() -> PermanentFault:
    return PermanentFault("The replay has ended.", "Leave out loop=0 to start over.")
