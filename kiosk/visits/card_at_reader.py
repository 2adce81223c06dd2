"""Saving a card at a reader that the service drives."""

import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Literal

from kiosk.race import first
from kiosk.screens import CardProblem, Choice, PresentCard, TroubleKind, Work, Working
from kiosk.service.errors import Refused, ServiceError, ServiceUnavailable
from kiosk.visits.steps import Turn
from kiosk.visits.visit import Troubled, Visit
from protocol.messages import CardReading, CardReadingState, ProblemType, ReaderFault

log = logging.getLogger(__name__)

LOOKS_S = 1.0
"""Seconds between two questions whether a card was saved."""
TRIES_AGAIN_S = 2.0
"""Seconds until a reader that takes no card is told again."""
PASSING = {ReaderFault.OFFLINE, ReaderFault.BUSY}
"""Faults of a reader that may pass while the shopper waits."""


Begins = Callable[[], Awaitable[CardReading]]
"""Has the reader wait for a card."""
Looks = Callable[[str], Awaitable[CardReadingState]]
"""Asks what became of the reading of this id."""
Stops = Callable[[], Awaitable[None]]
"""Has the reader stop waiting."""


class CardAtReader:
    """What a reader does for one shopper."""

    def __init__(self, visit: Visit, *, adding: bool = False) -> None:
        """`adding` tells that the card is added to those of an account."""
        self._visit = visit
        self._adding = adding
        self._saved = False

    async def save(self, begins: Begins, looks: Looks, stops: Stops) -> Turn:
        """Has the reader wait until it has saved a card, or the shopper goes back. Passes once one
        is saved. Raises Troubled (TERMINAL) when the reader cannot work."""
        if self._saved:
            return Turn.PASS
        problem: CardProblem | None = None
        while True:
            if problem is not CardProblem.TERMINAL:
                self._visit.stage.show(Working(Work.READYING_READER))
            reading = await self._begin(begins)
            if reading is None:
                problem = CardProblem.TERMINAL
            elif problem is CardProblem.TERMINAL:
                problem = None
            present = PresentCard(problem, self._adding)
            end = await first(self._ended(looks, reading), self._visit.stage.ask(present))
            match end:
                case "saved":
                    self._saved = True
                    return Turn.ON
                case Choice.BACK:
                    # Otherwise it ends by itself.
                    with suppress(ServiceError):
                        await stops()
                    return Turn.BACK
                case "refused":
                    problem = CardProblem.REFUSED
                case "not_read" | "lapsed":
                    problem = CardProblem.NOT_READ
                case "not_begun":
                    pass

    async def _begin(self, begins: Begins) -> str | None:
        """Has the reader begin. Returns the id of the reading, None when the reader takes no card
        now. Raises Troubled when it cannot work."""
        try:
            return (await begins()).reading_id
        except Refused as refused:
            if refused.type is not ProblemType.READER_UNAVAILABLE:
                raise
            fault = refused.problem.reader
            log.warning("the card reader takes no card: %s", fault)
            if fault not in PASSING:
                raise Troubled(TroubleKind.TERMINAL) from refused
            return None

    async def _ended(
        self, looks: Looks, reading: str | None
    ) -> Literal["saved", "not_read", "refused", "lapsed", "not_begun"]:
        """Waits until the reader has ended, or may begin where it has not."""
        if reading is None:
            await self._visit.clock.sleep(TRIES_AGAIN_S)
            return "not_begun"
        while True:
            await self._visit.clock.sleep(LOOKS_S)
            try:
                told = await looks(reading)
            except ServiceUnavailable as unavailable:
                problem = unavailable.problem
                if problem is None or problem.type is not ProblemType.PROVIDER_UNAVAILABLE:
                    raise
                continue
            if told.state != "waiting":
                return told.state
