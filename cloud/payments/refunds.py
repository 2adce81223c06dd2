"""Refunds of purchases, in full or in part, each given exactly once.

A refund is stored as pending before the provider hears of it, together with the name that the
provider will store with it. A repeated request, a question about the refund and the next round of
housekeeping all find it pending, and finish that same refund, however long the provider was away.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Literal

from fastapi import APIRouter
from sqlalchemy import Select, delete, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from cloud.context import Context, Event
from cloud.db.locks import held
from cloud.db.tables import new_id
from cloud.keys.persons import OpenPerson, find_person
from cloud.payments import ledger, purchases
from cloud.payments.settling import PENDING, settle_each, turn
from cloud.payments.tables import LedgerRow, PurchaseRow, RefundRow
from cloud.policy import BOOKKEEPING
from cloud.providers import ABANDONED, NotRefunded, ProviderUnavailable, Refunded
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.messages import (
    Card,
    Chargeable,
    Identifier,
    Money,
    ProblemType,
    Refund,
    RefundRequest,
    RefundTotal,
)

log = logging.getLogger(__name__)

router: APIRouter = signed_request.router()

REFUNDED, FAILED = "refunded", "failed"
_OUTCOMES: Mapping[str, Literal["refunded", "failed"]] = {REFUNDED: "refunded", FAILED: "failed"}

_IS_IN_THE_BOOKS = (RefundRow.outcome == REFUNDED) | exists().where(
    LedgerRow.merchant_id == RefundRow.merchant_id,
    LedgerRow.kind == ledger.REFUND,
    LedgerRow.subject == RefundRow.id,
)
"""Whether money was given back, even if it has come back since. The first versions had no
ledger."""


class Reason(StrEnum):
    """Why money is given back. Staff choose and do not type: what they have done stays in the
    audit trail, where nothing about a shopper may stand."""

    RETURNED = "returned"
    NOT_GIVEN = "not-given"
    WRONG_AMOUNT = "wrong-amount"
    PAID_TWICE = "paid-twice"
    GOODWILL = "goodwill"
    OTHER = "other"


@router.post("/purchases/{reference}/refunds")
async def give_back(call: Caller, reference: Identifier, request: RefundRequest) -> Refund:
    return await give_back_for(call, await purchases.find_finished(call, reference), request)


async def give_back_for(
    call: Call, purchase: PurchaseRow, request: RefundRequest, reason: Reason | None = None
) -> Refund:
    """Gives a finished purchase back for whoever calls, a device of its merchant or another sender
    of theirs, under whose name the refund is known. Raises Refusal."""
    row, _ = await ask(
        call.session,
        call.context.payments.chargeable,
        purchase,
        request,
        sender=call.device_id,
        now=call.now,
        reason=reason,
    )
    await call.session.commit()
    return await _settled(call, purchase, row)


async def ask(
    session: AsyncSession,
    chargeable: Callable[[str], Chargeable | None],
    purchase: PurchaseRow,
    request: RefundRequest,
    *,
    sender: str,
    now: datetime,
    reason: Reason | None = None,
) -> tuple[RefundRow, bool]:
    """Stores a refund of a finished purchase as pending, once for its reference and its sender, and
    returns it and whether it is new. It is then finished by `settle`, or by the next round of
    housekeeping. `chargeable` is the provider's (`cloud.providers`). Raises Refusal."""
    # Whoever refunds the same purchase waits here, where the database lets others write meanwhile.
    if await held(session, PurchaseRow, purchase.id) is None:
        # It was not paid, and its person was deleted since.
        raise Refusal(ProblemType.NOT_FOUND)
    row = await session.scalar(
        select(RefundRow).where(
            RefundRow.merchant_id == purchase.merchant_id,
            RefundRow.reference == request.reference,
            RefundRow.device_id == sender,
        )
    )
    if row is not None:
        if not _is_for(row, purchase, request):
            raise Refusal(ProblemType.CONFLICT, "another refund has this reference")
        return row, False
    row = RefundRow(
        id=new_id(),
        purchase_id=purchase.id,
        merchant_id=purchase.merchant_id,
        device_id=sender,
        reference=request.reference,
        of_the_rest=request.amount is None,
        amount_minor=await _amount(session, chargeable, purchase, request.amount),
        # The row's own id stays after a deletion, so the provider must not know it.
        provider_reference=new_id(),
        outcome=PENDING,
        failure_reason=None,
        reason=reason,
        at=now,
    )
    session.add(row)
    await session.flush()
    return row, True


