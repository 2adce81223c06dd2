"""Cameras on the network, read through FFmpeg: `http://host/stream.mjpg`, `https://…`, `rtsp://…`."""

from typing import ClassVar

import cv2

from hardware.address import Address
from hardware.camera.capture import Capture
from hardware.camera.mounting import Mounting
from hardware.faults import TemporaryFault

OPEN_MS = 5_000
READ_MS = 1_000
"""The timeout for a picture; FFmpeg's own is 30 s."""


class StreamCamera:
    """The address of a stream. Its query is sent to the stream as it is written."""

    SCHEMES: ClassVar = ("http", "https", "rtsp", "rtsps")

    def __init__(self, address: Address, mounting: Mounting) -> None:
        """Raises BadAddress."""
        if not address.rest.startswith("//"):
            raise address.wrong("names no host", "Write rtsp://host/stream.")
        self._url = address.text
        self._name = str(address)
        self._mounting = mounting

    @property
    def name(self) -> str:
        return self._name

    def open(self) -> Capture:
        """Raises TemporaryFault when nothing answers or what answers is not a stream: OpenCV does
        not tell the two apart."""
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
        return Capture(self._name, video, self._mounting)

    def has_picture(self) -> bool:
        """Returns False: OpenCV does not tell."""
        return False
