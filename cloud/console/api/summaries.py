"""How well recognition works at a merchant's kiosks: the same numbers as on the console's page, and
what has changed for the worse. They are not about single people."""

from datetime import UTC, date
from typing import Annotated

from fastapi import APIRouter, Query

from cloud.console import recognition
from cloud.console.api.asking import Asker, router
from cloud.console.changes import Measure
from cloud.console.places import sites_in_reach
from cloud.console.recognition import AtKiosk, devices_in_reach
from cloud.console.roles import Right
from cloud.integrations.asking import Scope
from cloud.integrations.recognition import Counted, counted
from cloud.seen import TOOK, Light
from cloud.web.problems import Refusal
from protocol.messages import Identifier, Message, ProblemType

watching: APIRouter = router(Right.WATCH, Scope.RECOGNITION_READ)


class DayCounted(Counted):
    """The palms of one day."""

    day: date
    """The day in UTC."""


class LightCounted(Counted):
    """The palms of the last 30 days under one light."""

    light: Light


class WorseThanBefore(Message):
    """Something that happens much more often at a kiosk than in the week before, and more often
    than chance explains, or that takes much longer."""

    measure: Measure
    times: float
    """The factor by which it happens more often or takes longer, at least."""
    now: float
    """The share of the palms, 0 to 1; for `slow`, the median time in seconds, at most 10."""
    before: float
    """The same quantity in the week before."""


class KioskCounted(Message):
    """The palms at a kiosk in the last seven days."""

    device_id: str
    week: Counted
    before: Counted
    """The palms of the seven days before these."""
    worse: list[WorseThanBefore]


class RecognitionSummary(Message):
    """How well recognition worked at a merchant's kiosks in the last 30 days."""

    days: list[DayCounted]
    """The days on which palms were shown, the newest first."""
    lights: list[LightCounted]
    """All lights under which palms were shown, even when the request names one light."""
    kiosks: list[KioskCounted]
    """The kiosks at which palms were shown in the last 14 days, the worst first."""


@watching.get("/recognition/summary")
async def show(
    asked: Asker,
    device_id: Annotated[Identifier | None, Query(description="Only this kiosk.")] = None,
    light: Annotated[Light | None, Query(description="Only this light.")] = None,
) -> RecognitionSummary:
    """Counts the results of the palms of the last 30 days by day, light and kiosk, and tells what
    has changed for the worse at each kiosk within a week."""
    devices = await devices_in_reach(asked.session, asked.reach)
    chosen = next((each for each in devices if each.id == device_id), None)
    if device_id is not None and chosen is None:
        raise Refusal(ProblemType.NOT_FOUND)
    sites = [site.id for site in await sites_in_reach(asked.session, asked.reach)]
    today = asked.now.astimezone(UTC).date()
    told = await recognition.tell(asked.session, sites, devices, chosen, today, light=light)
    return RecognitionSummary(
        days=[
            DayCounted(day=day, **counted(figures))
            for day, figures in reversed(told.days)
            if figures.counts
        ],
        lights=[LightCounted(light=each, **counted(figures)) for each, figures in told.lights],
        kiosks=[_told(each) for each in told.kiosks],
    )


def _told(each: AtKiosk) -> KioskCounted:
    return KioskCounted(
        device_id=each.device.id,
        week=Counted(**counted(each.week)),
        before=Counted(**counted(each.before)),
        worse=[
            WorseThanBefore(
                measure=change.measure,
                times=change.times,
                now=min(change.now, TOOK[-1]),
                before=change.before,
            )
            for change in each.changes
        ],
    )


ROUTERS = (watching,)
