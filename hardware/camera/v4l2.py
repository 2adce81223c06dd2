"""Cameras on this machine, through Video4Linux 2:
`v4l2:/dev/v4l/by-id/usb-Maker_Camera-video-index0?size=1280x720&fps=30`.

The names in /dev/v4l/by-id stay with a camera. The number in /dev/video0 is given anew at every
start and every time that something is plugged in.
"""

import logging
import os
from pathlib import Path

import cv2

from hardware.address import Address
from hardware.camera.capture import Capture
from hardware.camera.mounting import Mounting
from hardware.faults import PermanentFault, TemporaryFault
from hardware.usb.sysfs import device_at

# OpenCV reads it once, when it first opens a camera. With its default of 10 s the reader of a
# pulled camera would hang long after the feed has dismissed it.
os.environ["OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT"] = "1"

_log = logging.getLogger(__name__)

BY_ID = Path("/dev/v4l/by-id")
"""Where udev names cameras by maker, model and serial number."""

NODES = Path("/sys/class/video4linux")
"""Where Linux tells which device stands behind the number of a camera."""

# MJPG first: over USB 2 most cameras deliver 720p at 30 frames a second in this format only.
_FORMATS = tuple(cv2.VideoWriter.fourcc(*code) for code in ("MJPG", "YUYV"))


class V4l2Camera:
    """A Video4Linux device and the format it is asked for."""

    def __init__(self, address: Address, mounting: Mounting) -> None:
        """Raises BadAddress."""
        address.known("size", "fps")
        self._device = address.rest
        if not self._device.startswith("/dev/"):
            raise address.wrong("names no device", "Write v4l2:/dev/video0, or /dev/v4l/by-id/….")
        self._size = address.size("size", (720, 1280))
        self._fps = address.number("fps", 30, least=1, most=240)
        self._mounting = mounting
        if (name := _lasting_name(self._device)) is not None:
            _log.info("%s may be another camera after a restart; v4l2:%s stays", self._device, name)

    @property
    def name(self) -> str:
        return self._device

    @property
    def identity(self) -> str | None:
        """See `CameraSource.identity`: on the USB the two ids and the serial number, of which many
        cameras have none; elsewhere the driver's name for it. Of a camera that is named by its
        number that cannot be told: after a restart another one may have the number."""
        if not Path(self._device).is_symlink():
            return None
        node = NODES / Path(self._device).resolve().name
        # The node belongs to an interface of the device.
        device = device_at((node / "device").resolve().parent)
        if device is not None:
            return f"{device.name} {device.serial}".strip()
        try:
            return (node / "name").read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    def open(self) -> Capture:
        """Raises TemporaryFault when the device is absent or busy, PermanentFault when this process
        may not use it."""
        self._try()
        video = cv2.VideoCapture(self._device, cv2.CAP_V4L2)
        if not video.isOpened():
            video.release()
            raise TemporaryFault(
                f"{self._device} is busy, or is no camera.",
                f"Close other programs that use it. {_present()}",
            )
        self._ask(video)
        return Capture(self._device, video, self._mounting)

    def has_picture(self) -> bool:
        """Returns False: OpenCV does not tell."""
        return False

    def _try(self) -> None:
        """Opens the device once without OpenCV, which does not tell why it cannot open one."""
        try:
            os.close(os.open(self._device, os.O_RDWR | os.O_NONBLOCK))
        except PermissionError:
            raise PermanentFault(
                f"This kiosk may not use {self._device}.",
                "Add its user to the group 'video' and start it again.",
            ) from None
        except OSError as error:
            raise TemporaryFault(
                f"There is no camera at {self._device}: {error.strerror}.",
                f"Plug it in; it is found by itself. {_present()}",
            ) from None

    def _ask(self, video: cv2.VideoCapture) -> None:
        """Sets format, size and rate and reads them back, since `set` returns True even when the
        device ignores it."""
        height, width = self._size
        for form in _FORMATS:
            video.set(cv2.CAP_PROP_FOURCC, form)
            if int(video.get(cv2.CAP_PROP_FOURCC)) == form:
                break
        video.set(cv2.CAP_PROP_FRAME_WIDTH, width)
        video.set(cv2.CAP_PROP_FRAME_HEIGHT, height)
        video.set(cv2.CAP_PROP_FPS, self._fps)
        # One picture in the driver's queue: an older one is of no use.
        video.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        asked = (width, height, self._fps)
        got = (
            int(video.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(video.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            video.get(cv2.CAP_PROP_FPS),
        )
        if got != asked:
            _log.warning(
                "%s was asked for %dx%d at %g and gives %dx%d at %g",
                self._device,
                *asked,
                *got,
            )


def _cameras() -> list[Path]:
    """Returns the lasting names of the cameras that are attached. A camera has further devices for
    what is not a picture; index 0 is the picture."""
    return sorted(BY_ID.glob("*-video-index0"))


def _present() -> str:
    """Returns a sentence that names the cameras that are attached."""
    names = ", ".join(f"v4l2:{each}" for each in _cameras())
    return f"Attached are: {names}." if names else "v4l2-ctl --list-devices lists all cameras."


def _lasting_name(device: str) -> Path | None:
    """Returns the name in BY_ID of a device that was named by its number, None without one."""
    if Path(device).is_symlink():
        return None
    return next((name for name in _cameras() if name.resolve() == Path(device)), None)
