"""Receipts of purchases, which go to the shopper's phone once, unless they decline.

The transaction that approves a purchase stores an errand that sends its receipt half a minute
later. Until then a till may print a receipt of its own in its place, and the shopper may decline.
The kiosk never learns the number. A receipt counts as sent before it is: rather none than two.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from hashlib import sha256

from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.db.locks import held
from cloud.db.tables import follows
from cloud.keys.persons import find_person
from cloud.merchants.merchants import find_merchant
from cloud.messages import NoMessenger, NotSent
from cloud.messages.length import with_name
from cloud.outbox import queue
from cloud.payments.tables import PurchaseRow
from cloud.policy import RECEIPT_AFTER, RECEIPT_PATIENCE, RECEIPTS_SINCE, Limits
from cloud.web import limits
from cloud.web.problems import Refusal
from protocol.currency import exponent_of

SEND_RECEIPT = "send receipt"
"""The kind of the errands that `send_receipt` runs."""
WAITING, SENT, DECLINED, UNSENT = "waiting", "sent", "declined", "unsent"


class Receipt(BaseModel):
    """What an errand sends."""

    model_config = ConfigDict(hide_input_in_errors=True)

    purchase_id: str
    printed: str | None = Field(default=None, repr=False)
    """The till's own words; None for those of `words`."""


async def promise(context: Context, session: AsyncSession, row: PurchaseRow) -> None:
    """Has the receipt of a purchase sent that was approved just now, if its person has agreed to
    receipts at this merchant."""
    if row.person_id is None or isinstance(context.messenger, NoMessenger):
        return
    now = context.clock()
    person = await find_person(session, context.master, row.person_id)
    agreed_to = await context.accounts.agreed_to(session, person, row.merchant_id)
    if agreed_to is None or agreed_to < RECEIPTS_SINCE:
        return
    try:
        await limits.spend(session, Limits.RECEIPTS, person.person_id, now)
    except Refusal:
        return
    row.receipt = WAITING
    _put(context, session, Receipt(purchase_id=row.id), now)


async def print_in_place(
    context: Context, session: AsyncSession, row: PurchaseRow, printed: str
) -> bool:
    """Has the till's own words sent as the receipt. Returns False when there is none to send."""
    if await held(session, PurchaseRow, row.id) is None or row.receipt != WAITING:
        return False
    await queue.remove(session, _errand_id(row))
    # Without what could disturb the rest of the message.
    printed = "".join(sign for sign in printed if sign == "\n" or sign.isprintable())
    _put(context, session, Receipt(purchase_id=row.id, printed=printed), context.clock())
    return True


async def decline(session: AsyncSession, row: PurchaseRow) -> bool:
    """Returns False when the receipt is on its way already."""
    if await held(session, PurchaseRow, row.id) is None:
        return True
    if row.receipt == WAITING:
        await queue.remove(session, _errand_id(row))
        row.receipt = DECLINED
    return row.receipt != SENT


async def unsent(
    session: AsyncSession,
    since: datetime,
    merchant_id: str | None = None,
    *,
    count: int | None = None,
    after: tuple[datetime, str] | None = None,
) -> Sequence[PurchaseRow]:
    """Returns the purchases since then of a merchant, or of all, whose receipt was given up, the
    newest first, at most so many: those that follow the one of this time and id."""
    given_up = PurchaseRow.receipt == UNSENT, PurchaseRow.at >= since
    rows = select(PurchaseRow).where(*given_up)
    if merchant_id is not None:
        rows = rows.where(PurchaseRow.merchant_id == merchant_id)
    if after is not None:
        rows = rows.where(follows(PurchaseRow.at, PurchaseRow.id, after))
    newest = rows.order_by(PurchaseRow.at.desc(), PurchaseRow.id.desc()).limit(count)
    return (await session.scalars(newest)).all()


async def withdraw(session: AsyncSession, row: PurchaseRow) -> None:
    """Forgets the receipt of a purchase whose person is deleted."""
    if row.receipt == WAITING:
        await queue.remove(session, _errand_id(row))
    row.receipt = None


async def send_receipt(context: Context, payload: bytes) -> None:
    """Runs an errand. Raises NotSent when it has to be tried again."""
    receipt = Receipt.model_validate_json(payload)
    async with context.database.session() as session:
        row = await session.get(PurchaseRow, receipt.purchase_id)
        if row is None or row.receipt != WAITING or row.person_id is None:
            return
        if context.clock() - row.at > RECEIPT_PATIENCE:
            row.receipt = UNSENT
            await session.commit()
            return
        person = await find_person(session, context.master, row.person_id)
        phone = await context.accounts.phone(session, person)
        merchant = await find_merchant(session, row.merchant_id)
        assert merchant is not None
        text = words(row, merchant.name)
        if receipt.printed is not None:
            text = f"{merchant.name}\n{receipt.printed}"
        # It may have been declined since it was read.
        still = PurchaseRow.id == row.id, PurchaseRow.receipt == WAITING
        sending = update(PurchaseRow).where(*still).values(receipt=SENT).returning(PurchaseRow.id)
        is_wanted = await session.scalar(sending) is not None
        await session.commit()
    if not is_wanted:
        return
    try:
        await context.messenger.send(phone, text)
    except NotSent:
        await _wait_again(context, receipt.purchase_id)
        raise


def amount_of(row: PurchaseRow) -> str:
    """Returns the amount of a purchase such as `12.50 USD`."""
    exponent = exponent_of(row.currency) or 0
    return f"{Decimal(row.amount_minor).scaleb(-exponent):.{exponent}f} {row.currency}"


def words(row: PurchaseRow, merchant: str) -> str:
    """Returns the service's own receipt of a purchase."""
    paid = (
        f"paid {amount_of(row)} by palm, {row.card_brand} ending in {row.card_last4}, "
        f"{row.at:%Y-%m-%d %H:%M} UTC. Receipt {row.reference}."
    )
    return with_name(merchant, lambda name: f"{name}: {paid}")


async def _wait_again(context: Context, purchase_id: str) -> None:
    async with context.database.session() as session:
        row = await held(session, PurchaseRow, purchase_id)
        if row is not None and row.receipt == SENT:
            row.receipt = WAITING
        await session.commit()


def _put(context: Context, session: AsyncSession, receipt: Receipt, now: datetime) -> None:
    queue.put(
        session,
        context.master.outbox,
        SEND_RECEIPT,
        receipt.model_dump_json().encode(),
        now + RECEIPT_AFTER,
        errand_id=_errand_id_of(receipt.purchase_id),
    )


def _errand_id(row: PurchaseRow) -> str:
    return _errand_id_of(row.id)


def _errand_id_of(purchase_id: str) -> str:
    return sha256(f"{SEND_RECEIPT} {purchase_id}".encode()).hexdigest()
