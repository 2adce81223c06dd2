"""Charging a sale exactly once: it is in the journal until its outcome is known, and the till is
told what became of it."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Literal

from kiosk.idle import Withdrawn
from kiosk.lately import Impersonal
from kiosk.race import first
from kiosk.screens import Choice, TroubleKind, Work, Working
from kiosk.service.client import SignatureService
from kiosk.service.errors import Offline, Refused, ServiceUnavailable, WrongPurchase
from kiosk.service.transport import Delivery
from kiosk.stage import Stage, WalkedAway
from kiosk.till.journal import PendingPurchase, PurchaseJournal
from kiosk.till.till import Sale, SaleResult, Till, Untold
from kiosk.visits.visit import Troubled, Visit
from protocol.messages import CardSale, Money, ProblemType, Purchase, PurchaseRequest, Told

log = logging.getLogger(__name__)

STRAGGLING = timedelta(minutes=2)
"""How long after its identification has expired a purchase may still be completed."""

Asked = PurchaseRequest | CardSale
"""What the journal keeps of a purchase."""
Buy = Callable[[str, Delivery], Awaitable[Purchase]]
"""Requests a purchase with an idempotency key, and tells meanwhile how far the request has come."""


class NotChargeable(Exception):
    """The service does not charge this sale: the message tells the operator why."""


class Unconfirmed(Exception):
    """The shopper has not confirmed the payment as the card's bank wants it, and it is cancelled.
    Nothing was charged."""


class Unreached(Exception):
    """The shopper does not wait for a service that was never reached. Nothing was charged."""


async def charge(
    visit: Visit, sale: Sale, request: Asked, decided_by: datetime, buy: Buy
) -> Purchase:
    """Buys and tells the till. The purchase is in the journal until its outcome is known. A
    purchase that the service has not heard of by `decided_by` is never made.

    Raises Unconfirmed, Unreached, and Troubled (PAYMENT_UNKNOWN) when the outcome stays unknown;
    `resolve` asks again later. Every other exception means that nothing was charged.
    """
    pending = PendingPurchase(
        request=request, idempotency_key=secrets.token_urlsafe(24), decided_by=decided_by
    )
    visit.journal.open(pending)
    try:
        purchase = await _bought(visit, sale, buy, pending.idempotency_key)
    except (Unconfirmed, Unreached, WalkedAway, Withdrawn):
        close(visit.journal, sale.reference)
        raise
    except (Offline, Refused) as error:
        if error.may_have_arrived:
            raise await unknown(visit, sale.reference) from error
        close(visit.journal, sale.reference)
        raise
    except ServiceUnavailable as unavailable:
        raise await unknown(visit, sale.reference) from unavailable
    await conclude(visit, request, purchase)
    return purchase


async def unknown(visit: Visit, reference: str) -> Troubled:
    """Tells the till that it is not known what became of a purchase, which stays in the journal.
    Returns what ends the visit."""
    await visit.till.answer(reference, SaleResult.UNKNOWN)
    return Troubled(TroubleKind.PAYMENT_UNKNOWN)


async def conclude(visit: Visit, request: Asked, purchase: Purchase) -> None:
    """Settles a purchase. Raises Troubled (PAYMENT_UNKNOWN) when it is another one than was
    asked."""
    try:
        await settle(visit.till, visit.journal, request.reference, request.amount, purchase)
    except WrongPurchase as wrong:
        log.error("a purchase stays in the journal: %s", wrong)
        raise Troubled(TroubleKind.PAYMENT_UNKNOWN) from wrong


async def _bought(visit: Visit, sale: Sale, buy: Buy, idempotency_key: str) -> Purchase:
    """Requests the purchase, and offers a way out as long as nothing of the request was sent.

    Raises Unreached when it is taken, what the service raises, and what interrupts the question
    whether to wait.
    """
    working = Working(Work.PAYING, sale.amount, sale.merchant)
    visit.stage.show(working)
    delivery = Delivery()
    buying = asyncio.ensure_future(buy(idempotency_key, delivery))
    leaving = asyncio.ensure_future(_leaves(visit.stage, working, delivery))
    try:
        await asyncio.wait({buying, leaving}, return_when=asyncio.FIRST_COMPLETED)
        # Sent meanwhile or not: once cancelled, the request sends nothing more.
        left = leaving.done() and not buying.done() and not delivery.begun.is_set()
        if left:
            leaving.result()
            raise Unreached
        return await buying
    finally:
        buying.cancel()
        leaving.cancel()
        await asyncio.gather(buying, leaving, return_exceptions=True)


async def _leaves(
    stage: Stage, working: Working, delivery: Delivery
) -> Literal[Choice.ANOTHER_WAY]:
    """Waits until the shopper pays another way, or for ever once the request may have arrived: its
    outcome is unknown from then on. The payment goes on when the question fails."""
    await delivery.failed.wait()
    if not delivery.begun.is_set():
        waiting = replace(working, way_out=True)
        try:
            answer = await first(_until_set(delivery.begun), stage.ask(waiting))
        except (WalkedAway, Withdrawn):
            raise
        except Exception as error:
            log.error("paying cannot be left: %s", Impersonal(type(error).__name__))
        else:
            if answer is not None and not delivery.begun.is_set():
                return answer
            stage.show(working)
    return await asyncio.Future[Any]()


async def _until_set(event: asyncio.Event) -> None:
    await event.wait()


def close(journal: PurchaseJournal, reference: str, told: Told | None = None) -> None:
    """Takes a purchase whose outcome is known out of the journal. `told` is what the till was told
    of it. A disk that does not let it go changes nothing about the outcome."""
    try:
        journal.close(reference, told)
    except OSError as error:
        log.error("a purchase stays in the journal: %s", error.strerror)


async def settle(
    till: Till, journal: PurchaseJournal, reference: str, amount: Money | None, purchase: Purchase
) -> None:
    """Tells the till the outcome and removes the purchase from the journal. `amount` is None where
    it is not known any more what was asked.

    Raises WrongPurchase when the answer is for another reference or amount than was asked. The
    till is told UNKNOWN then, and the purchase stays in the journal.
    """
    if (purchase.reference, purchase.amount) != (reference, amount or purchase.amount):
        await till.answer(reference, SaleResult.UNKNOWN)
        raise WrongPurchase("the service answered for another purchase than was asked")
    if purchase.outcome == "not_paid":
        log.error("a purchase was not paid: %s", purchase.decline_reason)
    result = SaleResult(purchase.outcome)
    try:
        await till.answer(
            reference,
            result,
            purchase.decline_reason,
            card=purchase.card,
            charged=purchase.amount,
        )
    except Untold:
        # It stays in the journal, and is told when the journal is settled.
        return
    close(journal, reference, Told(result=purchase.outcome))


async def resolve(
    service: SignatureService, till: Till, journal: PurchaseJournal, reference: str
) -> Purchase | None:
    """Asks what became of a purchase in doubt and tells the till. Returns None when there was no
    purchase or it is too early to say. Never buys: the shopper may have paid another way by now. A
    card that is still awaited at a reader is awaited no longer, and a payment that the card's
    holder is still asked to confirm is cancelled.

    Where the entry in the journal cannot be read, a purchase that the service does not know stays
    in doubt: until when its request may still come is not known.

    Raises ServiceError when the service cannot be asked, WrongPurchase among them (see `settle`).
    """
    pending = journal.find(reference)
    request = pending and pending.request
    try:
        purchase = await _ended(service, reference, request)
    except Refused as refused:
        if refused.type is not ProblemType.NOT_FOUND:
            raise
        # Until then a delayed request could still arrive.
        if pending is not None and service.now() > pending.decided_by:
            await till.answer(reference, SaleResult.NOT_PAID)
            close(journal, reference)
        return None
    await settle(till, journal, reference, request and request.amount, purchase)
    return purchase


async def _ended(service: SignatureService, reference: str, request: Asked | None) -> Purchase:
    if not isinstance(request, PurchaseRequest):
        try:
            return await service.end_card_purchase(reference)
        except Refused as refused:
            if request is not None or refused.type is not ProblemType.NOT_FOUND:
                raise
    try:
        return await service.find_purchase(reference)
    except Refused as refused:
        if refused.type is not ProblemType.HOLDER_ASKED:
            raise
        return await service.end_purchase(reference)
