"""Sales as those look for them who sell: the newest first, added up, and each with its way from the
till to the ledger. Nothing here tells who has bought."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cloud.db.tables import follows
from cloud.payments import ledger, refunds
from cloud.payments.purchases import APPROVED, DECLINED, NOT_PAID
from cloud.payments.settling import OPEN
from cloud.payments.tables import LedgerRow, PurchaseRow, RefundRow
from cloud.web.devices import DeviceRow, find_device

_WHEN = re.compile(r"([0-9]{4})-([0-9]{2})(?:-([0-9]{2}))?")


class SaleState(StrEnum):
    """What has become of a sale."""

    PAID = "paid"
    REFUNDED = "refunded"
    """In part or in full; it is paid as well."""
    DISPUTED = "disputed"
    """The holder of the card has asked their bank for the money back; it is paid as well."""
    DECLINED = "declined"
    NOT_PAID = "not-paid"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sales are wanted; None is any."""

    merchant_id: str | None = None
    site_id: str | None = None
    device_id: str | None = None
    reference: str | None = None
    """The till's name for the sale."""
    state: SaleState | None = None
    since: datetime | None = None
    until: datetime | None = None
    """The first time that is too late."""


@dataclass(frozen=True, slots=True)
class Total:
    """What was sold and given back, in the minor unit of a currency."""

    currency: str
    count: int
    """How many sales were paid."""
    paid: int
    refunded: int


