"""Saving a card with the shopper's own phone, where no card terminal is attached."""

from collections.abc import Awaitable, Callable
from typing import Literal

from kiosk.qr_code import qr_code
from kiosk.race import first
from kiosk.screens import Choice, SaveCardByPhone, Work, Working
from kiosk.service.errors import ServiceUnavailable
from kiosk.visits.steps import Turn
from kiosk.visits.visit import Visit
from protocol.messages import CardPage, CardPageState, ProblemType

LOOKS_S = 2.0
"""Seconds between two questions whether a card was saved."""

Opens = Callable[[], Awaitable[CardPage]]
"""Opens a page on which a card is saved."""
Looks = Callable[[str], Awaitable[CardPageState]]
"""Asks whether a card was saved on the page of this id."""


class CardByPhone:
    """The page on which one shopper saves a card."""

    def __init__(self, visit: Visit, *, adding: bool = False) -> None:
        """`adding` tells that the card is added to those of an account."""
        self._visit = visit
        self._adding = adding
        self._page: CardPage | None = None
        """The page that is open. It is kept when the shopper goes back, and when the service was
        not there for a while: the shopper may be typing on the phone."""
        self._saved = False

    async def save(self, opens: Opens, looks: Looks) -> Turn:
        """Shows the code until a card is saved. Passes once one is."""
        if self._saved:
            return Turn.PASS
        while True:
            page = self._page
            if page is None:
                self._visit.stage.show(Working(Work.OPENING_PAGE))
                page = self._page = await opens()
            shown = SaveCardByPhone(qr_code(page.url), self._adding)
            end = await first(self._ended(looks, page), self._visit.stage.ask(shown))
            if end == "saved":
                self._saved = True
                return Turn.ON
            if end is Choice.BACK:
                return Turn.BACK
            self._page = None
            lapsed = SaveCardByPhone(None, self._adding)
            if await self._visit.stage.ask(lapsed) is Choice.BACK:
                return Turn.BACK

    async def _ended(self, looks: Looks, page: CardPage) -> Literal["saved", "lapsed"]:
        """Waits until a card was saved on the page, or none can be any more."""
        while True:
            await self._visit.clock.sleep(LOOKS_S)
            try:
                told = await looks(page.page_id)
            except ServiceUnavailable as unavailable:
                problem = unavailable.problem
                if problem is None or problem.type is not ProblemType.PROVIDER_UNAVAILABLE:
                    raise
                continue
            if told.state != "open":
                return told.state
