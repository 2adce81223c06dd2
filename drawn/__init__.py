"""The palm factory: palms drawn from a seed, of nobody.

`identity(seed, side)` is a hand as its owner has it, always the same for the same seed; a
`Presentation` is how it is shown; `draw` puts one in front of a camera, and `Shopper` moves it.
No picture of a real palm is used anywhere.
"""

from drawn.identity import DrawnPalm, identity
from drawn.presentation import Drawing, Presentation, draw, draw_roi
from drawn.shopper import Shopper, Wish

__all__ = [
    "Drawing",
    "DrawnPalm",
    "Presentation",
    "Shopper",
    "Wish",
    "draw",
    "draw_roi",
    "identity",
]
