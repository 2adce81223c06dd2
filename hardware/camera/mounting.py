"""How a camera is mounted, and turning its pictures upright.

A camera may hang upside down or sideways, and some mirror by themselves. The address of every
camera takes `rotate` and `mirror`; the pictures are turned before anything else sees them.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from hardware.address import Address
from hardware.camera.camera import Colour, Size

_ROTATIONS = {
    90: cv2.ROTATE_90_CLOCKWISE,
    180: cv2.ROTATE_180,
    270: cv2.ROTATE_90_COUNTERCLOCKWISE,
}


@dataclass(frozen=True, slots=True)
class Mounting:
    """What is done to every picture of a camera, in this order: it is flipped left to right where
    `mirror` is set, then turned clockwise by `rotate` degrees (0, 90, 180 or 270)."""

    rotate: int = 0
    mirror: bool = False

    @classmethod
    def of(cls, address: Address) -> "Mounting":
        """Returns the mounting that an address names. Raises BadAddress."""
        written = address.options.get("rotate", "0")
        if written not in ("0", *map(str, _ROTATIONS)):
            raise address.wrong(f"cannot have rotate={written}", "Use rotate=90, 180 or 270.")
        mirror = address.options.get("mirror", "0")
        if mirror not in ("0", "1"):
            raise address.wrong(f"cannot have mirror={mirror}", "Use mirror=1, or leave it out.")
        return cls(int(written), mirror == "1")

    def __str__(self) -> str:
        """Returns the options as they are written in an address."""
        written = [f"rotate={self.rotate}"] if self.rotate else []
        return "&".join([*written, "mirror=1"] if self.mirror else written)

    @property
    def is_plain(self) -> bool:
        """Whether pictures are right as the camera delivers them."""
        return self == Mounting()

    def upright(self, size: Size) -> Size:
        """Returns the (height, width) that pictures of a size have once they are turned."""
        return (size[1], size[0]) if self.rotate in (90, 270) else size

    def turn(self, picture: Colour, out: Colour) -> None:
        """Writes a picture into `out`, which has its upright size. Changes the picture as well: no
        third copy of a palm stays in memory."""
        if self.mirror:
            cv2.flip(picture, 1, dst=picture)
        if self.rotate:
            cv2.rotate(picture, _ROTATIONS[self.rotate], dst=out)
        else:
            np.copyto(out, picture)

    def corrected(self, correction: "Mounting") -> "Mounting":
        """Returns the mounting that has the effect of this one followed by `correction`."""
        before = -self.rotate if correction.mirror else self.rotate
        return Mounting((before + correction.rotate) % 360, self.mirror != correction.mirror)