def span_of(when: str) -> tuple[datetime, datetime]:
    """Returns the beginning of a day such as `2026-11-29`, or of a month such as `2026-11`, and
    that of the next, in UTC. Raises ValueError for what is neither."""
    found = _WHEN.fullmatch(when)
    if found is None:
        raise ValueError("neither a day nor a month")
    year, month, day = int(found[1]), int(found[2]), found[3]
    since = datetime(year, month, int(day or 1), tzinfo=UTC)
    try:
        if day is not None:
            return since, since + timedelta(days=1)
        return since, datetime(year + month // 12, month % 12 + 1, 1, tzinfo=UTC)
    except OverflowError:
        raise ValueError("there is no later time") from None


async def listed(
    session: AsyncSession,
    wanted: Wanted,
    count: int,
    after: tuple[datetime, str] | None = None,
) -> Sequence[PurchaseRow]:
    """Returns sales, the newest first, at most so many: those that follow the one of this time and
    id."""
    rows = select(PurchaseRow).where(*_conditions(wanted))
    if after is not None:
        rows = rows.where(follows(PurchaseRow.at, PurchaseRow.id, after))
    newest = rows.order_by(PurchaseRow.at.desc(), PurchaseRow.id.desc()).limit(count)
    return (await session.scalars(newest)).all()


async def totals(session: AsyncSession, wanted: Wanted) -> list[Total]:
    """Returns the sums over sales and over what was given back of them, whenever that was, by
    currency."""
    conditions = *_conditions(wanted), PurchaseRow.outcome == APPROVED
    paid = await session.execute(
        select(PurchaseRow.currency, func.count(), func.sum(PurchaseRow.amount_minor))
        .where(*conditions)
        .group_by(PurchaseRow.currency)
        .order_by(PurchaseRow.currency)
    )
    back = await session.execute(
        select(PurchaseRow.currency, func.sum(RefundRow.amount_minor))
        .join(RefundRow, RefundRow.purchase_id == PurchaseRow.id)
        .where(*conditions, RefundRow.outcome != refunds.FAILED)
        .group_by(PurchaseRow.currency)
    )
    refunded = {currency: int(minor) for currency, minor in back}
    return [
        Total(currency, count, int(minor), refunded.get(currency, 0))
        for currency, count, minor in paid
    ]


async def find(session: AsyncSession, purchase_id: str) -> PurchaseRow | None:
    """Returns a sale, None when there is none of this id."""
    return await session.get(PurchaseRow, purchase_id)


async def site_of(session: AsyncSession, row: PurchaseRow) -> str | None:
    """Returns the site of a sale: where its kiosk stands today, where it was not kept."""
    if row.site_id is not None:
        return row.site_id
    device = await find_device(session, row.device_id)
    return None if device is None else device.site_id


def state_of(row: PurchaseRow, refunded_minor: int) -> SaleState:
    """Returns what has become of a sale of which so much was given back."""
    if row.outcome != APPROVED:
        return {DECLINED: SaleState.DECLINED, NOT_PAID: SaleState.NOT_PAID}.get(
            row.outcome, SaleState.OPEN
        )
    if row.dispute is not None:
        return SaleState.DISPUTED
    return SaleState.REFUNDED if refunded_minor else SaleState.PAID


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.merchant_id is not None:
        found.append(PurchaseRow.merchant_id == wanted.merchant_id)
    if wanted.site_id is not None:
        there = select(DeviceRow.id).where(DeviceRow.site_id == wanted.site_id)
        not_kept = and_(PurchaseRow.site_id.is_(None), PurchaseRow.device_id.in_(there))
        found.append(or_(PurchaseRow.site_id == wanted.site_id, not_kept))
    if wanted.device_id is not None:
        found.append(PurchaseRow.device_id == wanted.device_id)
    if wanted.reference is not None:
        found.append(PurchaseRow.reference == wanted.reference)
    if wanted.since is not None:
        found.append(PurchaseRow.at >= wanted.since)
    if wanted.until is not None:
        found.append(PurchaseRow.at < wanted.until)
    if wanted.state is not None:
        found.append(_is_in(wanted.state))
    return found


def _is_in(state: SaleState) -> ColumnElement[bool]:
    is_paid = PurchaseRow.outcome == APPROVED
    match state:
        case SaleState.PAID:
            return is_paid
        case SaleState.REFUNDED:
            given = RefundRow.purchase_id == PurchaseRow.id, RefundRow.outcome != refunds.FAILED
            return and_(is_paid, exists().where(*given))
        case SaleState.DISPUTED:
            return and_(is_paid, PurchaseRow.dispute.is_not(None))
        case SaleState.DECLINED:
            return PurchaseRow.outcome == DECLINED
        case SaleState.NOT_PAID:
            return PurchaseRow.outcome == NOT_PAID
        case SaleState.OPEN:
            return PurchaseRow.outcome.in_(OPEN)


# The way of one sale


class Stage(StrEnum):
    """A step on the way of a sale."""

    ASKED = "asked"
    """The till has asked for the amount, and the kiosk has shown it."""
    RECOGNISED = "recognised"
    """A palm was recognised: of whom is not told, nor how well."""
    CONFIRMED = "confirmed"
    """The shopper has confirmed the amount, and the kiosk has asked for the payment."""
    PRESENTED = "presented"
    """The card itself was presented at the terminal."""
    OPEN = "open"
    DECLINED = "declined"
    NOT_PAID = "not-paid"
    PAID = "paid"
    """The bank has agreed, the amount was captured, and the ledger has it."""
    TOLD = "told"
    NOT_TOLD = "not-told"
    """The kiosk has not said yet what it has told its till."""
    REFUND_ASKED = "refund-asked"
    REFUND_OPEN = "refund-open"
    REFUND_FAILED = "refund-failed"
    """It was never made. If the ledger has it, it was made, and the money has come back."""
    REFUNDED = "refunded"
    """The provider gives it back, and the ledger has it."""
    DISPUTED = "disputed"


@dataclass(frozen=True, slots=True)
class Step:
    stage: Stage
    at: datetime | None = None
    """None where the service does not keep it."""
    told: str = ""
    """The till's name for the sale or the refund; the provider's for a payment; a reason; what the
    till was told; or the bank's word for how a dispute stands."""
    by: str = ""
    """Whose refund it is: the id of a device, a member of staff or a key, or a name at the
    service's machine."""
    why: str = ""
    """`cloud.payments.refunds.Reason`, where it was given."""
    minor: int = 0
    """How much was given back."""
    posted: int | None = None
    """The id of the ledger's transaction."""


async def way_of(session: AsyncSession, row: PurchaseRow) -> list[Step]:
    """Returns the way of a sale, in the order in which it went."""
    theirs = select(LedgerRow).where(LedgerRow.purchase_id == row.id)
    posted = {(each.kind, each.subject): each for each in await session.scalars(theirs)}
    given = select(RefundRow).where(RefundRow.purchase_id == row.id)
    later = [(row.told_at or row.at, [_told(row)])]
    for refund in await session.scalars(given.order_by(RefundRow.at, RefundRow.id)):
        later.append((refund.at, _given_back(refund, posted.get((ledger.REFUND, refund.id)))))
        sent_back = posted.get((ledger.REFUND_FAILED, refund.id))
        if sent_back is not None:
            later.append((sent_back.at, [_failed(refund, sent_back)]))
    way = _until_paid(row, posted.get((ledger.SALE, row.id)))
    for _, steps in sorted(later, key=lambda each: each[0]):
        way += steps
    if row.dispute is not None:
        way.append(Step(Stage.DISPUTED, told=row.dispute))
    return way


def _until_paid(row: PurchaseRow, paid: LedgerRow | None) -> list[Step]:
    steps = [Step(Stage.ASKED, told=row.reference)]
    if row.terminal is None:
        steps += [Step(Stage.RECOGNISED, row.recognised_at), Step(Stage.CONFIRMED, row.at)]
    elif row.card_last4:
        steps.append(Step(Stage.PRESENTED, row.at))
    if row.outcome == APPROVED:
        # The first versions had no ledger.
        at, posted = (None, None) if paid is None else (paid.at, paid.id)
        steps.append(Step(Stage.PAID, at, told=row.payment or "", posted=posted))
    else:
        stage = {DECLINED: Stage.DECLINED, NOT_PAID: Stage.NOT_PAID}.get(row.outcome, Stage.OPEN)
        steps.append(Step(stage, told=row.decline_reason or ""))
    return steps


def _told(row: PurchaseRow) -> Step:
    if row.told is None:
        return Step(Stage.NOT_TOLD)
    return Step(Stage.TOLD, row.told_at, told=row.told)


def _given_back(refund: RefundRow, posted: LedgerRow | None) -> list[Step]:
    minor = refund.amount_minor
    asked = Step(
        Stage.REFUND_ASKED,
        refund.at,
        told=refund.reference,
        by=refund.device_id,
        why=refund.reason or "",
        minor=minor,
    )
    if refund.outcome == refunds.REFUNDED or posted is not None:
        at, entry = (None, None) if posted is None else (posted.at, posted.id)
        name = refund.provider_reference or ""
        return [asked, Step(Stage.REFUNDED, at, told=name, minor=minor, posted=entry)]
    if refund.outcome == refunds.FAILED:
        return [asked, _failed(refund)]
    return [asked, Step(Stage.REFUND_OPEN, minor=minor)]


def _failed(refund: RefundRow, sent_back: LedgerRow | None = None) -> Step:
    """The step of a refund that was never made, or that the card's bank has sent back."""
    at, entry = (None, None) if sent_back is None else (sent_back.at, sent_back.id)
    why = refund.failure_reason or ""
    return Step(Stage.REFUND_FAILED, at, told=why, minor=refund.amount_minor, posted=entry)
