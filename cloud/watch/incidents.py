"""Incidents: what happened at kiosks that a person should look at, as often as it happened.

What happens again at the same kiosk within a day, about the same person if it is about one, is one
incident, until somebody has looked at it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Select, delete, not_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import held, lock
from cloud.db.tables import follows, new_id
from cloud.keys.persons import OpenPerson, still_there
from cloud.policy import INCIDENTS_KEPT
from cloud.seen import Happened, Kind
from cloud.watch.tables import IncidentRow
from cloud.web.devices import find_device

TOGETHER = timedelta(days=1)
"""Within how long the same is one incident."""
NOTE_LENGTH = 200
"""The largest number of characters of a note."""
SERIOUS: Mapping[Kind, int] = {
    Kind.TAMPERING: 1,
    Kind.COPIED: 1,
    Kind.LIFELESS: 5,
    Kind.CHALLENGES: 1,
    Kind.GUESSES: 1,
    Kind.GUESSES_HERE: 1,
    Kind.CARDS: 1,
    Kind.PURCHASES: 1,
    Kind.CARD_SALES: 3,
    Kind.TWICE: 10,
}
"""From how many times on within a day something is more than an accident. What is not here never
is."""

_ORDER = list(Kind)
_AT_MOST = 500


async def write(session: AsyncSession, happened: Mapping[Happened, int], now: datetime) -> None:
    """Adds what has happened."""
    if not happened:
        return
    there = await still_there(session, {each.about for each in happened if each.about})
    await lock(session, "incidents")
    for each, times in happened.items():
        device = await find_device(session, each.device_id)
        if device is None:
            # It was the key of a till, or of an integrator.
            continue
        person_id = each.about if each.about in there else None
        same = await session.scalar(
            select(IncidentRow)
            .where(
                IncidentRow.kind == each.kind,
                IncidentRow.device_id == device.id,
                IncidentRow.merchant_id == device.merchant_id,
                IncidentRow.person_id == person_id,
                IncidentRow.looked_at.is_(None),
                IncidentRow.last_at > now - TOGETHER,
            )
            .limit(1)
        )
        if same is not None:
            same.times += times
            same.last_at = now
            continue
        session.add(
            IncidentRow(
                id=new_id(),
                kind=each.kind,
                person_id=person_id,
                merchant_id=device.merchant_id,
                site_id=device.site_id,
                device_id=device.id,
                times=times,
                first_at=now,
                last_at=now,
                note="",
            )
        )
        await session.flush()


def is_serious(row: IncidentRow) -> bool:
    """Returns whether it happened more often than by accident."""
    enough = SERIOUS.get(Kind(row.kind))
    return enough is not None and row.times >= enough


async def waiting(
    session: AsyncSession, merchant_id: str | None = None, site_id: str | None = None
) -> list[IncidentRow]:
    """Returns what nobody has looked at yet, of a merchant, of a site or of all, the worst
    first."""
    chosen = _of(merchant_id, site_id).where(IncidentRow.looked_at.is_(None))
    rows = await session.scalars(chosen.order_by(IncidentRow.last_at.desc()).limit(_AT_MOST))
    return sorted(rows, key=lambda row: (not is_serious(row), _ORDER.index(Kind(row.kind))))


async def looked_at(
    session: AsyncSession, merchant_id: str | None, site_id: str | None, count: int
) -> Sequence[IncidentRow]:
    """Returns what somebody has looked at, the latest first."""
    chosen = _of(merchant_id, site_id).where(IncidentRow.looked_at.is_not(None))
    return (await session.scalars(chosen.order_by(IncidentRow.looked_at.desc()).limit(count))).all()


async def listed(
    session: AsyncSession,
    merchant_id: str,
    count: int,
    after: tuple[datetime, str] | None = None,
    *,
    is_looked_at: bool | None = None,
) -> Sequence[IncidentRow]:
    """Returns what was at a merchant, what began last first, at most so many: those that follow the
    one that began at this time and has this id. `is_looked_at` tells whether somebody has looked at
    them, None for all."""
    rows, waits = _of(merchant_id, None), IncidentRow.looked_at.is_(None)
    if is_looked_at is not None:
        rows = rows.where(not_(waits) if is_looked_at else waits)
    if after is not None:
        rows = rows.where(follows(IncidentRow.first_at, IncidentRow.id, after))
    newest = rows.order_by(IncidentRow.first_at.desc(), IncidentRow.id.desc()).limit(count)
    return (await session.scalars(newest)).all()


async def find(session: AsyncSession, incident_id: str) -> IncidentRow | None:
    return await session.get(IncidentRow, incident_id)


async def look_at(
    session: AsyncSession, incident_id: str, who: str, note: str, now: datetime
) -> bool:
    """Marks an incident as looked at. Returns False when somebody has done so already."""
    row = await held(session, IncidentRow, incident_id)
    if row is None or row.looked_at is not None:
        return False
    row.looked_at, row.looked_by, row.note = now, who, note
    return True


async def about(session: AsyncSession, person: OpenPerson) -> Sequence[IncidentRow]:
    """Returns what is about a person, the latest first."""
    theirs = select(IncidentRow).where(IncidentRow.person_id == person.person_id)
    return (await session.scalars(theirs.order_by(IncidentRow.last_at.desc()))).all()


async def let_go(session: AsyncSession, person: OpenPerson, merchant_id: str) -> None:
    """Empties what leads to a person from the incidents of a merchant."""
    await session.execute(
        update(IncidentRow)
        .where(IncidentRow.person_id == person.person_id, IncidentRow.merchant_id == merchant_id)
        .values(person_id=None)
    )


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(IncidentRow).where(IncidentRow.last_at <= now - INCIDENTS_KEPT))


def _of(merchant_id: str | None, site_id: str | None) -> Select[IncidentRow]:
    chosen = select(IncidentRow)
    if merchant_id is not None:
        chosen = chosen.where(IncidentRow.merchant_id == merchant_id)
    if site_id is not None:
        chosen = chosen.where(IncidentRow.site_id == site_id)
    return chosen
