"""Purchases, each charged exactly once.

A purchase is stored as pending before the provider hears of it, and stored again with the
provider's name for the payment before any money moves. A repeated request, a question about the
purchase and the next start of the service all find it pending, and finish that same payment. One
whose card is still to be presented is awaiting before that (`cloud.payments.card_purchases`).

A bank may want the card's holder to confirm a payment. Where the device waits for that, the
purchase stays pending until they do on their phone, the device ends it, or it has taken too long.
"""

import logging
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter
from sqlalchemy import delete, exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context, Event
from cloud.db.locks import held, lock
from cloud.db.tables import new_id
from cloud.keys.persons import OpenPerson, find_person
from cloud.merchants.merchants import merchant_of
from cloud.payments import ledger, readers, receipts
from cloud.payments.cards import cards_of, default_of
from cloud.payments.settling import AWAITING, OPEN, PENDING, settle_each, turn
from cloud.payments.tables import PurchaseRow, RefundRow
from cloud.policy import BOOKKEEPING, IDENTIFICATION_LIFE, PURCHASE_PATIENCE, Limits
from cloud.providers import (
    ABANDONED,
    NO_CARD,
    CardRefused,
    Declined,
    HolderAsked,
    NotPaid,
    Paid,
    PaymentRefused,
    ProviderUnavailable,
    Settled,
)
from cloud.recognition import refusals
from cloud.recognition.identifications import accepted_for, find
from cloud.web import limits, signed_request
from cloud.web.amounts import Demand, demanded
from cloud.web.devices import find_device
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.messages import (
    Card,
    CardPurchaseRequest,
    Identifier,
    Money,
    PrintedReceipt,
    ProblemType,
    Purchase,
    PurchaseRequest,
    Purpose,
    Told,
)

log = logging.getLogger(__name__)

router: APIRouter = signed_request.router()

APPROVED, DECLINED, NOT_PAID = "approved", "declined", "not_paid"
_OUTCOMES: Mapping[str, Literal["approved", "declined", "not_paid"]] = {
    APPROVED: "approved",
    DECLINED: "declined",
    NOT_PAID: "not_paid",
}


@router.post(
    "/purchases",
    responses=signed_request.leads_to(
        "reference",
        "purchases.tell_purchase",
        "purchases.end",
        "purchases.note_what_was_told",
        "purchases.print_receipt",
        "purchases.decline_receipt",
        "refunds.give_back",
        "refunds.tell_total",
    ),
)
async def buy(call: Caller, request: PurchaseRequest) -> Purchase:
    row = await find_own(call, request.reference)
    if row is None:
        row = await _store_pending(call, request)
    elif not _is_for(row, request):
        raise Refusal(ProblemType.CONFLICT, "another purchase has this reference")
    return await _told_once_finished(call, row)


@router.get("/purchases/{reference}")
async def tell_purchase(call: Caller, reference: Identifier) -> Purchase:
    return await _told_once_finished(call, await _find_anywhere(call, reference))


@router.post("/purchases/{reference}/end")
async def end(call: Caller, reference: Identifier) -> Purchase:
    """Ends the wait for the holder of a purchase's card: what they have not confirmed by now is
    cancelled and declined."""
    row = await find_to_end(call, reference)
    if row is None or row.terminal is not None:
        raise Refusal(ProblemType.NOT_FOUND)
    row.asks_holder = False
    return await _told_once_finished(call, row)


@router.put("/purchases/{reference}/told", status_code=204)
async def note_what_was_told(call: Caller, reference: Identifier, answer: Told) -> None:
    """Stores what the till was told about a purchase of the device."""
    found = await find_to_end(call, reference)
    # Its person may be deleted at this moment.
    row = None if found is None else await held(call.session, PurchaseRow, found.id)
    if row is None:
        raise Refusal(ProblemType.NOT_FOUND)
    if row.told != answer.result:
        is_of_the_deleted = row.person_id is None and row.terminal is None
        row.told, row.told_at = answer.result, None if is_of_the_deleted else call.now


@router.put("/purchases/{reference}/receipt", status_code=204)
async def print_receipt(call: Caller, reference: Identifier, printed: PrintedReceipt) -> None:
    """Has the till's own words sent to the shopper's phone as the receipt of a purchase of the
    device."""
    row = await find_own(call, reference)
    if row is None:
        raise Refusal(ProblemType.NOT_FOUND)
    if not await receipts.print_in_place(call.context, call.session, row, printed.text):
        raise Refusal(ProblemType.CONFLICT, "no receipt of this purchase is to be sent")


