"""What one frame tells about the hand in it, as typed values."""

from dataclasses import dataclass

from palm.hand.landmarks import Hand


@dataclass(frozen=True, slots=True)
class Observation:
    """The measurements of one frame.

    Every field but `at` and `hands` describes `hand`, and has its neutral value when there is no
    hand or more than one.
    """

    at: float
    """The frame's time stamp in seconds, on the camera's clock."""
    hands: int
    """The number of hands in view."""
    hand: Hand | None = None
    """The hand, if exactly one is in view."""
    span: float = 0.0
    """The palm length (wrist to middle knuckle) over the frame's shorter side, which tells how near
    the hand is: about 0.2 is far, 0.45 right, 0.6 too near."""
    offset: tuple[float, float] = (0.0, 0.0)
    """The palm's centre relative to the frame's, in half frame sides; right and down are
    positive."""
    cut_off: bool = False
    """Whether a part of the palm itself lies outside the frame."""
    tilt: float = 0.0
    """The angle between the palm's normal and the camera's axis, in degrees, 0 to 90."""
    turn: float = 0.0
    """The angle by which the fingers are rotated clockwise from pointing up in the frame, in
    degrees, -180 to 180."""
    openness: float = 0.0
    """The openness of the hand: 0 is a fist, 1 is five straight fingers."""
    sharpness: float = 0.0
    """The energy in the band of the palm's ridges: 0 is blurred beyond use, 1 as sharp as the
    camera gives."""
    brightness: float = 0.0
    """The mean grey level of the palm, 0 to 1."""
    clipped: float = 0.0
    """The share of the palm's pixels that are burnt out or black, 0 to 1."""
    motion: float = 0.0
    """The speed of the palm, in palm lengths per second."""
