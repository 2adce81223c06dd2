"""Going through questions in order, and back."""

from collections.abc import Awaitable, Callable
from enum import Enum, auto


class Turn(Enum):
    """Where a step leads."""

    ON = auto()
    BACK = auto()
    PASS = auto()
    """There was nothing to ask: on to the next in whichever direction one came."""
    OVER = auto()
    """No further question is of use."""


Step = Callable[[], Awaitable[Turn]]


async def take_steps(*steps: Step) -> bool:
    """Takes the steps in turn, going back where one says so. True when all have been taken, False
    when one said OVER or BACK led out before the first."""
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
