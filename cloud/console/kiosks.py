"""The state of kiosks, from what each has reported and what staff have ordered."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console.roles import Reach
from cloud.fleet import orders, reports
from cloud.fleet.reports import SILENT_AFTER, Told
from cloud.merchants.merchants import SiteRow
from cloud.web.devices import DeviceRow, all_devices
from cloud.web.problems import Refusal
from protocol.messages import ProblemType


class State(StrEnum):
    """The state of a kiosk; the one that should be looked at first comes first."""

    SILENT = "silent"
    """It has not reported for SILENT_AFTER."""
    FAULTY = "faulty"
    """It reports a fault."""
    LOCKED = "locked"
    """Staff have locked it."""
    MAINTENANCE = "maintenance"
    """Staff have called it to maintenance."""
    NEW = "new"
    """It was activated a moment ago, and has not reported yet."""
    WELL = "well"
    REVOKED = "revoked"


_ORDER = list(State)


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A kiosk as staff see it."""

    device: DeviceRow
    told: Told | None
    """Its latest report; None when it has never reported."""
    state: State
    heard_ago: timedelta | None
    """The age of that report."""
    is_locked: bool
    is_in_maintenance: bool

    @property
    def needs_somebody(self) -> bool:
        return self.state in (State.SILENT, State.FAULTY, State.LOCKED, State.MAINTENANCE)

    @property
    def running(self) -> timedelta | None:
        """Returns how long it had been running at the time of its latest report."""
        return None if self.told is None else timedelta(seconds=self.told.report.running_s)


async def kiosks(
    session: AsyncSession, reach: Reach, now: datetime, site_id: str | None = None
) -> list[Kiosk]:
    """Returns the kiosks in reach, or those of one site, in the order in which they should be
    looked at."""
    told = await reports.latest(session)
    acts: defaultdict[str, list[orders.ActRow]] = defaultdict(list)
    for act in await orders.acts_on(session):
        acts[act.device_id].append(act)
    found = [
        _seen(device, told.get(device.id), acts[device.id], now)
        for device in await all_devices(session)
        if reach.covers(device.merchant_id, device.site_id) and site_id in (None, device.site_id)
    ]
    return sorted(found, key=lambda each: (_ORDER.index(each.state), each.device.name))


async def kiosk(session: AsyncSession, device: DeviceRow, now: datetime) -> Kiosk:
    """Returns a kiosk with its state."""
    told = (await reports.latest(session, device.id)).get(device.id)
    return _seen(device, told, await orders.acts_on(session, device.id), now)


async def active_at(session: AsyncSession, site: SiteRow) -> list[DeviceRow]:
    """Returns the kiosks at a site that are not revoked, sorted by name. Raises Refusal when there
    are none."""
    there = [each for each in await all_devices(session) if each.site_id == site.id]
    found = [each for each in there if each.revoked_at is None]
    if not found:
        raise Refusal(ProblemType.CONFLICT, "no kiosk is active at the site")
    return sorted(found, key=lambda each: each.name)


def _seen(
    device: DeviceRow, told: Told | None, acts: Sequence[orders.ActRow], now: datetime
) -> Kiosk:
    is_locked = orders.is_locked(device, acts)
    is_in_maintenance = orders.is_in_maintenance(device, acts)
    heard_at = device.activated_at if told is None else told.at
    if device.revoked_at is not None:
        state = State.REVOKED
    elif now - heard_at > SILENT_AFTER:
        state = State.SILENT
    elif told is not None and (told.report.faults or told.report.tampering):
        state = State.FAULTY
    elif is_locked:
        state = State.LOCKED
    elif is_in_maintenance:
        state = State.MAINTENANCE
    else:
        state = State.NEW if told is None else State.WELL
    ago = None if told is None else max(now - told.at, timedelta(0))
    return Kiosk(device, told, state, ago, is_locked, is_in_maintenance)
