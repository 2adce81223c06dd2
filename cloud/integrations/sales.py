"""A merchant's purchases, and refunds of them."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AwareDatetime

from cloud.integrations import asking, paging
from cloud.integrations.asking import Asked, Asker, AskerOnce, Scope, needs
from cloud.loyalty.memberships import codes_of
from cloud.payments import purchases, refunds
from cloud.payments.sales import Wanted, listed
from cloud.web.problems import Refusal
from protocol.messages import Card, Identifier, Message, Money, ProblemType, Refund, RefundRequest

router: APIRouter = asking.router()


class Sale(Message):
    """A purchase at a kiosk of the merchant."""

    purchase_id: str
    reference: str
    """The till's name for it, which is unique on its device."""
    device_id: str
    amount: Money
    refunded_minor: int
    """How much of it was given back or is about to be, in the same unit."""
    outcome: Literal["open", "approved", "declined", "not_paid"]
    """All but `open` are final."""
    decline_reason: str | None
    card: Card | None
    person: str | None
    """The reference that the buyer has linked to their palm; null when there is none, or they have
    left."""
    at: AwareDatetime


class Sales(Message):
    purchases: list[Sale]
    next: str | None
    """The `cursor` of the next page; null on the last one."""


@router.get("/purchases", dependencies=needs(Scope.PURCHASES_READ))
async def show_all(
    asked: Asker,
    reference: Annotated[Identifier | None, Query(description="The till's name.")] = None,
    cursor: paging.Cursor = None,
    limit: paging.Size = 50,
) -> Sales:
    """Lists purchases, the newest first."""
    wanted = Wanted(merchant_id=asked.merchant_id, reference=reference)
    found = await listed(asked.session, wanted, limit + 1, paging.place_of(cursor))
    page = found[:limit]
    more = len(found) > limit
    return Sales(
        purchases=await _told(asked, page),
        next=paging.cursor_of((page[-1].at, page[-1].id)) if more else None,
    )


@router.get("/purchases/{purchase_id}", dependencies=needs(Scope.PURCHASES_READ))
async def show(asked: Asker, purchase_id: str) -> Sale:
    (sale,) = await _told(asked, [await _find(asked, purchase_id)])
    return sale


@router.post("/purchases/{purchase_id}/refunds", dependencies=needs(Scope.REFUNDS_WRITE))
async def give_back(asked: AskerOnce, purchase_id: str, request: RefundRequest) -> Refund:
    """Gives a purchase back, in full or in part."""
    purchase = await _find(asked, purchase_id)
    await purchases.must_be_finished(asked.call, purchase)
    return await refunds.give_back_for(asked.call, purchase, request)


async def _find(asked: Asked, purchase_id: str) -> purchases.PurchaseRow:
    row = await purchases.find_of_merchant(asked.session, asked.merchant_id, purchase_id)
    if row is None:
        raise Refusal(ProblemType.NOT_FOUND)
    return row


async def _told(asked: Asked, rows: Sequence[purchases.PurchaseRow]) -> list[Sale]:
    session, buyers = asked.session, {row.person_id for row in rows if row.person_id}
    codes = await codes_of(session, asked.context.master, asked.merchant_id, buyers)
    refunded = await refunds.refunded_of_each(session, rows)
    return [
        Sale(
            purchase_id=row.id,
            reference=row.reference,
            device_id=row.device_id,
            amount=Money(minor=row.amount_minor, currency=row.currency),
            refunded_minor=refunded[row.id],
            outcome=purchases.outcome_of(row) or "open",
            decline_reason=row.decline_reason,
            card=Card(brand=row.card_brand, last4=row.card_last4) if row.card_last4 else None,
            person=codes.get(row.person_id or ""),
            at=row.at,
        )
        for row in rows
    ]
