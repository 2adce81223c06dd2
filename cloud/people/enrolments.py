"""Enrolments: a mobile number and its one-time code, a card, a palm, then an account.

Until an enrolment is completed there is no account, and its palms are not searched. When it is
cancelled or expires, everything in it is erased. A second palm may be added before the completion
or after it, until the enrolment expires; whoever leaves without one has an account all the same.
"""

import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Literal

from fastapi import APIRouter, Request
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context, Event
from cloud.db.locks import held
from cloud.db.tables import new_id
from cloud.keys.person_keys import MasterKey
from cloud.keys.persons import OpenPerson, find_person, make_person, opened
from cloud.matching import Entry
from cloud.merchants.merchants import MerchantRow, merchant_of
from cloud.messages import NotSent
from cloud.payments import card_pages, readers
from cloud.payments.cards import (
    ask_to_keep,
    cards_of,
    give_up_keeping,
    keep_card,
)
from cloud.people import begun, consents, one_time_codes
from cloud.people.accounts import (
    PROFILE,
    Profile,
    add_account,
    catch_up,
    nobody_joined_after,
    person_id_of,
)
from cloud.people.agreements import add_agreement
from cloud.people.mobile import must_be_mobile
from cloud.people.tables import AccountRow, EnrolmentRow
from cloud.policy import (
    CODES_PER_ENROLMENT,
    ENROLMENT_LIFE,
    PALMS,
    RESEND_AFTER,
    Limits,
)
from cloud.providers import CardRefused, ProviderUnavailable
from cloud.recognition import captures
from cloud.recognition.feed import add_to_gallery
from cloud.recognition.palms import add_palm as add_enrolled_palm
from cloud.recognition.palms import palms_of
from cloud.vault.client import Lifeless
from cloud.vault.messages import ExaminedPalm
from cloud.web import limits, signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from palm.search.protection import ProtectedProbe
from protocol.messages import (
    Account,
    AtReader,
    Card,
    CardPage,
    CardPageState,
    CardReading,
    CardReadingState,
    CardToken,
    CodeEntry,
    Enrolment,
    EnrolmentRequest,
    Identifier,
    PalmAccepted,
    PhoneVerified,
    ProblemType,
    Purpose,
    Side,
)

log = logging.getLogger(__name__)

router: APIRouter = signed_request.router()

_PAGE_STATES: Mapping[str, Literal["open", "saved", "lapsed"]] = {
    card_pages.OPEN: "open",
    card_pages.SAVED: "saved",
}
MOVED = b""
"""The profile of a completed enrolment: it is in the account."""


@router.post(
    "/enrolments",
    responses=signed_request.leads_to(
        "enrolment_id",
        "enrolments.resend",
        "enrolments.verify_phone",
        "enrolments.add_card",
        "enrolments.open_card_page",
        "enrolments.read_card",
        "enrolments.stop_reading",
        "enrolments.add_palm",
        "enrolments.complete",
        "enrolments.cancel",
    ),
)
async def begin(call: Caller, request: EnrolmentRequest) -> Enrolment:
    context, session = call.context, call.session
    must_be_mobile(request.phone)
    await consents.must_be_whole(call, request.consent)
    phone_lookup = context.master.lookup("phone", request.phone)
    await one_time_codes.spend_message(call, phone_lookup)
    person = make_person(session, context.master)
    await session.flush()
    profile = Profile(
        phone=request.phone,
        consent_version=await consents.give(call, person, request.consent),
        agreed_at=request.consent.agreed_at,
    )
    return enrolment_of(await start(call, person, phone_lookup, profile))


async def start(
    call: Call, person: OpenPerson, phone_lookup: str, profile: Profile
) -> EnrolmentRow:
    """Adds an enrolment of a person at the calling device, and sends a code to its number. It ends
    the transaction, and leaves another one open. Raises Refusal."""
    context, session = call.context, call.session
    merchant = await merchant_of(call)
    row = EnrolmentRow(
        id=new_id(),
        merchant_id=merchant.id,
        device_id=call.device_id,
        person_id=person.person_id,
        phone_lookup=phone_lookup,
        profile=person.seal(profile, PROFILE),
        sent=1,
        sent_at=call.now,
        verified=False,
        expires_at=call.now + ENROLMENT_LIFE,
    )
    session.add(row)
    one_time_code = await one_time_codes.make(
        session, context.master, row.id, person.person_id, call.now
    )
    await session.commit()
    await _send(call, row, merchant, profile, one_time_code)
    # The enrolment was erased if the account of this number was deleted while the message was sent.
    row, call.person = await _find(call, row.id)
    return row


