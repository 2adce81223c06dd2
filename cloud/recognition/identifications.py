"""Identifications: who a palm belongs to, 1:N.

When the palm alone does not decide, the last four digits of the mobile number choose among the
people whose palms match. They are asked for above an amount as well, where the operator wants it.
Both hands of one visit count together (`cloud.policy.Policy.named`).
"""

from collections.abc import Sequence
from datetime import datetime
from time import perf_counter
from typing import Annotated

from fastapi import APIRouter, Query, Request
from sqlalchemy import delete, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Event
from cloud.db.locks import held, lock
from cloud.db.tables import new_id
from cloud.keys.persons import OpenPerson, find_person, still_there
from cloud.matching import Match
from cloud.policy import ATTEMPTS, IDENTIFICATION_LIFE, KEPT, Limits
from cloud.recognition import captures, refusals
from cloud.recognition.palms import still_enrolled
from cloud.recognition.proofs import count_guess
from cloud.recognition.renewals import renew_template
from cloud.recognition.tables import Candidate, IdentificationRow
from cloud.seen import Became, Kind
from cloud.vault.client import Lifeless
from cloud.vault.messages import ExaminedPalm
from cloud.web import signed_request
from cloud.web.amounts import Demand, demanded
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.messages import (
    MOST_MINOR,
    Currency,
    Identification,
    LastFour,
    Money,
    Outcome,
    ProblemType,
    Purpose,
    Side,
)

router: APIRouter = signed_request.router()


@router.post(
    "/identifications",
    openapi_extra=signed_request.ENVELOPE,
    responses=signed_request.leads_to(
        "identification_id",
        "identifications.step_up",
        "accounts.tell_holdings",
        "memberships.link",
        "memberships.unlink",
        "ages.note",
        "ages.tell",
        "withdrawals.withdraw",
        "wallet.show",
        "wallet.add",
        "wallet.open_page",
        "wallet.read_card",
        "wallet.stop_reading",
        "wallet.make_default",
        "wallet.remove",
        "tickets.tell",
        "tickets.link",
        in_body=("entries.enter", "purchases.buy", "deletions.delete_account"),
    ),
)
@signed_request.for_deletions(captures.is_to_leave)
async def identify(
    call: Caller,
    request: Request,
    amount: Annotated[int | None, Query(gt=0, le=MOST_MINOR)] = None,
    currency: Currency | None = None,
) -> Identification:
    """Looks for the person of a palm. `amount`, in the minor unit of `currency`, is what they are
    to pay, where that is known."""
    session, context = call.session, call.context
    device = await call.device()
    limit = Limits.SEARCHES_AT_DOOR if device.passes_many else Limits.SEARCHES_BY_DEVICE
    await captures.count(call, limit)
    await session.commit()
    policy, size = context.policy, len(context.gallery)
    enough = policy.step_up(size)

    async def search(examined: ExaminedPalm) -> list[Match]:
        kept = policy.worth_keeping(enough)
        gallery, probes = context.gallery, examined.probes
        certain = policy.accept(size)
        return await gallery.confirm(
            probes, await gallery.search(examined.side, probes, kept, certain), enough
        )

    try:
        examined, matches = await captures.examine(
            call,
            request,
            [Purpose.PAY, Purpose.LEAVE, Purpose.IDENTIFY, Purpose.CARDS, Purpose.ENTER],
            search,
        )
    except Lifeless as lifeless:
        return await record_lifeless(call, lifeless)
    left = await attempts_left(call, examined.visit_id)
    if await wants_pulse(call, examined):
        return await record(
            call,
            visit_id=examined.visit_id,
            purpose=examined.purpose,
            outcome=Outcome.HOLD_LONGER if left else Outcome.REFUSED,
            attempts_left=left,
        )
    matches = await still_matching(session, matches)
    other_hand = await shown_before(call, examined.visit_id, examined.side)
    named = policy.named(matches, other_hand, enough)
    outcome = policy.decide(named, size)
    if policy.are_alike(named, size):
        context.seen.happened(Kind.ALIKE, call.device_id)
    if outcome is Outcome.ACCEPTED and await needs_digits(call, amount, currency):
        outcome, named = Outcome.STEP_UP, named[:1]
    if outcome is Outcome.ASK_AGAIN and left == 0:
        outcome = Outcome.REFUSED
    if outcome is Outcome.ACCEPTED:
        await renew_template(call, examined, named[0])
    asked = {match.person_id for match in named}
    candidates = {
        # Whom a palm of the other hand may name.
        Outcome.ASK_AGAIN: matches[:KEPT],
        # Whom digits tell apart.
        Outcome.STEP_UP: [match for match in matches if match.person_id in asked],
    }
    return await record(
        call,
        visit_id=examined.visit_id,
        purpose=examined.purpose,
        outcome=outcome,
        attempts_left=ATTEMPTS if outcome is Outcome.STEP_UP else left,
        person_id=named[0].person_id if outcome is Outcome.ACCEPTED else None,
        candidates=candidates.get(outcome, ()),
        pulse=examined.pulse,
        side=examined.side,
    )


