"""Compares one day of the payment provider, of the ledger and of what tills were told.

The provider counts a payment at the time it was begun, and the ledger at the time its outcome was
stored. What lies on the other side of midnight there is still found: each side of the day is
compared with a MARGIN more of the other. The provider's records of people who were deleted cannot
be told apart any more, and are matched by their amounts.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Database
from cloud.payments import ledger
from cloud.payments.purchases import APPROVED
from cloud.payments.tables import LedgerRow, PurchaseRow, RefundRow
from cloud.providers import Movement, PaymentProvider
from protocol.messages import Money

MARGIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Posted:
    """A transaction of the ledger, with what else is stored about it."""

    kind: str
    merchant_id: str
    reference: str
    """The till's name for the sale or the refund."""
    name: str | None
    """As `Movement.name`; None when the person was deleted."""
    amount: Money
    told: str | None
    """What the till was told about a sale."""
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """One thing of the day, as each side has it."""

    at: datetime
    kind: str
    merchant_id: str | None
    """None when nobody here knows of it."""
    reference: str
    """The till's name for it, or the provider's when nobody here knows of it."""
    ledger: Money | None
    provider: Money | None
    told: str | None
    """What the till was told about a sale; None when that was not reported, and for a refund."""

    @property
    def agrees(self) -> bool:
        """Whether all sides agree."""
        if self.ledger is None or self.ledger != self.provider:
            return False
        return self.kind != ledger.SALE or self.told == APPROVED


async def reconcile(
    database: Database,
    provider: PaymentProvider,
    day: datetime,
    merchant_id: str | None = None,
) -> list[Line]:
    """Returns everything that happened in the 24 hours from `day` on, in order: of one merchant, or
    of all. What the provider alone knows of is always in it. Raises ProviderUnavailable."""
    until = day + timedelta(days=1)
    moved = await provider.movements(day - MARGIN, until + MARGIN)
    async with database.session() as session:
        posted = await _posted(session, day - MARGIN, until + MARGIN)
        lines = list(_compared(posted, moved))
        lines += await _told_without_a_charge(session, day, until)
    of_the_day = [line for line in lines if day <= line.at < until]
    if merchant_id is not None:
        of_the_day = [each for each in of_the_day if each.merchant_id in (None, merchant_id)]
    return sorted(of_the_day, key=lambda line: line.at)


def _compared(posted: Sequence[Posted], moved: Sequence[Movement]) -> Iterator[Line]:
    left = list(moved)
    # Those that have names first, so that no other takes what is theirs.
    for each in sorted(posted, key=lambda each: each.name is None):
        if each.name is not None:
            found = [m for m in left if (m.kind, m.name) == (each.kind, each.name)]
        else:
            found = [m for m in left if (m.kind, m.amount) == (each.kind, each.amount)]
            found.sort(key=lambda m, at=each.at: abs(m.at - at))
        provided = found[0] if found else None
        if provided is not None:
            left.remove(provided)
        yield Line(
            at=each.at,
            kind=each.kind,
            merchant_id=each.merchant_id,
            reference=each.reference,
            ledger=each.amount,
            provider=provided and provided.amount,
            told=each.told,
        )
    for movement in left:
        yield Line(
            at=movement.at,
            kind=movement.kind,
            merchant_id=None,
            reference=movement.name,
            ledger=None,
            provider=movement.amount,
            told=None,
        )


async def _posted(session: AsyncSession, since: datetime, until: datetime) -> list[Posted]:
    rows = await session.execute(
        select(LedgerRow, PurchaseRow, RefundRow)
        .join(PurchaseRow, PurchaseRow.id == LedgerRow.purchase_id)
        .outerjoin(RefundRow, RefundRow.id == LedgerRow.subject)
        .where(LedgerRow.at >= since, LedgerRow.at < until)
    )
    return [
        Posted(
            kind=row.kind,
            merchant_id=row.merchant_id,
            reference=refund.reference if row.kind == ledger.REFUND else purchase.reference,
            name=refund.provider_reference if row.kind == ledger.REFUND else purchase.payment,
            amount=Money(minor=row.minor, currency=row.currency),
            told=None if row.kind == ledger.REFUND else purchase.told,
            at=row.at,
        )
        for row, purchase, refund in rows
    ]


async def _told_without_a_charge(
    session: AsyncSession, since: datetime, until: datetime
) -> list[Line]:
    """Returns the sales that a till was told are paid, and that were not charged."""
    rows = await session.scalars(
        select(PurchaseRow).where(
            PurchaseRow.at >= since,
            PurchaseRow.at < until,
            PurchaseRow.told == APPROVED,
            PurchaseRow.outcome != APPROVED,
        )
    )
    return [
        Line(
            at=row.at,
            kind=ledger.SALE,
            merchant_id=row.merchant_id,
            reference=row.reference,
            ledger=None,
            provider=None,
            told=row.told,
        )
        for row in rows
    ]
