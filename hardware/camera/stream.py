"""A camera on the network: `http://host/stream.mjpg`, `https://…`, `rtsp://…`, through FFmpeg."""

from typing import ClassVar

import cv2

from hardware.address import Address
from hardware.camera.capture import Capture
from hardware.faults import TemporaryFault

OPEN_MS = 5_000
READ_MS = 1_000
"""Without it FFmpeg waits 30 s for a stalled stream."""


class StreamCamera:
    """A stream's address. The query belongs to it: there are no options of the kiosk's own."""

    SCHEMES: ClassVar = ("http", "https", "rtsp", "rtsps")

    def __init__(self, address: Address) -> None:
        """Raises BadAddress."""
        if not address.rest.startswith("//"):
            raise address.wrong("names no host", "Write rtsp://host/stream.")
        self._url = address.text
        self._name = str(address)

    @property
    def name(self) -> str:
        return self._name

    def open(self) -> Capture:
        """Raises TemporaryFault when nothing answers there, or something that is no stream: the
        one cannot be told from the other."""
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            OPEN_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            READ_MS,
        ]
        video = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, timeouts)
        if not video.isOpened():
            video.release()
            raise TemporaryFault(
                f"There is no stream at {self._name}.",
                "Check the address, the network and the camera's power; it is tried again.",
            )
        return Capture(self._name, video)

    def has_picture(self) -> bool:
        """Returns False: OpenCV does not tell."""
        return False