@router.post("/identifications/{identification_id}/step-up")
@signed_request.for_deletions()
async def step_up(call: Caller, identification_id: str, digits: LastFour) -> Identification:
    session, context = call.session, call.context
    row = await find(call, identification_id)
    if row.outcome != Outcome.STEP_UP:
        raise Refusal(ProblemType.CONFLICT, "no digits were asked for")
    if row.attempts_left <= 0:
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, attempts_left=0)
    rows = await session.scalars(
        select(Candidate)
        .where(Candidate.identification_id == row.id)
        .order_by(Candidate.rarity.desc())
    )
    # Who was deleted while they were read is not there any more.
    found = rows.all()
    known = await still_there(session, [candidate.person_id for candidate in found])
    candidates = [candidate for candidate in found if candidate.person_id in known]
    guess = await count_guess(call, [candidate.person_id for candidate in candidates])
    row.attempts_left -= 1
    for candidate in candidates:
        if candidate.person_id not in guess.subjects:
            continue
        person = await find_person(session, context.master, candidate.person_id)
        if await context.accounts.phone_last4(session, person) == digits.phone_last4:
            await guess.was_right(session)
            await context.accounts.note_use(session, person, call.now)
            row.person_id, row.attempts_left, row.digits = person.person_id, 0, True
            await decide(call, row, person)
            await note_event(call, row)
            return await told(call, row)
    if row.attempts_left <= 0:
        row.outcome = Outcome.REFUSED
        await note_event(call, row)
        if len(candidates) == 1:
            # With several it is not known whose palm it was, and nobody is told of another's.
            person = await find_person(session, context.master, candidates[0].person_id)
            await refusals.note(
                context,
                session,
                person,
                row,
                "wrong_digits",
                site_id=(await call.device()).site_id,
                now=call.now,
            )
    raise Refusal(ProblemType.STEP_UP_FAILED, attempts_left=row.attempts_left)


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
    digits: bool = False,
    side: Side | None = None,
    live: bool = True,
) -> Identification:
    """Stores an identification and returns it as the device sees it. A person who is accepted is
    asked for their consent first where they have not agreed to each text as it is now, and refused
    while they have frozen it.

    `person_id` is the person who was accepted. `candidates` are the people whom digits are to tell
    apart, or whom the next palm may. `digits` is whether the number was given as
    well, and `side` that of a palm that was searched for. `live` is False for an attempt with
    something that is not a living hand.
    """
    row = IdentificationRow(
        id=new_id(),
        merchant_id=(await call.device()).merchant_id,
        device_id=call.device_id,
        visit_id=visit_id,
        purpose=purpose,
        outcome=outcome,
        attempts_left=attempts_left,
        person_id=person_id,
        pulse=pulse,
        digits=digits,
        side=side,
        expires_at=call.now + IDENTIFICATION_LIFE,
    )
    if person_id is not None:
        person = await find_person(call.session, call.context.master, person_id)
        await call.context.accounts.note_use(call.session, person, call.now)
        await decide(call, row, person)
    call.session.add(row)
    await call.session.flush()
    call.session.add_all(
        Candidate(identification_id=row.id, person_id=match.person_id, rarity=match.rarity)
        for match in candidates
    )
    call.context.telemetry.identified(row.outcome, purpose, call.began)
    if call.light is not None:
        became = row.outcome if live else Became.LIFELESS
        call.context.seen.palm(call.device_id, call.light, became, perf_counter() - call.began)
    await note_event(call, row)
    return await told(call, row)


