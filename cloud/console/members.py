"""Accounts of staff, and the links with which staff make a passkey or bind their account at the
identity provider."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.console.roles import Reach, reach_of
from cloud.console.tables import (
    StaffLinkRow,
    StaffPasskeyRow,
    StaffRow,
    StaffSessionRow,
    StaffSubjectRow,
)
from cloud.db.locks import held
from cloud.db.tables import new_id
from cloud.keys.person_keys import MasterKey
from cloud.policy import STAFF_LINK_LIFE
from cloud.web.browsers import new_token

NAME_LENGTH = 60
"""The largest number of characters of a name."""


async def add(session: AsyncSession, name: str, reach: Reach, now: datetime) -> StaffRow:
    """Adds an account. Raises BadAccount."""
    reach.check()
    member = StaffRow(
        id=new_id(),
        name=name,
        role=reach.role,
        merchant_id=reach.merchant_id,
        site_id=reach.site_id,
        since=now,
    )
    session.add(member)
    await session.flush()
    return member


async def end(session: AsyncSession, member: StaffRow, now: datetime) -> bool:
    """Ends an account and all its sessions. Its id stays in the audit trail. Returns False when it
    had ended before."""
    row = await held(session, StaffRow, member.id)
    if row is None or row.ended_at is not None:
        return False
    for table in (StaffLinkRow, StaffPasskeyRow, StaffSubjectRow, StaffSessionRow):
        await session.execute(delete(table).where(table.staff_id == member.id))
    row.name, row.ended_at = "", now
    return True


async def all_members(session: AsyncSession) -> Sequence[StaffRow]:
    """Returns all accounts that have not ended, the oldest first."""
    chosen = select(StaffRow).where(StaffRow.ended_at.is_(None))
    return (await session.scalars(chosen.order_by(StaffRow.since, StaffRow.id))).all()


async def members_below(session: AsyncSession, reach: Reach) -> list[StaffRow]:
    """Returns the accounts that somebody may add and end, the oldest first."""
    return [each for each in await all_members(session) if reach.gives(reach_of(each))]


async def find_member(session: AsyncSession, staff_id: str) -> StaffRow | None:
    """Returns the account with this id that has not ended, None when there is none."""
    member = await session.get(StaffRow, staff_id)
    return None if member is None or member.ended_at is not None else member


# Links


async def make_link(
    session: AsyncSession, master: MasterKey, member: StaffRow, now: datetime
) -> str:
    """Returns the token of a new link, which replaces the one that the account had."""
    await session.execute(delete(StaffLinkRow).where(StaffLinkRow.staff_id == member.id))
    token = new_token()
    expires_at = now + STAFF_LINK_LIFE
    session.add(StaffLinkRow(id=link_id(master, token), staff_id=member.id, expires_at=expires_at))
    await session.flush()
    return token


async def holder_of(session: AsyncSession, link_id: str, now: datetime) -> StaffRow | None:
    """Returns the account of a link, and locks the link until the transaction ends. Returns None
    for a link that is unknown or has expired."""
    row = await held(session, StaffLinkRow, link_id)
    if row is None or row.expires_at <= now:
        return None
    return await find_member(session, row.staff_id)


async def use_up_link(session: AsyncSession, link_id: str) -> None:
    await session.execute(delete(StaffLinkRow).where(StaffLinkRow.id == link_id))


def link_id(master: MasterKey, token: str) -> str:
    """Returns the id of the link with a token."""
    return master.lookup("staff link", token)
