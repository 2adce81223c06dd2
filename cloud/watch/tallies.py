"""Tallies: what became of palms, counted by device, hour and light, and about nobody."""

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import BigInteger, delete, func, literal_column, select, type_coerce
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import lock
from cloud.policy import TALLIES_KEPT
from cloud.seen import TOOK, Became, Light, Quality, Tried, took
from cloud.watch.tables import TallyRow
from cloud.web.devices import find_device

LONGER = took(math.inf)
"""The word for what took longer than all of TOOK."""
_DAY_MS = literal_column("86400000", BigInteger)


class Cell(NamedTuple):
    """What is counted together when it is read."""

    day: date
    device_id: str
    light: Light


@dataclass(slots=True)
class Figures:
    """What became of some palms."""

    counts: Counter[str] = field(default_factory=Counter[str])
    """By `cloud.seen.Tried.what`."""

    @property
    def tries(self) -> int:
        return sum(self.counts[each] for each in Became)

    def share(self, *became: Became) -> float:
        """Returns which share of all became one of these; 0 where there are none."""
        tries = self.tries
        return sum(self.counts[each] for each in became) / tries if tries else 0.0

    @property
    def read(self) -> int:
        """Returns of how many palms the quality is known."""
        return sum(self.counts[each] for each in Quality)

    def share_of(self, quality: Quality) -> float:
        """Returns which share of the palms that were read were of this quality; 0 where none
        were."""
        read = self.read
        return self.counts[quality] / read if read else 0.0

    @property
    def median_s(self) -> float | None:
        """Returns in how many seconds half of the palms were answered, as precisely as it was
        counted: the bound below which they were, infinity above the last one. None where there are
        none."""
        words = [took(bound) for bound in TOOK]
        left = (sum(self.counts[word] for word in (*words, LONGER))) / 2
        if left == 0:
            return None
        for bound, word in zip(TOOK, words, strict=True):
            left -= self.counts[word]
            if left <= 0:
                return bound
        return math.inf

    def add(self, other: "Figures") -> None:
        self.counts.update(other.counts)


async def write(session: AsyncSession, tried: Mapping[Tried, int], now: datetime) -> None:
    """Adds what was counted to that of this hour."""
    if not tried:
        return
    await lock(session, "tallies")
    hour = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    for each, count in tried.items():
        device = await find_device(session, each.device_id)
        if device is None:
            continue
        key = (device.id, device.site_id, hour, each.light, each.what)
        row = await session.get(TallyRow, key)
        if row is None:
            row = TallyRow(
                device_id=device.id,
                site_id=device.site_id,
                hour=hour,
                light=each.light,
                what=each.what,
                count=0,
            )
            session.add(row)
        row.count += count


async def by_day(
    session: AsyncSession, since: date, site_ids: Collection[str], device_id: str | None = None
) -> dict[Cell, Figures]:
    """Returns what was counted at some sites from a day on, at one device or at all of them."""
    day = type_coerce(TallyRow.hour, BigInteger) // _DAY_MS
    keys = (day, TallyRow.device_id, TallyRow.light, TallyRow.what)
    begin = datetime(since.year, since.month, since.day, tzinfo=UTC)
    there = TallyRow.hour >= begin, TallyRow.site_id.in_(site_ids)
    chosen = select(*keys, func.sum(TallyRow.count)).where(*there).group_by(*keys)
    if device_id is not None:
        chosen = chosen.where(TallyRow.device_id == device_id)
    found: dict[Cell, Figures] = {}
    for days, name, light, what, count in await session.execute(chosen):
        cell = Cell(date(1970, 1, 1) + timedelta(days=int(days)), name, Light(light))
        found.setdefault(cell, Figures()).counts[what] += int(count)
    return found


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(TallyRow).where(TallyRow.hour <= now - TALLIES_KEPT))
