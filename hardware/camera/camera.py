"""The protocols that every camera driver implements."""

from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Colour: TypeAlias = npt.NDArray[np.uint8]
"""(height, width, 3), blue-green-red, 0 to 255."""

Size: TypeAlias = tuple[int, int]
"""(height, width) in pixels, as numpy counts."""


class Camera(Protocol):
    """An open camera, used and closed by one thread."""

    @property
    def name(self) -> str:
        """The name the operator knows it by."""
        ...

    @property
    def size(self) -> Size:
        """The size of the pictures that the device itself delivers."""
        ...

    def read(self, out: Colour) -> float:
        """Waits for the next frame, writes it into `out` and returns when it was taken, on the
        clock of `time.monotonic`. A frame of another shape is letterboxed on black.

        Raises TemporaryFault when the camera is lost. May block for as long as the driver does;
        `hardware.camera.feed` watches it from another thread.
        """
        ...

    def close(self) -> None: ...


class CameraSource(Protocol):
    """Where a camera is found. It is opened again after every fault."""

    @property
    def name(self) -> str: ...

    @property
    def identity(self) -> str | None:
        """What tells the device that is there now from another one in its place; None when none is
        there, or when that cannot be told."""
        ...

    def open(self) -> Camera:
        """Opens the camera. Raises TemporaryFault when it is not there now, PermanentFault when
        somebody has to do something first."""
        ...

    def has_picture(self) -> bool:
        """Returns whether the device has a picture ready that nobody has read yet.

        The reading thread is then late and the device is not silent. A driver that cannot tell
        returns False.
        """
        ...
