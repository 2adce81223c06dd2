"""Saving a card with the shopper's own phone, where no card terminal is attached."""

from typing import Literal

from kiosk.qr_code import qr_code
from kiosk.race import first
from kiosk.screens import Choice, SaveCardByPhone, Work, Working
from kiosk.service.errors import ServiceUnavailable
from kiosk.visits.steps import Turn
from kiosk.visits.visit import Visit
from protocol.messages import CardPage, ProblemType

LOOKS_S = 2.0
"""Seconds between two questions whether a card was saved."""


class CardByPhone:
    """The page on which the shopper of one enrolment saves a card."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit
        self._page: CardPage | None = None
        """The page that is open. It is kept when the shopper goes back, and when the service was
        not there for a while: the shopper may be typing on the phone."""
        self._saved = False

    async def save(self, enrolment_id: str) -> Turn:
        """Shows the code until a card is saved. Passes once one is."""
        if self._saved:
            return Turn.PASS
        while True:
            page = self._page
            if page is None:
                self._visit.stage.show(Working(Work.OPENING_PAGE))
                page = self._page = await self._visit.service.open_card_page(enrolment_id)
            shown = SaveCardByPhone(qr_code(page.url))
            end = await first(self._ended(enrolment_id, page), self._visit.stage.ask(shown))
            if end == "saved":
                self._saved = True
                return Turn.ON
            if end is Choice.BACK:
                return Turn.BACK
            self._page = None
            if await self._visit.stage.ask(SaveCardByPhone(None)) is Choice.BACK:
                return Turn.BACK

    async def _ended(self, enrolment_id: str, page: CardPage) -> Literal["saved", "lapsed"]:
        """Waits until a card was saved on the page, or none can be any more."""
        while True:
            await self._visit.clock.sleep(LOOKS_S)
            try:
                told = await self._visit.service.look_at_card_page(enrolment_id, page.page_id)
            except ServiceUnavailable as unavailable:
                problem = unavailable.problem
                if problem is None or problem.type is not ProblemType.PROVIDER_UNAVAILABLE:
                    raise
                continue
            if told.state != "open":
                return told.state