@router.post("/enrolments/{enrolment_id}/code/resend")
async def resend(call: Caller, enrolment_id: str) -> Enrolment:
    row, person = await _find(call, enrolment_id)
    wait = (row.sent_at + RESEND_AFTER - call.now).total_seconds()
    if row.verified:
        raise Refusal(ProblemType.CONFLICT, "the number is verified already")
    if row.sent >= CODES_PER_ENROLMENT:
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, attempts_left=0)
    if wait > 0:
        raise Refusal(ProblemType.TOO_MANY_ATTEMPTS, retry_after=int(wait) + 1)
    await one_time_codes.spend_message(call, row.phone_lookup)
    one_time_code = await one_time_codes.make(
        call.session, call.context.master, row.id, person.person_id, call.now
    )
    row.sent += 1
    row.sent_at = call.now
    profile = person.open(Profile, row.profile, PROFILE)
    merchant = await merchant_of(call)
    await call.session.commit()
    await _send(call, row, merchant, profile, one_time_code)
    return enrolment_of(row)


@router.post("/enrolments/{enrolment_id}/code")
async def verify_phone(call: Caller, enrolment_id: str, entry: CodeEntry) -> PhoneVerified:
    row, _ = await _find(call, enrolment_id)
    if not row.verified:
        await one_time_codes.check(call, row.id, entry.code, row.phone_lookup)
        row.verified = True
    has_account = await person_id_of(call.session, row.phone_lookup) is not None
    return PhoneVerified(known=has_account)


@router.post("/enrolments/{enrolment_id}/card")
async def add_card(call: Caller, enrolment_id: str, token: CardToken) -> Card:
    session, context = call.session, call.context
    await find_verified(call, enrolment_id)
    reference = sha256(f"{enrolment_id} {token.token}".encode()).hexdigest()
    try:
        await ask_to_keep(session, context.master, reference, context.clock())
        await session.commit()
        kept = await context.payments.keep(token.token, reference)
        row, person = await find_verified(call, enrolment_id)
        now = context.clock()
        await keep_card(session, context.master, person, kept, reference=reference, now=now)
    except ProviderUnavailable:
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None
    except CardRefused as refused:
        await give_up_keeping(session, reference, context.clock())
        raise Refusal(ProblemType.CARD_REFUSED, str(refused)) from None
    except Refusal:
        # The enrolment was completed or erased while the provider was asked.
        await give_up_keeping(session, reference, context.clock())
        raise
    profile = person.open(Profile, row.profile, PROFILE)
    row.profile = person.seal(profile.model_copy(update={"holder": token.holder}), PROFILE)
    call.person = person
    call.afterwards.append(context.wake)
    return kept.card


@router.post("/enrolments/{enrolment_id}/card/pages")
async def open_card_page(call: Caller, enrolment_id: str) -> CardPage:
    session = call.session
    _, person = await find_verified(call, enrolment_id)
    await limits.spend(session, Limits.CARD_PAGES, enrolment_id, call.now)
    with card_pages.refusing():
        page = await card_pages.open_page(call.context, session, person)
        _, call.person = await find_verified(call, enrolment_id)
    call.afterwards.append(call.context.wake)
    return page


@router.get("/enrolments/{enrolment_id}/card/pages/{page_id}")
async def look_at_card_page(call: Caller, enrolment_id: str, page_id: Identifier) -> CardPageState:
    state, card = await _look_at_saving(call, enrolment_id, page_id)
    return CardPageState(state=_PAGE_STATES.get(state, "lapsed"), card=card)


@router.post("/enrolments/{enrolment_id}/card/readings")
async def read_card(call: Caller, enrolment_id: str, where: AtReader) -> CardReading:
    session = call.session
    _, person = await find_verified(call, enrolment_id)
    drives = await readers.driving(call, where.reader)
    await limits.spend(session, Limits.CARD_READINGS, enrolment_id, call.now)
    with card_pages.refusing():
        reading = await card_pages.read_at(call.context, session, person, drives, where.reader)
        _, call.person = await find_verified(call, enrolment_id)
    call.afterwards.append(call.context.wake)
    return reading


@router.get("/enrolments/{enrolment_id}/card/readings/{reading_id}")
async def look_at_reading(
    call: Caller, enrolment_id: str, reading_id: Identifier
) -> CardReadingState:
    state, card = await _look_at_saving(call, enrolment_id, reading_id)
    return CardReadingState(state=card_pages.READING_STATES[state], card=card)


