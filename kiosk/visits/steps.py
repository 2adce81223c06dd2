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


async def take_steps(*steps: Step, recovers: Callable[[Exception], Awaitable[bool]]) -> bool:
    """Takes the steps in order, and goes back where one says so. A step that fails is taken again
    where `recovers` returns True, so that nothing is lost of what the steps before have achieved.

    Returns True when all are taken, False when one said OVER, BACK led out before the first, or
    `recovers` returned False.
    """
    at, way = 0, 1
    while 0 <= at < len(steps):
        try:
            turn = await steps[at]()
        except Exception as error:
            if not await recovers(error):
                return False
            continue
        match turn:
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
