"""What a person has bought and got back, and when their palm was refused, as they are shown it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import and_, literal, null, or_, select, union, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.keys.persons import OpenPerson
from cloud.payments.tables import PurchaseRow, RefundRow
from cloud.recognition.refusals import reason_of, refused_uses
from protocol.messages import Card, Money


@dataclass(frozen=True, slots=True)
class Use:
    """A purchase, or a refund of one, whatever became of it; or a palm that was not taken."""

    use_id: str
    kind: Literal["purchase", "refund", "refused"]
    at: datetime
    merchant_id: str
    amount: Money | None
    outcome: str
    """The `outcome` of the purchase or of the refund (`cloud.payments.tables`), or why the palm was
    refused (`cloud.recognition.refusals.Why`)."""
    card: Card | None
    reference: str
    """The till's name for it; empty for a palm that was refused."""


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
        null().label("sealed"),
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
            null(),
        )
        .join(PurchaseRow, PurchaseRow.id == RefundRow.purchase_id)
        .where(PurchaseRow.person_id == person.person_id)
    )
    kept = refused_uses(person).subquery().c
    refused = select(
        kept.id,
        literal("refused"),
        kept.at,
        kept.merchant_id,
        *(literal(empty) for empty in (0, "", "", "", "", "")),
        kept.sealed,
    )
    uses = union_all(bought, given_back, refused).subquery().c
    query = select(*uses).order_by(uses.at.desc(), uses.id.desc()).limit(count)
    if wanted.merchant_id is not None:
        query = query.where(uses.merchant_id == wanted.merchant_id)
    if wanted.since is not None:
        query = query.where(uses.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(uses.at < wanted.until)
    if before is not None:
        at, use_id = before
        query = query.where(or_(uses.at < at, and_(uses.at == at, uses.id < use_id)))
    return [_use(person, row) for row in await session.execute(query)]


async def merchants_of_uses(session: AsyncSession, person: OpenPerson) -> Collection[str]:
    """Returns the ids of the merchants at whom a person has bought or was refused."""
    bought = select(PurchaseRow.merchant_id).where(PurchaseRow.person_id == person.person_id)
    refused = select(refused_uses(person).subquery().c.merchant_id)
    return (await session.scalars(union(bought, refused))).all()


def _use(person: OpenPerson, row: Any) -> Use:
    is_refused = row.kind == "refused"
    return Use(
        use_id=row.id,
        kind=row.kind,
        at=row.at,
        merchant_id=row.merchant_id,
        amount=None if is_refused else Money(minor=row.amount_minor, currency=row.currency),
        outcome=reason_of(person, row.id, row.sealed) if is_refused else row.outcome,
        card=None if is_refused else Card(brand=row.card_brand, last4=row.card_last4),
        reference=row.reference,
    )
