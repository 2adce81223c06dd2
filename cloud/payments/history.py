"""What a person has bought and got back, as they are shown it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import and_, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.persons import OpenPerson
from cloud.payments.tables import PurchaseRow, RefundRow
from protocol.messages import Card


@dataclass(frozen=True, slots=True)
class Use:
    """A purchase, or a refund of one, whatever became of it."""

    use_id: str
    kind: Literal["purchase", "refund"]
    at: datetime
    merchant_id: str
    minor: int
    currency: str
    outcome: str
    """The `outcome` of the purchase or of the refund (`cloud.payments.tables`)."""
    card: Card
    reference: str
    """The till's name for it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which uses are wanted; None is any."""

    merchant_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """The first time that is too late."""


async def uses_of(
    session: AsyncSession,
    person: OpenPerson,
    wanted: Wanted,
    *,
    before: tuple[datetime, str] | None = None,
    count: int | None = None,
) -> list[Use]:
    """Returns the uses of a person, the latest first: at most `count`, and those before the one
    with this time and id."""
    bought = select(
        PurchaseRow.id,
        literal("purchase").label("kind"),
        PurchaseRow.at,
        PurchaseRow.merchant_id,
        PurchaseRow.amount_minor,
        PurchaseRow.currency,
        PurchaseRow.outcome,
        PurchaseRow.card_brand,
        PurchaseRow.card_last4,
        PurchaseRow.reference,
    ).where(PurchaseRow.person_id == person.person_id)
    given_back = (
        select(
            RefundRow.id,
            literal("refund"),
            RefundRow.at,
            PurchaseRow.merchant_id,
            RefundRow.amount_minor,
            PurchaseRow.currency,
            RefundRow.outcome,
            PurchaseRow.card_brand,
            PurchaseRow.card_last4,
            RefundRow.reference,
        )
        .join(PurchaseRow, PurchaseRow.id == RefundRow.purchase_id)
        .where(PurchaseRow.person_id == person.person_id)
    )
    both = union_all(bought, given_back).subquery().c
    query = select(*both).order_by(both.at.desc(), both.id.desc()).limit(count)
    if wanted.merchant_id is not None:
        query = query.where(both.merchant_id == wanted.merchant_id)
    if wanted.since is not None:
        query = query.where(both.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(both.at < wanted.until)
    if before is not None:
        at, use_id = before
        query = query.where(or_(both.at < at, and_(both.at == at, both.id < use_id)))
    return [
        Use(
            use_id=row.id,
            kind=row.kind,
            at=row.at,
            merchant_id=row.merchant_id,
            minor=row.amount_minor,
            currency=row.currency,
            outcome=row.outcome,
            card=Card(brand=row.card_brand, last4=row.card_last4),
            reference=row.reference,
        )
        for row in await session.execute(query)
    ]


async def merchants_of_uses(session: AsyncSession, person: OpenPerson) -> Collection[str]:
    """Returns the ids of the merchants at whom a person has bought."""
    ids = await session.scalars(
        select(PurchaseRow.merchant_id).where(PurchaseRow.person_id == person.person_id).distinct()
    )
    return ids.all()
