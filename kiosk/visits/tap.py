"""Waiting for a card at a terminal of the kiosk's own."""

from collections.abc import Callable
from typing import Literal

from hardware.faults import TemporaryFault
from hardware.terminal import CardRead, CardTerminal, CardUnreadable
from kiosk.screens import CardProblem
from kiosk.visits.visit import Visit

TERMINAL_RETRY_S = 1.0
"""Seconds between two checks whether a lost terminal is back."""

Problem = Literal[CardProblem.NOT_READ, CardProblem.TERMINAL]


async def read_card(
    visit: Visit, terminal: CardTerminal, tell: Callable[[Problem], None]
) -> CardRead:
    """Waits for a card, and tells what is wrong meanwhile. Raises PermanentFault."""
    while True:
        try:
            return await terminal.read_card()
        except CardUnreadable:
            tell(CardProblem.NOT_READ)
        except TemporaryFault:
            tell(CardProblem.TERMINAL)
            await visit.clock.sleep(TERMINAL_RETRY_S)
