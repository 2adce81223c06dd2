"""Requests for palms, at the kiosk that shows them: it takes one when nobody uses it, and sends the
palm or the No. Whether the palm counts is decided here."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.locks import held, lock
from cloud.integrations.asking import Scope
from cloud.integrations.palm_requests import end, look_for, state_of, words_of
from cloud.integrations.tables import PalmRequestRow
from cloud.keys.persons import OpenPerson, find_person
from cloud.loyalty.memberships import give, membership_of, people_with
from cloud.people.enrolments import account_made
from cloud.policy import ENROLMENT_LIFE
from cloud.recognition import identifications
from cloud.recognition.verifications import Claimed, verify
from cloud.web import signed_request
from cloud.web.merchant_keys import has_key_for
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.asked import (
    LONGEST_WAIT_S,
    OPEN,
    AskedEnd,
    AskedPalm,
    AskedPalms,
    Asks,
    PalmAnswer,
    RequestState,
)
from protocol.messages import Identification, Membership, Outcome, ProblemType, Purpose

SELDOM_S = 60
"""After how many seconds a kiosk asks again whose merchant has no key of its own that asks for
palms. The operator's keys may ask there as well."""

Wait = Annotated[int, Query(ge=0, le=LONGEST_WAIT_S, description="In seconds.")]

router: APIRouter = signed_request.router()

AGREED = {
    Asks.APPROVE: RequestState.APPROVED,
    Asks.IDENTIFY: RequestState.IDENTIFIED,
    Asks.ENROL: RequestState.ENROLLED,
}
ALERTS = {
    Asks.APPROVE: "your palm agreed to a question",
    Asks.IDENTIFY: "your palm told who you are",
    Asks.ENROL: "your palm signed up",
}
"""What somebody who wants alerts is told that their palm did."""


@router.put("/palm-requests/taken")
async def take(call: Caller, wait: Wait = LONGEST_WAIT_S) -> AskedPalms:
    """Has the device show a request, as soon as there is one."""
    session, context = call.session, call.context
    device = await call.device()
    device_id, site_id, merchant_id = device.id, device.site_id, device.merchant_id
    scope = Scope.PALM_REQUESTS_WRITE
    is_seldom = not await has_key_for(session, merchant_id, scope, call.now)
    # Nothing may hold the database while it waits.
    await session.commit()

    async def look(looking: AsyncSession) -> str | None:
        now = context.clock()
        is_open = PalmRequestRow.state.in_(OPEN), PalmRequestRow.expires_at > now
        rows = select(PalmRequestRow.id).where(_is_for(device_id, site_id, merchant_id), *is_open)
        # What it shows already comes first: it may not have heard that it does. By name, "begun"
        # and "shown" are before "waiting".
        order = PalmRequestRow.state, PalmRequestRow.made_at, PalmRequestRow.id
        return await looking.scalar(rows.order_by(*order).limit(1))

    found = await look_for(context, look, 0 if is_seldom else wait)
    if found is None:
        return AskedPalms(request=None, again_after_s=SELDOM_S if is_seldom else 0)
    await lock(session, "palm requests", site_id)
    row = await held(session, PalmRequestRow, found)
    if (
        row is None
        or row.device_id not in (None, device_id)
        or state_of(row, context.clock()) not in OPEN
    ):
        # Another kiosk was quicker, or it has ended.
        return AskedPalms(request=None, again_after_s=0)
    row.state, row.device_id = RequestState.SHOWN, device_id
    words, enrols = await words_of(session, context.master, row), row.kind == Asks.ENROL
    request = AskedPalm(
        request_id=row.id,
        kind=Asks(row.kind),
        question=words.question,
        named=words.expected is not None and not enrols,
        ending=Membership(code=words.expected).ending if words.expected and enrols else None,
    )
    return AskedPalms(request=request, again_after_s=0)


@router.get("/palm-requests/{request_id:id}")
async def look(call: Caller, request_id: str, wait: Wait = LONGEST_WAIT_S) -> AskedEnd:
    """Tells what has become of a request that the device shows, as soon as it has ended."""
    context = call.context
    await _find(call, request_id)
    await call.session.commit()

    async def ended(session: AsyncSession) -> bool | None:
        row = await session.get(PalmRequestRow, request_id)
        return True if row is None or state_of(row, context.clock()) not in OPEN else None

    await look_for(context, ended, wait)
    return _told(call, await _find(call, request_id))


@router.delete("/palm-requests/{request_id}/taken", status_code=204)
async def let_go(call: Caller, request_id: str) -> None:
    """Has a request wait for a kiosk again: nobody has answered it here."""
    row = await _find(call, request_id)
    if row.state == RequestState.SHOWN:
        row.state = RequestState.WAITING
        row.device_id = row.device_id if row.named else None


@router.post("/palm-requests/{request_id}/palm", openapi_extra=signed_request.ENVELOPE)
async def compare(call: Caller, request_id: str, request: Request) -> Identification:
    """Compares a palm with those of the person whom the request is for."""

    async def claimed() -> Claimed:
        row = await _find(call, request_id)
        _must_be_shown(call, row)
        words = await words_of(call.session, call.context.master, row)
        if words.expected is None or row.kind == Asks.ENROL:
            raise Refusal(ProblemType.CONFLICT, "the request is for nobody in particular")
        people = await people_with(
            call.session, call.context.master, row.merchant_id, words.expected
        )
        return Claimed(people, people or [row.id])

    return await verify(call, request, request_id, Purpose.IDENTIFY, claimed)


