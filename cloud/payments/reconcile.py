"""Compares one day of the payment provider, of the ledger and of what tills were told.

The provider counts a payment at the time it was begun, and the ledger at the time its outcome was
stored, which is later by as long as one of them was away. What lies on the other side of midnight
there is still found: the provider is asked from the time on at which anything was begun that was
posted on the day, and what was begun on the day is looked for however late it was posted. Their
clocks may differ by MARGIN. The provider's records of people who were deleted cannot
be told apart any more, and are matched by their amounts.

What differs is kept for as long as somebody may have to look into it, for the console: without the
provider's names, which lead to its record of a person.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import chain

from pydantic import BaseModel
from sqlalchemy import delete, func, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.context import Database
from cloud.payments import ledger
from cloud.payments.purchases import APPROVED
from cloud.payments.refunds import FAILED, REFUNDED
from cloud.payments.settling import OPEN
from cloud.payments.tables import LedgerRow, PurchaseRow, ReconciliationRow, RefundRow
from cloud.policy import RECONCILIATION_LIFE
from cloud.providers import Movement, PaymentProvider
from protocol.messages import Money

MARGIN = timedelta(hours=1)
_HAS_NOT_FAILED = RefundRow.outcome.is_distinct_from(FAILED)


@dataclass(frozen=True, slots=True)
class Posted:
    """A transaction of the ledger, with what else is stored about its sale or refund; or a sale or
    a refund that has no transaction."""

    kind: str
    merchant_id: str
    reference: str
    """The till's name for the sale or the refund."""
    sale: str
    """The till's name for the sale that it is, or of which it is a refund."""
    name: str | None
    """As `Movement.name`; None when the person was deleted."""
    amount: Money | None
    """None where nothing is posted."""
    state: str | None
    """The `outcome` of what is not posted (`cloud.payments.tables`)."""
    told: str | None
    """What the till was told about a sale."""
    at: datetime


class Why(StrEnum):
    """On what the sides differ; what should be looked at first is first."""

    UNPAID = "unpaid"
    """The till was told that it is paid, and nothing was charged."""
    TOLD_OTHERWISE = "told-otherwise"
    """It was charged, and the till was told that it was not."""
    CHARGED = "charged"
    """The provider has it, and here it counts as declined, not paid or failed."""
    UNKNOWN = "unknown"
    """The provider has moved money of which nothing is known here."""
    MISSING = "missing"
    """The ledger has it, and the provider does not."""
    AMOUNTS = "amounts"
    NOT_TOLD = "not-told"
    """It is not reported what the till was told."""
    UNFINISHED = "unfinished"
    """It is not finished here yet, whether the provider has it or not."""


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
    sale: str | None = None
    """The till's name for the sale that it is, or of which it is a refund; None when nobody here
    knows of it."""
    state: str | None = None
    """The `outcome` of what the ledger does not have."""

    @property
    def why(self) -> Why | None:  # noqa: PLR0911 - one for each difference
        """Returns on what the sides differ; None when all agree."""
        if self.merchant_id is None:
            return Why.UNKNOWN
        if self.state in OPEN:
            return Why.UNFINISHED
        if self.ledger is None:
            return Why.UNPAID if self.provider is None else Why.CHARGED
        if self.provider is None:
            return Why.MISSING
        if self.ledger != self.provider:
            return Why.AMOUNTS
        if self.kind == ledger.SALE and self.told != APPROVED:
            return Why.NOT_TOLD if self.told is None else Why.TOLD_OTHERWISE
        return None

    @property
    def agrees(self) -> bool:
        """Whether all sides agree."""
        return self.why is None


async def reconcile(
    database: Database,
    provider: PaymentProvider,
    day: datetime,
    merchant_id: str | None = None,
) -> list[Line]:
    """Returns everything that happened in the 24 hours from `day` on, in order: of one merchant, or
    of all. What the provider alone knows of is always in it. Raises ProviderUnavailable."""
    until = day + timedelta(days=1)
    async with database.reading() as session:
        begun = await _first_begun(session, day, until)
    first, last = min(begun, day) - MARGIN, until + MARGIN
    moved = await provider.movements(first, last)
    async with database.reading() as session:
        posted = await _posted(session, first, last)
        posted += await _not_posted(session, first, last)
    lines = list(_compared(posted, moved))
    of_the_day = [line for line in lines if day <= line.at < until]
    if merchant_id is not None:
        of_the_day = [each for each in of_the_day if each.merchant_id in (None, merchant_id)]
    return sorted(of_the_day, key=lambda line: (line.at, line.kind, line.reference))