@router.get("/purchases/{reference}/refunds")
async def tell_total(call: Caller, reference: Identifier) -> RefundTotal:
    """Tells how much of a purchase was given back, whoever has asked for it."""
    purchase = await purchases.find_finished(call, reference)
    return RefundTotal(
        purchase_reference=purchase.reference,
        amount=Money(minor=purchase.amount_minor, currency=purchase.currency),
        refunded_minor=await refunded_of(call.session, purchase),
    )


@router.get("/purchases/{reference}/refunds/{refund_reference}")
async def tell_refund(call: Caller, reference: Identifier, refund_reference: Identifier) -> Refund:
    purchase = await purchases.find_finished(call, reference)
    # Another device of the merchant may have asked for it.
    row = await call.session.scalar(
        select(RefundRow)
        .where(RefundRow.purchase_id == purchase.id, RefundRow.reference == refund_reference)
        .order_by(RefundRow.device_id != call.device_id)
        .limit(1)
    )
    if row is None:
        raise Refusal(ProblemType.NOT_FOUND)
    await call.session.commit()
    return await _settled(call, purchase, row)


async def settle(context: Context, session: AsyncSession, row: RefundRow) -> None:
    """Finishes a pending refund. It must be called outside a transaction, and leaves one open.

    Raises ProviderUnavailable, and Refusal when it failed and its person was deleted since.
    """
    async with turn(context, session, row) as is_pending:
        if not is_pending:
            return
        outcome = await _outcome(context, session, row)
        purchase = await session.get_one(PurchaseRow, row.purchase_id)
        match outcome:
            case Refunded():
                row.outcome = REFUNDED
                await _post(context, session, ledger.REFUND, row, purchase)
                await _tell(context, session, Event.REFUNDED, row, purchase)
            case NotRefunded(reason):
                row.outcome, row.failure_reason = FAILED, reason
                log.error("the purchase %s was not refunded: %s", purchase.reference, reason)
        await session.flush()


async def note_failed(context: Context, session: AsyncSession, name: str) -> None:
    """Notes that a refund, by the provider's name for it, had been made and did not reach the card:
    the money is with the merchant again. The operator is told in the log, and the merchant by an
    event.

    It is called in a transaction, which it ends, and leaves another one open. Raises
    ProviderUnavailable.
    """
    await session.commit()
    failed = await context.payments.failed_refund(name)
    if failed is None:
        return
    of_it = RefundRow.provider_reference == failed.reference
    found = await session.scalar(select(RefundRow.id).where(of_it))
    row = None if found is None else await held(session, RefundRow, found)
    if row is None:
        # Its person was deleted.
        log.error("the refund %s has failed, of a purchase that leads to nobody any more", name)
    elif row.outcome == REFUNDED:
        row.outcome, row.failure_reason = FAILED, failed.reason
        purchase = await session.get_one(PurchaseRow, row.purchase_id)
        await _post(context, session, ledger.REFUND_FAILED, row, purchase)
        await _tell(context, session, Event.REFUND_FAILED, row, purchase)
        log.error(
            "the refund %s of the purchase %s was made and has failed since (%s, %s): the shopper "
            "has not got the money. Give it back in another way.",
            row.reference,
            purchase.reference,
            name,
            failed.reason,
        )


async def settle_refunds(context: Context) -> None:
    """Finishes the refunds that a crash or an unreachable provider left pending."""
    await settle_each(context, RefundRow, settle, "a refund")