@router.put("/palm-requests/{request_id}/begun")
async def begin(call: Caller, request_id: str) -> AskedEnd:
    """Notes that somebody signs up, who has as long as everybody who does. Sent again, it is told
    that they do."""
    row = await _find(call, request_id)
    if state_of(row, call.context.clock()) is RequestState.BEGUN:
        return _told(call, row)
    _must_be_shown(call, row)
    if row.kind != Asks.ENROL:
        raise Refusal(ProblemType.CONFLICT, "nobody signs up for this request")
    row.state, row.expires_at = RequestState.BEGUN, call.now + ENROLMENT_LIFE
    return _told(call, row)


@router.put("/palm-requests/{request_id}/answer")
async def answer(call: Caller, request_id: str, told: PalmAnswer) -> AskedEnd:
    """Takes the answer to a request that the device shows. Sent again, it is told what was taken
    before."""
    row = await _find(call, request_id)
    if state_of(row, call.now) not in OPEN:
        return _told(call, row)
    context, session, kind = call.context, call.session, Asks(row.kind)
    if told.identification_id is None and told.enrolment_id is None:
        await end(context, session, row, RequestState.REFUSED, reason="declined")
        return _told(call, row)
    if kind is Asks.ENROL:
        person = await _who_signed_up(call, row, told.enrolment_id)
    else:
        person = await _who_answered(call, row, told.identification_id)
    if person is None:
        await end(context, session, row, RequestState.REFUSED, reason="not_recognised")
        return _told(call, row)
    await end(context, session, row, AGREED[kind], person=person)
    await context.alerts.promise(
        context,
        session,
        person,
        merchant_id=row.merchant_id,
        what=ALERTS[kind],
        at=call.now,
    )
    call.afterwards.append(context.wake)
    return _told(call, row)


async def _who_answered(
    call: Call, row: PalmRequestRow, identification_id: str | None
) -> OpenPerson | None:
    """Returns who has answered with their palm, None when that counts for nobody. Raises
    Refusal."""
    if identification_id is None:
        raise Refusal(ProblemType.NOT_ACCEPTED)
    found = await identifications.find(call, identification_id)
    if (found.visit_id, found.purpose) != (row.id, Purpose.IDENTIFY):
        raise Refusal(ProblemType.NOT_ACCEPTED, "the palm was shown for something else")
    if found.outcome in (Outcome.STEP_UP, Outcome.ASK_AGAIN, Outcome.HOLD_LONGER):
        raise Refusal(ProblemType.NOT_ACCEPTED)
    if found.outcome != Outcome.ACCEPTED or found.person_id is None:
        return None
    person = await find_person(call.session, call.context.master, found.person_id)
    words = await words_of(call.session, call.context.master, row)
    member = await membership_of(call.session, person, row.merchant_id)
    is_expected = words.expected in (None, member and member.code)
    return person if is_expected else None


async def _who_signed_up(call: Call, row: PalmRequestRow, enrolment_id: str | None) -> OpenPerson:
    """Returns who has signed up, and has the merchant's reference from now on. Raises Refusal."""
    if enrolment_id is None or row.state != RequestState.BEGUN:
        raise Refusal(ProblemType.NOT_ACCEPTED)
    # Who has signed up before, by themselves or for another request, does not answer this one.
    person = await account_made(call, enrolment_id, since=row.expires_at - ENROLMENT_LIFE)
    words = await words_of(call.session, call.context.master, row)
    assert words.expected is not None
    await give(call, person, Membership(code=words.expected))
    await call.session.flush()
    return person


def _is_for(device_id: str, site_id: str, merchant_id: str) -> ColumnElement[bool]:
    """Returns whether a device may show a request."""
    its = or_(PalmRequestRow.device_id == device_id, PalmRequestRow.device_id.is_(None))
    # A device may have come to another site or merchant since, and the answer names the site.
    here = (PalmRequestRow.merchant_id == merchant_id) & (PalmRequestRow.site_id == site_id)
    return its & here


async def _find(call: Call, request_id: str) -> PalmRequestRow:
    """Returns a request that the calling device shows, or has shown. Nobody else changes it before
    the transaction ends. Raises Refusal."""
    row = await held(call.session, PalmRequestRow, request_id)
    device = await call.device()
    here = device.id, device.site_id, device.merchant_id
    if row is None or (row.device_id, row.site_id, row.merchant_id) != here:
        raise Refusal(ProblemType.NOT_FOUND)
    return row


def _must_be_shown(call: Call, row: PalmRequestRow) -> None:
    if state_of(row, call.context.clock()) is not RequestState.SHOWN:
        raise Refusal(ProblemType.EXPIRED)


def _told(call: Call, row: PalmRequestRow) -> AskedEnd:
    state = state_of(row, call.context.clock())
    reason = row.reason if state is RequestState.REFUSED else None
    return AskedEnd.model_validate({"state": state, "reason": reason})
