"""Memberships: a person links what is on a merchant's membership card to their palm.

Each merchant has one membership of a person at the most, and is told of no other's. Two people may
link the same card, as families do.
"""

from collections.abc import Collection
from datetime import datetime
from functools import partial

from fastapi import APIRouter
from sqlalchemy import Select, delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import MasterKey, trace_of
from cloud.keys.persons import OpenPerson, opened
from cloud.loyalty.tables import MembershipRow
from cloud.recognition.identifications import accepted_for
from cloud.web import signed_request
from cloud.web.signed_request import Call, Caller
from protocol.messages import Membership, Purpose

router: APIRouter = signed_request.router()


@router.put("/identifications/{identification_id}/membership", status_code=204)
async def link(call: Caller, identification_id: str, membership: Membership) -> None:
    """Links a membership at the device's merchant, in place of one that was linked before."""
    person = await accepted_for(call, identification_id, Purpose.IDENTIFY)
    await give(call, person, membership)


async def give(call: Call, person: OpenPerson, membership: Membership) -> None:
    """Links a membership at the calling device's merchant to a person."""
    merchant_id = (await call.device()).merchant_id
    await call.session.merge(
        MembershipRow(
            person_id=person.person_id,
            merchant_id=merchant_id,
            sealed=person.seal(membership, _place(merchant_id)),
            at=call.now,
            lookup=_lookup(call.context.master, merchant_id, membership),
        )
    )


@router.delete("/identifications/{identification_id}/membership", status_code=204)
@signed_request.for_deletions()
async def unlink(call: Caller, identification_id: str) -> None:
    person = await accepted_for(call, identification_id, Purpose.IDENTIFY)
    trace = await forget(call.session, person, (await call.device()).merchant_id)
    if trace is not None:
        call.afterwards.append(partial(call.context.database.forget_erased, trace))


async def forget(session: AsyncSession, person: OpenPerson, merchant_id: str) -> bytes | None:
    """Deletes a person's membership at a merchant. Returns the trace of it that the database may
    still hold (`cloud.context.Database.forget_erased`); None when there was none."""
    theirs = MembershipRow.person_id == person.person_id, MembershipRow.merchant_id == merchant_id
    sealed = await session.scalar(
        delete(MembershipRow).where(*theirs).returning(MembershipRow.sealed)
    )
    return None if sealed is None else trace_of(sealed)


async def membership_of(
    session: AsyncSession, person: OpenPerson, merchant_id: str
) -> Membership | None:
    """Returns a person's membership at a merchant, None when none is linked."""
    row = await session.get(MembershipRow, (person.person_id, merchant_id))
    return None if row is None else person.open(Membership, row.sealed, _place(merchant_id))


async def memberships_of(
    session: AsyncSession, person: OpenPerson
) -> list[tuple[MembershipRow, Membership]]:
    """Returns a person's memberships, by merchant."""
    rows = await session.scalars(
        select(MembershipRow)
        .where(MembershipRow.person_id == person.person_id)
        .order_by(MembershipRow.merchant_id)
    )
    return [(row, person.open(Membership, row.sealed, _place(row.merchant_id))) for row in rows]


async def count_memberships(session: AsyncSession, person: OpenPerson) -> int:
    """Returns at how many merchants a person has linked a membership."""
    count = await session.scalar(
        select(func.count()).where(MembershipRow.person_id == person.person_id)
    )
    return count or 0


async def count_linked(session: AsyncSession, merchant_id: str) -> int:
    """Returns how many people have linked a membership at a merchant."""
    theirs = MembershipRow.merchant_id == merchant_id
    return await session.scalar(select(func.count()).where(theirs)) or 0


async def unlink_code(
    session: AsyncSession, master: MasterKey, merchant_id: str, code: str
) -> list[bytes]:
    """Deletes every link of a membership of a merchant. Returns the traces of them that the
    database may still hold, one for each person who had linked it."""
    lookup = _lookup(master, merchant_id, Membership(code=code))
    gone = delete(MembershipRow).where(MembershipRow.lookup == lookup)
    found = await session.scalars(gone.returning(MembershipRow.sealed))
    return [trace_of(sealed) for sealed in found]


async def linked_to(
    session: AsyncSession, master: MasterKey, merchant_id: str, code: str
) -> list[datetime]:
    """Returns when people have linked a membership at a merchant, for each of those who have."""
    lookup = _lookup(master, merchant_id, Membership(code=code))
    rows = select(MembershipRow.at).where(MembershipRow.lookup == lookup)
    return list(await session.scalars(rows.order_by(MembershipRow.at)))


async def people_with(
    session: AsyncSession, master: MasterKey, merchant_id: str, code: str
) -> list[str]:
    """Returns the ids of the people who have linked a membership at a merchant."""
    lookup = _lookup(master, merchant_id, Membership(code=code))
    rows = select(MembershipRow.person_id).where(MembershipRow.lookup == lookup)
    return list(await session.scalars(rows.order_by(MembershipRow.person_id)))


async def codes_of(
    session: AsyncSession, master: MasterKey, merchant_id: str, person_ids: Collection[str]
) -> dict[str, str]:
    """Returns the codes of the memberships of these people at a merchant, by person."""
    theirs = MembershipRow.person_id.in_(person_ids), MembershipRow.merchant_id == merchant_id
    rows = select(MembershipRow).where(*theirs)
    return {
        person.person_id: person.open(Membership, row.sealed, _place(merchant_id)).code
        for person, row in await opened(session, master, rows, MembershipRow.person_id)
    }


async def make_lookups(session: AsyncSession, master: MasterKey) -> None:
    """Makes the keyed hashes of what an earlier version has linked."""
    rows = select(MembershipRow).where(MembershipRow.lookup.is_(None))
    await _make_lookups(session, master, master, rows)


async def renew_lookups(session: AsyncSession, old: MasterKey, new: MasterKey) -> None:
    """Makes the keyed hashes of all memberships anew with another master key."""
    await _make_lookups(session, old, new, select(MembershipRow))


async def _make_lookups(
    session: AsyncSession, old: MasterKey, new: MasterKey, rows: Select[MembershipRow]
) -> None:
    for person, row in await opened(session, old, rows, MembershipRow.person_id):
        membership = person.open(Membership, row.sealed, _place(row.merchant_id))
        row.lookup = _lookup(new, row.merchant_id, membership)


def _lookup(master: MasterKey, merchant_id: str, membership: Membership) -> str:
    return master.lookup("membership", f"{merchant_id} {membership.code}")


def _place(merchant_id: str) -> str:
    return f"memberships/{merchant_id}"
