"""A scene whose pictures can be told apart: each is of one shade, and the shades follow on."""

from itertools import count

from hardware.camera import Colour


class Painted:
    def __init__(self) -> None:
        self.shades = count(1)

    def draw(self, out: Colour, at: float) -> None:
        # Never 0: that is what a wiped buffer holds.
        out.fill(next(self.shades) % 255 + 1)
