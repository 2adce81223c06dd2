"""Agreements: one person has one palm for many merchants, and is asked once at each, and again
where the text has changed (`cloud.people.consents`).

Until a person has agreed, a merchant's devices are told that the palm is known and nothing else:
no name, no card and nothing that could be charged.
"""

from collections.abc import Sequence
from datetime import datetime

from fastapi import APIRouter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.persons import OpenPerson, find_person
from cloud.people import consents
from cloud.people.tables import AgreementRow
from cloud.recognition.identifications import decide, find, note_event, told
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Caller
from protocol.messages import Consent, Identification, Outcome, ProblemType

router: APIRouter = signed_request.router()


@router.post("/identifications/{identification_id}/agreement")
async def agree(call: Caller, identification_id: str, consent: Consent) -> Identification:
    """Stores that the person who was recognised agrees to use their palm at this merchant."""
    row = await find(call, identification_id)
    if row.outcome != Outcome.ASK_CONSENT or row.person_id is None:
        raise Refusal(ProblemType.CONFLICT, "no agreement was asked for")
    person = await find_person(call.session, call.context.master, row.person_id)
    version = await consents.give(call, person, consent)
    await add_agreement(call.session, person, row.merchant_id, call.now, version)
    await decide(call, row, person)
    await note_event(call, row)
    return await told(call, row)


async def add_agreement(
    session: AsyncSession,
    person: OpenPerson,
    merchant_id: str,
    now: datetime,
    version: str,
) -> None:
    """Stores that a person has agreed to use their palm at a merchant, to this version of the
    wording."""
    await session.merge(
        AgreementRow(person_id=person.person_id, merchant_id=merchant_id, version=version, at=now)
    )


async def end_agreement(
    session: AsyncSession, person: OpenPerson, merchant_id: str, now: datetime
) -> bool:
    """Returns False when a person has not agreed to use their palm at a merchant. To what they had
    agreed stays as a part of their account."""
    row = await session.get(AgreementRow, (person.person_id, merchant_id))
    if row is None:
        return False
    await session.delete(row)
    await consents.end(session, person, merchant_id, now)
    return True


async def count_agreements(session: AsyncSession, person: OpenPerson) -> int:
    """Returns at how many merchants a person uses their palm."""
    count = await session.scalar(
        select(func.count()).where(AgreementRow.person_id == person.person_id)
    )
    return count or 0


async def agreements_of(session: AsyncSession, person: OpenPerson) -> Sequence[AgreementRow]:
    """Returns a person's agreements, the oldest first."""
    rows = await session.scalars(
        select(AgreementRow)
        .where(AgreementRow.person_id == person.person_id)
        .order_by(AgreementRow.at, AgreementRow.merchant_id)
    )
    return rows.all()
