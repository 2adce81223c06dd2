"""What every camera is to the rest of the kiosk."""

from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Colour: TypeAlias = npt.NDArray[np.uint8]
"""(height, width, 3), blue-green-red, 0 to 255."""

Size: TypeAlias = tuple[int, int]
"""(height, width) in pixels, as numpy counts."""


class Camera(Protocol):
    """A camera that is open. Used and closed by one thread."""

    @property
    def name(self) -> str:
        """What the operator knows it by."""
        ...

    @property
    def size(self) -> Size:
        """Of the pictures the device itself delivers."""
        ...

    def read(self, out: Colour) -> float:
        """Waits for the next frame, writes it into `out` (letterboxed on black where the device's
        shape is another) and returns when it was taken, on the clock of `time.monotonic`.

        Raises TemporaryFault when the camera has gone away. May block for as long as the driver
        likes: whoever needs to know sooner watches from another thread (`hardware.camera.feed`).
        """
        ...

    def close(self) -> None: ...


class CameraSource(Protocol):
    """Where a camera is, or will be again: opened anew after every fault."""

    @property
    def name(self) -> str: ...

    def open(self) -> Camera:
        """Raises TemporaryFault when it is not there now, PermanentFault when it never will be
        without somebody's help."""
        ...
