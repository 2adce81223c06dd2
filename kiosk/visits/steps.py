"""Asking questions in order, with a way back."""

from collections.abc import Awaitable, Callable
from enum import Enum, auto


class Turn(Enum):
    """Where a step leads to."""

    ON = auto()
    BACK = auto()
    PASS = auto()
    """There was nothing to ask: go on in the direction of the last step."""
    OVER = auto()
    """No further step is needed."""


Step = Callable[[], Awaitable[Turn]]


async def take_steps(*steps: Step) -> bool:
    """Takes the steps in order, and goes back where one says so. Returns True when all are taken,
    False when one said OVER or BACK led out before the first."""
    at, way = 0, 1
    while 0 <= at < len(steps):
        match await steps[at]():
            case Turn.ON:
                way = 1
            case Turn.BACK:
                way = -1
            case Turn.PASS:
                pass
            case Turn.OVER:
                return False
        at += way
    return at == len(steps)
