"""Saving a card at a reader that the service drives."""

import logging
from contextlib import suppress
from typing import Literal

from kiosk.race import first
from kiosk.screens import CardProblem, Choice, PresentCard, TroubleKind, Work, Working
from kiosk.service.errors import Refused, ServiceError, ServiceUnavailable
from kiosk.visits.steps import Turn
from kiosk.visits.visit import Troubled, Visit
from protocol.messages import ProblemType, ReaderFault

log = logging.getLogger(__name__)

LOOKS_S = 1.0
"""Seconds between two questions whether a card was saved."""
TRIES_AGAIN_S = 2.0
"""Seconds until a reader that takes no card is told again."""
PASSING = {ReaderFault.OFFLINE, ReaderFault.BUSY}
"""Faults of a reader that may pass while the shopper waits."""


class CardAtReader:
    """What a reader does for the shopper of one enrolment."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._saved = False

    async def save(self, reader: str, enrolment_id: str) -> Turn:
        """Has the reader wait until it has saved a card, or the shopper goes back. Passes once one
        is saved."""
        if self._saved:
            return Turn.PASS
        problem: CardProblem | None = None
        while True:
            if problem is not CardProblem.TERMINAL:
                self._visit.stage.show(Working(Work.READYING_READER))
            reading = await self._begin(reader, enrolment_id)
            if reading is None:
                problem = CardProblem.TERMINAL
            elif problem is CardProblem.TERMINAL:
                problem = None
            end = await first(
                self._ended(enrolment_id, reading), self._visit.stage.ask(PresentCard(problem))
            )
            match end:
                case "saved":
                    self._saved = True
                    return Turn.ON
                case Choice.BACK:
                    # It ends by itself when the enrolment does.
                    with suppress(ServiceError):
                        await self._visit.service.stop_reading(enrolment_id)
                    return Turn.BACK
                case "refused":
                    problem = CardProblem.REFUSED
                case "not_read" | "lapsed":
                    problem = CardProblem.NOT_READ
                case "not_begun":
                    pass

    async def _begin(self, reader: str, enrolment_id: str) -> str | None:
        """Has the reader begin. Returns the id of the reading, None when the reader takes no card
        now. Raises Troubled when it cannot work."""
        try:
            return (await self._visit.service.read_card(enrolment_id, reader)).reading_id
        except Refused as refused:
            if refused.type is not ProblemType.READER_UNAVAILABLE:
                raise
            fault = refused.problem.reader
            log.warning("the card reader takes no card: %s", fault)
            if fault not in PASSING:
                raise Troubled(TroubleKind.TERMINAL) from refused
            return None

    async def _ended(
        self, enrolment_id: str, reading: str | None
    ) -> Literal["saved", "not_read", "refused", "lapsed", "not_begun"]:
        """Waits until the reader has ended, or may begin where it has not."""
        if reading is None:
            await self._visit.clock.sleep(TRIES_AGAIN_S)
            return "not_begun"
        while True:
            await self._visit.clock.sleep(LOOKS_S)
            try:
                told = await self._visit.service.look_at_reading(enrolment_id, reading)
            except ServiceUnavailable as unavailable:
                problem = unavailable.problem
                if problem is None or problem.type is not ProblemType.PROVIDER_UNAVAILABLE:
                    raise
                continue
            if told.state != "waiting":
                return told.state
