"""Access: what a site has given a person, and whether their palm stands for it.

The site's own system says who may pass (`cloud.entry.access_lists`). The person is asked at a kiosk
before their palm opens anything with it, and it is sealed and deleted like all that is theirs.
"""

from datetime import date, datetime
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.entry.tables import AccessRow, KeptPalmRow
from cloud.keys.person_keys import MasterKey, trace_of
from cloud.keys.persons import OpenPerson, each_opened
from cloud.merchants.merchants import SiteRow
from protocol.credential import Credential
from protocol.entry import EntryRefusal
from protocol.hours import Hours

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


def _readable(text: str) -> str:
    Hours.parse(text)
    return text


class Access(BaseModel):
    """What a site has given a person, sealed."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    person: Name = Field(repr=False)
    """The site's own id for them."""
    credential: Credential | None = Field(default=None, repr=False)
    """What is presented to the site's access controller."""
    doors: tuple[Name, ...] = ()
    """The names of the doors that they may pass; all when there is none."""
    hours: Annotated[str, AfterValidator(_readable)] = ""
    """When, beside the hours of the door (`protocol.hours`)."""
    first_day: date | None = None
    last_day: date | None = None

    def refusal(self, door: str, today: date) -> EntryRefusal | None:
        """Returns why it does not count at a door on a day; None when it does."""
        if self.doors and door not in self.doors:
            return EntryRefusal.NO_ACCESS
        if self.first_day is not None and today < self.first_day:
            return EntryRefusal.NOT_YET
        if self.last_day is not None and today > self.last_day:
            return EntryRefusal.EXPIRED
        return None


async def give(
    session: AsyncSession, person: OpenPerson, site: SiteRow, access: Access, now: datetime
) -> bool:
    """Gives a person access at a site, in place of what they had there. They are asked anew when it
    has another credential than the one they agreed to. Returns whether anything has changed."""
    row = await session.get(AccessRow, (person.person_id, site.id))
    before = None if row is None else person.open(Access, row.sealed, _place(site.id))
    if before == access:
        return False
    stays = row is not None and before is not None and before.credential == access.credential
    await session.merge(
        AccessRow(
            person_id=person.person_id,
            site_id=site.id,
            merchant_id=site.merchant_id,
            sealed=person.seal(access, _place(site.id)),
            at=now,
            accepted_at=row.accepted_at if row is not None and stays else None,
        )
    )
    return True


async def take(session: AsyncSession, person_id: str, site_id: str) -> list[bytes]:
    """Takes what a person had at a site, and with it what its gates may keep of their palm. Returns
    the traces of it that the database may still hold (`cloud.context.Database.forget_erased`); none
    when they had nothing."""
    traces: list[bytes] = []
    for table in (KeptPalmRow, AccessRow):
        theirs = table.person_id == person_id, table.site_id == site_id
        sealed = await session.scalar(delete(table).where(*theirs).returning(table.sealed))
        if sealed is not None:
            traces.append(trace_of(sealed))
    return traces


async def access_of(
    session: AsyncSession, person: OpenPerson, site_id: str
) -> tuple[Access, bool] | None:
    """Returns what a person has at a site and whether they have agreed that their palm stands for
    it; None when they have nothing."""
    row = await session.get(AccessRow, (person.person_id, site_id))
    if row is None:
        return None
    return person.open(Access, row.sealed, _place(site_id)), row.accepted_at is not None


async def accept(session: AsyncSession, person: OpenPerson, site_id: str, now: datetime) -> None:
    """Notes that a person agrees that their palm stands for what they have at a site."""
    row = await session.get_one(AccessRow, (person.person_id, site_id))
    row.accepted_at = row.accepted_at or now


async def listed_at(session: AsyncSession, site_id: str) -> set[str]:
    """Returns the ids of the people who have access at a site."""
    rows = select(AccessRow.person_id).where(AccessRow.site_id == site_id)
    return set(await session.scalars(rows))


async def counts_at(session: AsyncSession, site_id: str) -> tuple[int, int]:
    """Returns how many people have access at a site, and how many of them have agreed that their
    palm stands for it."""
    counts = select(func.count(), func.count(AccessRow.accepted_at))
    given, accepted = (await session.execute(counts.where(AccessRow.site_id == site_id))).one()
    return given, accepted


async def called_at(session: AsyncSession, master: MasterKey, site_id: str, name: str) -> list[str]:
    """Returns the ids of the people whom a site calls by a name of its own. It opens what everybody
    has there, since nothing else tells."""
    rows, key = select(AccessRow).where(AccessRow.site_id == site_id), AccessRow.person_id
    return [
        person.person_id
        async for person, row in each_opened(session, master, rows, key, key)
        if person.open(Access, row.sealed, _place(site_id)).person == name
    ]


async def all_access(session: AsyncSession, person: OpenPerson) -> list[tuple[AccessRow, Access]]:
    """Returns what a person has at all sites."""
    rows = await session.scalars(
        select(AccessRow).where(AccessRow.person_id == person.person_id).order_by(AccessRow.site_id)
    )
    return [(row, person.open(Access, row.sealed, _place(row.site_id))) for row in rows]


async def count_access(session: AsyncSession, person: OpenPerson) -> int:
    """Returns at how many sites a person has access."""
    count = await session.scalar(
        select(func.count()).where(AccessRow.person_id == person.person_id)
    )
    return count or 0


async def forget(session: AsyncSession, person: OpenPerson, merchant_id: str) -> bool:
    """Takes what a person had at all sites of a merchant. Returns whether they had anything."""
    theirs = AccessRow.person_id == person.person_id, AccessRow.merchant_id == merchant_id
    gone = await session.execute(delete(AccessRow).where(*theirs).returning(AccessRow.person_id))
    return gone.first() is not None


def _place(site_id: str) -> str:
    return f"access.sealed/{site_id}"