@router.delete("/purchases/{reference}/receipt", status_code=204)
async def decline_receipt(call: Caller, reference: Identifier) -> None:
    """Has no receipt of a purchase of the device sent to the shopper's phone."""
    row = await find_own(call, reference)
    if row is None:
        raise Refusal(ProblemType.NOT_FOUND)
    if not await receipts.decline(call.session, row):
        raise Refusal(ProblemType.CONFLICT, "the receipt is on its way")


async def find_finished(call: Call, reference: str) -> PurchaseRow:
    """Returns a purchase of the device or of another one of its merchant, which is finished first,
    and leaves a transaction open. The answer is taken to be about the purchase's person. Raises
    Refusal."""
    row = await _find_anywhere(call, reference)
    await must_be_finished(call, row)
    return row


async def must_be_finished(call: Call, row: PurchaseRow) -> None:
    """Finishes a purchase, and leaves a transaction open. The answer is taken to be about the
    purchase's person. Raises Refusal."""
    await finish(call, row)
    if row.outcome in OPEN:
        detail = "its card or the confirmation of its holder is still awaited"
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, detail, retry_after=2)


async def find_of_merchant(
    session: AsyncSession, merchant_id: str, purchase_id: str
) -> PurchaseRow | None:
    """Returns a purchase of a merchant; None when it has none of this id."""
    row = await session.get(PurchaseRow, purchase_id)
    return row if row is not None and row.merchant_id == merchant_id else None


def outcome_of(row: PurchaseRow) -> Literal["approved", "declined", "not_paid"] | None:
    """Returns how a purchase has ended; None while it is open."""
    return _OUTCOMES.get(row.outcome)


async def settle(
    context: Context,
    session: AsyncSession,
    row: PurchaseRow,
    *,
    asked: CardPurchaseRequest | None = None,
    ends: bool = False,
) -> HolderAsked | None:
    """Finishes an open purchase; one whose card is awaited stays open until it is taken. Returns
    where the card's holder confirms it, when the bank wants that and the device waits. It must be
    called outside a transaction, and leaves one open.

    `asked` is the request for a card that is presented: without it, none is begun. `ends` tells
    that the card is awaited no longer. Raises ProviderUnavailable, ReaderTrouble, and Refusal when
    it was not paid and its person was deleted since.
    """
    async with turn(context, session, row) as is_open:
        if not is_open:
            return None
        try:
            outcome = await _outcome(context, session, row, asked, ends=ends)
        except CardRefused:
            outcome = Declined("card_declined")
        except PaymentRefused as refused:
            outcome = NotPaid(str(refused))
        match outcome:
            case None:
                pass
            case HolderAsked():
                return outcome
            case Paid():
                row.outcome, row.decline_reason = APPROVED, None
                await receipts.promise(context, session, row)
                await _tell(context, session, row)
                await ledger.post(
                    session,
                    ledger.SALE,
                    row,
                    subject=row.id,
                    minor=row.amount_minor,
                    at=context.clock(),
                )
            case Declined(reason):
                row.outcome, row.decline_reason = DECLINED, reason
            case NotPaid(reason):
                row.outcome, row.decline_reason = NOT_PAID, reason
                if reason != NO_CARD:
                    log.error("the purchase %s was not paid: %s", row.reference, reason)
        await session.flush()
        if row.outcome not in OPEN:
            context.telemetry.purchased(row.outcome, "card" if row.terminal else "palm")
    return None


async def settle_purchases(context: Context) -> None:
    """Finishes the purchases that a crash or an unreachable provider left pending."""
    await settle_each(context, PurchaseRow, settle, "a purchase")


async def count_purchases(session: AsyncSession, person: OpenPerson) -> int:
    """Returns how many purchases a person has made. Those that were not paid are none."""
    count = await session.scalar(
        select(func.count()).where(
            PurchaseRow.person_id == person.person_id,
            PurchaseRow.outcome.in_((PENDING, APPROVED)),
        )
    )
    return count or 0


async def made_at(session: AsyncSession, person: OpenPerson, merchant_id: str) -> list[datetime]:
    """Returns when a person has bought something at a merchant."""
    theirs = PurchaseRow.person_id == person.person_id, PurchaseRow.merchant_id == merchant_id
    paid = PurchaseRow.outcome == APPROVED
    return list(await session.scalars(select(PurchaseRow.at).where(*theirs, paid)))


