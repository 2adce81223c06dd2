"""Draws hands and palms of generated people, for tests, training and the simulated shopper.

`identity(seed, side)` returns a hand, the same for the same seed every time. A `Presentation` tells
how it is shown to the camera, `draw` draws one frame, and `Shopper` moves a hand through a video.
No picture of a real palm is used.

- `identity` combines build and skin into one hand of a generated person.
- `state` is the state of the skin on one day: dry, wet, warm, cold, or dirty.
- `anatomy` places the joints of a hand in a gesture.
- `body` models the flesh around the joints, and what a camera sees of it.
- `skin` generates the skin of palm, back and fingers; `furrows` draws its creases.
- `noise` generates smooth random fields.
- `sprite` draws a hand in one gesture.
- `presentation` places a sprite in a camera frame.
- `shopper` is a moving hand, a scene for simulated cameras.
- `roi` draws aligned palms directly, for training.
- `spectra` predicts colours under the ring's diodes and at 850 nm.
- `lit` lights a hand by the light ring.
- `burst` records a burst under a light challenge; `heart` records a pulse.
- `attack` builds presentation attack instruments.
- `circumstances` draws living bursts and attacks at random.
"""

from drawn.identity import DrawnPalm, identity
from drawn.presentation import Drawing, Presentation, draw, draw_roi
from drawn.shopper import Shopper, Wish
from drawn.state import State

__all__ = [
    "Drawing",
    "DrawnPalm",
    "Presentation",
    "Shopper",
    "State",
    "Wish",
    "draw",
    "draw_roi",
    "identity",
]