@router.delete("/enrolments/{enrolment_id}/card/readings", status_code=204)
async def stop_reading(call: Caller, enrolment_id: str) -> None:
    _, person = await find_verified(call, enrolment_id)
    await card_pages.shut_pages(call.context, call.session, person.person_id)
    call.afterwards.append(call.context.wake)


@router.post("/enrolments/{enrolment_id}/palms", openapi_extra=signed_request.ENVELOPE)
async def add_palm(call: Caller, enrolment_id: str, request: Request) -> PalmAccepted:
    session, context = call.session, call.context
    _, person, _ = await _find_growing(call, enrolment_id)
    joined = await catch_up(session, context.master, context.gallery)
    await captures.count(call, Limits.SEARCHES_BY_DEVICE)
    others = await palms_of(session, person)
    await session.commit()
    compared: list[set[str]] = []

    async def compare(examined: ExaminedPalm) -> tuple[bool, bool]:
        twice = await _is_one_of(call, examined, others)
        compared[:] = [set() for _ in examined.probes]
        return twice, await _has_account(call, examined.side, examined.probes, compared)

    try:
        examined, (twice, has_account) = await captures.examine(
            call, request, [Purpose.ENROL], compare, enrolment_id
        )
    except Lifeless:
        await limits.spend(session, Limits.LIFELESS_IN_ENROLMENT, enrolment_id, call.now)
        raise Refusal(ProblemType.PALM_NOT_LIVE) from None
    if not (examined.pulse or call.context.policy.is_sure(examined.score)):
        await limits.spend(session, Limits.LIFELESS_IN_ENROLMENT, enrolment_id, call.now)
        raise Refusal(ProblemType.HOLD_LONGER)
    if not _frames_agree(call, examined):
        raise Refusal(ProblemType.PALM_UNUSABLE, "its pictures are too unlike one another")
    while True:
        _, person, has_joined = await _find_growing(call, enrolment_id)
        palms = await palms_of(session, person)
        if len(palms) == PALMS:
            raise Refusal(ProblemType.CONFLICT, f"no more than {PALMS} palms")
        if twice:
            raise Refusal(ProblemType.SAME_PALM_TWICE)
        if has_account:
            raise Refusal(ProblemType.PALM_KNOWN)
        # As in a completion, whoever joined while the vault was asked is searched as well.
        if not has_joined or await nobody_joined_after(session, joined):
            break
        joined = await catch_up(session, context.master, context.gallery)
        await session.commit()
        has_account = await _has_account(call, examined.side, examined.probes, compared)
    added = add_enrolled_palm(session, person, examined.side, examined.current)
    if has_joined:
        call.afterwards.append(partial(add_to_gallery, context, [added]))
    call.person = person
    return PalmAccepted(
        side=examined.side,
        palms=[*(palm.side for palm in palms), examined.side],
    )


@router.post("/enrolments/{enrolment_id}/completion")
async def complete(call: Caller, enrolment_id: str) -> Account:
    session, context = call.session, call.context
    searched: tuple[list[Entry], int] | None = None
    compared = defaultdict[str, set[str]](set)
    while True:
        row, person = await find_verified(call, enrolment_id)
        palms = await palms_of(session, person)
        cards = await cards_of(session, person)
        if not palms or not cards:
            raise Refusal(ProblemType.CONFLICT, "a card and a palm are needed")
        beginning = await begun.begun_by(context, session, person)
        site_id = (await call.device()).site_id
        if beginning and not await context.accounts.agrees_at(session, person, site_id):
            raise Refusal(ProblemType.CONFLICT, "the person has not agreed here")
        joined = await catch_up(session, context.master, context.gallery)
        if searched == (palms, joined) and await nobody_joined_after(session, joined):
            break
        # The palm may have been enrolled in another account meanwhile. The vault is asked outside
        # a transaction, so whoever joins while it answers is searched as well before this one does.
        await session.commit()
        for palm in palms:
            probe = ProtectedProbe(palm.template, palm.template.sealed)
            if await _has_account(call, palm.side, [probe], [compared[palm.palm_id]]):
                raise Refusal(ProblemType.PALM_KNOWN)
        searched = palms, joined
    (card,) = cards.values()
    profile = person.open(Profile, row.profile, PROFILE)
    await add_account(
        session,
        person,
        phone_lookup=row.phone_lookup,
        profile=row.profile,
        joined=joined + 1,
        now=call.now,
    )
    if beginning is None:
        await add_agreement(session, person, row.merchant_id, call.now, profile.consent_version)
    await context.events.note(
        context,
        session,
        Event.ENROLLED,
        merchant_id=row.merchant_id,
        data={"enrolment": row.id, "device": row.device_id, "site": site_id},
    )
    erased = await begun.end_with_account(session, context, row.phone_lookup, person)
    await card_pages.shut_pages(context, session, person.person_id)
    row.profile = MOVED
    call.person = person
    call.afterwards.append(partial(add_to_gallery, context, palms))
    if erased:
        call.afterwards += [context.wake, partial(context.database.forget_erased, *erased)]
    return Account(
        name_hint=profile.name_hint,
        phone_last4=profile.phone_last4,
        card=card.shown(call.now),
        palms=[palm.side for palm in palms],
    )


