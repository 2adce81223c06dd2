"""The calendars of sites: the time zone of their hours and doors, and the days on which they are
closed."""

import re
from datetime import date
from typing import Annotated

from fastapi import APIRouter
from pydantic import BeforeValidator, Field, StringConstraints

from cloud.console import acts
from cloud.console.api.asking import Asker, router
from cloud.console.roles import Right
from cloud.entry.doors import MOST_HOLIDAYS, NoClock, SiteClock, clock_of, make_clock
from cloud.integrations.asking import Scope
from cloud.web.problems import Refusal
from protocol.messages import Message, ProblemType

reading: APIRouter = router(Right.SEE, Scope.CONTENT_READ)
changing: APIRouter = router(Right.CONTENT, Scope.CONTENT_WRITE)


def _written(value: object) -> object:
    if isinstance(value, date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("a day is written as 2027-12-25")


_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
Day = Annotated[date, BeforeValidator(_written)]
"""A day written as 2027-12-25. pydantic alone would also read a number, as seconds since 1970."""


class Calendar(Message):
    """The time zone of a site, and its holidays."""

    zone: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    """A name of the IANA database, such as Europe/Berlin."""
    holidays: Annotated[list[Day], Field(max_length=MOST_HOLIDAYS)]
    """The days on which the site is closed, in the order of the calendar."""


@reading.get("/sites/{site_id}/calendar")
async def show(asked: Asker, site_id: str) -> Calendar:
    site = await asked.site(site_id)
    return _told(await clock_of(asked.session, site.id))


@changing.put("/sites/{site_id}/calendar")
async def change(asked: Asker, site_id: str, calendar: Calendar) -> Calendar:
    site = await asked.site(site_id)
    try:
        clock = make_clock(calendar.zone, set(calendar.holidays))
    except NoClock as no:
        raise Refusal(ProblemType.MALFORMED, str(no), status=422) from None
    await acts.set_clock(asked.session, asked.by, site, clock.zone, clock.holidays)
    return _told(clock)


def _told(clock: SiteClock) -> Calendar:
    return Calendar(zone=clock.zone.key, holidays=sorted(clock.holidays))


ROUTERS = (reading, changing)
