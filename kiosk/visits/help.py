"""Help: staff are called, or the shopper pays another way."""

from typing import Literal

from kiosk.screens import Choice, Help, StaffCalled
from kiosk.stage import Stage
from kiosk.till.till import Till


async def offer_help(
    stage: Stage, till: Till, *, paying: bool = False
) -> Literal[Choice.BACK, Choice.ANOTHER_WAY]:
    """Offers help. Returns ANOTHER_WAY when the shopper chooses it, BACK otherwise."""
    answer = await stage.ask(Help(paying))
    if answer is Choice.CALL_STAFF:
        await till.call_staff()
        await stage.ask(StaffCalled())
        return Choice.BACK
    return answer
