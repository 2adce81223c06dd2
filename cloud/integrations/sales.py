"""A merchant's purchases, each with its way from the till to the ledger, and refunds of them."""

from collections.abc import Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime

from cloud.integrations import asking, paging
from cloud.integrations.asking import Asked, Asker, AskerOnce, Scope, needs
from cloud.loyalty.memberships import codes_of
from cloud.payments import purchases, refunds, sales
from cloud.payments.refunds import Reason
from cloud.payments.sales import SaleState, Stage, Wanted, span_of
from cloud.web.devices import find_device
from cloud.web.problems import Refusal
from protocol.messages import Card, Identifier, Message, Money, ProblemType, Refund, RefundRequest

router: APIRouter = asking.router()


def _span(when: str) -> str:
    span_of(when)
    return when


When = Annotated[str, AfterValidator(_span)]
"""A day such as `2026-11-29`, or a month such as `2026-11`, in UTC."""


class Sale(Message):
    """A purchase at a kiosk of the merchant."""

    purchase_id: str
    reference: str
    """The till's name for it, which is unique on its device."""
    device_id: str
    site_id: str | None
    """Where its kiosk stood, or where that stands today; null once the kiosk is another
    merchant's."""
    amount: Money
    refunded_minor: int
    """How much of it was given back or is about to be, in the same unit."""
    outcome: Literal["open", "approved", "declined", "not_paid"]
    """All but `open` are final."""
    state: SaleState
    """What has become of it since, too."""
    told: str | None
    """What the till was told, as its kiosk reports it; null until it does."""
    decline_reason: str | None
    card: Card | None
    person: str | None
    """The reference that the buyer has linked to their palm; null when there is none, or they have
    left."""
    at: AwareDatetime


class SalesTotal(Message):
    """What was paid in one currency, and given back of that, whenever it was given back."""

    currency: str
    """ISO 4217."""
    count: int
    """How many purchases were paid."""
    paid_minor: int
    """In the currency's minor unit."""
    refunded_minor: int
    """In the same unit."""


class Sales(Message):
    purchases: list[Sale]
    totals: list[SalesTotal] | None
    """The sums of all that are wanted of a day or a month, by currency, on the first page; null on
    the others, and where neither was named."""
    next: str | None
    """The `cursor` of the next page; null on the last one."""


class StepTold(Message):
    """A step on the way of a purchase."""

    stage: Stage
    at: AwareDatetime | None
    """Null where the service does not keep it, and for what is still to come."""
    told: str | None
    """The till's name for the purchase or the refund; the payment provider's for a payment; a
    reason; what the till was told; or the bank's word for how a dispute stands."""
    by: str | None
    """Who has asked for a refund: the id of a kiosk or of an account of staff, the first part of a
    key, or a name at the service's machine."""
    reason: Reason | None
    """Why they have, where it was said."""
    amount: Money | None
    """How much was given back."""
    entry: int | None
    """The id of its transaction in the ledger."""


class Way(Message):
    steps: list[StepTold]
    """In the order in which it went."""


class NewRefund(RefundRequest):
    reason: Reason | None = None
    """Why; it is told on the way of the purchase."""


@router.get("/purchases", dependencies=needs(Scope.PURCHASES_READ))
async def show_all(
    asked: Asker,
    *,
    reference: Annotated[Identifier | None, Query(description="The till's name.")] = None,
    when: Annotated[
        When | None, Query(max_length=10, description="A day (`2026-11-29`) or month (`2026-11`).")
    ] = None,
    site_id: Annotated[str | None, Query(max_length=64, description="Only at this site.")] = None,
    device_id: Annotated[
        str | None, Query(max_length=64, description="Only at this kiosk.")
    ] = None,
    state: Annotated[SaleState | None, Query(description="Only those that became this.")] = None,
    cursor: paging.Cursor = None,
    limit: paging.Size = 50,
) -> Sales:
    """Lists purchases, the newest first."""
    since, until = (None, None) if when is None else span_of(when)
    wanted = Wanted(
        merchant_id=asked.merchant_id,
        site_id=site_id,
        device_id=device_id,
        reference=reference,
        state=state,
        since=since,
        until=until,
    )
    found = await sales.listed(asked.session, wanted, limit + 1, paging.place_of(cursor))
    page, following = paging.page_of(found, limit, lambda row: (row.at, row.id))
    return Sales(
        purchases=await _told(asked, page),
        totals=await _totals(asked, wanted) if when is not None and cursor is None else None,
        next=following,
    )


@router.get("/purchases/{purchase_id}", dependencies=needs(Scope.PURCHASES_READ))
async def show(asked: Asker, purchase_id: str) -> Sale:
    (sale,) = await _told(asked, [await _find(asked, purchase_id)])
    return sale


@router.get("/purchases/{purchase_id}/steps", dependencies=needs(Scope.PURCHASES_READ))
async def show_way(asked: Asker, purchase_id: str) -> Way:
    """Tells the way of a purchase, from the till to the ledger."""
    row = await _find(asked, purchase_id)
    return Way(
        steps=[
            StepTold(
                stage=step.stage,
                at=step.at,
                told=step.told or None,
                by=step.by or None,
                reason=Reason(step.why) if step.why else None,
                amount=Money(minor=step.minor, currency=row.currency) if step.minor else None,
                entry=step.posted,
            )
            for step in await sales.way_of(asked.session, row)
        ]
    )


@router.post("/purchases/{purchase_id}/refunds", dependencies=needs(Scope.REFUNDS_WRITE))
async def give_back(asked: AskerOnce, purchase_id: str, request: NewRefund) -> Refund:
    """Gives a purchase back, in full or in part."""
    purchase = await _find(asked, purchase_id)
    await purchases.must_be_finished(asked.call, purchase)
    return await refunds.give_back_for(asked.call, purchase, request, request.reason)


async def _find(asked: Asked, purchase_id: str) -> purchases.PurchaseRow:
    row = await purchases.find_of_merchant(asked.session, asked.merchant_id, purchase_id)
    if row is None:
        raise Refusal(ProblemType.NOT_FOUND)
    return row


async def _totals(asked: Asked, wanted: Wanted) -> list[SalesTotal]:
    return [
        SalesTotal(
            currency=total.currency,
            count=total.count,
            paid_minor=total.paid,
            refunded_minor=total.refunded,
        )
        for total in await sales.totals(asked.session, wanted)
    ]


async def _stands_at(asked: Asked, device_id: str) -> str | None:
    """Returns where a kiosk stands today, if it is the merchant's."""
    device = await find_device(asked.session, device_id)
    if device is None or device.merchant_id != asked.merchant_id:
        return None
    return device.site_id


async def _told(asked: Asked, rows: Sequence[purchases.PurchaseRow]) -> list[Sale]:
    session, buyers = asked.session, {row.person_id for row in rows if row.person_id}
    codes = await codes_of(session, asked.context.master, asked.merchant_id, buyers)
    refunded = await refunds.refunded_of_each(session, rows)
    return [
        Sale(
            purchase_id=row.id,
            reference=row.reference,
            device_id=row.device_id,
            site_id=row.site_id or await _stands_at(asked, row.device_id),
            amount=Money(minor=row.amount_minor, currency=row.currency),
            refunded_minor=refunded[row.id],
            outcome=purchases.outcome_of(row) or "open",
            state=sales.state_of(row, refunded[row.id]),
            told=row.told,
            decline_reason=row.decline_reason,
            card=Card(brand=row.card_brand, last4=row.card_last4) if row.card_last4 else None,
            person=codes.get(row.person_id or ""),
            at=row.at,
        )
        for row in rows
    ]