async def times_for_the_books(session: AsyncSession, person: OpenPerson) -> list[datetime]:
    """Returns the times of the purchases that are kept when a person is deleted."""
    theirs = PurchaseRow.person_id == person.person_id
    times = await session.scalars(
        select(PurchaseRow.at).where(theirs, PurchaseRow.outcome == APPROVED)
    )
    return list(times)


async def hold_back_refunds(session: AsyncSession, person: OpenPerson) -> None:
    """Has whoever asks for a refund of a person's purchases wait until the transaction ends, in
    which the person is deleted."""
    # Nothing changes, because the person may have to stay. A lock of rows on several servers is
    # more than a distributed database takes.
    theirs = update(PurchaseRow).where(PurchaseRow.person_id == person.person_id)
    await session.execute(theirs.values(recognised_at=PurchaseRow.recognised_at))


async def keep_for_the_books(session: AsyncSession, person: OpenPerson) -> None:
    """Removes from a person's purchases everything that leads to the person, and deletes those that
    were not paid. None may be pending."""
    theirs = PurchaseRow.person_id == person.person_id
    await session.execute(delete(PurchaseRow).where(theirs, PurchaseRow.outcome != APPROVED))
    for row in (await session.scalars(select(PurchaseRow).where(theirs))).all():
        await receipts.withdraw(session, row)
        row.person_id = row.identification_id = row.payment = row.dispute = row.card_id = None
        # The books need no place, which was kept for the person's own eyes.
        row.asks_holder = row.site_id = row.recognised_at = row.told_at = None
    await session.flush()


OF_THE_DELETED = PurchaseRow.person_id.is_(None) & PurchaseRow.terminal.is_(None)
"""Holds for the purchases of people who were deleted. A card that was presented names nobody."""


async def count_leading_to_the_deleted(session: AsyncSession) -> int:
    """Returns how many purchases lead to a person who was deleted."""
    leads = (
        PurchaseRow.identification_id.is_not(None)
        | PurchaseRow.payment.is_not(None)
        | (PurchaseRow.outcome != APPROVED)
    )
    count = await session.scalar(select(func.count()).where(OF_THE_DELETED, leads))
    return count or 0


async def forget_expired(session: AsyncSession, now: datetime) -> bool:
    """Deletes the purchases that the merchant's books need no longer, and what the ledger has of
    them. Those of which a refund is kept are kept with it. Returns whether there were any."""
    deleted = await session.scalars(
        delete(PurchaseRow)
        .where(
            PurchaseRow.at <= now - BOOKKEEPING,
            PurchaseRow.outcome.not_in(OPEN),
            ~exists().where(RefundRow.purchase_id == PurchaseRow.id),
        )
        .returning(PurchaseRow.id)
    )
    purchase_ids = deleted.all()
    await ledger.forget(session, purchase_ids)
    return bool(purchase_ids)


async def has_pending_purchase(session: AsyncSession, person: OpenPerson) -> bool:
    pending = await session.scalar(
        select(PurchaseRow.id)
        .where(PurchaseRow.person_id == person.person_id, PurchaseRow.outcome == PENDING)
        .limit(1)
    )
    return pending is not None


async def _tell(context: Context, session: AsyncSession, row: PurchaseRow) -> None:
    """Has the person of a purchase that was approved just now told of it, and the merchant."""
    await context.events.note(
        context,
        session,
        Event.PAID,
        merchant_id=row.merchant_id,
        data=for_events(row),
        person_id=row.person_id,
    )
    if row.person_id is None:
        return
    person = await find_person(session, context.master, row.person_id)
    what = f"your palm paid {receipts.amount_of(row)}"
    await context.alerts.promise(
        context, session, person, merchant_id=row.merchant_id, what=what, at=row.at
    )


def for_events(row: PurchaseRow) -> dict[str, Any]:
    """Returns what the merchant's systems are told of a purchase."""
    return {
        "purchase": row.id,
        "reference": row.reference,
        "device": row.device_id,
        "amount": {"minor": row.amount_minor, "currency": row.currency},
    }


