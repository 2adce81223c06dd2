"""Signing up: a number and its code, a card, one or two palms, and then an account.

Until it is completed an enrolment is nobody's account: its palms are not searched, and when it is
given up or expires everything in it is erased.
"""

import logging
from collections.abc import Sequence
from hashlib import sha256

from fastapi import APIRouter, Request
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.jobs import outbox
from cloud.messages import NotSent
from cloud.payments import CardRefused, ProviderUnavailable
from cloud.people import one_time_codes
from cloud.people.accounts import (
    CardDetail,
    OpenPerson,
    Profile,
    cards_of,
    find_person,
    make_person,
    new_id,
    palms_of,
)
from cloud.people.mobile import must_be_mobile
from cloud.recognition import captures
from cloud.recognition.gallery import Entry
from cloud.recognition.policy import (
    CODES_PER_ENROLMENT,
    ENROLMENT_LIFE,
    PALMS,
    RESEND_AFTER,
    Limits,
)
from cloud.tables import AccountRow, CardRow, EnrolmentRow, PalmRow, Person
from cloud.vault.client import ExaminedPalm, Lifeless
from cloud.web import limits, signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from palm.search.protection import ProtectedProbe
from protocol.messages import (
    Account,
    Card,
    CardToken,
    CodeEntry,
    Enrolment,
    EnrolmentRequest,
    PalmAccepted,
    PhoneVerified,
    ProblemType,
    Purpose,
    Side,
)

log = logging.getLogger(__name__)

router: APIRouter = signed_request.router()


@router.post("/enrolments")
async def begin(call: Caller, request: EnrolmentRequest) -> Enrolment:
    context, session = call.context, call.session
    must_be_mobile(request.phone)
    if request.consent.version != context.settings.consent_version:
        raise Refusal(ProblemType.CONFLICT, "the consent wording has changed since")
    phone_lookup = context.master.lookup("phone", request.phone)
    await _may_send(call, phone_lookup)
    known = make_person(session, context.master)
    profile = Profile(
        phone=request.phone,
        consent_version=request.consent.version,
        agreed_at=request.consent.agreed_at,
    )
    row = EnrolmentRow(
        id=new_id(),
        device_id=call.device_id,
        person_id=known.person_id,
        phone_lookup=phone_lookup,
        profile=known.seal(profile, "profile"),
        sent=1,
        sent_at=call.now,
        verified=False,
        expires_at=call.now + ENROLMENT_LIFE,
    )
    await session.flush()
    session.add(row)
    code = await one_time_codes.make(session, context.master, row.id, known.person_id, call.now)
    await session.commit()
    await _send(call, row, profile, code)
    call.person = known
    return _enrolment(row)


@router.post("/enrolments/{enrolment_id}/code/resend")
async def resend(call: Caller, enrolment_id: str) -> Enrolment:
    row, known = await _find(call, enrolment_id)
    wait = (row.sent_at + RESEND_AFTER - call.now).total_seconds()
    if row.verified:
        raise Refusal(ProblemType.CONFLICT, "the number is verified already")
    if row.sent >= CODES_PER_ENROLMENT:
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, attempts_left=0)
    if wait > 0:
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, retry_after=int(wait) + 1)
    await _may_send(call, row.phone_lookup)
    code = await one_time_codes.make(
        call.session, call.context.master, row.id, known.person_id, call.now
    )
    row.sent += 1
    row.sent_at = call.now
    profile = known.open(Profile, row.profile, "profile")
    await call.session.commit()
    await _send(call, row, profile, code)
    return _enrolment(row)


@router.post("/enrolments/{enrolment_id}/code")
async def verify_phone(call: Caller, enrolment_id: str, entry: CodeEntry) -> PhoneVerified:
    row, _ = await _find(call, enrolment_id)
    if not row.verified:
        await one_time_codes.check(call.session, call.context.master, row.id, entry.code, call.now)
        row.verified = True
    return PhoneVerified(known=await _has_account(call.session, row.phone_lookup))