@router.delete("/enrolments/{enrolment_id}", status_code=204)
@signed_request.for_deletions()
async def cancel(call: Caller, enrolment_id: str) -> None:
    row, person = await _find(call, enrolment_id)
    if await _has_joined(call.session, row):
        raise Refusal(ProblemType.NOT_FOUND)
    erased = await _end(call.session, call.context, person)
    forget = partial(call.context.database.forget_erased, *erased)
    call.afterwards += [call.context.wake, forget]


async def erase_expired(context: Context) -> None:
    """Erases everything in enrolments that expired before they were completed, and ends the others
    that have expired. What was begun in the portal is kept until its own end."""
    async with context.database.session() as session:
        is_over = EnrolmentRow.expires_at <= context.clock()
        await session.execute(
            delete(EnrolmentRow).where(
                is_over, EnrolmentRow.person_id.in_(select(AccountRow.person_id))
            )
        )
        expired = await session.scalars(select(EnrolmentRow.person_id).where(is_over))
        erased: list[str] = []
        for person_id in expired.all():
            person = await find_person(session, context.master, person_id)
            erased += await _end(session, context, person)
        await session.commit()
    if erased:
        await context.database.forget_erased(*erased)


async def erase_unfinished(
    session: AsyncSession, context: Context, phone_lookup: str
) -> Sequence[str]:
    """Erases everything in the enrolments of a mobile number that are not completed, and in what
    was begun with it in the portal. Returns the ids of the people who were erased."""
    erased = await begun.end_with_account(session, context, phone_lookup)
    found = await session.scalars(
        select(EnrolmentRow.person_id).where(EnrolmentRow.phone_lookup == phone_lookup)
    )
    unfinished = found.all()
    for person_id in unfinished:
        await begun.erase(session, context, await find_person(session, context.master, person_id))
    return [*erased, *unfinished]


async def _end(session: AsyncSession, context: Context, person: OpenPerson) -> list[str]:
    """Erases everything in an enrolment that is not completed, and returns the ids of what was
    erased. What was begun in the portal stays: its person can finish another time."""
    beginning = await begun.begun_by(context, session, person)
    if beginning is not None:
        return await begun.let_go(session, beginning)
    await begun.erase(session, context, person)
    return [person.person_id]


async def _look_at_saving(call: Call, enrolment_id: str, page_id: str) -> tuple[str, Card | None]:
    """Returns the state of a page or a reading of an enrolment, and the card that was saved. Raises
    Refusal."""
    session, context = call.session, call.context
    _, person = await find_verified(call, enrolment_id)
    with card_pages.refusing():
        state = await card_pages.look_at(context, session, page_id, person.person_id)
    row, person = await find_verified(call, enrolment_id)
    if state != card_pages.OPEN:
        call.afterwards.append(context.wake)
    if state != card_pages.SAVED:
        return state, None
    (saved,) = (await cards_of(session, person)).values()
    profile = person.open(Profile, row.profile, PROFILE)
    row.profile = person.seal(profile.model_copy(update={"holder": saved.holder}), PROFILE)
    return state, saved.shown(call.now)


async def _find(call: Call, enrolment_id: str) -> tuple[EnrolmentRow, OpenPerson]:
    # It is read again when it was read before: it may have been completed or erased meanwhile.
    row = await held(call.session, EnrolmentRow, enrolment_id)
    # A device may have come to another merchant since.
    merchant_id = (await call.device()).merchant_id
    if row is None or (row.device_id, row.merchant_id) != (call.device_id, merchant_id):
        raise Refusal(ProblemType.NOT_FOUND)
    if row.expires_at <= call.now:
        raise Refusal(ProblemType.EXPIRED)
    return row, await find_person(call.session, call.context.master, row.person_id)