async def _outcome(
    context: Context,
    session: AsyncSession,
    row: PurchaseRow,
    asked: CardPurchaseRequest | None,
    *,
    ends: bool,
) -> Settled | HolderAsked | None:
    """Returns how a purchase has ended, None when it has not."""
    if row.outcome == AWAITING:
        begins = asked is not None
        return await readers.outcome_at_reader(context, session, row, begins=begins, ends=ends)
    late = context.clock() - row.at > PURCHASE_PATIENCE
    if row.payment is not None:
        if late:
            return await context.payments.abandon(row.payment)
        return await context.payments.finish(row.payment, asks_holder=bool(row.asks_holder))
    if not late and row.terminal is None:
        return await _pay(context, session, row)
    if not late and asked is not None and asked.token is not None:
        return await _pay_with_token(context, session, row, asked.token)
    # A token is not stored: only the request that carries it can go on.
    return NotPaid(ABANDONED) if late or ends else None


async def _pay_with_token(
    context: Context, session: AsyncSession, row: PurchaseRow, token: str
) -> Settled | HolderAsked:
    amount = Money(minor=row.amount_minor, currency=row.currency)
    payment, card = await context.payments.begin_with_token(amount, token, row.id, row.account)
    row.payment, row.card_brand, row.card_last4 = payment, card.brand, card.last4
    await session.commit()
    return await context.payments.finish(payment)


async def _pay(context: Context, session: AsyncSession, row: PurchaseRow) -> Settled | HolderAsked:
    if row.person_id is None or row.identification_id is None:
        return NotPaid(ABANDONED)
    person = await find_person(session, context.master, row.person_id)
    cards = await cards_of(session, person)
    # A purchase of an earlier version names no card: its person had one.
    card = cards.get(row.card_id or next(iter(cards), ""))
    if card is None:
        return NotPaid(ABANDONED)
    await session.commit()
    amount = Money(minor=row.amount_minor, currency=row.currency)
    # The provider's record of the payment names the identification, which a deletion clears here.
    # The row's own id stays, so the provider must not know it.
    payment = row.payment = await context.payments.begin(
        amount, card.on_file, row.identification_id, row.account
    )
    await session.commit()
    return await context.payments.finish(payment, asks_holder=bool(row.asks_holder))


def _is_for(row: PurchaseRow, request: PurchaseRequest) -> bool:
    """Returns whether a request is for this purchase. The identification of a purchase whose person
    was deleted is not known any more."""
    if row.terminal is not None or not is_of(row, request.amount):
        return False
    if row.card_id is not None and request.card_id not in (None, row.card_id):
        return False
    return row.identification_id in (None, request.identification_id)


def is_of(row: PurchaseRow, amount: Money) -> bool:
    """Returns whether a purchase is of this amount."""
    return (row.amount_minor, row.currency) == (amount.minor, amount.currency)


async def find_own(call: Call, reference: str) -> PurchaseRow | None:
    """Returns the purchase that the device itself made. Nobody else stores one under its reference
    before the transaction ends."""
    await lock(call.session, "purchase", call.device_id, reference)
    return await call.session.scalar(
        select(PurchaseRow).where(
            PurchaseRow.merchant_id == (await call.device()).merchant_id,
            PurchaseRow.reference == reference,
            PurchaseRow.device_id == call.device_id,
        )
    )


async def find_to_end(call: Call, reference: str) -> PurchaseRow | None:
    """Returns the purchase that the device made, or one of its merchant's that is revoked by now: a
    kiosk whose keys were destroyed is another device, and has its journal still."""
    row = await find_own(call, reference)
    if row is not None:
        return row
    row = await _find_elsewhere(call, reference)
    made_by = None if row is None else await find_device(call.session, row.device_id)
    return None if made_by is None or made_by.revoked_at is None else row


async def _find_anywhere(call: Call, reference: str) -> PurchaseRow:
    """Returns a purchase of the device or of another one of its merchant. Raises Refusal."""
    row = await find_own(call, reference) or await _find_elsewhere(call, reference)
    if row is None:
        raise Refusal(ProblemType.NOT_FOUND)
    return row


async def _find_elsewhere(call: Call, reference: str) -> PurchaseRow | None:
    """Returns the purchase that another device of the merchant made. Raises Refusal when several
    have made one of this reference."""
    made = await call.session.scalars(
        select(PurchaseRow)
        .where(
            PurchaseRow.merchant_id == (await call.device()).merchant_id,
            PurchaseRow.reference == reference,
        )
        .limit(2)
    )
    rows = made.all()
    if len(rows) > 1:
        detail = "several kiosks have sold under this reference: ask at the one that is meant"
        raise Refusal(ProblemType.CONFLICT, detail)
    return rows[0] if rows else None