def _compared(posted: Sequence[Posted], moved: Sequence[Movement]) -> Iterator[Line]:
    named: defaultdict[tuple[str, str], list[Movement]] = defaultdict(list)
    for movement in moved:
        named[movement.kind, movement.name].append(movement)
    for each in posted:
        if each.name is not None:
            found = named[each.kind, each.name]
            yield from _lines(each, found.pop(0) if found else None)
    # Last what has no name, so that it takes nothing that is another's.
    of_amount: defaultdict[tuple[str, Money | None], list[Movement]] = defaultdict(list)
    for movement in chain.from_iterable(named.values()):
        of_amount[movement.kind, movement.amount].append(movement)
    for each in posted:
        if each.name is None:
            # The amount of what is not posted is None, and matches nothing.
            found = of_amount[each.kind, each.amount]
            nearest = min(found, key=lambda m, at=each.at: abs(m.at - at), default=None)
            if nearest is not None:
                found.remove(nearest)
            yield from _lines(each, nearest)
    for movement in chain.from_iterable(of_amount.values()):
        yield Line(
            at=movement.at,
            kind=movement.kind,
            merchant_id=None,
            reference=movement.name,
            ledger=None,
            provider=movement.amount,
            told=None,
        )


def _lines(each: Posted, provided: Movement | None) -> Iterator[Line]:
    """Yields the line of what is stored here, but for what was declined, and the till knows."""
    if (provided or each.amount) is None and each.state not in OPEN and each.told != APPROVED:
        return
    yield Line(
        at=each.at,
        kind=each.kind,
        merchant_id=each.merchant_id,
        reference=each.reference,
        ledger=each.amount,
        provider=provided and provided.amount,
        told=each.told,
        sale=each.sale,
        state=each.state,
    )


async def _first_begun(session: AsyncSession, since: datetime, until: datetime) -> datetime:
    """Returns when the first of what was posted in that time was begun; `since` if nothing was."""
    first = await session.scalar(
        select(func.min(func.coalesce(RefundRow.at, PurchaseRow.at)))
        .select_from(LedgerRow)
        .join(PurchaseRow, PurchaseRow.id == LedgerRow.purchase_id)
        .outerjoin(RefundRow, RefundRow.id == LedgerRow.subject)
        .where(LedgerRow.at >= since, LedgerRow.at < until)
    )
    return first or since


async def _posted(session: AsyncSession, since: datetime, until: datetime) -> list[Posted]:
    """Returns what was posted in that time, and what was begun in it and posted later."""
    begun = union_all(
        select(PurchaseRow.id).where(PurchaseRow.at >= since, PurchaseRow.at < until),
        select(RefundRow.id).where(RefundRow.at >= since, RefundRow.at < until),
    )
    in_time = select(LedgerRow.id).where(LedgerRow.at >= since, LedgerRow.at < until)
    # By kind and subject, as an index has them: otherwise all that was posted since is read.
    of_begun = LedgerRow.kind.in_((ledger.SALE, ledger.REFUND)), LedgerRow.subject.in_(begun)
    later = select(LedgerRow.id).where(*of_begun, LedgerRow.at >= until)
    rows = await session.execute(
        select(LedgerRow, PurchaseRow, RefundRow)
        .join(PurchaseRow, PurchaseRow.id == LedgerRow.purchase_id)
        .outerjoin(RefundRow, RefundRow.id == LedgerRow.subject)
        # A refund that was posted and has failed since is posted twice, and leaves nothing.
        .where(LedgerRow.id.in_(union_all(in_time, later)), _HAS_NOT_FAILED)
    )
    return [
        Posted(
            kind=row.kind,
            merchant_id=row.merchant_id,
            reference=refund.reference if row.kind == ledger.REFUND else purchase.reference,
            sale=purchase.reference,
            name=refund.provider_reference if row.kind == ledger.REFUND else purchase.payment,
            amount=Money(minor=row.minor, currency=row.currency),
            state=None,
            told=None if row.kind == ledger.REFUND else purchase.told,
            at=row.at,
        )
        for row, purchase, refund in rows
    ]


