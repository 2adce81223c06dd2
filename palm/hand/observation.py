"""What one frame says about the hand in it, before anyone decides what to say to the shopper."""

from dataclasses import dataclass

from palm.hand.landmarks import Hand


@dataclass(frozen=True, slots=True)
class Observation:
    """One frame, judged.

    Every field but `at` and `hands` speaks of `hand` and holds its neutral value when there is
    none, or more than one.
    """

    at: float
    """Seconds on the clock the frame was stamped with."""
    hands: int
    """How many hands are in view."""
    hand: Hand | None = None
    """The only hand in view."""
    span: float = 0.0
    """Palm length (wrist to middle knuckle) over the frame's shorter side: how near the hand is.
    About 0.2 is far, 0.45 right, 0.6 too near."""
    offset: tuple[float, float] = (0.0, 0.0)
    """Palm centre from the frame's centre, in half frame sides, right and down positive."""
    cut_off: bool = False
    """A part of the palm itself lies outside the frame."""
    tilt: float = 0.0
    """Degrees between the palm's normal and the camera's axis, 0 to 90."""
    turn: float = 0.0
    """Degrees the fingers are turned from pointing up in the frame, clockwise, -180 to 180."""
    openness: float = 0.0
    """0 a fist, 1 all five fingers straight and apart from the palm."""
    sharpness: float = 0.0
    """0 blurred beyond use, 1 as sharp as the camera gives: energy in the ridges' band."""
    brightness: float = 0.0
    """Mean of the palm's grey level, 0 to 1."""
    clipped: float = 0.0
    """Share of the palm's pixels burnt out or black, 0 to 1."""
    motion: float = 0.0
    """Speed of the palm, palm lengths a second."""