@router.post("/enrolments/{enrolment_id}/card")
async def add_card(call: Caller, enrolment_id: str, token: CardToken) -> Card:
    session, context = call.session, call.context
    await _find_verified(call, enrolment_id)
    await session.commit()
    reference = sha256(f"{enrolment_id} {token.token}".encode()).hexdigest()
    try:
        kept = await context.payments.keep(token.token, reference)
    except CardRefused as refused:
        raise Refusal(ProblemType.CARD_REFUSED, str(refused)) from None
    except ProviderUnavailable:
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None
    row, known = await _find_verified(call, enrolment_id)
    for earlier in await cards_of(session, known):
        outbox.forget_card(session, context.master.outbox, earlier, call.now)
    await session.execute(delete(CardRow).where(CardRow.person_id == known.person_id))
    card = CardRow(id=new_id(), person_id=known.person_id)
    card.detail = known.seal(CardDetail.of(kept), f"cards.detail/{card.id}")
    session.add(card)
    profile = known.open(Profile, row.profile, "profile")
    row.profile = known.seal(profile.model_copy(update={"holder": token.holder}), "profile")
    call.person = known
    call.afterwards.append(context.wake)
    return kept.card


@router.post("/enrolments/{enrolment_id}/palms", openapi_extra=signed_request.ENVELOPE)
async def add_palm(call: Caller, enrolment_id: str, request: Request) -> PalmAccepted:
    session = call.session
    _, known = await _find_verified(call, enrolment_id)
    others = await palms_of(session, known)
    await session.commit()

    async def compare(seen: ExaminedPalm) -> tuple[bool, bool]:
        twice = await _is_one_of(call, seen, others)
        return twice, await _is_known(call, seen.side, seen.probes)

    try:
        seen, (twice, has_account) = await captures.look(
            call, request, [Purpose.ENROL], compare, enrolment_id
        )
    except Lifeless:
        await limits.spend(session, Limits.LIFELESS_IN_ENROLMENT, enrolment_id, call.now)
        raise Refusal(ProblemType.PALM_NOT_LIVE) from None
    if not (seen.pulse or call.context.policy.is_sure(seen.score)):
        await limits.spend(session, Limits.LIFELESS_IN_ENROLMENT, enrolment_id, call.now)
        raise Refusal(ProblemType.HOLD_LONGER)
    if not _would_be_known_again(call, seen):
        raise Refusal(ProblemType.PALM_UNUSABLE, "its pictures are too unlike one another")
    _, known = await _find_verified(call, enrolment_id)
    palms = await palms_of(session, known)
    if len(palms) == PALMS:
        raise Refusal(ProblemType.CONFLICT, f"no more than {PALMS} palms")
    if twice:
        raise Refusal(ProblemType.SAME_PALM_TWICE)
    if has_account:
        raise Refusal(ProblemType.PALM_KNOWN)
    row = PalmRow(id=new_id(), person_id=known.person_id, side=seen.side)
    known.keep_template(row, seen.current)
    session.add(row)
    call.person = known
    return PalmAccepted(
        side=seen.side,
        quality=seen.current.quality,
        palms=[*(palm.side for palm in palms), seen.side],
    )


def _would_be_known_again(call: Call, seen: ExaminedPalm) -> bool:
    """Whether one picture of a palm would be accepted for the palm that the others show: if not
    even they agree, what is enrolled would not be met again, and it is asked for once more."""
    if seen.agreement is None:
        return True
    context = call.context
    rarity = context.policy.rarity(seen.current.version, seen.agreement)
    return rarity >= context.policy.accept(len(context.gallery))


@router.post("/enrolments/{enrolment_id}/completion")
async def complete(call: Caller, enrolment_id: str) -> Account:
    session, context = call.session, call.context
    _, known = await _find_verified(call, enrolment_id)
    palms = await palms_of(session, known)
    cards = await cards_of(session, known)
    if not palms or not cards:
        raise Refusal(ProblemType.CONFLICT, "a card and a palm are needed")
    await session.commit()
    # Somebody else may have enrolled the palm meanwhile.
    for palm in palms:
        if await _is_known(call, palm.side, [ProtectedProbe(palm.template, palm.template.sealed)]):
            raise Refusal(ProblemType.PALM_KNOWN)
    row, known = await _find_verified(call, enrolment_id)
    profile = known.open(Profile, row.profile, "profile")
    account = AccountRow(
        person_id=known.person_id,
        phone_lookup=row.phone_lookup,
        profile=row.profile,
        since=call.now,
    )
    session.add(account)
    await session.delete(row)
    try:
        await session.flush()
    except IntegrityError:
        await session.rollback()
        raise Refusal(ProblemType.CONFLICT, "the number has an account already") from None

    async def let_be_found() -> None:
        context.gallery.enrol(palms)

    call.person = known
    call.afterwards.append(let_be_found)
    return Account(
        name_hint=profile.name_hint,
        phone_last4=profile.phone_last4,
        card=cards[0].card,
        palms=[palm.side for palm in palms],
    )