async def record_lifeless(call: Call, lifeless: Lifeless) -> Identification:
    """Stores an attempt with something that is not a living hand, without a search."""
    call.context.telemetry.refused("api", ProblemType.PALM_NOT_LIVE.name.lower())
    kind = Kind.COPIED if lifeless.copied else Kind.LIFELESS
    call.context.seen.happened(kind, call.device_id)
    left = await attempts_left(call, lifeless.visit_id)
    identification = await record(
        call,
        visit_id=lifeless.visit_id,
        purpose=lifeless.purpose,
        outcome=Outcome.ASK_AGAIN if left else Outcome.REFUSED,
        attempts_left=left,
        live=False,
    )
    return identification.model_copy(update={"live": False})


async def shown_before(call: Call, visit_id: str, side: Side) -> list[dict[str, float]]:
    """Returns the people whom palms of the other hand matched that were shown before in a visit at
    this device, with their rarities: for each of these palms, those who were kept."""
    palms = await call.session.scalars(
        select(IdentificationRow.id).where(
            IdentificationRow.device_id == call.device_id,
            IdentificationRow.visit_id == visit_id,
            IdentificationRow.side != side,
            IdentificationRow.expires_at > call.now,
        )
    )
    kept: dict[str, dict[str, float]] = {palm: {} for palm in palms}
    if not kept:
        return []
    matched = select(Candidate).where(Candidate.identification_id.in_(kept))
    for candidate in await call.session.scalars(matched):
        kept[candidate.identification_id][candidate.person_id] = candidate.rarity
    return list(kept.values())


async def needs_digits(call: Call, amount: int | None, currency: str | None) -> bool:
    """Returns whether a palm that is to pay this needs the digits of the number as well."""
    if amount is None or currency is None:
        return False
    return Demand.DIGITS in await demanded(call, Money(minor=amount, currency=currency))


async def wants_pulse(call: Call, examined: ExaminedPalm) -> bool:
    """Returns whether the palm must be shown again with its pulse.

    That is so when its liveness score is not sure, and for all later palms of the same visit.
    """
    if examined.pulse:
        return False
    if not call.context.policy.is_sure(examined.score):
        return True
    asked = await call.session.scalar(
        select(IdentificationRow.id)
        .where(
            IdentificationRow.device_id == call.device_id,
            IdentificationRow.visit_id == examined.visit_id,
            IdentificationRow.outcome == Outcome.HOLD_LONGER,
        )
        .limit(1)
    )
    return asked is not None


async def find(call: Call, identification_id: str) -> IdentificationRow:
    """Returns an identification of the calling device that has not expired. Nobody else acts on it
    before the transaction ends. Raises Refusal."""
    row = await held(call.session, IdentificationRow, identification_id)
    # A device may have come to another merchant since.
    merchant_id = (await call.device()).merchant_id
    if row is None or (row.device_id, row.merchant_id) != (call.device_id, merchant_id):
        raise Refusal(ProblemType.NOT_FOUND)
    if row.expires_at <= call.now:
        raise Refusal(ProblemType.EXPIRED)
    return row


async def accepted_for(call: Call, identification_id: str, purpose: Purpose) -> OpenPerson:
    """Returns the person who was accepted for exactly this purpose. Raises Refusal."""
    row = await find(call, identification_id)
    if row.outcome != Outcome.ACCEPTED or row.purpose != purpose or row.person_id is None:
        raise Refusal(ProblemType.NOT_ACCEPTED)
    person = await find_person(call.session, call.context.master, row.person_id)
    call.person = person
    return person