async def has_pending_refund(session: AsyncSession, person: OpenPerson) -> bool:
    pending = await session.scalar(
        select(RefundRow.id)
        .where(RefundRow.purchase_id.in_(_purchases_of(person)), RefundRow.outcome == PENDING)
        .limit(1)
    )
    return pending is not None


async def must_be_settled(session: AsyncSession, person: OpenPerson) -> None:
    """Raises Refusal while a purchase of a person, or a refund of one, is being completed."""
    is_buying = await purchases.has_pending_purchase(session, person)
    if is_buying or await has_pending_refund(session, person):
        detail = "a payment is still being completed"
        raise Refusal(ProblemType.CONFLICT, detail, retry_after=5)


async def made_at(session: AsyncSession, person: OpenPerson, merchant_id: str) -> list[datetime]:
    """Returns when purchases of a person at a merchant were given back."""
    theirs = RefundRow.purchase_id.in_(_purchases_of(person)), RefundRow.merchant_id == merchant_id
    made = RefundRow.outcome == REFUNDED
    return list(await session.scalars(select(RefundRow.at).where(*theirs, made)))


async def times_for_the_books(session: AsyncSession, person: OpenPerson) -> list[datetime]:
    """Returns the times of the refunds that are kept when a person is deleted."""
    theirs = RefundRow.purchase_id.in_(_purchases_of(person))
    return list(await session.scalars(select(RefundRow.at).where(theirs, _IS_IN_THE_BOOKS)))


async def keep_for_the_books(session: AsyncSession, person: OpenPerson) -> None:
    """Removes from the refunds of a person's purchases what leads to the provider's record of them
    and why staff have made them, and deletes those that were never made. None may be pending, and
    the purchases must still lead to the person."""
    theirs = RefundRow.purchase_id.in_(_purchases_of(person))
    await session.execute(delete(RefundRow).where(theirs, ~_IS_IN_THE_BOOKS))
    for row in await session.scalars(select(RefundRow).where(theirs)):
        row.provider_reference = row.reason = None
    await session.flush()


async def count_leading_to_the_deleted(session: AsyncSession) -> int:
    """Returns how many refunds lead to a person who was deleted."""
    leads = RefundRow.provider_reference.is_not(None) | ~_IS_IN_THE_BOOKS
    of_the_deleted = select(PurchaseRow.id).where(purchases.OF_THE_DELETED)
    count = await session.scalar(
        select(func.count()).where(RefundRow.purchase_id.in_(of_the_deleted), leads)
    )
    return count or 0


async def forget_expired(session: AsyncSession, now: datetime) -> bool:
    """Deletes the refunds that the merchant's books need no longer, those of one purchase together:
    what is left of it is counted by them. Returns whether there were any."""
    other = aliased(RefundRow)
    is_needed = (other.at > now - BOOKKEEPING) | (other.outcome == PENDING)
    has_needed = exists().where(other.purchase_id == RefundRow.purchase_id, is_needed)
    deleted = await session.execute(
        delete(RefundRow)
        # Those that are young are needed. Without this all of them would be read.
        .where(RefundRow.at <= now - BOOKKEEPING, ~has_needed)
        .returning(RefundRow.id)
    )
    return deleted.first() is not None


def _purchases_of(person: OpenPerson) -> Select[str]:
    return select(PurchaseRow.id).where(PurchaseRow.person_id == person.person_id)


async def _post(
    context: Context, session: AsyncSession, kind: str, row: RefundRow, purchase: PurchaseRow
) -> None:
    await ledger.post(
        session, kind, purchase, subject=row.id, minor=row.amount_minor, at=context.clock()
    )


async def _tell(
    context: Context, session: AsyncSession, event: Event, row: RefundRow, purchase: PurchaseRow
) -> None:
    """Has the merchant told of a refund that was made, or has failed, just now."""
    refunded = {"refund": row.id, "refund_reference": row.reference}
    amount = {"minor": row.amount_minor, "currency": purchase.currency}
    await context.events.note(
        context,
        session,
        event,
        merchant_id=row.merchant_id,
        data={**purchases.for_events(purchase), **refunded, "amount": amount},
        person_id=purchase.person_id,
    )


