"""What a person has bought and got back, which doors they passed, and when their palm was refused,
as they are shown it."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import LargeBinary, cast, literal, null, select, union, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.tables import follows
from cloud.entry.entries import passages
from cloud.entry.told import outcome_of
from cloud.keys.persons import OpenPerson
from cloud.payments.tables import PurchaseRow, RefundRow
from cloud.recognition.refusals import reason_of, refused_uses
from protocol.messages import Card, Money


@dataclass(frozen=True, slots=True)
class Use:
    """A purchase, or a refund of one, whatever became of it; somebody at a door; or a palm that was
    not taken."""

    use_id: str
    kind: Literal["purchase", "refund", "door", "refused"]
    at: datetime
    merchant_id: str
    site_id: str | None
    """Where it was; None where that was not kept."""
    amount: Money | None
    outcome: str
    """The `outcome` of the purchase or of the refund (`cloud.payments.tables`), what came of
    somebody at a door (`cloud.entry.told.Outcome`), or why the palm was refused
    (`cloud.recognition.refusals.Why`)."""
    card: Card | None
    reference: str
    """The till's name for it, or that of the door; empty for a palm that was refused."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which uses are wanted; None is any."""

    merchant_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    """The first time that is too late."""


_NO_PURCHASE = tuple(literal(empty) for empty in (0, "", "", "", "", ""))
"""What a purchase has and other uses have not."""
_NOTHING_SEALED = cast(null(), LargeBinary)
"""What a purchase has not. PostgreSQL takes a NULL without a type for a text."""


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
        PurchaseRow.site_id,
        PurchaseRow.amount_minor,
        PurchaseRow.currency,
        PurchaseRow.outcome,
        PurchaseRow.card_brand,
        PurchaseRow.card_last4,
        PurchaseRow.reference,
        _NOTHING_SEALED.label("sealed"),
    ).where(PurchaseRow.person_id == person.person_id)
    given_back = (
        select(
            RefundRow.id,
            literal("refund"),
            RefundRow.at,
            PurchaseRow.merchant_id,
            PurchaseRow.site_id,
            RefundRow.amount_minor,
            PurchaseRow.currency,
            RefundRow.outcome,
            PurchaseRow.card_brand,
            PurchaseRow.card_last4,
            RefundRow.reference,
            _NOTHING_SEALED,
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
        kept.site_id,
        *_NO_PURCHASE,
        kept.sealed,
    )
    passed = passages(person).subquery().c
    at_doors = select(
        passed.id,
        literal("door"),
        passed.at,
        passed.merchant_id,
        passed.site_id,
        *_NO_PURCHASE,
        passed.sealed,
    )
    uses = union_all(bought, given_back, refused, at_doors).subquery().c
    query = select(*uses).order_by(uses.at.desc(), uses.id.desc()).limit(count)
    if wanted.merchant_id is not None:
        query = query.where(uses.merchant_id == wanted.merchant_id)
    if wanted.since is not None:
        query = query.where(uses.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(uses.at < wanted.until)
    if before is not None:
        query = query.where(follows(uses.at, uses.id, before))
    return [_use(person, row) for row in await session.execute(query)]


async def merchants_of_uses(session: AsyncSession, person: OpenPerson) -> Collection[str]:
    """Returns the ids of the merchants at whom a person has bought, was at a door or was
    refused."""
    bought = select(PurchaseRow.merchant_id).where(PurchaseRow.person_id == person.person_id)
    refused = select(refused_uses(person).subquery().c.merchant_id)
    at_doors = select(passages(person).subquery().c.merchant_id)
    return (await session.scalars(union(bought, refused, at_doors))).all()


def _use(person: OpenPerson, row: Any) -> Use:
    amount = card = None
    outcome, reference = row.outcome, row.reference
    match row.kind:
        case "refused":
            outcome = reason_of(person, row.id, row.sealed)
        case "door":
            outcome, reference = outcome_of(person, row.id, row.sealed)
        case _:
            amount = Money(minor=row.amount_minor, currency=row.currency)
            card = Card(brand=row.card_brand, last4=row.card_last4)
    return Use(
        use_id=row.id,
        kind=row.kind,
        at=row.at,
        merchant_id=row.merchant_id,
        site_id=row.site_id,
        amount=amount,
        outcome=outcome,
        card=card,
        reference=reference,
    )
