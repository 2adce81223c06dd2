"""Whether the shopper is as old as the till asks: staff see a document.

Nothing of the document is entered. Of a shopper who is known it is stored which age was reached,
which member of staff has seen it, and when: they are asked once. Of whoever pays with a card at the
terminal nothing is stored, and staff look again at their next purchase.
"""

import logging
from datetime import date, datetime, time
from typing import Literal

from kiosk.screens import Choice, ConfirmAge, EnterStaffNumber, ShowDocument, Work, Working
from kiosk.service.errors import Refused
from kiosk.visits.help import offer_help
from kiosk.visits.pin import Shut, let_staff_on
from kiosk.visits.steps import Turn, take_steps
from kiosk.visits.visit import Visit
from protocol.messages import Age, AgeCheck, Identification, ProblemType

log = logging.getLogger(__name__)

LAPSED = {ProblemType.EXPIRED, ProblemType.NOT_FOUND, ProblemType.NOT_ACCEPTED}
"""Problems after which the palm has to be shown again."""
SEEN = {Choice.OVER_18: Age.EIGHTEEN, Choice.OVER_21: Age.TWENTY_ONE}


End = Literal[Choice.TRY_AGAIN, Choice.ANOTHER_WAY, Choice.CANCEL]
"""How it ends when nobody has looked at a document: TRY_AGAIN means that the palm has to be shown
again."""


class AgeNotReached(Exception):
    """Staff have not seen that the shopper has reached the age that the till asks for."""


class NotAwaited(Exception):
    """The shopper does not wait until staff have seen their age. Nothing was charged."""


async def ask_age(visit: Visit, found: Identification | None, over: Age) -> bool | End:
    """Returns whether staff here have seen, now or before, that the shopper has reached an age.
    `found` is the shopper, None when they are not known: then only what staff see now counts, and
    it never ends with TRY_AGAIN."""
    try:
        if found and await visit.service.has_reached(found.identification_id, over):
            return True
    except Refused as refused:
        if refused.type not in LAPSED:
            raise
        return Choice.TRY_AGAIN
    seeing = Seeing(visit, found, over)
    looked = await take_steps(
        seeing.wait, seeing.pin, seeing.number, seeing.document, recovers=visit.recovers
    )
    return seeing.seen is not None and seeing.seen >= over if looked else seeing.ended


class Seeing:
    """One look of staff at a shopper's document."""

    def __init__(self, visit: Visit, found: Identification | None, over: Age) -> None:
        self._visit = visit
        self._found = found
        self._over = over
        self._staff = ""
        self._shut = False
        """Whether no PIN opens the way for staff."""
        self.ended: End = Choice.CANCEL
        self.seen: Age | None = None
        """The age that staff have seen."""

    async def wait(self) -> Turn:
        """Asks the shopper to wait for staff."""
        visit = self._visit
        while True:
            kept = self._found is not None
            asked = ShowDocument(visit.device.merchant, self._over, self._shut, kept)
            answer = await visit.stage.ask(asked)
            if answer is Choice.STAFF:
                return Turn.ON
            if answer is Choice.HELP:
                answer = await offer_help(visit.stage, visit.till, paying=True)
            if answer is Choice.ANOTHER_WAY:
                self.ended = answer
                return Turn.OVER

    async def pin(self) -> Turn:
        try:
            goes_on = await let_staff_on(self._visit.stage, self._visit.pin)
            self._shut = False
        except Shut as why:
            log.error("staff cannot say whose age they see: %s", why)
            goes_on, self._shut = False, True
        return Turn.ON if goes_on else Turn.BACK

    async def number(self) -> Turn:
        if self._found is None:
            return Turn.PASS
        answer = await self._visit.stage.ask(EnterStaffNumber())
        if answer is Choice.BACK:
            return Turn.BACK
        self._staff = answer.text
        return Turn.ON

    async def document(self) -> Turn:
        today = self._visit.service.now().astimezone().date()
        found = self._found
        customer = found.customer if found else None
        answer = await self._visit.stage.ask(
            ConfirmAge(
                customer.name_hint if customer else "",
                born_by_18=born_by(today, Age.EIGHTEEN),
                born_by_21=born_by(today, Age.TWENTY_ONE),
            )
        )
        if answer is Choice.CANCEL:
            return Turn.ON
        seen = SEEN[answer]
        if found is None:
            self.seen = seen
            return Turn.ON
        self._visit.stage.show(Working(Work.CHECKING_SERVICE))
        check = AgeCheck(over=seen, staff=self._staff)
        try:
            await self._visit.service.note_age(found.identification_id, check)
        except Refused as refused:
            if refused.type not in LAPSED:
                raise
            self.ended = Choice.TRY_AGAIN
            return Turn.OVER
        self.seen = seen
        return Turn.ON


def born_by(today: date, age: Age) -> datetime:
    """Returns the latest date of birth with which somebody has reached an age today, at noon.
    Whoever was born on 29 February reaches it on 1 March of a year that has no such day."""
    try:
        day = today.replace(year=today.year - age)
    except ValueError:
        day = today.replace(year=today.year - age, day=28)
    return datetime.combine(day, time(12)).astimezone()
