"""Memberships: a person links what is on a merchant's membership card to their palm.

Each merchant has one membership of a person at the most, and is told of no other's. Two people may
link the same card, as families do.
"""

from functools import partial

from fastapi import APIRouter
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.person_keys import trace_of
from cloud.keys.persons import OpenPerson
from cloud.loyalty.tables import MembershipRow
from cloud.recognition.identifications import accepted_for
from cloud.web import signed_request
from cloud.web.signed_request import Caller
from protocol.messages import Membership, Purpose

router: APIRouter = signed_request.router()


@router.put("/identifications/{identification_id}/membership", status_code=204)
async def link(call: Caller, identification_id: str, membership: Membership) -> None:
    """Links a membership at the device's merchant, in place of one that was linked before."""
    person = await accepted_for(call, identification_id, Purpose.IDENTIFY)
    merchant_id = (await call.device()).merchant_id
    await call.session.merge(
        MembershipRow(
            person_id=person.person_id,
            merchant_id=merchant_id,
            sealed=person.seal(membership, _place(merchant_id)),
            at=call.now,
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


def _place(merchant_id: str) -> str:
    return f"memberships/{merchant_id}"