async def _outcome(
    context: Context, session: AsyncSession, row: RefundRow
) -> Refunded | NotRefunded:
    purchase = await session.get_one(PurchaseRow, row.purchase_id, populate_existing=True)
    await session.commit()
    if purchase.payment is None or row.provider_reference is None:
        return NotRefunded(ABANDONED)
    amount = Money(minor=row.amount_minor, currency=purchase.currency)
    return await context.payments.refund(
        purchase.payment, amount, row.provider_reference, purchase.account
    )


def _is_for(row: RefundRow, purchase: PurchaseRow, request: RefundRequest) -> bool:
    """Returns whether a request is for this refund."""
    if row.purchase_id != purchase.id or row.of_the_rest != (request.amount is None):
        return False
    return request.amount in (None, Money(minor=row.amount_minor, currency=purchase.currency))


async def _amount(
    session: AsyncSession,
    chargeable: Callable[[str], Chargeable | None],
    purchase: PurchaseRow,
    asked: Money | None,
) -> int:
    """Returns how much is to be refunded, in the minor unit. Raises Refusal when it cannot be."""
    currency = purchase.currency
    if asked is not None and asked.currency != currency:
        raise Refusal(ProblemType.MALFORMED, f"the purchase was in {currency}", status=422)
    if purchase.outcome != purchases.APPROVED:
        raise Refusal(ProblemType.NOT_REFUNDABLE, "nothing was charged for this purchase")
    left = purchase.amount_minor - await refunded_of(session, purchase)
    minor = left if asked is None else asked.minor
    if minor > left or left == 0:
        detail = f"{left} minor units of {currency} are left of this purchase"
        raise Refusal(ProblemType.NOT_REFUNDABLE, detail)
    if purchase.payment is None:
        detail = "whoever bought has had their data deleted: give the money back in another way"
        raise Refusal(ProblemType.CARD_FORGOTTEN, detail)
    carried = chargeable(currency)
    if carried is None:
        raise Refusal(ProblemType.NOT_REFUNDABLE, f"the provider does not carry {currency}")
    if minor % carried.step:
        detail = f"the provider refunds multiples of {carried.step} minor units of {currency} only"
        raise Refusal(ProblemType.NOT_REFUNDABLE, detail)
    return minor


async def refunded_of(session: AsyncSession, purchase: PurchaseRow) -> int:
    """Returns how much of a purchase was refunded or is about to be, in the minor unit."""
    return (await refunded_of_each(session, [purchase]))[purchase.id]


async def refunded_of_each(session: AsyncSession, rows: Sequence[PurchaseRow]) -> Mapping[str, int]:
    """Returns how much of each purchase was refunded or is about to be, in the minor unit, by its
    id."""
    sums = await session.execute(
        select(RefundRow.purchase_id, func.sum(RefundRow.amount_minor))
        .where(RefundRow.purchase_id.in_([row.id for row in rows]), RefundRow.outcome != FAILED)
        .group_by(RefundRow.purchase_id)
    )
    return {row.id: 0 for row in rows} | {name: int(minor) for name, minor in sums}


async def _settled(call: Call, purchase: PurchaseRow, row: RefundRow) -> Refund:
    context, session = call.context, call.session
    call.person = None  # They may be deleted meanwhile.
    try:
        await settle(context, session, row)
    except ProviderUnavailable as error:
        log.warning("a refund stays pending: %s", error)
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=2) from None
    await session.refresh(purchase)
    if purchase.person_id is not None:
        call.person = await find_person(session, context.master, purchase.person_id)
    return Refund(
        refund_id=row.id,
        reference=row.reference,
        purchase_reference=purchase.reference,
        amount=Money(minor=row.amount_minor, currency=purchase.currency),
        outcome=_OUTCOMES[row.outcome],
        failure_reason=row.failure_reason,
        card=Card(brand=purchase.card_brand, last4=purchase.card_last4),
        at=row.at,
    )
