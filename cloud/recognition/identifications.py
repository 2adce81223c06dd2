"""Whose palm is this? 1:N, narrowed by four digits where the palm alone does not tell."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from sqlalchemy import func, select

from cloud.people.accounts import OpenPerson, Profile, cards_of, find_person, new_id, palms_of
from cloud.recognition import captures
from cloud.recognition.gallery import Match
from cloud.recognition.policy import ATTEMPTS, IDENTIFICATION_LIFE, Limits
from cloud.recognition.renewals import renew_template
from cloud.tables import AccountRow, Candidate, IdentificationRow, PurchaseRow
from cloud.vault.client import ExaminedPalm, Lifeless
from cloud.web import limits, signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.messages import (
    Customer,
    Holdings,
    Identification,
    LastFour,
    Outcome,
    ProblemType,
    Purpose,
)

router: APIRouter = signed_request.router()


@router.post("/identifications", openapi_extra=signed_request.ENVELOPE)
async def identify(call: Caller, request: Request) -> Identification:
    session, context = call.session, call.context
    await limits.spend(session, Limits.SEARCHES_BY_DEVICE, call.device_id, call.now)
    await session.commit()
    policy, size = context.policy, len(context.gallery)

    async def search(seen: ExaminedPalm) -> list[Match]:
        return await context.gallery.search(seen.side, seen.probes, policy.step_up(size))

    try:
        seen, near = await captures.look(call, request, [Purpose.PAY, Purpose.LEAVE], search)
    except Lifeless as lifeless:
        return await record_lifeless(call, lifeless)
    left = await attempts_left(call, seen.visit_id)
    if await wants_pulse(call, seen):
        return await record(
            call,
            visit_id=seen.visit_id,
            purpose=seen.purpose,
            outcome=Outcome.HOLD_LONGER if left else Outcome.REFUSED,
            attempts_left=left,
        )
    outcome = policy.decide(near, size)
    if outcome is Outcome.ASK_AGAIN and left == 0:
        outcome = Outcome.REFUSED
    if outcome is Outcome.ACCEPTED:
        await renew_template(call, seen, near[0])
    return await record(
        call,
        visit_id=seen.visit_id,
        purpose=seen.purpose,
        outcome=outcome,
        attempts_left=ATTEMPTS if outcome is Outcome.STEP_UP else left,
        person_id=near[0].person_id if outcome is Outcome.ACCEPTED else None,
        candidates=near if outcome is Outcome.STEP_UP else (),
        pulse=seen.pulse,
    )


@router.post("/identifications/{identification_id}/step-up")
async def step_up(call: Caller, identification_id: str, digits: LastFour) -> Identification:
    session, context = call.session, call.context
    row = await find(call, identification_id)
    if row.outcome != Outcome.STEP_UP:
        raise Refusal(ProblemType.CONFLICT, "no digits were asked for")
    rows = await session.scalars(
        select(Candidate)
        .where(Candidate.identification_id == row.id)
        .order_by(Candidate.rarity.desc())
    )
    candidates = rows.all()
    row.attempts_left -= 1
    for candidate in candidates:
        await limits.check(session, Limits.FAILED_PROOFS, candidate.person_id, call.now)
        known = await find_person(session, context.master, candidate.person_id)
        if (await _profile(call, known)).phone_last4 == digits.phone_last4:
            row.outcome, row.person_id, row.attempts_left = Outcome.ACCEPTED, known.person_id, 0
            return await _told(call, row)
    for candidate in candidates:
        limits.tally(session, Limits.FAILED_PROOFS, candidate.person_id, call.now)
    if row.attempts_left <= 0:
        row.outcome = Outcome.REFUSED
    raise Refusal(ProblemType.STEP_UP_FAILED, attempts_left=row.attempts_left)


@router.get("/identifications/{identification_id}/holdings")
async def tell_holdings(call: Caller, identification_id: str) -> Holdings:
    known = await accepted_for(call, identification_id, Purpose.LEAVE)
    profile = await _profile(call, known)
    account = await call.session.get_one(AccountRow, known.person_id)
    purchases = await call.session.scalar(
        select(func.count()).where(PurchaseRow.person_id == known.person_id)
    )
    return Holdings(
        name_hint=profile.name_hint,
        phone_last4=profile.phone_last4,
        palms=[palm.side for palm in await palms_of(call.session, known)],
        cards=[card.card for card in await cards_of(call.session, known)],
        purchases=purchases or 0,
        member_since=account.since,
    )


async def record(
    call: Call,
    *,
    visit_id: str,
    purpose: Purpose,
    outcome: Outcome,
    attempts_left: int,
    person_id: str | None = None,
    candidates: Sequence[Match] = (),
    pulse: bool = False,
) -> Identification:
    """Writes down how an identification came out: who was accepted, or whom digits may tell."""
    row = IdentificationRow(
        id=new_id(),
        device_id=call.device_id,
        visit_id=visit_id,
        purpose=purpose,
        outcome=outcome,
        attempts_left=attempts_left,
        person_id=person_id,
        pulse=pulse,
        expires_at=call.now + IDENTIFICATION_LIFE,
    )
    call.session.add(row)
    await call.session.flush()
    call.session.add_all(
        Candidate(identification_id=row.id, person_id=match.person_id, rarity=match.rarity)
        for match in candidates
    )
    return await _told(call, row)


async def record_lifeless(call: Call, lifeless: Lifeless) -> Identification:
    """Counts as an attempt of the visit, and nobody is looked for."""
    left = await attempts_left(call, lifeless.visit_id)
    told = await record(
        call,
        visit_id=lifeless.visit_id,
        purpose=lifeless.purpose,
        outcome=Outcome.ASK_AGAIN if left else Outcome.REFUSED,
        attempts_left=left,
    )
    return told.model_copy(update={"live": False})


async def wants_pulse(call: Call, seen: ExaminedPalm) -> bool:
    """Whether a palm has to be shown again with its pulse: one that is not surely alive, and every
    later one of the visit in which that was once so."""
    if seen.pulse:
        return False
    if not call.context.policy.is_sure(seen.score):
        return True
    asked = await call.session.scalar(
        select(IdentificationRow.id)
        .where(
            IdentificationRow.device_id == call.device_id,
            IdentificationRow.visit_id == seen.visit_id,
            IdentificationRow.outcome == Outcome.HOLD_LONGER,
        )
        .limit(1)
    )
    return asked is not None


async def find(call: Call, identification_id: str) -> IdentificationRow:
    """One of this device's that still holds. Raises Refusal."""
    row = await call.session.get(IdentificationRow, identification_id)
    if row is None or row.device_id != call.device_id:
        raise Refusal(ProblemType.NOT_FOUND)
    if row.expires_at <= call.now:
        raise Refusal(ProblemType.EXPIRED)
    return row


