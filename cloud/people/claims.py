"""Claims: somebody claims to be the holder of a mobile number, and proves it by a palm, compared
1:1, or by a one-time code."""

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import ValidationError
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import held
from cloud.db.tables import new_id
from cloud.merchants.merchants import merchant_of
from cloud.people import one_time_codes
from cloud.people.accounts import person_id_of
from cloud.people.mobile import must_be_mobile
from cloud.people.tables import ClaimRow
from cloud.policy import CLAIM_LIFE
from cloud.recognition import captures
from cloud.recognition.identifications import record
from cloud.recognition.verifications import Claimed, verify
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.messages import (
    Claim,
    ClaimOpened,
    CodeEntry,
    Identification,
    Outcome,
    ProblemType,
    Proof,
    Purpose,
)

router: APIRouter = signed_request.router()


def _is_to_leave(body: bytes) -> bool:
    try:
        return Claim.model_validate_json(body).purpose is Purpose.LEAVE
    except ValidationError:
        return False


@router.post(
    "/claims",
    responses=signed_request.leads_to("claim_id", "claims.prove_by_palm", "claims.prove_by_code"),
)
@signed_request.for_deletions(_is_to_leave)
async def open_claim(call: Caller, claim: Claim) -> ClaimOpened:
    """Opens a claim. Answer and duration are the same whether or not the number has an account."""
    session, context = call.session, call.context
    must_be_mobile(claim.phone)
    if claim.purpose is Purpose.ENROL:
        raise Refusal(ProblemType.MALFORMED, "a claim cannot be made for an enrolment", status=422)
    if claim.proof is Proof.CODE and claim.purpose is not Purpose.LEAVE:
        raise Refusal(ProblemType.NOT_ACCEPTED, "a phone alone serves to leave only")
    phone_lookup = context.master.lookup("phone", claim.phone)
    person_id = await person_id_of(session, phone_lookup)
    row = ClaimRow(
        id=new_id(),
        device_id=call.device_id,
        person_id=person_id,
        about=person_id or phone_lookup,
        proof=claim.proof,
        purpose=claim.purpose,
        expires_at=call.now + CLAIM_LIFE,
    )
    session.add(row)
    if claim.proof is Proof.CODE:
        await one_time_codes.spend_message(call, phone_lookup)
        one_time_code = await one_time_codes.make(
            session, context.master, row.id, person_id, call.now
        )
        text = one_time_codes.text((await merchant_of(call)).name, one_time_code)
        if person_id is not None:

            async def send() -> None:
                # In the background: the answer must not take longer when there is an account.
                context.begin(one_time_codes.send(context, claim.phone, text))

            call.afterwards.append(send)
    return ClaimOpened(claim_id=row.id, expires_at=row.expires_at)


@router.post("/claims/{claim_id}/palm", openapi_extra=signed_request.ENVELOPE)
@signed_request.for_deletions(captures.is_to_leave)
async def prove_by_palm(call: Caller, claim_id: str, request: Request) -> Identification:
    purpose = Purpose((await _find(call, claim_id, Proof.PALM)).purpose)

    async def claimed() -> Claimed:
        # The claim goes with its account.
        row = await _find(call, claim_id, Proof.PALM)
        return Claimed([row.person_id] if row.person_id else [], [row.about])

    return await verify(call, request, claim_id, purpose, claimed)


@router.post("/claims/{claim_id}/code")
@signed_request.for_deletions()
async def prove_by_code(call: Caller, claim_id: str, entry: CodeEntry) -> Identification:
    row = await _find(call, claim_id, Proof.CODE)
    await one_time_codes.check(call, row.id, entry.code, row.about)
    if row.person_id is None:
        # The code was never sent, and guessed with a chance of one in a million.
        raise Refusal(ProblemType.WRONG_CODE, attempts_left=0)
    return await record(
        call,
        visit_id=claim_id,
        purpose=Purpose(row.purpose),
        outcome=Outcome.ACCEPTED,
        attempts_left=0,
        person_id=row.person_id,
    )


async def forget_number(session: AsyncSession, phone_lookup: str) -> None:
    """Deletes the claims to a mobile number that were made when it had no account."""
    await session.execute(delete(ClaimRow).where(ClaimRow.about == phone_lookup))


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    await session.execute(delete(ClaimRow).where(ClaimRow.expires_at <= now))


async def _find(call: Call, claim_id: str, proof: Proof) -> ClaimRow:
    row = await held(call.session, ClaimRow, claim_id)
    if row is None or row.device_id != call.device_id or row.proof != proof:
        raise Refusal(ProblemType.NOT_FOUND)
    if row.expires_at <= call.now:
        raise Refusal(ProblemType.EXPIRED)
    return row


async def forget_all(session: AsyncSession) -> None:
    """Ends every claim."""
    await session.execute(delete(ClaimRow))
