"""Help: staff are called, or the shopper pays another way."""

import logging
from typing import Literal

from kiosk.screens import Choice, Help, StaffCalled
from kiosk.stage import Stage
from kiosk.till.till import Till

log = logging.getLogger(__name__)


async def offer_help(
    stage: Stage, till: Till, *, paying: bool = False
) -> Literal[Choice.BACK, Choice.ANOTHER_WAY]:
    """Offers help. Returns ANOTHER_WAY when the shopper chooses it, BACK otherwise."""
    answer = await stage.ask(Help(paying))
    if answer is Choice.CALL_STAFF:
        told = await till.call_staff()
        if told:
            log.warning("staff are called to this kiosk, and the till shows it")
        else:
            log.warning("staff are called to this kiosk, and no till shows it")
        await stage.ask(StaffCalled(told))
        return Choice.BACK
    return answer