async def accepted_for(call: Call, identification_id: str, purpose: Purpose) -> OpenPerson:
    """Who was recognised, for that purpose and no other. Raises Refusal."""
    row = await find(call, identification_id)
    if row.outcome != Outcome.ACCEPTED or row.purpose != purpose or row.person_id is None:
        raise Refusal(ProblemType.NOT_ACCEPTED)
    call.person = await find_person(call.session, call.context.master, row.person_id)
    return call.person


async def attempts_left(call: Call, visit_id: str) -> int:
    """How many more palms may be shown in a visit after this one. Raises Refusal."""
    shown = await call.session.scalar(
        select(func.count()).where(
            IdentificationRow.device_id == call.device_id,
            IdentificationRow.visit_id == visit_id,
        )
    )
    left = ATTEMPTS - 1 - (shown or 0)
    if left < 0:
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, attempts_left=0)
    return left


async def _profile(call: Call, known: OpenPerson) -> Profile:
    account = await call.session.get_one(AccountRow, known.person_id)
    return known.open(Profile, account.profile, "profile")


async def _told(call: Call, row: IdentificationRow) -> Identification:
    customer = None
    if row.person_id is not None:
        known = call.person = await find_person(call.session, call.context.master, row.person_id)
        cards = await cards_of(call.session, known)
        customer = Customer(
            name_hint=(await _profile(call, known)).name_hint,
            card=cards[0].card if cards else None,
        )
    return Identification(
        identification_id=row.id,
        outcome=Outcome(row.outcome),
        customer=customer,
        attempts_left=row.attempts_left,
        expires_at=row.expires_at,
    )
