"""A camera that looks at a drawn scene.

The device is simulated, below the driver: it is unplugged, stalls and comes back as hardware does,
and the driver's own logic handles the fault.
"""

import threading
import time
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np

from hardware.camera.camera import Colour, Size
from hardware.camera.capture import Capture
from hardware.camera.mounting import Mounting
from hardware.faults import TemporaryFault


class Scene(Protocol):
    """What a simulated camera looks at."""

    def draw(self, out: Colour, at: float) -> None:
        """Draws the whole picture of the moment `at`, on the clock of `time.monotonic`, into
        `out`. Called on the camera's thread."""
        ...


@dataclass(slots=True)
class _Device:
    """The state of the device and its cable, shared by all openings."""

    scene: Scene
    size: Size
    interval: float
    paced: bool
    plugged: bool = True
    pulled: int = 0
    """How often the cable was pulled; an opening from before stays lost."""
    stalled: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)


class SimulatedCamera:
    """A simulated device and its cable. Thread-safe.

    Without `paced`, pictures come as fast as they are read, drawn as if they were 1/fps apart.
    """

    def __init__(
        self,
        scene: Scene,
        *,
        name: str = "simulated camera",
        size: Size = (720, 1280),
        fps: float = 30.0,
        paced: bool = True,
        mounting: Mounting | None = None,
    ) -> None:
        self.name = name
        self._swapped = False
        self._mounting = mounting
        self._device = _Device(scene, size, 1 / fps, paced)

    @property
    def scene(self) -> Scene:
        return self._device.scene

    @property
    def identity(self) -> str | None:
        """See `CameraSource.identity`."""
        if not self._device.plugged:
            return None
        return "another simulated camera" if self._swapped else "simulated camera"

    def swap(self) -> None:
        """Puts another camera in its place."""
        self._swapped = True

    def look_at(self, scene: Scene) -> None:
        """Shows this scene from the next picture on."""
        self._device.scene = scene

    def open(self) -> Capture:
        """Raises TemporaryFault while unplugged."""
        if not self._device.plugged:
            raise TemporaryFault(
                f"The camera {self.name} is unplugged.", "Plug it in; it is found by itself."
            )
        return Capture(self.name, _Video(self._device), self._mounting)

    def unplug(self) -> None:
        """Pulls the cable: reading ends with a fault, and opening fails."""
        with self._device.changed:
            self._device.plugged = False
            self._device.pulled += 1
            self._device.changed.notify_all()

    def plug_in(self) -> None:
        with self._device.changed:
            self._device.plugged = True

    def has_picture(self) -> bool:
        """Returns whether the device would deliver if it were read, so that a machine too busy to
        draw in time does not take it for a lost camera."""
        return self._device.plugged and not self._device.stalled

    def stall(self) -> None:
        """Stops delivering without a fault: reading blocks until `resume` or `unplug`."""
        with self._device.changed:
            self._device.stalled = True

    def resume(self) -> None:
        with self._device.changed:
            self._device.stalled = False
            self._device.changed.notify_all()

    def slow_down(self, fps: float) -> None:
        """Delivers so many pictures a second from the next one on, as some devices do in the
        dark."""
        with self._device.changed:
            self._device.interval = 1 / fps

    def resize(self, size: Size) -> None:
        """Delivers (height, width) from the next picture on without being asked to, as some devices
        do."""
        with self._device.changed:
            self._device.size = size


class _Video:
    """One opening of the device, with the methods of `cv2.VideoCapture`."""

    def __init__(self, device: _Device) -> None:
        self._device = device
        self._pulled = device.pulled
        self._at = self._due = time.monotonic()

    def grab(self) -> bool:
        device = self._device
        with device.changed:
            if device.paced:
                device.changed.wait_for(self._lost, max(0.0, self._due - time.monotonic()))
            device.changed.wait_for(lambda: self._lost() or not device.stalled)
            if self._lost():
                return False
        # A slow scene skips pictures instead of falling behind the clock.
        self._at = max(self._due, time.monotonic()) if device.paced else self._due
        self._due = self._at + device.interval
        return True

    def retrieve(self, image: Colour, /) -> tuple[bool, Colour]:
        if image.shape[:2] != self._device.size:
            image = np.empty((*self._device.size, 3), np.uint8)
        # The thread may have waited since `grab`: what is drawn must not be older than now.
        at = time.monotonic() if self._device.paced else self._at
        self._device.scene.draw(image, at)
        return True, image

    def get(self, property: int, /) -> float:
        height, width = self._device.size
        return {cv2.CAP_PROP_FRAME_HEIGHT: height, cv2.CAP_PROP_FRAME_WIDTH: width}[property]

    def release(self) -> None:
        """Does nothing: there is nothing to release."""

    def _lost(self) -> bool:
        return self._device.pulled > self._pulled
