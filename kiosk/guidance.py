"""What the shopper is told to do with their hand."""

from dataclasses import dataclass
from enum import StrEnum


class Instruction(StrEnum):
    """One thing to do, in the order a person can follow."""

    SHOW_PALM = "show_palm"
    ONE_HAND = "one_hand"
    TURN_OVER = "turn_over"
    OPEN_HAND = "open_hand"
    OTHER_HAND = "other_hand"
    MOVE_CLOSER = "move_closer"
    MOVE_AWAY = "move_away"
    MOVE_LEFT = "move_left"
    MOVE_RIGHT = "move_right"
    MOVE_UP = "move_up"
    MOVE_DOWN = "move_down"
    FLATTEN = "flatten"
    MORE_LIGHT = "more_light"
    LESS_LIGHT = "less_light"
    HOLD_STILL = "hold_still"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Guidance:
    """One instruction, and how far the capture has come while the hand is held still."""

    instruction: Instruction
    progress: float = 0.0
    """0 to 1; above 0 only while `HOLD_STILL`, 1 with `DONE`."""
    points: tuple[tuple[float, float], ...] = ()
    """The hand's 21 landmarks in shares of the frame (x, y, 0 to 1, unmirrored), for the live view
    to draw over; empty when there is not one hand."""
