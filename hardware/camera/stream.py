"""Cameras on the network, read through FFmpeg: `http://host/stream.mjpg`, `https://…`, `rtsp://…`."""

import os
import socket
from typing import ClassVar
from urllib.parse import urlsplit

import cv2

from hardware.address import Address
from hardware.camera.capture import Capture
from hardware.camera.mounting import Mounting
from hardware.faults import TemporaryFault

# OpenCV reads it once, when it first opens a stream. FFmpeg would write to the terminal what it
# takes for the host: part of a password, where that was not written as a URL wants it.
os.environ["OPENCV_FFMPEG_LOGLEVEL"] = "-8"

OPEN_MS = 5_000
READ_MS = 1_000
"""The timeout for a picture; FFmpeg's own is 30 s."""


_PORTS = {"http": 80, "https": 443, "rtsp": 554, "rtsps": 322}


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

    @property
    def identity(self) -> None:
        """None, because whatever answers on the network can claim to be any camera."""
        return None

    def open(self) -> Capture:
        """Raises TemporaryFault when nothing answers or what answers is not a stream."""
        timeouts = [
            cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
            OPEN_MS,
            cv2.CAP_PROP_READ_TIMEOUT_MSEC,
            READ_MS,
        ]
        video = cv2.VideoCapture(self._url, cv2.CAP_FFMPEG, timeouts)
        if not video.isOpened():
            video.release()
            raise self._absent()
        return Capture(self._name, video, self._mounting)

    def has_picture(self) -> bool:
        """Returns False: OpenCV does not tell."""
        return False

    def _absent(self) -> TemporaryFault:
        """Returns why there is no stream, which OpenCV does not tell."""
        try:
            parts = urlsplit(self._url)
            port = parts.port or _PORTS[parts.scheme.lower()]
            socket.create_connection((parts.hostname or "", port), OPEN_MS / 1000).close()
        except ValueError:
            why = "its address cannot be read"
            remedy = "Write special characters of a password as in a URL: %23 for #, %40 for @."
        except socket.gaierror:
            why = "no machine has this name"
            remedy = "Check the address and the network."
        except OSError as error:
            why = "nothing answers" if isinstance(error, TimeoutError) else str(error.strerror)
            remedy = "Check the address, the network and the camera's power; it is tried again."
        else:
            why = "what answers there sends no pictures"
            remedy = "Check the path, and user and password, in the camera's address."
        return TemporaryFault(f"There is no stream at {self._name}: {why}.", remedy)