@router.delete("/enrolments/{enrolment_id}", status_code=204)
async def give_up(call: Caller, enrolment_id: str) -> None:
    row, _ = await _find(call, enrolment_id)
    await erase(call.session, call.context, row)
    call.afterwards += [call.context.wake, call.context.database.forget_erased]


async def erase(session: AsyncSession, context: Context, row: EnrolmentRow) -> None:
    """Everything an enrolment holds, here now and at the provider soon."""
    known = await find_person(session, context.master, row.person_id)
    for card in await cards_of(session, known):
        outbox.forget_card(session, context.master.outbox, card, context.clock())
    await session.execute(delete(Person).where(Person.id == row.person_id))


async def _find(call: Call, enrolment_id: str) -> tuple[EnrolmentRow, OpenPerson]:
    row = await call.session.get(EnrolmentRow, enrolment_id)
    if row is None or row.device_id != call.device_id:
        raise Refusal(ProblemType.NOT_FOUND)
    if row.expires_at <= call.now:
        raise Refusal(ProblemType.EXPIRED)
    return row, await find_person(call.session, call.context.master, row.person_id)


async def _find_verified(call: Call, enrolment_id: str) -> tuple[EnrolmentRow, OpenPerson]:
    row, known = await _find(call, enrolment_id)
    if not row.verified:
        raise Refusal(ProblemType.CONFLICT, "the number has not been verified")
    if await _has_account(call.session, row.phone_lookup):
        raise Refusal(ProblemType.CONFLICT, "the number has an account already")
    return row, known


async def _has_account(session: AsyncSession, phone_lookup: str) -> bool:
    found = await session.scalar(
        select(AccountRow.person_id).where(AccountRow.phone_lookup == phone_lookup)
    )
    return found is not None


async def _is_known(call: Call, side: Side, probes: Sequence[ProtectedProbe]) -> bool:
    """Whether somebody has an account with that palm."""
    gallery, policy = call.context.gallery, call.context.policy
    return bool(await gallery.search(side, probes, policy.accept(len(gallery))))


async def _is_one_of(call: Call, seen: ExaminedPalm, palms: list[Entry]) -> bool:
    """Whether one of the palms of an enrolment is shown again."""
    context, version = call.context, seen.current.version
    sealed = [
        palm.template.sealed
        for palm in palms
        if (palm.side, palm.template.version) == (seen.side, version)
    ]
    scores = await context.vault.compare(version, seen.probes[0].whole, sealed)
    enough = context.policy.verify()
    return any(s is not None and context.policy.rarity(version, s) >= enough for s in scores)


async def _may_send(call: Call, phone_lookup: str) -> None:
    await limits.spend(call.session, Limits.CODES_TO_PHONE, phone_lookup, call.now)
    await limits.spend(call.session, Limits.CODES_BY_DEVICE, call.device_id, call.now)


async def _send(call: Call, row: EnrolmentRow, profile: Profile, code: str) -> None:
    context = call.context
    try:
        await context.messenger.send(
            profile.phone, one_time_codes.text(context.settings.merchant.name, code)
        )
    except NotSent as error:
        log.warning("a code was not sent: %s", error)
        if row.sent == 1:
            await erase(call.session, context, row)
            await call.session.commit()
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None


def _enrolment(row: EnrolmentRow) -> Enrolment:
    return Enrolment(
        enrolment_id=row.id,
        expires_at=row.expires_at,
        resend_after=int(RESEND_AFTER.total_seconds()),
    )