async def ask_consent_again(session: AsyncSession, person: OpenPerson, merchant_id: str) -> None:
    """Has a person who was accepted to pay at a merchant asked for their consent again."""
    await session.execute(
        update(IdentificationRow)
        .where(
            IdentificationRow.person_id == person.person_id,
            IdentificationRow.merchant_id == merchant_id,
            IdentificationRow.purpose != Purpose.LEAVE,
            IdentificationRow.outcome == Outcome.ACCEPTED,
        )
        .values(outcome=Outcome.ASK_CONSENT)
    )


async def refuse_frozen(session: AsyncSession, person: OpenPerson) -> None:
    """Has a person who was recognised, and has frozen their palms since, refused like one who is
    recognised afterwards."""
    await session.execute(
        update(IdentificationRow)
        .where(
            IdentificationRow.person_id == person.person_id,
            IdentificationRow.purpose != Purpose.LEAVE,
            IdentificationRow.outcome.in_((Outcome.ACCEPTED, Outcome.ASK_CONSENT)),
        )
        .values(outcome=Outcome.FROZEN)
    )


async def still_matching(session: AsyncSession, matches: list[Match]) -> list[Match]:
    """Returns the matches without those whose person or palm was deleted while the vault was asked,
    here or through another process. The others are there until the transaction ends."""
    if not matches:
        return matches
    known = await still_there(session, [match.person_id for match in matches])
    # Who deletes a palm holds its person.
    kept = await still_enrolled(session, [match.palm_id for match in matches])
    return [match for match in matches if match.person_id in known and match.palm_id in kept]


async def attempts_left(call: Call, visit_id: str) -> int:
    """Returns how many palms may be shown in a visit after this one. Raises Refusal. Nobody else
    shows one before the transaction ends."""
    await lock(call.session, "visit", call.device_id, visit_id)
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


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes expired identifications and, by their foreign keys, the candidates."""
    await session.execute(delete(IdentificationRow).where(IdentificationRow.expires_at <= now))


async def told(call: Call, row: IdentificationRow) -> Identification:
    """Returns an identification as the device sees it."""
    customer = None
    if row.person_id is not None:
        accounts, session = call.context.accounts, call.session
        call.person = person = await find_person(session, call.context.master, row.person_id)
        is_held_back = row.outcome in (Outcome.FROZEN, Outcome.ASK_CONSENT)
        if not is_held_back and await accounts.has_agreed(session, person, row.merchant_id):
            customer = await accounts.customer(session, person, row.merchant_id, call.now)
    return Identification(
        identification_id=row.id,
        outcome=Outcome(row.outcome),
        customer=customer,
        attempts_left=row.attempts_left,
        expires_at=row.expires_at,
    )


async def decide(call: Call, row: IdentificationRow, person: OpenPerson) -> None:
    """Decides the outcome for a person who was recognised. Everybody can leave everywhere."""
    accounts, session = call.context.accounts, call.session
    if row.purpose == Purpose.LEAVE:
        row.outcome = Outcome.ACCEPTED
    elif await accounts.is_frozen(session, person):
        row.outcome = Outcome.FROZEN
        await refusals.note(
            call.context,
            session,
            person,
            row,
            "frozen",
            site_id=(await call.device()).site_id,
            now=call.now,
        )
    elif not await accounts.agrees_at(session, person, (await call.device()).site_id):
        row.outcome = Outcome.ASK_CONSENT
    else:
        row.outcome = Outcome.ACCEPTED


_EVENTS = {
    Outcome.ACCEPTED: Event.IDENTIFIED,
    Outcome.REFUSED: Event.REFUSED,
    Outcome.FROZEN: Event.REFUSED,
}
"""What the merchant's own systems are told of an outcome. All others are not the last one."""


async def note_event(call: Call, row: IdentificationRow) -> None:
    """Has the merchant's own systems told of an identification that has ended. Who was
    refused is not told, and nothing of people who leave."""
    event = _EVENTS.get(Outcome(row.outcome))
    if event is None or row.purpose == Purpose.LEAVE:
        return
    await call.context.events.note(
        call.context,
        call.session,
        event,
        merchant_id=row.merchant_id,
        data={
            "identification": row.id,
            "purpose": row.purpose,
            "device": row.device_id,
            "site": (await call.device()).site_id,
        },
        person_id=row.person_id if event is Event.IDENTIFIED else None,
    )
