"""Presences: who is in an area, so that one person cannot let another in by coming again.

A presence ends when its person goes out, and by itself after PRESENCE_LIFE: not every way out of a
building has a kiosk.
"""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.entry.tables import PresenceRow
from cloud.keys.persons import OpenPerson
from protocol.entry import Direction, EntryRefusal

PRESENCE_LIFE = timedelta(hours=20)
"""Longer than a shift, and over before the next one begins."""


async def refusal(
    session: AsyncSession, person: OpenPerson, site_id: str, area: str, direction: Direction
) -> EntryRefusal | None:
    """Returns why a person cannot pass into or out of an area; None when they can."""
    row = await session.get(PresenceRow, (person.person_id, site_id, area))
    if direction is Direction.ENTRY:
        return None if row is None else EntryRefusal.ALREADY_IN
    return EntryRefusal.NOT_IN if row is None else None


async def note(
    session: AsyncSession,
    person: OpenPerson,
    site_id: str,
    area: str,
    *,
    inside: bool,
    now: datetime,
) -> None:
    """Notes that a person is in an area, or is not."""
    if inside:
        await session.merge(
            PresenceRow(person_id=person.person_id, site_id=site_id, area=area, since=now)
        )
        return
    await session.execute(
        delete(PresenceRow).where(
            PresenceRow.person_id == person.person_id,
            PresenceRow.site_id == site_id,
            PresenceRow.area == area,
        )
    )


async def presences_of(session: AsyncSession, person: OpenPerson) -> Sequence[PresenceRow]:
    """Returns the areas that a person is in."""
    rows = select(PresenceRow).where(PresenceRow.person_id == person.person_id)
    return (await session.scalars(rows.order_by(PresenceRow.site_id, PresenceRow.area))).all()


async def counts_at(session: AsyncSession, site_id: str) -> dict[str, int]:
    """Returns how many people are in each area of a site."""
    people = select(PresenceRow.area, func.count().label("people"))
    of_site = people.where(PresenceRow.site_id == site_id).group_by(PresenceRow.area)
    rows = await session.execute(of_site.order_by(PresenceRow.area))
    return {row.area: row.people for row in rows}


async def forget(session: AsyncSession, person: OpenPerson, site_ids: Collection[str]) -> bool:
    """Forgets where a person is at these sites. Returns whether they were anywhere."""
    theirs = PresenceRow.person_id == person.person_id, PresenceRow.site_id.in_(site_ids)
    gone = await session.execute(
        delete(PresenceRow).where(*theirs).returning(PresenceRow.person_id)
    )
    return gone.first() is not None


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Ends the presences that have lasted long enough, and those that a clock which was wrong has
    begun in the future: nobody could come in until then."""
    past, ahead = PresenceRow.since <= now - PRESENCE_LIFE, PresenceRow.since > now + PRESENCE_LIFE
    await session.execute(delete(PresenceRow).where(or_(past, ahead)))
