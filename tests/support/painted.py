"""A scene whose pictures can be told apart: each has the next shade."""

from itertools import count

from hardware.camera import Colour


class Painted:
    def __init__(self) -> None:
        self.shades = count(1)

    def draw(self, out: Colour, at: float) -> None:
        # Never 0, which a wiped buffer contains.
        out.fill(next(self.shades) % 255 + 1)
