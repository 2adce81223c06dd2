"""Card readers that the payment provider drives.

A reader is bound to one device by the operator (`./run cloud staff bind-reader`), and no other
device can use it or learn that there is one. The provider's secret key stays here: a device asks
the service, and the service tells the reader what to do.
"""

from fastapi import APIRouter
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Context
from cloud.payments.settling import PENDING
from cloud.payments.tables import PurchaseRow
from cloud.policy import CARD_PATIENCE
from cloud.providers import (
    NO_CARD,
    CardAwaited,
    CardNotTaken,
    CardTaken,
    HolderAsked,
    NotPaid,
    ProviderUnavailable,
    Readers,
    Settled,
)
from cloud.web import signed_request
from cloud.web.problems import Refusal
from cloud.web.signed_request import Call, Caller
from protocol.messages import Card, Identifier, Money, ProblemType, Reader, ReaderFault

router: APIRouter = signed_request.router()


@router.get("/readers/{reader}")
async def tell_about_reader(call: Caller, reader: Identifier) -> Reader:
    """Describes the reader of the device, with what is wrong with it."""
    await must_be_bound(call, reader)
    readers = call.context.payments.readers
    await call.session.commit()
    if readers is None:
        return Reader(reader=reader, label="", fault=ReaderFault.SIMULATED)
    try:
        return await readers.look(reader)
    except ProviderUnavailable:
        raise Refusal(ProblemType.PROVIDER_UNAVAILABLE, retry_after=5) from None


async def must_be_bound(call: Call, reader: str) -> None:
    """Raises Refusal unless this is the reader of the device, whether there is one or not."""
    if (await call.device()).reader != reader:
        raise Refusal(ProblemType.NOT_FOUND, "no such reader is bound to this device")


async def driving(call: Call, reader: str) -> Readers:
    """Returns what drives the reader of the device. Raises Refusal."""
    await must_be_bound(call, reader)
    readers = call.context.payments.readers
    if readers is None:
        raise Refusal(ProblemType.READER_UNAVAILABLE, reader=ReaderFault.SIMULATED)
    return readers


async def outcome_at_reader(
    context: Context, session: AsyncSession, row: PurchaseRow, *, begins: bool, ends: bool
) -> Settled | HolderAsked | None:
    """Looks for the card of an awaited purchase. Once it is taken, the purchase is pending and is
    charged. Returns how it has ended, None as long as the card is awaited.

    It is called outside a transaction. `begins` tells that somebody stands at the reader, which is
    told to wait then; `ends` that nobody does any more. Raises ReaderTrouble, ProviderUnavailable,
    and what the payment raises.
    """
    readers, reader, payment = context.payments.readers, row.terminal, row.payment
    is_over = ends or context.clock() - row.at > CARD_PATIENCE
    if payment is None and is_over:
        return NotPaid(NO_CARD)
    if readers is None or reader is None:
        raise ProviderUnavailable("the provider has no readers any more")
    if payment is None:
        if begins:
            amount = Money(minor=row.amount_minor, currency=row.currency)
            payment = row.payment = await readers.begin(amount, row.id, row.account)
            await session.commit()
            await readers.present(reader, payment)
        return None
    if is_over:
        await readers.stop(reader, payment)
    match await readers.look_at_payment(reader, payment):
        case CardTaken(card):
            _note(row, card)
            now = context.clock()
            # In whole milliseconds, as it is stored: every answer tells the same time.
            row.at = now.replace(microsecond=now.microsecond // 1000 * 1000)
            row.outcome = PENDING
            await session.commit()
            return await context.payments.finish(payment)
        case CardNotTaken(declined=True, card=card):
            _note(row, card)
        case CardAwaited() if not is_over:
            return None
        case CardNotTaken() if begins and not is_over:
            # It was interrupted before the reader was told.
            await readers.present(reader, payment)
            return None
        case _:
            pass
    return await context.payments.abandon(payment)


def _note(row: PurchaseRow, card: Card | None) -> None:
    if card is not None:
        row.card_brand, row.card_last4 = card.brand, card.last4
