"""Doors: what a device stands at, as the operator has said."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.entry.tables import DoorRow, SiteClockRow
from cloud.merchants.merchants import SiteRow
from cloud.web.devices import find_device
from protocol.entry import Direction
from protocol.hours import Hours


class DoorKind(StrEnum):
    """Who decides, and what opens."""

    RELAY = "relay"
    """The service decides, and the kiosk opens."""
    CONTROLLER = "controller"
    """The site's access controller decides about the person's credential."""
    VENUE = "venue"
    """The venue's system decides about the person's ticket, and the kiosk opens."""
    DESK = "desk"
    """There is no gate: the site is told that somebody is there."""


BY_LIST = (DoorKind.RELAY, DoorKind.CONTROLLER)
"""The doors at which a kiosk may do without the service."""


MOST_HOLIDAYS = 400
"""The largest number of days of `protocol.fleet.Orders.holidays`."""


class NoClock(ValueError):
    """A site cannot have such a calendar: the message tells why, in words for staff."""

    def __init__(self, part: Literal["zone", "holidays"], why: str) -> None:
        super().__init__(why)
        self.part = part


@dataclass(frozen=True, slots=True)
class Door:
    name: str
    kind: DoorKind
    direction: Direction
    everyone: bool
    hours: Hours
    area: str | None
    list_hours: int = 0
    """For how many hours its kiosk may let people pass without a network (`cloud.entry.lists`)."""


@dataclass(frozen=True, slots=True)
class SiteClock:
    """The calendar of a site: UTC without holidays unless the operator says otherwise."""

    zone: ZoneInfo
    holidays: Collection[date]

    def is_open(self, hours: Hours, now: datetime) -> bool:
        return hours.are_open(now, self.zone, self.holidays)


def keeps_list(door: Door, *, sees_life: bool) -> bool:
    """Returns whether the kiosk at a door may let people pass without a network. It may not where
    the service wants to see that a hand is alive, which the kiosk cannot tell by itself."""
    return door.list_hours > 0 and door.kind in BY_LIST and not door.everyone and not sees_life


async def set_door(session: AsyncSession, device_id: str, door: Door, hours: str) -> bool:
    """Says what a device stands at, in place of what was said before. `hours` is the text that the
    door's were read from. Returns whether the device is known."""
    device = await find_device(session, device_id)
    if device is None or device.revoked_at is not None:
        return False
    device.passes_many = True
    await session.merge(
        DoorRow(
            device_id=device_id,
            site_id=device.site_id,
            name=door.name,
            kind=door.kind,
            direction=door.direction,
            everyone=door.everyone,
            hours=hours,
            area=door.area,
            list_hours=door.list_hours,
        )
    )
    return True


async def hand_on(session: AsyncSession, before: str, after: str) -> None:
    """Gives the door of the device `before` to `after`, the device that replaces it. Does nothing
    when that door is at another site than `after`."""
    row = await session.get(DoorRow, before)
    device = await find_device(session, after)
    if row is None or device is None or device.site_id != row.site_id:
        return
    await set_door(session, after, _door(row), row.hours)
    await session.delete(row)


async def remove_door(session: AsyncSession, device_id: str) -> bool:
    """Returns whether the device stood at a door."""
    device = await find_device(session, device_id)
    if device is not None:
        device.passes_many = False
    gone = await session.execute(
        delete(DoorRow).where(DoorRow.device_id == device_id).returning(DoorRow.device_id)
    )
    return gone.first() is not None


async def door_of(session: AsyncSession, device_id: str, site_id: str) -> Door | None:
    """Returns the door that a device at a site stands at, None at none."""
    row = await session.get(DoorRow, device_id)
    return None if row is None or row.site_id != site_id else _door(row)


async def all_doors(session: AsyncSession) -> Sequence[tuple[DoorRow, Door]]:
    """Returns every door, by device."""
    rows = await session.scalars(select(DoorRow).order_by(DoorRow.device_id))
    return [(row, _door(row)) for row in rows]


async def merchants_with_tickets(session: AsyncSession) -> set[str]:
    """Returns the ids of the merchants at some door of which tickets are redeemed."""
    at_doors = select(SiteRow.merchant_id).join(DoorRow, DoorRow.site_id == SiteRow.id)
    return set(await session.scalars(at_doors.where(DoorRow.kind == DoorKind.VENUE)))


def make_clock(zone: str, holidays: Collection[date]) -> SiteClock:
    """Returns a calendar with a time zone of the IANA database. Raises NoClock."""
    if len(holidays) > MOST_HOLIDAYS:
        raise NoClock("holidays", f"a calendar has at most {MOST_HOLIDAYS} holidays")
    try:
        return SiteClock(ZoneInfo(zone), holidays)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        example = "write it as Europe/Berlin or America/Chicago"
        raise NoClock("zone", f"there is no such time zone: {example}") from None


async def set_clock(
    session: AsyncSession, site_id: str, zone: ZoneInfo, holidays: Collection[date]
) -> None:
    days = " ".join(day.isoformat() for day in sorted(holidays))
    await session.merge(SiteClockRow(site_id=site_id, zone=zone.key, holidays=days))


async def clock_of(session: AsyncSession, site_id: str) -> SiteClock:
    row = await session.get(SiteClockRow, site_id)
    if row is None:
        return SiteClock(ZoneInfo(UTC.tzname(None)), ())
    return SiteClock(ZoneInfo(row.zone), {date.fromisoformat(day) for day in row.holidays.split()})


def _door(row: DoorRow) -> Door:
    return Door(
        name=row.name,
        kind=DoorKind(row.kind),
        direction=Direction(row.direction),
        everyone=row.everyone,
        hours=Hours.parse(row.hours),
        area=row.area,
        list_hours=row.list_hours,
    )
