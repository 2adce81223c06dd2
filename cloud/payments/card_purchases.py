"""Sales that are paid with the card itself, at the terminal of the device that sells.

A reader of the provider's takes the card: the purchase is stored as awaiting, and with the
provider's name for the payment, before the reader is told. When the issuer has agreed the purchase
is pending, and is charged as every other (`cloud.payments.purchases`). So nothing is charged that
nobody waits for any more, and what was taken is charged once, wherever that was interrupted.

A terminal that has read the card already delivers a token instead, which is not stored.
"""

from fastapi import APIRouter
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.tables import new_id
from cloud.merchants.merchants import merchant_of
from cloud.payments import card_pages, purchases, readers
from cloud.payments.settling import AWAITING, OPEN, PENDING
from cloud.payments.tables import PurchaseRow
from cloud.policy import Limits
from cloud.providers import ReaderTrouble
from cloud.web import limits, signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.messages import (
    CardPurchase,
    CardPurchaseRequest,
    Identifier,
    ProblemType,
    Purchase,
)

router: APIRouter = signed_request.router()

TOKEN = "token"  # noqa: S105 - it says that there was one
"""The terminal of a purchase with a token."""


@router.post(
    "/card-purchases",
    responses=signed_request.leads_to(
        "reference", "card_purchases.look", "card_purchases.end", "purchases.tell_purchase"
    ),
)
async def take(call: Caller, request: CardPurchaseRequest) -> CardPurchase:
    if request.reader is not None:
        await readers.driving(call, request.reader)
    row = await purchases.find_own(call, request.reference)
    if row is None:
        row = await _store(call, request)
    elif row.terminal != (request.reader or TOKEN) or not purchases.is_of(row, request.amount):
        raise Refusal(ProblemType.CONFLICT, "another purchase has this reference")
    try:
        await purchases.finish(call, row, asked=request)
    except ReaderTrouble as trouble:
        await purchases.finish(call, row, ends=True)
        if row.outcome == purchases.NOT_PAID:
            # Nothing was charged and nothing will be: the same sale may be tried once more.
            await call.session.delete(row)
            raise Refusal(ProblemType.READER_UNAVAILABLE, reader=trouble.fault) from None
    return _told(row)


@router.get("/card-purchases/{reference}")
async def look(call: Caller, reference: Identifier) -> CardPurchase:
    row = await _find(call, reference)
    await purchases.finish(call, row)
    return _told(row)


@router.post("/card-purchases/{reference}/end")
async def end(call: Caller, reference: Identifier) -> Purchase:
    """Has the card awaited no longer. One that was taken already is charged."""
    row = await _find(call, reference)
    await purchases.finish(call, row, ends=True)
    return purchases.told(row)


async def look_at_reader(context: Context, session: AsyncSession, reader: str) -> None:
    """Looks at what was waited for at a reader that has ended something. It is called in a
    transaction, which it ends, and leaves another one open. Raises ProviderUnavailable."""
    await card_pages.look_at_those_of(context, session, reader)
    awaited = PurchaseRow.terminal == reader, PurchaseRow.outcome == AWAITING
    rows = (await session.scalars(select(PurchaseRow).where(*awaited))).all()
    await session.commit()
    for row in rows:
        await purchases.settle(context, session, row)
        await session.commit()


async def _find(call: Call, reference: str) -> PurchaseRow:
    row = await purchases.find_to_end(call, reference)
    if row is None or row.terminal is None:
        raise Refusal(ProblemType.NOT_FOUND)
    return row


async def _store(call: Call, request: CardPurchaseRequest) -> PurchaseRow:
    merchant = await merchant_of(call)
    purchases.check_amount(call.context, merchant.currency, request.amount)
    await limits.spend(call.session, Limits.CARD_PURCHASES_BY_DEVICE, call.device_id, call.now)
    row = PurchaseRow(
        id=new_id(),
        merchant_id=merchant.id,
        device_id=call.device_id,
        site_id=None,
        reference=request.reference,
        person_id=None,
        identification_id=None,
        amount_minor=request.amount.minor,
        currency=request.amount.currency,
        card_brand="",
        card_last4="",
        payment=None,
        account=merchant.account,
        terminal=request.reader or TOKEN,
        outcome=AWAITING if request.reader else PENDING,
        decline_reason=None,
        at=call.now,
    )
    call.session.add(row)
    await call.session.flush()
    return row


def _told(row: PurchaseRow) -> CardPurchase:
    return CardPurchase(purchase=None if row.outcome in OPEN else purchases.told(row))
