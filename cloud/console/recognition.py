"""The page that shows how well recognition works: the results of palms by day, light and kiosk."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from typing import Annotated, Literal

from fastapi import APIRouter, Query, Response
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console.asking import Asker, router
from cloud.console.changes import Change, changes
from cloud.console.places import sites_in_reach
from cloud.console.plots import stacked
from cloud.console.roles import Reach, Right
from cloud.seen import TOOK, Became, Light, Quality
from cloud.watch import tallies
from cloud.watch.tallies import Figures
from cloud.web.devices import DeviceRow, all_devices
from cloud.web.problems import Refusal
from protocol.messages import ProblemType

DAYS = 30
"""How many days are shown."""
WEEK = 7
BANDS = {
    "recognised": (Became.RECOGNISED,),
    "digits": (Became.DIGITS, Became.LONGER),
    "refused": (Became.NOT_FOUND, Became.REFUSED),
    "unreadable": (Became.UNREADABLE,),
    "lifeless": (Became.LIFELESS,),
}
"""The stacked kinds of bar and the results that each counts, from the bottom up."""

routes: APIRouter = router(Right.WATCH)


@dataclass(frozen=True, slots=True)
class AtKiosk:
    """How well recognition works at a kiosk."""

    device: DeviceRow
    week: Figures = field(default_factory=Figures)
    """The last WEEK days."""
    before: Figures = field(default_factory=Figures)
    """The WEEK days before these."""

    @property
    def changes(self) -> list[Change]:
        return changes(self.before, self.week)


@dataclass(frozen=True, slots=True)
class Told:
    """How well recognition works at some kiosks."""

    days: Sequence[tuple[date, Figures]]
    """All of the last DAYS days, the oldest first."""
    lights: Sequence[tuple[Light, Figures]]
    """The lights under which palms were shown."""
    kiosks: Sequence[AtKiosk]
    """The kiosks at which palms were shown in the last two weeks, the worst first. Those without a
    palm in the last week are at the end."""


@routes.get("/recognition")
async def show_recognition(
    asked: Asker,
    kiosk: Annotated[str, Query(max_length=64)] = "",
    light: Light | Literal[""] = "",
) -> Response:
    devices = await devices_in_reach(asked.session, asked.reach)
    chosen = next((each for each in devices if each.id == kiosk), None)
    if kiosk and chosen is None:
        raise Refusal(ProblemType.NOT_FOUND)
    sites = {site.id: site.name for site in await sites_in_reach(asked.session, asked.reach)}
    today = asked.now.astimezone(UTC).date()
    told = await tell(asked.session, sites, devices, chosen, today, light=light or None)
    columns = [
        {band: sum(figures.counts[each] for each in became) for band, became in BANDS.items()}
        for _, figures in told.days
    ]
    medians = [figures.median_s or 0.0 for _, figures in told.days]
    # Longer times than the last bound are not known, so they are drawn as that bound.
    slow = [{"took": min(median, TOOK[-1])} for median in medians]
    poor = [{"unreadable": figures.share(Became.UNREADABLE)} for _, figures in told.days]
    qualities = [
        {each.value: figures.share_of(each) for each in Quality} for _, figures in told.days
    ]
    return asked.page(
        "recognition.html",
        told=told,
        shown=any(figures.counts for _, figures in told.days),
        devices=devices,
        chosen=chosen,
        sites=sites,
        weeks=[(each.device, each.week) for each in told.kiosks],
        used_days=[(day, figures) for day, figures in reversed(told.days) if figures.counts],
        slowest=max(medians),
        became=stacked(columns, list(BANDS)),
        took=stacked(slow, ["took"]),
        unread=stacked(poor, ["unreadable"]),
        quality=stacked(qualities, list(Quality)),
        bands=list(BANDS),
        light=light,
        all_lights=list(Light),
        Became=Became,
        Quality=Quality,
    )


async def devices_in_reach(session: AsyncSession, reach: Reach) -> list[DeviceRow]:
    """Returns the kiosks in reach that are not revoked, sorted by name."""
    seen = [
        each
        for each in await all_devices(session)
        if each.revoked_at is None and reach.covers(each.merchant_id, each.site_id)
    ]
    return sorted(seen, key=lambda each: each.name)


async def tell(
    session: AsyncSession,
    site_ids: Collection[str],
    devices: Sequence[DeviceRow],
    only: DeviceRow | None,
    today: date,
    *,
    light: Light | None = None,
) -> Told:
    """Returns how well recognition worked in the last DAYS days until `today` at sites, and at each
    of `devices`. With `only` or `light`, it counts this device or this light only."""
    first = today - timedelta(days=DAYS - 1)
    cells = await tallies.by_day(session, first, site_ids, only and only.id)
    days = {first + timedelta(days=past): Figures() for past in range(DAYS)}
    lights: defaultdict[Light, Figures] = defaultdict(Figures)
    kiosks = {each.id: AtKiosk(each) for each in devices}
    for cell, figures in cells.items():
        ago = (today - cell.day).days
        if ago < 0:
            # It is in the future, because the clock was set back since.
            continue
        lights[cell.light].add(figures)
        if light not in (None, cell.light):
            continue
        days[cell.day].add(figures)
        # A kiosk that has moved or was revoked counts for the site, but is not listed.
        kiosk = kiosks.get(cell.device_id)
        if kiosk is not None and ago < 2 * WEEK:
            (kiosk.week if ago < WEEK else kiosk.before).add(figures)
    used = [each for each in kiosks.values() if each.week.counts or each.before.counts]
    used.sort(
        key=lambda each: (
            not each.changes,
            not each.week.tries,
            each.week.share(Became.RECOGNISED),
        )
    )
    return Told(
        days=list(days.items()),
        lights=[(each, lights[each]) for each in Light if lights[each].counts],
        kiosks=used,
    )
