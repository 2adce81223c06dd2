"""Ages: staff of a merchant see a person's document once, and its tills are told so from then on.

A merchant answers for what its staff have seen, and is told of nothing that others have. Nothing of
the document is stored: only which age was reached, who saw it, where and when.
"""

from collections.abc import Sequence

from fastapi import APIRouter
from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.ages.tables import AgeRow
from cloud.keys.persons import OpenPerson
from cloud.recognition.identifications import accepted_for
from cloud.web import signed_request
from cloud.web.signed_request import Caller
from protocol.messages import Age, AgeCheck, AgeFlag, Purpose

router: APIRouter = signed_request.router()


@router.put("/identifications/{identification_id}/age", status_code=204)
async def note(call: Caller, identification_id: str, check: AgeCheck) -> None:
    """Stores what staff of the device's merchant have seen, in place of what they saw before."""
    person = await accepted_for(call, identification_id, Purpose.PAY)
    merchant_id = (await call.device()).merchant_id
    await call.session.merge(
        AgeRow(
            person_id=person.person_id,
            merchant_id=merchant_id,
            sealed=person.seal(AgeFlag(over=check.over, seen=True), _place(merchant_id)),
            staff=check.staff,
            device_id=call.device_id,
            at=call.now,
        )
    )


@router.get("/identifications/{identification_id}/age/{over}")
async def tell(call: Caller, identification_id: str, over: Age) -> AgeFlag:
    person = await accepted_for(call, identification_id, Purpose.PAY)
    merchant_id = (await call.device()).merchant_id
    row = await call.session.get(AgeRow, (person.person_id, merchant_id))
    if row is None:
        return AgeFlag(over=over, seen=False)
    known = person.open(AgeFlag, row.sealed, _place(merchant_id))
    return AgeFlag(over=over, seen=known.over >= over)


async def checks_of(session: AsyncSession, merchant_id: str) -> Sequence[AgeRow]:
    """Returns when staff of a merchant have seen an age, the latest first."""
    rows = select(AgeRow).where(AgeRow.merchant_id == merchant_id).order_by(AgeRow.at.desc())
    return (await session.scalars(rows)).all()


async def forget(session: AsyncSession, person: OpenPerson, merchant_id: str) -> bool:
    """Deletes what staff of a merchant have seen of a person's age. Returns whether there was
    anything."""
    theirs = AgeRow.person_id == person.person_id, AgeRow.merchant_id == merchant_id
    gone = await session.execute(delete(AgeRow).where(*theirs).returning(AgeRow.person_id))
    return gone.first() is not None


async def ages_of(session: AsyncSession, person: OpenPerson) -> list[tuple[AgeRow, AgeFlag]]:
    """Returns which ages of a person staff have seen, by merchant."""
    rows = await session.scalars(
        select(AgeRow).where(AgeRow.person_id == person.person_id).order_by(AgeRow.merchant_id)
    )
    return [(row, person.open(AgeFlag, row.sealed, _place(row.merchant_id))) for row in rows]


async def count_ages(session: AsyncSession, person: OpenPerson) -> int:
    """Returns at how many merchants staff have seen a person's age."""
    count = await session.scalar(select(func.count()).where(AgeRow.person_id == person.person_id))
    return count or 0


def _place(merchant_id: str) -> str:
    return f"ages/{merchant_id}"