async def _store_pending(call: Call, request: PurchaseRequest) -> PurchaseRow:
    session = call.session
    merchant = await merchant_of(call)
    check_amount(call.context, merchant.currency, request.amount)
    person = await accepted_for(call, request.identification_id, Purpose.PAY)
    identification = await find(call, request.identification_id)
    spent = await session.scalar(
        select(PurchaseRow.id).where(PurchaseRow.identification_id == request.identification_id)
    )
    if spent is not None:
        raise Refusal(ProblemType.NOT_ACCEPTED, "this identification has paid already")
    needed = await demanded(call, request.amount)
    if Demand.PULSE in needed and not identification.pulse:
        raise Refusal(ProblemType.HOLD_LONGER)
    if Demand.DIGITS in needed and not identification.digits:
        # The palm is asked for again, and then the amount is told with it.
        raise Refusal(ProblemType.NOT_ACCEPTED, "this amount needs digits of the number")
    if Demand.STAFF in needed and not request.staff_seen:
        raise Refusal(ProblemType.STAFF_REQUIRED)
    cards = await cards_of(session, person)
    card_id = request.card_id or default_of(cards, call.now)
    if card_id is None:
        raise Refusal(ProblemType.CARD_REFUSED, "there is no card")
    card = cards.get(card_id)
    if card is None:
        raise Refusal(ProblemType.NOT_ACCEPTED, "the person has no such card any more")
    try:
        await limits.spend(session, Limits.PURCHASES, person.person_id, call.now)
    except Refusal:
        await refusals.note(
            call.context,
            session,
            person,
            identification,
            "too_many",
            site_id=(await call.device()).site_id,
            now=call.now,
        )
        raise
    row = PurchaseRow(
        id=new_id(),
        merchant_id=merchant.id,
        device_id=call.device_id,
        site_id=(await call.device()).site_id,
        reference=request.reference,
        person_id=person.person_id,
        identification_id=request.identification_id,
        recognised_at=identification.expires_at - IDENTIFICATION_LIFE,
        amount_minor=request.amount.minor,
        currency=request.amount.currency,
        card_brand=card.brand,
        card_last4=card.last4,
        card_id=card_id,
        payment=None,
        account=merchant.account,
        terminal=None,
        asks_holder=request.asks_holder,
        outcome=PENDING,
        decline_reason=None,
        at=call.now,
    )
    session.add(row)
    await session.flush()
    return row


def check_amount(context: Context, currency: str, amount: Money) -> None:
    """Raises Refusal when an amount cannot be charged in the merchant's currency."""
    if amount.currency != currency:
        raise Refusal(ProblemType.MALFORMED, f"sales here are in {currency}", status=422)
    chargeable = context.payments.chargeable(currency)
    why = "the provider does not carry it" if chargeable is None else chargeable.refusal(amount)
    if why is not None:
        raise Refusal(ProblemType.NOT_CHARGEABLE, why)


async def _told_once_finished(call: Call, row: PurchaseRow) -> Purchase:
    """Returns what is told about a purchase, which is finished first. Raises Refusal."""
    asked = await finish(call, row)
    if asked is not None:
        raise Refusal(ProblemType.HOLDER_ASKED, confirm_url=asked.url)
    if row.outcome in OPEN:
        detail = "the card of this purchase is still awaited"
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, detail, retry_after=2)
    return told(row)


async def finish(
    call: Call,
    row: PurchaseRow,
    *,
    asked: CardPurchaseRequest | None = None,
    ends: bool = False,
) -> HolderAsked | None:
    """Finishes a purchase as `settle` does. Raises ReaderTrouble and Refusal."""
    context = call.context
    await call.session.commit()
    try:
        holder = await settle(context, call.session, row, asked=asked, ends=ends)
    except ProviderUnavailable as error:
        log.warning("a purchase stays pending: %s", error)
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=2) from None
    if row.person_id is not None:
        call.person = await find_person(call.session, context.master, row.person_id)
    return holder


def told(row: PurchaseRow) -> Purchase:
    """Returns what is told about a finished purchase."""
    card = Card(brand=row.card_brand, last4=row.card_last4) if row.card_last4 else None
    return Purchase(
        purchase_id=row.id,
        reference=row.reference,
        amount=Money(minor=row.amount_minor, currency=row.currency),
        outcome=_OUTCOMES[row.outcome],
        decline_reason=row.decline_reason,
        card=card,
        receipt=row.receipt in {receipts.WAITING, receipts.SENT},
        at=row.at,
    )