async def _not_posted(session: AsyncSession, since: datetime, until: datetime) -> list[Posted]:
    """Returns the sales and refunds that were begun in that time and are not in the ledger."""
    sales = await session.scalars(
        select(PurchaseRow).where(
            PurchaseRow.at >= since, PurchaseRow.at < until, PurchaseRow.outcome != APPROVED
        )
    )
    found = [
        Posted(
            kind=ledger.SALE,
            merchant_id=row.merchant_id,
            reference=row.reference,
            sale=row.reference,
            name=row.payment,
            amount=None,
            state=row.outcome,
            told=row.told,
            at=row.at,
        )
        for row in sales
    ]
    given_back = await session.execute(
        select(RefundRow, PurchaseRow.reference)
        .join(PurchaseRow, PurchaseRow.id == RefundRow.purchase_id)
        .where(RefundRow.at >= since, RefundRow.at < until, RefundRow.outcome != REFUNDED)
    )
    return found + [
        Posted(
            kind=ledger.REFUND,
            merchant_id=row.merchant_id,
            reference=row.reference,
            sale=sale,
            name=row.provider_reference,
            amount=None,
            state=row.outcome,
            told=None,
            at=row.at,
        )
        for row, sale in given_back
    ]


# What is kept


class Difference(BaseModel):
    """One thing on which the sides differ, as it is kept."""

    at: datetime
    kind: str
    why: Why
    merchant_id: str | None
    reference: str | None
    """None for what the provider alone knows of: its own name is not kept."""
    sale: str | None
    ledger: Money | None
    provider: Money | None
    told: str | None


class Report(BaseModel):
    """What came of comparing a day of all merchants."""

    counts: dict[str, int]
    """How many things were compared, by merchant; those of none are under an empty name."""
    differences: list[Difference]
    """In their order."""

    def of(self, merchant_id: str | None) -> "Report":
        """Returns what concerns one merchant, or all of it."""
        if merchant_id is None:
            return self
        counts = {merchant_id: self.counts.get(merchant_id, 0)}
        theirs = [each for each in self.differences if each.merchant_id == merchant_id]
        return Report(counts=counts, differences=theirs)


@dataclass(frozen=True, slots=True)
class Compared:
    """A day as it was compared last."""

    day: date
    at: datetime
    """When it was compared."""
    report: Report


async def keep_report(
    session: AsyncSession, day: datetime, lines: Sequence[Line], now: datetime
) -> None:
    """Keeps what came of comparing a day of all merchants, in place of what was kept of it."""
    differences = [
        Difference(
            at=line.at,
            kind=line.kind,
            why=line.why,
            merchant_id=line.merchant_id,
            reference=None if line.merchant_id is None else line.reference,
            sale=line.sale,
            ledger=line.ledger,
            provider=line.provider,
            told=line.told,
        )
        for line in lines
        if line.why is not None
    ]
    counts = Counter(line.merchant_id or "" for line in lines)
    report = Report(counts=counts, differences=differences)
    name = f"{day:%Y-%m-%d}"
    await session.merge(ReconciliationRow(day=name, at=now, content=report.model_dump_json()))


async def kept(session: AsyncSession, count: int) -> list[Compared]:
    """Returns the latest days that were compared, the newest first."""
    latest = select(ReconciliationRow).order_by(ReconciliationRow.day.desc()).limit(count)
    return [
        Compared(date.fromisoformat(row.day), row.at, Report.model_validate_json(row.content))
        for row in await session.scalars(latest)
    ]


async def forget_expired(session: AsyncSession, now: datetime) -> None:
    """Deletes what was kept long enough."""
    await session.execute(
        delete(ReconciliationRow).where(ReconciliationRow.at <= now - RECONCILIATION_LIFE)
    )
