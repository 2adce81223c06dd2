"""How kiosks do: what each has told of itself, and what of it somebody should look at."""

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
    """How a kiosk does; what should be looked at first is first."""

    SILENT = "silent"
    """It has not told of itself for SILENT_AFTER."""
    FAULTY = "faulty"
    """It tells of something that is not well."""
    LOCKED = "locked"
    """The operator has locked it."""
    MAINTENANCE = "maintenance"
    """Somebody has called it to maintenance."""
    NEW = "new"
    """It was activated a moment ago, and has not told of itself yet."""
    WELL = "well"
    REVOKED = "revoked"


_ORDER = list(State)


@dataclass(frozen=True, slots=True)
class Kiosk:
    """A kiosk as staff see it."""

    device: DeviceRow
    told: Told | None
    """What it has told last; None when it has told nothing."""
    state: State
    heard_ago: timedelta | None
    """How long ago that was."""
    is_locked: bool
    is_in_maintenance: bool

    @property
    def needs_somebody(self) -> bool:
        return self.state in (State.SILENT, State.FAULTY, State.LOCKED, State.MAINTENANCE)

    @property
    def running(self) -> timedelta | None:
        """Returns for how long it had been running when it told so."""
        return None if self.told is None else timedelta(seconds=self.told.report.running_s)


async def kiosks(
    session: AsyncSession, reach: Reach, now: datetime, site_id: str | None = None
) -> list[Kiosk]:
    """Returns the kiosks in reach, or those at one site, what should be looked at first."""
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
    """Returns one kiosk."""
    told = (await reports.latest(session, device.id)).get(device.id)
    return _seen(device, told, await orders.acts_on(session, device.id), now)


async def active_at(session: AsyncSession, site: SiteRow) -> list[DeviceRow]:
    """Returns the kiosks at a site that are not revoked, by name. Raises Refusal for none."""
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