async def find_verified(call: Call, enrolment_id: str) -> tuple[EnrolmentRow, OpenPerson]:
    """Returns an enrolment at the calling device whose number is proven, and which is not completed
    yet. Raises Refusal."""
    row, person, has_joined = await _find_growing(call, enrolment_id)
    if has_joined:
        raise Refusal(ProblemType.NOT_FOUND)
    return row, person


async def account_made(call: Call, enrolment_id: str, *, since: datetime) -> OpenPerson:
    """Returns who has signed up by an enrolment at the calling device that was begun since then.
    Raises Refusal."""
    row, person = await _find(call, enrolment_id)
    if row.expires_at - ENROLMENT_LIFE < since or not await _has_joined(call.session, row):
        raise Refusal(ProblemType.NOT_ACCEPTED, "the sign-up is not completed, or was begun before")
    return person


async def _find_growing(call: Call, enrolment_id: str) -> tuple[EnrolmentRow, OpenPerson, bool]:
    """Returns an enrolment to which a palm may be added, and whether it has become an account."""
    row, person = await _find(call, enrolment_id)
    if not row.verified:
        raise Refusal(ProblemType.CONFLICT, "the number has not been verified")
    holder = await person_id_of(call.session, row.phone_lookup)
    if holder not in (None, row.person_id):
        raise Refusal(ProblemType.CONFLICT, "the number has an account already")
    return row, person, holder is not None


async def _has_joined(session: AsyncSession, row: EnrolmentRow) -> bool:
    """Returns whether an enrolment was completed."""
    return await person_id_of(session, row.phone_lookup) == row.person_id


async def _has_account(
    call: Call, side: Side, probes: Sequence[ProtectedProbe], compared: Sequence[set[str]]
) -> bool:
    """Returns whether a palm is enrolled in an account. Asked again, it is not compared once more
    with the palms that are `compared`, one set for each probe: only whoever has joined since is."""
    gallery, policy = call.context.gallery, call.context.policy
    certain = policy.accept(len(gallery))
    return bool(await gallery.search(side, probes, certain, certain, compared))


async def _is_one_of(call: Call, examined: ExaminedPalm, palms: list[Entry]) -> bool:
    """Returns whether a palm is one of those that were added to the enrolment before."""
    context, version = call.context, examined.current.version
    sealed = [
        palm.template.sealed
        for palm in palms
        if (palm.side, palm.template.version) == (examined.side, version)
    ]
    scores = await context.vault.compare(version, examined.probes[0].whole, sealed)
    enough = context.policy.verify()
    return any(s is not None and context.policy.rarity(version, s) >= enough for s in scores)


def _frames_agree(call: Call, examined: ExaminedPalm) -> bool:
    """Returns whether one frame of a capture would be accepted as the palm of the others.

    If even these frames do not match each other, later ones will not match what is enrolled.
    """
    if examined.agreement is None:
        return True
    context = call.context
    rarity = context.policy.rarity(examined.current.version, examined.agreement)
    return rarity >= context.policy.accept(len(context.gallery))


async def _send(
    call: Call, row: EnrolmentRow, merchant: MerchantRow, profile: Profile, one_time_code: str
) -> None:
    context = call.context
    text = one_time_codes.text(merchant.name, one_time_code)
    try:
        await context.messenger.send(profile.phone, text)
    except NotSent as error:
        log.warning("a code was not sent: %s", error)
        if row.sent == 1:
            _, person = await _find(call, row.id)
            await _end(call.session, context, person)
            await call.session.commit()
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None


def enrolment_of(row: EnrolmentRow) -> Enrolment:
    """Returns an enrolment as a kiosk is told it."""
    return Enrolment(
        enrolment_id=row.id,
        expires_at=row.expires_at,
        resend_after=int(RESEND_AFTER.total_seconds()),
    )


async def renew_lookups(session: AsyncSession, old: MasterKey, new: MasterKey) -> None:
    """Makes the keyed hashes of enrolments anew with another master key. Those of accounts are made
    already: a completed enrolment takes its account's."""
    for person, row in await opened(session, old, select(EnrolmentRow), EnrolmentRow.person_id):
        if row.profile != MOVED:
            phone = person.open(Profile, row.profile, PROFILE).phone
            row.phone_lookup = new.lookup("phone", phone)
        else:
            account = await session.get_one(AccountRow, row.person_id)
            row.phone_lookup = account.phone_lookup
